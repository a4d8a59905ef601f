"""Why a student got this mark: one question replayed from what was stored."""

import os
import subprocess
import tempfile

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor import editions
from instructor import why as module
from instructor.marking.grade import grade
from instructor.records import Refused
from instructor.report import results, spreadsheet
from instructor.report.write import write_reports
from instructor.sandbox.inside.limits import Limits
from instructor.why import why

from .isolation import required_sandbox
from .made_results import FREE, question, store, student
from .sending import PART1, PART2, answered, send


def test_one_question_is_replayed_with_all_that_led_to_its_mark(tmp_path):
    required_sandbox()
    endless = "def composer(W1, b1, W2, b2):\n    while True:\n        pass"
    answers = {
        "q1b": "palier = 1 / 2\nconstante = 1",
        "q2a": endless,
        "q3b": "part = 0.2",
        "q1c-explication": "Droite.",
    }
    sent = send(tmp_path / "sent", {"zoe/part1.ipynb": answered(PART1, answers)})
    marks = tmp_path / "marks"
    results.settings(marks, parts=[PART1])
    (zoe,) = grade(sent, marks, limits=Limits(cell=2), say=lambda line: None)
    known = {question.key: question for question in zoe.notebooks[PART1].questions}
    assert "boucle sans fin" in known["2.a"].feedback
    assert (known["3.b"].answered, known["3.b"].answer) == (True, "part = 0.2")
    assert not known["3.a"].answered
    write_reports(marks)
    table = spreadsheet.read(marks / "manual.csv")
    table.rows.append({**table.rows[0], "Question": "1.b", "Points": "1,5"})
    (marks / "manual.csv").write_bytes(spreadsheet.render(table.columns, table.rows, excel=True))
    told = "\n".join(why(marks, "Zoe", "1.b"))
    automatic = spreadsheet.plain(known["1.b"].points)
    for line in (
        f"mark: 1,5 / 1,5, manual.csv; before: {automatic} (automatique)",
        "    palier = 1 / 2",
        "values:\n    palier = 0.5\n    constante = 1",
        known["1.b"].feedback.splitlines()[0],
        "replayed: the same",
    ):
        assert line in told
    assert "waits for you" in "\n".join(why(marks, "zoe", "1.c"))
    edition = (
        f"edition {editions.settings()['ref']} {editions.load_editions()[PART1].metadata.lab.sources[:12]}"
    )
    assert f"{edition}\n" in told
    with pytest.raises(Refused, match=r"no question '9\.z'"):
        list(why(marks, "zoe", "9.z"))
    with pytest.raises(Refused, match="no student 'max'; there are: zoe"):
        list(why(marks, "max", "1.b"))


@pytest.mark.parametrize(
    ("who", "key"),
    [("elodie-nguyen-7", "1.b"), ("elodie nguyen", "1b"), ("NGUYỄN Élodie", "Question 1.b")],
)
def test_a_student_and_a_question_are_found_as_one_types_them(tmp_path, monkeypatch, who, key):
    monkeypatch.setattr(module, "require", lambda: None)
    one = student("elodie-nguyen-7", question(FREE, None, "Un pli."), question("1.b", 0.5, "x = 1"))
    one.name = "Élodie Nguyễn"
    store(tmp_path, one)
    assert "Partie 1, 1.b" in next(why(tmp_path, who, key))


def test_what_cannot_be_asked_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "require", lambda: None)
    with pytest.raises(Refused, match="holds no results"):
        next(why(tmp_path / "absent", "alice", "1.a"))
    assert not list(tmp_path.iterdir())
    one, other = (student(f"lea-roy-{number}", status="unreadable") for number in (1, 2))
    one.name = other.name = "Léa Roy"
    store(tmp_path, one, other, numbers=(1, 2))
    with pytest.raises(Refused, match="several students 'léa roy'; there are: lea-roy-1, lea-roy-2"):
        next(why(tmp_path, "léa roy", "1.a"))
    with pytest.raises(Refused, match=rf"; {PART1} could not be read; {PART2} was not sent\."):
        next(why(tmp_path, "lea-roy-1", "1.a"))


def test_what_a_killed_run_unpacked_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "require", lambda: None)
    store(tmp_path / "marks", student("zoe", question("1.b", 0.5, "x = 1")))
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"lab-staging-{gone.pid}-a").mkdir()
    told = why(tmp_path / "marks", "zoe", "1.b")
    next(told)
    (mine,) = tmp_path.glob("lab-staging-*")
    assert mine.name.startswith(f"lab-staging-{os.getpid()}-")
    told.close()
    assert not mine.exists()
