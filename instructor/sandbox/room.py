"""Runs a command where it sees and reaches next to nothing: bubblewrap's namespaces, on Linux.

Threat model. A submission's code is hostile: it may do anything that a program may do. Promised:

- it sees the system's libraries, Python and its packages, our helpers, and its own files; not the
  instructor's folder, other submissions, the results, the gradebook, nor the teacher's home;
- it writes only in memory of its own, of bounded size, gone with it; it has no network, no other process to
  signal or trace, and no privilege; time, memory, threads and sizes of files are bounded, memory that no
  process holds cannot be had, and all that it started dies with it;
- its mark is computed in another sandbox (``inside.checker``), from values that cannot execute.

Each notebook has a new sandbox: 0.5 s. TensorFlow, 4 s more, is loaded there only for code that imports it.

Not promised: resistance to a flaw of the kernel's namespaces, of bubblewrap or of numpy; secrecy of what the
machine is (processor, kernel, load); that a student did not paste somebody else's answers.
"""

import compileall
import contextlib
import errno
import os
import shutil
import signal
import site
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..editions import ROOT
from ..records import Refused
from . import cgroup
from .inside import wire
from .inside.limits import Limits

INSIDE = "/lab"  # where a sandbox sees the helpers
HOME = "/tmp/etudiant"  # inside
CIFAR10 = "/cifar10"
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "mime.types")
# What root may write in /proc without any capability, and bubblewrap 0.8 does not cover.
_ROOTS_OWN = ("sys", "sysrq-trigger", "acpi", "scsi", "kcore", "keys", "timer_list")
# memfd_create, memfd_secret, shmget, msgget, semget, io_uring_setup, by machine: (AUDIT_ARCH, numbers).
_FORBIDDEN = {
    "x86_64": (0xC000003E, (319, 447, 29, 68, 64, 425)),
    "aarch64": (0xC00000B7, (279, 447, 194, 186, 190, 425)),
}
START = 120  # seconds for a sandbox to import TensorFlow
_OWN_MEMORY = 2**30  # bytes of Python and TensorFlow themselves
_ENVIRONMENT = {
    "HOME": HOME,
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "PYTHONPATH": INSIDE,
    "CIFAR10_DIR": CIFAR10,  # named even where there is none, so that nobody tries to download it
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "ignore",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "LAB_GRADING": "1",  # helpers that would train for minutes read what was saved instead
}


class SandboxError(Refused):
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
    trial = [*isolated(bwrap, Limits()), shutil.which("true") or "/bin/true"]
    trial = subprocess.run(trial, capture_output=True, text=True, check=False, timeout=30)
    if trial.returncode:
        raise SandboxError(
            f"bubblewrap cannot isolate here ({trial.stderr.strip()[:200]}). It must be 0.8 or later (Debian "
            "12, Ubuntu 24.04). If it is, unprivileged user namespaces are probably off: ask the "
            "administrator (sysctl kernel.unprivileged_userns_clone=1, "
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
        compileall.compile_dir(folder, quiet=2)  # once, where each sandbox would
        yield Path(folder)


class Room:
    """A process of ours, ``python -m MODULE``, in a sandbox, and the socket to speak with it.

    Args:
        module: such as "inside.student".
        pack: what ``lab`` made.
        limits: of what is written there, and where control groups can be written, of memory and threads.
        unsafe: without isolation.
        cifar10: folder to show, read-only.
    """

    def __init__(
        self, module: str, pack: Path, limits: Limits, unsafe: bool = False, cifar10: Path | None = None
    ):
        self.module = module
        self.socket, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed in ``close``)
        self._home = tempfile.TemporaryDirectory(prefix="lab-home-") if unsafe else None
        self._group: list[Path] = []
        mode, environment, calls = "unsafe" if unsafe else "isolated", dict(_ENVIRONMENT), None
        command = [sys.executable, "-s", "-m", module, str(theirs.fileno()), mode]
        if unsafe:
            environment |= {"HOME": self._home.name, "TMPDIR": self._home.name, "PYTHONPATH": str(pack)}
            environment["PATH"] = os.environ.get("PATH", environment["PATH"])
            if cifar10 is not None:
                environment["CIFAR10_DIR"] = str(Path(cifar10).resolve())
        else:
            calls = forbidden_calls()
            seccomp = ["--seccomp", str(calls.fileno())] if calls else []
            bwrap, *options = isolated(require(), limits, pack, cifar10)
            command = [bwrap, *seccomp, *options, *command]
            memory = limits.memory + limits.disk + limits.file + _OWN_MEMORY
            self._group = cgroup.create(memory, limits.threads)
            command = cgroup.entering(self._group, command)
        with theirs, calls or contextlib.nullcontext():
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=self._home.name if unsafe else "/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[file.fileno() for file in (theirs, calls) if file],
                start_new_session=True,
            )

    def ask(
        self,
        request: dict,
        seconds: float,
        descriptors: list[int] | tuple = (),
        so_far: Callable[[dict], object] = bool,
    ) -> dict:
        """Send a request with open files, and return the answer; give what comes before it to ``so_far``.

        Raises:
            SandboxError: no answer in time; close this room.
        """
        try:
            deadline = time.monotonic() + seconds
            wire.send(self.socket, request, descriptors)
            while (answer := wire.receive(self.socket, deadline - time.monotonic())[0]).pop("so_far", False):
                so_far(answer)
            return answer
        except wire.Lost as lost:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()[-500:]
            raise SandboxError(f"the sandbox of {self.module} does not answer ({lost}): {said}") from None

    def close(self, patience: float = 0) -> int | None:
        """End it with all that it started; return its exit code if it ended within ``patience`` seconds."""
        self.socket.close()
        code = None
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._errors.close()
        cgroup.remove(self._group)
        if self._home:
            self._home.cleanup()
        return code


def forbidden_calls() -> BinaryIO | None:
    """Return an open file with a filter of system calls, for bubblewrap; None for an unknown processor.

    It refuses those that take memory which no process holds, and which only control groups would count.
    """
    architecture, numbers = _FORBIDDEN.get(os.uname().machine, (0, ()))
    if not architecture:
        return None
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06  # of classic BPF; offsets 4 and 0: seccomp_data
    rules = [(load, 0, 0, 4), (equal, 0, len(numbers) + 3, architecture), (load, 0, 0, 0)]
    rules += [(at_least, len(numbers) + 1, 0, 0x40000000)]  # x86's other numbers
    rules += [(equal, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
    rules += [(answer, 0, 0, 0x7FFF0000), (answer, 0, 0, 0x00050000 | errno.ENOSYS)]
    file = tempfile.TemporaryFile()  # noqa: SIM115  (closed once bubblewrap has it)
    file.write(b"".join(struct.pack("<HBBI", *rule) for rule in rules))
    file.seek(0)
    return file


def isolated(bwrap: str, limits: Limits, pack: Path | None = None, cifar10: Path | None = None) -> list[str]:
    """Return the beginning of a command line that runs the rest isolated, as process 1 of its namespace."""
    command = [bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--as-pid-1"]
    command += ["--die-with-parent", "--new-session", "--hostname", "lab", "--cap-drop", "ALL", *_system()]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(limits.file), "--tmpfs", "/dev/shm"]
    for name in _ROOTS_OWN if os.geteuid() == 0 else ():
        command += ["--ro-bind-try", f"/proc/{name}", f"/proc/{name}"]
    command += ["--size", str(limits.disk), "--tmpfs", "/tmp", "--dir", HOME]
    for path in _python_folders():  # after /tmp, where they may lie
        command += ["--ro-bind", path, path]
    if pack is not None:
        command += ["--ro-bind", str(pack), INSIDE]
    if cifar10 is not None:
        command += ["--ro-bind", str(Path(cifar10).resolve()), CIFAR10]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


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
