"""Bounds one student's process and all that it starts, and ends them together.

The process is forked by its keeper, which is process 1 of the sandbox: it runs no student code, cannot be
signalled or traced by it, watches what the sandbox uses, and the kernel ends the sandbox with it.
"""

import contextlib
import ctypes
import os
import re
import resource
import select
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from .limits import Limits

WORK = Path("/tmp/travail")  # inside, where /tmp is the submission's own
# Why a process ended, as the keeper's exit code.
ENDED, MEMORY, PROCESSES, TIME = 0, 10, 11, 12
_POLL = 0.02  # seconds
_HEADROOM = 2 * 2**30  # address space of TensorFlow's threads and code that holds no data
_SET_DUMPABLE = 4

_RESIDENT = ("status", ("RssAnon:", "RssShmem:", "VmPTE:"))
_SHARES = ("smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))


def keep(serve: Callable[[], None], sock: socket.socket, limits: Limits, isolated: bool) -> int:
    """Run ``serve()`` in a forked process and watch over it; return why it ended.

    Args:
        serve: what the process runs.
        sock: its socket; the process is ended when the other side hangs up.
        limits: its bounds, and those of all that it starts.
        isolated: False outside of any sandbox, where what else runs is not the submission's to count.
    """
    if isolated:  # no process of the same user may trace the keeper, nor write in its memory
        _set_dumpable(0)
    student = os.fork()
    if not student:
        try:
            os.setsid()
            if isolated:
                _set_dumpable(1)  # for the keeper to count what it holds
            _limit(limits, isolated)
            serve()
        finally:
            os._exit(0)
    try:
        return _watch(student, sock, limits, isolated)
    finally:
        if not isolated:  # a sandbox dies with its keeper
            with contextlib.suppress(ProcessLookupError):
                os.killpg(student, signal.SIGKILL)


def _set_dumpable(value):
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, value)  # only Linux has it


def _watch(student, sock, limits, isolated):
    poll, deadline = select.poll(), time.monotonic() + limits.notebook
    poll.register(sock, 0)  # hang-ups only
    while time.monotonic() < deadline:
        if poll.poll(_POLL * 1000):
            return ENDED
        while ended := _ended_child():  # orphans too, whose parent a first process becomes
            if ended == student:
                return ENDED
        if isolated and (excess := _excess(limits)):
            return excess
    return TIME


def _ended_child():
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def _excess(limits):
    """Return which limit the sandbox is over, 0 if none."""
    processes = _processes()
    if len(processes) > limits.processes:
        return PROCESSES
    if sum(_held(process, *_RESIDENT) for process in processes) <= limits.memory:
        return ENDED
    # That counts twice what forks share. The exact measure is slow, and some wait for it to fork on.
    held = 0
    for process in processes:
        held += _held(process, *_SHARES) or _held(process, *_RESIDENT)
        if len(_processes()) > limits.processes:
            return PROCESSES
    return MEMORY if held > limits.memory else ENDED


def _processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _held(process, file, fields):
    try:
        lines = Path(f"/proc/{process}/{file}").read_text().splitlines()
    except OSError:  # it just ended, or hides what it shares
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(fields)) * 1024


def _limit(limits, isolated):
    os.nice(5)  # the keeper comes first
    for kind, value in (
        (resource.RLIMIT_CPU, int(limits.notebook * (os.cpu_count() or 1)) + 1),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
    ):
        resource.setrlimit(kind, (value, value))
    limit_memory(limits)
    with contextlib.suppress(OSError, ValueError):  # the first to go, where the machine itself lacks memory
        Path("/proc/self/oom_score_adj").write_text("900")
    # Since then each namespace of users counts its own; before, all that the teacher runs would count.
    if isolated and tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (5, 14):
        resource.setrlimit(resource.RLIMIT_NPROC, (limits.threads, limits.threads))


def limit_memory(limits: Limits) -> None:
    """Bound what this process may allocate."""
    most = limits.memory + _HEADROOM
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def enter_work_folder(folder: int | str | None, isolated: bool) -> None:
    """Go where a notebook lies, of the same name for those who check it, its submission's files beside it.

    Args:
        folder: of the files to copy, such as saved networks, open or its path; None for none. Links, what
            shadows our helpers and what does not fit there are left out.
        isolated: False outside of any sandbox.
    """
    home = WORK if isolated else Path(os.environ["HOME"], WORK.name)
    home.mkdir(parents=True, exist_ok=True)
    os.chdir(home)
    if folder is None:
        return
    source = f"/proc/self/fd/{folder}" if isinstance(folder, int) else folder

    def left_out(folder, names):
        odd = {name for name in names if name.endswith((".ipynb", ".zip")) or _odd(f"{folder}/{name}")}
        return odd | ({"helpers"} & set(names) if folder == source else set())

    # No room left: the notebook will say what it misses.
    with contextlib.suppress(OSError, shutil.Error):
        shutil.copytree(source, home, symlinks=False, ignore=left_out, dirs_exist_ok=True)
    if isinstance(folder, int):
        os.close(folder)  # it leads out of the sandbox


def _odd(path):
    return os.path.islink(path) or not (os.path.isfile(path) or os.path.isdir(path))
