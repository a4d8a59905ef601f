"""Figures wait for the answer that they would give away, and bring the prediction back."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, plotting, train
from helpers.plotting.waiting import Waiting

NBSP = "\u00a0"
XOR = PlaygroundConfig(dataset="xor", noise=35, activation="relu", network_shape=(3,))
pytestmark = pytest.mark.usefixtures("figures_in_good_french")


@pytest.fixture(scope="module")
def run():
    return train(XOR, 30, starts=8)


@pytest.mark.parametrize("answers", [(...,), (0.5, ...), ([..., ...],), ((..., [...]),)], ids=str)
def test_a_figure_waits_while_an_answer_is_blank(run, answers):
    shown = plotting.surfaces(run, after=("1.b", *answers))
    assert isinstance(shown, Waiting)
    assert repr(shown).startswith("Répondez d'abord à la question 1.b, puis")
    assert "exécutez de nouveau cette cellule" in shown._repr_html_()
    assert not hasattr(shown, "_repr_png_")


@pytest.mark.parametrize("answers", [(0,), ("",), (0.5, [..., 1]), (np.zeros(2),), ([],), (None,)], ids=str)
def test_it_appears_once_answered(run, answers):
    assert plotting.surfaces(run, after=("1.b", *answers))._repr_png_()


def test_a_prediction_is_waited_for_and_then_drawn_however_far_off(run):
    for missing, told in ((..., "Faites d'abord votre prédiction (question 1.a)"), ((1, 7), "avec un point")):
        shown = plotting.loss_curves(run, prediction=("1.a", missing))
        assert isinstance(shown, Waiting)
        assert told in repr(shown)
    picture = plotting.loss_curves(run, prediction=("1.a", 1.7))
    (axis,) = picture.figure.axes
    assert axis.get_ylim()[1] > 1.7
    assert f"Vous aviez dit 1,7{NBSP}; la médiane des départs finit plus bas. Pourquoi{NBSP}?" in repr(
        picture
    )


@pytest.mark.parametrize(("shift", "where"), [(-0.1, "plus haut"), (0.001, "là"), (0.1, "plus bas")])
def test_what_the_next_question_asks_is_not_given_away(run, shift, where):
    """The sentence says on which side of the prediction the median lies; its value is to be read."""
    median = float(np.median(run.test_loss[:, -1]))
    said = plotting.loss_curves(run, prediction=("1.a", median + shift)).figure._suptitle.get_text()
    assert f"finit {where}. Pourquoi" in said
    assert f"{median:.2f}".replace(".", ",") not in said.partition(";")[2]


@pytest.mark.parametrize(
    ("draw", "prediction", "measured"),
    [
        (lambda run, **p: plotting.final_losses({"[3]": run}, **p), 5, "le meilleur des 8 départs"),
        (lambda run, **p: plotting.surfaces(run, [0], **p), 1.999, "ce réseau finit à"),
        (plotting.input_weights, 1.9, "ce réseau finit à"),
        (
            lambda run, **p: plotting.success_rates({3: run}, 9, **p),
            40,
            "le plus petit qui réussit en a moins",
        ),
        (lambda run, **p: plotting.success_rates({3: run}, 0, **p), 2, "aucun de ces réseaux ne réussit"),
        (lambda run, **p: plotting.stability({"[3]": run}, 9, **p), 1, f"8{NBSP}départs sur 8 réussissent"),
        (
            lambda run, **p: plotting.parameter_paths({"[3]": run}, 5, **p),
            0,
            "davantage de paramètres ont changé",
        ),
        (lambda run, **p: plotting.loss_between(run, 0, 1, **p), 0.1, "la perte monte plus haut"),
    ],
)
def test_each_figure_says_what_was_predicted_and_measured(run, draw, prediction, measured):
    picture = draw(run, prediction=("1.a", prediction))
    picture.figure.draw_without_rendering()
    assert picture.figure._suptitle.get_window_extent().x1 < picture.figure.bbox.width
    told = repr(picture)
    assert f"Vous aviez dit {prediction}{NBSP};".replace(".", ",") in told
    assert measured in told
    assert "Vous aviez dit" not in repr(draw(run))


def test_a_prediction_in_words(run):
    runs = {"sans": run, "avec": train(XOR.replace(features=("x", "y", "sinX")), 30, starts=8)}
    told = repr(plotting.roughness_and_loss(runs, prediction=("3", "plus lisse")))
    assert f"Vous aviez dit «{NBSP}plus lisse{NBSP}»{NBSP}; en médiane, la surface «" in told


@pytest.mark.parametrize("nonsense", [float("nan"), True, [0.3], None], ids=str)
def test_what_is_no_prediction_is_not_drawn(run, nonsense):
    assert "Vous aviez dit" not in repr(plotting.loss_curves(run, prediction=("1.a", nonsense)))
