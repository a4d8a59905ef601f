"""One architecture's training as one compiled TensorFlow program.

A whole chunk of epochs is one XLA program: while loops over epochs and over batches around the original's
weight update. Tensors carry the starts on their last axis: weights (in, out, starts), biases (out, starts),
signals (points, units, starts). Broadcast products and sums over them compile to tight loops, where matmuls
of such small matrices would not.

Source of the rules: the original's nn.ts and playground.ts.
"""

from __future__ import annotations

import warnings
from collections import deque
from functools import cache
from typing import ClassVar, NamedTuple

import tensorflow as tf

from ..french import typographic

CHUNK = 500  # epochs of one compiled call: the size of its loss buffer
# TensorFlow never frees what XLA has compiled (6 to 12 MB each; device_compilation_cache.h has no eviction),
# so that a kernel's memory stays bounded only if we compile a bounded number of programs.
MAX_XLA_PROGRAMS = 24
MAX_PLAIN_GRAPHS = 4  # some 8 MB each; these are freed
DEVICE = "CPU:0"  # these networks are far too small for a GPU


class Batches(NamedTuple):
    """The points as tensors: batches to train on, and all points to measure the losses on."""

    inputs: tf.Tensor  # (batches, size, features, 1)
    labels: tf.Tensor  # (batches, size, 1, 1)
    shares: tf.Tensor  # (2, batches, size, 1, 1): what a point counts in the mean, first epoch / later
    train_inputs: tf.Tensor  # (points, features, 1)
    train_labels: tf.Tensor  # (points, 1, 1)
    test_inputs: tf.Tensor
    test_labels: tf.Tensor


class Program:
    """The training of one architecture on data of one size, traced and compiled at its first use."""

    xla_programs = 0  # compiled so far in this process
    _plain: ClassVar[deque[Program]] = deque()  # those that hold a plain graph, oldest first

    def __init__(self, activation: str, output: str, l1: bool):
        self.activations = _TF_ACTIVATIONS[activation], _TF_ACTIVATIONS[output]
        self.l1 = l1
        self._function = None

    def advance(self, *arguments):
        """Run ``_advance`` compiled by XLA or, where that is not to be had, as a plain graph."""
        function = self._function
        with tf.device(DEVICE):
            if function is None and Program.xla_programs < MAX_XLA_PROGRAMS:
                try:
                    function = self._trace(arguments, xla=True)
                    results = function(*arguments)  # compiles
                    self._function = function
                    Program.xla_programs += 1
                    if Program.xla_programs == MAX_XLA_PROGRAMS:
                        warnings.warn(_MANY_PROGRAMS, RuntimeWarning, stacklevel=3)
                    return results
                except _NO_XLA:
                    warnings.warn(_PLAIN_GRAPH, RuntimeWarning, stacklevel=3)
                    function, Program.xla_programs = None, MAX_XLA_PROGRAMS
            if function is None:
                function = self._function = self._trace(arguments, xla=False)
                self._plain.append(self)
                while len(self._plain) > MAX_PLAIN_GRAPHS:
                    self._plain.popleft()._function = None
            return function(*arguments)

    def _trace(self, arguments, xla):
        # A concrete function: it never retraces, so that TensorFlow never warns of retracing.
        function = tf.function(self._advance, jit_compile=xla, autograph=False)
        return function.get_concrete_function(*arguments)

    def _forward(self, layers, signal):
        """Apply the layers to a signal (points, inputs, 1 or starts); returns (points, 1, starts)."""
        hidden, output = self.activations
        for depth, (weights, biases) in enumerate(layers, 1):
            total = tf.reduce_sum(signal[:, :, tf.newaxis] * weights, axis=1) + biases
            signal = output(total) if depth == len(layers) else hidden(total)
        return signal

    def losses(self, layers, data):
        """Return the training and test losses, (2, starts)."""
        halves = [
            0.5 * tf.reduce_mean(tf.square(self._forward(layers, inputs) - labels), axis=(0, 1))
            for inputs, labels in (
                (data.train_inputs, data.train_labels),
                (data.test_inputs, data.test_labels),
            )
        ]
        return tf.stack(halves)

    def _step(self, layers, alive, inputs, labels, shares, learning_rate, rate):
        """One weight update of the original."""
        with tf.GradientTape() as tape:
            tape.watch(layers)
            error = self._forward(layers, inputs) - labels
            loss = 0.5 * tf.reduce_sum(shares * tf.square(error))
        moved, still_alive = [], []
        slopes = tape.gradient(loss, layers)
        for (weights, biases), slope, living in zip(layers, slopes, alive, strict=True):
            new_weights, new_living = self._move(weights, slope[0], living, learning_rate, rate)
            moved.append((new_weights, biases - learning_rate * slope[1]))
            still_alive.append(new_living)
        return moved, still_alive

    def _move(self, weights, slope, living, learning_rate, rate):
        stepped = weights - learning_rate * slope
        if self.l1:
            shrunk = stepped - learning_rate * rate * tf.sign(weights)
            living = tf.where(stepped * shrunk < 0, tf.zeros_like(living), living)
        else:
            shrunk = stepped - learning_rate * rate * weights
        return tf.where(living > 0, shrunk, tf.zeros_like(shrunk)), living  # the dead stay at 0

    def _advance(self, layers, alive, data, learning_rate, rate, carry, epochs):
        """Train for up to CHUNK epochs; ``carry``: points left over from an epoch before await."""
        batches = data.inputs.shape[0]
        shares = tf.where(carry, data.shares[1], data.shares[0])

        def batch(index, layers, alive, shares):
            layers, alive = self._step(
                layers,
                alive,
                data.inputs[index],
                data.labels[index],
                shares[index],
                learning_rate,
                rate,
            )
            return index + 1, layers, alive, shares

        def epoch(number, layers, alive, shares, losses):
            _, layers, alive, _ = tf.while_loop(
                lambda index, *_: index < batches, batch, (0, layers, alive, shares)
            )
            losses = losses.write(number, self.losses(layers, data))
            return number + 1, layers, alive, data.shares[1], losses

        losses = tf.TensorArray(learning_rate.dtype, CHUNK, element_shape=(2, layers[0][0].shape[-1]))
        _, layers, alive, _, losses = tf.while_loop(
            lambda number, *_: number < epochs, epoch, (0, layers, alive, shares, losses)
        )
        return layers, alive, losses.stack()


@cache  # a program weighs nothing but its function
def get_program(layers, data, activation, output, l1, dtype) -> Program:
    """Return the one program for this combination of shapes, activations, penalty and dtype.

    Args:
        layers: shapes of the layers' weights.
        data: shapes of the tensors in ``Batches``.
        activation, output: names of the hidden and output activations.
        l1: whether the penalty is L1; no penalty is L2 at rate 0.
        dtype: of all tensors.
    """
    return Program(activation, output, l1)


_MANY_PROGRAMS = typographic(
    f"Ce noyau a déjà compilé {MAX_XLA_PROGRAMS} réseaux : les suivants s'entraîneront plus lentement, "
    "sans changer de résultat. Redémarrer le noyau rend toute la vitesse."
)
_PLAIN_GRAPH = typographic(
    "XLA n'est pas disponible ici : l'entraînement donne les mêmes résultats, plus lentement."
)
# What TensorFlow raises where a platform has no XLA (Apple's Metal plug-in, DirectML).
_NO_XLA = (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.UnimplementedError)
_TF_ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid, "linear": tf.identity}
