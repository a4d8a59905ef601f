"""Which inputs a network leans on: what each adds to the first layer, and what is lost without it."""

import numpy as np

from ..engine.data import compute_features, half_squared_error
from ..engine.training import Run


def input_effects(run: Run, start: int = 0) -> np.ndarray:
    """Return each first-layer weight times the standard deviation of its input over the training points.

    A weight alone misleads: sin X1 stays within [-1, 1] where X1 runs from -6 to 6. The array has shape
    (inputs, units of the first layer).
    """
    inputs = _training_inputs(run)
    return run.parameters[0][0][start] * inputs.std(axis=0)[:, np.newaxis]


def frozen_losses(run: Run, start: int = 0) -> np.ndarray:
    """Return the test losses (inputs,) once each input is frozen at its mean over the training points."""
    means, data = _training_inputs(run).mean(axis=0), run.data
    (weights, biases), *others = run.parameters
    losses = []
    for index, mean in enumerate(means):
        frozen = weights.copy()
        frozen[:, index] = 0  # the input's mean, a constant, joins the bias
        twin = run.copy()
        twin.parameters = [(frozen, biases + mean * weights[:, index]), *others]
        losses.append(half_squared_error(twin.predict(data.test_points)[start], data.test_labels).mean())
    return np.array(losses)


def _training_inputs(run):
    return compute_features(run.data.train_points, run.config.features)
