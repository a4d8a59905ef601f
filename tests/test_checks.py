"""Scores, feedback, replays and what all checks share: whatever a student writes, the mark is finite."""

import inspect
import json
import math
import sys
import warnings

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_output

from helpers import PlaygroundConfig, Run
from helpers.checks import marks as marks_module
from helpers.checks import part1, part2, part3, part4
from helpers.checks.answers import MAX_EPOCHS, MAX_RESETS, expect, number, read_url, require_same, several
from helpers.checks.marks import Marks, Question, Score, Unanswered, Wrong, combine
from helpers.french import count, french_error, plain, quoted, typographic
from helpers.notebook import running_cell

from .conftest import assert_told, edited
from .test_address import REAL

QUESTION = Question("1.a", "Un titre", 2)


class Hostile:
    """Raises whenever Python looks at it."""

    def _fail(self, *_):
        raise RuntimeError("non")

    __repr__ = __str__ = __eq__ = __float__ = __len__ = __iter__ = __array__ = __bool__ = __getattr__ = _fail
    __hash__ = None


ABSURD = [None, True, np.True_, math.nan, math.inf, 1j, 10**400, [], [0.5], np.ones(3), {}, "0.5", b""]
ABSURD += [print, object(), Hostile()]
CHECKS = [
    check
    for part in (part1, part2, part3, part4)
    for name, check in vars(part).items()
    if name.startswith("check_")
]
# What a prediction may be and may not.
LOSSES, COUNTS = ((0, 0.5, 1.99), (-0.1, 2.1, 50)), ((0, 13, np.int64(5), 7.0), (-1, 65, 12.5))
PREDICTIONS = [
    (part1.check_prediction_linear, LOSSES),
    (part1.check_prediction_relu, LOSSES),
    (part1.check_prediction_size, ((1, 3, 48.0), (0, 49, 2.5))),
    (part2.check_prediction_starts, COUNTS),
    (part2.check_prediction_larger, COUNTS),
    (part2.check_prediction_zero, COUNTS),
    (part3.check_prediction_plain, LOSSES),
    (part3.check_prediction_features, LOSSES),
    (part4.check_prediction_epoch, ((1, 8, 100), (0, 101))),
    (part4.check_prediction_accuracy, ((0, 0.7, 1), (-0.1, 70))),
]
# A check of an address, and an experiment that earns points there.
ADDRESSES = [
    (part1.check_smallest_network, part1.THREE_RELU.replace(resets=5, epochs=400)),
    (part2.check_larger, part2.LAB.replace(network_shape=(4, 4))),
    (part3.check_best_plain, part3.LAB.replace(epochs=1)),
    (part3.check_best_features, part3.LAB.replace(features=("x", "y", "sinX"), epochs=1)),
]


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


ERRORS = ValueError("x"), SystemExit(3), RecursionError(), MemoryError(), GeneratorExit()


@pytest.mark.parametrize("error", [*ERRORS, Unanswered(), Wrong("raté.")])
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
    assert "tout le carnet\u00a0: dans JupyterLab" in before
    assert "1\u00a0/\u00a02\u00a0points" in repr(after)
    assert "(3\u00a0points)\u00a0: 1.b" in repr(after)
    assert after.unanswered == []
    assert "1.b" in after._repr_html_()


def test_bonus_points_stand_apart_and_miss_nowhere():
    marks = Marks("Partie 0", QUESTION, Question("1.b", "Plus loin", 3, bonus=True))
    marks.check("1.a")(lambda answer: (1, "presque"))(1)
    assert "bonus" not in repr(marks)
    marks.check("1.b")(lambda answer: "bien")(1)
    told = repr(marks)
    assert "1\u00a0/\u00a02\u00a0points" in told
    assert "3\u00a0points de bonus" in told
    assert "Plus loin (bonus)" in marks._repr_html_()
    assert Marks("Partie 0", Question("1.b", "Plus loin", 3, bonus=True)).unanswered == []


def test_a_notebook_tells_of_a_better_answer_a_changed_lab_and_blank_texts(monkeypatch, tmp_path):
    known, path = {"lab": 1}, tmp_path / "carnet.ipynb"
    monkeypatch.setattr(marks_module, "variables", lambda: known)
    monkeypatch.setattr(running_cell, "variables", lambda: known)
    marks = Marks("Partie 0", QUESTION, Question("1.b", "Rédigée", 3, manual=True), lab=1)
    check = marks.check("1.a")(lambda points: (points, "dit."))
    assert check(2).feedback == check(2).feedback == "Dit."
    assert "valait 2\u00a0points" in check(1).feedback
    assert check(0).feedback.endswith("Pour la reprendre\u00a0: `2`")
    assert marks.scores["1.a"] == 0  # what is written last is what is handed in
    known["lab"] = 2
    assert "`lab` n'est plus celle de l'énoncé" in check(1).feedback
    assert "`lab`" not in check(2).feedback + check(...).feedback
    known["__vsc_ipynb_file__"] = str(path)
    assert "vide" not in repr(marks)
    stub = "*Écrivez votre réponse ici (double-cliquez pour modifier cette cellule).*"
    texts = (("", True), (stub, True), ("Parce que.", False), (f"{stub}\n\nParce que.", False))
    for text, told in texts:
        cell = {
            "cell_type": "markdown",
            "source": [text],
            "metadata": {"nbgrader": {"grade_id": "q1b-texte"}},
        }
        path.write_text(json.dumps({"cells": [{}, cell]}), "utf-8")
        assert ("1 réponse rédigée est vide\u00a0: 1.b" in repr(marks)) == told


def test_parts_of_an_answer_are_marked_each_for_itself():
    def refuse(error):
        raise error

    points, feedback = combine(
        ("a", 1, lambda value: "oui.", 1),
        ("b", 1, refuse, Wrong("non.", 0.5)),
        ("c", 1, lambda value: "oui.", ...),
        ("d", 1, refuse, french_error("mauvaise valeur.")),  # such as an order that the figures refuse too
    )
    assert points == 1.5
    assert feedback.splitlines() == [
        *("- ✓ `a` : oui.", "- ✗ `b` : non.", "- ○ `c` : à compléter", "- ✗ `d` : mauvaise valeur.")
    ]


@pytest.mark.parametrize("answer", [0.5, np.float64(0.5), np.float32(0.5), np.array(0.5), np.array([0.5])])
def test_numbers_are_read_from_what_a_notebook_produces(answer):
    assert number(answer) == 0.5


def test_a_decimal_comma_and_numpy_numbers_are_read_as_a_student_means_them():
    with pytest.raises(Wrong, match=r"écrivez 0\.5, avec un point"):
        number((0, 5))
    assert quoted([np.int64(22), np.float64(0.5)]) == "[22, 0.5]"


def test_a_quoted_answer_is_short_and_harmless():
    assert quoted(Hostile()) == "un objet Hostile"
    assert len(quoted("a" * 10_000)) == 60
    with pytest.raises(Wrong, match="trop longue"):
        read_url("a" * 10_000)


def test_changed_data_are_all_named():
    lab = PlaygroundConfig(dataset="xor")
    with pytest.raises(Wrong) as refusal:
        require_same(lab.replace(noise=20, seed="1", features=("y",)), lab, "features")
    told = (
        "`noise` vaut 20 au lieu de 0",
        "`seed` vaut 1 au lieu de 0.50819",
        "les entrées actives sont y au lieu de x, y",
    )
    assert str(refusal.value).endswith("\n".join(f"- {field}" for field in told))


def test_french_typography():
    assert typographic("« oui » : 5 % ; non ?") == "«\u00a0oui\u00a0»\u00a0: 5\u00a0%\u00a0; non\u00a0?"
    assert [plain(value) for value in (0, 0.5, 1.5, 0.1774, 20)] == ["0", "0,5", "1,5", "0,177", "20"]
    assert [plain(value) for value in (-6, 1000, -math.inf)] == ["−6", "1\u202f000", "−∞"]
    shown = [count(value, "point gagné") for value in (0, 1.5, 2, 1_000_000)]
    assert shown == [f"{one}\u00a0point gagné" for one in ("0", "1,5")] + [
        f"{several}\u00a0points gagnés" for several in ("2", "1\u202f000\u202f000")
    ]


def test_expected_values_and_known_mistakes_are_told_apart():
    mistakes = (-1.0, "signe.", 0.5), (math.nan, "jamais."), (1.0, "trop tard.")
    assert expect(1.04, (1.0, "oui."), *mistakes, otherwise="non.", within=0.05) == "oui."
    for value, feedback, points in ((-1.04, "signe.", 0.5), (1.06, "non.", 0), (math.nan, "non.", 0)):
        with pytest.raises(Wrong, match=feedback) as wrong:
            expect(value, (1.0, "oui."), *mistakes, otherwise="non.", within=0.05)
        assert wrong.value.points == points
    with pytest.raises(Wrong, match="non"):
        expect(0.5, (math.nan, "oui."), otherwise="non.")
    assert expect(98, (100, "oui."), otherwise="non.", relative=0.02) == "oui."
    with pytest.raises(Wrong, match="non"):  # of another shape, though it would broadcast
        expect(np.ones(2), (np.ones((2, 1)), "oui."), otherwise="non.")


def test_lists_are_read_from_what_a_notebook_produces():
    for answer in ([1, 2], (1, 2), {0: 1, 1: 2}, np.array([1, 2])):
        assert several(answer, 2, "Un couple est attendu") == [1, 2]
    for answer, told in (
        ("12", "'12'."),
        ([1, 2, 3], "longueur 3."),
        ({1: 1, 2: 2}, "2}."),
        (np.eye(2), "."),
    ):
        with pytest.raises(Wrong, match="Un couple est attendu ; reçu") as wrong:
            several(answer, 2, "Un couple est attendu", 0.5)
        assert str(wrong.value).endswith(told)
        assert wrong.value.points == 0.5


@pytest.mark.parametrize("check", CHECKS)
def test_absurd_answers_score_nothing_with_a_sentence(check):
    answers = len(inspect.signature(check).parameters)
    assert not check(*[...] * answers).answered
    assert not check([...], *[...] * (answers - 1)).answered
    for answer in ABSURD:
        score = check(*[answer] * answers)
        assert score == 0
        assert score.answered
        assert score.feedback.endswith((".", "?"))
        assert "pu être vérifiée" not in score.feedback  # each is understood, not merely survived


@pytest.mark.parametrize(("check", "values"), PREDICTIONS)
def test_any_possible_prediction_earns_its_points(check, values):
    assert [check(value) for value in values[0]] == [0.5] * len(values[0])
    assert not any(map(check, values[1]))


def test_absurd_answers_about_a_run_score_nothing():
    run = Run(part3.LAB).train(5)
    assert not part3.check_early_stopping(..., ..., run).answered
    for answer in ABSURD:
        score = part3.check_early_stopping(answer, answer, run)
        assert score == 0
        assert score.answered
        assert "pu être vérifiée" not in score.feedback


def test_the_experiments_are_the_labs():
    """As its own two addresses have them; in part 2, three ReLU neurons are given the points of part 1."""
    assert {part1.LAB, part3.LAB} <= {PlaygroundConfig.from_url(one["address"]) for one in REAL}
    assert part1.LAB.replace(activation="relu", network_shape=(3,)) == part2.LAB


@pytest.mark.parametrize(("check", "config"), ADDRESSES)
def test_another_experiment_scores_nothing_and_is_told_why(check, config):
    cases = {
        "bonjour": "pas une adresse du Playground",
        "https://playground.tensorflow.org/": "pas une adresse du Playground",
        edited(config, "dataset", "circle"): f"`dataset` vaut circle au lieu de {config.dataset}",
        edited(config, "seed", "0.1"): f"`seed` vaut 0.1 au lieu de {config.seed}",
        edited(config, "noise", "0"): f"`noise` vaut 0 au lieu de {config.noise}",
        edited(config, "percTrainData", "90"): "`percTrainData` vaut 90 au lieu de 50",
        edited(config, "problem", "regression"): "`problem`",
    }
    if config.epochs:  # where a start is replayed, in bounded time
        cases |= {
            edited(config, "epochs", "0"): "combien d'époques",
            edited(config, "epochs", MAX_EPOCHS + 1): "jusqu'à 20\u202f000",
            edited(config.replace(resets=1), "resets", MAX_RESETS + 1): "jusqu'à 1\u202f000",
        }
    for address, hint in cases.items():
        assert_told(check(address), 0, hint)


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
