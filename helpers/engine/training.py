"""Trains the Playground's networks exactly as the original does, many random starts at once.

TensorFlow compiles a whole chunk of epochs with XLA. The starts are the trailing axis of every
tensor, so 128 of them cost little more than one. Rates, parameters and points are tensors too: changing
them recompiles nothing. Nor does a neuron more or less, most of the time: layers are padded to 4 or 8
neurons, and a missing neuron is one whose weights are dead.

Source of the rules: the original's nn.ts and playground.ts. Loss 0.5 (output - label)^2; the points
are walked in a fixed order; weights move after each point whose position is a multiple of the batch
size; the points left over at the end of an epoch join the first batch of the next.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import tensorflow as tf

from ..french import french_error, typographic
from .compiled import CHUNK, DEVICE, Batches, get_program
from .config import PlaygroundConfig
from .data import Dataset, compute_features, draw

MAX_START = 100_000  # bounds the time spent drawing weights
DTYPES = ("float64", "float32")
NO_INPUT = typographic(
    "Aucune entrée n'est active : activez-en au moins une (par exemple X₁) avant d'entraîner."
)

Parameters = list[tuple[np.ndarray, np.ndarray]]


def train(
    config: PlaygroundConfig, epochs: int, starts: int | Iterable[int] = 1, dtype: str = "float64"
) -> Run:
    """Train one experiment from one or many random starts.

    Args:
        config: the experiment; its own ``epochs`` and ``resets`` are not read.
        epochs: passes over the training points.
        starts: how many, from start 0 on, or their numbers; start k is the network after k presses of "reset"
            at that address.
        dtype: "float64" agrees with the original to the last shown digit, "float32" is faster.

    Returns:
        The trained run, which can train on.

    Raises:
        ValueError: epochs, starts or dtype out of range.
    """
    return Run(config, starts, dtype).train(epochs)


class Run:
    """Networks of one experiment, trained in step from different random starts.

    Attributes:
        config: the experiment.
        starts: tuple of ints, the number of each network's start.
        dtype: "float64" or "float32".
        learning_rate, regularization_rate: floats, read anew by each ``train``; change them at will.
        train_loss, test_loss: arrays of shape (starts, epochs + 1), mean of 0.5 (output - label)^2 before
            training and after each epoch; NaN once a run has diverged.
    """

    def __init__(self, config: PlaygroundConfig, starts: int | Iterable[int] = 1, dtype: str = "float64"):
        if dtype not in DTYPES:
            raise french_error(f"dtype = {dtype!r} : attendu {' ou '.join(DTYPES)}.")
        self.config = config
        self.starts = start_numbers(starts)
        self.dtype = dtype
        self.learning_rate = config.learning_rate
        self.regularization_rate = config.regularization_rate
        dataset, random = draw(config)
        self._sizes = layer_sizes(config)
        with tf.device(DEVICE):
            self._batches = _make_batches(dataset, config, dtype)
            self.parameters = _initial_parameters(config, random, self.starts)
            self._alive = [
                _padded(np.ones((inputs, units, len(self.starts))), weights.shape, dtype)
                for (weights, _), (inputs, units) in zip(self._layers, pairwise(self._sizes), strict=True)
            ]
            self._program = get_program(
                tuple(tuple(weights.shape) for weights, _ in self._layers),
                tuple(tuple(tensor.shape) for tensor in self._batches),
                config.activation,
                output_activation(config),
                config.regularization == "L1",
                dtype,
            )
            losses = self._program.losses(self._layers, self._batches)
        self._epoch = 0
        self._history = [_finite(losses.numpy()[np.newaxis])]

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self._epoch

    @property
    def train_loss(self) -> np.ndarray:
        return self._losses()[0]  # (starts, epochs + 1)

    @property
    def test_loss(self) -> np.ndarray:
        return self._losses()[1]  # (starts, epochs + 1)

    def _losses(self):
        if len(self._history) > 1:
            self._history = [np.concatenate(self._history)]
        return self._history[0].transpose(1, 2, 0)  # kept as (epochs + 1, 2, starts)

    @property
    def parameters(self) -> Parameters:
        """Weights (starts, in, out) and biases (starts, out) of each layer; assign a list to change them."""
        return [
            (
                np.moveaxis(weights.numpy()[:inputs, :units], -1, 0),
                np.moveaxis(biases.numpy()[:units], -1, 0),
            )
            for (weights, biases), (inputs, units) in zip(self._layers, pairwise(self._sizes), strict=True)
        ]

    @parameters.setter
    def parameters(self, parameters: Parameters):
        count = len(self.starts)
        expected = [((count, i, o), (count, o)) for i, o in pairwise(self._sizes)]
        shapes = [(np.shape(weights), np.shape(biases)) for weights, biases in parameters]
        if shapes != expected:
            raise french_error(f"Paramètres de formes {shapes} ; formes attendues : {expected}.")
        wide = _padded_sizes(self._sizes)
        with tf.device(DEVICE):
            self._layers = [
                (
                    _padded(np.moveaxis(np.asarray(weights), 0, -1), (i, o, count), self.dtype),
                    _padded(np.moveaxis(np.asarray(biases), 0, -1), (o, count), self.dtype),
                )
                for (weights, biases), (i, o) in zip(parameters, pairwise(wide), strict=True)
            ]

    def train(self, epochs: int, seconds: float = math.inf) -> Run:
        """Train on for some epochs and return this run.

        Args:
            epochs: how many more.
            seconds: begin no further chunk of 500 epochs once they are over; see ``epoch``.

        Raises:
            ValueError: ``epochs`` is not a whole number of at least 0, or no input is switched on.
        """
        epochs = _whole("epochs", epochs, None)
        if epochs and not self.config.features:
            raise ValueError(NO_INPUT)
        end = time.monotonic() + seconds
        penalty_rate = 0 if self.config.regularization == "none" else self.regularization_rate
        rates = [tf.constant(rate, self.dtype) for rate in (self.learning_rate, penalty_rate)]
        while epochs:
            chunk = min(epochs, CHUNK)
            layers, alive, losses = self._program.advance(
                self._layers,
                self._alive,
                self._batches,
                *rates,
                tf.constant(self._epoch > 0),
                tf.constant(chunk),
            )
            losses = _finite(losses.numpy()[:chunk])
            # Together and last, so that an interrupt leaves a run that can go on.
            self._layers, self._alive, self._epoch = layers, alive, self._epoch + chunk
            self._history.append(losses)
            epochs -= chunk
            if time.monotonic() > end:
                break
        return self

    def copy(self) -> Run:
        """Return a run that goes its own way from here: training one leaves the other as it is."""
        twin = copy.copy(self)  # tensors never change in place
        twin._history = list(self._history)
        return twin

    def activations(self, points: np.ndarray) -> list[np.ndarray]:
        """Compute what every neuron answers at some points, with NumPy alone (fast for a picture).

        Args:
            points: array of shape (n, 2), float32 or float64.

        Returns:
            One array of shape (starts, n, units) per layer, the output layer last, in the points' dtype.
        """
        points = np.asarray(points)
        signal = compute_features(points, self.config.features)[np.newaxis]
        names = [self.config.activation] * len(self.config.network_shape) + [output_activation(self.config)]
        layers = []
        with np.errstate(all="ignore"):  # a diverged network is data, not an error
            for (weights, biases), name in zip(self.parameters, names, strict=True):
                total = signal @ weights.astype(points.dtype) + biases[:, np.newaxis].astype(points.dtype)
                signal = _NUMPY_ACTIVATIONS[name](total)
                layers.append(signal)
        return layers

    def predict(self, points: np.ndarray) -> np.ndarray:
        """Compute the networks' outputs, array of shape (starts, n), at points of shape (n, 2)."""
        return self.activations(points)[-1][..., 0]


def layer_sizes(config: PlaygroundConfig) -> tuple[int, ...]:
    """Return the number of inputs, of neurons in each hidden layer, and of outputs."""
    return (len(config.features), *config.network_shape, 1)


def output_activation(config: PlaygroundConfig) -> str:
    """Return the activation of the output neuron, which the problem decides."""
    return "tanh" if config.problem == "classification" else "linear"


def _whole(name, value, high):
    """Return a whole number as an int, or say in French what is expected."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < 0 or (high is not None and value > high):
        span = f"entre 0 et {high}" if high is not None else "positif ou nul"
        raise french_error(f"{name} = {value!r} : attendu un nombre entier {span}.")
    return int(value)


def start_numbers(starts: int | Iterable[int]) -> tuple[int, ...]:
    """Return the numbers of the starts that a count or an iterable of numbers names; see ``train``."""
    if isinstance(starts, (int, np.integer)):
        starts = range(_whole("starts", starts, MAX_START))
    if isinstance(starts, (str, bytes)) or not isinstance(starts, Iterable):
        raise french_error(
            f"starts = {starts!r} : attendu un nombre de départs, par exemple 16, ou leurs numéros, par "
            "exemple (0, 5)."
        )
    starts = tuple(_whole("starts", start, MAX_START) for start in starts)
    if not starts:
        raise french_error("starts ne désigne aucun départ : attendu au moins un départ, par exemple 1.")
    return starts


def _initial_parameters(config, random, starts) -> Parameters:
    """Draw the weights layer by layer, neuron by neuron, input by input, once per start."""
    sizes = layer_sizes(config)
    count = sum(i * o for i, o in pairwise(sizes))
    wanted = set(starts)
    drawn = {}
    for start in range(max(starts) + 1):
        values = [random.random() - 0.5 for _ in range(count)]  # drawn even when not used
        if start in wanted:
            drawn[start] = np.zeros(count) if config.init_zero else np.array(values)
    flat = np.stack([drawn[start] for start in starts])
    parameters, used = [], 0
    for inputs, units in pairwise(sizes):
        weights = flat[:, used : used + inputs * units].reshape(len(starts), units, inputs).swapaxes(1, 2)
        parameters.append((weights, np.full((len(starts), units), 0.0 if config.init_zero else 0.1)))
        used += inputs * units
    return parameters


def _make_batches(dataset: Dataset, config: PlaygroundConfig, dtype: str) -> Batches:
    train_inputs, test_inputs = (
        compute_features(points, config.features)[..., np.newaxis]
        for points in (dataset.train_points, dataset.test_points)
    )
    train_labels, test_labels = (
        labels[:, np.newaxis, np.newaxis] for labels in (dataset.train_labels, dataset.test_labels)
    )
    rows, shares = _batch_plan(len(train_labels), config.batch_size)
    shares = shares[..., np.newaxis, np.newaxis]
    batches = train_inputs[rows], train_labels[rows], shares
    whole = train_inputs, train_labels, test_inputs, test_labels
    return Batches(*(tf.constant(array, dtype) for array in (*batches, *whole)))


def _batch_plan(points: int, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Say which points each weight update sees and what each counts.

    No weight moves between the last update of an epoch and the first of the next, so the points left
    over are simply part of that first batch, whose mean is then over more points. (Only a weight edited
    by hand between two epochs tells the difference: the original keeps the older gradients of those points.)

    Returns:
        Row numbers (batches, size) and shares (2, batches, size), for the first epoch and the later ones.
    """
    batches, left_over = divmod(points, batch_size)
    rows = np.arange(batches * batch_size).reshape(batches, batch_size)
    padding = np.repeat(rows[:, :1], left_over, axis=1)  # weighs nothing
    padding[0] = np.arange(points - left_over, points)
    shares = np.zeros((2, batches, left_over + batch_size))
    shares[:, :, left_over:] = 1 / batch_size
    shares[1, 0] = 1 / (left_over + batch_size)
    return np.concatenate([padding, rows], axis=1), shares


def _padded_sizes(sizes):
    inputs, *hidden, output = sizes
    return (inputs, *([4 if max(hidden) <= 4 else 8] * len(hidden)), output) if hidden else sizes


def _padded(array, shape, dtype):
    """Return a tensor of this shape that holds the array at its start and zeros elsewhere."""
    widths = [(0, wide - size) for wide, size in zip(shape, array.shape, strict=True)]
    return tf.constant(np.pad(array, widths), dtype)


def _finite(losses):
    return np.where(np.isfinite(losses), losses, np.nan)


_NUMPY_ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
}
