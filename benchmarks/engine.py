"""Speed of the training engine as ratios, all measured in this one run.

    python -m benchmarks.engine [--memory] [--original FOLDER]

Every contender trains the same network on the same points with the same batch size and computes both
losses after each epoch: Keras's ``fit``, a straightforward NumPy loop over the batches, and the engine
with one start and with 128. ``--original`` adds the original site's own engine, run by Node: the folder holds
``nn.js``, which ``tsc --module commonjs --outDir FOLDER src/nn.ts`` makes from the sources in
github.com/tensorflow/playground. ``--memory`` also follows the process's memory over 100,000 epochs and 200
configurations, and says what 64 different networks cost the next one (Linux only).
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import random
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from helpers import PlaygroundConfig, Run
from helpers.engine.compiled import Program
from helpers.engine.config import ACTIVATIONS, FEATURES
from helpers.engine.data import compute_features, load_data
from helpers.engine.keras_export import keras_code
from helpers.engine.training import layer_sizes

CONFIGS = {
    "[3] ReLU": PlaygroundConfig(activation="relu", dataset="xor", noise=35, network_shape=(3,)),
    "[8] * 6 ReLU": PlaygroundConfig(activation="relu", dataset="xor", noise=35, network_shape=(8,) * 6),
}
STARTS = 128
# Trains on for as many epochs as each line says, as the original's playground.ts does.
ORIGINAL = """
const nn = require(require('path').resolve(process.argv[1], 'nn.js'));
const { shape, names, activation, batchSize, rate, sets } = JSON.parse(process.argv[2]);
const network = nn.buildNetwork(shape, nn.Activations[activation], nn.Activations.TANH, null, names, false);
const loss = set => set.reduce((sum, [inputs, label]) =>
    sum + nn.Errors.SQUARE.error(nn.forwardProp(network, inputs), label), 0) / set.length;
require('readline').createInterface(process.stdin).on('line', line => {
    for (let epoch = 0; epoch < Number(line); epoch++) {
        sets[0].forEach(([inputs, label], i) => {
            nn.forwardProp(network, inputs);
            nn.backProp(network, label, nn.Errors.SQUARE);
            if ((i + 1) % batchSize === 0) nn.updateWeights(network, rate, 0);
        });
        sets.map(loss);
    }
    console.log('done');
});
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memory", action="store_true", help="follow the process's memory too")
    parser.add_argument("--original", metavar="FOLDER", help="measure the original's engine, built there")
    options = parser.parse_args()
    if options.memory:
        print_memory()
    for name, config in CONFIGS.items():
        print_speeds(name, config, options.original)
        print_busy_cores(name, config)


def print_speeds(name, config, original):
    alone, many = Run(config), Run(config, range(STARTS))
    seconds = {
        "Keras fit": per_epoch(keras_epochs(config), 4),
        "NumPy loop": per_epoch(numpy_epochs(config), 40),
        "one start": per_epoch(alone.train, 2000),
        f"{STARTS} starts, per start": per_epoch(many.train, 500 if len(config.network_shape) == 1 else 50)
        / STARTS,
    }
    references = ["Keras fit", "NumPy loop"]
    if original:
        with original_engine(config, original) as train:
            seconds["original on V8"] = per_epoch(train, 200)
        references.append("original on V8")
    print(f"\n{name}, {len(load_data(config).train_points)} points, batch size {config.batch_size}")
    print(f"{'ratio to':24}{'ms/epoch':>10}" + "".join(f"{other:>16}" for other in references))
    for contender, value in seconds.items():
        ratios = (seconds[other] / value for other in references)
        print(f"{contender:24}{value * 1e3:10.4f}" + "".join(f"{ratio:15.1f}x" for ratio in ratios))


def print_busy_cores(name, config):
    """Print how many cores training of many starts keeps busy: processor time over wall-clock time."""
    many = Run(config, STARTS).train(1)
    wall, busy = time.perf_counter(), time.process_time()
    many.train(500 if len(config.network_shape) == 1 else 100)
    cores = (time.process_time() - busy) / (time.perf_counter() - wall)
    print(f"{name}, {STARTS} starts: {cores:.2f} of {os.cpu_count()} cores busy")


def per_epoch(train, epochs, repeats=3):
    """Best seconds per epoch of a few tries, after a first call that compiles."""
    train(1)
    tries = []
    for _ in range(repeats):
        start = time.perf_counter()
        train(epochs)
        tries.append(time.perf_counter() - start)
    return min(tries) / epochs


def keras_epochs(config):
    """Go on with the training of the source that the notebook shows."""
    scope, data = {}, load_data(config)
    exec(keras_code(config, epochs=1), scope)
    return lambda epochs: scope["model"].fit(
        scope["x_train"],
        data.train_labels,
        validation_data=(scope["x_test"], data.test_labels),
        batch_size=config.batch_size,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )


@contextmanager
def original_engine(config, folder):
    """Go on with the training of the original's own network, in a Node process."""
    inputs, labels = inputs_and_labels(config)
    task = {
        "shape": layer_sizes(config),
        "names": config.features,
        "activation": config.activation.upper(),
        "batchSize": config.batch_size,
        "rate": config.learning_rate,
        "sets": [
            list(zip(rows.tolist(), values.ravel().tolist(), strict=True))
            for rows, values in zip(inputs, labels, strict=True)
        ],
    }
    command = ["node", "-e", ORIGINAL, folder, json.dumps(task)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:

        def train(epochs):
            print(epochs, file=node.stdin, flush=True)
            if node.stdout.readline() != "done\n":
                raise SystemExit(f"The original's engine in {folder} stopped.")

        yield train
        node.stdin.close()


def inputs_and_labels(config):
    """The inputs (n, features) and labels (n, 1) of the training and the test points."""
    data = load_data(config)
    inputs = [compute_features(points, config.features) for points in (data.train_points, data.test_points)]
    return inputs, [values[:, np.newaxis] for values in (data.train_labels, data.test_labels)]


def numpy_epochs(config):
    """Mini-batch gradient descent as one would first write it in NumPy."""
    inputs, labels = inputs_and_labels(config)
    layers = [[weights[0], biases[0]] for weights, biases in Run(config).parameters]

    def forward(signal):
        signals = [signal]
        for depth, (weights, biases) in enumerate(layers, 1):
            total = signals[-1] @ weights + biases
            signals.append(np.tanh(total) if depth == len(layers) else np.maximum(total, 0))
        return signals

    def step(batch, batch_labels):
        signals = forward(batch)
        slope = (signals[-1] - batch_labels) * (1 - signals[-1] ** 2) / len(batch)
        for depth in range(len(layers) - 1, -1, -1):
            weights, biases = layers[depth]
            below = (slope @ weights.T) * (signals[depth] > 0)
            layers[depth] = [
                weights - config.learning_rate * signals[depth].T @ slope,
                biases - config.learning_rate * slope.sum(axis=0),
            ]
            slope = below

    def train(epochs):
        for _ in range(epochs):
            for first in range(0, len(inputs[0]), config.batch_size):
                rows = slice(first, first + config.batch_size)
                step(inputs[0][rows], labels[0][rows])
            for points, values in zip(inputs, labels, strict=True):
                0.5 * np.mean((forward(points)[-1] - values) ** 2)

    return train


def anything(seed):
    """An experiment with a network, inputs and a batch size drawn at random."""
    draw = random.Random(seed)
    return PlaygroundConfig(
        network_shape=[draw.randint(1, 8) for _ in range(draw.randint(0, 6))],
        activation=draw.choice(ACTIVATIONS),
        features=draw.sample(FEATURES, draw.randint(1, 7)),
        batch_size=draw.randint(1, 30),
    )


def print_without_end():
    """Print what 64 different networks cost the 65th: time and memory, against a fresh process."""
    seconds = per_epoch(Run(anything(64)).train, 200)
    before, programs = resident(), Program.compiled
    for seed in range(64):
        Run(anything(seed)).train(20)
    ratio = per_epoch(Run(anything(64)).train, 200) / seconds
    grown, programs = resident() - before, Program.compiled - programs
    print(f"after 64 networks: {programs} programs and {grown:.0f} MB more, {ratio:.2f} times as long")


def print_memory():
    print_without_end()
    run = Run(PlaygroundConfig()).train(1000)
    print(f"memory after 1,000 epochs {resident():6.0f} MB")
    run.train(100_000)
    print(f"memory after 100,000 more {resident():6.0f} MB")
    shapes = [shape for depth in (1, 2, 3) for shape in itertools.product(range(1, 9), repeat=depth)]
    random.Random(1).shuffle(shapes)
    for count, shape in enumerate(shapes[:200], 1):
        activation = ("relu", "tanh", "sigmoid", "linear")[count % 4]
        Run(PlaygroundConfig(network_shape=shape, activation=activation)).train(20)
        if count % 50 == 0:
            print(f"memory after {count:3} configurations {resident():6.0f} MB")


def resident():
    """Megabytes of memory this process really holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
