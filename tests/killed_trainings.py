"""Trainings killed and taken up, and one on two devices, in forks of a process where TensorFlow sleeps.

python -m tests.killed_trainings FOLDER
"""

import functools
import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from helpers.cifar10 import TrainingRecord, checkpoint
from tests.test_cifar10_record import DATA, At, X, Y, best_model, built, fit, keras, same_weights

EPOCHS = 6


def in_child(action, *arguments, kill_when=None):
    """Run an action in a fork, killed once ``kill_when()``; return the signal that ended it, 0 for none."""
    child = multiprocessing.get_context("fork").Process(target=action, args=arguments)
    child.start()
    if kill_when:
        deadline = time.monotonic() + 60
        while not kill_when() and time.monotonic() < deadline:
            time.sleep(0.01)
        child.kill()
    child.join()
    assert child.exitcode <= 0, "see the traceback above"
    return -child.exitcode


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def train(folder, *callbacks):
    fit(built(), TrainingRecord("simple", DATA, folder), EPOCHS, *callbacks)


def train_until_a_file_is_renamed(folder, times):
    """Die just before the ``times``-th file takes its place."""
    replace, calls = os.replace, []

    def replace_or_die(*arguments):
        calls.append(arguments)
        if len(calls) == times:
            die()
        replace(*arguments)

    checkpoint.os.replace = replace_or_die
    train(folder)


def epochs_on_disk(folder):
    found = checkpoint.read(TrainingRecord("simple", DATA, folder).folder)
    return len(found[1]["epochs"]) if found else 0


def some_time_after(folder, epoch):
    """Say whether so many epochs are on disk, and let a random part of the next one pass."""
    newest = max(path.stem for path in folder.glob("*/last-*.keras"))
    reached = int(newest.removeprefix("last-")) >= epoch
    time.sleep(random.uniform(0, 0.15) if reached else 0)
    return reached


def compare(folder, reference):
    """Train without a kill; what is on disk must be the same to the last bit."""
    train(reference)
    killed, whole = TrainingRecord("simple", DATA, folder), TrainingRecord("simple", DATA, reference)
    assert killed.history == whole.history
    assert len(killed.history["loss"]) == EPOCHS
    assert killed.best_epoch == whole.best_epoch
    for path in killed.folder.glob("*.keras"):
        same_weights(keras.saving.load_model(path), keras.saving.load_model(whole.folder / path.name))
    assert not list(killed.folder.glob(".partial*"))


def two_devices(folder):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    for epochs in (1, 2):
        with strategy.scope():
            model = built(eager=False)
        kept = TrainingRecord("deux", DATA, folder)
        seen = []
        fit(model, kept, epochs, At(epochs - 1, 1, lambda k=kept, s=seen: s.append(k._images())))
        assert seen == [32], seen
    assert kept._iterations() == 4
    assert len(kept.history["val_loss"]) == 2
    accuracy = best_model(kept).evaluate(X[32:], Y[32:], verbose=0)[1]
    np.testing.assert_allclose(accuracy, max(kept.history["val_accuracy"]), rtol=1e-5)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    folder, reference = home / "killed", home / "whole"
    reached = [0]

    assert in_child(train, folder, At(1, 0, die)) == signal.SIGKILL
    reached.append(epochs_on_disk(folder))
    assert reached[-1] == 1
    for times in (1, 2):
        assert in_child(train_until_a_file_is_renamed, folder, times) == signal.SIGKILL
        reached.append(epochs_on_disk(folder))
    for _ in range(2):
        in_child(train, folder, kill_when=functools.partial(some_time_after, folder, reached[-1] + 1))
        reached.append(epochs_on_disk(folder))
    assert reached == sorted(reached), "an epoch was lost"
    assert in_child(train, folder) == 0
    assert in_child(compare, folder, reference) == 0
    assert in_child(two_devices, home) == 0
    print(reached)
