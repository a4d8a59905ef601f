"""Where the files of CIFAR-10 may be. Standard library only, for ``python -m helpers``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

ARCHIVE = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
FOLDER = "cifar-10-batches-py"
CACHED = f"{FOLDER}-target_archive"  # the archive, as keras.datasets.cifar10 names it
TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
BATCHES = (*TRAINING, "test_batch")
# What a folder that someone named may hold: the batches, the archive (Safari unzips it), Keras's copies.
_PLACES = (
    *(".", FOLDER, f"cifar-10-python/{FOLDER}", "cifar-10-python.tar.gz", "cifar-10-python.tar"),
    *(CACHED, f"{FOLDER}.tar.gz", f"{FOLDER}-target/{FOLDER}"),
)


def find(folder: str | os.PathLike) -> Path | None:
    """Return the folder of the batches, or the archive, that a named place is or holds; None if neither."""
    for place in (Path(folder).expanduser() / name for name in _PLACES):
        if os.path.isfile(place) or any(os.path.isfile(place / batch) for batch in BATCHES):
            return place
    return None


def cache() -> Path:
    """Return the folder in which Keras keeps what it downloads: a temporary one where home is read-only."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    return (home if os.access(home, os.W_OK) else Path(tempfile.gettempdir(), ".keras")) / "datasets"
