"""Each promise of the sandbox, broken in earnest by code in a student's process."""

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from instructor.sandbox import cgroup, room
from instructor.sandbox.inside import codec, confine
from instructor.sandbox.inside.limits import Limits

from .isolation import required_sandbox

MB = 2**20
LIMITS = Limits(cell=60, notebook=120, memory=1500 * MB, processes=40, disk=64 * MB, file=16 * MB)


WORKS = """
def works(call):
    try:
        return [call()]
    except OSError:
        return []
"""


@pytest.fixture(scope="module")
def pack():
    required_sandbox()
    with room.lab() as folder:
        yield folder


@pytest.fixture
def run(pack):
    """Return a function that runs a cell in a sandbox: the value of ``found``, its error, why it ended."""

    def run(code: str, folder: Path | None = None, **limits):
        limits = dataclasses.replace(LIMITS, **limits)
        opened = [os.open(folder, os.O_RDONLY)] if folder else []
        student = room.Room("inside.student", pack, limits)
        found = error = None
        try:
            request = {"limits": dataclasses.asdict(limits), "folder": None, "imports": []}
            student.ask(request, room.START, opened)
            with contextlib.suppress(room.SandboxError):
                error = student.ask({"run": WORKS + code, "seconds": limits.cell}, limits.notebook + 10)[
                    "error"
                ]
                (value,) = student.ask({"values": ["found"], "seconds": 5}, 15)["values"]
                found = codec.decode(value) if value else None
        finally:
            ended = student.close(60)
            for descriptor in opened:
                os.close(descriptor)
        return found, error, ended

    return run


def test_what_a_submission_needs_is_there(run, tmp_path):
    (tmp_path / "sauvegardes").mkdir()
    (tmp_path / "sauvegardes" / "poids.csv").write_text("1,2")
    (tmp_path / "helpers").mkdir()
    found, error, ended = run(
        "import sys\n"
        "early = 'tensorflow' in sys.modules\n"  # it takes seconds, and most notebooks hold typed numbers
        "from pathlib import Path\n"
        "from helpers import PlaygroundConfig, train\n"
        "loss = train(PlaygroundConfig(), 3).test_loss.shape\n"
        "Path('mien.txt').write_text('x')\n"
        "found = early, loss, Path('sauvegardes/poids.csv').read_text(), Path('helpers').exists()",
        tmp_path,
    )
    assert (found, error, ended) == ((False, (1, 4), "1,2", False), None, confine.ENDED)


def test_nothing_outside_can_be_seen(run, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the solutions")
    paths = [secret, room.ROOT / "instructor", room.ROOT / "README.md", Path.home() / ".bashrc"]
    paths += [Path("/etc/passwd"), Path("/var"), Path("/home"), Path("/lab/instructor"), Path("/sys")]
    found, _, _ = run(f"import os\nfound = [p for p in {list(map(str, paths))} if os.path.exists(p)]")
    assert found == []
    found, _, _ = run("import os\nfound = sorted(os.listdir('/lab')), os.listdir(), dict(os.environ)")
    assert found[:2] == (["helpers", "inside"], [])
    assert str(room.ROOT) not in str(found[2])


def test_nothing_outside_can_be_written(run, tmp_path):
    outside = tmp_path / "marks.csv"
    outside.write_text("20")
    places = [str(outside), "/x", "/usr/x", "/lab/x", "/lab/helpers/grading.py", "/dev/x", f"{sys.prefix}/x"]
    places += ["/proc/sys/kernel/core_pattern", "/proc/sys/user/max_user_namespaces", "/proc/sysrq-trigger"]
    found, _, _ = run(f"found = [place for place in {places} if works(lambda: open(place, 'a').write('x'))]")
    assert found == []
    assert outside.read_text() == "20"


def test_one_submission_leaves_nothing_to_the_next(run):
    run(
        "import os, subprocess\n"
        "for place in ('/tmp/left', 'left', '/dev/shm/left'): open(place, 'w').write('x')\n"
        "subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "import helpers; helpers.left = True"
    )
    found, _, _ = run(
        "import os, helpers\n"
        "found = [p for p in ('/tmp/left', 'left', '/dev/shm/left') if os.path.exists(p)]\n"
        "found += [hasattr(helpers, 'left'), len([p for p in os.listdir('/proc') if p.isdigit()])]"
    )
    assert found == [False, 2]  # the keeper and the student's own


def test_no_network(run):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0lab-{os.getpid()}")
        abstract.listen()
        found, _, _ = run(
            "import socket\n"
            f"found = works(lambda: socket.socket().connect(('127.0.0.1', {server.getsockname()[1]})))\n"
            f"found += works(lambda: socket.socket(socket.AF_UNIX).connect('\\0lab-{os.getpid()}'))"
        )
        assert found == []


def test_no_other_process_can_be_signalled_or_traced(run):
    witness = subprocess.Popen(["sleep", "100"])
    try:
        found, _, _ = run(
            "import os, ctypes\n"
            f"pids = ({witness.pid}, {os.getpid()}, -1, 1)\n"
            "found = [pid for pid in pids if works(lambda: os.kill(pid, 9))]\n"
            "found.append(ctypes.CDLL(None).ptrace(16, 1, 0, 0))\n"  # PTRACE_ATTACH to the keeper
            "found += works(lambda: open('/proc/1/mem', 'rb').name)"
        )
        # A process may send the first of its namespace a signal: it has no effect.
        assert found == [1, -1]
        assert witness.poll() is None
        assert run("found = 1")[0] == 1
    finally:
        witness.kill()
        witness.wait()


def test_no_privilege_is_left_nor_won(run):
    found, _, _ = run(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "lines = dict(l.split(':', 1) for l in open('/proc/self/status').read().splitlines())\n"
        "found = [int(lines[k], 16) for k in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')]\n"
        "found += [int(lines['NoNewPrivs']), libc.unshare(0x10000000)]\n"
        "found += [libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)]\n"
        "found += [libc.umount2(b'/proc/sys', 2), libc.umount2(b'/tmp', 2)]"
    )
    assert found == [0, 0, 0, 0, 0, 1, -1, -1, -1, -1]


def test_only_its_own_socket_is_open(run):
    found, _, _ = run(
        "import os\n"
        "links = [works(lambda: os.readlink(f'/proc/self/fd/{n}')) for n in os.listdir('/proc/self/fd')]\n"
        "found = sorted(link.partition(':')[0] for link in sum(links, []))"
    )
    assert set(found) == {"/dev/null", "socket"}  # IPython 7 opens one more of the former
    assert found.count("socket") == 1


def test_a_fork_bomb_is_bounded(run):
    assert run("import os\nwhile True: os.fork()")[2] == confine.PROCESSES
    assert run("found = 1")[0] == 1


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nfound = np.ones(10 * 2**27)",  # 10 GB at once
        "rows = []\nwhile True: rows.append(b'x' * 2**24)",
        "import os, time\n"
        "for _ in range(20):\n"
        "    if not os.fork():\n"
        "        row = b'x' * (400 * 2**20)\n"
        "        break\n"
        "time.sleep(60)",
    ],
    ids=["at once", "little by little", "in many processes"],
)
def test_memory_is_bounded(run, code):
    _, error, ended = run(code)
    assert ended == confine.MEMORY or "MemoryError" in error


@pytest.mark.parametrize(
    "call",
    [
        "os.memfd_create('x')",
        "libc.shmget(0, 4096, 0o1600)",
        "libc.msgget(0, 0o1600)",
        "libc.semget(0, 1, 0o1600)",
    ],
)
def test_no_memory_is_held_by_no_process(run, call):
    found, error, _ = run(f"import ctypes, os\nlibc = ctypes.CDLL(None)\nfound = {call}")
    assert found == -1 or "not implemented" in error
    assert run("import multiprocessing\nfound = multiprocessing.Lock().acquire()")[0] is True


def test_threads_are_bounded(run):
    found, error, ended = run(
        "import threading, time\n"
        "found = 0\n"
        "threading.stack_size(65536)\n"
        "while found < 5000:\n"
        "    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()\n"
        "    found += 1",
        processes=10,
    )
    assert 100 < found <= dataclasses.replace(LIMITS, processes=10).threads, (error, ended)


def test_disk_and_files_are_bounded(run):
    found, _, _ = run(
        "import os\n"
        "found = [0, 0, 0]\n"
        "def fill(number, names):\n"
        "    for name in names:\n"
        "        with open(name, 'ab') as file: found[number] += file.write(bytes(2**20))\n"
        "works(lambda: fill(0, ['large'] * 1000))\n"
        "os.remove('large')\n"
        "works(lambda: fill(1, [f'/tmp/{n}' for n in range(1000)]))\n"
        "works(lambda: fill(2, [f'/dev/shm/{n}' for n in range(1000)]))"
    )
    large, all_files, shared_memory = (size / MB for size in found)
    assert 8 <= large <= 17
    assert 32 <= all_files <= 65
    assert 8 <= shared_memory <= 17


def test_time_is_bounded(run):
    found, error, _ = run("found = 1\nwhile True: pass", cell=1)
    assert (found, error.partition(":")[0]) == (1, "TempsDepasse")  # and the notebook goes on
    stubborn = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\nwhile True: pass"
    assert run(stubborn, cell=1, notebook=3)[2] == confine.TIME


def test_what_a_killed_run_left_is_found(tmp_path):
    gone = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    for name in (f"lab-{gone}-a", f"lab-{os.getpid()}-b", "lab-c", f"other-{gone}-d"):
        (tmp_path / name).mkdir()
    assert cgroup.left_behind(tmp_path, "lab-") == [tmp_path / f"lab-{gone}-a"]


def test_refusal_names_the_remedy(monkeypatch):
    monkeypatch.setattr(room.shutil, "which", lambda name: None)
    monkeypatch.setattr(room.sys, "platform", "linux")
    with pytest.raises(room.SandboxError, match="apt install bubblewrap"):
        room.require()
    monkeypatch.setattr(room.sys, "platform", "darwin")
    with pytest.raises(room.SandboxError, match="virtual machine"):
        room.require()


def test_a_python_that_lies_in_tmp_is_shown(monkeypatch, tmp_path):
    """A sandbox has a /tmp of its own, which would hide it."""
    required_sandbox()
    python = tmp_path / "python"
    (python / "lib").mkdir(parents=True)
    monkeypatch.setattr(room.sys, "prefix", str(python))
    command = [*room.isolated(room.require(), LIMITS), sys.executable]
    code = f"import os, numpy; print(os.listdir({str(python)!r}), sorted(os.listdir('/tmp')))"
    ran = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    below = {path.parts[2] for path in (python, Path(sys.executable)) if path.is_relative_to("/tmp")}
    assert ran.stdout == f"['lib'] {sorted({'etudiant'} | below)}\n", ran.stderr
