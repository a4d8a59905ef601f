#!/usr/bin/env bash
# Makes a student edition the content of a public repository, tagged: push.sh FOLDER REMOTE TAG
#
# The history of that repository is kept: one commit an edition, on its default branch. Nothing of this one goes there.
set -eu
folder=$1 remote=$2 tag=$3
if [ ! -e "$folder/README.md" ] || [ -e "$folder/instructor" ]; then
    echo "push.sh: no student edition in $folder" >&2
    exit 1
fi
public=$(mktemp -d)
trap 'rm -rf "$public"' EXIT

git clone --quiet --depth 1 "$remote" "$public"
git -C "$public" rm --quiet -r --ignore-unmatch .  # what an earlier edition had and this one has not
cp -R "$folder/." "$public"
cd "$public"
git add --all --force
git diff --cached --quiet 2>/dev/null ||
    git -c user.name=release -c user.email=release@localhost commit --quiet --message "$tag"
git tag "$tag"
git push --quiet --atomic origin HEAD "refs/tags/$tag"
