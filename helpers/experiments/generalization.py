"""How rough a network's output surface is: the question "lisse ?" as a number."""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import DOMAIN, SAMPLES, grid, half_squared_error, load_data
from ..engine.training import Run, Starts

GRID = 100  # points a side
RADIUS = DOMAIN[1]  # of the disc that holds the spiral, noise included
FRESH_DRAWS = 10  # of 500 points each
EVERY = 10  # epochs between two looks of early stopping


def laplacian(surfaces: np.ndarray, step: float) -> np.ndarray:
    """Return the discrete Laplacian of surfaces: their curvature along x plus that along y.

    Five-point stencil: the four neighbours minus four times the middle, over the step squared
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 25.3.30).

    From values (..., rows, columns) on a square grid whose neighbours are ``step`` apart, it makes an array
    (..., rows - 2, columns - 2), in units of output per unit of length squared.
    """
    middle = surfaces[..., 1:-1, 1:-1]
    along_y = surfaces[..., :-2, 1:-1] + surfaces[..., 2:, 1:-1]
    along_x = surfaces[..., 1:-1, :-2] + surfaces[..., 1:-1, 2:]
    return (along_x + along_y - 4 * middle) / step**2


def roughness(run: Run) -> np.ndarray:
    """Return the roughness of each start's output surface: its mean absolute Laplacian over the data's disc.

    0 for a plane. A frontier where the output climbs from -1 to +1 adds to it in proportion to its length
    and steepness; a ReLU fold adds its change of slope, whatever the grid's step. The array has shape
    (starts,), in units of output per unit of length squared.
    """
    ticks, step = np.linspace(*DOMAIN, GRID, retstep=True)
    surfaces = run.predict(grid(ticks)).reshape(len(run.starts), GRID, GRID)
    inside = np.add.outer(ticks[1:-1] ** 2, ticks[1:-1] ** 2) <= RADIUS**2
    return np.abs(laplacian(surfaces, step))[:, inside].mean(axis=-1)


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
    points, labels = map(np.concatenate, zip(*load_data(config).halves, strict=True))
    return float(half_squared_error(spiral_output(points, config.noise), labels).mean())


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


def stop_early(config: PlaygroundConfig, epochs: int, starts: Starts) -> Stopping:
    """Train from several starts and look for the best epoch on one half of the test points, then the other.

    There is a look at every tenth epoch.
    """
    run, data = Run(config, starts), load_data(config)
    curves = []
    for _ in range(epochs // EVERY):
        errors = half_squared_error(run.train(EVERY).predict(data.test_points), data.test_labels)
        curves.append([errors[:, ::2].mean(axis=1), errors[:, 1::2].mean(axis=1)])
    curves = np.nan_to_num(np.moveaxis(curves, 0, -1), nan=np.inf)  # (2 halves, starts, looks)
    best = curves.argmin(axis=-1, keepdims=True)
    announced, honest = (np.take_along_axis(half, best, axis=-1)[..., 0] for half in (curves, curves[::-1]))
    return Stopping(announced.mean(axis=0), honest.mean(axis=0), curves[..., -1].mean(axis=0))


def fresh_losses(run: Run) -> np.ndarray:
    """Return each start's loss on 5000 fresh points of the experiment's law, which no choice was made by.

    They come from ten seeds of their own, with the same noise. The array has shape (starts,).
    """
    draws = [load_data(run.config.replace(seed=f"neufs-{number}")) for number in range(FRESH_DRAWS)]
    points, labels = map(np.concatenate, zip(*chain(*(data.halves for data in draws)), strict=True))
    return half_squared_error(run.predict(points), labels).mean(axis=1)
