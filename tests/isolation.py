"""Whether submissions can be isolated here, for the tests that need it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from instructor.sandbox import room


def required_sandbox() -> None:
    """Skip with the reason where nothing can be isolated; fail there if LAB_SANDBOX=required."""
    try:
        room.require()
    except room.SandboxError as error:
        if os.environ.get("LAB_SANDBOX") == "required":
            pytest.fail(f"LAB_SANDBOX=required, but {error}")
        pytest.skip(str(error))


def as_nobody(folder: Path) -> list[str]:
    """Return the beginning of a command that runs the rest as nobody, where ``folder`` is /mnt and its own.

    Skip with the reason where this user is not root, or may not become another one.
    """
    if os.geteuid():
        pytest.skip("not root: the other tests run without already")
    command = [shutil.which("bwrap"), "--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    seen = sorted({path.resolve() for path in map(Path, (room.ROOT, sys.prefix, sys.base_prefix))})
    if below := [path for path in seen if Path.home() in path.parents]:  # root's home is root's alone
        parents = {parent for path in below for parent in path.parents if Path.home() in parent.parents}
        command += ["--perms", "0755", "--tmpfs", str(Path.home())]
        command += [part for parent in sorted(parents) for part in ("--perms", "0755", "--dir", str(parent))]
        command += [part for path in below for part in ("--ro-bind", str(path), str(path))]
    command += ["--bind", str(folder), "/mnt", "--chdir", "/mnt", "--setenv", "HOME", "/tmp"]
    command += ["--setenv", "PYTHONPATH", str(room.ROOT)]
    command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    command += ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    trial = subprocess.run([*command, sys.executable, "-V"], capture_output=True, text=True, check=False)
    if trial.returncode:
        pytest.skip(f"nobody cannot be here: {trial.stderr.strip()}")
    return command
