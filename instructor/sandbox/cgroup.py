"""Bounds that the kernel itself enforces on a sandbox, where control groups can be written: mostly as root.

Elsewhere the watch inside the sandbox, its resource limits and the refused calls (``room.forbidden_calls``)
are all there is: what is taken faster than the watch looks is bounded for each process, not for all.
"""

import contextlib
import os
import shlex
import tempfile
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def create(memory: int, processes: int) -> list[Path]:
    """Return the folders of a new group with these bounds; none where the system does not allow it."""
    folders, prefix = [], f"lab-{os.getpid()}-"
    with contextlib.suppress(OSError):
        if (_ROOT / "cgroup.controllers").exists():  # version 2: one folder
            folders.append(Path(tempfile.mkdtemp(prefix=prefix, dir=_ROOT)))
            (folders[0] / "memory.max").write_text(str(memory))
            (folders[0] / "pids.max").write_text(str(processes))
        else:  # version 1: one folder for each kind of bound
            folders.append(Path(tempfile.mkdtemp(prefix=prefix, dir=_ROOT / "memory")))
            (folders[0] / "memory.limit_in_bytes").write_text(str(memory))
            folders.append(Path(tempfile.mkdtemp(prefix=prefix, dir=_ROOT / "pids")))
            (folders[1] / "pids.max").write_text(str(processes))
    return folders


def left_behind(folder: Path, prefix: str) -> list[Path]:
    """Return the folders named ``prefix``, a process's number and more, of which the process was killed."""
    found = folder.glob(f"{prefix}[0-9]*-*") if Path("/proc/self").exists() else ()
    return [
        path for path in found if not Path("/proc", path.name.removeprefix(prefix).split("-")[0]).exists()
    ]


def sweep() -> None:
    """Remove the groups that killed runs left."""
    for root in (_ROOT, _ROOT / "memory", _ROOT / "pids"):
        for folder in left_behind(root, "lab-"):
            with contextlib.suppress(OSError):
                folder.rmdir()


def entering(folders: list[Path], command: list[str]) -> list[str]:
    """Return a command that runs another in the group, with all that it starts."""
    files = shlex.join(f"{folder}/cgroup.procs" for folder in folders)
    return ["/bin/sh", "-c", f'for file in {files}; do echo $$ > "$file"; done; exec "$@"', "sh", *command]


def remove(folders: list[Path]) -> None:
    """Remove the group once its processes have ended; it is empty soon after they were killed."""
    for folder in folders:
        for _ in range(50):
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.02)
