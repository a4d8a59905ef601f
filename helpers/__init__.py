"""The course pack's own package: what the notebooks take from it, and the room where each thing lives.

Read ``engine`` (data generation, training), then ``experiments`` and ``plotting``. A room is entered only
when something in it is asked for: ``helpers.french`` and ``helpers.setup`` work without TensorFlow.
"""

from importlib import import_module

_ROOMS = {
    "engine.config": ("PlaygroundConfig",),
    "engine.data": ("compute_features", "load_data"),
    "engine.training": ("Run", "train"),
    "engine.keras_export": ("keras_code",),
    "playground": ("Playground",),
    "cifar10": ("TrainingRecord", "calibrate", "evaluate", "load_cifar10", "read_model"),
}
_MODULES = {
    "selftest": "engine.selftest",
    "experiments": "experiments",
    "plotting": "plotting",
    "cifar10": "cifar10",
    **{f"part{number}": f"checks.part{number}" for number in (1, 2, 3, 4)},
}
_PLACES = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name):
    """Fetch a name once asked for, if this computer has what the lab stands on (PEP 562)."""
    room = _MODULES.get(name) or _PLACES.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import_module(f"{__name__}.setup.python").require()
    module = import_module(f"{__name__}.{room}")
    globals()[name] = module if name in _MODULES else getattr(module, name)
    return globals()[name]
