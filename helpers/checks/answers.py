"""Reads what a student answered (a number, an address, a training), and replays it."""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Mapping

import numpy as np

from ..engine import address
from ..engine.config import PlaygroundConfig
from ..engine.training import Run, train
from ..french import quoted
from .marks import Wrong

MAX_EPOCHS = 20_000  # what a replay accepts: about 15 s for the largest network, under 1 s for a small one
MAX_RESETS = 1_000
MAX_LENGTH = 5_000  # characters of an address


# What decides the points of an experiment: field -> key in the address, for ``require_same``.
SAME_POINTS = {
    "problem": "problem",
    "dataset": "dataset",
    "noise": "noise",
    "perc_train_data": "percTrainData",
    "seed": "seed",
}


def number(answer: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Read a student's number.

    Raises:
        Wrong: not one finite real number between ``low`` and ``high``.
    """
    if isinstance(answer, np.ndarray) and answer.size == 1:
        answer = answer.item()
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
        raise Wrong(f"{quoted(answer)} est hors de l'intervalle attendu, de {low:g} à {high:g}.")
    return value


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
        raise Wrong(f"Cette adresse est trop longue : {len(answer)} caractères. Copiez-la à nouveau.")
    if address.is_bare(answer):
        raise Wrong(
            "Ce n'est pas une adresse du Playground avec ses réglages : il y manque tout ce qui suit "
            "le signe #. Recopiez-la depuis le tiroir « Adresse » du Playground de ce carnet."
        )
    try:
        return PlaygroundConfig.from_url(answer)
    except ValueError as error:
        raise Wrong(f"Cette adresse ne peut pas être rejouée. {error}") from None


def require_same(config: PlaygroundConfig, expected: PlaygroundConfig, fields: Mapping[str, str]) -> None:
    """Demand that some fields keep the lab's values.

    Args:
        config: the student's experiment.
        expected: the lab's.
        fields: field name -> its key in the address.

    Raises:
        Wrong: lists every field that differs, with the value to restore.
    """
    changed = [
        f"- `{key}` vaut {_shown(getattr(config, field))} au lieu de {_shown(getattr(expected, field))}"
        for field, key in fields.items()
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
    if config.epochs > MAX_EPOCHS:
        raise Wrong(f"`epochs` = {config.epochs} : au plus {MAX_EPOCHS} époques sont rejouées.")
    if config.resets > MAX_RESETS:
        raise Wrong(f"`resets` = {config.resets} : au plus {MAX_RESETS} réinitialisations sont rejouées.")
    return trained(config, config.epochs, (config.resets,))


@functools.lru_cache(maxsize=16)
def trained(config: PlaygroundConfig, epochs: int, starts: tuple[int, ...]) -> Run:
    """Train an experiment, once per kernel: checks are run again and again. Do not train the result on."""
    return train(config, epochs, starts)


def _shown(value):
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)
