"""Made-up images in CIFAR-10's format, for rooms and tests without the real ones.

Each class is a silhouette of a few ovals and rounded boxes, drawn with random colours, size, tilt, place and
lighting before a random scene, under noise. As in CIFAR-10, colours and places say a little about the class,
some classes look alike (plane and bird, cat and frog), and a convolutional network learns them step by step.
"""

from __future__ import annotations

import numpy as np

SIDE = 32  # pixels
_BLOCK = 500  # images drawn together: small enough for the processor's cache, and a multiple of ten
_BODY, _SHADE, _LIGHT, _DARK = range(4)  # what a part is painted with

# Parts of each silhouette, painted in turn: centre x, y, half-widths, tilt in radians, power (2 for an oval,
# 4 for a rounded box), paint. The frame is [-1, 1] with y downwards.
_SILHOUETTES = {
    "avion": [
        (0.05, -0.08, 0.13, 0.72, -0.45, 4, _SHADE),
        (0.00, 0.00, 0.92, 0.15, 0.00, 2, _BODY),
        (-0.72, -0.22, 0.10, 0.28, -0.35, 4, _SHADE),
        (0.62, -0.03, 0.12, 0.05, 0.00, 2, _DARK),
    ],
    "voiture": [
        (-0.05, -0.14, 0.50, 0.26, 0.00, 4, _BODY),
        (-0.05, -0.15, 0.38, 0.14, 0.00, 4, _LIGHT),
        (0.00, 0.16, 0.90, 0.23, 0.00, 4, _BODY),
        (-0.50, 0.38, 0.19, 0.19, 0.00, 2, _DARK),
        (0.50, 0.38, 0.19, 0.19, 0.00, 2, _DARK),
    ],
    "oiseau": [
        (-0.65, 0.10, 0.32, 0.09, 0.30, 2, _SHADE),
        (-0.05, 0.05, 0.52, 0.25, -0.20, 2, _BODY),
        (-0.10, -0.22, 0.15, 0.52, -0.50, 2, _SHADE),
        (0.50, -0.18, 0.20, 0.19, 0.00, 2, _BODY),
        (0.76, -0.14, 0.14, 0.05, 0.10, 2, _DARK),
        (0.54, -0.22, 0.05, 0.05, 0.00, 2, _DARK),
    ],
    "chat": [
        (-0.40, -0.50, 0.14, 0.34, -0.35, 2, _BODY),
        (0.40, -0.50, 0.14, 0.34, 0.35, 2, _BODY),
        (0.00, 0.05, 0.62, 0.54, 0.00, 2, _BODY),
        (-0.25, -0.06, 0.13, 0.11, 0.00, 2, _LIGHT),
        (0.25, -0.06, 0.13, 0.11, 0.00, 2, _LIGHT),
        (-0.25, -0.06, 0.05, 0.11, 0.00, 2, _DARK),
        (0.25, -0.06, 0.05, 0.11, 0.00, 2, _DARK),
        (0.00, 0.22, 0.10, 0.07, 0.00, 2, _DARK),
    ],
    "cerf": [
        (0.38, -0.72, 0.04, 0.26, -0.40, 4, _DARK),
        (0.64, -0.72, 0.04, 0.26, 0.40, 4, _DARK),
        (-0.45, 0.52, 0.06, 0.40, 0.00, 4, _SHADE),
        (0.20, 0.52, 0.06, 0.40, 0.00, 4, _SHADE),
        (-0.12, 0.10, 0.52, 0.23, 0.00, 2, _BODY),
        (0.36, -0.14, 0.12, 0.32, 0.40, 2, _BODY),
        (0.56, -0.40, 0.24, 0.13, 0.30, 2, _BODY),
        (-0.20, 0.06, 0.22, 0.07, 0.00, 2, _LIGHT),
    ],
    "chien": [
        (0.00, 0.00, 0.55, 0.60, 0.00, 2, _BODY),
        (-0.58, -0.08, 0.16, 0.44, 0.20, 2, _SHADE),
        (0.58, -0.08, 0.16, 0.44, -0.20, 2, _SHADE),
        (0.00, 0.32, 0.30, 0.24, 0.00, 2, _LIGHT),
        (-0.22, -0.12, 0.08, 0.09, 0.00, 2, _DARK),
        (0.22, -0.12, 0.08, 0.09, 0.00, 2, _DARK),
        (0.00, 0.22, 0.15, 0.10, 0.00, 2, _DARK),
    ],
    "grenouille": [
        (-0.66, 0.40, 0.22, 0.30, -0.50, 2, _SHADE),
        (0.66, 0.40, 0.22, 0.30, 0.50, 2, _SHADE),
        (-0.32, -0.26, 0.20, 0.20, 0.00, 2, _BODY),
        (0.32, -0.26, 0.20, 0.20, 0.00, 2, _BODY),
        (0.00, 0.18, 0.70, 0.44, 0.00, 2, _BODY),
        (-0.32, -0.28, 0.11, 0.11, 0.00, 2, _LIGHT),
        (0.32, -0.28, 0.11, 0.11, 0.00, 2, _LIGHT),
        (0.00, 0.24, 0.44, 0.05, 0.00, 2, _DARK),
    ],
    "cheval": [
        (-0.72, 0.18, 0.09, 0.32, 0.35, 2, _DARK),
        (-0.45, 0.52, 0.08, 0.42, 0.00, 4, _SHADE),
        (0.20, 0.52, 0.08, 0.42, 0.00, 4, _SHADE),
        (-0.12, 0.08, 0.58, 0.28, 0.00, 2, _BODY),
        (0.28, -0.26, 0.10, 0.40, 0.45, 2, _DARK),
        (0.38, -0.18, 0.15, 0.40, 0.45, 2, _BODY),
        (0.62, -0.46, 0.30, 0.14, 0.45, 2, _BODY),
    ],
    "bateau": [
        (-0.05, -0.36, 0.04, 0.50, 0.00, 4, _DARK),
        (0.16, -0.34, 0.20, 0.40, -0.35, 4, _LIGHT),
        (-0.30, 0.06, 0.26, 0.18, 0.00, 4, _LIGHT),
        (0.00, 0.34, 0.88, 0.20, 0.00, 4, _BODY),
        (0.00, 0.46, 0.66, 0.13, 0.00, 4, _SHADE),
    ],
    "camion": [
        (0.64, 0.08, 0.27, 0.32, 0.00, 4, _SHADE),
        (0.70, -0.04, 0.15, 0.12, 0.00, 4, _LIGHT),
        (-0.22, -0.10, 0.66, 0.48, 0.00, 4, _BODY),
        (-0.56, 0.44, 0.18, 0.18, 0.00, 2, _DARK),
        (-0.12, 0.44, 0.18, 0.18, 0.00, 2, _DARK),
        (0.62, 0.44, 0.18, 0.18, 0.00, 2, _DARK),
    ],
}
CLASSES = tuple(_SILHOUETTES)
# Colours above and below the horizon, and the scene most usual for each class.
_SCENES = np.array(
    [
        [(120, 170, 220), (190, 215, 235)],  # sky
        [(150, 185, 215), (40, 90, 140)],  # sea
        [(170, 175, 180), (95, 95, 100)],  # street
        [(130, 165, 120), (85, 125, 60)],  # meadow
        [(165, 130, 105), (120, 90, 70)],  # room
    ],
    np.float32,
)
_USUAL_SCENE = (0, 2, 0, 4, 3, 4, 3, 3, 1, 2)
_SEEDS = {"train": 2009, "test": 2010}


def draw(split: str, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw demonstration images, always the same first ones; each ten in turn hold all ten classes.

    Args:
        split: "train" or "test", which share no image.
        images: how many.

    Returns:
        Images (images, 32, 32, 3) uint8 and labels (images, 1) uint8 in 0..9.
    """
    seeds = [(_SEEDS[split], start) for start in range(0, images, _BLOCK)]
    blocks = [_draw_block(np.random.default_rng(seed)) for seed in seeds]
    pixels, labels = map(np.concatenate, zip(*blocks, strict=True))
    return pixels[:images], labels[:images, np.newaxis]


def _draw_block(random):
    labels = random.permuted(np.tile(np.arange(10, dtype=np.uint8), (_BLOCK // 10, 1)), axis=1).ravel()
    pixels = np.empty((_BLOCK, SIDE, SIDE, 3), np.uint8)
    for label, parts in enumerate(_SILHOUETTES.values()):
        pixels[labels == label] = _draw_class(random, parts, _USUAL_SCENE[label], _BLOCK // 10)
    return pixels, labels


def _draw_class(random, parts, usual_scene, n):
    """Draw n images, (n, 32, 32, 3) uint8, of one silhouette."""

    def uniform(low, high, *shape):
        return random.uniform(low, high, (n, *shape)).astype(np.float32)

    def normal(deviation, *shape):
        return random.standard_normal((n, *shape), np.float32) * np.float32(deviation)

    axis = np.linspace(-1, 1, SIDE, dtype=np.float32)

    # Scene: two colours that meet at the horizon, under waves. The canvas is (n, 3, 32, 32) until the end.
    scene = np.where(random.random(n) < 0.35, usual_scene, random.integers(len(_SCENES), size=n))
    above, under = np.moveaxis((_SCENES[scene] + normal(25, 2, 3))[..., np.newaxis, np.newaxis], 1, 0)
    depth = (axis - uniform(-0.2, 0.5, 1)) * uniform(2, 12, 1)
    canvas = above + (under - above) * _covered(depth)[:, np.newaxis, :, np.newaxis]
    waves = np.sin(normal(7, 2, 1) * axis + uniform(0, 2 * np.pi, 2, 1))[:, np.newaxis]
    canvas = canvas + uniform(0, 22, 1, 1, 1) * waves[:, :, :1] * waves[:, :, 1:].swapaxes(2, 3)

    # The silhouette's own frame: moved, tilted, scaled, half of them mirrored. Its coordinates are sums of
    # what the column and the row contribute, (2, n, 32), which saves most of the arithmetic.
    column, row = axis - uniform(-0.22, 0.22, 1), axis - uniform(-0.18, 0.18, 1)
    tilt, size = uniform(-0.3, 0.3, 1), uniform(0.65, 1.05, 1)
    cos, sin = np.cos(tilt) / size, np.sin(tilt) / size
    x = np.stack([cos * column, sin * row]) * np.sign(uniform(-1, 1, 1))
    y = np.stack([-sin * column, cos * row])

    body = uniform(40, 215, 1, 1, 1) + normal(40, 3, 1, 1)
    paints = (body, body * uniform(0.5, 0.85, 1, 1, 1), 215 + normal(18, 3, 1, 1), 35 + normal(14, 3, 1, 1))
    for centre_x, centre_y, half_x, half_y, turn, power, paint in parts:
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        centred_x, centred_y = x - np.float32(centre_x / 2), y - np.float32(centre_y / 2)
        u = _spread(centred_x * cos + centred_y * sin) / np.float32(half_x)
        v = _spread(centred_y * cos - centred_x * sin) / np.float32(half_y)
        distance = u**2 + v**2 if power == 2 else (u**2) ** 2 + (v**2) ** 2
        inside = _covered((1 - distance) * np.float32(16 * min(half_x, half_y)))
        canvas += inside[:, np.newaxis] * (paints[paint] - canvas)

    light = uniform(0.7, 1.2, 1, 1, 1) + uniform(-0.25, 0.25, 1, 1, 1) * axis
    canvas = canvas * light + normal(9, 1, SIDE, SIDE)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _spread(parts):
    """Add what columns and rows contribute, (2, n, 32), over the picture, (n, 32, 32)."""
    return parts[0][:, np.newaxis, :] + parts[1][:, :, np.newaxis]


def _covered(depth):
    """Share of a pixel covered by a shape, from how many pixels deep its centre lies inside."""
    return np.clip(depth + np.float32(0.5), 0, 1)
