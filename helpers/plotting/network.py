"""Figures that look inside one network: the surface of each neuron, the weight of each input."""

import numpy as np

from ..engine.config import FEATURE_NAMES
from ..engine.training import Run
from ..experiments.inputs import frozen_losses, input_effects
from ..french import NBSP, count, decimal, percent
from .figure import (
    BLUE,
    COLOURS,
    HALO,
    INK,
    WIDTH,
    Picture,
    decimal_axis,
    draw_surface,
    grid_points,
    new_figure,
)
from .waiting import Prediction, compare, waits


@waits
def neurons(run: Run, start: int = 0) -> Picture:
    """Draw what each neuron of a network answers over the plane, a row per layer, the output last.

    Each surface is scaled to its own largest value. After its number, the percentage is the neuron's share in
    what its layer passes on: the spread of its answer times the mean absolute weight of its links to the next
    layer.
    """
    surfaces = [layer[start] for layer in run.activations(grid_points())]
    answers = [layer[start] for layer in run.activations(run.data.train_points)]
    outgoing = [np.abs(weights[start]).mean(axis=1) for weights, _ in run.parameters[1:]]
    rows, columns = len(surfaces), max(layer.shape[1] for layer in surfaces)
    side = min((WIDTH - 0.5) / columns - 0.08, 1.25)
    width = max(columns * (side + 0.08) + 0.5, 6.4)  # wide enough for the title
    title = "Ce que répond chaque neurone, et sa part dans ce que sa couche transmet"
    figure, axes = new_figure(rows, columns, width, rows * (side + 0.24) + 0.42, title)
    for depth, layer in enumerate(surfaces):
        last = depth == rows - 1
        axes[depth, 0].set_ylabel("sortie" if last else f"couche {depth + 1}", fontsize=10)
        effect = None if last else _shares(answers[depth].std(axis=0) * outgoing[depth])
        for axis in axes[depth, layer.shape[1] :]:
            axis.set_axis_off()
        for unit in range(layer.shape[1]):
            axis = axes[depth, unit]
            largest = 1 if last else _largest(layer[:, unit])
            draw_surface(axis, layer[:, unit] / largest, run.data if last else None)
            if not last:
                axis.set_title(f"n°{NBSP}{unit + 1}{NBSP}: {percent(effect[unit], 0)}", fontsize=9, pad=2)
    hidden, layers = sum(run.config.network_shape), len(run.config.network_shape)
    plural = "s" if layers > 1 else ""
    return Picture(
        figure,
        f"Surface de {count(hidden, 'neurone')} en {layers} couche{plural} cachée{plural}, et "
        "de la sortie : orange pour une réponse négative, bleu pour une réponse positive.",
    )


@waits
def input_weights(run: Run, start: int = 0, prediction: Prediction = None) -> Picture:
    """Draw what each input adds to each neuron of the first layer, and the test loss without that input.

    ``prediction`` is a question and the test loss that the student predicted, see ``waits``.
    """
    names = [FEATURE_NAMES[name] for name in run.config.features]
    effects, losses, loss = input_effects(run, start), frozen_losses(run, start), run.test_loss[start, -1]
    figure, ((matrix, bars),) = new_figure(1, 2, WIDTH, 1.7 + 0.42 * len(names), width_ratios=[3, 2])
    reach = _largest(effects)
    image = matrix.imshow(effects, cmap=COLOURS, vmin=-reach, vmax=reach, aspect="auto")
    matrix.set_yticks(range(len(names)), names)
    units = range(effects.shape[1])
    matrix.set_xticks(units, [str(unit + 1) for unit in units])
    matrix.set_xlabel("neurone de la première couche")
    matrix.set_title("Poids × écart type de l'entrée", loc="left")
    matrix.tick_params(length=0)
    matrix.spines[:].set_visible(False)
    colours = figure.colorbar(image, ax=matrix, shrink=0.9, pad=0.02)
    colours.outline.set_visible(False)
    decimal_axis(colours.ax.yaxis)
    bars.barh(range(len(names)), losses, color=BLUE, height=0.62)
    bars.axvline(loss, color=INK, linestyle="--", linewidth=1.2)
    for row, frozen in enumerate(losses):
        bars.text(frozen + 0.015, row, decimal(frozen, 2), va="center", path_effects=HALO)
    bars.set_yticks(range(len(names)), names)
    bars.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, max(*losses, loss) * 1.25))
    bars.set_xlabel(f"perte de test\n(tirets : réseau intact, {decimal(loss, 2)})")
    said = compare(figure, prediction, f"ce réseau finit à {decimal(loss)}")
    bars.set_title("Une entrée figée à sa moyenne", loc="left")
    bars.tick_params(axis="y", length=0)
    return Picture(
        figure,
        f"Poids de {', '.join(names)} dans les neurones de la première couche, et perte de test quand "
        f"l'une de ces entrées est figée à sa moyenne.{said}",
    )


def _shares(amounts):
    total = amounts.sum()
    return amounts / total if total > 0 else np.zeros_like(amounts)


def _largest(values):
    """Return the largest absolute value, or 1 where there is none: a dead neuron is drawn grey."""
    return float(np.abs(values).max()) or 1.0
