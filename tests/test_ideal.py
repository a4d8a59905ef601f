"""The best possible answer to the noisy spiral, against points drawn from its law."""

import numpy as np
import pytest

from helpers import PlaygroundConfig
from helpers.checks import part3
from helpers.engine.data import load_data
from helpers.experiments.generalization import noise_floor, spiral_output


def test_answers_are_the_mean_labels_of_many_fresh_draws():
    """In each band of answers, the labels of points drawn with other seeds average to the answer."""
    configs = [PlaygroundConfig(dataset="spiral", noise=80, seed=str(seed)) for seed in range(20)]
    data = [load_data(config) for config in configs]
    points = np.concatenate([part.test_points for part in data])
    labels = np.concatenate([part.test_labels for part in data])
    answers = spiral_output(points, 80)
    bands = np.digitize(answers, [-0.5, 0.5])
    for band in range(3):
        chosen = bands == band
        assert chosen.sum() > 500
        assert labels[chosen].mean() == pytest.approx(answers[chosen].mean(), abs=0.06)


def test_without_overlap_the_answer_is_the_label():
    config = PlaygroundConfig(dataset="spiral", noise=5)
    data = load_data(config)
    far = np.linalg.norm(data.train_points, axis=1) > 1
    assert spiral_output(data.train_points[far], 5) == pytest.approx(data.train_labels[far])
    assert spiral_output(np.array([[20.0, 0.0]]), 5) == 0


def test_the_labs_floor_is_below_what_any_network_reached():
    assert noise_floor(part3.LAB) == pytest.approx(0.19, abs=0.005)
