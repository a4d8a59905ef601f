#!/usr/bin/env bash
# Makes a student edition the content of a public repository, tagged: push.sh FOLDER REMOTE TAG
#
# The history of that repository is kept: one commit an edition, on its default branch (whose name as TAG means no tag).
# Nothing of this repository goes there, and it is refused if it ever held what only instructors may have.
set -eu
refuse() {
    echo "push.sh: $1" >&2
    exit 1
}
if [ $# -ne 3 ]; then refuse "usage: push.sh FOLDER REMOTE TAG, as release prints it"; fi
folder=$1 remote=$2 tag=$3
if [ ! -e "$folder/README.md" ] || [ -e "$folder/instructor" ]; then refuse "no student edition in $folder"; fi
public=$(mktemp -d)
trap 'rm -rf "$public"' EXIT

git clone --quiet "$remote" "$public"
if [ -n "$(git -C "$public" log --all --format=%h -1 -- instructor correction)" ]; then
    refuse "that repository holds instructor/, or held it once: make a new repository for students"
fi
if git -C "$public" rev-parse --quiet --verify "refs/tags/$tag" >/dev/null; then
    refuse "students may have $tag, which is never moved: release again with another --ref, such as v2"
fi
git -C "$public" rm --quiet -r --ignore-unmatch .  # what an earlier edition had and this one has not
tar -C "$folder" --exclude ./.git -cf - . | tar -C "$public" -xf -
cd "$public"
git add --all --force
git diff --cached --quiet 2>/dev/null ||
    git -c user.name=release -c user.email=release@localhost commit --quiet --message "$tag"
if [ "$tag" = "$(git branch --show-current)" ]; then
    git push --quiet origin HEAD
else
    git tag "$tag"
    git push --quiet --atomic origin HEAD "refs/tags/$tag"
fi
