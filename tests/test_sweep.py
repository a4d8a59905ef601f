"""A sweep trains on most training points and ranks by the others; its bar stores one fixed sentence."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, load_data, train
from helpers.engine.compiled import Program
from helpers.engine.config import LEARNING_RATES, REGULARIZATION_RATES
from helpers.experiments.sweep import sweep
from helpers.notebook import shown

CONFIG = PlaygroundConfig(dataset="spiral", noise=80, network_shape=(4,), regularization="none")


def test_every_cell_is_the_training_of_its_pair_of_rates():
    table = sweep(CONFIG, [0.3, 0.03], [0.003, 0], epochs=20, starts=3)
    assert table.learning_rates == (0.03, 0.3)
    assert table.rates == (0, 0.003)
    assert table.losses.shape == (2, 2, 3)
    for row, learning_rate in enumerate(table.learning_rates):
        for column, rate in enumerate(table.rates):
            config = CONFIG.replace(
                learning_rate=learning_rate, regularization="L2", regularization_rate=rate
            )
            smaller = train(config.replace(perc_train_data=40), 20, range(3))
            outputs = smaller.predict(load_data(config).train_points[200:])
            expected = 0.5 * np.mean((outputs - load_data(config).train_labels[200:]) ** 2, axis=1)
            assert table.losses[row, column] == pytest.approx(expected, abs=1e-5)
            assert table.medians[row, column] == pytest.approx(np.median(expected), abs=1e-5)


def test_the_whole_table_compiles_once():
    sweep(CONFIG, [0.1], [0], epochs=5, starts=3)
    before = Program.compiled
    sweep(CONFIG, [0.01, 0.1, 1], [0, 0.1], epochs=5, starts=3)
    assert Program.compiled == before


def test_a_diverging_cell_is_the_worst():
    table = sweep(CONFIG.replace(network_shape=(8, 8, 8)), [10], [10], epochs=50, starts=3)
    assert np.isinf(table.medians).all()


@pytest.mark.parametrize(
    ("learning_rates", "rates", "hint"),
    [
        ([0.02], [0], "0.02"),
        ([], [0], "liste de nombres"),
        (0.1, [0], "liste"),
        (["0,1", "0,3"], [0], "avec un point"),
        ([...], [0], r"learning_rates = \[\.\.\.\]"),
        ([0.1], [0, float("nan")], "rates = "),
        (LEARNING_RATES, REGULARIZATION_RATES, "100"),
    ],
)
def test_bad_lists_are_named(learning_rates, rates, hint):
    with pytest.raises(ValueError, match=hint) as failure:
        sweep(CONFIG, learning_rates, rates)
    assert failure.value._render_traceback_() == [str(failure.value)]  # a sentence is all that a cell shows


def test_the_bar_says_the_same_whatever_the_time(monkeypatch):
    displayed = []
    monkeypatch.setattr(shown, "display", displayed.append)
    assert list(shown.tracked("abc", "Balayage")) == ["a", "b", "c"]
    (bar,) = displayed
    bundle = bar._repr_mimebundle_()
    assert bundle["text/plain"] == repr(bar) == "Balayage\u00a0: 3\u00a0cases."
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == bar.widget.model_id
    assert bar.widget.value == bar.widget.max == 3
