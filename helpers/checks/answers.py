"""Reads a student's answer (a number, a list, a function, an address), judges a number, replays a run."""

import contextlib
import functools
import inspect
import math
import numbers
from collections.abc import Mapping, ValuesView

import numpy as np

from ..engine import address
from ..engine.config import FIELD_KEYS, PlaygroundConfig
from ..engine.training import Run, train
from ..experiments.generalization import fresh_losses
from ..french import decimal, plain, quoted, signed, thousands
from .marks import Unanswered, Wrong

MAX_EPOCHS = 20_000  # what a replay accepts: about 15 s for the largest network, under 1 s for a small one
MAX_RESETS = 1_000
MAX_LENGTH = 5_000  # characters of an address
DIVERGED = (
    "La perte n'est plus un nombre : cet entraînement a divergé. "
    "Diminuez le taux d'apprentissage (`learningRate`)."
)


def number(answer: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Read a student's number; raise ``Wrong`` unless it is finite and between ``low`` and ``high``."""
    if isinstance(answer, np.ndarray) and answer.size == 1:
        answer = answer.item()
    if isinstance(answer, tuple) and len(answer) == 2 and all(type(part) is int for part in answer):
        raise Wrong(
            f"en Python, la virgule sépare deux nombres : écrivez {answer[0]}.{answer[1]}, avec un point."
        )
    if isinstance(answer, str):
        raise Wrong(f"écrivez un nombre sans guillemets, avec un point décimal ; reçu : {quoted(answer)}.")
    if isinstance(answer, (bool, np.bool_)) or not isinstance(answer, numbers.Real):
        raise Wrong(f"un nombre est attendu ; reçu : {quoted(answer)}.")
    try:
        value = float(answer)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise Wrong(f"un nombre fini est attendu ; reçu : {quoted(answer)}.")
    if not low <= value <= high:
        limits = f"de {plain(low)} à {plain(high)}" if math.isfinite(high) else f"au moins {plain(low)}"
        raise Wrong(f"{quoted(answer)} est hors de l'intervalle attendu, {limits}.")
    return value


def whole(answer: object, low: float, high: float = math.inf, of: str = "") -> int:
    """Read a student's whole number, between ``low`` and ``high``; ``of`` what, such as " de neurones"."""
    value = number(answer, low, high)
    if value != int(value):
        raise Wrong(f"un nombre entier{of} est attendu ; reçu : {quoted(answer)}.")
    return int(value)


def loss(answer: object) -> str:
    """Read the loss that a student predicts, from 0 to 2, and write it."""
    return plain(number(answer, 0, 2))


def share(answer: object) -> float:
    """Read a student's proportion, from 0 to 1."""
    if 1 < number(answer) <= 100:
        raise Wrong(
            f"une proportion entre 0 et 1 est attendue, pas un pourcentage ; reçu : {quoted(answer)}."
        )
    return number(answer, 0, 1)


def several(answer: object, length: int, wanted: str, points: float = 0.0) -> list:
    """Read a student's list of ``length`` values: a tuple, an array, a dictionary by number or its values.

    Raises:
        Wrong: another type or length; the message begins with ``wanted``, and it earns ``points``.
    """
    if isinstance(answer, Mapping) and set(answer) == set(range(length)):
        answer = [answer[index] for index in range(length)]
    if isinstance(answer, np.ndarray) and answer.ndim == 1:
        answer = answer.tolist()
    elif isinstance(answer, (ValuesView, range)):
        answer = list(answer)
    if not isinstance(answer, (list, tuple)):
        raise Wrong(f"{wanted} ; reçu : {quoted(answer)}.", points)
    if len(answer) != length:
        comma = len(answer) == 2 * length and all(type(item) is int for item in answer)
        hint = " Un nombre s'écrit avec un point : `0.5`, et non `0,5`." if comma else ""
        raise Wrong(f"{wanted} ; reçu : {quoted(answer)}, de longueur {len(answer)}.{hint}", points)
    return list(answer)


def call(function: object, *arguments: object, signature: str, ending: str, advice: str) -> object:
    """Call what a student wrote and return its result, unread.

    Args:
        function, arguments: the student's, and what it is given.
        signature: what was asked, such as "def rugosite(z, pas)".
        ending: how it should end, such as "`return W, b`".
        advice: what the sentence on an error adds, unless the error tells all by itself.

    Raises:
        Wrong: not a function, or it raises, or it returns None.
        Unanswered: it returns ``...``.
    """
    if not callable(function):
        raise Wrong(f"Une fonction est attendue : `{signature}` ; reçu : {quoted(function)}.")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        raise Wrong(f"Votre fonction n'a pas les arguments demandés : `{signature}`.") from None
    except ValueError:
        pass  # what has no signature is tried
    try:
        result = function(*arguments)
    except (KeyboardInterrupt, Wrong):  # Wrong: the marking stopped it, and says why
        raise
    except BaseException as error:  # whatever the student's code raises is feedback, not our failure
        kind, said = type(error).__name__, ""
        with contextlib.suppress(Exception):
            said = " ".join(str(error).split())[:160]
        if kind in ("NameError", "AttributeError", "ImportError", "UnboundLocalError"):
            advice = "."
        raise Wrong(
            f"Votre fonction s'arrête sur une erreur (`{kind}{': ' * bool(said)}{said}`){advice}"
        ) from error
    if result is ...:
        raise Unanswered
    if result is None:
        raise Wrong(f"Votre fonction ne renvoie rien : terminez-la par {ending}.")
    return result


def expect(value, right, *mistakes, otherwise: str, within: float = 0.0, relative: float = 0.0) -> str:
    """Return the feedback to an answer that is right, or raise the one that explains what is not.

    Args:
        value: the student's number or array, once read.
        right: (what it should be, feedback).
        mistakes: (value, feedback) or (value, feedback, points), tried in this order: where known mistakes
            lead, what they are told and what they still earn.
        otherwise: the feedback to anything else.
        within, relative: how far from each it may be, as ``atol`` and ``rtol`` of NumPy.

    Raises:
        Wrong: any value but the right one.
    """

    def near(other):
        return np.shape(value) == np.shape(other) and np.allclose(value, other, rtol=relative, atol=within)

    due, praise = right
    if near(due):
        return praise
    for wrong, *told in mistakes:
        if near(wrong):
            raise Wrong(*told)
    raise Wrong(otherwise)


def read_url(answer: object) -> PlaygroundConfig:
    """Read a student's address of the Playground (or a ``PlaygroundConfig``).

    Raises:
        Wrong: not an address, the site's address alone, a value the site does not know, or no input.
    """
    config = answer if isinstance(answer, PlaygroundConfig) else _read_text(answer)
    if not config.features:
        raise Wrong(
            "Dans cette expérience, aucune entrée n'est active : le réseau ne voit pas les points. "
            "Activez-en au moins une (par exemple `x=true`), puis recopiez l'adresse."
        )
    return config


def _read_text(answer):
    if not isinstance(answer, str):
        raise Wrong(
            "Une adresse du Playground est attendue, entre guillemets "
            f"(tiroir « Adresse » du Playground) ; reçu : {quoted(answer)}."
        )
    if len(answer) > MAX_LENGTH:
        raise Wrong(
            f"Cette adresse est trop longue : {thousands(len(answer))} caractères. Copiez-la à nouveau."
        )
    if address.is_bare(answer):
        raise Wrong(
            "Ce n'est pas une adresse du Playground avec ses réglages : il y manque tout ce qui suit "
            "le signe #. Recopiez-la depuis le tiroir « Adresse » du Playground de ce carnet."
        )
    try:
        return PlaygroundConfig.from_url(answer)
    except ValueError as error:
        raise Wrong(f"Cette adresse ne peut pas être rejouée. {error}") from None


def require_same(config: PlaygroundConfig, expected: PlaygroundConfig, *others: str) -> None:
    """Demand that a student's experiment has the lab's points, and the lab's values in other fields.

    Raises:
        Wrong: lists every field that differs, with the value to restore.
    """
    changed = [
        f"- {'les entrées actives sont' if field == 'features' else f'`{FIELD_KEYS[field]}` vaut'} "
        f"{shown(getattr(config, field))} au lieu de {shown(getattr(expected, field))}"
        for field in ("problem", "dataset", "noise", "perc_train_data", "seed", *others)
        if getattr(config, field) != getattr(expected, field)
    ]
    if changed:
        raise Wrong(
            "Ce n'est plus l'expérience du laboratoire, la perte ne se compare donc pas. À rétablir :\n"
            + "\n".join(changed)
        )


def replay(config: PlaygroundConfig) -> Run:
    """Train exactly the start that an address names: its ``resets``, for its ``epochs``.

    Raises:
        Wrong: ``epochs`` missing, or too large a replay, so that a check ends in bounded time.
    """
    if config.epochs == 0:
        raise Wrong(
            "L'adresse ne dit pas combien d'époques entraîner. Recopiez-la depuis le tiroir « Adresse » du "
            "Playground de ce carnet, ou ajoutez à la fin `&epochs=` et le nombre affiché "
            "(et `&resets=` suivi du nombre de réinitialisations)."
        )
    for key, value, most in (("epochs", config.epochs, MAX_EPOCHS), ("resets", config.resets, MAX_RESETS)):
        if value > most:
            raise Wrong(f"`{key}` = {thousands(value)} : la vérification va jusqu'à {thousands(most)}.")
    return trained(config, config.epochs, (config.resets,))


def fresh(run: Run) -> str:
    """Say in French, after a space, what a replayed network loses on fresh points, and the gap."""
    found, announced = float(fresh_losses(run)[0]), float(run.test_loss[0, -1])
    return (
        " Sur 5\u202f000 points neufs, tirés de la même façon, qui n'ont servi à rien choisir, ce même "
        f"réseau a une perte de {decimal(found)} (écart : {signed(found - announced, 3)})."
    )


@functools.lru_cache(maxsize=16)
def trained(config: PlaygroundConfig, epochs: int, starts: tuple[int, ...]) -> Run:
    """Train an experiment, once per kernel: checks are run again and again. Do not train the result on."""
    return train(config, epochs, starts)


def shown(value: object) -> str:
    """Write a setting as an address does."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
