"""What is said of a classifier: numbers known by hand, any model a student may write, and cheating."""

import dataclasses
import itertools
import math

import keras
import numpy as np
import pytest
from keras import layers

from helpers.cifar10 import Cifar10, Evaluation, evaluate
from helpers.cifar10.evaluation import input_scale, layer_calls
from instructor.sandbox.inside.remarks import suspicion


def made_up(train=60, test=40, seed=0, demo=True):
    """Images of noise around one colour per class."""
    rng = np.random.default_rng(seed)
    labels = [rng.integers(10, size=(size, 1)).astype(np.uint8) for size in (train, test)]
    colours = rng.integers(60, 196, size=(10, 1, 1, 3))
    x_train, x_test = (
        np.clip(colours[y[:, 0]] + rng.normal(0, 40, (len(y), 32, 32, 3)), 0, 255).astype(np.uint8)
        for y in labels
    )
    return Cifar10(x_train, labels[0], x_test, labels[1], demo)


def answers(rows, labels, **fields):
    """An evaluation of {class: probability} rows; what is left goes to the last class."""
    probabilities = np.zeros((len(rows), 10), np.float32)
    for row, given in zip(probabilities, rows, strict=True):
        for index, probability in given.items():
            row[index] = probability
        row[9] += 1 - row.sum()
    return Evaluation(probabilities, np.array(labels), fields.pop("data", "cifar10-50000"), **fields)


HAND = answers([{0: 0.9}, {3: 0.9}, {5: 0.6}, {3: 0.75, 5: 0.25}, {3: 0.8}], [0, 0, 5, 5, 5])


def test_numbers_known_by_hand():
    assert HAND.predicted.tolist() == [0, 3, 5, 3, 3]
    assert HAND.correct.tolist() == [True, False, True, False, False]
    assert HAND.accuracy == pytest.approx(0.4)
    assert HAND.losses[[0, 2, 3]] == pytest.approx(-np.log([0.9, 0.6, 0.25]), rel=1e-6)
    assert HAND.losses[1] == pytest.approx(-math.log(1e-7))  # finite, as in Keras, for a probability of 0
    assert HAND.loss == pytest.approx((-math.log(0.9 * 0.6 * 0.25) - 2 * math.log(1e-7)) / 5, rel=1e-6)
    assert HAND.confusion[0, [0, 3]].tolist() == [1, 1]
    assert HAND.confusion[5, [5, 3]].tolist() == [1, 2]
    assert HAND.confusion.sum() == 5
    assert HAND.per_class[[0, 5]] == pytest.approx([1 / 2, 1 / 3])
    assert np.isnan(HAND.per_class[1])
    assert HAND.most_confused() == [("chien", "chat", 2), ("avion", "chat", 1)]
    assert HAND.most_confused(1) == [("chien", "chat", 2)]
    assert HAND.most_confident_errors().tolist() == [1, 4, 3]
    assert HAND.most_confident_errors(2).tolist() == [1, 4]


def test_calibration_known_by_hand():
    calibration = HAND.reliability(4)  # 0.9, 0.9 and 0.8 above three quarters; 0.6 and 0.75 up to it
    assert calibration.counts.tolist() == [0, 0, 2, 3]
    assert calibration.accuracies[2:] == pytest.approx([1 / 2, 1 / 3])
    assert calibration.confidences[2:] == pytest.approx([0.675, 2.6 / 3], rel=1e-6)
    assert np.isnan(calibration.accuracies[:2]).all()
    assert calibration.error == pytest.approx(2 / 5 * 0.175 + 3 / 5 * (1.6 / 3), rel=1e-6)


def test_the_sentence_says_how_sure_and_on_which_data():
    evaluation = answers([{0: 1.0}] * 10_000, [0] * 7_950 + [1] * 2_050)
    assert repr(evaluation) == (
        "Exactitude sur 10\u202f000 images de test\u00a0: 79,5\u00a0% "
        "(intervalle à 95\u00a0%\u00a0: 78,7 à 80,3\u00a0%)"
    )
    demo = dataclasses.replace(evaluation, note="données de démonstration")
    assert repr(demo).endswith(" [données de démonstration]")


def test_only_the_complete_data_are_called_cifar10():
    def sized(train, test, demo=False):
        none = np.broadcast_to(np.uint8(0), (1, 32, 32, 3))  # no memory
        x = [np.broadcast_to(none, (size, 32, 32, 3)) for size in (train, test)]
        return Cifar10(x[0], np.zeros((train, 1), np.uint8), x[1], np.zeros((test, 1), np.uint8), demo)

    assert sized(50_000, 10_000).note == ""
    assert sized(50_000, 9).note == "sous-ensemble de CIFAR-10"
    assert sized(100, 10_000).note == "sous-ensemble de CIFAR-10"
    assert sized(50_000, 10_000, demo=True).note == "données de démonstration"


def head(activation="softmax", units=10):
    return [layers.GlobalAveragePooling2D(), layers.Dense(units, activation=activation)]


def functional(scaled):
    inputs = keras.Input((32, 32, 3))
    outputs = layers.Conv2D(4, 5, padding="same")(inputs / 255 if scaled else inputs)
    for layer in head():
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def normalized(images):
    layer = layers.Normalization()
    layer.adapt(images)
    return keras.Sequential([keras.Input((32, 32, 3)), layer, *head()])


def nested(*first):
    inner = keras.Sequential([*first, layers.Conv2D(4, 3, activation="relu")])
    return keras.Sequential([keras.Input((32, 32, 3)), layers.RandomFlip("horizontal"), inner, *head()])


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.convolution, self.pool, self.dense = layers.Conv2D(4, 5), *head()

    def call(self, images):
        return self.dense(self.pool(self.convolution(images / 127.5 - 1)))


@pytest.mark.parametrize(
    ("build", "scale"),
    [
        (lambda: keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), *head()]), 1),
        (lambda: keras.Sequential([layers.Rescaling(1 / 127.5, -1), layers.Conv2D(4, 5), *head()]), 1),
        (lambda: keras.Sequential([layers.Conv2D(4, 5), layers.Rescaling(1 / 255), *head()]), 1 / 255),
        (lambda: keras.Sequential([layers.Rescaling(2, -1), *head()]), 1 / 255),  # of 0..1 to -1..1
        (lambda: keras.Sequential([layers.RandomFlip(), layers.Dropout(0.5), *head()]), 1 / 255),
        (lambda: normalized(made_up().x_train.astype(np.float32)), 1),
        (lambda: normalized(made_up().x_train / np.float32(255)), 1 / 255),
        (lambda: functional(scaled=True), 1),
        (lambda: functional(scaled=False), 1 / 255),
        (lambda: nested(layers.Rescaling(1 / 255)), 1),
        (nested, 1 / 255),
        (Subclassed, 1),
    ],
)
def test_a_model_gets_images_in_its_own_unit(build, scale):
    model, data = build(), made_up()
    assert input_scale(model) == pytest.approx(scale)
    evaluation = evaluate(model, data, batch_size=15)
    expected = np.asarray(model(data.x_test * np.float32(scale), training=False))
    assert evaluation.probabilities == pytest.approx(expected, abs=1e-5)
    assert evaluation.labels.tolist() == data.y_test[:, 0].tolist()
    assert not evaluation.softmax
    assert (evaluation.data, evaluation.note) == ("demonstration-60", "données de démonstration")


def test_logits_become_probabilities_and_it_is_said():
    logits = keras.Sequential([keras.Input((32, 32, 3)), *head(activation=None)])
    logits.layers[-1].set_weights([np.random.default_rng(0).normal(0, 9, (3, 10)), np.zeros(10)])
    evaluation = evaluate(logits, made_up())
    same = keras.Sequential([logits, layers.Softmax()])
    assert evaluation.probabilities == pytest.approx(evaluate(same, made_up()).probabilities, abs=1e-5)
    assert evaluation.softmax
    assert "sans softmax" in repr(evaluation)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    half = [layers.GlobalAveragePooling2D(dtype=policy), layers.Dense(10, activation="softmax", dtype=policy)]
    evaluation = evaluate(keras.Sequential([keras.Input((32, 32, 3)), *half]), made_up())
    assert evaluation.probabilities.dtype == np.float32
    assert evaluation.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert not evaluation.softmax


def test_nothing_is_printed(capfd):
    evaluate(keras.Sequential(head()), made_up())
    assert capfd.readouterr() == ("", "")


def test_a_model_that_does_not_fit_is_told_so():
    data = made_up()
    for bad, message in [
        (keras.Sequential(head(units=100)), r"forme \(100,\) par image.*Dense\(10"),
        (keras.Sequential([layers.Dense(10)]), r"forme \(32, 32, 10\)"),
        (keras.Sequential([keras.Input((28, 28, 1)), *head()]), r"n'accepte pas.*\(32, 32, 3\)"),
        (keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.Dense(3)]), "forme"),
        ("modele.keras", "modèle Keras, et non 'modele.keras'"),
    ]:
        with pytest.raises(ValueError, match=message):
            evaluate(bad, data)
    diverged = keras.Sequential([keras.Input((32, 32, 3)), *head()])
    diverged.layers[-1].set_weights([np.full((3, 10), np.nan), np.zeros(10)])
    with pytest.raises(ValueError, match="divergé"):
        evaluate(diverged, data)
    for other in (tuple(data), (data.x_test, data.y_test), None):
        with pytest.raises(ValueError, match="load_cifar10"):
            evaluate(diverged, other)


def test_layers_are_left_as_they_were_even_after_an_error():
    call, images = keras.Layer.__call__, np.zeros((1, 32, 32, 3), np.float32)
    layer_calls(keras.Sequential(head()), images)
    assert keras.Layer.__call__ is call
    with pytest.raises(ValueError, match="n'accepte pas"):
        layer_calls(keras.Sequential([keras.Input((28, 28, 1)), *head()]), images)
    assert keras.Layer.__call__ is call


def test_each_call_of_a_layer_is_seen_in_order():
    """Also of a layer used twice, and in two models."""
    convolution, pool, dense = layers.Conv2D(3, 1), *head()
    other = keras.Sequential([keras.Input((32, 32, 3)), convolution, pool, dense])
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, dense(pool(convolution(convolution(inputs)))))
    images = made_up().x_test[:2].astype(np.float32)
    for shared, expected in (
        (other, [convolution, pool, dense]),
        (model, [convolution, convolution, pool, dense]),
    ):
        calls = [call for call in layer_calls(shared, images) if call[0] in expected]
        assert [layer for layer, _, _ in calls] == expected
        for (_, _, given), (_, received, _) in itertools.pairwise(calls):
            np.testing.assert_array_equal(given, received)
        np.testing.assert_allclose(calls[-1][2], shared(images, training=False), rtol=1e-5)


def fitted(images, labels, ridge=1e-6):
    """A linear classifier by least squares: with more inputs than images it learns them by heart."""
    fixed = [layers.Rescaling(1 / 255, -0.5), layers.AveragePooling2D(2), layers.Flatten()]
    model = keras.Sequential([keras.Input((32, 32, 3)), *fixed, layers.Dense(10)])
    inputs = keras.Sequential(fixed)(images.astype(np.float32)).numpy().astype(np.float64)
    targets = 20 * (np.eye(10)[labels[:, 0]] - 0.1)
    weights = inputs.T @ np.linalg.solve(inputs @ inputs.T + ridge * np.eye(len(inputs)), targets)
    model.layers[-1].set_weights([weights, np.zeros(10)])
    return model


def test_a_model_trained_on_the_test_images_is_seen():
    data = made_up(300, 150, demo=False)
    noise = np.random.default_rng(3).integers(10, size=(450, 1)).astype(np.uint8)  # nothing to learn from it
    data = dataclasses.replace(
        data,
        y_train=np.where(noise[:300] < 5, data.y_train, noise[:300]),
        y_test=np.where(noise[300:] < 5, data.y_test, noise[300:]),
    )
    honest = fitted(data.x_train, data.y_train)
    assert evaluate(honest, data).accuracy < 0.9
    assert suspicion(honest, data) == ""
    assert suspicion(keras.Sequential(head()), data) == ""  # untrained

    cheat = fitted(data.x_test, data.y_test)
    remark = suspicion(cheat, data, sample=200)
    assert "100,0\u00a0% sur les images de test" in remark
    assert "sur 200 images d'entraînement" in remark
    assert "la perte est de" in remark
    assert "demandez" in remark

    images, labels = (np.concatenate(pair) for pair in zip(*data, strict=True))
    both = fitted(images, labels)
    assert "dépasse ce qu'atteint le réseau du lab" in suspicion(both, data, evaluation=evaluate(both, data))
    assert suspicion(both, dataclasses.replace(data, demo=True)) == ""  # easy images may well be all right
    with pytest.raises(ValueError, match="demonstration-300"):
        suspicion(both, data, evaluation=evaluate(both, dataclasses.replace(data, demo=True)))
