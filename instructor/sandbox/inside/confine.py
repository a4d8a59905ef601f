"""Shuts one student's process in: Linux namespaces nested in the sandbox that bubblewrap made.

The nursery is warm, with TensorFlow imported, and forks; bubblewrap could only start it anew. So each child
gets, by the system calls that bubblewrap itself makes, a user, process, mount, network, and IPC namespace of
its own, an empty home of bounded size, and no capability. Process 1 of its namespace is the keeper: it runs
no student code, cannot be signalled or traced by it, watches what its namespace uses, and ends it whole.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
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
# Why a process ended, as its exit code.
ENDED, MEMORY, PROCESSES, TIME, SETUP = 0, 10, 11, 12, 13
_POLL = 0.02  # seconds
_HEADROOM = 2 * 2**30  # address space of TensorFlow's threads and code that holds no data
# What bubblewrap covers in /proc too: a sandbox started by root could write there.
_COVERED = ("sys", "sysrq-trigger", "irq", "bus", "acpi", "scsi", "kcore", "keys", "timer_list")

_RESIDENT = ("status", ("RssAnon:", "RssShmem:"))
_SHARES = ("smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_SET_DUMPABLE, _SET_NO_NEW_PRIVS, _CAPBSET_DROP, _CAP_AMBIENT, _CLEAR_ALL = 4, 38, 24, 47, 4
_CAP_SYS_PTRACE = 19
_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def confined(
    serve: Callable[[socket.socket], None],
    sock: socket.socket,
    folder: int | str | None,
    limits: Limits,
    nested: bool,
    isolated: bool = True,
) -> int:
    """Run ``serve(sock)`` in a forked process, shut in; return why it ended.

    Args:
        folder: the submission's files to copy in, an open folder or a path; None for none.
        nested: give it namespaces of its own; without, it has those of the sandbox, which must then serve no
            other submission.
        isolated: False outside of any sandbox, where what else runs is not the submission's to count.
    """
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = SETUP
    try:
        if nested:
            enter_namespaces()
            if inner := os.fork():  # the first process of the new process namespace is its keeper
                _close_all()
                code = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
                os._exit(code if 0 <= code < 256 else SETUP)
            make_view(limits)
        code = _keep(serve, sock, folder, limits, nested, isolated)
    finally:
        os._exit(code)


def enter_namespaces() -> None:
    """Leave the nursery's namespaces; the next forked process is process 1 of the new ones.

    Raises:
        OSError: the system does not allow it.
    """
    uid, gid = os.getuid(), os.getgid()
    _check(_libc.unshare(_NEWUSER | _NEWNS | _NEWPID | _NEWIPC | _NEWNET | _NEWUTS), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def make_view(limits: Limits) -> None:
    """Mount what a student's process sees of its own: /proc, and one file system of bounded size to write on.

    Raises:
        OSError: the system does not allow it.
    """
    _mount("none", "/", "", _REC | _PRIVATE)
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    for name in _COVERED:
        if os.path.exists(path := f"/proc/{name}"):
            _mount(path, path, "", _BIND | _REC)
            _mount("none", path, "", _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | _NOEXEC)
    _mount("tmpfs", "/tmp", "tmpfs", _NOSUID | _NODEV, f"size={limits.disk},nr_inodes=20000,mode=755")
    Path("/tmp/shm").mkdir()
    _mount("/tmp/shm", "/dev/shm", "", _BIND)


def reveal_proc() -> None:
    """Take bubblewrap's covers off /proc, for ``make_view`` to mount one anew and cover that."""
    for name in _COVERED:
        _libc.umount2(f"/proc/{name}".encode(), 0)


def drop_capabilities() -> None:
    """Give up every capability, for good, and never gain any by executing a file."""
    for capability in range(64):
        _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _check(_libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    header, data = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, data), "capset")


def _keep(serve, sock, folder, limits, nested, isolated):
    """Fork the student's process and watch over it; return why it ended. Ending kills the whole namespace."""
    home = work_folder(isolated)
    if folder is not None:
        bring(folder, home)
    _close_all(but=sock.fileno())
    if nested:
        _libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    student = os.fork()
    if not student:
        try:
            os.setsid()
            os.chdir(home)
            _limit(limits)
            if nested:
                drop_capabilities()
                _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # for the keeper to count what it holds
            serve(sock)
        finally:
            os._exit(0)
    try:
        return _watch(student, sock, limits, isolated)
    finally:
        if not nested:  # a namespace dies with its keeper
            with contextlib.suppress(ProcessLookupError):
                os.killpg(student, signal.SIGKILL)


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
    """Return which limit the namespace is over, 0 if none."""
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


def _limit(limits):
    os.nice(5)  # the keeper comes first
    for kind, value in (
        (resource.RLIMIT_CPU, int(limits.notebook * (os.cpu_count() or 1)) + 1),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_DATA, limits.memory + _HEADROOM),
    ):
        resource.setrlimit(kind, (value, value))


def work_folder(isolated: bool) -> Path:
    """Make and return the folder where a notebook lies, of the same name for those who check it."""
    folder = WORK if isolated else Path(os.environ["HOME"], WORK.name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bring(folder: int | str, home: Path) -> None:
    """Copy a submission's files, such as saved networks, beside its notebook; not those that shadow ours.

    Args:
        folder: open, or its path.
        home: where to copy. Links, and what does not fit there, are left out.
    """
    source = f"/proc/self/fd/{folder}" if isinstance(folder, int) else folder

    def left_out(folder, names):
        odd = {name for name in names if name.endswith((".ipynb", ".zip")) or _odd(f"{folder}/{name}")}
        return odd | ({"helpers"} & set(names) if folder == source else set())

    try:
        shutil.copytree(source, home, symlinks=False, ignore=left_out, dirs_exist_ok=True)
    except (OSError, shutil.Error):  # no room left: the notebook will say what it misses
        return


def _odd(path):
    return os.path.islink(path) or not (os.path.isfile(path) or os.path.isdir(path))


def _close_all(but=-1):
    """Close everything inherited but standard input and outputs, which lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    # Not those that /proc lists: while one process gets here, another may be mounting it anew.
    last = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    os.closerange(3, max(but, 3))
    os.closerange(max(but, 2) + 1, last if last != resource.RLIM_INFINITY else 2**20)


def _mount(source, target, kind, flags, options=""):
    arguments = (source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None)
    _check(_libc.mount(*arguments), f"mount {target}")


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
