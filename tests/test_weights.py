"""Initial weights of other kinds, gradients against TensorFlow's, and the line between two networks."""

import numpy as np
import pytest
import tensorflow as tf

from helpers import PlaygroundConfig, Run, train
from helpers.engine.data import load_data
from helpers.engine.keras_export import keras_code
from helpers.experiments.weights import (
    gradients,
    losses,
    nearly_equal,
    reordered,
    scaled,
    segment,
    segment_losses,
    train_nearly_equal,
    train_scaled,
)

LAB = PlaygroundConfig(
    activation="relu", dataset="xor", noise=35, network_shape=(3,), learning_rate=0.01, seed="0.50819"
)


def one(run, start):
    return [(weights[start], biases[start]) for weights, biases in run.parameters]


def test_a_gap_of_one_changes_nothing_and_of_zero_makes_copies():
    parameters = Run(LAB, range(4)).parameters
    for (weights, biases), (same, same_biases) in zip(nearly_equal(parameters, 1), parameters, strict=True):
        np.testing.assert_allclose(weights, same, atol=1e-15)
        np.testing.assert_allclose(biases, same_biases, atol=1e-15)
    (weights, _), (outgoing, last) = nearly_equal(parameters, 0)
    assert (weights == parameters[0][0][:, :, :1]).all()
    assert (outgoing == parameters[1][0][:, :1]).all()
    assert (last == parameters[1][1]).all()
    (halfway, _), _ = nearly_equal(parameters, 0.5)
    np.testing.assert_allclose(halfway, (weights + parameters[0][0]) / 2)


def test_equal_neurons_stay_equal_and_nearly_equal_ones_part():
    (weights, biases), (outgoing, _) = train_nearly_equal(LAB, 0, 50, range(8)).parameters
    assert np.ptp(weights, axis=2).max() < 1e-9
    assert np.ptp(biases, axis=1).max() < 1e-9
    assert np.ptp(outgoing, axis=1).max() < 1e-9
    (weights, _), _ = train_nearly_equal(LAB, 0.1, 50, range(8)).parameters
    assert np.ptp(weights, axis=2).max() > 0.1


def test_only_one_hidden_layer_has_twins():
    with pytest.raises(ValueError, match="Une couche cachée"):
        nearly_equal(Run(LAB.replace(network_shape=(3, 2))).parameters, 0)


def test_a_scale_multiplies_weights_and_leaves_biases():
    parameters = Run(LAB, range(2)).parameters
    for (weights, biases), (before, biases_before) in zip(scaled(parameters, 3), parameters, strict=True):
        assert (weights == 3 * before).all()
        assert (biases == biases_before).all()
    same, plain = train_scaled(LAB, 1, 5, range(2)), train(LAB, 5, range(2))
    assert (same.test_loss == plain.test_loss).all()


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
def test_gradients_are_those_of_tensorflow(activation):
    config = LAB.replace(activation=activation, network_shape=(4, 3), features=("x", "sinY"))
    run = Run(config, (0, 3))
    data = load_data(config)
    scope = {}
    exec(keras_code(config, epochs=1), scope)
    model, inputs = scope["model"], tf.constant(scope["x_train"], tf.float32)
    model.set_weights([array[1] for layer in run.parameters for array in layer])
    with tf.GradientTape() as tape:
        error = model(inputs)[:, 0] - tf.constant(data.train_labels, tf.float32)
        loss = 0.5 * tf.reduce_mean(error**2)
    expected = tape.gradient(loss, [layer.kernel.value for layer in model.layers])
    computed = gradients(run)
    assert [slope.shape for slope in computed] == [(2, 2, 4), (2, 4, 3), (2, 3, 1)]
    for slope, reference in zip(computed, expected, strict=True):
        np.testing.assert_allclose(slope[1], reference.numpy(), rtol=2e-4, atol=1e-6)


def test_a_segment_goes_from_one_network_to_the_other():
    run = train(LAB, 20, range(4))
    line = segment(run, 1, 3, steps=5)
    np.testing.assert_allclose(losses(line)[[0, -1]], run.train_loss[[1, 3], -1])
    middle = [(first + last) / 2 for first, last in zip(one(run, 1)[0], one(run, 3)[0], strict=True)]
    np.testing.assert_allclose(one(line, 2)[0][0], middle[0])
    np.testing.assert_allclose(one(line, 2)[0][1], middle[1])
    assert segment_losses(run, 2, 2).shape == (101,)
    np.testing.assert_allclose(segment_losses(run, 2, 2), run.train_loss[2, -1])


def test_another_order_of_neurons_is_the_same_function():
    run = train(LAB, 20, range(2))
    ends = segment_losses(run, 0, 1, order=(2, 0, 1), steps=3)[[0, -1]]
    np.testing.assert_allclose(ends, run.train_loss[:, -1])
    (weights, biases), (outgoing, _) = reordered(one(run, 1), (2, 0, 1))
    assert (weights == run.parameters[0][0][1][:, [2, 0, 1]]).all()
    assert (biases == run.parameters[0][1][1][[2, 0, 1]]).all()
    assert (outgoing == run.parameters[1][0][1][[2, 0, 1]]).all()


@pytest.mark.parametrize("order", [(0, 1), (0, 0, 1), (1, 2, 3), (0.5, 1, 2), "012", 5, None, ("a", 1, 2)])
def test_what_is_not_an_order_is_told_in_french(order):
    with pytest.raises(ValueError, match="chacun une fois"):
        segment(Run(LAB, range(2)), 0, 1, order)


@pytest.mark.parametrize("start", [-1, 2, 0.5, True, "0"])
def test_a_start_that_the_run_does_not_have_is_told_in_french(start):
    with pytest.raises(ValueError, match="il faut un départ de 0 à 1"):
        segment(Run(LAB, range(2)), start, 1)
