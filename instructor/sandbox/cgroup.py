"""Bounds that the kernel itself enforces on a sandbox, where control groups can be written: mostly as root.

Elsewhere the watch inside the sandbox and its resource limits are all there is.
"""

from __future__ import annotations

import contextlib
import shlex
import tempfile
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
# Version 2: one group, both files. Version 1: a group in the hierarchy of each controller.
_FILES = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max", "pids.max")}


class Cgroup:
    """A control group, one folder per hierarchy."""

    def __init__(self, folders: list[Path]):
        self.folders = folders

    @classmethod
    def create(cls, memory: int | None, processes: int | None) -> Cgroup | None:
        """Return a new group with these bounds, as far as the system allows; None where it does not."""
        group = cls([])
        for name, bound in (("memory", memory), ("pids", processes)):
            if bound is not None:
                with contextlib.suppress(OSError):
                    group._bound(name, bound)
        if group.folders:
            return group
        return None

    def inside(self, command: list[str]) -> list[str]:
        """Return a command that runs another in the group, with all that it starts."""
        files = [f"{folder}/cgroup.procs" for folder in self.folders]
        entering = f'for file in {shlex.join(files)}; do echo $$ > "$file"; done; exec "$@"'
        return ["/bin/sh", "-c", entering, "sh", *command]

    def remove(self) -> None:
        """Remove the group once its processes have ended; it is empty soon after they were killed."""
        for folder in self.folders:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)

    def _bound(self, name, bound):
        second = (_ROOT / "cgroup.controllers").exists()
        parent = _ROOT if second else _ROOT / name
        folder = next(iter(self.folders), None) if second else None
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="lab-", dir=parent))
            self.folders.append(folder)
        file = folder / _FILES[name][0 if second else 1]
        if not file.exists():  # a controller that is not delegated
            if not second:
                self.folders.remove(folder)
                folder.rmdir()
            return
        file.write_text(str(bound))
