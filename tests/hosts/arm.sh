#!/usr/bin/env bash
# Linux on Arm, emulated, where there is no such machine: the original engine's runs, then Parts 1 to 3 with
# their stored outputs. Ten to twenty times slower than the machine itself, so it is no part of .ci/run.
#
#     tests/hosts/arm.sh                                  # builds .venv-arm and runs all
#     tests/hosts/arm.sh tests/test_conformance.py -k xor # builds it, and runs these tests only
#
# Debian's arm64 Python is unpacked in .venv-arm/root, the wheels for Arm beside it, and qemu translates each
# program as it runs: nothing is installed on this machine but qemu-user-static, and its kernel knows of nothing.
# It takes Debian's apt and the environment of the README's test command in .venv, which drives the notebooks.
set -eu
cd "$(dirname "$0")/../.."
stack=$PWD/.venv-arm
python=("$(command -v qemu-aarch64-static || echo qemu-aarch64-static)" -L "$stack/root" "$stack/root/usr/bin/python3")

fetch_packages() {  # NAME...: Debian's, for arm64, with all that they need; this machine's lists stay as they are
    local apt=$stack/apt
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User=root
        -o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt")
    apt-get "${options[@]}" update
    apt-get "${options[@]}" install -y --download-only --no-install-recommends "$@"
}

# The copied list comes last: a build that was cut is begun again.
if ! cmp --silent constraints.txt "$stack/built-from.txt"; then
    rm -rf "$stack"
    fetch_packages python3 libstdc++6
    for package in "$stack"/apt/archives/*.deb; do dpkg-deb -x "$package" "$stack/root"; done
    version=$("${python[@]}" -c "import sys; print('%d.%d' % sys.version_info[:2])")
    .venv/bin/uv pip install -q --target "$stack/site" --python-platform aarch64-manylinux_2_28 \
        --python-version "$version" --only-binary :all: -r requirements.txt -c constraints.txt
    mkdir -p "$stack/share/jupyter/kernels/arm"
    .venv/bin/python - "$stack" "${python[@]}" <<'END'
import json
import os
import sys

stack, *python = sys.argv[1:]
kernel = {
    "argv": [*python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Arm, emulated",
    "language": "python",
    "env": {"PYTHONPATH": f"{stack}/site{os.pathsep}{os.getcwd()}"},
}
with open(f"{stack}/share/jupyter/kernels/arm/kernel.json", "w") as file:
    json.dump(kernel, file)
END
    cp constraints.txt "$stack/built-from.txt"
fi

tests=(env PYTHONPATH="$stack/site" "${python[@]}" -m pytest -q -p no:cacheprovider)
[ $# = 0 ] || exec "${tests[@]}" "$@"

status=0
"${tests[@]}" tests/test_conformance.py || status=$?
JUPYTER_PATH=$stack/share/jupyter .venv/bin/python -m pytest -q --nbval --nbval-kernel-name arm \
    --nbval-cell-timeout 7200 --nbval-kernel-startup-timeout 600 part1*.ipynb part2*.ipynb part3*.ipynb || status=$?
exit $status
