"""Bounds that the kernel itself enforces on a sandbox, where control groups can be written: mostly as root.

Elsewhere the watch inside the sandbox and its resource limits are all there is. They see neither memory that
no process maps, such as files of ``memfd_create``, nor what is taken faster than they look.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def create(memory: int, processes: int) -> list[Path]:
    """Return the folders of a new group with these bounds; none where the system does not allow it."""
    folders = []
    with contextlib.suppress(OSError):
        if (_ROOT / "cgroup.controllers").exists():  # version 2: one folder
            folders.append(Path(tempfile.mkdtemp(prefix="lab-", dir=_ROOT)))
            (folders[0] / "memory.max").write_text(str(memory))
            (folders[0] / "pids.max").write_text(str(processes))
        else:  # version 1: one folder for each kind of bound
            folders.append(Path(tempfile.mkdtemp(prefix="lab-", dir=_ROOT / "memory")))
            (folders[0] / "memory.limit_in_bytes").write_text(str(memory))
            folders.append(Path(tempfile.mkdtemp(prefix="lab-", dir=_ROOT / "pids")))
            (folders[1] / "pids.max").write_text(str(processes))
    return folders


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
