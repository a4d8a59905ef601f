#!/usr/bin/env bash
# What the README's two lines for students do on their machines, and what constraints.txt promises:
#   1. it is what its own command makes of the requirements: nothing is missing, nothing is left over;
#   2. all that a student installs comes as wheels, on each system and Python that the lab supports;
#   3. the line with python3, on a Python that is not the tests' own, ends in a notebook that runs;
#   4. so does the line with uv where python3 is too old or too new, which the lab's own report advises, and where
#      another environment is activated.
#
# It takes the environment of the README's test command in .venv, Python 3.13, and the package index.
set -eu
cd "$(dirname "$0")/../.."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

echo "constraints.txt, made again"
cp constraints.txt "$made"  # uv keeps what it can of the file that it writes
command=$(sed -n 's/^#    \(uv .*\) -o constraints.txt$/\1/p' constraints.txt)
# shellcheck disable=SC2086  # its words
.venv/bin/$command --quiet -o "$made/constraints.txt"
diff <(grep -v '^#' constraints.txt) <(grep -v '^#' "$made/constraints.txt")

for system in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin x86_64-pc-windows-msvc; do
    for version in 3.11 3.12 3.13; do
        echo "wheels for Python $version on $system"
        .venv/bin/uv pip compile --quiet --only-binary :all: --python-platform "$system" \
            --python-version "$version" requirements.txt --constraints constraints.txt >/dev/null
    done
done

# A student's machine: the edition, and which Python is called python3.
.venv/bin/python - "$made/edition" <<'END'
import sys
from pathlib import Path

from instructor.editions import ROOT, sources
from instructor.publish import package

package.build_student([ROOT / source.name for source in sources()], Path(sys.argv[1]))
END
mkdir "$made/bin"
good=$(tests/hosts/find_python.sh 3.13)
for version in 3.14 3.10 3.9; do
    other=$(tests/hosts/find_python.sh "$version" 2>/dev/null) && break
done
ln -s "$PWD/.venv/bin/uv" "$good" "$made/bin"
PATH=$made/bin:$PATH
cd "$made/edition"

follow() {  # follow WORD: the README's line that begins with it, but the notebook is executed, not opened
    local line opens="jupyter lab part1_linear_vs_relu.ipynb"
    line=$(grep "^$1 .*$opens\$" README.md)
    echo "$line"
    timeout 900 bash -e -c "${line/"$opens"/"jupyter execute part1_linear_vs_relu.ipynb"}" >"$made/log" 2>&1 ||
        { cat "$made/log"; return 1; }
}

ln -s "$good" "$made/bin/python3"
follow python3
if [ -n "$other" ]; then
    ln -sf "$other" "$made/bin/python3"
    rm -r .venv
    python3 -m venv --without-pip "$made/activated"
    export VIRTUAL_ENV=$made/activated  # of another course; uv would install there if it were not told where
    report=$(python3 -m helpers 2>&1 || true)
    grep "ligne uv du README" <<<"$report"
fi
follow uv
