"""A trained network as a JSON text that one can keep, send, edit by hand and open again."""

import json
import re
from itertools import pairwise

import numpy as np

from ..french import french_error, thousands, typographic
from .config import PlaygroundConfig
from .own_data import OwnData
from .training import Run, layer_sizes

MAX_EPOCHS = 1_000_000  # bounds the room of the losses that are not known
_OTHER = "Ce fichier n'est pas l'état d'un réseau du Playground"


def to_json(config: PlaygroundConfig, run: Run) -> str:
    """Write a run's first network, of ``config`` with its epochs; ``from_json`` reads it back to the bit."""
    state = {
        "address": config.to_url(),
        "layers": [
            # A line for each neuron: the weights of what comes into it.
            {"weights": weights[0].T.tolist(), "biases": biases[0].tolist()}
            for weights, biases in run.parameters
        ],
    }
    if run.own:
        state["points"] = run.own.table.tolist()
    return re.sub(r"\[[^\[\]]*\]", lambda flat: re.sub(r"\s+", " ", flat[0]), json.dumps(state, indent=1))


def from_json(text: str | bytes) -> tuple[PlaygroundConfig, Run]:
    """Read what ``to_json`` wrote, its weights perhaps edited by hand; the run can train on.

    Raises:
        ValueError: not such a text, or a weight that is missing or no finite number; the message names it.
    """
    try:
        state = json.loads(text)
    except ValueError as error:
        raise french_error(f"{_OTHER} : ligne {getattr(error, 'lineno', 1)}, JSON mal formé.") from None
    if not isinstance(state, dict) or not {"address", "layers"} <= state.keys():
        raise french_error(f"{_OTHER} : il lui manque « address » ou « layers ».")
    config = PlaygroundConfig.from_url(state["address"])
    if config.epochs > MAX_EPOCHS:
        raise french_error(
            f"Fichier d'état : {thousands(config.epochs)} époques, {thousands(MAX_EPOCHS)} au plus."
        )
    sizes = list(pairwise(layer_sizes(config)))
    if not isinstance(state["layers"], list) or len(state["layers"]) != len(sizes):
        raise french_error(f"Fichier d'état : « layers » doit avoir {len(sizes)} couches, comme l'adresse.")
    parameters = []
    for number, (layer, (inputs, units)) in enumerate(zip(state["layers"], sizes, strict=True), 1):
        weights = _array(layer, "weights", (units, inputs), f"couche {number}, ")
        biases = _array(layer, "biases", (units,), f"couche {number}, ")
        parameters.append((weights.T[np.newaxis], biases[np.newaxis]))
    own = None
    if "points" in state:
        table = _array(state, "points", (None, 3))
        own = OwnData(table, config.problem, typographic(f"{len(table)} points, ceux du fichier d'état."))
    run = Run(config.replace(epochs=0), (config.resets,), own=own)
    run.take_up(parameters, config.epochs)
    return config, run


def _array(holder, key, shape, place=""):
    try:
        array = np.array(holder[key], np.float64)
    except (KeyError, TypeError, ValueError):
        array = np.array(np.nan)
    shape = tuple(size or len(array) for size in shape) if array.ndim else shape
    if array.shape != shape or not np.isfinite(array).all():
        size = " × ".join(str(size or "n") for size in shape)
        raise french_error(f"Fichier d'état, {place}« {key} » : il faut {size} nombres finis.")
    return array
