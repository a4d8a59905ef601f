"""The CIFAR-10 images: what they are, and where they come from."""

import errno
import html
import io
import numbers
import os
import pickle
import socket
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import keras
import numpy as np
from IPython.display import display

from ..french import OneSentence, french_error, listed, quoted, thousands, typographic
from ..notebook.shown import ORANGE, SKY, card
from ..setup import cifar10_files
from ..setup.cifar10_files import ARCHIVE, BATCHES, CACHED, FOLDER, TRAINING
from . import demonstration

CLASSES = ("avion", "voiture", "oiseau", "chat", "cerf", "chien", "grenouille", "cheval", "bateau", "camion")
PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
TIMEOUT = 30.0  # seconds of silence after which a download is given up: some networks never answer

_FULL = 50_000  # training images
_BATCH = 10_000  # images in each file
_OFFICIAL = f"l'archive officielle cifar-10-python.tar.gz ({PAGE})"
_MADE_UP = "travaillez sur des images fabriquées avec load_cifar10(demo=True)"
_FULL_DISK = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}


class DataUnavailable(OneSentence, OSError):
    """CIFAR-10 could not be had: why, and what to do."""


@dataclass(frozen=True, repr=False, eq=False)
class Cifar10:
    """Training and test images with labels; unpacks like the result of ``keras.datasets.cifar10.load_data``.

    Source: Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images.

    Attributes:
        x_train: (n, 32, 32, 3) uint8, red, green, blue in 0..255; n is 50,000 in the full set.
        y_train: (n, 1) uint8, indices in ``CLASSES``.
        x_test: (m, 32, 32, 3) uint8; m is 10,000 in the full set.
        y_test: (m, 1) uint8.
        demo: True for made-up images, on which no result means anything for CIFAR-10.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    demo: bool = False

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Allow ``(x_train, y_train), (x_test, y_test) = data``."""
        yield self.x_train, self.y_train
        yield self.x_test, self.y_test

    @property
    def name(self) -> str:
        """What results on these images are filed under, such as "cifar10-50000" or "demonstration-2000"."""
        return f"{'demonstration' if self.demo else 'cifar10'}-{len(self.x_train)}"

    @property
    def note(self) -> str:
        """What must be said beside any result on these images: nothing for the complete CIFAR-10."""
        if self.demo:
            return "données de démonstration"
        complete = len(self.x_train) >= _FULL and len(self.x_test) >= _BATCH
        return "" if complete else "sous-ensemble de CIFAR-10"

    def subset(self, images: int) -> "Cifar10":
        """Keep the first training images, as many of each class, and all test images.

        Raises:
            ValueError: in French, ``images`` is not a whole number from 10 to all of them.
        """
        available = len(self.x_train)
        if not _is_whole(images) or not 10 <= images <= available:
            raise french_error(
                f"subset garde un nombre entier d'images d'entraînement, de 10 à {thousands(available)} ; "
                f"reçu : {quoted(images)}."
            )
        kept = _balanced(self.y_train, images)
        return replace(self, x_train=self.x_train[kept], y_train=self.y_train[kept])

    def __repr__(self):
        train, test = (thousands(len(images)) for images, _ in self)
        if self.demo:
            text = (
                f"Données de démonstration : images fabriquées par un programme, {train} pour l'entraînement "
                f"et {test} pour le test ; les résultats ne disent rien de CIFAR-10."
            )
        elif self.note:
            text = (
                f"Sous-ensemble de CIFAR-10 : {train} images d'entraînement sur {thousands(_FULL)} et {test} "
                "images de test ; les résultats ne se comparent pas à ceux de l'ensemble complet."
            )
        else:
            text = (
                f"CIFAR-10 : {train} images d'entraînement et {test} images de test, en couleurs, de 32 × 32 "
                f"pixels, en {len(CLASSES)} classes."
            )
        return typographic(text)

    def _repr_html_(self):
        head, rest = html.escape(repr(self), quote=False).split(":", 1)
        return card(ORANGE if self.note else SKY, f"<b>{head}:</b>{rest}")


def load_cifar10(folder: str | Path | None = None, demo: bool | int | None = None) -> Cifar10:
    """Load CIFAR-10: from a folder for rooms without a network, else from Keras's cache or download.

    Args:
        folder: cifar-10-batches-py, the official archive, or a folder that holds either; by default the
            environment variable CIFAR10_DIR. When given, nothing else is tried.
        demo: True for made-up images as many as the real ones, or how many to train on (with a fifth as many
            for the test, at least 100), False for none; by default the environment variable
            LAB_CIFAR10_DEMO ("1", "true", or a number). They come before any folder, and a banner always
            says that they are made up.

    Raises:
        DataUnavailable: no network, a damaged file, an unsuitable folder.
        ValueError: an argument of the wrong kind.
    """
    data = find_cifar10(folder, demo)
    _LOADED[:] = [data]
    if data.demo:
        keras.utils.set_random_seed(0)  # a demonstration shows the same from one run to the next
        display(data)
    return data


def find_cifar10(folder: str | Path | None = None, demo: bool | int | None = None) -> Cifar10:
    """Do what ``load_cifar10`` does without its banner: for checks, where one has been shown already."""
    if images := _demo_images(demo):
        train = demonstration.draw("train", images)
        return Cifar10(*train, *demonstration.draw("test", max(images // 5, 100)), demo=True)
    folder = folder or os.environ.get("CIFAR10_DIR")
    if not folder:
        return _read(_download())
    if not isinstance(folder, (str, os.PathLike)):
        raise french_error(
            f"load_cifar10 attend le nom d'un dossier, entre guillemets ; reçu : {quoted(folder)}."
        )
    return _read(_locate(Path(folder).expanduser()))


def loaded() -> Cifar10:
    """Return what ``load_cifar10`` loaded last; where it was not called, as in marking, what it would."""
    if not _LOADED:
        _LOADED[:] = [find_cifar10()]
    return _LOADED[0]


_LOADED: list[Cifar10] = []


def _demo_images(demo):
    """How many demonstration images to train on, 0 for the real data."""
    asked = os.environ.get("LAB_CIFAR10_DEMO", "").strip().lower() if demo is None else demo
    known = {"": 0, "0": 0, "false": 0, False: 0, "1": _FULL, "true": _FULL, True: _FULL}
    try:
        images = known[asked] if asked in known else int(asked) if isinstance(asked, str) else asked
    except (TypeError, ValueError):  # unhashable, or no number
        images = None
    if not _is_whole(images) or not (images == 0 or 10 <= images <= _FULL):
        name = "LAB_CIFAR10_DEMO" if demo is None else "demo"
        raise french_error(
            f"{name} vaut 1 (ou True) pour toutes les images de démonstration, ou leur nombre, de 10 à "
            f"{thousands(_FULL)} ; reçu : {quoted(asked)}."
        )
    return int(images)


def _is_whole(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _balanced(labels, images):
    """Indices, increasing, of the first images of each class, as many of each as possible."""
    rank = np.empty(len(labels), int)  # of each image within its class
    for index in range(len(CLASSES)):
        same = labels[:, 0] == index
        rank[same] = np.arange(np.count_nonzero(same))
    return np.sort(np.argsort(rank, kind="stable")[:images])


def _download() -> Path:
    """Return Keras's copy of the official archive, downloaded first if need be, its hash checked.

    This is the file, cache and hash of ``keras.datasets.cifar10.load_data``, without its extraction: 180 MB
    more at each call, which a killed process leaves half-written. The archive is read in place instead.
    """
    cache = cifar10_files.cache()
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        return Path(keras.utils.get_file(CACHED, ARCHIVE, file_hash=SHA256, cache_subdir=str(cache)))
    except Exception as error:  # Keras raises bare Exceptions
        if isinstance(error, ValueError):  # the wrong hash, the one case where Keras leaves the file
            (cache / CACHED).unlink(missing_ok=True)
            reason = "le fichier reçu n'est pas l'archive officielle, il est coupé ou abîmé"
        elif getattr(error, "errno", None) in _FULL_DISK:
            reason = "il n'y a pas assez de place sur le disque pour ses 170 Mo"
        elif getattr(error, "errno", None) in _NOT_WRITABLE:
            reason = f"rien ne peut être écrit dans {cache}"
        else:
            reason = "le téléchargement a échoué ou s'est interrompu"
        raise DataUnavailable(
            f"CIFAR-10 n'est pas disponible ({reason}) : relancez cette cellule avec un accès au réseau, ou "
            f"indiquez par la variable d'environnement CIFAR10_DIR un dossier qui contient {FOLDER} ou "
            f"{_OFFICIAL}, ou {_MADE_UP}."
        ) from None
    finally:
        socket.setdefaulttimeout(timeout)


def _locate(folder: Path) -> Path:
    """Return the folder of the batches, or the archive, that a named place is or holds."""
    if place := cifar10_files.find(folder):
        return place
    wrong = f"ne contient ni {FOLDER} ni cifar-10-python.tar.gz" if os.path.isdir(folder) else "n'existe pas"
    raise DataUnavailable(
        f"Le dossier « {folder} » {wrong} : corrigez l'argument de load_cifar10 ou la variable "
        f"d'environnement CIFAR10_DIR (il y faut {_OFFICIAL}), ou ôtez-les pour la télécharger, "
        f"ou {_MADE_UP}."
    )


def _read(place: Path) -> Cifar10:
    """Read the batches of a folder or an archive, with every check that does not need the official bytes."""
    try:
        batches = {name: _decode(name, content) for name, content in _files(place)}
        if missing := [name for name in BATCHES if name not in batches]:
            raise _Damaged(f"il y manque {listed(missing)}")
        x_train, y_train = map(np.concatenate, zip(*(batches[name] for name in TRAINING), strict=True))
        x_test, y_test = batches["test_batch"]
        for labels in (y_train, y_test):
            if len(set(np.bincount(labels[:, 0], minlength=len(CLASSES)))) > 1:
                raise _Damaged("les dix classes n'y ont pas autant d'images")
    except Exception as error:  # a damaged archive raises many kinds
        reason = error if isinstance(error, _Damaged) else "la lecture échoue, comme sur une copie incomplète"
        raise DataUnavailable(
            f"« {place} » n'est pas CIFAR-10 en entier ({reason}) : copiez-y de nouveau {_OFFICIAL}, "
            f"ou {_MADE_UP}."
        ) from None
    return Cifar10(x_train, y_train, x_test, y_test)


def _files(place):
    """Yield name and content of each batch in a folder or an archive; nothing is extracted on disk."""
    if place.is_dir():
        for name in filter(lambda name: (place / name).is_file(), BATCHES):
            yield name, (place / name).read_bytes()
        return
    with tarfile.open(place) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if member.isfile() and name in BATCHES:
                yield name, archive.extractfile(member).read()


def _decode(name, content):
    """Images (n, 32, 32, 3) uint8 and labels (n, 1) uint8 of one official batch."""
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
        rows, labels = batch[b"data"], np.asarray(batch[b"labels"])
    except _Damaged as damaged:
        raise _Damaged(f"{name} {damaged}") from None
    except Exception:  # a damaged pickle raises nearly anything
        raise _Damaged(f"{name} est coupé ou abîmé") from None
    shape = (_BATCH, 3 * 32 * 32)
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.shape != shape:
        raise _Damaged(f"{name} ne contient pas {thousands(_BATCH)} images de 32 × 32 pixels en couleurs")
    if labels.shape != (_BATCH,) or labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 9:
        raise _Damaged(f"{name} ne contient pas {thousands(_BATCH)} étiquettes de 0 à 9")
    images = rows.reshape(_BATCH, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels.astype(np.uint8)[:, np.newaxis]


class _Damaged(Exception):
    """What is wrong with a file, in French, to be put in a sentence."""


class _BatchUnpickler(pickle.Unpickler):
    """Read the official batches, which hold one array, and refuse all else: a pickle may run any program."""

    def find_class(self, module, name):
        module = module.replace("numpy.core.", "numpy._core.")  # the official files are older than NumPy 2
        if (module, name) not in _BATCH_GLOBALS:
            raise _Damaged(f"demande {quoted(f'{module}.{name}')}, dont des images n'ont pas besoin")
        return super().find_class(module, name)


_BATCH_GLOBALS = {("numpy", "dtype"), ("numpy", "ndarray"), ("numpy._core.multiarray", "_reconstruct")}
