"""One experiment over every pair of learning rate and regularization rate: the table of a phase diagram.

Its cells are ranked without the test points: some training points, a tenth of all the points, are left out of
the training, and their loss is what counts: the validation.
"""

import itertools
import numbers
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import half_squared_error, load_data
from ..engine.training import Run, Starts, start_numbers
from ..french import french_error, quoted
from ..notebook.shown import tracked
from .statistics import worst_if_nan

MAX_CELLS = 100
MIN_TRAINING = 10  # percent: nothing could be left out


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """Final validation losses over a table of learning rates and regularization rates.

    Attributes:
        config: the experiment; its own two rates are not read.
        learning_rates, rates: ascending tuples, the table's rows and columns.
        epochs, starts: of each cell.
        losses: float array (learning rates, rates, starts), final validation loss, NaN for a diverged run.
    """

    config: PlaygroundConfig
    learning_rates: tuple[float, ...]
    rates: tuple[float, ...]
    epochs: int
    starts: tuple[int, ...]
    losses: np.ndarray

    @property
    def medians(self) -> np.ndarray:
        """Median final validation loss of each cell, (learning rates, rates), infinite if half diverged."""
        return np.median(worst_if_nan(self.losses), axis=-1)

    def __repr__(self):
        return f"Sweep({len(self.learning_rates)} × {len(self.rates)}, {len(self.starts)} départs)"


def sweep(
    config: PlaygroundConfig,
    learning_rates: Iterable[float],
    rates: Iterable[float],
    epochs: int = 300,
    starts: Starts = 16,
) -> Sweep:
    """Train an experiment from several starts for each pair of rates, in float32, with a progress bar.

    Both rates, values of the site's own lists in any order, are inputs of the compiled training: the whole
    table compiles once. With no regularization, L2 is taken.

    Raises:
        ValueError: a rate that the site does not offer, no list of numbers, too many cells, too few points.
    """
    learning_rates, rates = (
        tuple(sorted(set(listed_numbers(name, values))))
        for name, values in (("learning_rates", learning_rates), ("rates", rates))
    )
    if len(learning_rates) * len(rates) > MAX_CELLS:
        raise french_error(f"{len(learning_rates)} × {len(rates)} cases : au plus {MAX_CELLS} à la fois.")
    if config.perc_train_data == MIN_TRAINING:
        raise french_error(f"Il faut plus de {MIN_TRAINING} % de points d'entraînement : une part en valide.")
    if config.regularization == "none":
        config = config.replace(regularization="L2")
    cells = [
        config.replace(learning_rate=learning_rate, regularization_rate=rate)
        for learning_rate, rate in itertools.product(learning_rates, rates)
    ]
    starts = start_numbers(starts)
    losses = [cell_losses(cell, epochs, starts) for cell in tracked(cells, "Balayage")]
    table = np.reshape(losses, (len(learning_rates), len(rates), len(starts)))
    return Sweep(config, learning_rates, rates, epochs, starts, table)


def cell_losses(config: PlaygroundConfig, epochs: int, starts: tuple[int, ...]) -> np.ndarray:
    """Return the final validation losses (starts,) of one cell of a sweep.

    A smaller share of training points keeps them all in the same order: the border moves.
    """
    smaller = config.replace(perc_train_data=config.perc_train_data - 10)
    data, kept = load_data(config), len(load_data(smaller).train_points)
    run = Run(smaller, starts, "float32").train(epochs)
    answers = run.predict(data.train_points[kept:])
    return half_squared_error(answers, data.train_labels[kept:]).mean(axis=1)


def listed_numbers(name: str, values: Iterable[float]) -> list[float]:
    """Read a list of numbers that a student wrote.

    Raises:
        ValueError: in French, anything else, an empty list, infinity or NaN.
    """
    try:
        found = list(values)
    except TypeError:
        found = []
    if not found or not all(isinstance(value, numbers.Real) and abs(value) < 1e9 for value in found):
        raise french_error(
            f"{name} = {quoted(values)} : il faut une liste de nombres, par exemple `[0.01, 0.1]`, chacun "
            "avec un point."
        )
    return found
