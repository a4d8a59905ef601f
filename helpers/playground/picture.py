"""The widget's pictures, drawn fast with NumPy and Matplotlib's Agg: surfaces, links, points, curves.

Every function returns the bytes of a PNG or a JPEG. Pictures hold ``SCALE`` pixels per CSS pixel, so
that they stay crisp on dense screens. Never pyplot: the widget's callbacks may run on any thread.
"""

import functools
import io

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform
from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

from ..engine.config import FEATURE_NAMES, FEATURES, PlaygroundConfig
from ..engine.data import DOMAIN, Dataset, compute_features, grid, load_data
from ..engine.training import Run
from ..french import decimal
from ..notebook.shown import PALETTE
from . import layout

SCALE = 2
ORANGE, GREY, BLUE = map(ImageColor.getrgb, PALETTE)  # -1, 0, +1
SURFACE_ALPHA = 160 / 255  # the site paints surfaces half transparent, so that points stand out
DENSITY = 100  # cells along each side of a surface
OUTPUT_SIZE = 276  # CSS pixels of the large surface
CURVE_SIZE, CURVE_MARGIN = (100, 40), 3
MARGIN, GAP = 12, 8  # of the picture for pages without widgets
STILL_WIDTH = 2 * MARGIN + layout.WIDTH + GAP + OUTPUT_SIZE
TILE = (layout.NODE - 2) * SCALE  # a small surface ends under its frame, whose corners are round
DIMMED = 0.3  # what remains of the colour of a feature that is switched off

_ROWS = 25  # of the surface computed at once: small products stay on one thread, which is faster


def color_table(alpha: float = 1.0) -> np.ndarray:
    """Return the 256 colours from -1 to +1 over white, uint8 of shape (256, 3)."""
    stops = np.array([ORANGE, GREY, BLUE]) * alpha + 255 * (1 - alpha)
    position = np.linspace(0, 2, 256)
    return np.stack([np.interp(position, range(3), channel) for channel in stops.T], axis=1).astype(np.uint8)


_AXIS = np.linspace(*DOMAIN, DENSITY, dtype=np.float32)
GRID = grid(_AXIS, _AXIS[::-1])  # the first row is the top
COLORS = color_table()
SURFACE_COLORS = color_table(SURFACE_ALPHA)
# Which cells of the grid a neuron's small square shows.
_SMALL = ((np.arange(TILE) + 0.5) * DENSITY / TILE).astype(int)
_SMALL_CELLS = (_SMALL[:, np.newaxis] * DENSITY + _SMALL).ravel()


def color_index(values: np.ndarray, discretize: bool = False) -> np.ndarray:
    """Return the place (uint8) of values in the colour table; -1 and +1 are its ends, NaN is its middle."""
    if discretize:
        return np.where(values >= 0, 255, 0).astype(np.uint8)
    with np.errstate(invalid="ignore"):
        places = np.clip(values, -1, 1) * 127.5 + 127.5
    return np.nan_to_num(places, nan=127).astype(np.uint8)


def scale(values: np.ndarray) -> float:
    """Return the first of 0.001, 0.002, 0.005, 0.01... that no finite value passes; 1 if all are smaller."""
    high = np.max(np.abs(values), where=np.isfinite(values), initial=0)
    if high < 1e-3:
        return 1.0
    power = 10.0 ** np.floor(np.log10(high))
    return next(float(step * power) for step in (1, 2, 5, 10) if high <= step * power)


def surfaces(run: Run) -> list[np.ndarray]:
    """Compute every neuron's answer over the drawn domain, rows from the top left.

    There is one float32 array per layer, the output last, of shape (starts, DENSITY * DENSITY, neurons).
    """
    step = _ROWS * DENSITY
    parts = [run.activations(GRID[first : first + step]) for first in range(0, len(GRID), step)]
    return [np.concatenate(layer, axis=1) for layer in zip(*parts, strict=True)]


def surface_png(values: np.ndarray, discretize: bool = False) -> bytes:
    """Encode one surface, shape (DENSITY * DENSITY,), as a palette PNG that the page scales."""
    picture = Image.fromarray(color_index(values, discretize).reshape(DENSITY, DENSITY), "L")
    picture.putpalette(SURFACE_COLORS.tobytes())
    return _encoded(picture, "PNG", compress_level=1)


def mosaic_png(outputs: np.ndarray, places, side: int, size: tuple[int, int], discretize: bool) -> bytes:
    """Draw several surfaces, shape (n, DENSITY * DENSITY), as squares of ``side`` CSS pixels."""
    whole = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), "white")
    for values, (left, top) in zip(outputs, places, strict=True):
        colors = SURFACE_COLORS[color_index(values, discretize)].reshape(DENSITY, DENSITY, 3)
        tile = Image.fromarray(colors).resize((side * SCALE,) * 2, Image.Resampling.BILINEAR)
        whole.paste(tile, (left * SCALE, top * SCALE))
    return _encoded(whole.quantize(200), "PNG", compress_level=3)


class NetworkPicture:
    """The links and the small surfaces of a network, under the page's own frames."""

    def __init__(self):
        size = layout.WIDTH * SCALE, layout.HEIGHT * SCALE
        self._figure, self._renderer = _canvas(size)
        self._pixels = np.asarray(self._renderer.buffer_rgba())
        self._curves = LineCollection([], transform=IdentityTransform(), capstyle="butt")
        self._figure.add_artist(self._curves)
        self._drawn = None  # the architecture whose curves are ready
        self._feature_tiles = _tiles(color_index(compute_features(GRID, FEATURES)))

    def pixels(self, config, parameters, layers, with_links: bool = True) -> np.ndarray:
        """Draw a network; returns its RGBX pixels, which the next call overwrites.

        Args:
            config: a PlaygroundConfig; its features, shape and ``discretize`` are read.
            parameters: ``Run.parameters``; the first start is drawn.
            layers: what ``surfaces`` returns.
            with_links: False keeps the links of the last call, if they are those of the same architecture:
                they are what takes time.
        """
        if with_links or (config.features, config.network_shape) != self._drawn:
            self._pixels[:] = 255
            self._draw_links(config, [weights[0] for weights, _ in parameters])
        self._paste_features(config)
        self._paste_neurons(config, [biases[0] for _, biases in parameters], layers)
        return self._pixels

    def jpeg(self, config, parameters, layers, with_links: bool = True) -> bytes:
        """Draw a network as a JPEG of WIDTH x HEIGHT CSS pixels (see ``pixels``)."""
        pixels = self.pixels(config, parameters, layers, with_links)
        size = pixels.shape[1], pixels.shape[0]
        picture = Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1)
        return _encoded(picture, "JPEG", quality=85, subsampling=0)

    def _draw_links(self, config, weights):
        architecture = config.features, config.network_shape
        if architecture != self._drawn:
            height = self._pixels.shape[0]
            self._curves.set_segments([_curve(link, height) for link in layout.links(*architecture)])
            self._drawn = architecture
        flat = np.nan_to_num(np.concatenate([layer.ravel() for layer in weights]))
        self._curves.set_color(COLORS[color_index(flat)] / 255)
        self._curves.set_linewidths(SCALE * np.interp(np.abs(flat), [0, 5], [1, 10]))
        self._curves.draw(self._renderer)

    def _paste_features(self, config):
        tiles = dict(zip(FEATURES, self._feature_tiles, strict=True))
        for name, box in layout.feature_boxes(config.hidden).items():
            tile = tiles[name]
            shown = tile if name in config.features else 255 - (255 - tile) * DIMMED
            self._paste(shown, box)

    def _paste_neurons(self, config, biases, layers):
        boxes = layout.neuron_boxes(config.network_shape)
        for column, bias, values in zip(boxes[:-1], biases, layers, strict=False):
            tiles = _tiles(color_index(values[0], config.discretize))
            for box, tile, color in zip(column, tiles, COLORS[color_index(bias)], strict=True):
                self._paste(tile, box)
                self._fill_bias(box, color)
        self._fill_bias(boxes[-1][0], COLORS[color_index(biases[-1])][0])

    def _paste(self, tile, box):
        left, top = round((box.x + 1) * SCALE), round((box.y + 1) * SCALE)
        self._pixels[top : top + TILE, left : left + TILE, :3] = tile

    def _fill_bias(self, box, color):
        size = layout.BIAS * SCALE
        left = round((box.x - 2) * SCALE) - size
        bottom = round((box.y + box.size + 1) * SCALE)
        self._pixels[bottom - size : bottom, left : left + size, :3] = color


@functools.lru_cache(maxsize=8)
def points_png(dataset: Dataset, show_test: bool) -> bytes:
    """Draw the training points (white edge) and, on demand, the test points (black edge), over nothing."""
    side = OUTPUT_SIZE * SCALE
    halves = zip(dataset.halves, ("white", "black"), strict=True)
    drawn = [_points(*half, edge, side) for half, edge in halves][: 1 + show_test]
    return _encoded(_drawing((side, side), *drawn), "PNG", compress_level=6)


def dataset_png(name: str, size: int = 52) -> bytes:
    """Draw the picture by which a dataset is chosen, without noise."""
    is_regression = name.startswith("reg-")
    problem, field = ("regression", "reg_dataset") if is_regression else ("classification", "dataset")
    points = load_data(PlaygroundConfig(problem=problem, **{field: name}))
    side = size * SCALE
    drawn = _points(points.train_points, points.train_labels, "none", side, radius=1.3)
    return _encoded(_drawing((side, side), drawn).quantize(32), "PNG", optimize=True)


def loss_range(train_loss: np.ndarray, test_loss: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest finite loss of two curves."""
    values = np.concatenate([train_loss, test_loss])
    finite = values[np.isfinite(values)]
    return (finite.min(), finite.max()) if finite.size else (0, 1)


def curves_png(train_loss: np.ndarray, test_loss: np.ndarray) -> bytes:
    """Draw two loss curves, shape (epochs + 1,), training in grey and test in black; NaN is left out."""
    width, height = (side * SCALE for side in CURVE_SIZE)
    low, high = loss_range(train_loss, test_loss)
    margin = CURVE_MARGIN * SCALE
    lines = []
    for curve in (_thinned(curve, width // 2) for curve in (train_loss, test_loss)):
        x = np.linspace(margin, width - margin, max(len(curve), 2))[: len(curve)]
        y = margin + (height - 2 * margin) * (curve - low) / max(high - low, 1e-9)
        lines.append(np.stack([x, y], axis=1)[np.isfinite(curve)])
    drawn = LineCollection(
        lines, colors=["#999999", "black"], linewidths=1.5 * SCALE, transform=IdentityTransform()
    )
    return _encoded(_drawing((width, height), drawn), "PNG", compress_level=3)


def static_png(run: Run) -> bytes:
    """Draw a whole experiment as one picture, for pages without widgets (GitHub, paper)."""
    layers = surfaces(run)
    network = Image.fromarray(NetworkPicture().pixels(run.config, run.parameters, layers)[..., :3])
    _frame_boxes(network, run.config)
    side = OUTPUT_SIZE * SCALE
    output = Image.open(io.BytesIO(surface_png(layers[-1][0, :, 0], run.config.discretize)))
    output = output.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    points = Image.open(io.BytesIO(points_png(run.data, run.config.show_test_data)))
    output.paste(points, mask=points.getchannel("A"))
    margin, gap = MARGIN * SCALE, GAP * SCALE
    width, height = network.size
    whole = Image.new("RGB", (STILL_WIDTH * SCALE, 2 * margin + height), "white")
    whole.paste(network, (margin, margin))
    whole.paste(output, (margin + width + gap, margin + gap))
    _write_labels(whole, run, margin, (margin + width + gap, margin + gap + side))
    drawn = ImageOps.invert(whole).getbbox()  # a network of few neurons leaves the lower rows empty
    whole = whole.crop((0, 0, whole.width, min(drawn[3] + margin, whole.height)))
    half = whole.resize((whole.width * 3 // 4, whole.height * 3 // 4), Image.Resampling.LANCZOS)
    return _encoded(half.quantize(128), "PNG", optimize=True)


def _frame_boxes(network, config):
    """Draw the frames that the page would draw."""
    pen = ImageDraw.Draw(network)
    columns = [layout.feature_boxes(config.hidden).values(), *layout.neuron_boxes(config.network_shape)]
    for box in (box for column in columns for box in column):
        left, top, last = (round(value * SCALE) for value in (box.x, box.y, box.size - 1 / SCALE))
        pen.rectangle((left, top, left + last, top + last), outline="#282828", width=SCALE)


def _write_labels(whole, run, margin, below_output):
    """Name the inputs, and say under the output how far the run is."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 13 * SCALE)
    pen = ImageDraw.Draw(whole)
    for name, box in layout.feature_boxes(run.config.hidden).items():
        ink = "#222" if name in run.config.features else "#999"
        place = margin + (box.x - 8) * SCALE, margin + box.middle * SCALE
        pen.text(place, FEATURE_NAMES[name], fill=ink, font=font, anchor="rm")
    losses = [decimal(loss[0, -1]) for loss in (run.test_loss, run.train_loss)]
    text = f"Époque {run.epoch}\nPerte de test {losses[0]}\nPerte d'entraînement {losses[1]}"
    text += "\n\nImage fixe : exécutez la cellule."
    x, y = below_output
    pen.multiline_text((x, y + 10 * SCALE), text, fill="#222", font=font, spacing=5 * SCALE)


def _canvas(size):
    """A figure whose unit is the pixel, and its Agg renderer, transparent."""
    figure = Figure(figsize=(size[0] / 72, size[1] / 72), dpi=72, facecolor="none")
    return figure, FigureCanvasAgg(figure).get_renderer()


def _drawing(size, *artists):
    """Draw artists, in pixels from the bottom left, over nothing."""
    figure, renderer = _canvas(size)
    for artist in artists:
        figure.add_artist(artist)
        artist.draw(renderer)
    return Image.fromarray(np.asarray(renderer.buffer_rgba()))


def _encoded(picture, kind, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _tiles(places):
    """Cut small squares out of surfaces of colour places: (cells, n) -> (n, TILE, TILE, 3) colours."""
    return SURFACE_COLORS[places[_SMALL_CELLS].T].reshape(-1, TILE, TILE, 3)


def _curve(link, height):
    """A smooth curve between two squares, in pixels from the bottom left, shape (20, 2)."""
    t = np.linspace(0, 1, 20)
    x0, y0, x1, y1 = link
    # A cubic Bezier curve whose two control points stand half-way, at the height of the ends.
    x = x0 + (x1 - x0) * (1.5 * t * (1 - t) + t**3)
    y = y0 + (y1 - y0) * (3 * t**2 - 2 * t**3)
    return np.stack([x * SCALE, height - y * SCALE], axis=1)


def _points(points, labels, edge, side, radius=3):
    """Points on a square that shows the domain; those outside are left out, as on the site."""
    low, high = DOMAIN
    inside = np.all((points >= low) & (points <= high), axis=1)
    return PathCollection(
        [Path.unit_circle()],
        sizes=[(radius * SCALE) ** 2],  # the unit circle is scaled by the root of the size
        offsets=(points[inside] - low) / (high - low) * side,
        offset_transform=IdentityTransform(),
        facecolors=COLORS[color_index(labels[inside])] / 255,
        edgecolors=edge,
        linewidths=0.8 * SCALE,
        transform=IdentityTransform(),
    )


def _thinned(curve, most):
    """Keep at most ``most`` values of a curve, its last one included."""
    if len(curve) <= most:
        return curve
    return curve[np.linspace(0, len(curve) - 1, most).round().astype(int)]
