"""Which inputs a network leans on, on networks whose weights are set by hand."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run, train
from helpers.engine.data import load_data
from helpers.experiments.inputs import frozen_losses, input_effects

CONFIG = PlaygroundConfig(dataset="spiral", noise=80, network_shape=(), features=("x", "xSquared", "sinY"))


def test_an_effect_is_the_weight_in_units_of_its_inputs_spread():
    run = Run(CONFIG)
    run.parameters = [(np.array([[[2.0], [-1.0], [3.0]]]), np.zeros((1, 1)))]
    x, y = load_data(CONFIG).train_points.T
    expected = [2 * x.std(), -(x**2).std(), 3 * np.sin(y).std()]
    assert input_effects(run)[:, 0] == pytest.approx(expected)


def test_a_frozen_input_is_its_mean_for_every_point():
    run = Run(CONFIG)
    run.parameters = [(np.array([[[0.0], [0.2], [0.0]]]), np.full((1, 1), 0.1))]
    data = load_data(CONFIG)
    constant = np.tanh(0.2 * np.mean(data.train_points[:, 0] ** 2) + 0.1)
    losses = frozen_losses(run)
    assert losses[1] == pytest.approx(0.5 * np.mean((constant - data.test_labels) ** 2))
    whole = 0.5 * np.mean((run.predict(data.test_points)[0] - data.test_labels) ** 2)
    assert losses[[0, 2]] == pytest.approx(whole)  # inputs of no weight


def test_the_run_itself_is_left_as_it_was():
    run = train(CONFIG.replace(network_shape=(4,)), 5, range(2))
    before = run.predict(np.ones((1, 2)))
    assert frozen_losses(run, start=1).shape == (3,)
    assert (run.predict(np.ones((1, 2))) == before).all()
