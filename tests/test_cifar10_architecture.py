"""The lab's network: what counts as the same, what is said of what differs, and saved models read safely."""

import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from helpers.cifar10 import architecture
from helpers.cifar10.architecture import PARAMETERS, differences, read_model

from .hostile_files import SHAPE, hostile, lab_layers, rewritten


def lab_model(**options):
    return keras.Sequential([keras.Input((32, 32, 3)), *lab_layers(**options)])


def with_separate_activations():
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, (5, 5), padding="same"),
            layers.ReLU(),
            layers.MaxPool2D((2, 2)),
            layers.Conv2D(64, 5, padding="same"),
            layers.Activation("relu"),
            layers.Dropout(0.1),
            layers.MaxPool2D(2),
            layers.Conv2D(64, 5, padding="same", activation=keras.activations.relu),
            layers.MaxPool2D(2, strides=2, padding="same"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(1000),
            layers.Activation(keras.ops.relu),
            layers.Dropout(0.5),
            layers.Dense(10, kernel_regularizer="l2"),
            layers.Softmax(),
        ]
    )


def functional():
    inputs = keras.Input((32, 32, 3))
    outputs = inputs
    for layer in [layers.Rescaling(1 / 255), *lab_layers()]:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def with_augmentation_as_a_model():
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    return keras.Sequential([keras.Input((32, 32, 3)), augmentation, *lab_layers()])


def in_half_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        return lab_model()
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.mark.parametrize(
    "make",
    [
        lab_model,
        with_separate_activations,
        functional,
        with_augmentation_as_a_model,
        in_half_precision,
        lambda: keras.Sequential(lab_layers()),
    ],
    ids=["sequential", "activations", "functional", "nested", "mixed precision", "without Input"],
)
def test_the_lab_s_network_however_it_is_written(make):
    model = make()
    assert differences(model) == []
    assert model.count_params() == PARAMETERS


LIKE = {"padding": "same", "activation": "relu"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"conv2": layers.Conv2D(64, 3, **LIKE)}, ["`conv2` : taille des filtres 3 × 3 au lieu"]),
        ({"conv1": layers.Conv2D(16, 5, **LIKE)}, ["`conv1` : filtres 16 au lieu"]),
        ({"conv3": layers.Conv2D(64, 5, padding="same")}, ["`conv3` : activation linear au lieu de relu"]),
        ({"pool2": layers.MaxPooling2D(3, 2)}, ["`pool2` : fenêtre 3 × 3 au lieu de 2 × 2"]),
        ({"pool3": layers.AveragePooling2D(2)}, ["`pool3` (max-pooling) : votre modèle a"]),
        ({"fc4": layers.Dense(100, "relu")}, ["`fc4` : neurones 100 au lieu de 1\u202f000"]),
        ({"fc5": layers.Dense(10)}, ["`fc5` : activation linear au lieu de softmax"]),
        ({"fc5": layers.Dense(10, "softmax", use_bias=False)}, ["`fc5` : neurones 10 sans biais"]),
        ({"conv2": layers.Conv2D(64, 5, groups=2, **LIKE)}, ["taille des filtres modifiée"]),
        ({"fc4": None}, ["au lieu de 1\u202f000", "Il manque `fc5`"]),
        ({"pool1": None}, ["Il manque `pool1` (max-pooling)"]),
        ({"extra": layers.Dense(10, "softmax", name="encore")}, ["`encore` (couche dense) est en trop"]),
        ({"conv1": layers.BatchNormalization()}, ["couche BatchNormalization"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_differs_is_named(changed, said):
    found = differences(lab_model(**changed))
    assert len(found) == len(said)
    for sentence, expected in zip(found, said, strict=True):
        assert expected in sentence


def test_the_padding_trap_is_named_although_the_model_cannot_be_built():
    found = differences(keras.Sequential(lab_layers(padding="valid")))
    assert [sentence for sentence in found if "padding valid au lieu de same" in sentence] == found
    assert len(found) == 3


def shortcut():
    inputs = keras.Input((32, 32, 3))
    first = layers.Conv2D(3, 5, padding="same")(inputs)
    return keras.Model(inputs, layers.Dense(10)(layers.Flatten()(layers.Add()([inputs, first]))))


class Subclass(keras.Model):
    pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (shortcut, "sans branche ni raccourci"),
        (Subclass, "sous-classe"),
        (lambda: keras.Sequential([keras.Input((28, 28, 3)), *lab_layers()]), "votre modèle attend"),
        (lambda: "un réseau", "Un modèle Keras est attendu"),
        (lambda: None, "Un modèle Keras est attendu"),
    ],
)
def test_what_cannot_be_compared_is_refused(make, reason):
    with pytest.raises(ValueError, match=reason):
        differences(make())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "modele.keras"
    model = with_separate_activations()
    model.save(path)
    return model, path


def test_a_saved_model_is_read_as_it_was(saved):
    model, path = saved
    read = read_model(path)
    assert differences(read) == []
    np.testing.assert_equal(read.get_weights(), model.get_weights())


def configured(source, target, change):
    """Copy a saved model with another configuration."""
    target.write_bytes(
        rewritten(source.read_bytes(), lambda files: {"config.json": change(files["config.json"])})
    )
    return target


@pytest.mark.parametrize("name", hostile(Path()))
def test_a_hostile_file_is_refused_in_one_sentence(saved, tmp_path, name):
    """It runs nothing, reads no other file, and does not take the memory that it asks for."""
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file.create_dataset("x", SHAPE, "f4", fillvalue=7)
    path = tmp_path / "modele.keras"
    path.write_bytes(rewritten(saved[1].read_bytes(), hostile(secret)[name]))
    with pytest.raises(ValueError, match=r"abîmé|trop gros|pas une couche de Keras|peut pas être relu"):
        read_model(path)


def with_setting(setting):
    """Return a change that gives each initializer one setting more, as a Keras to come may."""
    return lambda text: text.replace(b'"seed": null', b'"seed": null, ' + setting)


def test_a_model_of_a_newer_keras_is_read(saved, tmp_path):
    path = configured(saved[1], tmp_path / "nouveau.keras", with_setting(b'"to_come": null'))
    assert zipfile.ZipFile(path).read("config.json").count(b"to_come") >= 5
    np.testing.assert_array_equal(read_model(path).get_weights()[0], saved[0].get_weights()[0])


def test_what_only_a_newer_keras_can_read_names_its_version(saved, tmp_path, monkeypatch):
    path = configured(saved[1], tmp_path / "nouveau.keras", with_setting(b'"to_come": 1'))
    with pytest.raises(ValueError, match="enregistrez le modèle à nouveau"):
        read_model(path)
    written_by = keras.__version__
    monkeypatch.setattr(keras, "__version__", "3.0.0")
    with pytest.raises(ValueError, match=f"enregistré par Keras {written_by}.: installez cette version"):
        read_model(path)


@keras.saving.register_keras_serializable("lab")
class Custom(layers.Layer):
    def call(self, inputs):
        return inputs


def test_code_in_a_saved_model_is_refused(saved, tmp_path):
    for layer, name in ((layers.Lambda(lambda x: x + 1), "Lambda"), (Custom(), "Custom")):
        path = tmp_path / f"{name}.keras"
        keras.Sequential([keras.Input((32, 32, 3)), layer, layers.Flatten()]).save(path)
        with pytest.raises(ValueError, match=f"«.{name}.», qui n'est pas une couche de Keras"):
            read_model(path)
    foreign = configured(
        saved[1], tmp_path / "module.keras", lambda text: text.replace(b'"keras.layers"', b'"os.path"', 1)
    )
    with pytest.raises(ValueError, match="n'est pas une couche de Keras"):
        read_model(foreign)


def test_damaged_files_give_one_sentence(saved, tmp_path, monkeypatch):
    whole = saved[1].read_bytes()
    damaged = {
        "vide.keras": b"",
        "texte.keras": b"bonjour",
        "coupe.keras": whole[: len(whole) // 2],
        "autre.h5": whole,
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read_model(tmp_path / name)
    with pytest.raises(ValueError, match="n'existe pas"):
        read_model(tmp_path / "absent.keras")
    with pytest.raises(ValueError, match="relu par Keras"):
        read_model(
            configured(
                saved[1], tmp_path / "config.keras", lambda _: json.dumps({"class_name": "Dense"}).encode()
            )
        )
    monkeypatch.setattr(architecture, "MAX_FILE", 1000)
    with pytest.raises(ValueError, match="trop gros"):
        read_model(saved[1])
