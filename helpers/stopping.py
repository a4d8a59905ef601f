"""Early stopping without cheating: half of the test points choose the epoch, the other half measure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .config import PlaygroundConfig
from .data import load_data
from .training import Run


@dataclass(frozen=True, eq=False)
class Stopping:
    """What early stopping announces and what it is worth: float arrays (starts,).

    The two halves choose in turn, and each value is the mean of both turns: one half may be harder than
    the other by chance, and that must not show.

    Attributes:
        announced: lowest test loss, on the half that chose the epoch.
        honest: test loss at that same epoch, on the half that had no say.
        final: test loss at the last epoch.
    """

    announced: np.ndarray
    honest: np.ndarray
    final: np.ndarray


def stop_early(config: PlaygroundConfig, epochs: int, resets: Iterable[int], every: int = 10) -> Stopping:
    """Train from several starts and look for the best epoch on one half of the test points, then the other.

    Args:
        config: the experiment.
        epochs: passes over the training points, a multiple of ``every``.
        resets: the starts.
        every: epochs between two looks.
    """
    run, data = Run(config, resets), load_data(config)
    curves = []
    for _ in range(epochs // every):
        errors = 0.5 * (run.train(every).predict(data.test_points) - data.test_labels) ** 2
        curves.append([errors[:, ::2].mean(axis=1), errors[:, 1::2].mean(axis=1)])
    curves = np.nan_to_num(np.moveaxis(curves, 0, -1), nan=np.inf)  # (2 halves, starts, looks)
    announced, honest = choose(curves, curves), choose(curves, curves[::-1])
    return Stopping(announced.mean(axis=0), honest.mean(axis=0), curves[..., -1].mean(axis=0))


def choose(curves: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Return ``measured`` where ``curves`` is lowest along the last axis; both (..., looks)."""
    best = curves.argmin(axis=-1)[..., np.newaxis]
    return np.take_along_axis(measured, best, axis=-1)[..., 0]
