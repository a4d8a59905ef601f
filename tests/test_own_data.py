"""Points of one's own: how they are read, what is refused, and that the engine trains on them exactly."""

import keras
import numpy as np
import pytest

from helpers import PlaygroundConfig, Run
from helpers.engine.data import compute_features
from helpers.engine.keras_export import keras_code, keras_file
from helpers.engine.own_data import MOST, own_data, read_csv
from helpers.engine.state import from_json, to_json

PLANE = PlaygroundConfig(network_shape=(4,), regularization="L1", regularization_rate=0.01, batch_size=7)
CORNERS = "0;0;oui\n2,5;0;non\n0;4;non\n2,5;4;oui\n"


def own(count=300):
    points = np.random.default_rng(1).normal(size=(count, 2))
    return own_data(points, np.where(points.prod(axis=1) > 0, "oui", "non"))


@pytest.mark.parametrize(
    "text",
    [
        CORNERS * 3,
        "x1;x2;étiquette\n" + CORNERS * 3,
        (CORNERS * 3).replace(",", ".").replace(";", ","),
        ("\ufeff" + CORNERS * 3).replace(";", " \t"),
        "x1;x2;étiquette\r\n\r\n".encode("cp1252") + CORNERS.encode() * 3,
    ],
)
def test_a_csv_is_scaled_to_the_plane(text):
    read = read_csv(text if isinstance(text, bytes) else text.encode())
    assert read.problem == "classification"
    np.testing.assert_array_equal(read.table[:4], [[-5, -5, 1], [5, -5, -1], [-5, 5, -1], [5, 5, 1]])


def test_more_than_two_numbers_are_a_regression():
    read = own_data([(x, 0) for x in range(11)], range(0, 110, 10))
    assert read.problem == "regression"
    np.testing.assert_allclose(read.table, [(x, 0, x / 5) for x in range(-5, 6)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 points"),
        ("1;2;a\n", "1 points"),
        ("1;2;a\n" * (MOST + 1), "entre 10 et 5\u202f000"),
        (CORNERS * 3 + "1;2\n", "ligne 13 : trois colonnes"),
        (CORNERS * 3 + "\n1;deux;oui\n", "ligne 14 : 'deux'"),
        (CORNERS * 3 + "inf;2;oui\n", "ligne 13 : 'inf'"),
        (CORNERS * 3 + "1;2;peut-être\n", "ligne 13 : étiquette « peut-être »"),
        ("1;2;3\n" * 12, "la même étiquette"),
    ],
)
def test_an_error_names_the_line(text, words):
    words = words.replace(" :", "\u00a0:").replace("« ", "«.").replace(" »", ".»")
    with pytest.raises(ValueError, match=words):
        read_csv(text)


@pytest.mark.parametrize("given", [((1, 2), 3), (np.ones((12, 3)), range(12)), (np.ones((12, 2)), range(11))])
def test_arrays_of_other_shapes_are_refused(given):
    with pytest.raises(ValueError, match="Vos données"):
        own_data(*given)


@pytest.mark.parametrize("count", [10, 300, 1000, MOST])
def test_the_engine_trains_on_them_as_it_does_on_the_sites(count):
    """The losses are means over the given points, though the program is for more of them."""
    run = Run(PLANE, 2, own=own(count)).train(5)
    assert len(run.data.train_labels) == count // 2
    for losses, points, labels in (
        (run.train_loss, run.data.train_points, run.data.train_labels),
        (run.test_loss, run.data.test_points, run.data.test_labels),
    ):
        np.testing.assert_allclose(losses[:, -1], 0.5 * np.mean((run.predict(points) - labels) ** 2, axis=1))


def test_a_state_goes_on_where_it_was():
    """Weights that L1 has switched off stay so."""
    config = PLANE.replace(regularization_rate=0.1, epochs=60, resets=2)
    run = Run(config, (2,), own=own()).train(60)
    assert any((weights == 0).any() for weights, _ in run.parameters)
    read_config, read = from_json(to_json(config, run))
    assert read_config == config
    assert (read.epoch, read.test_loss[0, -1]) == (60, pytest.approx(run.test_loss[0, -1], rel=1e-12))
    assert read.own.problem == "classification"
    run.train(40), read.train(40)
    np.testing.assert_array_equal(read.test_loss[0, 61:], run.test_loss[0, 61:])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"layers"', '"couches"', "« layers »"),
        ('"biases"', '"biais"', "couche 1, « biases »"),
        ("0.1 ]", '"x" ]', "couche 1, « biases »"),
        ("0.1 ]", "NaN ]", "couche 1, « biases »"),
        ("0.1 ]", "0.1, 3 ]", "couche 1, « biases »"),
        ("networkShape=4", "networkShape=4,2", "3 couches"),
        ("[", "", "ligne"),
        ("initZero=false", "initZero=false&epochs=10000000", "au plus"),
        ("activation=tanh", "activation=magique", "activation"),
    ],
)
def test_a_broken_state_is_refused_with_the_place(old, new, words):
    text = to_json(PLANE, Run(PLANE))
    assert old in text
    with pytest.raises(ValueError, match=words.replace("« ", "«.").replace(" »", ".»")):
        from_json(text.replace(old, new, 1))


def test_the_keras_file_answers_as_the_run(tmp_path):
    run = Run(PLANE.replace(features=("x", "y", "sinX")), own=own()).train(20)
    (tmp_path / "run.keras").write_bytes(keras_file(run))
    model = keras.models.load_model(tmp_path / "run.keras")
    inputs = compute_features(run.data.test_points, run.config.features)
    np.testing.assert_allclose(
        model.predict(inputs, verbose=0)[:, 0], run.predict(run.data.test_points)[0], atol=1e-5
    )


def test_the_keras_code_reads_ones_own_points(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vos_points.csv").write_text(CORNERS * 10, encoding="utf-8")
    scope = {}
    exec(keras_code(PLANE, 2, own=True), scope)
    assert len(scope["history"].history["loss"]) == 2
    assert len(scope["x_train"]) == 20
