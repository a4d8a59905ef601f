"""A made class of seventy: the honest get their due, the hostile nothing, nobody is lost; and once more.

It takes minutes, and runs when LAB_CLASS is set.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.marking import grade
from instructor.records import StudentResult
from instructor.report.write import write_reports
from instructor.sandbox import room
from instructor.sandbox.inside.limits import Limits

from .hostile_answers import QUICK, QUICK_DUE
from .isolation import as_nobody, required_sandbox
from .school_class import make_class
from .sending import PART1, answered, send

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_CLASS", "") in ("", "0"), reason="set LAB_CLASS=1 to grade the made class"
)
LIMITS = Limits(cell=20, notebook=120, memory=2 * 2**30)


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """Grade the class once: (expected, students by identifier, folder of results)."""
    required_sandbox()
    folder = tmp_path_factory.mktemp("school")
    callers = []
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as server:
        patch.setitem(room._ENVIRONMENT, "LAB_CIFAR10_DEMO", "100")  # for Part 4's networks
        threading.Thread(target=_answer, args=(server, callers), daemon=True).start()
        expected = make_class(folder / "sent", server.getsockname()[1])
        found = grade.grade(folder / "sent", folder / "marks", jobs=2, limits=LIMITS, say=lambda line: None)
    assert callers == []  # nobody reached the network
    return expected, {result.student: result for result in found}, folder


def test_everyone_gets_what_is_due(school):
    expected, found, folder = school
    assert len(expected) >= 40
    assert sum(bool(case.hostile) for case in expected) >= 12
    assert sorted(found) == sorted(case.student for case in expected)
    differences = [line for case in expected for line in case.differences(found[case.student])]
    assert not differences, "\n".join(differences)
    stored = sorted(path.parent.name for path in folder.glob("marks/students/*/result.json"))
    assert stored == sorted(found)


def test_a_second_run_runs_only_what_is_missing_and_changes_nothing(school, monkeypatch):
    expected, found, folder = school
    path, marked = folder / "marks", []
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    lost, torn = (path / "students" / case.student / "result.json" for case in expected[:2])
    lost.unlink()
    torn.write_bytes(before[torn][:100])

    def mark(submission, *_):
        marked.append(submission.student)
        return found[submission.student]

    monkeypatch.setattr(grade, "mark_submission", mark)
    again = grade.grade(folder / "sent", path, jobs=2, limits=LIMITS, say=lambda line: None)
    assert sorted(marked) == sorted(case.student for case in expected[:2])
    assert {result.student: result for result in again} == found
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_reports_hold_everyone(school):
    expected, _, folder = school
    write_reports(folder / "marks")
    table = (folder / "marks" / "marks.csv").read_text("utf-8")
    assert all(case.student in table for case in expected)


BOMBS = {
    "honest": "",
    "forks": "import os, time\nfor _ in range(300): os.fork() or (time.sleep(5), os._exit(0))",
    "threads": "import threading, time\n"
    "for _ in range(5000): threading.Thread(target=time.sleep, args=(5,), daemon=True).start()",
    "memory": "bloc = np.ones(10 * 2**27)",
    "hidden": "import os\nfor n in range(90): os.write(os.memfd_create(str(n)), bytes(100 * 2**20))",
    "reader": f"palier = len(open({str(room.ROOT / 'instructor' / 'README.md')!r}).read())",
}


def test_a_class_is_graded_without_root(tmp_path):
    """As the guide says to: nobody's bomb costs another, or its own honest answers, anything."""
    required_sandbox()
    sent = {f"{name}/part1.ipynb": answered(PART1, QUICK | {"q4c": BOMBS[name]}) for name in BOMBS}
    send(tmp_path / "sent", sent)
    command = [*as_nobody(tmp_path), sys.executable, "-m", "instructor", "grade", "sent", "--out", "marks"]
    ran = subprocess.run(
        [*command, "--time", "20", "--memory", "2"], capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    for name in BOMBS:
        result = StudentResult.load(tmp_path / "marks/students" / name / "result.json")
        questions = result.notebooks[PART1].questions
        assert {q.key: q.points for q in questions if q.points} == QUICK_DUE, (name, result)


def _answer(server, callers):
    with contextlib.suppress(OSError):
        while True:
            connection, address = server.accept()
            callers.append(address)
            connection.close()
