"""Roughness against known Laplacians, the best answer to the noisy spiral, honest early stopping."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run, train
from helpers.checks import part3
from helpers.engine.data import grid, load_data
from helpers.experiments.generalization import (
    GRID,
    fresh_losses,
    laplacian,
    noise_floor,
    roughness,
    spiral_output,
    stop_early,
)

SPIRAL = PlaygroundConfig(
    dataset="spiral", noise=80, activation="tanh", network_shape=(4, 4), learning_rate=0.1
)

TICKS, STEP = np.linspace(-6, 6, GRID, retstep=True)
X, Y = grid(TICKS).T.reshape(2, GRID, GRID)


def one_neuron(weights):
    """An untrained network without hidden layer whose output is tanh(weights . x + bias)."""
    run = Run(PlaygroundConfig(network_shape=()), starts=len(weights))
    run.parameters = [(np.reshape(weights, (-1, 2, 1)), np.zeros((len(weights), 1)))]
    return run


def test_a_plane_has_no_laplacian_and_a_paraboloid_a_constant_one():
    surfaces = np.stack([2 * X - 3 * Y + 1, X**2 - 3 * Y**2])
    result = laplacian(surfaces, STEP)
    assert result.shape == (2, GRID - 2, GRID - 2)
    assert result[0] == pytest.approx(0, abs=1e-9)
    assert result[1] == pytest.approx(2 - 6, abs=1e-9)


def test_a_wave_has_the_laplacian_of_calculus():
    """Of sin(x) sin(y) it is -2 sin(x) sin(y), up to the square of the step over six."""
    wave = np.sin(X) * np.sin(Y)
    assert laplacian(wave, STEP) == pytest.approx(-2 * wave[1:-1, 1:-1], abs=STEP**2)


def test_a_straight_frontier_is_as_rough_as_it_is_long_and_steep():
    """Across tanh(k x) the slope climbs to k and falls back: 2 k a unit, for 12 units, in any direction."""
    run = one_neuron([[1, 0], [2, 0], [np.sqrt(0.5), np.sqrt(0.5)]])
    assert roughness(run) == pytest.approx(2 * np.array([1, 2, 1]) * 12 / (np.pi * 36), rel=0.03)


def test_answers_are_the_mean_labels_of_many_fresh_draws():
    """In each band of answers, the labels of points drawn with other seeds average to the answer."""
    data = [load_data(SPIRAL.replace(seed=str(seed))) for seed in range(20)]
    points = np.concatenate([part.test_points for part in data])
    labels = np.concatenate([part.test_labels for part in data])
    answers = spiral_output(points, 80)
    bands = np.digitize(answers, [-0.5, 0.5])
    for band in range(3):
        chosen = bands == band
        assert chosen.sum() > 500
        assert labels[chosen].mean() == pytest.approx(answers[chosen].mean(), abs=0.06)


def test_without_overlap_the_answer_is_the_label():
    data = load_data(SPIRAL.replace(noise=5))
    far = np.linalg.norm(data.train_points, axis=1) > 1
    assert spiral_output(data.train_points[far], 5) == pytest.approx(data.train_labels[far])
    assert spiral_output(np.array([[20.0, 0.0]]), 5) == 0


def test_the_labs_floor_is_below_what_any_network_reached():
    assert noise_floor(part3.LAB) == pytest.approx(0.19, abs=0.005)


def test_the_epoch_chosen_looks_better_on_the_points_that_chose_it():
    result = stop_early(SPIRAL, 200, range(6))
    run = train(SPIRAL, 200, range(6))
    assert result.final == pytest.approx(run.test_loss[:, -1])  # two halves of the same size
    assert (result.announced <= result.final).all()
    assert (result.announced <= result.honest).all()
    assert result.honest.mean() > result.announced.mean()


def test_with_one_look_there_is_nothing_to_choose():
    result = stop_early(SPIRAL, 10, range(3))
    assert result.announced == pytest.approx(result.final)
    assert result.honest == pytest.approx(result.final)


def test_fresh_points_are_of_the_same_law_and_of_no_experiment():
    run = train(SPIRAL, 60, 4)
    points = [load_data(SPIRAL.replace(seed=f"neufs-{number}")) for number in range(10)]
    errors = [
        0.5 * np.mean((run.predict(part) - labels) ** 2, axis=1)
        for data in points
        for part, labels in ((data.train_points, data.train_labels), (data.test_points, data.test_labels))
    ]
    assert fresh_losses(run) == pytest.approx(np.mean(errors, axis=0))
