"""Every control of playground.tensorflow.org in one frozen dataclass, read from and written to its URL.

The URL is the currency of the lab: a student may work in our widget or on the real site, an answer is
a URL, and a check replays it. ``address`` reads and writes its text, this module says what is valid.
Messages are in French because students meet them.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

from ..french import french_error
from . import address

# The site's own choices, in its own order.
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear")
REGULARIZATIONS = ("none", "L1", "L2")
PROBLEMS = ("classification", "regression")
DATASETS = ("circle", "xor", "gauss", "spiral")
REG_DATASETS = ("reg-plane", "reg-gauss")
FEATURES = ("x", "y", "xSquared", "ySquared", "xTimesY", "sinX", "sinY")
LEARNING_RATES = (0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
REGULARIZATION_RATES = (0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
TRAIN_PERCENTAGES = tuple(range(10, 100, 10))
MAX_NOISE = 80  # the slider stops at 50, the lab's own addresses go up to 80
MAX_BATCH_SIZE = 30
MAX_LAYERS = 6
MAX_NEURONS = 8
# The site takes any text for a seed; ours are those that no mail program changes unnoticed.
SEED = re.compile(
    r"[+-]?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?|[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*", re.ASCII
)


@dataclass(frozen=True, repr=False)
class PlaygroundConfig:
    """One experiment of the Playground: its data, network, training settings and how far it was trained.

    Attributes:
        activation: hidden activation, one of ``ACTIVATIONS``.
        regularization: one of ``REGULARIZATIONS``.
        batch_size: training points per weight update, 1 to 30.
        dataset: classification data, one of ``DATASETS``.
        reg_dataset: regression data, one of ``REG_DATASETS``.
        learning_rate: one of ``LEARNING_RATES``.
        regularization_rate: one of ``REGULARIZATION_RATES``.
        noise: noise of the data, in percent, 0 to 80.
        network_shape: neurons in each hidden layer, 0 to 6 layers of 1 to 8 neurons.
        seed: the random seed, a string kept literally ("0.10000" is not "0.1").
        show_test_data: whether the test points are drawn too.
        discretize: whether the output is drawn as two plain classes.
        perc_train_data: share of the points used for training, in percent, 10 to 90 by 10.
        features: the inputs that are switched on, in the site's order; without any, nothing is trained.
        problem: one of ``PROBLEMS``.
        init_zero: start from weights and biases at zero.
        epochs: how long the experiment was trained (an extra key that the site ignores).
        resets: how often "reset" was pressed before (an extra key too).
        hidden: the controls that the address hides, among ``address.CONTROLS``, in the site's order, and the
            inputs, which are then off.

    Raises:
        ValueError: a value is outside the site's own choices; the French message names the key,
            the value and the accepted ones.
    """

    activation: str = "tanh"
    regularization: str = "none"
    batch_size: int = 10
    dataset: str = "circle"
    reg_dataset: str = "reg-plane"
    learning_rate: float = 0.03
    regularization_rate: float = 0
    noise: int = 0
    network_shape: tuple[int, ...] = (4, 2)
    seed: str = "0.50819"  # the site draws one; a lab must not
    show_test_data: bool = False
    discretize: bool = False
    perc_train_data: int = 50
    features: tuple[str, ...] = ("x", "y")
    problem: str = "classification"
    init_zero: bool = False
    epochs: int = 0
    resets: int = 0
    hidden: tuple[str, ...] = ()

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            self._set(name, _choice(FIELD_KEYS[name], getattr(self, name), choices))
        for name, (low, high) in _INTEGER_RANGES.items():
            self._set(name, whole(FIELD_KEYS[name], getattr(self, name), low, high))
        for name in _BOOLEANS:
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise french_error(f"{FIELD_KEYS[name]} = {value!r} : il faut True ou False.")
        self._set("network_shape", _shape(self.network_shape))
        self._set("hidden", _subset("hidden", self.hidden, (*address.CONTROLS, *FEATURES)))
        features = _subset("features", self.features, FEATURES)
        self._set("features", tuple(name for name in features if name not in self.hidden))
        if not isinstance(self.seed, str) or not SEED.fullmatch(self.seed):
            raise french_error(
                f'seed = {self.seed!r} : il faut une graine sous forme de texte, un nombre comme "0.50819" '
                "ou un mot sans accent ni espace."
            )

    def _set(self, name, value):
        object.__setattr__(self, name, value)  # the dataclass is frozen: normalise only while it is made

    @property
    def data_name(self) -> str:
        """The dataset in use: ``dataset`` or ``reg_dataset``, as ``problem`` says."""
        return self.dataset if self.problem == "classification" else self.reg_dataset

    def replace(self, **changes) -> "PlaygroundConfig":
        """Return a copy with some fields changed, validated anew."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_url(cls, url: str) -> "PlaygroundConfig":
        """Read an address of playground.tensorflow.org in a text, or only what follows its ``#``.

        As on the site, missing keys keep the site's defaults, unknown keys are ignored, a feature whose
        ``<name>_hide=true`` is present is off, and ``networkShape=`` (empty) means no hidden layer.

        Raises:
            ValueError: not an address of the Playground, or a value outside the site's choices.
        """
        return address.read(url, cls._from_values)

    @classmethod
    def _from_values(cls, values: Mapping[str, str]) -> "PlaygroundConfig":
        fields = {
            name: _parse(name, values[key])
            for name, key in FIELD_KEYS.items()
            if key in values and (values[key] or name == "network_shape")
        }

        def is_on(key, default=False):
            return address.boolean(key, values[key]) if values.get(key) else default

        fields["features"] = tuple(name for name in FEATURES if is_on(name, name in cls.features))
        hidable = *address.CONTROLS, *FEATURES
        fields["hidden"] = tuple(name for name in hidable if is_on(f"{name}_hide"))
        return cls(**fields)

    def to_url(self) -> str:
        """Return the address that opens this experiment on the site; ``from_url`` reads it back exactly."""
        values = {key: address.written(getattr(self, name)) for name, key in FIELD_KEYS.items()}
        values.update({name: address.written(name in self.features) for name in FEATURES})
        for extra in address.OURS:
            if not getattr(self, extra):
                del values[extra]
        return address.write(values, self.hidden)

    def __repr__(self):
        changed = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        )
        return f"PlaygroundConfig({', '.join(changed)})"


# Field name -> key in the site's URL.
FIELD_KEYS = {
    field.name: re.sub("_(.)", lambda found: found[1].upper(), field.name)
    for field in dataclasses.fields(PlaygroundConfig)
    if field.name not in ("features", "hidden")
}
_CHOICES = {
    "activation": ACTIVATIONS,
    "regularization": REGULARIZATIONS,
    "problem": PROBLEMS,
    "dataset": DATASETS,
    "reg_dataset": REG_DATASETS,
    "learning_rate": LEARNING_RATES,
    "regularization_rate": REGULARIZATION_RATES,
    "perc_train_data": TRAIN_PERCENTAGES,
}
_INTEGER_RANGES = {
    "batch_size": (1, MAX_BATCH_SIZE),
    "noise": (0, MAX_NOISE),
    "epochs": (0, None),
    "resets": (0, None),
}
_BOOLEANS = ("show_test_data", "discretize", "init_zero")
_NUMBERS = ("learning_rate", "regularization_rate", "perc_train_data", *_INTEGER_RANGES)


def _choice(key, value, choices):
    # bool is an int in Python: True must not pass for a learning rate of 1.
    for choice in choices:
        if not isinstance(value, bool) and value == choice:
            return choice
    accepted = ", ".join(address.written(choice) for choice in choices)
    raise french_error(f"{key} = {value!r} : valeur inconnue. Valeurs acceptées : {accepted}.")


def whole(key: str, value: Real, low: int = 0, high: int | None = None) -> int:
    """Return a whole number as an int, or say in French what is expected."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and value == int(value):
        value = int(value)
        if low <= value and (high is None or value <= high):
            return value
    span = f"entre {low} et {high}" if high is not None else f"supérieur ou égal à {low}"
    raise french_error(f"{key} = {value!r} : il faut un nombre entier {span}.")


def _shape(shape):
    expected = f"il faut de 0 à {MAX_LAYERS} couches cachées de 1 à {MAX_NEURONS} neurones, exemple : (8,)."
    if isinstance(shape, (str, bytes)) or not isinstance(shape, Iterable):
        raise french_error(f"networkShape = {shape!r} : {expected}")
    shape = tuple(shape)
    if len(shape) > MAX_LAYERS:
        raise french_error(f"networkShape = {shape!r} : {len(shape)} couches cachées ; {expected}")
    try:
        return tuple(whole("networkShape", neurons, 1, MAX_NEURONS) for neurons in shape)
    except ValueError:
        raise french_error(f"networkShape = {shape!r} : {expected}") from None


def _subset(field, names, choices):
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise french_error(f"{field} = {names!r} : il faut une liste de noms parmi {', '.join(choices)}.")
    names = tuple(names)
    for name in names:
        _choice(field, name, choices)
    return tuple(name for name in choices if name in names)


def _parse(name, text):
    if name in _NUMBERS:
        return address.number(FIELD_KEYS[name], text)
    if name in _BOOLEANS:
        return address.boolean(FIELD_KEYS[name], text)
    if name == "network_shape":
        return tuple(address.number("networkShape", part.strip()) for part in text.split(",")) if text else ()
    return text


FEATURE_NAMES = {
    "x": "X₁",
    "y": "X₂",
    "xSquared": "X₁²",
    "ySquared": "X₂²",
    "xTimesY": "X₁X₂",
    "sinX": "sin X₁",
    "sinY": "sin X₂",
}
