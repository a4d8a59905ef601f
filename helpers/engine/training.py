"""Trains the Playground's networks exactly as the original does, many random starts at once.

``compiled`` holds the training itself, as programs for blocks of starts; here a run is NumPy arrays, cut into
blocks that train on all of the machine's cores. A start gets the same weights, to the bit, alone or among
others.

Source of the rules: the original's nn.ts and playground.ts. Loss 0.5 (output - label)^2; the points
are walked in a fixed order; weights move after each point whose position is a multiple of the batch
size; the points left over at the end of an epoch join the first batch of the next.
"""

import copy
import math
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, repeat

import numpy as np
import tensorflow as tf

from ..french import french_error, typographic
from .compiled import (
    BLOCK,
    CHUNK,
    MARGIN,
    OUTPUTS,
    POINTS,
    SIZES,
    WINDOWS,
    Data,
    Layer,
    Network,
    Program,
    Rules,
)
from .config import ACTIVATIONS, MAX_LAYERS, PlaygroundConfig, whole
from .data import SAMPLES, Dataset, compute_features, draw, half_squared_error
from .own_data import OwnData

MAX_START = 100_000  # bounds the time spent drawing weights
DTYPES = ("float64", "float32")
ALONE = 8  # starts that train faster one by one than as a block
NO_INPUT = typographic(
    "Aucune entrée n'est active : activez-en au moins une (par exemple X₁) avant d'entraîner."
)

Parameters = list[tuple[np.ndarray, np.ndarray]]
Starts = int | Iterable[int]  # how many, from start 0 on, or their numbers


def train(config: PlaygroundConfig, epochs: int, starts: Starts = 1, dtype: str = "float64") -> "Run":
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
        own: the points of one's own on which it trains, or None for the site's.
        data: the ``Dataset`` drawn.
        starts: tuple of ints, the number of each network's start.
        dtype: "float64" or "float32".
        learning_rate, regularization_rate: floats, read anew by each ``train``; change them at will.
        train_loss, test_loss: arrays of shape (starts, epochs + 1), mean of 0.5 (output - label)^2 before
            training and after each epoch; NaN once a run has diverged.
    """

    def __init__(
        self, config: PlaygroundConfig, starts: Starts = 1, dtype: str = "float64", own: OwnData | None = None
    ):
        if dtype not in DTYPES:
            raise french_error(f"dtype = {dtype!r} : il faut {' ou '.join(DTYPES)}.")
        self.config = config
        self.starts = start_numbers(starts)
        self.dtype = dtype
        self.learning_rate = config.learning_rate
        self.regularization_rate = config.regularization_rate
        self.own = own
        self.data, random = draw(config, own)
        self._blocks = _blocks(len(self.starts))
        self._network = _empty_network(config, self._blocks[-1].stop, dtype)
        self.parameters = _initial_parameters(config, random, self.starts)
        for layer, (weights, _) in zip(self._layers(), self.parameters, strict=True):
            _fill(layer.alive, np.ones_like(weights))
        self._data = _make_data(self.data, config, dtype)
        self._losses = self.present_losses()[..., np.newaxis]  # (2, starts, epochs + 1)

    def present_losses(self) -> np.ndarray:
        """Compute the training and test losses of the weights as they stand, (2, starts)."""
        with np.errstate(all="ignore"):  # a diverged network is data, not an error
            halves = [
                half_squared_error(self.predict(points.astype(self.dtype)), labels.astype(self.dtype))
                for points, labels in self.data.halves
            ]
            return _finite(np.stack([errors.mean(axis=1) for errors in halves]))

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self._losses.shape[-1] - 1

    @property
    def train_loss(self) -> np.ndarray:
        return self._losses[0]

    @property
    def test_loss(self) -> np.ndarray:
        return self._losses[1]

    @property
    def parameters(self) -> Parameters:
        """Weights (starts, in, out) and biases (starts, out) of each layer; assign a list to change them."""
        count = len(self.starts)
        return [
            (
                np.moveaxis(layer.weights[:inputs, :units, :count], -1, 0),
                np.moveaxis(layer.biases[:units, :count], -1, 0),
            )
            for layer, (inputs, units) in zip(self._layers(), pairwise(layer_sizes(self.config)), strict=True)
        ]

    @parameters.setter
    def parameters(self, parameters: Parameters):
        expected = [(weights.shape, biases.shape) for weights, biases in self.parameters]
        shapes = [(np.shape(weights), np.shape(biases)) for weights, biases in parameters]
        if shapes != expected:
            raise french_error(f"Paramètres de formes {shapes} ; formes attendues : {expected}.")
        self._network = copy.deepcopy(self._network)  # another run may hold it too
        for layer, (weights, biases) in zip(self._layers(), parameters, strict=True):
            _fill(layer.weights, weights)
            _fill(layer.biases, biases)

    def _layers(self):
        """Return the padded layers, input side first."""
        first, middle, last = self._network
        hidden = [
            Layer(*(part[depth] for part in middle)) for depth in range(len(self.config.network_shape) - 1)
        ]
        return [first, *hidden, last] if len(self.config.network_shape) else [last]

    def take_up(self, parameters: Parameters, epoch: int):
        """Go on from what was trained elsewhere for some epochs; the losses before are NaN.

        What L1 has brought to zero stays there.
        """
        self.parameters = parameters
        if epoch and self.config.regularization == "L1":
            for layer, (weights, _) in zip(self._layers(), parameters, strict=True):
                _fill(layer.alive, np.asarray(weights) != 0)
        present = self.present_losses()[..., np.newaxis]
        self._losses = np.pad(present, ((0, 0), (0, 0), (epoch, 0)), constant_values=np.nan)

    def train(self, epochs: int, seconds: float = math.inf) -> "Run":
        """Train on for some epochs and return this run.

        Args:
            epochs: how many more.
            seconds: begin no further chunk of 500 epochs once they are over; see ``epoch``.

        Raises:
            ValueError: ``epochs`` is not a whole number of at least 0, or no input is switched on.
        """
        epochs = whole("epochs", epochs)
        if epochs and not self.config.features:
            raise ValueError(NO_INPUT)
        end = time.monotonic() + seconds
        while epochs:
            chunk = min(epochs, CHUNK)
            network, losses = self._advance(chunk)
            # Together and last, so that an interrupt leaves a run that can go on.
            self._network, self._losses = network, np.concatenate([self._losses, losses], axis=-1)
            epochs -= chunk
            if time.monotonic() > end:
                break
        return self

    def compile(self):
        """Compile what the next ``train`` needs, if need be; the run stays as it is. On any thread."""
        self._train_block(self._blocks[0], 0)

    def _advance(self, epochs):
        """Return the network after some more epochs, and the losses of each, (2, starts, epochs)."""
        if len(self._blocks) == 1:
            trained = [self._train_block(self._blocks[0], epochs)]
        else:  # TensorFlow lets the other threads run
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                trained = list(pool.map(self._train_block, self._blocks, repeat(epochs)))
        networks, losses = zip(*trained, strict=True)
        network = tf.nest.map_structure(lambda *parts: np.concatenate(parts, axis=-1), *networks)
        losses = np.concatenate(losses, axis=-1)[..., : len(self.starts)]
        return network, _finite(np.moveaxis(losses, 0, -1))

    def _train_block(self, block, epochs):
        config = self.config
        penalty_rate = 0 if config.regularization == "none" else self.regularization_rate
        rules = Rules(
            np.int32(len(config.network_shape)),
            np.int32(ACTIVATIONS.index(config.activation)),
            np.int32(OUTPUTS.index(output_activation(config))),
            np.bool_(config.regularization == "L1"),
            *np.array((self.learning_rate, penalty_rate), self.dtype),
        )
        program = _get_program(config, block.stop - block.start, self.dtype, self.own)
        network = tf.nest.map_structure(lambda part: part[..., block], self._network)
        return program.advance(network, self._data, rules, self.epoch > 0, epochs)

    def copy(self) -> "Run":
        """Return a run that goes its own way from here: training one leaves the other as it is."""
        return copy.copy(self)  # its arrays never change in place

    def activations(self, points: np.ndarray) -> list[np.ndarray]:
        """Compute what every neuron answers at points (n, 2), with NumPy alone (fast for a picture).

        There is one array (starts, n, units) per layer, the output last, in the points' dtype.
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


def start_numbers(starts: Starts) -> tuple[int, ...]:
    """Return the numbers of the starts that a count or an iterable of numbers names; see ``train``."""
    if isinstance(starts, (int, np.integer)):
        starts = range(whole("starts", starts, 0, MAX_START))
    if isinstance(starts, (str, bytes)) or not isinstance(starts, Iterable):
        raise french_error(
            f"starts = {starts!r} : il faut un nombre de départs, par exemple 16, ou leurs numéros, par "
            "exemple (0, 5)."
        )
    starts = tuple(whole("starts", start, 0, MAX_START) for start in starts)
    if not starts:
        raise french_error("starts ne désigne aucun départ : il en faut au moins un, par exemple 1.")
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


def _get_program(config: PlaygroundConfig, starts: int, dtype: str, own: OwnData | None = None) -> Program:
    """Return the program that trains a block of so many starts."""
    count = len(own.table) if own else SAMPLES[config.problem]
    train = math.floor(count * config.perc_train_data / 100)
    longest = config.batch_size + train % config.batch_size
    window = min((window for window in WINDOWS if window >= longest), default=WINDOWS[-1])
    kind = min(len(config.network_shape), 2)
    return Program.get(_rows(count), kind, _size(config), window, longest > window, starts, dtype)


def _rows(count):
    """Return for how many points the program is that trains on so many."""
    return min(rows for rows in POINTS if rows >= count)


def _size(config):
    """Return how many inputs, and neurons of a hidden layer, the padded network has."""
    widest = max(len(config.features), *config.network_shape, 0)
    return min(size for size in SIZES if size >= widest)


def _blocks(count):
    """Cut so many starts into slices, each for a thread; a few are faster one by one than in a block."""
    alone = count % BLOCK if count % BLOCK <= ALONE else 0
    blocks = [slice(first, first + BLOCK) for first in range(0, count - alone, BLOCK)]
    return blocks + [slice(first, first + 1) for first in range(count - alone, count)]


def _make_data(dataset: Dataset, config: PlaygroundConfig, dtype: str) -> Data:
    points, labels = map(np.concatenate, zip(*dataset.halves, strict=True))
    train, count = len(dataset.train_labels), len(labels)
    left_over = train % config.batch_size
    order = [*range(train - left_over, train), *range(count)]
    rows = slice(MARGIN - left_over, MARGIN + count)
    wide = np.zeros((MARGIN + _rows(count) + WINDOWS[-1], _size(config), 1), dtype)
    tall = np.zeros((len(wide), 1, 1), dtype)
    wide[rows, : len(config.features), 0] = compute_features(points, config.features)[order]
    tall[rows, 0, 0] = labels[order]
    return Data(wide, tall, *map(np.int32, (config.batch_size, train, count - train)))


def _empty_network(config, starts, dtype):
    """Return the padded layers of so many starts, all weights 0 and dead."""

    def layer(*shape):
        weights = np.zeros((*shape, starts), dtype)
        return Layer(weights, np.zeros((*shape[:-2], shape[-1], starts), dtype), np.zeros_like(weights))

    size, depth = _size(config), len(config.network_shape)
    first = layer(size, size) if depth else ()
    middle = layer(MAX_LAYERS - 1, size, size) if depth > 1 else ()
    return Network(first, middle, layer(size, 1))


def _fill(padded, array):
    """Write an array, starts first, into the corner of a padded one, starts last."""
    array = np.moveaxis(np.asarray(array), 0, -1)
    padded[tuple(map(slice, array.shape))] = array


def _finite(losses):
    return np.where(np.isfinite(losses), losses, np.nan)


_NUMPY_ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
}
