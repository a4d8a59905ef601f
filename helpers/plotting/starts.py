"""Figures over many starts of one experiment: surfaces, loss curves, final losses, success rates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from ..engine.data import load_data
from ..engine.training import Run
from ..experiments.statistics import successes, wilson, worst_if_nan
from ..french import count, decimal, percent, typographic
from .figure import (
    BLUE,
    GREY,
    INK,
    WIDTH,
    Picture,
    decimal_axis,
    draw_levels,
    draw_points,
    draw_surface,
    figure_title,
    grid_points,
    new_figure,
    percent_axis,
)


def surfaces(run: Run, starts: Iterable[int] | None = None) -> Picture:
    """Draw the output surface of some starts over the data, best test loss first.

    Args:
        run: a trained run.
        starts: which of its starts; by default up to twelve, spread evenly from the best to the worst.
    """
    losses = worst_if_nan(run.test_loss[:, -1])
    ranked = np.argsort(losses, kind="stable")
    if starts is None:
        starts = ranked[np.linspace(0, len(run.starts) - 1, min(12, len(run.starts))).round().astype(int)]
    starts = sorted(starts, key=lambda start: losses[start])
    columns = min(6, len(starts))
    rows = math.ceil(len(starts) / columns)
    side = min((WIDTH - 0.9) / columns, 3.2)
    data = load_data(run.config)
    outputs = run.predict(grid_points())
    figure, axes = new_figure(rows, columns, columns * side + 0.9, rows * (side + 0.22) + 0.4)
    for axis in axes.flat[len(starts) :]:
        axis.set_axis_off()
    for axis, start in zip(axes.flat, starts, strict=False):
        image = draw_surface(axis, outputs[start])
        draw_points(axis, data.train_points, data.train_labels, size=30 / columns)
        axis.set_title(decimal(losses[start]), loc="center", fontsize=10.5, pad=3)
    figure_title(figure, "Surface de sortie et perte de test")
    bar = figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], shrink=0.8, aspect=24, pad=0.01)
    bar.set_label("sortie du réseau")
    bar.outline.set_visible(False)
    shown = "perte" if len(starts) == 1 else "pertes"
    return Picture(
        figure,
        f"Surface de sortie de {count(len(starts), 'départ')} sur {len(run.starts)} et points d'entraînement"
        f" ; {shown} de test : {' ; '.join(decimal(losses[start]) for start in starts)}.",
    )


def loss_curves(run: Run, prediction: object = ..., target: float | None = None) -> Picture:
    """Draw the test loss of every start against epochs, their median, and the student's prediction.

    Args:
        run: a trained run.
        prediction: the loss that the student predicted, drawn when it is a number.
        target: a loss to reach, drawn as a dashed line.
    """
    losses, epochs = run.test_loss, np.arange(run.epoch + 1)
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 3.1)
    axis.plot(epochs, losses.T, color=BLUE, alpha=max(0.12, 1 / len(run.starts)), linewidth=0.9)
    axis.plot(epochs, np.nanmedian(losses, axis=0), color=BLUE, linewidth=2.4, label="médiane des départs")
    draw_levels(axis.axhline, prediction, target)
    axis.set(xlim=(0, run.epoch), ylim=(0, max(0.6, 1.05 * np.nanmax(losses[:, -1]))), xlabel="époque")
    axis.set_ylabel("perte de test")
    axis.set_title(
        typographic(f"{count(len(run.starts), 'départ')} : perte de test au fil de l'entraînement"),
        loc="left",
    )
    decimal_axis(axis.yaxis)
    axis.legend(frameon=False, loc="lower right", ncols=3)
    return Picture(
        figure,
        f"Perte de test de {count(len(run.starts), 'départ')} après {count(run.epoch, 'époque')} : "
        f"de {decimal(np.nanmin(losses[:, -1]), 2)} à {decimal(np.nanmax(losses[:, -1]), 2)}.",
    )


def final_losses(runs: Mapping[str, Run], prediction: object = ..., target: float | None = None) -> Picture:
    """Draw how the starts' final test losses spread, one histogram per network.

    Args:
        runs: French name of the network -> its trained run.
        prediction: the loss that the student predicted, drawn when it is a number.
        target: a loss to reach, drawn as a dashed line.
    """
    figure, axes = new_figure(len(runs), 1, WIDTH, 0.8 + 1.05 * len(runs), sharex=True)
    sentences = []
    for (axis,), (name, run) in zip(axes, runs.items(), strict=True):
        losses = run.test_loss[:, -1]
        axis.hist(losses, bins=np.arange(0, 0.7, 0.01) - 0.005, color=BLUE, edgecolor="white", linewidth=0.6)
        draw_levels(axis.axvline, prediction, target)
        axis.set_title(f"{name} ({count(len(run.starts), 'départ')})", loc="left")
        axis.set(xlim=(0, 0.6), ylabel="départs")
        sentences.append(f"{name}, de {decimal(np.nanmin(losses), 2)} à {decimal(np.nanmax(losses), 2)}")
    axis.set_xlabel("perte de test à la dernière époque")
    decimal_axis(axis.xaxis)
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
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 3.3)
    wins = {size: successes(run, target) for size, run in runs.items()}
    for size, run in runs.items():
        share = wins[size] / len(run.starts)
        low, high = wilson(wins[size], len(run.starts))
        axis.bar(size, share, width=0.66, color=BLUE if wins[size] else GREY)
        axis.plot([size, size], [low, high], color=INK, linewidth=1.3)
        axis.text(size, high + 0.02, percent(share, 0), ha="center", va="bottom")
    starts = max(len(run.starts) for run in runs.values())
    axis.set_xticks(list(runs))
    axis.set(ylim=(0, 1.02), xlabel="neurones de la couche cachée", ylabel="départs qui réussissent")
    percent_axis(axis.yaxis)
    axis.tick_params(axis="x", length=0)
    title = f"Part des {starts} départs passés à {decimal(target)} ou moins (trait : intervalle à 95 %)"
    axis.set_title(typographic(title), loc="left")
    rates = " ; ".join(f"{size} → {percent(wins[size] / len(run.starts), 0)}" for size, run in runs.items())
    return Picture(figure, f"Part des départs qui réussissent, par nombre de neurones : {rates}.")
