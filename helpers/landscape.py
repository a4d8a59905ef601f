"""The loss between two trained networks: is there a valley from one to the other, or a pass to climb?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np

from .data import load_data
from .french import french_error, quoted
from .training import Parameters, Run


def segment(run: Run, start: int, end: int, order: object = ..., steps: int = 101) -> Run:
    """Return the networks met on the straight line, in the space of weights, from one start to another.

    Args:
        run: a trained run.
        start, end: which of its networks are the two ends.
        order: the neurons of the end's hidden layer in another order, such as (1, 0, 2): the same function.
        steps: networks on the line, both ends included.

    Returns:
        A run of ``steps`` networks, not to be trained on; network k lies at k / (steps - 1) of the way.

    Raises:
        ValueError: the run has no such start, or the order is not one.
    """
    for name, value in (("start", start), ("end", end)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < run.starts:
            raise french_error(f"{name} = {quoted(value)} : attendu un départ de 0 à {run.starts - 1}.")
    parameters = run.parameters
    last = [(weights[end], biases[end]) for weights, biases in parameters]
    if order is not ...:
        last = reordered(last, order)
    way = np.linspace(0, 1, steps)
    line = Run(run.config, (0,) * steps)
    line.parameters = [
        (
            _mixed(weights[start], last_weights, way[:, np.newaxis, np.newaxis]),
            _mixed(biases[start], last_biases, way[:, np.newaxis]),
        )
        for (weights, biases), (last_weights, last_biases) in zip(parameters, last, strict=True)
    ]
    return line


def losses(run: Run) -> np.ndarray:
    """Return each network's training loss as its parameters are now, array of shape (starts,)."""
    data = load_data(run.config)
    return 0.5 * np.mean((run.predict(data.train_points) - data.train_labels) ** 2, axis=1)


def segment_losses(run: Run, start: int, end: int, order: object = ..., steps: int = 101) -> np.ndarray:
    """Return the training losses on the straight line from one start to another, array of shape (steps,)."""
    return losses(segment(run, start, end, order, steps))


def reordered(parameters: Parameters, order: Iterable[int]) -> Parameters:
    """Put the neurons of a network with one hidden layer in another order; its answers stay the same.

    Args:
        parameters: [(weights (in, units), biases (units,)), (weights (units, 1), biases (1,))].
        order: the numbers of the neurons, from 0, in the new order.

    Raises:
        ValueError: not one hidden layer, or ``order`` does not name each neuron once.
    """
    if len(parameters) != 2:
        raise french_error(f"Une couche cachée est attendue ; ce réseau en a {len(parameters) - 1}.")
    (weights, biases), (outgoing, last) = parameters
    neurons = list(range(len(biases)))
    try:
        given = list(islice(order, len(neurons) + 1))  # enough to see that it is too long
        chosen = [int(neuron) for neuron in given]
        known = sorted(chosen) == neurons and chosen == given
    except (TypeError, ValueError, OverflowError):
        known = False
    if not known:
        raise french_error(
            f"ordre = {quoted(order)} : attendu les numéros {', '.join(map(str, neurons))}, chacun une fois, "
            f"par exemple {tuple(reversed(neurons))}."
        )
    return [(weights[:, chosen], biases[chosen]), (outgoing[chosen], last)]


def _mixed(first, last, way):
    return (1 - way) * first + way * last
