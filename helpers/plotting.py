"""Figures for the notebooks, each by one short call: output surfaces, loss curves, success rates.

Colours are the Playground's orange and blue, which colour-blind readers tell apart; labels are French.
No pyplot: a figure is returned as a ``Picture`` that a cell shows when it ends with it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image

from .data import DOMAIN, load_data
from .french import NBSP, count, decimal, typographic
from .training import Run

ORANGE, GREY, BLUE = "#f59322", "#e8eaeb", "#0877bd"
INK, FAINT = "#2b3640", "#8a949c"
COLOURS = LinearSegmentedColormap.from_list("playground", [ORANGE, GREY, BLUE])
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
    """A finished figure: a crisp PNG in the notebook, and a French sentence that says what it shows.

    Attributes:
        figure: the matplotlib figure, to change or save it.
        description: the sentence, also the repr and the alternative text.
    """

    def __init__(self, figure: Figure, description: str):
        self.figure, self.description = figure, typographic(description)

    def __repr__(self):
        return self.description

    def _repr_png_(self):
        with rc_context(_STYLE):
            self.figure.set_dpi(200)  # twice what is shown: crisp on fine screens
            self.figure.canvas.draw()
        image = Image.fromarray(np.asarray(self.figure.canvas.buffer_rgba())).convert("RGB")
        target = io.BytesIO()
        # A palette makes surfaces four times lighter to store, and looks the same.
        image.quantize(256, dither=Image.Dither.NONE).save(target, "png", optimize=True)
        size = {"width": image.width // 2, "height": image.height // 2}
        return target.getvalue(), {**size, "alt": self.description}


def surfaces(run: Run, starts: Iterable[int] | None = None, columns: int = 6) -> Picture:
    """Draw the output surface of some starts over the data, best test loss first.

    Args:
        run: a trained run.
        starts: which of its starts; by default up to twelve, spread evenly from the best to the worst.
        columns: surfaces a row.
    """
    losses = _worst_if_nan(run.test_loss[:, -1])
    ranked = np.argsort(losses, kind="stable")
    if starts is None:
        starts = ranked[np.linspace(0, run.starts - 1, min(12, run.starts)).round().astype(int)]
    starts = sorted(starts, key=lambda start: losses[start])
    columns = min(columns, len(starts))
    rows = math.ceil(len(starts) / columns)
    side = min((WIDTH - 0.9) / columns, 3.2)
    data = load_data(run.config)
    outputs = run.predict(_grid_points())
    figure, axes = _figure(rows, columns, columns * side + 0.9, rows * (side + 0.22) + 0.4)
    for axis in axes.flat[len(starts) :]:
        axis.set_axis_off()
    for axis, start in zip(axes.flat, starts, strict=False):
        image = _draw_surface(axis, outputs[start])
        _draw_points(axis, data.train_points, data.train_labels, size=30 / columns)
        axis.set(xticks=[], yticks=[], xlim=DOMAIN, ylim=DOMAIN)
        axis.spines[:].set_visible(False)
        axis.set_title(f"{decimal(losses[start])}", loc="center", fontsize=10.5, pad=3)
    figure.suptitle("Surface de sortie et perte de test", x=0.01, ha="left", fontsize=11.5, color=INK)
    bar = figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], shrink=0.8, aspect=24, pad=0.01)
    bar.set_label("sortie du réseau")
    bar.outline.set_visible(False)
    shown = "perte" if len(starts) == 1 else "pertes"
    return Picture(
        figure,
        f"Surface de sortie de {count(len(starts), 'départ')} sur {run.starts} et points d'entraînement ; "
        f"{shown} de test : {' ; '.join(decimal(losses[start]) for start in starts)}.",
    )


def loss_curves(run: Run, prediction: object = ..., target: float | None = None) -> Picture:
    """Draw the test loss of every start against epochs, their median, and the student's prediction.

    Args:
        run: a trained run.
        prediction: the loss that the student predicted, drawn when it is a number.
        target: a loss to reach, drawn as a dashed line.
    """
    losses, epochs = run.test_loss, np.arange(run.epoch + 1)
    figure, ((axis,),) = _figure(1, 1, WIDTH, 3.1)
    axis.plot(epochs, losses.T, color=BLUE, alpha=max(0.12, 1 / run.starts), linewidth=0.9)
    axis.plot(epochs, np.nanmedian(losses, axis=0), color=BLUE, linewidth=2.4, label="médiane des départs")
    _draw_levels(axis.axhline, prediction, target)
    axis.set(xlim=(0, run.epoch), ylim=(0, max(0.6, 1.05 * np.nanmax(losses[:, -1]))), xlabel="époque")
    axis.set_ylabel("perte de test")
    axis.set_title(
        typographic(f"{count(run.starts, 'départ')} : perte de test au fil de l'entraînement"), loc="left"
    )
    _decimal_axis(axis.yaxis, 1)
    axis.legend(frameon=False, loc="lower right", ncols=3)
    return Picture(
        figure,
        f"Perte de test de {count(run.starts, 'départ')} après {count(run.epoch, 'époque')} : "
        f"de {decimal(np.nanmin(losses[:, -1]), 2)} à {decimal(np.nanmax(losses[:, -1]), 2)}.",
    )


def final_losses(runs: Mapping[str, Run], prediction: object = ..., target: float | None = None) -> Picture:
    """Draw how the starts' final test losses spread, one histogram per network.

    Args:
        runs: French name of the network -> its trained run.
        prediction: the loss that the student predicted, drawn when it is a number.
        target: a loss to reach, drawn as a dashed line.
    """
    figure, axes = _figure(len(runs), 1, WIDTH, 0.8 + 1.05 * len(runs), sharex=True)
    sentences = []
    for (axis,), (name, run) in zip(axes, runs.items(), strict=True):
        losses = run.test_loss[:, -1]
        axis.hist(losses, bins=np.arange(0, 0.7, 0.01) - 0.005, color=BLUE, edgecolor="white", linewidth=0.6)
        _draw_levels(axis.axvline, prediction, target)
        axis.set_title(f"{name} ({count(run.starts, 'départ')})", loc="left")
        axis.set(xlim=(0, 0.6), ylabel="départs")
        sentences.append(f"{name}, de {decimal(np.nanmin(losses), 2)} à {decimal(np.nanmax(losses), 2)}")
    axis.set_xlabel("perte de test à la dernière époque")
    _decimal_axis(axis.xaxis, 1)
    if axis.get_legend_handles_labels()[0]:
        axes[0, 0].legend(frameon=False, loc="upper left")
    return Picture(figure, f"Pertes de test finales : {' ; '.join(sentences)}.")


def success_rates(runs: Mapping[int, Run], target: float) -> Picture:
    """Draw how many starts of each network came down to a test loss at some epoch.

    The bars carry 95 % Wilson intervals, what so many starts allow to say.

    Args:
        runs: number of neurons -> trained run.
        target: the test loss to reach.
    """
    figure, ((axis,),) = _figure(1, 1, WIDTH, 3.3)
    wins = {size: successes(run, target) for size, run in runs.items()}
    for size, run in runs.items():
        share = wins[size] / run.starts
        low, high = wilson(wins[size], run.starts)
        axis.bar(size, share, width=0.66, color=BLUE if wins[size] else GREY)
        axis.plot([size, size], [low, high], color=INK, linewidth=1.3)
        axis.text(size, high + 0.02, f"{100 * share:.0f}{NBSP}%", ha="center", va="bottom")
    starts = max(run.starts for run in runs.values())
    axis.set_xticks(list(runs))
    axis.set(ylim=(0, 1.02), xlabel="neurones de la couche cachée", ylabel="départs qui réussissent")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}{NBSP}%"))
    axis.tick_params(axis="x", length=0)
    title = f"Part des {starts} départs passés à {decimal(target)} ou moins (trait : intervalle à 95 %)"
    axis.set_title(typographic(title), loc="left")
    rates = " ; ".join(f"{size} → {100 * wins[size] / run.starts:.0f} %" for size, run in runs.items())
    return Picture(figure, f"Part des départs qui réussissent, par nombre de neurones : {rates}.")


def successes(run: Run, target: float) -> int:
    """Count the starts whose test loss came down to ``target`` at some epoch."""
    return int(np.sum(_worst_if_nan(run.test_loss).min(axis=1) <= target))


def wilson(wins: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (Wilson, 1927), 95 % by default."""
    share = wins / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def _figure(rows, columns, width, height, **options):
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _grid_points():
    ticks = np.linspace(*DOMAIN, GRID)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def _draw_surface(axis, output):
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


def _draw_points(axis, points, labels, size):
    axis.scatter(
        *points.T, s=size, c=labels, cmap=COLOURS, vmin=-1, vmax=1, edgecolors="white", linewidths=0.3
    )


def _draw_levels(line, prediction, target):
    if target is not None:
        line(target, color=INK, linewidth=1.2, linestyle="--", label=f"seuil {decimal(target)}")
    is_number = isinstance(prediction, (int, float)) and not isinstance(prediction, bool)
    if is_number and math.isfinite(prediction):
        line(prediction, color=ORANGE, linewidth=2, label="votre prédiction")


def _decimal_axis(axis, digits):
    axis.set_major_formatter(FuncFormatter(lambda value, _: decimal(value, digits)))


def _worst_if_nan(losses):
    return np.where(np.isnan(losses), np.inf, losses)
