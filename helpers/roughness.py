"""How rough a network's output surface is: the question "lisse ?" as a number."""

from __future__ import annotations

import numpy as np

from .data import DOMAIN
from .training import Run

GRID = 100  # points a side
RADIUS = DOMAIN[1]  # of the disc that holds the spiral, noise included


def laplacian(surfaces: np.ndarray, step: float) -> np.ndarray:
    """Return the discrete Laplacian of surfaces: their curvature along x plus that along y.

    Five-point stencil: the four neighbours minus four times the middle, over the step squared
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 25.3.30).

    Args:
        surfaces: array of shape (..., rows, columns), values on a square grid.
        step: distance between two neighbouring points.

    Returns:
        Array of shape (..., rows - 2, columns - 2), in units of output per unit of length squared.
    """
    middle = surfaces[..., 1:-1, 1:-1]
    along_y = surfaces[..., :-2, 1:-1] + surfaces[..., 2:, 1:-1]
    along_x = surfaces[..., 1:-1, :-2] + surfaces[..., 1:-1, 2:]
    return (along_x + along_y - 4 * middle) / step**2


def disc_mean(values: np.ndarray) -> np.ndarray:
    """Return the mean, over the data's disc, of values (..., GRID - 2, GRID - 2) inside the drawn grid."""
    ticks = np.linspace(*DOMAIN, GRID)[1:-1]
    inside = ticks[:, np.newaxis] ** 2 + ticks**2 <= RADIUS**2
    return values[..., inside].mean(axis=-1)


def roughness(run: Run) -> np.ndarray:
    """Return the roughness of each start's output surface: its mean absolute Laplacian over the data's disc.

    0 for a plane. A frontier where the output climbs from -1 to +1 adds to it in proportion to its length
    and steepness; a ReLU fold adds its change of slope, whatever the grid's step.

    Returns:
        Array of shape (starts,), in units of output per unit of length squared.
    """
    ticks, step = np.linspace(*DOMAIN, GRID, retstep=True)
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    surfaces = run.predict(points).reshape(run.starts, GRID, GRID)
    return disc_mean(np.abs(laplacian(surfaces, step)))
