"""What all figures share: colours, style, size, and how a cell shows them.

No pyplot: a figure is returned as a ``Picture`` that a cell shows when it ends with it.
"""

import io
import re

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import PercentFormatter, ScalarFormatter
from PIL import Image

from ..engine.data import DOMAIN, grid
from ..french import NBSP, typographic
from ..notebook.shown import PALETTE

ORANGE, GREY, BLUE = PALETTE
INK, FAINT = "#2b3640", "#8a949c"
HALO = [withStroke(linewidth=3, foreground="white")]  # of a text over something drawn
COLOURS = LinearSegmentedColormap.from_list("playground", PALETTE)
WIDTH = 8.4  # inches of 100 px: what a notebook column shows without scaling
GRID = 100  # points a side of a drawn surface

_STYLE = {
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "figure.facecolor": "white",
}


class Picture:
    """A finished figure: a crisp picture in the notebook, and a French sentence that says what it shows.

    Attributes:
        figure: the matplotlib figure, to change or save it.
        description: the sentence, also the repr and the alternative text.
        photographs: True for a JPEG, which keeps their colours and is lighter than a PNG of them.
    """

    def __init__(self, figure: Figure, description: str, photographs: bool = False):
        self.figure, self.description = figure, typographic(description)
        self.photographs = photographs
        for text in figure.findobj(Text):
            text.set_text(typographic(text.get_text()))

    def __repr__(self):
        return self.description

    def _repr_png_(self):
        return None if self.photographs else self._encoded()

    def _repr_jpeg_(self):
        return self._encoded() if self.photographs else None

    def _encoded(self):
        """Return the bytes of the picture, and the size and alternative text with which to show it."""
        with rc_context(_STYLE):
            self.figure.set_dpi(200)  # twice what is shown: crisp on fine screens
            self.figure.canvas.draw()
        image = Image.fromarray(np.asarray(self.figure.canvas.buffer_rgba())).convert("RGB")
        target = io.BytesIO()
        if self.photographs:
            image.save(target, "jpeg", quality=90, subsampling=0)
        else:  # a palette makes surfaces four times lighter to store, and looks the same
            image.quantize(256, dither=Image.Dither.NONE).save(target, "png", optimize=True)
        size = {"width": image.width // 2, "height": image.height // 2}
        return target.getvalue(), {**size, "alt": self.description}


def new_figure(rows, columns, width, height, title=None, **options):
    """Return a figure of this size in inches, and its axes as an array (rows, columns)."""
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        decimal_axis(axis.xaxis)
        decimal_axis(axis.yaxis)
    if title:
        figure_title(figure, title)
    return figure, axes


def grid_points():
    """Return the points at which a surface is drawn, (GRID * GRID, 2)."""
    return grid(np.linspace(*DOMAIN, GRID))


def figure_title(figure, title):
    """Write a title at the left of a whole figure."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, color=INK)


def draw_surface(axis, output, data=None, size=4):
    """Draw a network's output at ``grid_points()``, and its training points, on an axis with only these."""
    if data:
        draw_points(axis, data.train_points, data.train_labels, size)
    axis.set(xticks=[], yticks=[], xlim=DOMAIN, ylim=DOMAIN)
    axis.spines[:].set_visible(False)
    return axis.imshow(
        output.reshape(GRID, GRID),
        cmap=COLOURS,
        vmin=-1,
        vmax=1,
        origin="lower",
        extent=(*DOMAIN, *DOMAIN),
        interpolation="bilinear",
        alpha=0.85,
    )


def write_cells(axis, image, words):
    """Write a word in each cell of a heat map, in ink or in white, whichever contrasts more with the cell."""
    colours = image.to_rgba(image.get_array())
    for (row, column), word in np.ndenumerate(words):
        axis.text(column, row, word, ha="center", va="center", color=_ink_on(colours[row, column]))
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def _ink_on(colour):
    *channels, alpha = to_rgba(colour)  # on white
    luminance = 1 - alpha + alpha * np.dot(np.power(channels, 2.2), (0.2126, 0.7152, 0.0722))
    return INK if luminance > 0.25 else "white"


def draw_points(axis, points, labels, size):
    """Draw labelled points with a white edge."""
    axis.scatter(
        *points.T, s=size, c=labels, cmap=COLOURS, vmin=-1, vmax=1, edgecolors="white", linewidths=0.3
    )


class _DecimalComma(ScalarFormatter):
    """As many digits as tell the ticks apart, no more, after a comma; thousands as in ``french.decimal``."""

    def __call__(self, value, position=None):
        whole, point, rest = super().__call__(value, position).partition(".")
        return re.sub(r"(?<=\d)(?=(?:\d{3})+$)", "\u202f", whole) + point.replace(".", ",") + rest


def decimal_axis(axis):
    """Write an axis's numbers with a decimal comma."""
    axis.set_major_formatter(_DecimalComma(useOffset=False, useMathText=False))


def percent_axis(axis):
    """Write an axis's numbers, shares of 1, in percent."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=f"{NBSP}%"))
