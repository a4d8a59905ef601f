"""Trains the Playground's networks exactly as the original does, many random starts at once.

``compiled`` holds the training itself, as programs for blocks of starts; here a run is NumPy arrays, cut into
blocks that train on all of the machine's cores. A start gets the same weights, to the bit, alone or among
others.

Source of the rules: the original's nn.ts and playground.ts. Loss 0.5 (output - label)^2; the points
are walked in a fixed order; weights move after each point whose position is a multiple of the batch
size; the points left over at the end of an epoch join the first batch of the next.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from ..french import french_error
from .compiled import BLOCK, CHUNK, SIZES, WINDOWS, Data, Layer, Program, Rules
from .config import ACTIVATIONS, PlaygroundConfig
from .data import SAMPLES, Dataset, compute_features, draw

MAX_START = 100_000  # bounds the time spent drawing weights
DTYPES = ("float64", "float32")
ALONE = 4  # starts that train faster one by one than as a block

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
        layers = _initial_parameters(config, random, self.starts)
        layers = [(weights.astype(dtype), biases.astype(dtype)) for weights, biases in layers]
        self._layers = [Layer(weights, biases, np.ones_like(weights)) for weights, biases in layers]
        self._data = _make_data(dataset, config, dtype)
        self._epoch = 0
        self._history = [_finite(self._initial_losses(dataset))]

    def _initial_losses(self, dataset):
        halves = [
            0.5 * np.mean((self.predict(points.astype(self.dtype)) - labels.astype(self.dtype)) ** 2, axis=1)
            for points, labels in (
                (dataset.train_points, dataset.train_labels),
                (dataset.test_points, dataset.test_labels),
            )
        ]
        return np.stack(halves)[np.newaxis]

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
        return [(layer.weights.copy(), layer.biases.copy()) for layer in self._layers]

    @parameters.setter
    def parameters(self, parameters: Parameters):
        expected = [(layer.weights.shape, layer.biases.shape) for layer in self._layers]
        shapes = [(np.shape(weights), np.shape(biases)) for weights, biases in parameters]
        if shapes != expected:
            raise french_error(f"Paramètres de formes {shapes} ; formes attendues : {expected}.")
        self._layers = [
            Layer(np.array(weights, self.dtype), np.array(biases, self.dtype), layer.alive)
            for (weights, biases), layer in zip(parameters, self._layers, strict=True)
        ]

    def train(self, epochs: int, seconds: float = math.inf) -> Run:
        """Train on for some epochs and return this run.

        Args:
            epochs: how many more.
            seconds: begin no further chunk of 500 epochs once they are over; see ``epoch``.

        Raises:
            ValueError: ``epochs`` is not a whole number of at least 0.
        """
        epochs = _whole("epochs", epochs, None)
        end = time.monotonic() + seconds
        while epochs:
            chunk = min(epochs, CHUNK)
            layers, losses = self._advance(chunk)
            # Together and last, so that an interrupt leaves a run that can go on.
            self._layers, self._epoch = layers, self._epoch + chunk
            self._history.append(_finite(losses))
            epochs -= chunk
            if time.monotonic() > end:
                break
        return self

    def _advance(self, epochs):
        """Return the layers after some more epochs, and the losses of each, (epochs, 2, starts)."""
        penalty_rate = 0 if self.config.regularization == "none" else self.regularization_rate
        rules = Rules(
            np.int32(len(self._layers) - 1),
            np.int32(ACTIVATIONS.index(self.config.activation)),
            np.bool_(self.config.regularization == "L1"),
            *(np.array(rate, self.dtype) for rate in (self.learning_rate, penalty_rate)),
        )

        def train(block):
            layers = [Layer(*(part[block] for part in layer)) for layer in self._layers]
            program = get_program(self.config, block.stop - block.start, self.dtype)
            network, losses = program.advance(
                _pack(layers, program), self._data, rules, self._epoch > 0, epochs
            )
            return _unpack(network, layers), losses[..., : block.stop - block.start]

        blocks = _blocks(len(self.starts))
        if len(blocks) == 1:
            trained = [train(*blocks)]
        else:  # TensorFlow lets the other threads run
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                trained = list(pool.map(train, blocks))
        layers = [
            Layer(*(np.concatenate(parts) for parts in zip(*same, strict=True)))
            for same in zip(*(layers for layers, _ in trained), strict=True)
        ]
        return layers, np.concatenate([losses for _, losses in trained], axis=-1)

    def copy(self) -> Run:
        """Return a run that goes its own way from here: training one leaves the other as it is."""
        twin = copy.copy(self)  # its arrays never change in place
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


def get_program(config: PlaygroundConfig, starts: int = 1, dtype: str = "float64") -> Program:
    """Return the program that trains so many starts, a block of them at most, of an experiment.

    ``get_program(config).compile()``, on any thread, lets a later training begin at once.
    """
    widest = max(len(config.features), *config.network_shape, 0)
    train_points = SAMPLES[config.problem] * config.perc_train_data // 100
    batch = config.batch_size + train_points % config.batch_size
    return Program.get(
        config.problem,
        min(len(config.network_shape), 2),
        min(size for size in SIZES if size >= widest),
        min(window for window in WINDOWS if window >= batch),
        1 if starts == 1 else BLOCK,
        dtype,
    )


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
        weights = flat[:, used : used + inputs * units].reshape(-1, units, inputs).swapaxes(1, 2)
        parameters.append((weights, np.full((len(starts), units), 0.0 if config.init_zero else 0.1)))
        used += inputs * units
    return parameters


def _make_data(dataset: Dataset, config: PlaygroundConfig, dtype: str) -> Data:
    train = len(dataset.train_labels)
    batches, left_over = divmod(train, config.batch_size)
    points = compute_features(np.concatenate([dataset.train_points, dataset.test_points]), config.features)
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    order = [*range(train - left_over, train), *range(len(labels))]
    data = get_program(config, 1, dtype).empty_data()
    data.points[: len(order), : points.shape[1], 0] = points[order]
    data.labels[: len(order), 0, 0] = labels[order]
    return Data(data.points, data.labels, *np.int32((left_over, config.batch_size, batches, train)))


def _blocks(count):
    """Cut so many starts into slices, each for a thread; a few are faster one by one than in a block."""
    alone = count % BLOCK if count % BLOCK <= ALONE else 0
    blocks = [slice(first, min(first + BLOCK, count)) for first in range(0, count - alone, BLOCK)]
    return blocks + [slice(first, first + 1) for first in range(count - alone, count)]


def _pack(layers, program):
    """Return the layers of a block of starts, (starts, ...), as a program wants them: (..., starts), padded."""
    network = program.empty_network()
    for wide, layer in zip(_layers_of(network, len(layers)), layers, strict=True):
        for target, part in zip(wide, layer, strict=True):
            part = np.moveaxis(part, 0, -1)
            target[tuple(map(slice, part.shape))] = part
    return network


def _unpack(network, layers):
    """Return a trained network's layers, in the shapes of those that were packed."""
    unpacked = []
    for wide, layer in zip(_layers_of(network, len(layers)), layers, strict=True):
        parts = [
            np.moveaxis(source, -1, 0)[tuple(map(slice, part.shape))]
            for source, part in zip(wide, layer, strict=True)
        ]
        unpacked.append(Layer(*parts))
    return unpacked


def _layers_of(network, count):
    middle = [Layer(*(part[depth] for part in network.middle)) for depth in range(count - 2)]
    return [network.first, *middle, network.last][-count:]


def _finite(losses):
    return np.where(np.isfinite(losses), losses, np.nan)


_NUMPY_ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
}
