#!/usr/bin/env bash
# Prints the path of a Python of one version: tests/hosts/find_python.sh 3.13
for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
    "$python" -c "import sys; print(sys.executable)" 2>/dev/null && exit  # pyenv puts a python3.13 that may not start
done
echo "No Python $1: install it, or put python$1 on the PATH." >&2
exit 1
