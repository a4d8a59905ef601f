"""The course pack's own package: the Playground's data and training, its widget, figures and checks."""

import sys

# `python -m helpers` looks this package up with this argv: it checks the set-up before using it.
if sys.argv[:1] != ["-m"]:
    from .setup import require

    require()

    from .config import PlaygroundConfig
    from .playground import Playground
    from .training import Run, train

    __all__ = ["Playground", "PlaygroundConfig", "Run", "train"]
