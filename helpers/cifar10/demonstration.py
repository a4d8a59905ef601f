"""Made-up images in CIFAR-10's format, for rooms and tests without the real ones.

Each class is a silhouette of a few shapes, with random colours, size, place and lighting, before a random
scene and under noise. As in CIFAR-10, colours and places say a little of the class, some classes look alike
(deer and horse, car and truck), and a convolutional network learns them step by step.
"""

import numpy as np
from PIL import Image, ImageDraw

SIDE = 32  # pixels
_BLOCK = 500  # images drawn from one random generator, a multiple of ten
_BODY, _SHADE, _LIGHT, _DARK = range(4)  # what a shape is painted with

# Shapes of each silhouette, painted in turn: a method of ImageDraw, paint, and the coordinates x, y, x, y...
# it takes, from the centre of a canvas of 64 x 64 pixels, y downwards.
_SILHOUETTES = {
    "avion": [
        ("ellipse", _BODY, (-28, -5, 28, 5)),
        ("polygon", _SHADE, (6, 1, -4, 1, -16, 22, -9, 22)),
        ("polygon", _SHADE, (-27, 0, -19, -2, -25, -14, -30, -14)),
    ],
    "voiture": [
        ("polygon", _LIGHT, (-16, -13, 9, -13, 18, 0, -21, 0)),
        ("rectangle", _BODY, (-27, -1, 27, 10)),
        ("ellipse", _DARK, (-21, 4, -9, 16)),
        ("ellipse", _DARK, (9, 4, 21, 16)),
    ],
    "oiseau": [
        ("ellipse", _BODY, (-20, -6, 15, 8)),
        ("polygon", _SHADE, (6, 1, -8, 1, -18, -21)),
        ("ellipse", _BODY, (8, -13, 21, 0)),
        ("polygon", _DARK, (20, -9, 29, -5, 20, -3)),
    ],
    "chat": [
        ("polygon", _BODY, (-18, -2, -17, -27, 0, -12, 17, -27, 18, -2)),
        ("ellipse", _BODY, (-19, -14, 19, 18)),
        ("ellipse", _LIGHT, (-12, -5, -4, 2)),
        ("ellipse", _LIGHT, (4, -5, 12, 2)),
    ],
    "cerf": [
        ("polygon", _DARK, (15, -12, 7, -28, 15, -18, 24, -28)),
        ("rectangle", _SHADE, (-15, 5, -12, 27)),
        ("rectangle", _SHADE, (4, 5, 7, 27)),
        ("ellipse", _BODY, (-21, -4, 12, 10)),
        ("polygon", _BODY, (3, 2, 11, 5, 18, -9, 26, -9, 22, -16, 12, -16)),
    ],
    "chien": [
        ("ellipse", _BODY, (-17, -18, 17, 18)),
        ("ellipse", _SHADE, (-25, -15, -13, 13)),
        ("ellipse", _SHADE, (13, -15, 25, 13)),
        ("ellipse", _DARK, (-5, 3, 5, 9)),
    ],
    "grenouille": [
        ("ellipse", _BODY, (-23, -8, 23, 19)),
        ("ellipse", _LIGHT, (-16, -15, -5, -4)),
        ("ellipse", _LIGHT, (5, -15, 16, -4)),
        ("ellipse", _DARK, (-13, 6, 13, 9)),
    ],
    "cheval": [
        ("polygon", _DARK, (-17, -3, -22, 0, -28, 17, -23, 18)),
        ("rectangle", _SHADE, (-16, 4, -12, 27)),
        ("rectangle", _SHADE, (4, 4, 8, 27)),
        ("ellipse", _BODY, (-21, -7, 14, 11)),
        ("polygon", _BODY, (2, 0, 13, 5, 19, -13, 24, -4, 29, -8, 17, -22, 11, -19)),
    ],
    "bateau": [
        ("polygon", _LIGHT, (1, -27, 19, 3, 1, 3)),
        ("polygon", _BODY, (-29, 6, 29, 6, 20, 18, -20, 18)),
    ],
    "camion": [
        ("rectangle", _LIGHT, (9, -7, 27, 12)),
        ("rectangle", _BODY, (-27, -19, 7, 12)),
        ("ellipse", _DARK, (-21, 6, -9, 18)),
        ("ellipse", _DARK, (11, 6, 23, 18)),
    ],
}
CLASSES = tuple(_SILHOUETTES)
# Colours above and below the horizon, and the scene most usual for each class.
_SCENES = (
    ((120, 170, 220), (190, 215, 235)),  # sky
    ((150, 185, 215), (40, 90, 140)),  # sea
    ((170, 175, 180), (95, 95, 100)),  # street
    ((130, 165, 120), (85, 125, 60)),  # meadow
    ((165, 130, 105), (120, 90, 70)),  # room
)
_USUAL_SCENE = (0, 2, 0, 4, 3, 4, 3, 3, 1, 2)
_SEEDS = {"train": 2009, "test": 2010}


def draw(split: str, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw demonstration images (images, 32, 32, 3) uint8, and their labels (images, 1) uint8 in 0..9.

    The first ones are always the same, each ten in turn hold all ten classes, and the splits, "train" and
    "test", share no image.
    """
    seeds = [(_SEEDS[split], start) for start in range(0, images, _BLOCK)]
    blocks = [_draw_block(np.random.default_rng(seed)) for seed in seeds]
    pixels, labels = map(np.concatenate, zip(*blocks, strict=True))
    return pixels[:images], labels[:images, np.newaxis]


def _draw_block(random):
    labels = random.permuted(np.tile(np.arange(10, dtype=np.uint8), (_BLOCK // 10, 1)), axis=1).ravel()
    pixels = np.array([_draw_one(random, label) for label in labels], np.float32)
    mirrored = random.random(_BLOCK) < 0.5
    pixels[mirrored] = pixels[mirrored, :, ::-1]
    gradient = np.linspace(-0.25, 0.25, SIDE) * random.uniform(-1, 1, (_BLOCK, 1))
    light = (random.uniform(0.7, 1.2, (_BLOCK, 1)) + gradient)[:, np.newaxis, :, np.newaxis]
    noise = 6 * random.standard_normal((_BLOCK, SIDE, SIDE, 1), np.float32)
    return np.clip(np.rint(pixels * light + noise), 0, 255).astype(np.uint8), labels


def _draw_one(random, label):
    """Return one silhouette before a scene, (32, 32, 3) uint8."""
    scene = _USUAL_SCENE[label] if random.random() < 0.2 else random.integers(len(_SCENES))
    body = random.uniform(40, 215) + 40 * random.standard_normal(3)
    light, dark = 215 + 18 * random.standard_normal(3), 35 + 14 * random.standard_normal(3)
    colours = [*(_SCENES[scene] + 25 * random.standard_normal((2, 3))), body, 0.7 * body, light, dark]
    above, under, *paints = (tuple(np.clip(colour, 0, 255).astype(int)) for colour in colours)
    side = 2 * SIDE  # halved at the end, for smooth edges
    canvas = Image.new("RGB", (side, side), above)
    brush = ImageDraw.Draw(canvas)
    brush.rectangle((0, random.integers(26, 48), side, side), under)
    centre = SIDE + random.uniform(-7, 7, 2)
    size = random.uniform(0.65, 1.05)
    for method, paint, coordinates in _SILHOUETTES[CLASSES[label]]:
        place = centre + size * np.reshape(coordinates, (-1, 2))
        getattr(brush, method)(place.ravel().tolist(), paints[paint])
    return np.asarray(canvas.reduce(2))
