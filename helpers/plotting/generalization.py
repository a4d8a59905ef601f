"""Figures on generalization: roughness, training against test loss, the phase diagram of two rates."""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MultipleLocator

from ..engine.training import Run
from ..experiments.generalization import Stopping, noise_floor, roughness
from ..experiments.statistics import worst_if_nan
from ..experiments.sweep import Sweep
from ..french import count, decimal, plain, typographic
from .figure import BLUE, FAINT, HALO, INK, ORANGE, WIDTH, Picture, decimal_axis, new_figure, write_cells
from .waiting import Prediction, compare, waits

# Colour, marker, filled or hollow: told apart without colour too.
_LOOKS = ((ORANGE, "o", True), (BLUE, "^", True), (ORANGE, "o", False), (BLUE, "^", False))


@waits
def roughness_and_loss(
    runs: Mapping[str, Run], yours: Mapping[str, Run] | None = None, prediction: Prediction = None
) -> Picture:
    """Draw each start as a point: roughness of its surface, final test loss.

    There are four ``runs`` at most; the first start of each of ``yours`` is marked by a star. The prediction
    is the second network's surface beside the first's: "plus lisse" or "plus rugueuse".
    """
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 4.2)
    measured = {name: roughness(run) for name, run in runs.items()}
    for (name, run), (colour, marker, filled) in zip(runs.items(), _LOOKS, strict=False):
        axis.scatter(
            measured[name],
            run.test_loss[:, -1],
            s=34,
            marker=marker,
            facecolors=colour if filled else "none",
            edgecolors="white" if filled else colour,
            linewidths=0.5 if filled else 1.3,
            label=name,
        )
    for (name, run), number in zip((yours or {}).items(), "12", strict=False):
        place = roughness(run)[0], run.test_loss[0, -1]
        axis.scatter(
            *place, s=200, marker="*", color=INK, edgecolors="white", zorder=3, label=f"{number} : {name}"
        )
        axis.annotate(
            number, place, (9, -4), textcoords="offset points", color=INK, weight="bold", path_effects=HALO
        )
    axis.set(xlabel="rugosité (sortie par unité de longueur au carré)", ylabel="perte de test finale")
    axis.set_xlim(left=0)
    axis.margins(y=0.1)
    axis.set_title("Un point par départ : rugosité de la surface et perte de test", loc="left")
    axis.legend(frameon=False, loc="upper right", markerscale=0.8)
    first, second, *_ = (float(np.median(values)) for values in measured.values())
    word = "plus rugueuse" if second > first else "plus lisse"
    said = compare(figure, prediction, f"en médiane, la surface « {list(runs)[1]} » est {word}")
    return Picture(figure, f"Rugosité et perte de test de chaque départ, pour {' ; '.join(runs)}.{said}")


@waits
def train_and_test(run: Run, start: int = 0) -> Picture:
    """Draw a spiral network's training and test losses, its lowest test loss, and the floor of the noise."""
    test, training = run.test_loss[start], run.train_loss[start]
    best = int(np.argmin(worst_if_nan(test)))
    floor = noise_floor(run.config)
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 3.6)
    axis.plot(training, color=FAINT, linewidth=1.6, label="perte d'entraînement")
    axis.plot(test, color=BLUE, linewidth=1.6, label="perte de test")
    axis.axhline(
        floor, color=INK, linestyle=":", linewidth=1.5, label=f"plancher du bruit, {decimal(floor, 2)}"
    )
    axis.plot(best, test[best], "o", color=ORANGE, markersize=9, markeredgecolor="white", zorder=3)
    axis.axvline(best, color=ORANGE, linewidth=1.2, linestyle="--", label="plus basse perte de test")
    axis.set(xlim=(0, max(run.epoch, 1)), ylim=(0, 0.62), xlabel="époque", ylabel="perte")
    axis.set_title("Le même réseau, points vus et points jamais vus", loc="left")
    figure.legend(frameon=False, loc="outside lower center", ncols=4)
    return Picture(
        figure,
        f"Pertes d'entraînement et de test d'un réseau sur {count(run.epoch, 'époque')}, et leur écart.",
    )


@waits
def train_test_gaps(runs: Mapping[str, Run]) -> Picture:
    """Draw each start's final training and test losses, joined by a line, one panel per network."""
    figure, axes = new_figure(1, len(runs), WIDTH, 3.4, sharey=True)
    floor = noise_floor(next(iter(runs.values())).config)
    for axis, (name, run) in zip(axes.flat, runs.items(), strict=True):
        losses = np.stack([run.train_loss[:, -1], run.test_loss[:, -1]])
        axis.plot([0, 1], losses, color=BLUE, alpha=0.35, linewidth=1, marker="o", markersize=4)
        axis.plot([0, 1], np.median(losses, axis=1), color=INK, linewidth=2.6, marker="o", label="médiane")
        axis.axhline(floor, color=INK, linestyle=":", linewidth=1.5, label="plancher du bruit")
        axis.set_xticks([0, 1], ["entraînement", "test"])
        axis.set(xlim=(-0.25, 1.25), ylim=(0, 0.62))
        axis.set_title(name, loc="left")
    axes[0, 0].set_ylabel("perte finale")
    axes[0, -1].legend(frameon=False, loc="lower right")
    return Picture(figure, f"Pertes finales d'entraînement et de test de chaque départ : {' ; '.join(runs)}.")


@waits
def phase_diagram(table: Sweep) -> Picture:
    """Draw a sweep as a heat map: median final validation loss for each pair of rates."""
    medians = table.medians
    rows, columns = medians.shape
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 1.5 + 0.52 * rows)
    image = axis.imshow(
        np.where(np.isfinite(medians), medians, np.nan), cmap="cividis", origin="lower", aspect="auto"
    )
    image.set_clim(0.25, 0.55)
    words = [decimal(median, 2) if np.isfinite(median) else "diverge" for median in medians.flat]
    write_cells(axis, image, np.reshape(words, medians.shape))
    axis.set_xticks(range(columns), [plain(rate, 5) for rate in table.rates])
    axis.set_yticks(range(rows), [plain(rate, 5) for rate in table.learning_rates])
    axis.set(xlabel=f"taux de régularisation {table.config.regularization}", ylabel="taux d'apprentissage")
    title = f"Médiane de la perte de validation finale ({count(len(table.starts), 'départ')} par case)"
    axis.set_title(title, loc="left")
    bar = figure.colorbar(image, ax=axis, pad=0.02, extend="both", ticks=[0.25, 0.35, 0.45, 0.55])
    bar.set_label("perte de validation médiane")
    bar.outline.set_visible(False)
    decimal_axis(bar.ax.yaxis)
    said = f"Diagramme de phase : {rows} taux d'apprentissage par {columns} taux de régularisation."
    return Picture(figure, said)


@waits
def early_stopping(result: Stopping) -> Picture:
    """Draw what early stopping announces, what it is worth on other points, and what no stopping gives."""
    rows = {
        "annoncée : sur les points\nqui ont choisi l'époque": result.announced,
        "vérifiée : même époque,\nsur les autres points": result.honest,
        "sans arrêt :\ndernière époque": result.final,
    }
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 2.7)
    for row, losses in enumerate(rows.values()):
        spread = np.linspace(-0.16, 0.16, len(losses))
        median = np.median(losses)
        axis.scatter(losses, row + spread, s=20, color=BLUE, alpha=0.5, linewidths=0)
        axis.plot([median, median], [row - 0.3, row + 0.3], color=INK, linewidth=2.6)
        axis.text(median, row - 0.33, decimal(median, 2), ha="center", va="bottom", color=INK)
    axis.set_yticks(range(len(rows)), [typographic(name) for name in rows])
    axis.set(ylim=(len(rows) - 0.5, -0.65), xlabel="perte de test")
    axis.tick_params(axis="y", length=0)
    axis.xaxis.set_major_locator(MultipleLocator(0.05))
    axis.set_title(f"Arrêt précoce : {count(len(result.final), 'départ')} (trait : médiane)", loc="left")
    return Picture(
        figure,
        "Arrêt précoce : perte annoncée sur les points qui ont choisi l'époque, perte vérifiée sur les "
        "autres, et perte de la dernière époque.",
    )
