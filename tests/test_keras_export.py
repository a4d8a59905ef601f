"""The Keras source of a Playground network."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run
from helpers.engine.keras_export import keras_code

CONFIG = PlaygroundConfig(
    activation="relu",
    dataset="xor",
    noise=35,
    network_shape=(4, 3),
    learning_rate=0.03,
    features=("x", "sinY"),
)
VARIANTS = [
    CONFIG,
    CONFIG.replace(network_shape=(), activation="linear"),
    CONFIG.replace(activation="sigmoid", regularization="L2", regularization_rate=0.003),
    CONFIG.replace(problem="regression", activation="tanh", network_shape=(8,) * 6, learning_rate=0.01),
    CONFIG.replace(regularization="L1", regularization_rate=0.001, init_zero=True),
]


@pytest.mark.parametrize("config", VARIANTS, ids=lambda c: f"{c.problem}_{c.activation}_{c.regularization}")
def test_source_runs_and_learns_as_the_playground_does(config):
    source = keras_code(config, epochs=3)
    assert len(source.splitlines()) <= 28  # six hidden layers; a small network is under 25
    scope = {}
    exec(source, scope)
    model = scope["model"]
    shapes = [np.shape(array[0]) for layer in Run(config).parameters for array in layer]
    assert [array.shape for array in model.get_weights()] == shapes
    assert len(scope["history"].history["val_loss"]) == 3
    # The same start, trained by the source's own settings, follows the Playground's losses.
    run, data = Run(config), scope["data"]
    model.set_weights([array[0] for layer in run.parameters for array in layer])
    predictions = model.predict(scope["x_test"], verbose=0)[:, 0]
    np.testing.assert_allclose(predictions, run.predict(data.test_points)[0], atol=1e-5)
    model.fit(
        scope["x_train"], data.train_labels, batch_size=config.batch_size, epochs=3, shuffle=False, verbose=0
    )
    expected = run.train(3).predict(data.test_points)[0]
    predictions = model.predict(scope["x_test"], verbose=0)[:, 0]
    # L1 differs where the original kills a weight; everything else is float32 rounding.
    np.testing.assert_allclose(predictions, expected, atol=2e-2 if config.regularization == "L1" else 1e-4)
