"""Which shape a network has learned of the XOR: families of output surfaces, by the quadrants it gets right.

A family is computed from the output surface alone, on the square where the XOR's points lie; neither the
noisy points nor the loss come into it.
"""

import numpy as np

from ..engine.data import grid
from ..engine.training import Run

SQUARE = 5.0  # the XOR's points lie in [-5, 5]^2
GRID = 40  # points a side
SURE = 0.25  # an output nearer to 0 does not take sides: it is drawn grey
MOST = 0.5  # share of a quadrant's area that must be right
ONE_DIRECTION = 0.9  # share of the surface's variance that one diagonal must explain

FOUR, THREE, BAND, HALF = "quatre quadrants", "trois quadrants", "bande diagonale", "demi-plan"
OPPOSITE, ONE, NONE = "deux quadrants opposés", "un quadrant", "aucun quadrant"
FAMILIES = (FOUR, THREE, BAND, HALF, OPPOSITE, ONE, NONE)


def families(run: Run) -> list[str]:
    """Return the family of each start's output surface, one of ``FAMILIES``."""
    ticks = SQUARE * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)  # none on an axis
    surfaces = run.predict(grid(ticks)).reshape(-1, GRID, GRID)
    return [family(surface) for surface in surfaces]


def family(surface: np.ndarray) -> str:
    """Name a surface of shape (n, n), n even, over [-5, 5]^2: rows are x2, columns x1, both rising.

    A quadrant is right when the output is on the XOR's side, and at least ``SURE``, on most of its area. A
    band is told from four quadrants by its parallel frontiers: its surface varies along one diagonal only,
    and the middle disagrees with both ends.
    """
    upper_right, upper_left, lower_left, lower_right = right = [share > MOST for share in _shares(surface)]
    if sum(right) >= 2 and any(_is_band(turned) for turned in (surface, surface[:, ::-1])):
        return BAND
    if sum(right) == 2:
        opposite = upper_right == lower_left and upper_left == lower_right
        return OPPOSITE if opposite else HALF
    return {4: FOUR, 3: THREE, 1: ONE, 0: NONE}[sum(right)]


def _is_band(surface):
    """Tell whether x1 + x2 alone nearly decides the output, and both ends disagree with the middle."""
    diagonal = np.add.outer(*map(np.arange, surface.shape))  # each point's line x1 + x2 = constant
    means = np.bincount(diagonal.ravel(), surface.ravel()) / np.bincount(diagonal.ravel())
    left_over = np.sum((surface - means[diagonal]) ** 2)
    decides = left_over <= (1 - ONE_DIRECTION) * np.sum((surface - surface.mean()) ** 2)
    first, middle, last = np.sign(means[[0, len(means) // 2, -1]])
    return bool(decides and first == last == -middle != 0)


def _shares(surface):
    """Return the share of right and sure answers in each quadrant, counter-clockwise from the upper right."""
    half = len(surface) // 2
    low, high = slice(None, half), slice(half, None)
    quadrants = ((high, high, 1), (high, low, -1), (low, low, 1), (low, high, -1))
    return [float(np.mean(surface[rows, columns] * side >= SURE)) for rows, columns, side in quadrants]
