#!/usr/bin/env bash
# Colab's stack, in .venv-colab: builds it if it is not there or its list has changed, then runs on it the tests,
# the student editions (as the README's command does) and the instructor editions.
#
#     tests/hosts/colab.sh           # builds and runs
#     tests/hosts/colab.sh build     # only builds
#
# It takes Python 3.13, as Colab has, and the environment of the README's test command in .venv: nbgrader, which
# reads the marks of the instructor editions, cannot be installed beside Notebook 6.
set -eu
cd "$(dirname "$0")/../.."
stack=.venv-colab
list=tests/hosts/colab-requirements.txt

# The copied list comes last: a build that was cut is begun again.
if ! cmp --silent "$list" "$stack/built-from.txt"; then
    python=$(tests/hosts/find_python.sh 3.13)
    "$python" -m venv --clear "$stack"
    "$stack/bin/pip" install -q -r "$list"
    "$stack/bin/python" -Xfrozen_modules=off -m ipykernel install --prefix "$stack" >/dev/null  # with the path of its interpreter
    cp "$list" "$stack/built-from.txt"
fi
[ "${1:-}" = build ] && exit

status=0
"$stack/bin/python" -m pytest --nbval -n auto || status=$?
# The same runner as ever, on Colab's kernel: JUPYTER_PATH is where "python3" is looked for first.
JUPYTER_PATH=$PWD/$stack/share/jupyter \
    .venv/bin/python -m pytest -n auto tests/edition -k full_marks || status=$?
exit $status
