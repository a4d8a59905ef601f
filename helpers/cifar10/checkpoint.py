"""What a training leaves on disk: one folder per recipe and set of images, each file whole or not there.

A checkpoint ``last-007.keras`` is an ordinary Keras archive of the model and its optimizer after epoch 7,
which also carries the record of the epochs so far: weights and record can never disagree. (Keras's own
BackupAndRestore writes the two one after the other: killed in between, it trains an epoch twice.)
"""

import contextlib
import json
import os
import random
import re
import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from ..french import BadValue

SAVES = "sauvegardes"  # folder of all records, beside the notebook
GENERATIONS = 2  # checkpoints kept: the newest may be cut short by a full disk or a half-synced Drive
_MEMBER = "record.json"
_PARTIAL = ".partial-"


class RecordError(BadValue):
    """What stops a training."""


def records_folder(folder: str | os.PathLike | None = None) -> Path:
    """Return where records go: ``folder``, else the environment variable LAB_RECORDS, else "sauvegardes"."""
    return Path(folder or os.environ.get("LAB_RECORDS") or SAVES)


def file_name(name: str) -> str:
    """Return a student's name as one that every file system takes: "Réseau n° 2" gives "Reseau-n-2".

    Raises:
        RecordError: the name is no text, is empty or is longer than 60 characters.
    """
    if not isinstance(name, str):
        raise RecordError('Le nom d\'un entraînement est un texte court, par exemple `"simple"`.')
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9_]+", "-", letters).strip("-")
    if not safe or len(safe) > 60:
        raise RecordError(
            f"Le nom « {name[:60]} » ne peut pas nommer un dossier : prenez de 1 à 60 lettres ou chiffres, "
            'par exemple `"simple"`.'
        )
    return safe


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a place to write, which becomes ``path`` once all of it is on disk; on failure nothing stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{_PARTIAL}{os.getpid()}-{path.name}")
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(folder: Path):
    """Remove what a kill in the middle of a save has left."""
    for path in folder.glob(f"{_PARTIAL}*"):
        path.unlink(missing_ok=True)


def write(folder: Path, model: keras.Model, record: dict):
    """Save the model, its optimizer's state and the record as the checkpoint of the record's last epoch."""
    with whole_file(folder / f"last-{len(record['epochs']):03d}.keras") as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(_MEMBER, json.dumps(record))
    for old in newest_first(folder)[GENERATIONS:]:
        old.unlink(missing_ok=True)


def read(folder: Path) -> tuple[Path, dict] | None:
    """Return the newest undamaged checkpoint and its record; None where there is none."""
    for path in newest_first(folder):
        if is_whole(path):
            # Damaged or not one of ours: the one before may do.
            with contextlib.suppress(OSError, ValueError, KeyError), zipfile.ZipFile(path) as archive:
                return path, json.loads(archive.read(_MEMBER))
    return None


def newest_first(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, whatever their state."""

    def epoch_and_name(path):  # Drive's copies, "last-006 (1).keras", come after what they copy
        return int(re.match(r"last-(\d*)", path.name)[1] or 0), path.name

    return sorted(folder.glob("last-*.keras"), key=epoch_and_name, reverse=True)


def is_whole(path: Path) -> bool:
    """Say whether a ``.keras`` archive is there and each of its parts has the checksum written beside it."""
    # RuntimeError, NotImplementedError: a damaged header may claim a password or an unknown compression.
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False


def write_portable(path: Path, model: keras.Model):
    """Save the model without its optimizer, computing in float32 whatever the precision policy in force."""
    portable = untrained_copy(model, dtype="float32")
    portable.set_weights(model.get_weights())
    with whole_file(path) as partial:
        portable.save(partial)


def set_aside(folder: Path) -> Path:
    """Move the folder to ``anciens`` beside it, under the first free number, and return its new place."""
    number = 1
    while (target := folder.parent / "anciens" / f"{folder.name}-{number}").exists():
        number += 1
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder, target)
    return target


@contextlib.contextmanager
def same_randomness() -> Iterator[None]:
    """Give the generators of Python (where Keras draws its seeds) and NumPy their state back at the end."""
    python, arrays = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)


def untrained_copy(model: keras.Model, dtype: str | None = None) -> keras.Model:
    """Return an uncompiled copy with weights of its own, freshly initialized.

    With ``dtype`` all layers get that precision policy, else each keeps its own.
    """

    def copy(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "dtype": dtype} if dtype else config)

    # Else the copy would be compiled too, with an optimizer, by way of a text that a function of one's own
    # (a loss, a metric) does not survive.
    compiled, model.compiled = model.compiled, False
    try:
        with same_randomness():
            return keras.models.clone_model(model, clone_function=copy, recursive=True)
    finally:
        model.compiled = compiled
