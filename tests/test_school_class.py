"""A made class of sixty: the honest get their due, the hostile nothing, nobody is lost; and once more."""

import contextlib
import socket
import threading

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.marking import grade
from instructor.report.write import write_reports
from instructor.sandbox.inside.limits import Limits

from .isolation import required_sandbox
from .school_class import make_class

LIMITS = Limits(cell=20, notebook=120, memory=2 * 2**30)


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """Grade the class once: (expected, students by identifier, folder of results)."""
    required_sandbox()
    folder = tmp_path_factory.mktemp("school")
    callers = []
    with socket.create_server(("127.0.0.1", 0)) as server:
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


def _answer(server, callers):
    with contextlib.suppress(OSError):
        while True:
            connection, address = server.accept()
            callers.append(address)
            connection.close()
