"""Copies of a model that leave it, and every random generator, as they were."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np


@contextlib.contextmanager
def same_randomness() -> Iterator[None]:
    """Give the generators of Python (where Keras draws its seeds) and NumPy their state back at the end."""
    python, arrays = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)


def make_twin(model: keras.Model, dtype: str | None = None) -> keras.Model:
    """Return an uncompiled copy with weights of its own, freshly initialized.

    Args:
        model: a Sequential or functional model.
        dtype: precision policy of all its layers; by default each keeps its own.
    """

    def copy(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "dtype": dtype} if dtype else config)

    # Else the copy would be compiled too, with an optimizer, by way of a text that a function of one's own
    # (a loss, a metric) does not survive.
    compiled, model.compiled = model.compiled, False
    try:
        with same_randomness():
            return keras.models.clone_model(model, clone_function=copy, recursive=True)
    finally:
        model.compiled = compiled
