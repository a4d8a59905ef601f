"""Why a student got this mark: one question replayed from what was stored."""

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor.marking.grade import grade
from instructor.records import Refused
from instructor.report import results, spreadsheet
from instructor.report.write import write_reports
from instructor.sandbox.inside.limits import Limits
from instructor.why import why

from .isolation import required_sandbox
from .sending import PART1, answered, send


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
    with pytest.raises(Refused, match=r"no question '9\.z'"):
        list(why(marks, "zoe", "9.z"))
    with pytest.raises(Refused, match="no student 'max'; there are: zoe"):
        list(why(marks, "max", "1.b"))
