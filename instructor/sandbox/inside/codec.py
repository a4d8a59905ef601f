"""Values as JSON with explicit types, so that one process can give another its answers and nothing else.

Both directions: a student's answers, and the arguments with which a check calls a student's function. What
has no encoding travels as the name of its type, and a check then finds it wrong. Decoding builds values of
known types only; it never imports, evaluates or unpickles.
"""

import base64
import contextlib
import json
import numbers
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

import numpy as np

from helpers.engine.config import PlaygroundConfig

DEPTH = 8  # of nested containers
ITEMS = 100_000  # in all containers of one value
LONGEST = 2**20  # characters of a string
LARGEST = 32 * 2**20  # bytes of an array
MOST_STARTS = 1024  # of a run that is trained anew
MOST_EPOCHS, MOST_MODELS = 160_000, 4  # of the runs trained anew, and of the models built, for one value
_KINDS = "biufcSU"  # of arrays: never objects


class Undecodable(Exception):
    """What was received is no value of ours."""


class Opaque:
    """Stands for an object that does not travel; a check will say that it is not what was asked for."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self):
        return f"<objet de type {self.name}>"


def encode(value: object, keep: Callable[[Callable], int] | None = None) -> list:
    """Return a value as JSON, ``["type", ...]``.

    Args:
        value: anything.
        keep: given a function, returns the number by which the other side may call it; without, functions
            do not travel.
    """
    return _Encoder(keep).encode(value, 0)


def decode(record: object, call: Callable[[int], Callable] | None = None) -> object:
    """Return the value that ``encode`` described.

    Args:
        record: what was received, possibly hostile.
        call: given a function's number, returns what calls it.

    Raises:
        Undecodable: not what ``encode`` makes.
    """
    _left.update(epochs=MOST_EPOCHS, models=MOST_MODELS)
    try:
        return _decode(record, call, 0)
    except Undecodable:
        raise
    except Exception as error:  # whatever hostile input makes of numpy, Keras or our own code
        raise Undecodable(f"{type(error).__name__}: {error}"[:200]) from None


_left = {}  # of what decoding one value may cost
foreign: set[str] = set()  # kinds of values that were read, of those which a library reads and not we


def _spend(kind, amount):
    _left[kind] -= amount
    foreign.add(kind)
    if _left[kind] < 0:
        raise Undecodable(f"too many {kind}")


class _Encoder:
    def __init__(self, keep):
        self.keep, self.items = keep, 0

    def encode(self, value, depth):
        with contextlib.suppress(Exception):
            if record := self._known(value, depth):
                return record
            if callable(value) and self.keep:
                return ["function", self.keep(value)]
            if isinstance(value, numbers.Real):
                return self.encode(float(value), depth)
            if isinstance(value, Mapping) and not isinstance(value, dict):
                return self.encode(dict(value), depth)
            # A dictionary's view, a range; what is known and came so far is too large.
            if isinstance(value, Iterable) and not isinstance(value, _KNOWN):
                return self.encode(list(islice(value, ITEMS + 1)), depth)
        return ["object", _type_name(value)]

    def _known(self, value, depth):
        """Return a record of a value of a known type, None of others and of what is too large."""
        for kind, record in _PLAIN:
            if isinstance(value, kind):
                too_long = isinstance(value, (str, bytes)) and len(value) > LONGEST
                return None if too_long else record(value)
        for name, kind in (("list", list), ("tuple", tuple), ("set", (set, frozenset)), ("dict", dict)):
            if isinstance(value, kind):
                self.items += len(value)
                if depth >= DEPTH or self.items > ITEMS:
                    return None
                flat = [part for pair in value.items() for part in pair] if name == "dict" else value
                return [name, [self.encode(item, depth + 1) for item in flat]]
        return _library(value)


def _library(value):
    """Encode values of TensorFlow, of Keras, and of our own helpers that need them."""
    if _is(value, "helpers.engine.training", "Run"):
        # Its recipe: the checker trains it anew, so that its losses are those of the experiment it names.
        starts = list(map(int, value.starts))
        return ["run", value.config.to_url(), starts, str(value.dtype), int(value.epoch)]
    if _is(value, "helpers.experiments.sweep", "Sweep"):
        rates = [list(map(float, value.learning_rates)), list(map(float, value.rates))]
        starts = list(map(int, value.starts))
        losses = _array("array", np.asarray(value.losses, float))
        return ["sweep", value.config.to_url(), *rates, int(value.epochs), starts, losses]
    if _is(value, "keras", "Model"):
        if type(value).__module__.partition(".")[0] != "keras":  # a student's class
            keras = sys.modules["keras"]
            if isinstance(value, keras.Sequential):
                value = keras.Sequential(value.layers)
            elif getattr(value, "inputs", None) is None:
                return ["subclass", _type_name(value)]
            else:
                value = keras.Model(value.inputs, value.outputs)
        text = value.to_json()
        return ["keras", text] if len(text) <= LONGEST else None
    tensors = (("tensorflow", "Tensor"), ("tensorflow", "Variable"), ("keras", "Variable"))
    return _array("array", np.asarray(value)) if any(_is(value, *kind) for kind in tensors) else None


def _is(value, module, name):
    """Tell whether a value is of a class of a module that takes seconds to load: if not loaded, it is not."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name))


def _array(name, array):
    if array.dtype.kind not in _KINDS or array.nbytes > LARGEST:
        return None
    array = np.ascontiguousarray(array)
    return [name, array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]


def _type_name(value):
    return re.sub(r"\W", "", type(value).__name__)[:60] or "object"


_PLAIN = (  # the first type that fits
    (type(None), lambda _: ["none"]),
    (type(...), lambda _: ["ellipsis"]),
    (bool, lambda value: ["bool", value]),
    (np.generic, lambda value: _array("scalar", np.asarray(value))),
    (int, lambda value: ["int", str(int(value))]),
    (float, lambda value: ["float", float(value)]),
    (complex, lambda value: ["complex", value.real, value.imag]),
    (str, lambda value: ["str", str(value)]),
    (bytes, lambda value: ["bytes", base64.b64encode(value).decode()]),
    (os.PathLike, lambda value: ["str", os.fspath(value)]),
    (np.ndarray, lambda value: _array("array", value)),
    (PlaygroundConfig, lambda value: ["config", value.to_url()]),
)
_KNOWN = (str, bytes, list, tuple, set, frozenset, dict, np.ndarray)


def _decode(record, call, depth):
    if not isinstance(record, list) or not record or depth > DEPTH + 1:
        raise Undecodable("not a value")
    name, *fields = record
    if name in _CONTAINERS:
        (items,) = fields
        if not isinstance(items, list) or len(items) > 2 * ITEMS:
            raise Undecodable("not a container")
        return _CONTAINERS[name]([_decode(item, call, depth + 1) for item in items])
    if name == "function":
        (number,) = fields
        if call is None or type(number) is not int:
            raise Undecodable("no function is expected")
        return call(number)
    return _DECODERS[name](*fields)


def _decode_array(dtype, shape, data):
    dtype = np.dtype(str(dtype))
    if dtype.kind not in _KINDS:
        raise Undecodable("an array of objects")
    return np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape([int(n) for n in shape]).copy()


def _decode_run(url, starts, dtype, epoch):
    from helpers.checks.answers import MAX_EPOCHS, MAX_RESETS, trained  # noqa: PLC0415  (TensorFlow)

    config = PlaygroundConfig.from_url(url)
    starts = tuple(int(start) for start in starts)
    if not 0 <= epoch <= MAX_EPOCHS or len(starts) > MOST_STARTS or max(starts) > MAX_RESETS:
        return Opaque("Run")
    if dtype != "float64" or len(starts) * epoch > MOST_EPOCHS:
        return Opaque("Run")
    _spend("epochs", len(starts) * epoch)
    return trained(config, int(epoch), starts)


def _decode_sweep(url, learning_rates, rates, epochs, starts, losses):
    from helpers.experiments.sweep import MAX_CELLS, Sweep  # noqa: PLC0415  (TensorFlow)

    config = PlaygroundConfig.from_url(url)
    learning_rates, rates = tuple(map(float, learning_rates)), tuple(map(float, rates))
    starts, losses = tuple(map(int, starts)), _decode_array(*losses[1:])
    if losses.shape != (len(learning_rates), len(rates), len(starts)) or losses.dtype.kind != "f":
        raise Undecodable("not a sweep")
    if len(learning_rates) * len(rates) > MAX_CELLS:
        raise Undecodable("too large a sweep")
    return Sweep(config, learning_rates, rates, int(epochs), starts, losses)


def _decode_keras(text):
    import keras  # noqa: PLC0415  (a checker of parts without models never needs it)

    from helpers.cifar10.architecture import MAX_CLASSES, classes  # noqa: PLC0415

    _spend("models", 1)
    config, ours = json.loads(str(text)), {}
    if len(list(classes(config))) > MAX_CLASSES:
        raise Undecodable("too many layers")
    _stand_in(config, ours, keras)
    try:
        # Of the weights, which do not travel, nothing is needed: none is made, whatever its size.
        with keras.StatelessScope(initialize_variables=False), keras.saving.custom_object_scope(ours):
            model = keras.saving.deserialize_keras_object(config)  # safe mode: no code
    finally:
        keras.utils.clear_session(free_memory=False)
    if not isinstance(model, keras.Model):
        raise Undecodable("not a model")
    return model


def _stand_in(config, ours, keras):
    """Let what would run a student's code stand as a layer, or a function, of its name that does nothing."""
    items = config.items() if isinstance(config, dict) else enumerate(config)
    for key, value in list(items):
        if isinstance(value, dict) and set(value) == {"value"}:  # a lambda's code
            config[key] = {"module": "builtins", "class_name": "function", "config": "<lambda>"}
        if isinstance(config[key], (dict, list)):
            _stand_in(config[key], ours, keras)
    if not isinstance(config, dict) or not isinstance(name := config.get("class_name"), str):
        return
    inner = config.get("config")
    if name == "function":
        if not hasattr(keras.activations, str(inner)):
            ours[str(inner)] = _named(lambda inputs: inputs, str(inner))
    elif name == "Lambda" or (config.get("registered_name") and "keras" not in str(config.get("module"))):
        plain = re.sub(r"\W", "", name)[:60]
        ours[plain] = type(plain, (keras.layers.Layer,), {"call": lambda self, inputs: inputs})
        config |= {"class_name": plain, "module": None, "registered_name": plain, "build_config": None}
        config["config"] = {"name": str(inner.get("name", plain.lower()))}


def _named(function, name):
    function.__name__ = name
    return function


def _decode_subclass(name):
    import keras  # noqa: PLC0415

    _spend("models", 1)
    return type(re.sub(r"\W", "", str(name))[:60] or "Model", (keras.Model,), {})()


def _pairs(items):
    return dict(zip(items[::2], items[1::2], strict=True))


_CONTAINERS = {"list": list, "tuple": tuple, "set": set, "dict": _pairs}
_DECODERS = {
    "none": lambda: None,
    "ellipsis": lambda: ...,
    "bool": bool,
    "int": lambda digits: int(str(digits)),
    "float": float,
    "complex": complex,
    "str": str,
    "bytes": lambda data: base64.b64decode(data, validate=True),
    "array": _decode_array,
    "scalar": lambda *fields: _decode_array(*fields)[()],
    "config": PlaygroundConfig.from_url,
    "run": _decode_run,
    "sweep": _decode_sweep,
    "keras": _decode_keras,
    "subclass": _decode_subclass,
    "object": lambda name: Opaque(re.sub(r"\W", "", str(name))[:60]),
}
