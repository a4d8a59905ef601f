"""The training engine beyond the conformance runs: many starts, continuing, editing, limits."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from helpers import PlaygroundConfig, Run, train
from helpers.engine import training
from helpers.engine.compiled import Program
from helpers.engine.config import ACTIVATIONS, FEATURES, PROBLEMS

XOR = PlaygroundConfig(activation="relu", dataset="xor", noise=35, network_shape=(3,), learning_rate=0.03)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"problem": "regression", "reg_dataset": "reg-gauss", "batch_size": 13, "regularization": "L1"},
        {"network_shape": (6, 2, 3), "activation": "tanh", "batch_size": 30, "perc_train_data": 70},
        {"network_shape": ()},
    ],
)
def test_one_start_among_many_is_the_start_alone_to_the_bit(changes):
    config = XOR.replace(regularization_rate=0.01, **changes)
    many = train(config, 60, starts=43)  # a block, and a second one that is not full
    for start in (0, 40):
        alone = train(config, 60, starts=[start])
        among = [tuple(several[start : start + 1] for several in layer) for layer in many.parameters]
        np.testing.assert_equal(among, alone.parameters)
        np.testing.assert_allclose(many.test_loss[start], alone.test_loss[0], atol=1e-12)


@pytest.mark.parametrize("batch_size", [10, 30])
def test_training_on_equals_training_at_once(batch_size):
    config = XOR.replace(batch_size=batch_size, regularization="L1", regularization_rate=0.01)
    at_once = train(config, 40)
    in_pieces = Run(config).train(0).train(1).train(9).train(30)
    np.testing.assert_array_equal(in_pieces.test_loss, at_once.test_loss)


def test_a_copy_goes_its_own_way():
    run = train(XOR, 5)
    twin = run.copy().train(5)
    assert (run.epoch, twin.epoch) == (5, 10)
    assert run.test_loss.shape == (1, 6)
    np.testing.assert_array_equal(run.train(5).test_loss, twin.test_loss)


def test_init_zero_starts_at_zero():
    run = Run(XOR.replace(init_zero=True))
    assert all((array == 0).all() for layer in run.parameters for array in layer)
    run.train(10)
    (w1, _), (w2, b2) = run.parameters
    assert (w1 == 0).all()
    assert (w2 == 0).all()
    assert b2[0, 0] != 0  # only the output bias learns


def test_learning_rate_can_change_on_the_way():
    run = train(XOR, 10)
    run.learning_rate = 0.0
    run.train(10)
    np.testing.assert_array_equal(run.test_loss[0, 10:], run.test_loss[0, 10])


@pytest.mark.parametrize(
    "changes",
    [
        {"network_shape": (4,)},
        {"activation": "tanh", "dataset": "spiral", "noise": 10, "seed": "1"},
        {"features": ("x", "sinY", "xTimesY")},
        {"learning_rate": 0.1, "regularization": "L1", "regularization_rate": 0.1},
        {"batch_size": 5, "perc_train_data": 70},
        {"problem": "regression", "reg_dataset": "reg-gauss"},
    ],
)
def test_what_is_a_tensor_compiles_nothing(changes):
    train(XOR, 1)
    before = Program.compiled
    train(XOR.replace(**changes), 1)
    assert Program.compiled == before


def test_parameters_can_be_edited():
    run = train(XOR, 5)
    parameters = run.parameters
    parameters[1][0][0, 2, 0] = 3.5
    run.parameters = parameters
    assert run.parameters[1][0][0, 2, 0] == 3.5
    assert run.train(1).epoch == 6
    with pytest.raises(ValueError, match="formes attendues"):
        run.parameters = parameters[:1]


def test_float32_is_close_and_smaller():
    single = train(XOR, 100, dtype="float32")
    assert single.test_loss.dtype == np.float32
    np.testing.assert_allclose(single.test_loss, train(XOR, 100).test_loss, atol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
def test_activations_in_numpy_agree_with_the_graph(activation):
    run = train(XOR.replace(activation=activation, network_shape=(5, 2)), 30, starts=2)
    points = training.draw(XOR)[0].test_points
    layers = run.activations(points)
    assert [layer.shape for layer in layers] == [(2, 250, 5), (2, 250, 2), (2, 250, 1)]
    assert run.activations(points.astype("float32"))[-1].dtype == np.float32
    labels = training.draw(XOR)[0].test_labels
    loss = 0.5 * np.mean((layers[-1][..., 0] - labels) ** 2, axis=1)
    np.testing.assert_allclose(loss, run.test_loss[:, -1], atol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"epochs": -1}, "epochs = -1"),
        ({"epochs": 1.5}, "epochs = 1.5"),
        ({"epochs": True}, "epochs = True"),
        ({"epochs": 1, "starts": 2.5}, "starts = 2.5"),
        ({"epochs": 1, "starts": "01"}, "starts"),
        ({"epochs": 1, "starts": [-1]}, "starts = -1"),
        ({"epochs": 1, "starts": [10**9]}, "starts = 1000000000"),
        ({"epochs": 1, "starts": []}, "aucun départ"),
        ({"epochs": 1, "starts": 0}, "aucun départ"),
        ({"epochs": 1, "starts": True}, "starts = True"),
        ({"epochs": 1, "dtype": "float16"}, "dtype = 'float16'"),
    ],
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        train(XOR, **arguments)


def test_platform_without_xla_trains_on_with_a_notice(monkeypatch):
    original = tf.function

    def function(*arguments, jit_compile=None, **options):
        if jit_compile:
            raise tf.errors.UnimplementedError(None, None, "no XLA here")
        return original(*arguments, **options)

    monkeypatch.setattr(tf, "function", function)
    monkeypatch.setattr(Program, "has_xla", True)
    monkeypatch.setattr(Program, "_known", {})
    with pytest.warns(RuntimeWarning, match="XLA n'est pas disponible"):
        run = train(XOR, 3)
    assert run.test_loss.shape == (1, 4)
    assert not Program.has_xla


def test_the_number_of_programs_is_bounded():
    random = np.random.default_rng(1)

    def anything():
        return XOR.replace(
            network_shape=tuple(random.integers(1, 9, random.integers(7)).tolist()),
            activation=str(random.choice(ACTIVATIONS)),
            features=tuple(random.permutation(FEATURES)[: random.integers(1, 8)].tolist()),
            batch_size=int(random.integers(1, 31)),
            perc_train_data=10 * int(random.integers(1, 10)),
            regularization=str(random.choice(("none", "L1", "L2"))),
            problem=str(random.choice(PROBLEMS)),
        )

    programs = {training._get_program(anything(), 1, "float64") for _ in range(2000)}
    assert len(programs) <= 18


def test_a_program_is_compiled_once_though_several_threads_want_it(monkeypatch):
    monkeypatch.setattr(Program, "_known", {})
    before = Program.compiled
    runs = [Run(XOR, [start]) for start in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Run.compile, runs))
    assert Program.compiled == before + 1
    assert all(run.epoch == 0 for run in runs)


def test_an_interrupt_leaves_a_run_that_goes_on(monkeypatch):
    whole, advance = train(XOR, 10, starts=33), Program.advance

    def interrupted(self, network, *arguments):
        if network.last.weights.shape[-1] == 1:
            raise KeyboardInterrupt
        return advance(self, network, *arguments)

    monkeypatch.setattr(Program, "advance", interrupted)
    run = Run(XOR, 33)
    with pytest.raises(KeyboardInterrupt):
        run.train(5)
    assert run.epoch == 0
    monkeypatch.setattr(Program, "advance", advance)
    np.testing.assert_array_equal(run.train(10).test_loss, whole.test_loss)
