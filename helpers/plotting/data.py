"""The points of an experiment, before anything is trained on them."""

from ..engine.config import PlaygroundConfig
from ..engine.data import DOMAIN, load_data
from ..french import count
from .figure import Picture, draw_points, new_figure

_TICKS = (-6, -3, 0, 3, 6)


def data(config: PlaygroundConfig) -> Picture:
    """Draw the training points and the test points of an experiment, side by side."""
    points = load_data(config)
    halves = {
        "d'entraînement": (points.train_points, points.train_labels),
        "de test": (points.test_points, points.test_labels),
    }
    figure, (axes,) = new_figure(1, 2, 6.4, 3.3, sharey=True)
    for axis, (name, (places, labels)) in zip(axes, halves.items(), strict=True):
        draw_points(axis, places, labels, size=16)
        axis.set(xlim=DOMAIN, ylim=DOMAIN, xticks=_TICKS, yticks=_TICKS, aspect="equal", xlabel="$x_1$")
        axis.set_title(f"{count(len(labels), 'point')} {name}", loc="left")
    axes[0].set_ylabel("$x_2$", rotation=0)
    sizes = " et ".join(f"{len(labels)} {name}" for name, (_, labels) in halves.items())
    return Picture(figure, f"Les points, en bleu pour +1 et en orange pour −1 : {sizes}.")
