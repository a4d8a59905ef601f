"""The Playground's six datasets, seven features and train/test split: the same points for the same seed.

Source: the original's dataset.ts and playground.ts, whose order of draws is kept exactly: all points,
the Fisher-Yates shuffle, then the network's weights on the same random stream.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .config import REG_DATASETS, PlaygroundConfig
from .own_data import OwnData
from .seedrandom import SeedRandom

SAMPLES = {"classification": 500, "regression": 1200}
DOMAIN = (-6.0, 6.0)  # of both coordinates, as drawn; some noise goes past it


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points of one experiment, in the order in which the original trains on them.

    Attributes:
        train_points, test_points: float64 arrays of shape (n, 2), the two coordinates.
        train_labels, test_labels: float64 arrays of shape (n,), -1 or +1 (in [-1, 1] for regression,
            where noise may go past it).
    """

    train_points: np.ndarray
    train_labels: np.ndarray
    test_points: np.ndarray
    test_labels: np.ndarray

    @property
    def halves(self):
        """The points and labels of training, then those of the test."""
        return (self.train_points, self.train_labels), (self.test_points, self.test_labels)


def load_data(config: PlaygroundConfig, own: OwnData | None = None) -> Dataset:
    """Draw the points of an experiment, or take one's own, and shuffle and split them as the site does.

    Dataset, noise, seed, problem and training share are read. The arrays are shared and read-only.
    """
    return draw(config, own)[0]


def draw(config: PlaygroundConfig, own: OwnData | None = None) -> tuple[Dataset, SeedRandom]:
    """Return the points and the random stream left just after them, from which the weights come."""
    dataset, stream = _draw(own or config.data_name, config.noise, config.perc_train_data, config.seed)
    return dataset, stream.copy()


@lru_cache(maxsize=64)
def _draw(source, noise, perc_train_data, seed):
    random = SeedRandom(seed)
    if isinstance(source, OwnData):
        rows = source.table.tolist()
    else:
        count = SAMPLES["regression" if source in REG_DATASETS else "classification"]
        rows = list(_GENERATORS[source](random, count, noise / 100))
    for last in range(len(rows) - 1, -1, -1):  # Fisher-Yates, with the original's order of draws
        index = math.floor(random.random() * (last + 1))
        rows[last], rows[index] = rows[index], rows[last]
    split = math.floor(len(rows) * perc_train_data / 100)
    table = np.array(rows)
    table.setflags(write=False)
    train, test = table[:split], table[split:]
    return Dataset(train[:, :2], train[:, 2], test[:, :2], test[:, 2]), random


def compute_features(points: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Compute features of points (n, 2), named as in ``config.FEATURES``: (n, len(names)), of their dtype."""
    x, y = np.asarray(points).T
    if not names:
        return np.empty((len(x), 0), x.dtype)
    return np.stack([_FEATURES[name](x, y) for name in names], axis=1)


def grid(columns: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the points of a grid, (rows * columns, 2), row after row; ``columns`` are x, ``rows`` are y."""
    return np.stack(np.meshgrid(columns, columns if rows is None else rows), axis=-1).reshape(-1, 2)


def half_squared_error(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the original's loss of each answer, an array of the shape of ``outputs``: take its mean."""
    return 0.5 * (outputs - labels) ** 2


_FEATURES = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "xSquared": lambda x, y: x * x,
    "ySquared": lambda x, y: y * y,
    "xTimesY": lambda x, y: x * y,
    "sinX": lambda x, y: np.sin(x),
    "sinY": lambda x, y: np.sin(y),
}


def _circle(random, count, noise):
    radius = 5

    def ring(low, high):
        for _ in range(count // 2):
            r = random.uniform(low, high)
            angle = random.uniform(0, 2 * math.pi)
            x, y = r * math.sin(angle), r * math.cos(angle)
            noise_x = random.uniform(-radius, radius) * noise
            noise_y = random.uniform(-radius, radius) * noise
            inside = math.sqrt((x + noise_x) ** 2 + (y + noise_y) ** 2) < radius * 0.5
            yield x, y, 1.0 if inside else -1.0

    yield from ring(0, radius * 0.5)
    yield from ring(radius * 0.7, radius)


def _xor(random, count, noise):
    padding = 0.3  # keeps the four quadrants apart

    def coordinate():
        value = random.uniform(-5, 5)
        return value + (padding if value > 0 else -padding)

    for _ in range(count):
        x, y = coordinate(), coordinate()
        noise_x = random.uniform(-5, 5) * noise
        noise_y = random.uniform(-5, 5) * noise
        yield x, y, 1.0 if (x + noise_x) * (y + noise_y) >= 0 else -1.0


def _gauss(random, count, noise):
    deviation = math.sqrt(0.5 + noise * 7)  # variance from 0.5 at no noise to 4 at 50 %

    def normal(mean):
        # The original's polar method; it keeps only the first of the two normals.
        while True:
            v1 = 2 * random.random() - 1
            v2 = 2 * random.random() - 1
            s = v1 * v1 + v2 * v2
            if s <= 1:
                return mean + deviation * (math.sqrt(-2 * math.log(s) / s) * v1)

    for center, label in ((2, 1.0), (-2, -1.0)):
        for _ in range(count // 2):
            yield normal(center), normal(center), label


def _spiral(random, count, noise):
    n = count // 2
    for delta, label in ((0, 1.0), (math.pi, -1.0)):
        for i in range(n):
            r = i / n * 5
            t = 1.75 * i / n * 2 * math.pi + delta
            x = r * math.sin(t) + random.uniform(-1, 1) * noise
            y = r * math.cos(t) + random.uniform(-1, 1) * noise
            yield x, y, label


def _regression(label_of):
    """A regression dataset: uniform points whose label is read at a noisy position."""

    def generate(random, count, noise):
        for _ in range(count):
            x, y = random.uniform(-6, 6), random.uniform(-6, 6)
            noise_x = random.uniform(-6, 6) * noise
            noise_y = random.uniform(-6, 6) * noise
            yield x, y, label_of(x + noise_x, y + noise_y)

    return generate


def _gauss_label(x, y):
    bumps = (
        sign * max(0.0, 1 - math.sqrt((x - center_x) ** 2 + (y - center_y) ** 2) / 2)
        for center_x, center_y, sign in _BUMPS
    )
    return max(bumps, key=abs)


_BUMPS = ((-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1))
_GENERATORS = {
    "circle": _circle,
    "xor": _xor,
    "gauss": _gauss,
    "spiral": _spiral,
    "reg-plane": _regression(lambda x, y: (x + y) / 10),
    "reg-gauss": _regression(_gauss_label),
}
