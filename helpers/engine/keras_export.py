"""The Playground's networks as ordinary Keras: the source that builds and trains one, or a trained model."""

import tempfile
from pathlib import Path

from .config import PlaygroundConfig
from .training import Run, layer_sizes, output_activation


def keras_file(run: Run) -> bytes:
    """Return a run's first network as a ``.keras`` file; its inputs are the features, in the site's order."""
    import keras  # noqa: PLC0415  (slow, and seldom needed)

    hidden = [keras.layers.Dense(units, run.config.activation) for units in run.config.network_shape]
    output = keras.layers.Dense(1, output_activation(run.config))
    model = keras.Sequential([keras.Input((len(run.config.features),)), *hidden, output], name="playground")
    model.set_weights([array[0] for pair in run.parameters for array in pair])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "playground.keras")
        model.save(path)
        return path.read_bytes()


def keras_code(config: PlaygroundConfig, epochs: int = 100, own: bool = False) -> str:
    """Return the Keras source that builds and trains a network like this one on the same points.

    It runs as it stands. The Playground's loss is half the squared error, hence ``loss_weights=0.5``;
    its L2 penalty is rate/2 w^2. Two rules of the original have no plain Keras equal and are left out:
    a weight that L1 brings to zero stays there, and leftover points join the next epoch's first batch.
    Points of one's ``own`` are read from a CSV file.
    """
    inputs, *hidden, _ = layer_sizes(config)
    options = f', "{config.activation}", kernel_initializer=weights, bias_initializer=biases'
    penalty = ""
    if config.regularization != "none" and config.regularization_rate:
        options += ", kernel_regularizer=penalty"
        rate = f"{config.regularization_rate:g}" + (" / 2" if config.regularization == "L2" else "")
        penalty = f"penalty = keras.regularizers.{config.regularization}({rate})\n"
    output_options = options.replace(f'"{config.activation}"', f'"{output_activation(config)}"')
    layers = "".join(f"    keras.layers.Dense({units}{options}),\n" for units in hidden)
    usual = "RandomUniform(-0.5, 0.5)", "Constant(0.1)"
    initial = ("Zeros()", "Zeros()") if config.init_zero else usual
    reading = ', read_csv(open("vos_points.csv", "rb").read())' if own else ""
    return f"""\
import keras
from helpers import PlaygroundConfig
from helpers.engine.data import compute_features, load_data
{"from helpers.engine.own_data import read_csv" + chr(10) if own else ""}
config = {config.replace(epochs=0, resets=0, hidden=())!r}
data = load_data(config{reading})
x_train = compute_features(data.train_points, config.features)
x_test = compute_features(data.test_points, config.features)

weights, biases = keras.initializers.{initial[0]}, keras.initializers.{initial[1]}
{penalty}model = keras.Sequential([
    keras.Input(({inputs},)),
{layers}    keras.layers.Dense(1{output_options}),
])
optimizer = keras.optimizers.SGD(learning_rate={config.learning_rate:g})
model.compile(optimizer, loss="mse", loss_weights=0.5)
history = model.fit(
    x_train, data.train_labels, validation_data=(x_test, data.test_labels),
    batch_size={config.batch_size}, epochs={epochs}, shuffle=False, verbose=0,
)
"""
