"""What makes two trainings the same recipe: the network, the optimizer, the loss."""

from __future__ import annotations

import json

import keras

from ..french import count

# Names are numbered by Keras as models are built; shapes may hold the batch size.
_NOT_COMPARED = {"name", "build_config", "build_input_shape", "batch_shape", "shared_object_id"}


def recipe(model: keras.Model) -> dict:
    """Describe a compiled, built model as plain JSON: keys "layers", "wiring", "optimizer" and "loss".

    Batch size and number of epochs are not part of it: they belong to the machine and the time one has.
    """
    config = model.get_config()
    layers = config.pop("layers", [config])
    names = {
        layer["config"]["name"]: f"couche {number}"
        for number, layer in enumerate(layers, 1)
        if "name" in layer.get("config", {})
    }
    whole = {
        "layers": layers,
        "wiring": config,
        "optimizer": keras.saving.serialize_keras_object(model.optimizer),
        "loss": keras.saving.serialize_keras_object(model.loss),
    }
    return json.loads(json.dumps(_unnamed(whole, names)))


def difference(old: dict, new: dict, ignore_rate: bool = False) -> str | None:
    """Say in French what differs first between two recipes; None when nothing does.

    Args:
        old: a recorded recipe.
        new: the recipe of the model at hand.
        ignore_rate: take the learning rates as equal: those of a model still in memory after its training,
            where a callback may have lowered it.
    """
    if ignore_rate:
        new = json.loads(json.dumps(new))
        _settings(new)["learning_rate"] = _settings(old).get("learning_rate")
    before, after = old["layers"], new["layers"]
    if len(before) != len(after):
        return f"le réseau avait {count(len(before), 'couche')}, il en a {len(after)}"
    for number, (first, second) in enumerate(zip(before, after, strict=True), 1):
        if first != second:
            return f"couche {number}, {_changed(first, second)}"
    if old["wiring"] != new["wiring"]:
        return "les couches du réseau ne sont plus reliées de la même façon"
    if old["optimizer"] != new["optimizer"]:
        return f"optimiseur, {_changed(old['optimizer'], new['optimizer'])}"
    return "la fonction de perte (`loss`)" if old["loss"] != new["loss"] else None


def _settings(recipe):
    """Return the optimizer's settings, those of the inner one where the loss is scaled (float16)."""
    settings = recipe["optimizer"]["config"]
    while "inner_optimizer" in settings:
        settings = settings["inner_optimizer"]["config"]
    return settings


def _unnamed(value, names):
    if isinstance(value, dict):
        # A setting that one version of Keras lacks is null in the next.
        return {
            key: _unnamed(item, names)
            for key, item in value.items()
            if key not in _NOT_COMPARED and item is not None
        }
    if isinstance(value, (list, tuple)):
        return [_unnamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _changed(old, new, setting=None):
    """Say which setting of a serialized object changed: "learning_rate : 0.01 → 0.001"."""
    if isinstance(old, dict) and isinstance(new, dict):
        if old.get("class_name") != new.get("class_name"):
            return f"{old.get('class_name')} → {new.get('class_name')}"
        inside = {**old, **(old.get("config") or {})}, {**new, **(new.get("config") or {})}
        for key in [key for key in {**inside[0], **inside[1]} if key != "config"]:
            if inside[0].get(key) != inside[1].get(key):
                return _changed(inside[0].get(key), inside[1].get(key), key)
    return f"{setting} : {_short(old)} → {_short(new)}"


def _short(value):
    if isinstance(value, dict) and "class_name" in value:
        return value["class_name"]
    return f"{value:.6g}" if isinstance(value, float) else value  # float32: 0.01 is 0.0099999998
