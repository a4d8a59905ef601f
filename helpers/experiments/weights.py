"""Other initial weights than the Playground's: nearly equal neurons, another scale; and what they lead to."""

from collections.abc import Iterable
from itertools import islice

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import compute_features, half_squared_error
from ..engine.training import Parameters, Run, Starts, output_activation
from ..french import french_error, quoted


def nearly_equal(parameters: Parameters, gap: float) -> Parameters:
    """Draw the hidden neurons nearer to the first one: each keeps ``gap`` times its difference from it.

    A gap of 0 makes exact copies of the first neuron, 1 changes nothing.

    Raises:
        ValueError: the networks have not exactly one hidden layer.
    """
    (weights, biases), (outgoing, last) = _one_hidden_layer(parameters)
    return [
        (_nearer(weights, weights[:, :, :1], gap), _nearer(biases, biases[:, :1], gap)),
        (_nearer(outgoing, outgoing[:, :1], gap), last),
    ]


def scaled(parameters: Parameters, scale: float) -> Parameters:
    """Multiply all weights by ``scale``; biases stay."""
    return [(scale * weights, biases) for weights, biases in parameters]


def train_scaled(config: PlaygroundConfig, scale: float, epochs: int, starts: Starts) -> Run:
    """Train an experiment from its usual initial weights multiplied by ``scale``."""
    run = Run(config, starts)
    run.parameters = scaled(run.parameters, scale)
    return run.train(epochs)


def train_nearly_equal(config: PlaygroundConfig, gap: float, epochs: int, starts: Starts) -> Run:
    """Train an experiment from initial weights whose hidden neurons are nearly equal."""
    run = Run(config, starts)
    run.parameters = nearly_equal(run.parameters, gap)
    return run.train(epochs)


def gradients(run: Run) -> list[np.ndarray]:
    """Compute the slope of the training loss along every weight, by backpropagation over all training points.

    There is one array (starts, in, out) per layer, like the weights.
    """
    data = run.data
    answers = run.activations(data.train_points)
    signals = [compute_features(data.train_points, run.config.features)[np.newaxis], *answers[:-1]]
    names = [run.config.activation] * len(run.config.network_shape) + [output_activation(run.config)]
    error = (answers[-1] - data.train_labels[:, np.newaxis]) / len(data.train_labels)
    slopes = []
    layers = [*zip(signals, answers, names, run.parameters, strict=True)]
    for signal, answer, name, (weights, _) in reversed(layers):
        error = error * _SLOPES[name](answer)  # of the loss, along the neuron's weighted sum
        slopes.append(signal.swapaxes(1, 2) @ error)
        error = error @ weights.swapaxes(1, 2)
    return slopes[::-1]


def _one_hidden_layer(parameters):
    if len(parameters) != 2:
        raise french_error(f"Une couche cachée est attendue ; ce réseau en a {len(parameters) - 1}.")
    return parameters


def _nearer(values, first, gap):
    return first + gap * (values - first)


# Each activation's slope, written with its answer.
_SLOPES = {
    "relu": lambda answer: answer > 0,
    "tanh": lambda answer: 1 - answer**2,
    "sigmoid": lambda answer: answer * (1 - answer),
    "linear": np.ones_like,
}


def segment(run: Run, start: int, end: int, order: object = ..., steps: int = 101) -> Run:
    """Return the networks met on the straight line, in the space of weights, from one start to another.

    ``order`` puts the neurons of the end's hidden layer in another order, see ``reordered``. Of the ``steps``
    networks, not to be trained on, network k lies at k / (steps - 1) of the way.

    Raises:
        ValueError: the run has no such start, or the order is not one.
    """
    for name, value in (("start", start), ("end", end)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or not 0 <= value < len(run.starts):
            raise french_error(f"{name} = {quoted(value)} : il faut un départ de 0 à {len(run.starts) - 1}.")
    parameters = run.parameters
    last = [(weights[end], biases[end]) for weights, biases in parameters]
    if order is not ...:
        last = reordered(last, order)
    way = np.linspace(0, 1, steps)
    line = Run(run.config, (0,) * steps, own=run.own)
    line.parameters = [
        (
            _nearer(last_weights, weights[start], way[:, np.newaxis, np.newaxis]),
            _nearer(last_biases, biases[start], way[:, np.newaxis]),
        )
        for (weights, biases), (last_weights, last_biases) in zip(parameters, last, strict=True)
    ]
    return line


def losses(run: Run) -> np.ndarray:
    """Return each network's training loss as its parameters are now, array of shape (starts,)."""
    data = run.data
    return half_squared_error(run.predict(data.train_points), data.train_labels).mean(axis=1)


def segment_losses(run: Run, start: int, end: int, order: object = ..., steps: int = 101) -> np.ndarray:
    """Return the training losses on the straight line from one start to another, array of shape (steps,)."""
    return losses(segment(run, start, end, order, steps))


def reordered(parameters: Parameters, order: Iterable[int]) -> Parameters:
    """Put the neurons of a network with one hidden layer in another order; its answers stay the same.

    Args:
        parameters: [(weights (in, units), biases (units,)), (weights (units, 1), biases (1,))].
        order: the numbers of the neurons from 0, such as (1, 0, 2).

    Raises:
        ValueError: not one hidden layer, or ``order`` does not name each neuron once.
    """
    (weights, biases), (outgoing, last) = _one_hidden_layer(parameters)
    neurons = list(range(len(biases)))
    try:
        given = list(islice(order, len(neurons) + 1))  # enough to see that it is too long
        chosen = [int(neuron) for neuron in given]
        known = sorted(chosen) == neurons and chosen == given
    except (TypeError, ValueError, OverflowError):
        known = False
    if not known:
        raise french_error(
            f"ordre = {quoted(order)} : il faut les numéros {', '.join(map(str, neurons))}, chacun une fois, "
            f"par exemple {tuple(reversed(neurons))}."
        )
    return [(weights[:, chosen], biases[chosen]), (outgoing[chosen], last)]
