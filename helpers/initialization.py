"""Other initial weights than the Playground's: nearly equal neurons, another scale; and what they lead to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .config import PlaygroundConfig
from .data import compute_features, load_data
from .french import french_error
from .training import Parameters, Run, output_activation


def nearly_equal(parameters: Parameters, gap: float) -> Parameters:
    """Draw the hidden neurons nearer to the first one: each keeps ``gap`` times its difference from it.

    Args:
        parameters: of networks with one hidden layer, as in ``Run.parameters``.
        gap: 0 makes exact copies of the first neuron, 1 changes nothing.

    Raises:
        ValueError: the networks have not exactly one hidden layer.
    """
    if len(parameters) != 2:
        raise french_error(f"Une couche cachée est attendue ; ce réseau en a {len(parameters) - 1}.")
    (weights, biases), (outgoing, last) = parameters
    return [
        (_nearer(weights, weights[:, :, :1], gap), _nearer(biases, biases[:, :1], gap)),
        (_nearer(outgoing, outgoing[:, :1], gap), last),
    ]


def scaled(parameters: Parameters, scale: float) -> Parameters:
    """Multiply all weights by ``scale``; biases stay."""
    return [(scale * weights, biases) for weights, biases in parameters]


def train_scaled(config: PlaygroundConfig, scale: float, epochs: int, resets: Iterable[int]) -> Run:
    """Train an experiment from its usual initial weights multiplied by ``scale``."""
    run = Run(config, resets)
    run.parameters = scaled(run.parameters, scale)
    return run.train(epochs)


def train_nearly_equal(config: PlaygroundConfig, gap: float, epochs: int, resets: Iterable[int]) -> Run:
    """Train an experiment from initial weights whose hidden neurons are nearly equal."""
    run = Run(config, resets)
    run.parameters = nearly_equal(run.parameters, gap)
    return run.train(epochs)


def gradients(run: Run) -> list[np.ndarray]:
    """Compute the slope of the training loss along every weight, by backpropagation over all training points.

    Returns:
        One array of shape (starts, in, out) per layer, like the weights.
    """
    data = load_data(run.config)
    answers = run.activations(data.train_points)
    signals = [compute_features(data.train_points, run.config.features)[np.newaxis], *answers[:-1]]
    names = [run.config.activation] * len(run.config.network_shape) + [output_activation(run.config)]
    error = (answers[-1] - data.train_labels[:, np.newaxis]) / len(data.train_labels)
    slopes = []
    for signal, answer, name, (weights, _) in zip(
        reversed(signals), reversed(answers), reversed(names), reversed(run.parameters), strict=True
    ):
        error = error * _SLOPES[name](answer)  # of the loss, along the neuron's weighted sum
        slopes.append(signal.swapaxes(1, 2) @ error)
        error = error @ weights.swapaxes(1, 2)
    return slopes[::-1]


def _nearer(values, first, gap):
    return first + gap * (values - first)


# Each activation's slope, written with its answer.
_SLOPES = {
    "relu": lambda answer: answer > 0,
    "tanh": lambda answer: 1 - answer**2,
    "sigmoid": lambda answer: answer * (1 - answer),
    "linear": np.ones_like,
}
