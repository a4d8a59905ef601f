"""Speed of Part 4's training as ratios to a bare Keras ``fit``, all measured in this one run.

    python -m benchmarks.cifar10 [--folder DIR] [--images N] [--rounds N]
    python -m benchmarks.cifar10 --train --folder DIR [--epochs N] [--validation SHARE] [--records DIR]

Every contender trains the lab's network on the same images, in turn, round after round, so that what else
the machine does slows them all; the best round of each counts. Without a folder the images are random:
enough for speed. ``--train`` trains the instructor's recipe and prints its learning curve and its test
accuracy; the test images are looked at once, after the last epoch. ``--records`` keeps each epoch there, and
takes up a training that was stopped.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from contextlib import contextmanager, redirect_stdout

import keras
import numpy as np

from helpers.cifar10 import Cifar10, TrainingRecord, load_cifar10
from helpers.cifar10.pace import USUAL_BATCH
from helpers.experiments.statistics import wilson
from instructor.remedy import BATCH_SIZE, EPOCHS, build_model, remedy

BARE = "bare fit"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", help="cifar-10-batches-py, or the folder that holds it")
    parser.add_argument("--images", type=int, default=5120, help="images of an epoch when speed is measured")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--train", action="store_true", help="train the instructor's recipe in full")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--validation", type=float, default=0.0, help="share of images held back")
    parser.add_argument("--policy", default="mixed_bfloat16", help="precision of --train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--records", help="folder that keeps each epoch of --train")
    options = parser.parse_args()
    if options.train and not options.folder:
        parser.error("--train needs --folder: an accuracy on made-up images means nothing")
    if options.train:
        train(options)
    else:
        print_speeds(
            load_cifar10(options.folder) if options.folder else random_images(options.images), options
        )


def random_images(images):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (images, 32, 32, 3), np.uint8)
    labels = random.integers(0, 10, (images, 1), np.uint8)
    return Cifar10(pixels, labels, pixels[:1000], labels[:1000], demo=True)


def print_speeds(data, options):
    x, y = data.x_train[: options.images], data.y_train[: options.images]
    with tempfile.TemporaryDirectory() as folder:
        epochs = contenders(data, x, y, folder)
        seconds = {name: [] for name in epochs}
        for turn in range(options.rounds + 1):
            for name, epoch in epochs.items():
                start = time.perf_counter()
                epoch(turn)
                if turn:  # the first compiles
                    seconds[name].append(time.perf_counter() - start)
    best = {name: min(tries) for name, tries in seconds.items()}
    print(f"\n{len(x)} images an epoch, best of {options.rounds} rounds")
    print(f"{'':40}{'images/s':>10}{'vs bare':>9}")
    for name, value in best.items():
        print(f"{name:40}{len(x) / value:10.0f}{best[BARE] / value:8.2f}x")


def contenders(data, x, y, folder):
    """Return name -> function of the turn that trains for one epoch."""

    def plain(precision="float32", **settings):
        with policy(precision):
            model = build_model()
            model.compile(
                keras.optimizers.Adam(1e-3),
                "sparse_categorical_crossentropy",
                metrics=["accuracy"],
                **settings,
            )
        return model

    def bare(model, batch_size=USUAL_BATCH):
        return lambda turn: model.fit(x, y, batch_size=batch_size, verbose=0)

    def recorded(model):
        def epoch(turn):
            # A name of its own: taking up what the round before has left is no part of an epoch.
            record = TrainingRecord(f"tour {turn}", data, folder)
            with redirect_stdout(io.StringIO()):
                model.fit(x, y, batch_size=USUAL_BATCH, verbose=0, callbacks=[record])

        return epoch

    def recipe(precision):
        with policy(precision):
            return bare(remedy(len(x)), BATCH_SIZE)

    return {
        BARE: bare(plain()),
        "with the pack's record": recorded(plain()),
        "XLA": bare(plain(jit_compile=True)),
        "batches of 64": bare(plain(), 64),
        "batches of 512": bare(plain(), 512),
        "bfloat16": bare(plain("mixed_bfloat16")),
        "bfloat16, batches of 512": bare(plain("mixed_bfloat16"), 512),
        "recipe (batches of 64, flips, shifts)": recipe("float32"),
        "recipe, bfloat16": recipe("mixed_bfloat16"),
    }


@contextmanager
def policy(name):
    """Build layers in this precision."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def train(options):
    data = load_cifar10(options.folder)
    keras.utils.set_random_seed(options.seed)
    held = round(len(data.x_train) * options.validation)
    kept = len(data.x_train) - held
    with policy(options.policy):
        model = remedy(kept, options.epochs)
    start = time.perf_counter()
    model.fit(
        data.x_train[:kept],
        data.y_train[:kept],
        batch_size=BATCH_SIZE,
        epochs=options.epochs,
        validation_data=(data.x_train[kept:], data.y_train[kept:]) if held else None,
        callbacks=[TrainingRecord("recette", data, options.records)] if options.records else [Curve()],
        verbose=0,
    )
    print(f"{options.epochs} epochs of {kept} images in {(time.perf_counter() - start) / 60:.1f} minutes")
    guesses = model.predict(data.x_test, batch_size=500, verbose=0).argmax(axis=1)
    right = int(np.sum(guesses == data.y_test.ravel()))
    low, high = wilson(right, len(guesses))
    print(f"test accuracy {right / len(guesses):.4f}, 95 % interval {low:.4f} to {high:.4f}")


class Curve(keras.callbacks.Callback):
    """One line per epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        values = "  ".join(f"{key} {value:.4f}" for key, value in logs.items())
        print(f"epoch {epoch + 1:2}  {time.perf_counter() - self._start:5.1f} s  {values}", flush=True)


if __name__ == "__main__":
    main()
