"""Figures that wait: what a question asks is not shown before the student has answered it."""

import functools
import math
import numbers
from collections.abc import Callable

from ..french import plain, typographic
from ..notebook.shown import card
from .figure import FAINT, INK, ORANGE, figure_title

Prediction = tuple[str, object] | None  # a question's key and the student's answer, a number or a word


class Waiting:
    """What a cell shows in place of a result until a question is answered: what to do first, framed."""

    def __init__(self, first: str):
        self.first = first

    def __repr__(self):
        return typographic(f"{self.first}, puis exécutez de nouveau cette cellule pour en voir le résultat.")

    def _repr_html_(self):
        return card(FAINT, f"○ {self!r}")


def waits(draw: Callable) -> Callable:
    """Let a figure wait for an answer.

    The figure then takes ``after=("1.a", answer)``, a question's key and one or more answers to it, and
    returns a ``Waiting`` while one of them is still ``...``, or a list of ``...``. If it draws a prediction,
    it takes that as ``prediction=("1.a", number)``, and waits in the same way, also for 0,5 to become 0.5.
    """

    @functools.wraps(draw)
    def drawn(*arguments, after=None, **options):
        question, value = options.get("prediction") or ("", None)
        if _is_blank(value):
            return Waiting(f"Faites d'abord votre prédiction (question {question})")
        if isinstance(value, tuple):
            return Waiting(
                f"Question {question} : écrivez votre prédiction avec un point au lieu de la virgule"
            )
        question, *answers = after or ("",)
        if any(map(_is_blank, answers)):
            return Waiting(f"Répondez d'abord à la question {question}")
        return draw(*arguments, **options)

    return drawn


def predicted(prediction: Prediction) -> float | None:
    """Return the number in ``prediction=("1.a", number)``; None where there is none to draw."""
    value = None if prediction is None else prediction[1]
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def draw_levels(line: Callable, prediction: Prediction, target: float | None) -> None:
    """Draw the loss to reach and the student's prediction with ``axhline`` or ``axvline``."""
    if target is not None:
        line(target, color=INK, linewidth=1.2, linestyle="--", label=f"seuil {plain(target)}")
    if (value := predicted(prediction)) is not None:
        line(value, color=ORANGE, linewidth=2, label="votre prédiction")


def compare(figure, prediction: Prediction, measured: str) -> str:
    """Write above a figure what was predicted (a number or a word) and what was measured.

    Returns:
        That French sentence after a space, for the figure's description; "" without a prediction.
    """
    value = predicted(prediction)
    if value is not None:
        said = plain(value)
    elif prediction and isinstance(prediction[1], str):
        said = f"« {prediction[1][:40]} »"
    else:
        return ""
    sentence = f"Vous aviez dit {said} ; {measured}. Pourquoi ?"
    figure_title(figure, sentence)
    return f" {sentence}"


def beside(prediction: Prediction, measured: float, below: str, same: str, above: str) -> str:
    """Choose what ``compare`` says of a number that the next question asks for: its side, not its value."""
    value = predicted(prediction)
    return same if value is None or abs(measured - value) < 0.005 else above if measured > value else below


def _is_blank(answer):
    if isinstance(answer, (list, tuple)) and answer:
        return all(map(_is_blank, answer))
    return answer is ...
