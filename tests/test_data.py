"""Datasets, features and split beyond what the conformance runs record."""

import numpy as np
import pytest

from helpers import PlaygroundConfig
from helpers.engine.config import DATASETS, FEATURES, REG_DATASETS
from helpers.engine.data import compute_features, load_data

ALL = [PlaygroundConfig(dataset=name) for name in DATASETS] + [
    PlaygroundConfig(problem="regression", reg_dataset=name) for name in REG_DATASETS
]


@pytest.mark.parametrize("config", ALL, ids=lambda config: config.data_name)
@pytest.mark.parametrize("percentage", [10, 50, 90])
def test_sizes_and_types(config, percentage):
    data = load_data(config.replace(perc_train_data=percentage))
    total = 500 if config.problem == "classification" else 1200
    assert data.train_points.shape == (total * percentage // 100, 2)
    assert data.test_points.shape == (total - total * percentage // 100, 2)
    assert data.train_labels.dtype == data.test_points.dtype == np.float64
    if config.problem == "classification":
        assert set(data.train_labels) | set(data.test_labels) == {-1.0, 1.0}


def test_without_noise_the_labels_follow_the_rule():
    data = load_data(PlaygroundConfig(dataset="xor"))
    x, y = data.train_points.T
    np.testing.assert_array_equal(data.train_labels, np.where(x * y >= 0, 1, -1))
    data = load_data(PlaygroundConfig(dataset="circle"))
    np.testing.assert_array_equal(data.test_labels, np.where(np.hypot(*data.test_points.T) < 2.5, 1, -1))
    data = load_data(PlaygroundConfig(problem="regression", reg_dataset="reg-plane"))
    np.testing.assert_allclose(data.test_labels, data.test_points.sum(axis=1) / 10)


def test_split_keeps_the_points_and_moves_the_border():
    half, most = (load_data(PlaygroundConfig(perc_train_data=share)) for share in (50, 90))
    np.testing.assert_array_equal(half.train_points, most.train_points[:250])


def test_points_cannot_be_changed_by_accident():
    data = load_data(PlaygroundConfig())
    with pytest.raises(ValueError, match="read-only"):
        data.train_points[0, 0] = 0


def test_features():
    points = np.array([[1.0, 2.0], [-3.0, 0.5]])
    values = compute_features(points, FEATURES)
    np.testing.assert_allclose(values[0], [1, 2, 1, 4, 2, np.sin(1), np.sin(2)])
    np.testing.assert_allclose(values[1], [-3, 0.5, 9, 0.25, -1.5, np.sin(-3), np.sin(0.5)])
    assert compute_features(points.astype("float32"), ("x", "sinY")).dtype == np.float32
