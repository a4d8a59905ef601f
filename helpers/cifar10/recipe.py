"""What makes two trainings the same recipe: the network, the optimizer, the loss."""

import json

import keras

from ..french import typographic

# Name of a layer in what is trained while the student's network is missing.
STAND_IN = "reseau_de_remplacement"

# Names are numbered by Keras as models are built; shapes may hold the batch size; a class is named once.
_NOT_COMPARED = {
    "name",
    "module",
    "registered_name",
    "build_config",
    "build_input_shape",
    "batch_shape",
    "shared_object_id",
}
_UNNAMED = {"config", "class_name"}  # steps of a setting's path that a student need not read


def recipe(model: keras.Model) -> dict[str, object]:
    """Describe a compiled, built model by its settings, such as "couche 4, units" -> 8, as plain JSON.

    Batch size and number of epochs are not part of it: they belong to the machine and the time one has.
    """
    config = model.get_config()
    layers = config.pop("layers", [])
    settings, links, numbers = {"nombre de couches": len(layers)}, {}, {}
    linked = [config, *(layer.pop("inbound_nodes", None) for layer in layers)]
    for number, layer in enumerate(layers, 1):
        _collect(settings, f"couche {number}", layer, numbers)
    _collect(links, "", linked, numbers)
    settings["liens entre les couches"] = links
    if any(layer.name == STAND_IN for layer in model.layers):
        settings[STAND_IN] = True
    for part, value in (("optimiseur", model.optimizer), ("fonction de perte", model.loss)):
        _collect(settings, part, keras.saving.serialize_keras_object(value), numbers)
    return json.loads(json.dumps(settings))


def difference(old: dict, new: dict, ignore_rate: bool = False) -> str | None:
    """Say in French what differs first from a recorded recipe; None when nothing does.

    ``ignore_rate`` is for a model still in memory after its training: a callback may have lowered its rate.
    """
    for setting in {**old, **new}:
        before, after = old.get(setting), new.get(setting)
        if before != after and not (ignore_rate and setting.endswith("learning_rate")):
            long = isinstance(before, dict)
            return setting if long else typographic(f"{setting} : {_short(before)} → {_short(after)}")
    return None


def _collect(settings, path, value, numbers):
    """Enter a serialized object's settings under its path; layers are numbered as their names come."""
    if isinstance(value, dict):
        if "name" in value:
            numbers.setdefault(value["name"], len(numbers))
        for key, item in value.items():
            if key not in _NOT_COMPARED:
                _collect(settings, path if key in _UNNAMED else f"{path}, {key}", item, numbers)
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):  # what links layers names them in lists
            numbered = numbers.get(item, item) if isinstance(item, str) else item
            _collect(settings, f"{path}, {place}", numbered, numbers)
    elif value is not None:  # a setting that one version of Keras lacks is null in the next
        settings[path] = value


def _short(value):
    return f"{value:.6g}" if isinstance(value, float) else value  # float32: 0.01 is 0.0099999998
