"""Where things stand in the drawing of the network, in CSS pixels.

The picture paints links and surfaces, the page lays frames and buttons over them. Both read these
numbers, so they cannot drift apart.
"""

from dataclasses import dataclass
from itertools import pairwise

from ..engine.config import FEATURES, MAX_NEURONS

WIDTH = 480
HEADER = 78  # room for the titles and the buttons above the drawing
ROW = 50
NODE = 40  # side of a square
HEIGHT = MAX_NEURONS * ROW  # of the drawing, without its header
FEATURE_X = 58  # the features' names stand at its left
OUTPUT_X, OUTPUT_SIZE = WIDTH - 22, 18
FAN = 14  # the links into a square spread over that height
BIAS = 6  # side of the small square that shows a bias


@dataclass(frozen=True)
class Box:
    """A square: the position of its left and top edges, and its side."""

    x: float
    y: float
    size: float = NODE

    @property
    def middle(self) -> float:
        return self.y + self.size / 2

    @property
    def right(self) -> float:
        return self.x + self.size


def feature_boxes(hidden: tuple[str, ...] = ()) -> dict[str, Box]:
    """Return the squares of the features that are not hidden, by name."""
    return {name: _node(FEATURE_X, row) for row, name in enumerate(FEATURES) if name not in hidden}


def layer_x(count: int) -> list[float]:
    """Return the left edge of each of ``count`` hidden layers."""
    left, right = FEATURE_X + NODE, OUTPUT_X - NODE
    gap = (right - left) / (count - 0.3) if count else 0
    # As on the site, a bit more than a third of a gap is left free at both ends.
    return [left + gap * (0.35 + layer) for layer in range(count)]


def neuron_boxes(shape: tuple[int, ...]) -> list[list[Box]]:
    """Return the squares of each layer's neurons; the last layer is the output neuron alone."""
    hidden = [
        [_node(x, row) for row in range(neurons)]
        for x, neurons in zip(layer_x(len(shape)), shape, strict=True)
    ]
    return [*hidden, [Box(OUTPUT_X, (ROW - OUTPUT_SIZE) / 2, OUTPUT_SIZE)]]


def links(features: tuple[str, ...], shape: tuple[int, ...]) -> list[tuple[float, float, float, float]]:
    """Return where every connection begins and ends (x0, y0, x1, y1), in the order of the weights."""
    columns = [[feature_boxes()[name] for name in features], *neuron_boxes(shape)]
    return [
        (source.right, source.middle, target.x, target.middle + _fan(place, len(sources)))
        for sources, targets in pairwise(columns)
        for place, source in enumerate(sources)
        for target in targets
    ]


def _node(x, row):
    return Box(x, row * ROW + (ROW - NODE) / 2)


def _fan(index, count):
    return ((index - (count - 1) / 2) / count) * FAN
