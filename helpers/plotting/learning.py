"""Learning curves: loss and accuracy, epoch by epoch, of one or several trainings."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..french import decimal, french_error, plain
from .figure import BLUE, FAINT, HALO, INK, ORANGE, WIDTH, Picture, new_figure
from .waiting import Prediction, beside, compare, predicted, waits

# Colour and marker of each recipe compared: told apart without colour too.
_LOOKS = ((BLUE, "o"), (ORANGE, "^"), (INK, "s"), (FAINT, "D"))
_PANELS = (("accuracy", "exactitude"), ("loss", "perte"))
_DASHED = {"linewidth": 1.6, "linestyle": (0, (3, 1.6))}


@waits
def training_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    epochs: int | None = None,
    best: Mapping[str, int] | None = None,
    prediction: Prediction = None,
) -> Picture:
    """Draw accuracy and loss after each epoch, and mark each training's best epoch.

    Args:
        histories: French name -> lists "loss", "accuracy" and, with validation, "val_loss", "val_accuracy":
            one number per epoch (NaN for none), as in Keras's ``History.history``; four at most.
        epochs: length of the axis, for a training under way.
        best: name -> the epoch to mark, from 1; otherwise ``best_epoch``.
        prediction: question and the best epoch predicted for the last training.

    Raises:
        ValueError: nothing to draw, or more than four trainings.
    """
    histories = {name: history for name, history in histories.items() if history.get("loss")}
    if not 1 <= len(histories) <= len(_LOOKS):
        raise french_error(
            f"Cette figure compare de 1 à {len(_LOOKS)} entraînements qui ont au moins une époque, "
            f"et non {len(histories)}."
        )
    figure, (axes,) = new_figure(1, 2, WIDTH, 3.5)
    longest = max(epochs or 0, *(len(history["loss"]) for history in histories.values()))
    for axis in axes:
        axis.set(xlabel="époque", xlim=(0.5, longest + 0.5))
    for number, (name, history) in enumerate(histories.items()):
        colour, marker = _LOOKS[number]
        training_colour = FAINT if len(histories) == 1 else colour
        chosen = (best or {}).get(name) or best_epoch(history)
        told = None if len(histories) == 1 else _summed_up(name, history)
        for axis, (key, _) in zip(axes, _PANELS, strict=True):
            _draw_curve(axis, history, key, colour, training_colour, marker, chosen, told)
    for axis, (_, label) in zip(axes, _PANELS, strict=True):
        axis.set_title(label, loc="left")
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        axis.grid(axis="y", color=FAINT, alpha=0.18, linewidth=0.8)
        axis.margins(y=0.12)
        if len(histories) > 1:
            axis.plot([], [], color=FAINT, label="tirets : entraînement", **_DASHED)
        if (value := predicted(prediction)) is not None:
            place = min(value, 2 * longest)  # nearer than it is, lest the curves be squeezed
            said = "votre prédiction" + f", plus loin : {plain(value)}" * (value > place)
            axis.axvline(place, color=ORANGE, linewidth=2, linestyle="--", label=said)
            axis.set_xlim(right=max(axis.get_xlim()[1], place + 0.5))
    handles, columns = axes[0].get_legend_handles_labels()[0], 4 if len(histories) == 1 else 2
    figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=columns)
    when = beside(prediction, chosen, "plus tôt", "à cette époque", "plus tard")
    said = compare(figure, prediction, f"le sommet vient {when}")
    names = " ; ".join(f"« {name} »" for name in histories)
    return Picture(
        figure, f"Courbes d'apprentissage de {names} : exactitude et perte, époque par époque.{said}"
    )


def best_epoch(history: Mapping[str, Sequence[float]]) -> int:
    """Return the epoch, from 1, of the highest validation accuracy, else of the highest training accuracy."""
    values = _numbers(history, "val_accuracy")
    if np.isnan(values).all():
        values = _numbers(history, "accuracy")
    return 1 if np.isnan(values).all() else int(np.nanargmax(values)) + 1


def _numbers(history, key):
    return np.array(history.get(key) or [np.nan], dtype=float)


def _draw_curve(axis, history, key, colour, training_colour, marker, best, told):
    """Draw training and validation; of several trainings, the marker of the best epoch has what is told."""
    alone = told is None
    training, validation = _numbers(history, key), _numbers(history, f"val_{key}")
    validated = not np.isnan(validation).all()
    few = {"marker": "o", "markersize": 3.5} if len(training) < 4 else {}  # one point is no line
    style = {"linewidth": 1.6, "label": "entraînement"} if alone else {"alpha": 0.75, **_DASHED}
    axis.plot(_epochs(training), training, color=training_colour, **style, **few)
    if validated:
        label = "validation" if alone else None
        axis.plot(_epochs(validation), validation, color=colour, linewidth=2.2, label=label, **few)
    shown = validation if validated else training
    if alone:
        axis.axvline(best, color=INK, linewidth=1, linestyle=":", zorder=0)
    if best <= len(shown):
        level = shown[best - 1]
        face = colour if validated else training_colour
        style = {"color": face, "markersize": 8.5, "markeredgecolor": "white", "zorder": 3}
        highest = "plus haute exactitude" + " de validation" * validated
        axis.plot(best, level, marker, label=told or highest, **style)
        if alone and np.isfinite(level):
            # Away from the training curve, which lies above in accuracy and below in loss.
            below = key == "accuracy"
            beyond = best == len(shown) < axis.get_xlim()[1] - 1  # where nothing is drawn yet
            axis.annotate(
                decimal(level, 3 if below else 2),
                (best, level),
                (9, 0) if beyond else (0, -10 if below else 10),
                textcoords="offset points",
                ha="left" if beyond else "center",
                va="center" if beyond else "top" if below else "bottom",
                weight="bold",
                color=face,
                path_effects=HALO,
            )


def _epochs(values):
    return np.arange(1, len(values) + 1)


def _summed_up(name, history):
    """Write "name : 0,712 (époque 9)": its best epoch and accuracy."""
    best = best_epoch(history)
    scores = _numbers(history, "val_accuracy" if "val_accuracy" in history else "accuracy")
    return f"{name} : {decimal(scores[best - 1])} (époque {best})"
