"""Early stopping measured on points that did not choose the epoch."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, train
from helpers.experiments.generalization import choose, stop_early

CONFIG = PlaygroundConfig(
    dataset="spiral", noise=80, activation="tanh", network_shape=(4, 4), learning_rate=0.1
)


def test_one_curve_chooses_and_the_other_is_read():
    chooses = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 5.0]])
    measured = np.array([[10.0, 11.0, 12.0], [20.0, 21.0, 22.0]])
    assert choose(chooses, chooses).tolist() == [1, 0]
    assert choose(chooses, measured).tolist() == [11, 20]


def test_the_epoch_chosen_looks_better_on_the_points_that_chose_it():
    result = stop_early(CONFIG, 200, range(6), every=20)
    run = train(CONFIG, 200, range(6))
    assert result.final == pytest.approx(run.test_loss[:, -1])  # two halves of the same size
    assert (result.announced <= result.final).all()
    assert (result.announced <= result.honest).all()
    assert result.honest.mean() > result.announced.mean()


def test_with_one_look_there_is_nothing_to_choose():
    result = stop_early(CONFIG, 20, range(3), every=20)
    assert result.announced == pytest.approx(result.final)
    assert result.honest == pytest.approx(result.final)
