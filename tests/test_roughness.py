"""The roughness of a surface against surfaces whose Laplacian is known."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run
from helpers.experiments.generalization import GRID, disc_mean, laplacian, roughness

TICKS, STEP = np.linspace(-6, 6, GRID, retstep=True)
X, Y = np.meshgrid(TICKS, TICKS)


def one_neuron(weights, bias=0.0):
    """An untrained network without hidden layer whose output is tanh(weights . x + bias)."""
    run = Run(PlaygroundConfig(network_shape=()), starts=len(weights))
    run.parameters = [(np.reshape(weights, (-1, 2, 1)), np.full((len(weights), 1), bias))]
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


def test_the_disc_leaves_out_the_corners():
    inner = slice(1, -1), slice(1, -1)
    corner = np.where(X[inner] ** 2 + Y[inner] ** 2 > 36, 1e9, 2.0)
    assert disc_mean(corner) == pytest.approx(2)


def test_a_straight_frontier_is_as_rough_as_it_is_long_and_steep():
    """Across tanh(k x) the slope climbs to k and falls back: 2 k a unit of length, 12 units long."""
    steepness = np.array([1.0, 2.0])
    run = one_neuron([[k, 0] for k in steepness])
    assert roughness(run) == pytest.approx(2 * steepness * 12 / (np.pi * 36), rel=0.03)


def test_roughness_does_not_depend_on_the_direction():
    diagonal = 1 / np.sqrt(2)
    along_axis, across = roughness(one_neuron([[1, 0], [diagonal, diagonal]]))
    assert along_axis == pytest.approx(across, rel=0.03)


def test_a_constant_answer_is_perfectly_smooth():
    assert roughness(one_neuron([[0, 0]], bias=0.7)) == pytest.approx(0, abs=1e-9)
