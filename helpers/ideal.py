"""The best possible answer to the noisy spiral: what no network can beat, except by learning the noise."""

from __future__ import annotations

import numpy as np

from .config import PlaygroundConfig
from .data import SAMPLES, load_data


def spiral_output(points: np.ndarray, noise: float) -> np.ndarray:
    """Return the output of least expected loss on the spiral: the mean label of all points that fall there.

    The spiral's points are known before noise; noise moves each by a uniform draw from a square of half side
    noise / 100. The mean label at a point is then the balance of the two arms' points within that square.

    Args:
        points: array of shape (n, 2).
        noise: noise of the data, in percent, above 0.

    Returns:
        Array of shape (n,), from -1 to +1, and 0 where no point can fall.
    """
    share = np.arange(SAMPLES["classification"] // 2) / (SAMPLES["classification"] // 2)
    angle = 1.75 * share * 2 * np.pi
    arm = 5 * share[:, np.newaxis] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    blue, orange = (
        np.sum(np.abs(points[:, np.newaxis] - side).max(axis=-1) <= noise / 100, axis=1)
        for side in (arm, -arm)
    )
    return (blue - orange) / np.maximum(blue + orange, 1)


def noise_floor(config: PlaygroundConfig) -> float:
    """Return the loss of that best answer on all points of a spiral experiment, train and test together."""
    data = load_data(config)
    points = np.concatenate([data.train_points, data.test_points])
    labels = np.concatenate([data.train_labels, data.test_labels])
    return float(0.5 * np.mean((spiral_output(points, config.noise) - labels) ** 2))
