"""The calibration: a proposal that follows from what was measured, and a model left as it was."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.cifar10 import Cifar10, Pace, RecordError, calibrate, pace
from tests.test_cifar10_record import DATA, X, Y, built

REAL = Cifar10(X, Y, X, Y)


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    monkeypatch.setattr(pace, "MEASURED", 0.05)
    monkeypatch.setattr(pace, "BATCHES", (4, 8))
    monkeypatch.setenv("LAB_RECORDS", str(tmp_path))


def test_measure_leaves_model_and_random_generators_as_they_were():
    def draws():
        dropout = keras.layers.Dropout(0.5)(np.ones((1, 50)), training=True)
        return random.random(), np.random.rand(), float(tf.random.uniform(())), np.array(dropout).tolist()

    model = built()
    weights, rate = model.get_weights(), float(model.optimizer.learning_rate)
    expected = draws()
    model = built()
    result = calibrate(model, REAL, minutes=1)
    assert draws() == expected
    np.testing.assert_equal(model.get_weights(), weights)
    assert int(model.optimizer.iterations) == 0
    assert float(model.optimizer.learning_rate) == rate
    assert result.batch_size in (4, 8)
    assert result.images_per_second > 0
    assert result.seconds_per_epoch > 0.9 * len(X) / result.images_per_second
    assert result.epochs == 30


@pytest.mark.parametrize(
    ("speeds", "batch_size"),
    [
        ({64: 700, 128: 800, 256: 900}, 128),  # not clearly faster
        ({64: 700, 128: 800, 256: 930}, 256),
        ({64: 1000, 128: 800, 256: 930}, 64),
        ({32: 900, 512: 1000}, 32),  # without the usual size, the smallest is the yardstick
    ],
)
@pytest.mark.parametrize(("minutes", "epochs"), [(0.001, 8), (15, None), (1e6, 30)])
def test_proposal(monkeypatch, speeds, batch_size, minutes, epochs):
    data = Cifar10(np.zeros((50_000, 4, 4, 3), "uint8"), np.zeros((50_000, 1), "uint8"), X, Y)
    monkeypatch.setattr(
        pace,
        "_speed",
        lambda method, images, labels, size: 3000 if method.__name__ == "evaluate" else speeds[size],
    )
    monkeypatch.setattr(pace, "BATCHES", tuple(speeds))
    result = calibrate(built(), data, minutes)
    assert result.batch_size == batch_size
    assert result.images_per_second == speeds[batch_size]
    assert result.seconds_per_epoch == pytest.approx(45_000 / speeds[batch_size] + 5_000 / 3000)
    assert result.epochs == (epochs or int(900 / result.seconds_per_epoch))


def test_measure_is_kept_for_the_next_session(monkeypatch, tmp_path, capsys):
    first = calibrate(built(), REAL, minutes=1)
    assert "Terminé." in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(pace, "_measure", None)  # would fail if called
        assert calibrate(built(rate=0.5), REAL, minutes=1) == first
        assert "Mesuré auparavant" in capsys.readouterr().out
        patch.setenv("LAB_GRADING", "1")
        assert calibrate(built(), REAL, minutes=1) == first
        assert calibrate(built(units=9), REAL, minutes=1).seconds_per_epoch is None
    measured = []
    monkeypatch.setattr(pace, "_measure", lambda *_: measured.append(1) or Pace(8, 3, 2.0, 9.0))
    calibrate(built(units=9), REAL, minutes=1)  # another network
    (tmp_path / "calibration.json").write_text("{")
    calibrate(built(), REAL, minutes=1)  # a damaged file
    assert len(measured) == 2


def test_demonstration_data_get_fixed_numbers(tmp_path, capsys):
    result = calibrate(built(), DATA)
    assert result == Pace(batch_size=32, epochs=4)
    assert repr(result) == "Sans mesure\u00a0: 4\u00a0époques par lots de 32 images."
    assert not list(tmp_path.iterdir())


def test_sentence():
    sentence = repr(Pace(128, 13, 65.2, 781.3)).replace("\u00a0", " ")
    assert sentence == (
        "Sur cette machine : environ 65 s par époque (781 images/s). "
        "Proposition : 13 époques par lots de 128 images, soit 14 min."
    )


def test_what_cannot_be_measured_is_refused():
    for model, data, minutes, hint in (
        (built(), REAL, 0, "positif"),
        (built(), REAL, -1, "positif"),
        (keras.Sequential([keras.layers.Dense(1)]), REAL, 1, "Compilez"),
        (built(), (X, Y), 1, "load_cifar10"),
    ):
        with pytest.raises(RecordError, match=hint):
            calibrate(model, data, minutes)
