"""Counting successes, and the interval around their share."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, train
from helpers.experiments.statistics import successes, wilson, wilson_difference


def test_successes_count_starts_that_came_down_at_some_epoch():
    config = PlaygroundConfig(
        activation="relu", dataset="xor", noise=35, network_shape=(3,), learning_rate=0.03
    )
    run = train(config, 300, starts=16)
    lowest = run.test_loss.min(axis=1)
    assert successes(run, np.sort(lowest)[4]) == 5
    assert successes(run, 0) == 0


@pytest.mark.parametrize(
    ("wins", "trials", "low", "high"),
    # Newcombe (1998), table I, Wilson's score method without continuity correction.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_equals_published_values(wins, trials, low, high):
    assert wilson(wins, trials) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("wins", "trials", "other_wins", "other_trials", "low", "high"),
    # Newcombe (1998), "Interval estimation for the difference", table II, method 10.
    [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 20, 0.6791, 1.0)],
)
def test_interval_of_a_difference_equals_published_values(wins, trials, other_wins, other_trials, low, high):
    interval = wilson_difference(wins, trials, other_wins, other_trials)
    assert interval == pytest.approx((low, high), abs=1e-4)
