"""A made class of sixty: the honest get their due, the hostile nothing, nobody is lost; and once more."""

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.marking import grade
from instructor.records import StudentResult
from instructor.report.write import write_reports
from instructor.sandbox import room
from instructor.sandbox.inside.limits import Limits

from .isolation import as_nobody, required_sandbox
from .school_class import make_class

LIMITS = Limits(cell=20, notebook=120, memory=2 * 2**30)


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """Grade the class once: (expected, students by identifier, folder of results, submissions, minutes)."""
    required_sandbox()
    folder = tmp_path_factory.mktemp("school")
    callers = []
    with (
        pytest.MonkeyPatch.context() as patch,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        patch.setitem(room._ENVIRONMENT, "LAB_CIFAR10_DEMO", "100")  # for Part 4's networks
        threading.Thread(target=_answer, args=(server, callers), daemon=True).start()
        expected = make_class(folder / "sent", server.getsockname()[1])
        started = time.monotonic()
        found = grade.grade(folder / "sent", folder / "marks", jobs=2, limits=LIMITS, say=lambda line: None)
        minutes = (time.monotonic() - started) / 60
    assert callers == []  # nobody reached the network
    return expected, {result.student: result for result in found}, folder, minutes


def test_everyone_gets_what_is_due(school):
    expected, found, folder, _ = school
    assert len(expected) >= 40
    assert sum(bool(case.hostile) for case in expected) >= 12
    assert sorted(found) == sorted(case.student for case in expected)
    differences = [line for case in expected for line in case.differences(found[case.student])]
    assert not differences, "\n".join(differences)
    stored = sorted(path.parent.name for path in folder.glob("marks/students/*/result.json"))
    assert stored == sorted(found)


def test_a_second_run_runs_nothing_and_changes_nothing(school, monkeypatch):
    _, found, folder, _ = school
    path = folder / "marks"
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    monkeypatch.setattr(grade, "mark_submission", lambda *_: pytest.fail("something was run again"))
    again = grade.grade(folder / "sent", path, jobs=2, limits=LIMITS, say=lambda line: None)
    assert {result.student: result for result in again} == found
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before


def test_an_unfinished_run_goes_on_where_it_stopped(school, monkeypatch):
    expected, found, folder, _ = school
    lost = folder / "marks" / "students" / expected[0].student / "result.json"
    torn = folder / "marks" / "students" / expected[1].student / "result.json"
    lost.unlink()
    torn.write_bytes(torn.read_bytes()[:100])
    marked = []
    monkeypatch.setattr(
        grade,
        "mark_submission",
        lambda submission, *_: marked.append(submission.student) or found[submission.student],
    )
    grade.grade(folder / "sent", folder / "marks", limits=LIMITS, say=lambda line: None)
    assert sorted(marked) == sorted(case.student for case in expected[:2])
    assert StudentResult.load(torn) == found[expected[1].student]


def test_reports_hold_everyone(school):
    expected, _, folder, _ = school
    write_reports(folder / "marks")
    table = (folder / "marks" / "marks.csv").read_text("utf-8")
    assert all(case.student in table for case in expected)


def test_a_class_is_graded_without_root(tmp_path):
    required_sandbox()
    expected = make_class(tmp_path / "sent")
    tried = ("fork bomb", "thread bomb", "memory of no process", "allocates 10 GB", "reads the solutions")
    kept = [case for case in expected if case.hostile in tried or case.name == "Bruno Petit"]
    for folder in (tmp_path / "sent").iterdir():
        if not any(case.student.rpartition("-")[2] in folder.name for case in kept):
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    command = [*as_nobody(tmp_path), sys.executable, "-m", "instructor", "grade", "sent", "--out", "marks"]
    ran = subprocess.run(
        [*command, "--time", "20", "--memory", "2"], capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.returncode == 0, ran.stderr
    assert len(kept) == len(tried) + 1
    found = [StudentResult.load(tmp_path / "marks/students" / case.student / "result.json") for case in kept]
    assert [line for case, of in zip(kept, found, strict=True) for line in case.differences(of)] == []


def _answer(server, callers):
    with contextlib.suppress(OSError):
        while True:
            connection, address = server.accept()
            callers.append(address)
            connection.close()
