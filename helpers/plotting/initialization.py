"""Figures on initial weights: families of surfaces, stability, symmetry, signals, the loss between."""

import math
from collections.abc import Iterable, Mapping
from itertools import cycle

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import load_data
from ..engine.training import Run, Starts, start_numbers
from ..experiments.families import FAMILIES, families
from ..experiments.statistics import wilson, worst_if_nan
from ..experiments.sweep import listed_numbers
from ..experiments.weights import gradients, losses, scaled, segment
from ..french import NBSP, count, decimal, percent, plain
from .figure import (
    BLUE,
    HALO,
    INK,
    ORANGE,
    WIDTH,
    Picture,
    draw_surface,
    grid_points,
    new_figure,
    percent_axis,
)
from .waiting import Prediction, beside, compare, draw_levels, predicted, waits

SPREAD = 0.1, 0.9  # quantiles that say how much results differ
SNAPSHOTS = 100  # points of a parameter's path
# Three curves that still show when they lie on one another: wide under narrow.
_STROKES = ((BLUE, 5.5, "-"), (ORANGE, 3, "-"), (INK, 1.2, "--"))
_WORST = 2.0  # no output between -1 and 1 costs more: the loss of a diverged run
_FAINTEST = 1e-8  # gradients below are drawn there


@waits
def gallery(run: Run) -> Picture:
    """Draw the output surface of every start, grouped by family, with each family's frequency and losses."""
    test_losses = worst_if_nan(run.test_loss[:, -1])
    names = np.array(families(run))
    groups = {name: np.flatnonzero(names == name) for name in FAMILIES if name in names}
    groups = dict(sorted(groups.items(), key=lambda group: np.median(test_losses[group[1]])))
    columns = 14
    head, gap = 0.62, 0.08  # of a surface's side: above a family, around a surface
    heights = [head + math.ceil(len(starts) / columns) for starts in groups.values()]
    outputs = run.predict(grid_points())
    title = f"{len(run.starts)} départs par famille (numéro du départ dans le coin)"
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 0.38 + WIDTH / columns * sum(heights), title)
    axis.set_axis_off()
    top, sentences = 0.0, []
    for (name, starts), height in zip(groups.items(), heights, strict=True):
        share = f"{count(len(starts), 'départ')} sur {len(names)} ({percent(len(starts) / len(names), 0)})"
        span = " à ".join(dict.fromkeys(decimal(edge(test_losses[starts])) for edge in (np.min, np.max)))
        axis.text(0, top + head - 0.14, name.capitalize(), fontsize=11.5, weight="bold")
        title = f"{share} ; perte de test : {span}"
        axis.text(columns - gap, top + head - 0.14, title, fontsize=10.5, ha="right")
        ranked = starts[np.argsort(test_losses[starts], kind="stable")]
        for place, start in enumerate(ranked):
            row, column = divmod(place, columns)
            up = top + head + row
            image = draw_surface(axis, outputs[start])
            image.set(extent=(column, column + 1 - gap, up + 1 - gap, up), alpha=1)
            axis.text(column + 0.05, up + 0.22, str(run.starts[start]), fontsize=7, color=INK)
        top += height
        sentences.append(f"{name}, {share}, perte de test {span}")
    axis.set(xlim=(0, columns - gap), ylim=(top, 0), aspect="equal")
    return Picture(figure, f"Surfaces de sortie par famille : {' ; '.join(sentences)}.")


@waits
def stability(runs: Mapping[str, Run], target: float, prediction: Prediction = None) -> Picture:
    """Draw, for each network, where its starts end and how many of them succeed.

    On the left every start's final test loss, and a line from the first to the ninth decile; on the right
    the share of starts at ``target`` or below at the last epoch, with its 95 % Wilson interval. The
    prediction is the number of successes of the last network.
    """
    figure, ((left, right),) = new_figure(
        1, 2, WIDTH, 1.0 + 0.52 * len(runs), sharey=True, width_ratios=[3, 2]
    )
    shake = np.random.default_rng(0)  # only to part the dots
    sentences = []
    for row, (name, run) in enumerate(runs.items()):
        ends = np.minimum(worst_if_nan(run.test_loss[:, -1]), _WORST)
        low, high = np.quantile(ends, SPREAD)
        heights = row + shake.uniform(-0.24, 0.24, len(run.starts))
        left.scatter(np.minimum(ends, 0.6), heights, s=13, color=BLUE, alpha=0.45, linewidths=0)
        left.plot([low, high], [row, row], color=INK, linewidth=1.6, marker="|", markersize=11)
        wins = int(np.sum(ends <= target))
        share, interval = wins / len(run.starts), wilson(wins, len(run.starts))
        right.barh(row, share, height=0.56, color=BLUE)
        right.plot(interval, [row, row], color=INK, linewidth=1.6)
        bounds = " à ".join(f"{100 * bound:.0f}" for bound in interval)
        label = f"{wins}/{len(run.starts)}\n{bounds}{NBSP}%"
        right.text(interval[1] + 0.03, row, label, va="center", fontsize=9, linespacing=1, path_effects=HALO)
        sentences.append(
            f"{name}, {count(wins, 'réussite')} sur {len(run.starts)} ({bounds} %), perte de test "
            f"de {decimal(low, 2)} à {decimal(high, 2)} pour 80 % des départs"
        )
    left.axvline(target, color=INK, linestyle="--", linewidth=1.1)
    left.set(xlim=(0.1, 0.61), ylim=(len(runs) - 0.5, -0.5), xlabel="perte de test à la dernière époque")
    left.set_yticks(range(len(runs)), list(runs))
    left.set_title("Pertes finales (trait : 80 % des départs)", loc="left")
    right.set(xlim=(0, 1.24), xlabel=f"part à {plain(target)} ou moins (trait : 95 %)")
    right.set_xticks([0, 0.5, 1])
    figure.get_layout_engine().set(wspace=0.06)  # between the numbers of the two axes
    percent_axis(right.xaxis)
    right.set_title("Départs qui réussissent", loc="left")
    for axis in (left, right):
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    if (value := predicted(prediction)) is not None:
        right.axvline(value / len(run.starts), color=ORANGE, linewidth=2)
        right.set_title("Réussites (orange : vous)", loc="left")
    verb = "réussissent" if wins > 1 else "réussit"
    said = compare(figure, prediction, f"{count(wins, 'départ')} sur {len(run.starts)} {verb} pour {name}")
    return Picture(figure, f"Stabilité : {' ; '.join(sentences)}.{said}")


@waits
def parameter_paths(runs: Mapping[str, Run], epochs: int, prediction: Prediction = None) -> Picture:
    """Train each run's first network and draw every parameter against epochs, one colour per neuron.

    Runs, trained or not, are left as they are; their networks have one hidden layer. The prediction is the
    number of parameters of the first network that change.
    """
    titles = "poids d'entrée", "biais cachés", "poids de sortie", "biais de sortie"
    figure, axes = new_figure(len(runs), 4, WIDTH, 0.75 + 1.32 * len(runs), sharex=True, sharey="row")
    moved = None
    for row, (name, run) in zip(axes, runs.items(), strict=True):
        seen, paths = _paths(run, epochs)
        if moved is None:
            moved = sum(int(np.sum(values[0] != values[-1])) for layer in paths for values in layer)
        # Per column: one list of curves for each neuron.
        (weights, biases), (outgoing, last) = paths
        curves = [weights.swapaxes(1, 2), biases[:, :, np.newaxis], outgoing, last[:, :, np.newaxis]]
        for axis, column in zip(row, curves, strict=True):
            strokes = cycle(_STROKES if column.shape[1] > 1 else [(INK, 1.2, "-")])
            for values, (colour, width, line) in zip(column.swapaxes(0, 1), strokes, strict=False):
                axis.plot(seen, values, color=colour, linewidth=width, linestyle=line)
        reach = max(1.15 * max(float(np.nanmax(np.abs(column))) for column in curves), 0.004)
        row[0].set_ylim(-reach, reach)
        row[0].set_ylabel(name, fontsize=10)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=10.5)
    figure.align_ylabels(axes[:, 0])
    how_many = beside(prediction, moved, "moins", "tout autant", "davantage")
    said = compare(figure, prediction, f"sur la première ligne, {how_many} de paramètres ont changé")
    figure.supxlabel("époque (bleu large, orange, tirets : neurones 1, 2 et 3)", fontsize=10, color=INK)
    return Picture(
        figure,
        f"Chaque paramètre au fil de {count(epochs, 'époque')}, une couleur par neurone : {', '.join(runs)}."
        f"{said}",
    )


@waits
def layer_signals(config: PlaygroundConfig, scales: Iterable[float], starts: Starts) -> Picture:
    """Draw, before any training, what each layer answers and how steep the loss is along its weights.

    Each of ``scales``, factors on the initial weights, has two rows of histograms, which gather all starts.
    """
    scales, starts = listed_numbers("scales", scales), start_numbers(starts)
    depth = len(config.network_shape) + 1
    figure, axes = new_figure(2 * len(scales), depth, WIDTH, 0.5 + 1.9 * len(scales))
    points = load_data(config).train_points
    answer_bins, slope_bins = np.linspace(-1, 1, 41), np.linspace(math.log10(_FAINTEST), 1, 37)
    typical = []
    for row, scale in enumerate(scales):
        run = Run(config, starts)
        run.parameters = scaled(run.parameters, scale)
        answers, slopes = run.activations(points), gradients(run)
        typical.append(float(np.median(np.abs(slopes[0]))))
        for layer, (answer, slope) in enumerate(zip(answers, slopes, strict=True)):
            above, below = axes[2 * row, layer], axes[2 * row + 1, layer]
            _histogram(above, np.clip(answer, -1, 1), answer_bins, BLUE)
            logs = np.log10(np.clip(np.abs(slope), _FAINTEST, 10))
            _histogram(below, logs, slope_bins, ORANGE)
            above.set_xticks([-1, 0, 1], ["−1", "0", "1"])
            below.set_xticks([-8, -4, 0], ["10⁻⁸", "10⁻⁴", "1"])
        axes[2 * row, 0].set_ylabel(f"× {plain(scale, 2)}\nréponse", fontsize=10)
        axes[2 * row + 1, 0].set_ylabel("gradient", fontsize=10)
    figure.align_ylabels(axes[:, 0])
    for layer, axis in enumerate(axes[0], 1):
        axis.set_title("sortie" if layer == depth else f"couche {layer}", fontsize=10.5)
    told = " ; ".join(
        f"échelle {plain(scale, 2)}, {_power(value)}" for scale, value in zip(scales, typical, strict=True)
    )
    return Picture(
        figure,
        f"Réponses et gradients de chaque couche avant entraînement, {count(len(starts), 'départ')} réunis. "
        f"Gradient médian de la première couche : {told}.",
    )


@waits
def loss_between(
    run: Run, start: int, end: int, order: object = ..., prediction: Prediction = None
) -> Picture:
    """Draw the training loss on the straight line from one solution to another, and surfaces met on the way.

    Networks have one hidden layer; ``order`` is another order for the neurons of the end, unless it is
    ``...``. The prediction is the highest loss on the way.
    """
    line = segment(run, start, end, order)
    way, heights = np.linspace(0, 1, len(line.starts)), losses(line)
    shown = np.linspace(0, len(line.starts) - 1, 5).round().astype(int)
    figure, axes = new_figure(2, 5, WIDTH, 4.3, height_ratios=[1, 1.25])
    curve, *others = axes[1]
    curve.set_subplotspec(curve.get_gridspec()[1, :])  # the curve takes the whole row
    for axis in others:
        axis.remove()
    outputs = line.predict(grid_points())
    for axis, place in zip(axes[0], shown, strict=True):
        draw_surface(axis, outputs[place], run.data)
        name = {0: f"départ {start}", len(line.starts) - 1: f"départ {end}"}.get(
            place, percent(way[place], 0) + " du trajet"
        )
        axis.set_title(name, fontsize=10.5)
    ends = heights[[0, -1]]
    chord = {"color": INK, "alpha": 0.5, "linewidth": 1.2, "linestyle": "--"}
    curve.plot([0, 1], ends, label="corde entre les extrémités", **chord)
    curve.plot(way, heights, color=BLUE, linewidth=2.4, label="perte d'entraînement")
    curve.plot(way[shown], heights[shown], "o", color=BLUE)
    draw_levels(curve.axhline, prediction, None)
    highest = max(0.6, 1.12 * max(heights.max(), predicted(prediction) or 0))
    curve.set(xlim=(-0.02, 1.02), ylim=(0, highest), ylabel="perte")
    curve.set_xlabel("part du trajet en ligne droite, dans l'espace des poids")
    percent_axis(curve.xaxis)
    figure.legend(frameon=False, loc="outside lower center", ncols=3, fontsize=9.5)
    curve.set_title("Entre deux solutions", loc="left")
    how_high = beside(prediction, heights.max(), "moins haut", "jusque-là", "plus haut")
    said = compare(figure, prediction, f"la perte monte {how_high}")
    return Picture(
        figure,
        f"Perte d'entraînement en ligne droite du départ {start} au départ {end} : {decimal(ends[0])}, "
        f"au plus {decimal(heights.max())}, puis {decimal(ends[1])}.{said}",
    )


def _paths(run, epochs):
    """Return the epochs seen, and per layer the weights (seen, in, out) and biases (seen, out) of start 0."""
    run, every = run.copy(), max(1, epochs // SNAPSHOTS)
    seen, snapshots = [0], [run.parameters]
    while seen[-1] < epochs:
        step = min(every, epochs - seen[-1])
        seen.append(seen[-1] + step)
        snapshots.append(run.train(step).parameters)
    layers = [
        tuple(np.stack([snapshot[layer][kind][0] for snapshot in snapshots]) for kind in (0, 1))
        for layer in range(len(snapshots[0]))
    ]
    return seen, layers


def _histogram(axis, values, bins, colour):
    heights, _ = np.histogram(values, bins)
    axis.stairs(heights / max(heights.max(), 1), bins, fill=True, color=colour)
    axis.set(xlim=(bins[0], bins[-1]), ylim=(0, 1.08), yticks=[])
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="x", labelsize=8.5, length=2, pad=1)


def _power(value):
    """Write the order of magnitude of a number, such as "10⁻⁷"."""
    if not value:
        return "0"
    return "10" + str(round(math.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
