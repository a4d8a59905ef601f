"""Runs a command where it sees and reaches next to nothing: bubblewrap's namespaces, on Linux.

Threat model. A submission's code is hostile: it may do anything that a program may do. Promised:

- it sees the system's libraries, Python and its packages, our helpers, and its own files; not the
  instructor's folder, other submissions, the results, the gradebook, nor the teacher's home;
- it writes only in memory of its own, of bounded size, gone with it; it has no network, no other process to
  signal or trace, and no privilege; time, memory, processes and sizes of files are bounded, and all that it
  started dies with it;
- its mark is computed in another sandbox (``inside.checker``), from values that cannot execute.

Not promised: resistance to a flaw of the kernel's namespaces, of bubblewrap or of numpy; secrecy of what the
machine is (processor, kernel, load); that a student did not paste somebody else's answers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..editions import ROOT
from .cgroup import Cgroup
from .inside import wire

INSIDE = "/lab"  # where a sandbox sees the helpers
HOME = "/tmp/etudiant"  # inside
CIFAR10 = "/cifar10"
_OWN = "/tmp/"  # a sandbox has one of its own
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "mime.types")
START = 120  # seconds for a sandbox to import TensorFlow
_ENVIRONMENT = {
    "HOME": HOME,
    "TMPDIR": "/tmp",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "MPLCONFIGDIR": f"{HOME}/.matplotlib",
    "IPYTHONDIR": f"{HOME}/.ipython",
    "PYTHONPATH": INSIDE,
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "LAB_GRADING": "1",  # helpers that would train for minutes read what was saved instead
}


class SandboxError(Exception):
    """No sandbox here, or it does not start; the message says what to do."""


def require() -> str:
    """Return bubblewrap's path.

    Raises:
        SandboxError: this system cannot isolate a submission.
    """
    if not sys.platform.startswith("linux"):
        raise SandboxError(
            "submissions can only be isolated on Linux. Grade on a Linux machine or in a virtual machine "
            "(on Windows: WSL 2), or give --unsafe if you trust every submission."
        )
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxError(
            "bubblewrap is not installed, and submissions cannot be isolated without it. Install it "
            "(Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), or give --unsafe if "
            "you trust every submission."
        )
    true = shutil.which("true") or "/bin/true"
    trial = subprocess.run(
        [bwrap, *_isolation(), "--proc", "/proc", "--dev", "/dev", *_system(), true],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if trial.returncode:
        raise SandboxError(
            f"bubblewrap cannot isolate here ({trial.stderr.strip()[:200]}). Unprivileged user namespaces "
            "are probably off: ask the administrator (sysctl kernel.unprivileged_userns_clone=1, "
            "kernel.apparmor_restrict_unprivileged_userns=0), run in a virtual machine, or give --unsafe if "
            "you trust every submission."
        )
    return bwrap


@contextlib.contextmanager
def lab() -> Iterator[Path]:
    """Yield a temporary folder with all of the pack that a sandbox sees: the helpers, and ``inside``."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        for source in (ROOT / "helpers", Path(__file__).parent / "inside"):
            shutil.copytree(source, Path(folder, source.name))
        yield Path(folder)


class Room:
    """A process of ours, ``python -m MODULE``, in a sandbox, and the socket to speak with it.

    Args:
        module: such as "inside.nursery".
        pack: what ``lab`` made.
        unsafe: without isolation.
        cifar10: folder to show, read-only.
        memory, processes: bounds on all of it, enforced by the kernel where control groups can be written.
    """

    def __init__(
        self,
        module: str,
        pack: Path,
        unsafe: bool = False,
        cifar10: Path | None = None,
        memory: int | None = None,
        processes: int | None = None,
    ):
        self.socket, theirs = socket.socketpair()
        self._home = tempfile.TemporaryDirectory(prefix="lab-home-") if unsafe else None
        mode = "unsafe" if unsafe else "isolated"
        python = sys.executable if unsafe else _shown(sys.executable)
        command = [python, "-s", "-m", module, str(theirs.fileno()), mode]
        # Named even where there is none, so that nobody tries to download it.
        environment = {**_ENVIRONMENT, "CIFAR10_DIR": CIFAR10}
        if unsafe:
            home = self._home.name
            environment |= {"HOME": home, "MPLCONFIGDIR": f"{home}/.matplotlib", "TMPDIR": home}
            environment |= {"IPYTHONDIR": f"{home}/.ipython", "PYTHONPATH": str(pack)}
            environment["PATH"] = os.environ.get("PATH", environment["PATH"])
            if cifar10 is not None:
                environment["CIFAR10_DIR"] = str(Path(cifar10).resolve())
        else:
            command = [*isolated(require(), pack, cifar10), *command]
        self._cgroup = Cgroup.create(memory, processes) if not unsafe else None
        if self._cgroup:
            command = self._cgroup.inside(command)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed in ``close``)
        with theirs:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=self._home.name if unsafe else "/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            self.greeting, _ = wire.receive(self.socket, START)
        except wire.Lost:
            self._errors.seek(0)
            reason = self._errors.read().decode(errors="replace").strip()[-500:]
            self.close()
            raise SandboxError(f"the sandbox of {module} does not start: {reason}") from None

    def ask(self, request: dict, seconds: float, descriptors: list[int] | tuple = ()) -> dict:
        """Send a request with open files, and return the answer.

        Raises:
            wire.Lost: no answer in time; close this room.
        """
        wire.send(self.socket, request, descriptors)
        return wire.receive(self.socket, seconds)[0]

    def close(self) -> None:
        """End it with all that it started."""
        self.socket.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._errors.close()
        if self._cgroup:
            self._cgroup.remove()
        if self._home:
            self._home.cleanup()


def isolated(bwrap: str, pack: Path, cifar10: Path | None = None) -> list[str]:
    """Return the beginning of a command line that runs the rest isolated."""
    command = [bwrap, *_isolation(), *_system()]
    for path in _python_folders():
        command += ["--ro-bind", path, _shown(path)]
    command += ["--ro-bind", str(pack), INSIDE]
    if cifar10 is not None:
        command += ["--ro-bind", str(Path(cifar10).resolve()), CIFAR10]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", HOME, "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        # Lets the nursery take bubblewrap's covers off /proc, to mount one in a namespace and map root there.
        command += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP"]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _isolation():
    return ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--hostname", "lab"]


def _system():
    """Return the options that show the system's programs and libraries, read-only."""
    options = []
    for path in _SYSTEM:
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    for name in _SETTINGS:
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return options


def _shown(path: str) -> str:
    """Return where a sandbox sees one of Python's folders or files: elsewhere if ours lies in /tmp."""
    return f"/python{path}" if path.startswith(_OWN) else path


def _python_folders() -> list[str]:
    """Return the folders of Python and its packages that lie outside of the system's."""
    folders = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values()}
    folders |= {*site.getsitepackages(), os.path.dirname(os.path.realpath(sys.executable))}
    # An environment may be a link, and its python too: both ends are needed.
    folders |= {os.path.realpath(folder) for folder in folders}
    hidden = {str(ROOT), str(Path.home()), "/"}
    existing = sorted(folder for folder in folders if os.path.isdir(folder) and folder not in hidden)
    return [
        folder
        for folder in existing
        if not folder.startswith("/usr/")
        and not any(folder.startswith(f"{other}/") for other in existing if other != folder)
    ]
