"""The training of every network as one of a few compiled TensorFlow programs.

A whole chunk of epochs is one XLA program: while loops over epochs, over batches and over the hidden layers
around the original's weight update. XLA compiles for shapes, and TensorFlow never frees what it compiled
(device_compilation_cache.h has no eviction), so that all else is a tensor: points, batch size, depth,
activation, penalty, rates. Layers are padded to 4 or 8 neurons, a missing one being one whose weights are
dead. So few programs serve whatever one tries: see ``Program``.

Tensors carry a block of starts on their last axis: weights (in, out, starts), biases (out, starts), signals
(points, units, starts). Broadcast products and sums over them compile to tight loops, where matmuls of such
small matrices would not.

Source of the rules: the original's nn.ts and playground.ts.
"""

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from ..french import typographic
from .config import ACTIVATIONS, MAX_LAYERS

POINTS = (1200, 5000)  # rows of points: as many as the site has at most, or one's own
CHUNK = 500  # epochs of one compiled call: the size of its loss buffer
SIZES = (4, 8)  # neurons of a padded layer, and inputs
WINDOWS = (4, 10)  # points read at once; those beyond the batch cost time and weigh nothing
JUDGED = 100  # points whose losses are computed at once: both of POINTS are multiples of them
# Rows of the points: up to MARGIN copies of those that an epoch leaves over, then training, test, and as many
# zeros as a step may read beyond. So the first batch of a later epoch is in one piece too.
MARGIN = 32
OUTPUTS = ("tanh", "linear")  # activations of the output neuron
BLOCK = 32  # starts trained in step; 16 compile two to three times as long, for LLVM unrolls more
DEVICE = "CPU:0"  # these networks are far too small for a GPU


class Layer(NamedTuple):
    """One layer's arrays, or tensors; with one more axis in front, those of several layers."""

    weights: np.ndarray  # (in, out, starts)
    biases: np.ndarray  # (out, starts)
    alive: np.ndarray  # (in, out, starts): 0 for a weight that L1 killed, or that pads the layer


class Network(NamedTuple):
    """A block of networks of the same shape; without hidden layers, ``first`` and ``middle`` are ()."""

    first: Layer
    middle: Layer  # all hidden layers but the first, padded to MAX_LAYERS - 1; () if there is but one
    last: Layer


class Data(NamedTuple):
    """The points in one piece, and how an epoch walks them; see ``MARGIN`` for the rows."""

    points: np.ndarray  # (rows, inputs, 1)
    labels: np.ndarray  # (rows, 1, 1)
    batch_size: np.int32
    train: np.int32  # number of training points
    test: np.int32


class Rules(NamedTuple):
    """What decides of a weight update besides the points."""

    depth: np.int32  # number of hidden layers
    activation: np.int32  # of hidden layers: place in ACTIVATIONS
    output: np.int32  # of the output: place in OUTPUTS
    is_l1: np.bool_
    learning_rate: np.floating
    penalty_rate: np.floating


@dataclass(eq=False)
class Program:
    """The training of all networks that share a few shapes."""

    compiled: ClassVar[int] = 0  # by XLA, so far in this process
    has_xla: ClassVar[bool] = True  # until shown otherwise
    _known: ClassVar[dict[tuple, "Program"]] = {}

    points: int  # of ``POINTS``; at least the number of points
    kind: int  # 0, 1 or 2 for no hidden layer, one, or any other number of them
    size: int  # of ``SIZES``; neurons of each hidden layer and inputs, once padded
    window: int  # of ``WINDOWS``
    longer: bool  # whether a batch may be longer than the window; it is then read in pieces
    starts: int  # 1 or ``BLOCK``
    dtype: str  # of all arrays but the counts
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _function: Callable | None = field(default=None, init=False)

    @classmethod
    def get(cls, *arguments) -> "Program":
        """Return the one program for these arguments, compiled or not."""
        return cls._known.setdefault(arguments, cls(*arguments))

    def advance(self, network: Network, data: Data, rules: Rules, carry: bool, epochs: int):
        """Train for up to CHUNK epochs; compiles if need be. May run on several threads at once.

        Args:
            carry: whether points left over from an epoch before await.

        Returns:
            The trained ``Network``, and the training and test losses after each epoch, (epochs, 2, starts).
        """
        arguments = network, data, rules, np.bool_(carry), np.int32(epochs)
        with tf.device(DEVICE):
            arguments = tf.nest.map_structure(tf.constant, arguments)
            with self._lock:  # of this program only: another one need not wait
                if self._function is None:
                    self._function = self._compile(arguments)
            network, losses = self._function(*arguments)
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), network), losses.numpy()[:epochs]

    def _compile(self, arguments):
        """Compile with XLA or, where that is not to be had, make a plain graph."""
        if Program.has_xla:
            try:
                function = self._trace(arguments, jit_compile=True)
                function(*arguments[:-1], tf.constant(0))  # compiles
                Program.compiled += 1
                return function
            except _NO_XLA:
                Program.has_xla = False
                warnings.warn(_PLAIN_GRAPH, RuntimeWarning, stacklevel=3)
        return self._trace(arguments, jit_compile=False)

    def _trace(self, arguments, jit_compile):
        # A concrete function: it never retraces, so that TensorFlow never warns of retracing.
        function = tf.function(self._advance, jit_compile=jit_compile, autograph=False)
        return function.get_concrete_function(*arguments)

    def _advance(self, network, data, rules, carry, epochs):
        left_over = data.train % data.batch_size
        end = MARGIN + data.train - left_over

        # XLA compiles anew for each value of what a slice's start is computed from, unless a loop carries it:
        # hence a loop over first rows rather than over numbers of batches.
        def batch(first, network):
            count = data.batch_size + tf.where(first < MARGIN, left_over, 0)
            return first + count, self._step(network, data, rules, first, count)

        def epoch(number, carry, network, losses):
            first = MARGIN - tf.where(carry, left_over, 0)
            _, network = tf.while_loop(lambda first, _: first < end, batch, (first, network))
            return number + 1, True, network, losses.write(number, self._losses(network, data, rules))

        losses = tf.TensorArray(self.dtype, CHUNK, element_shape=(2, self.starts))
        _, _, network, losses = tf.while_loop(
            lambda number, *_: number < epochs, epoch, (0, carry, network, losses)
        )
        return network, losses.stack()

    def _losses(self, network, data, rules):
        """Return the training and test losses, (2, starts)."""
        last_train, last = MARGIN + data.train, MARGIN + data.train + data.test

        def piece(row, sums):
            points, labels = _rows(data, row, JUDGED)
            squares = tf.square(self._forward(network, rules, points)[-1] - labels)
            place = row + tf.range(JUDGED)[:, tf.newaxis, tf.newaxis]
            shown = place < last_train, (place >= last_train) & (place < last)
            parts = [tf.reduce_sum(tf.where(part, squares, 0), axis=(0, 1)) for part in shown]
            return row + JUDGED, sums + tf.stack(parts)

        zeros = tf.zeros((2, self.starts), self.dtype)
        _, sums = tf.while_loop(lambda row, _: row < last, piece, (MARGIN, zeros))
        return 0.5 * sums / tf.cast(tf.stack([[data.train], [data.test]]), self.dtype)

    def _step(self, network, data, rules, first, count):
        """One weight update of the original, from ``count`` rows of the points.

        No weight moves between the last update of an epoch and the first of the next, so the points left
        over are simply part of that first batch, whose mean is then over more points. (Only a weight edited
        by hand between two epochs tells the difference: the original keeps their older gradients.)
        """
        share = 1 / tf.cast(count, self.dtype)

        def slopes(row):
            shares = tf.where(row + tf.range(self.window) < first + count, share, 0)
            return self._slopes(network, rules, *_rows(data, row, self.window), shares)

        if self.longer:

            def piece(row, sums):
                return row + self.window, tf.nest.map_structure(tf.add, sums, slopes(row))

            zeros = tf.nest.map_structure(tf.zeros_like, [layer[:2] for layer in network])
            _, sums = tf.while_loop(lambda row, _: row < first + count, piece, (first, zeros))
        else:
            sums = slopes(first)
        parts = zip(network, sums, strict=True)
        return Network(*(_move(layer, *slope, rules) if layer else () for layer, slope in parts))

    def _slopes(self, network, rules, points, labels, shares):
        """Return the loss's slopes at the weights and biases of each part of the network.

        ``shares``, (points,), are the weights of the points in the loss.
        """
        signals, signal, output = self._forward(network, rules, points)
        error = shares[:, tf.newaxis, tf.newaxis] * (output - labels)
        delta = _branch(rules.output, OUTPUTS, lambda name: error * _slope(name, output))
        last = _sum_over_points(signal, delta)
        if not self.kind:
            return [(), (), last]
        delta = _below(network.last, delta, rules, signal)
        middle = network.middle[:2]
        if middle:

            def back(depth, delta, *slopes):
                signal, layer = signals.read(depth), Layer(*(part[depth] for part in network.middle))
                parts = _sum_over_points(signal, delta)
                slopes = [whole.write(depth, part) for whole, part in zip(slopes, parts, strict=True)]
                return depth - 1, _below(layer, delta, rules, signal), *slopes

            arrays = [self._array(*part.shape) for part in middle]
            _, delta, *arrays = tf.while_loop(
                lambda depth, *_: depth >= 0, back, (rules.depth - 2, delta, *arrays)
            )
            middle = tuple(array.stack() for array in arrays)
        return [_sum_over_points(points, delta), middle, last]

    def _forward(self, network, rules, points):
        """Return the signals that enter the middle layers, that which enters the last, and the output."""
        signal, signals = points, self._array(MAX_LAYERS - 1, points.shape[0], self.size, self.starts)
        if self.kind:
            signal = _activate(rules.activation, ACTIVATIONS, network.first, signal)
        if network.middle:

            def deeper(depth, signal, signals):
                layer = Layer(*(part[depth] for part in network.middle))
                answer = _activate(rules.activation, ACTIVATIONS, layer, signal)
                return depth + 1, answer, signals.write(depth, signal)

            _, signal, signals = tf.while_loop(
                lambda depth, *_: depth < rules.depth - 1, deeper, (0, signal, signals)
            )
        return signals, signal, _activate(rules.output, OUTPUTS, network.last, signal)

    def _array(self, length, *shape):
        return tf.TensorArray(self.dtype, length, element_shape=shape, clear_after_read=False)


def _rows(data, start, count):
    return [tf.slice(tensor, (start, 0, 0), (count, -1, -1)) for tensor in (data.points, data.labels)]


def _branch(place, names, function):
    """Return what ``function`` answers to one of the names, given by its place.

    What a branch answers is rounded before it is used. Otherwise XLA may merge its last product and the sum
    that takes it into one rounding (FMA), or not: that depends on the shapes, hence on the number of starts.
    """
    return tf.switch_case(place, [partial(function, name) for name in names])


def _activate(place, names, layer, signal):
    total = tf.reduce_sum(signal[:, :, tf.newaxis] * layer.weights, axis=1) + layer.biases
    return _branch(place, names, lambda name: _TF_ACTIVATIONS[name](total))


def _below(layer, delta, rules, signal):
    """Carry delta, the loss's slope at a layer's totals, to the totals of the layer below."""
    delta = tf.reduce_sum(layer.weights * delta[:, tf.newaxis], axis=2)
    return _branch(rules.activation, ACTIVATIONS, lambda name: delta * _slope(name, signal))


def _sum_over_points(signal, delta):
    """Return the slopes of a layer's weights and biases."""
    slopes = tf.reduce_sum(signal[:, :, tf.newaxis] * delta[:, tf.newaxis], axis=0)
    return slopes, tf.reduce_sum(delta, axis=0)


def _slope(name, signal):
    """Return an activation's slope where it answered ``signal``."""
    if name == "relu":
        return tf.cast(signal > 0, signal.dtype)
    if name == "tanh":
        return (1 - signal) * (1 + signal)  # 1 - signal**2, whose roundings XLA chooses by the shapes
    if name == "sigmoid":
        return signal * (1 - signal)
    return tf.ones_like(signal)


def _move(layer, slope, bias_slope, rules):
    """Return a layer after one step: down the slope, then towards 0; the dead stay at 0."""
    weights, biases, alive = layer
    stepped = weights - rules.learning_rate * slope
    pull = tf.where(rules.is_l1, tf.sign(weights), weights)
    shrunk = stepped - rules.learning_rate * rules.penalty_rate * pull
    alive = tf.where(rules.is_l1 & (stepped * shrunk < 0), tf.zeros_like(alive), alive)
    return Layer(
        tf.where(alive > 0, shrunk, tf.zeros_like(shrunk)), biases - rules.learning_rate * bias_slope, alive
    )


_PLAIN_GRAPH = typographic(
    "XLA n'est pas disponible ici : l'entraînement donne les mêmes résultats, plus lentement."
)
# What TensorFlow raises where a platform has no XLA (Apple's Metal plug-in, DirectML).
_NO_XLA = (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.UnimplementedError)
_TF_ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "linear": tf.identity}
