"""Figures over many starts of one experiment: points, surfaces, loss curves, final losses, success rates."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import DOMAIN, load_data
from ..engine.training import Run, start_numbers
from ..experiments.statistics import successes, successes_at_the_end, wilson, worst_if_nan
from ..french import count, decimal, french_error, percent, plain
from .figure import (
    BLUE,
    INK,
    ORANGE,
    WIDTH,
    Picture,
    draw_points,
    draw_surface,
    grid_points,
    new_figure,
    percent_axis,
)
from .waiting import Prediction, beside, compare, draw_levels, predicted, waits

_TICKS = (-6, -3, 0, 3, 6)


def data(config: PlaygroundConfig) -> Picture:
    """Draw the training points and the test points of an experiment, side by side, before any training."""
    halves = dict(zip(("d'entraînement", "de test"), load_data(config).halves, strict=True))
    figure, (axes,) = new_figure(1, 2, 6.4, 3.3, sharey=True)
    for axis, (name, (places, labels)) in zip(axes, halves.items(), strict=True):
        draw_points(axis, places, labels, size=16)
        axis.set(xlim=DOMAIN, ylim=DOMAIN, xticks=_TICKS, yticks=_TICKS, aspect="equal", xlabel="$x_1$")
        axis.set_title(f"{count(len(labels), 'point')} {name}", loc="left")
    axes[0].set_ylabel("$x_2$", rotation=0)
    sizes = " et ".join(f"{len(labels)} {name}" for name, (_, labels) in halves.items())
    return Picture(figure, f"Les points, en bleu pour +1 et en orange pour −1 : {sizes}.")


@waits
def surfaces(run: Run, starts: Iterable[int] | None = None, prediction: Prediction = None) -> Picture:
    """Draw the output surface of some starts over the data, best test loss first.

    By default there are up to twelve, spread evenly from the best to the worst. ``prediction`` is a question
    and the loss that the student predicted of the best start, see ``waits``.
    """
    losses = worst_if_nan(run.test_loss[:, -1])
    ranked = np.argsort(losses, kind="stable")
    if starts is None:
        starts = ranked[np.linspace(0, len(run.starts) - 1, min(12, len(run.starts))).round().astype(int)]
    elif max(starts := start_numbers(starts)) >= len(run.starts):
        raise french_error(f"starts = {starts} : il faut des départs de 0 à {len(run.starts) - 1}.")
    starts = sorted(starts, key=lambda start: losses[start])
    columns = min(6, len(starts))
    rows = math.ceil(len(starts) / columns)
    side = min((WIDTH - 0.9) / columns, 3.2)
    outputs, title = run.predict(grid_points()), "Surface de sortie et perte de test"
    width = max(columns * side + 0.9, 5.0 if prediction else 0)  # wide enough for what is said of it
    figure, axes = new_figure(rows, columns, width, rows * (side + 0.22) + 0.4, title)
    for axis in axes.flat[len(starts) :]:
        axis.set_axis_off()
    for axis, start in zip(axes.flat, starts, strict=False):
        image = draw_surface(axis, outputs[start], run.data, size=30 / columns)
        axis.set_title(decimal(losses[start]), loc="center", fontsize=10.5, pad=3)
    bar = figure.colorbar(image, ax=axes, ticks=[-1, 0, 1], shrink=0.8, aspect=24, pad=0.01)
    bar.set_label("sortie du réseau")
    bar.outline.set_visible(False)
    said = compare(figure, prediction, f"ce réseau finit à {decimal(losses[starts[0]])}")
    shown = "perte" if len(starts) == 1 else "pertes"
    return Picture(
        figure,
        f"Surface de sortie de {count(len(starts), 'départ')} sur {len(run.starts)} et points d'entraînement"
        f" ; {shown} de test : {' ; '.join(decimal(losses[start]) for start in starts)}.{said}",
    )


@waits
def loss_curves(run: Run, prediction: Prediction = None, target: float | None = None) -> Picture:
    """Draw the test loss of every start against epochs, their median, and what was predicted of that."""
    losses, epochs = run.test_loss, np.arange(run.epoch + 1)
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 3.1)
    axis.plot(epochs, losses.T, color=BLUE, alpha=max(0.12, 1 / len(run.starts)), linewidth=0.9)
    axis.plot(epochs, np.nanmedian(losses, axis=0), color=BLUE, linewidth=2.4, label="médiane des départs")
    draw_levels(axis.axhline, prediction, target)
    axis.set(
        xlim=(0, run.epoch), ylim=(0, _reach(0.6, np.nanmax(losses[:, -1]), prediction)), xlabel="époque"
    )
    axis.set_ylabel("perte de test")
    axis.set_title(f"{count(len(run.starts), 'départ')} : perte de test au fil de l'entraînement", loc="left")
    axis.legend(frameon=False, loc="lower right", ncols=3)
    median = float(np.median(worst_if_nan(losses[:, -1])))
    where = beside(prediction, median, "plus bas", "là", "plus haut")
    said = compare(figure, prediction, f"la médiane des départs finit {where}")
    return Picture(
        figure,
        f"Perte de test de {count(len(run.starts), 'départ')} après {count(run.epoch, 'époque')} : "
        f"de {decimal(np.nanmin(losses[:, -1]), 2)} à {decimal(np.nanmax(losses[:, -1]), 2)}.{said}",
    )


@waits
def final_losses(
    runs: Mapping[str, Run], prediction: Prediction = None, target: float | None = None
) -> Picture:
    """Draw how the starts' final test losses spread, one histogram per network.

    The prediction is of the best start of the last network.
    """
    figure, axes = new_figure(len(runs), 1, WIDTH, 0.8 + 1.05 * len(runs), sharex=True)
    sentences, reach = [], _reach(0.6, 0, prediction)
    for (axis,), (name, run) in zip(axes, runs.items(), strict=True):
        losses = run.test_loss[:, -1]
        axis.hist(
            losses, bins=np.arange(0, reach + 0.1, 0.01) - 0.005, color=BLUE, edgecolor="white", linewidth=0.6
        )
        draw_levels(axis.axvline, prediction, target)
        axis.set_title(f"{name} ({count(len(run.starts), 'départ')})", loc="left")
        axis.set(xlim=(0, reach), ylabel="départs")
        sentences.append(f"{name}, de {decimal(np.nanmin(losses), 2)} à {decimal(np.nanmax(losses), 2)}")
    axis.set_xlabel("perte de test à la dernière époque")
    if axis.get_legend_handles_labels()[0]:
        axes[0, 0].legend(frameon=False, loc="upper left")
    best = decimal(np.nanmin(losses), 2)
    said = compare(figure, prediction, f"le meilleur des {len(losses)} départs finit à {best}")
    return Picture(figure, f"Pertes de test finales : {' ; '.join(sentences)}.{said}")


@waits
def success_rates(runs: Mapping[int, Run], target: float, prediction: Prediction = None) -> Picture:
    """Draw how many starts of each network came down to a test loss at some epoch, and how many ended there.

    The bars carry 95 % Wilson intervals, what so many starts allow to say. Here ``runs`` are by number of
    neurons, the least of which that succeeds is predicted.
    """
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 3.8)
    bars = (
        ("passés au seuil, à une époque quelconque", successes, -0.2, BLUE),
        ("qui réussissent (y sont à la dernière)", successes_at_the_end, 0.2, ORANGE),
    )
    sentences = []
    for name, count_wins, shift, colour in bars:
        shares, passed = [], []
        for size, run in runs.items():
            wins, trials = count_wins(run, target), len(run.starts)
            interval = wilson(wins, trials)
            shares.append(f"{size} → {percent(wins / trials, 0)}")
            passed += [size] if wins else []
            axis.bar(size + shift, wins / trials, 0.38, color=colour)
            axis.plot([size + shift] * 2, interval, color=INK, linewidth=1.2)
            label = f"{100 * wins / trials:.0f}"
            axis.text(size + shift, interval[1] + 0.02, label, ha="center", va="bottom", fontsize=9)
        axis.bar(0, 0, color=colour, label=name)  # for the legend
        sentences.append(f"{name}, {' ; '.join(shares)}")
    ticks, value = {size: str(size) for size in runs}, predicted(prediction)
    if value is not None:
        place = min(value, max(runs) + 2)  # nearer than it is, lest the bars be squeezed
        ticks[place] = f"… {plain(value)}" if value > place else plain(value)
        axis.axvline(place, color=INK, linewidth=1.2, linestyle="--", label="votre prédiction")
    found = "aucun de ces réseaux ne réussit"
    if passed:
        found = f"le plus petit qui réussit en a {beside(prediction, min(passed), 'moins', 'autant', 'plus')}"
    said = compare(figure, prediction, found)
    axis.set_xticks(list(ticks), list(ticks.values()))
    axis.set(xlim=(min(runs) - 0.6, max(ticks) + 0.6), ylim=(0, 1.02), ylabel="part des départs")
    axis.set_xlabel("neurones de la couche cachée")
    percent_axis(axis.yaxis)
    axis.tick_params(axis="x", length=0)
    figure.legend(frameon=False, loc="outside lower center", ncols=3, fontsize=9.5)
    title = f"Part des départs à {decimal(target)} ou moins, en % (trait : intervalle à 95 %)"
    axis.set_title(title, loc="left")
    return Picture(figure, f"Part des départs à {decimal(target)} ou moins : {' ; '.join(sentences)}.{said}")


def _reach(least, largest, prediction):
    """Return the end of an axis that holds ``least``, the largest value and the student's prediction."""
    return max(least, 1.05 * largest, 1.08 * (predicted(prediction) or 0))
