"""Scores, feedback and replays: whatever a student writes, a check answers with a finite mark."""

import math
import sys
import warnings

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_output

from helpers import PlaygroundConfig
from helpers.checks.answers import MAX_EPOCHS, MAX_RESETS, number, read_url, replay, require_same
from helpers.checks.marks import Marks, Question, Score, Unanswered, Wrong, combine
from helpers.french import count, plain, quoted, typographic

QUESTION = Question("1.a", "Un titre", 2)


class Hostile:
    """Raises whenever Python looks at it."""

    def _fail(self, *_):
        raise RuntimeError("non")

    __repr__ = __str__ = __eq__ = __float__ = __len__ = __iter__ = __array__ = __bool__ = __getattr__ = _fail
    __hash__ = None


def marks_of_one(function):
    marks = Marks("Partie 0", QUESTION, Question("1.b", "À la main", 3, manual=True))
    return marks, marks.check("1.a")(function)


def nbgrader_mark(score):
    """Return what nbgrader gives a cell that ends with this score."""
    utils = pytest.importorskip("nbgrader.utils", reason="comes with instructor/requirements.txt")
    output = new_output("execute_result", {"text/plain": repr(score)}, execution_count=1)
    metadata = {"nbgrader": {"grade": True, "solution": False, "points": score.question.points}}
    return utils.determine_grade(new_code_cell(outputs=[output], metadata=metadata))[0]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (1.5, 1.5),
        (-1, 0),
        (7, 2),
        (math.nan, 0),
        (math.inf, 0),
        (np.float64(0.5), 0.5),
        (True, 1),
        (np.float32(1), 1),
    ],
)
def test_a_score_is_a_finite_clipped_float_for_nbgrader(points, expected):
    score = Score(points, QUESTION, "texte")
    assert isinstance(score, float)
    assert float(score) == expected
    assert repr(score) == repr(float(expected))
    assert nbgrader_mark(score) == expected


def test_a_score_shows_its_feedback_in_french():
    score = Score(1, QUESTION, "voici `x` : <b> & fin")
    page = score._repr_html_()
    assert "1\u00a0/\u00a02\u00a0points" in page
    assert "<code>x</code>\u00a0: &lt;b&gt; &amp; fin" in page
    assert "en partie réussi" in page
    assert str(score).endswith("Voici `x`\u00a0: <b> & fin")


def test_an_unanswered_question_is_said_to_be_so():
    marks, check = marks_of_one(lambda answer: "bien")
    score = check(...)
    assert (float(score), score.answered) == (0, False)
    assert "à compléter" in score._repr_html_()
    assert marks.summary().unanswered == ["1.a"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        SystemExit(3),
        RecursionError(),
        MemoryError(),
        Unanswered(),
        Wrong("raté."),
        GeneratorExit(),
    ],
)
def test_a_check_never_raises(error):
    def fail(answer):
        raise error

    _, check = marks_of_one(fail)
    score = check(1)
    assert score == 0
    assert score.feedback


def test_an_interrupt_still_interrupts():
    def interrupted(answer):
        raise KeyboardInterrupt

    _, check = marks_of_one(interrupted)
    with pytest.raises(KeyboardInterrupt):
        check(1)


def test_a_warning_in_student_code_costs_nothing(capfd):
    def noisy(answer):
        warnings.warn("bruit", stacklevel=1)
        np.log(np.array(-1.0))
        print("bruit", file=sys.stderr)
        return "bien"

    _, check = marks_of_one(noisy)
    assert check(1) == 2
    assert capfd.readouterr().err == ""


def test_the_summary_counts_points_and_lists_what_is_missing():
    marks, check = marks_of_one(lambda answer: (1, "presque"))
    before, _ = repr(marks.summary()), check(1)
    after = marks.summary()
    assert "0\u00a0/\u00a02\u00a0points" in before
    assert "À compléter\u00a0: 1.a" in before
    assert "1\u00a0/\u00a02\u00a0points" in repr(after)
    assert "(3\u00a0points)\u00a0: 1.b" in repr(after)
    assert after.unanswered == []
    assert "1.b" in after._repr_html_()


def test_parts_of_an_answer_are_marked_each_for_itself():
    def refuse(value):
        raise Wrong("non.")

    points, feedback = combine(
        ("a", 1, lambda value: "oui.", 1), ("b", 1, refuse, 2), ("c", 1, lambda value: "oui.", ...)
    )
    assert points == 1
    assert feedback.splitlines() == ["- ✓ `a` : oui.", "- ✗ `b` : non.", "- ○ `c` : à compléter"]


@pytest.mark.parametrize("answer", [0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), np.array([0.5])])
def test_numbers_are_read_from_what_a_notebook_produces(answer):
    assert number(answer) == 0.5


@pytest.mark.parametrize(
    "answer",
    [True, np.True_, None, "0.5", [0.5], math.nan, math.inf, -1, 3, 10**400, 1j, np.ones(2), {}, print],
)
def test_what_is_not_a_number_is_refused_with_a_reason(answer):
    with pytest.raises(Wrong) as refusal:
        number(answer, 0, 2)
    assert len(str(refusal.value)) > 20


def test_a_hostile_object_is_only_a_wrong_answer():
    _, check = marks_of_one(lambda answer: combine(("x", 2, number, answer)))
    assert check(Hostile()) == 0
    assert quoted(Hostile()) == "un objet Hostile"
    with pytest.raises(Wrong):
        read_url(Hostile())


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("https://playground.tensorflow.org/", "ce qui suit le signe #"),
        ("#x=false&y=false&epochs=5", "aucune entrée n'est active"),
        (PlaygroundConfig(features=()), "aucune entrée n'est active"),
    ],
)
def test_what_the_widget_opens_but_a_check_cannot_replay(answer, hint):
    with pytest.raises(Wrong, match=hint):
        read_url(answer)


def test_hidden_controls_change_no_answer():
    lab = PlaygroundConfig(dataset="xor")
    answer = read_url(lab.replace(hidden=("noise", "dataset")).to_url())
    require_same(answer, lab, {"noise": "noise", "seed": "seed", "dataset": "dataset"})


def test_long_answers_are_shortened():
    assert len(quoted("a" * 10_000)) == 60
    with pytest.raises(Wrong, match="trop longue"):
        read_url("a" * 10_000)


def test_a_replay_trains_exactly_the_start_of_the_address():
    config = PlaygroundConfig(network_shape=(2,), epochs=3, resets=2)
    run = replay(read_url(config.to_url()))
    assert run.starts == (2,)
    assert run.epoch == 3


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"epochs": 0}, "epochs="),
        ({"epochs": MAX_EPOCHS + 1}, "epochs"),
        ({"resets": MAX_RESETS + 1}, "resets"),
    ],
)
def test_a_replay_is_bounded(changes, word):
    with pytest.raises(Wrong, match=word):
        replay(PlaygroundConfig(epochs=1).replace(**changes))


def test_changed_data_are_all_named():
    lab = PlaygroundConfig(dataset="xor")
    with pytest.raises(Wrong) as refusal:
        require_same(
            lab.replace(noise=20, seed="1"), lab, {"noise": "noise", "seed": "seed", "dataset": "dataset"}
        )
    assert "- `noise` vaut 20 au lieu de 0\n- `seed` vaut 1 au lieu de 0.50819" in str(refusal.value)


def test_french_typography():
    assert typographic("« oui » : 5 % ; non ?") == "«\u00a0oui\u00a0»\u00a0: 5\u00a0%\u00a0; non\u00a0?"
    assert [plain(value) for value in (0, 0.5, 1.5, 0.1774, 20)] == ["0", "0,5", "1,5", "0,177", "20"]
    assert [count(value, "point") for value in (0, 1, 1.5, 2)] == [
        f"{shown}\u00a0{noun}"
        for shown, noun in (("0", "point"), ("1", "point"), ("1,5", "point"), ("2", "points"))
    ]
