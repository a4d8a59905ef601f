"""The lab's network, layer by layer: how a student's model differs from it, and saved models read safely."""

import difflib
import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import keras

from ..french import french_error, thousands
from .evaluation import input_scale

INPUT_SHAPE = (32, 32, 3)
PARAMETERS = 1_191_170
MAX_CONFIG, MAX_FILE = 1_000_000, 100_000_000  # bytes of a saved model, unpacked; the lab's take 5 to 15 MB
MAX_CLASSES = 500  # of its layers and their settings: Keras takes the square of their number to build

# Layers that keep the architecture: they rescale, augment or regularize, and hold no trained weight.
_NEUTRAL = (
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.ActivityRegularization,
)
_ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU, keras.layers.Softmax)


@dataclass(frozen=True)
class Layer:
    """One layer as the comparison sees it: its name, what it does and what is compared, in French."""

    name: str
    kind: str
    settings: dict = field(default_factory=dict)


def _convolution(name, filters, size=(5, 5), strides=(1, 1), padding="same", activation="relu"):
    settings = {"filtres": filters, "taille des filtres": size, "pas": strides}
    return Layer(name, "convolution", settings | {"padding": padding, "activation": activation})


def _pooling(name, size=(2, 2), strides=(2, 2)):
    return Layer(name, "max-pooling", {"fenêtre": size, "pas": strides})


def _flatten(name):
    return Layer(name, "mise à plat")


def _dense(name, units, activation):
    return Layer(name, "couche dense", {"neurones": units, "activation": activation})


# Source: the lab's statement, in the manner of Krizhevsky et al. (2012).
LAB = (
    _convolution("conv1", 32),
    _pooling("pool1"),
    _convolution("conv2", 64),
    _pooling("pool2"),
    _convolution("conv3", 64),
    _pooling("pool3"),
    _flatten("Flatten"),
    _dense("fc4", 1000, "relu"),
    _dense("fc5", 10, "softmax"),
)


def differences(model: keras.Model) -> list[str]:
    """Say in French, one sentence a layer, where a model differs from the lab's network; [] if nowhere.

    Sequential or functional; activations inline or as layers; with or without Input, rescaling, dropout and
    augmentation layers. It is built for 32 x 32 RGB images if it is not built yet.

    Raises:
        ValueError: not a Keras model, not one chain of layers, or not for such images; in French.
    """
    if not isinstance(model, keras.Model):
        raise french_error(f"Un modèle Keras est attendu ; reçu : un objet {type(model).__name__}.")
    layers, found = described(model), []
    matcher = difflib.SequenceMatcher(
        a=[layer.kind for layer in LAB], b=[layer.kind for layer in layers], autojunk=False
    )
    for change, start, stop, low, high in matcher.get_opcodes():
        expected, given = LAB[start:stop], layers[low:high]
        if change == "equal":
            for lab, layer in zip(expected, given, strict=True):
                found += _different_settings(lab, layer)
            continue
        for lab, layer in itertools.zip_longest(expected, given):
            if layer is None:
                found.append(f"Il manque `{lab.name}` ({lab.kind}).")
            elif lab is None:
                found.append(f"`{layer.name}` ({layer.kind}) est en trop.")
            else:
                instead = f"votre modèle a `{layer.name}` ({layer.kind}) à la place."
                found.append(f"`{lab.name}` ({lab.kind}) : {instead}")
    if not found:
        _require_images(model)
    return found


def oversights(model: keras.Model) -> list[str]:
    """Say in French what else the statement asks of a model without ``differences``; [] for nothing."""
    found = []
    if input_scale(model) != 1:
        found.append("Il manque `keras.layers.Rescaling(1 / 255)` au début : les pixels vont de 0 à 255.")
    *_, last = _chain(model)
    if isinstance(last, _NEUTRAL) or _augments(last):
        found.append(f"`{last.name}` vient après la softmax : rien ne doit changer ces probabilités.")
    return found


def described(model: keras.Model) -> list[Layer]:
    """List the layers that make a model's architecture, activations merged into the layer before them.

    Raises:
        ValueError: not one chain of layers.
    """
    layers: list[Layer] = []
    for layer in _chain(model):
        if isinstance(layer, _NEUTRAL) or _augments(layer):
            continue
        activation = _activation(layer)
        if isinstance(layer, _ACTIVATIONS):
            if layers and layers[-1].settings.get("activation") == "linear":
                layers[-1].settings["activation"] = activation
            elif activation != "linear":
                layers.append(Layer(layer.name, f"activation {activation}"))
            continue
        layers.append(_as_compared(layer, activation))
    return layers


def read_model(path: str | Path) -> keras.Model:
    """Load a ``.keras`` file, not compiled, without running any code that it may carry: Keras's layers only.

    Raises:
        ValueError: no such file, damaged, or more than standard layers; in French.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise french_error(f"« {path.name} » : un fichier `.keras` est attendu (`model.save(...)`).")
    if not path.is_file():
        raise french_error(f"Le fichier « {path} » n'existe pas : entraînez d'abord, ou vérifiez son chemin.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            config, metadata = (
                json.loads(archive.open(name).read(MAX_CONFIG)) for name in ("config.json", "metadata.json")
            )
        version, found = str(metadata["keras_version"]), list(classes(config))
    except Exception:  # whatever a damaged or hostile file makes them raise
        raise french_error(
            f"« {path.name} » est abîmé ou incomplet : enregistrez le modèle à nouveau."
        ) from None
    if size > MAX_FILE or len(found) > MAX_CLASSES:
        raise french_error(f"« {path.name} » est trop gros pour un réseau du laboratoire.")
    if name := next((name for name, module in found if name == "Lambda" or not _is_keras(module)), None):
        raise french_error(
            f"« {path.name} » contient « {name[:60]} », qui n'est pas une couche de Keras et demanderait "
            "d'exécuter du code : refaites le modèle avec les couches de Keras seulement."
        )
    try:
        # As keras.saving.load_model does, but for the settings that an older Keras may not know.
        model = keras.saving.deserialize_keras_object(_given_settings(config), safe_mode=True)
        with zipfile.ZipFile(path) as archive:
            weights = io.BytesIO(archive.read("model.weights.h5"))
        with h5py.File(weights) as file:
            if file.visititems(lambda _, item: getattr(item, "is_virtual", None) or None):
                raise ValueError  # its numbers lie in another file, which some versions of Keras would read
        model.load_weights(path)
    except Exception as error:  # whatever a damaged or hostile file makes Keras raise
        kind, repair = type(error).__name__, "enregistrez le modèle à nouveau"
        if version != keras.__version__ and re.fullmatch(r"[\d.]{3,12}", version):
            repair = f"il a été enregistré par Keras {version} : installez cette version, ou une plus récente"
        raise french_error(
            f"« {path.name} » ne peut pas être relu par Keras {keras.__version__} ({kind}) : {repair}."
        ) from None
    return model


def _given_settings(config):
    """Copy a saved configuration without how the model was compiled, nor what is null.

    Each version of Keras adds settings, null unless they are used, that the ones before it refuse.
    """
    if isinstance(config, dict):
        return {
            key: _given_settings(value)
            for key, value in config.items()
            if value is not None and key != "compile_config"
        }
    return [_given_settings(item) for item in config] if isinstance(config, list) else config


def classes(config: object) -> Iterator[tuple[str, object]]:
    """Yield the name and the module of each class in a saved configuration, in order."""
    if isinstance(config, dict):
        if isinstance(name := config.get("class_name"), str):
            yield name, config.get("module")
        config = list(config.values())
    for value in config if isinstance(config, list) else ():
        yield from classes(value)


def _is_keras(module):
    # Keras writes no module for shapes, tensors and types, and "builtins" for a function, which it then
    # looks up among its own by name.
    return module is None or module == "builtins" or str(module).partition(".")[0] == "keras"


def _require_images(model):
    try:
        if not model.built:
            model.build((None, *INPUT_SHAPE))
        shape = tuple(model.input_shape)[-3:]
    except Exception:  # layers that do not fit each other, or several inputs
        raise french_error(
            "Ce modèle ne se construit pas sur une image de forme (32, 32, 3) : faites-le commencer par "
            "`keras.Input((32, 32, 3))`."
        ) from None
    if any(size not in (None, expected) for size, expected in zip(shape, INPUT_SHAPE, strict=False)):
        raise french_error(
            f"L'entrée attendue est une image de forme (32, 32, 3) ; votre modèle attend {shape}."
        )


def _chain(model):
    """Yield the layers in order, those of models inside the model too."""
    sequential = isinstance(model, keras.Sequential)
    if not sequential and getattr(model, "inputs", None) is None:
        raise french_error(
            "Les couches d'une sous-classe de `keras.Model` ne se lisent pas : utilisez `keras.Sequential` "
            "ou l'écriture fonctionnelle."
        )
    calls, previous = {} if sequential else _calls(model), None
    for layer in model.layers:
        if previous and layer.name in calls and calls[layer.name] != [[previous]]:
            raise french_error(
                f"La couche `{layer.name}` n'est pas dans la file : le réseau du laboratoire est une "
                "simple suite de couches, sans branche ni raccourci."
            )
        if isinstance(layer, keras.Model):
            yield from _chain(layer)
        else:
            yield layer
        previous = layer.name


def _calls(model) -> dict[str, list]:
    """Return what the layers of a functional model are called on: name -> for each call, layers' names."""
    try:
        layers = model.get_config()["layers"]
    except (KeyError, NotImplementedError):  # a layer of the student's, which is a difference anyway
        return {}
    return {
        layer["name"]: [
            re.findall(r"'keras_history': [(\[]'([^']*)'", str(call)) for call in layer["inbound_nodes"]
        ]
        for layer in layers
    }


def _augments(layer):
    return layer.__class__.__module__.startswith("keras.") and layer.__class__.__name__.startswith("Rand")


def _activation(layer):
    if isinstance(layer, keras.layers.ReLU):
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        return "relu" if plain else "ReLU modifiée"
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    function = getattr(layer, "activation", None)
    return getattr(function, "__name__", None) or "linear"


def _as_compared(layer, activation):
    match type(layer):
        case keras.layers.Conv2D:
            usual = layer.groups == 1 and layer.dilation_rate == (1, 1) and layer.use_bias
            size = layer.kernel_size if usual else "modifiée (groups, dilation_rate ou use_bias)"
            return _convolution(layer.name, layer.filters, size, layer.strides, layer.padding, activation)
        case keras.layers.MaxPooling2D:
            return _pooling(layer.name, layer.pool_size, layer.strides)
        case keras.layers.Flatten:
            return _flatten(layer.name)
        case keras.layers.Dense:
            units = layer.units if layer.use_bias else f"{layer.units} sans biais"
            return _dense(layer.name, units, activation)
    return Layer(layer.name, f"couche {type(layer).__name__}")


def _different_settings(lab, layer):
    changed = [
        f"{name} {_shown(layer.settings[name])} au lieu de {_shown(value)}"
        for name, value in lab.settings.items()
        if layer.settings[name] != value
    ]
    return [f"`{lab.name}` : {', '.join(changed)}."] if changed else []


def _shown(value):
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return thousands(value) if type(value) is int else str(value)
