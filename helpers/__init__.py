"""The course pack's own package: the Playground's data and training, its widget, figures and checks."""

import contextlib
import os


@contextlib.contextmanager
def _quiet_native_stderr():
    """Hide what TensorFlow's C++ start-up writes straight to file descriptor 2; Python errors still show."""
    try:
        saved = os.dup(2)
    except OSError:  # no such descriptor (pythonw on Windows)
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _quiet_native_stderr():  # its first messages come before that level is read
    import tensorflow as _tensorflow  # noqa: F401

from .config import PlaygroundConfig  # noqa: E402
from .playground import Playground  # noqa: E402
from .training import Run, train  # noqa: E402

__all__ = ["Playground", "PlaygroundConfig", "Run", "train"]
