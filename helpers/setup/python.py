"""What the lab stands on: a Python that TensorFlow supports, and packages that can be imported.

Standard library only, and no syntax newer than Python 3.8: it has to run where nothing is installed yet, or
where Python itself is what is wrong.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import platform
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from ..french import OneSentence, listed

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = os.name == "nt"
OLDEST, NEWEST = (3, 11), (3, 13)
# TensorFlow is published for these, and only these.
PROCESSORS = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",), "win32": ("amd64",)}
PACKAGES = ("numpy", "matplotlib", "ipywidgets", "tensorflow")  # what a notebook's first cell imports
LONGEST_WINDOWS_PATH = 55  # TensorFlow's longest file is 200 characters below; Windows allows 260 in all
INSTALL = "la ligne d'installation du README"
COLAB = "ouvrez les carnets sur Google Colab (badges du README)"


class NotReady(OneSentence, ImportError):
    """The lab cannot start here: why, and what to do."""


def unsupported(version: tuple[int, int], system: str, processor: str) -> str | None:
    """Say in French why TensorFlow is not made for such a Python, and what to do; None if it is.

    Args:
        version: (major, minor) of Python.
        system: "linux", "darwin" or "win32", as ``sys.platform``.
        processor: what this Python was built for, such as "x86_64" or "arm64".
    """
    number, wanted = ".".join(map(str, version)), ".".join(map(str, NEWEST))
    command = ("py -3 par py -" if system == "win32" else "python3 par python") + wanted
    wanted += " en 64 bits" * (processor == "win32")
    instead = (
        f"installez Python {wanted} (python.org), effacez le dossier .venv s'il existe, puis relancez "
        f"{INSTALL} en y remplaçant {command} ; ou lancez la ligne uv du README, qui apporte son Python"
    )
    if version < OLDEST:
        return f"Python {number} est trop ancien pour ce laboratoire : {instead}."
    if version > NEWEST:
        return f"Python {number} est trop récent pour TensorFlow : {instead}."
    if processor in PROCESSORS.get(system, ()):
        return None
    if (system, processor) == ("win32", "win32"):
        return f"TensorFlow n'existe pas pour un Python 32 bits : {instead}."
    if (system, processor) == ("darwin", "x86_64"):
        return (
            f"TensorFlow n'existe plus pour les processeurs Intel des Mac : {COLAB} ; si votre Mac a "
            f"une puce Apple, ce Python n'est pas fait pour elle : {instead}."
        )
    return f"TensorFlow n'existe pas pour ce processeur ({processor}) : {COLAB}."


def this_python() -> tuple[tuple[int, int], str, str]:
    """Return the arguments of ``unsupported`` for the running Python."""
    # A Python may be built for another processor than the machine's own: on Windows, sysconfig knows.
    processor = sysconfig.get_platform().split("-")[-1] if sys.platform == "win32" else platform.machine()
    return sys.version_info[:2], sys.platform, processor


def pip_install(arguments: str = "-r requirements.txt -c constraints.txt") -> str:
    """Return the command that installs into the running Python."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{python} -m pip install {arguments}"


def missing(packages: Iterable[str]) -> str:
    """Say in French how to get packages that this Python does not have."""
    programs = ROOT / ".venv" / ("Scripts" if WINDOWS else "bin")
    if programs.is_dir() and Path(sys.executable).parent.resolve() != programs.resolve():
        return (
            f"Ce Python ({sys.executable}) n'est pas celui du laboratoire : lancez jupyter et python depuis "
            f"{programs}, ou choisissez .venv comme noyau du carnet."
        )
    if problem := unsupported(*this_python()):  # why pip did not find them
        return problem
    names = listed(packages)
    if WINDOWS and len(str(ROOT)) > LONGEST_WINDOWS_PATH:
        return (
            f"Il manque {names}, et le chemin de ce dossier est trop long pour TensorFlow sous Windows : "
            rf"déplacez-le, par exemple dans C:\lab, puis relancez {INSTALL}."
        )
    return f"Il manque {names} : lancez {pip_install()} dans le dossier du laboratoire, {ROOT}."


def broken(package: str, error: BaseException | str) -> str:
    """Say in French what to do about a package that is installed and cannot be imported."""
    detail = " ".join(str(error).split())
    detail = f" ({detail[:160]}{'…' if len(detail) > 160 else ''})" if detail else ""
    if WINDOWS and "DLL" in detail:
        return (
            f"{package} est installé mais ne se charge pas{detail} : installez « Microsoft Visual C++ "
            "Redistributable » (x64), depuis le site de Microsoft, puis redémarrez le noyau."
        )
    repair = pip_install(f"--force-reinstall --no-cache-dir {package}")
    return (
        f"{package} est installé mais ne se charge pas{detail} : lancez {repair}, puis redémarrez le noyau."
    )


def require() -> None:
    """Import what the lab stands on.

    Raises:
        NotReady: a package is missing or broken, or this Python is too old.
    """
    if sys.version_info[:2] < OLDEST:
        raise NotReady(missing(PACKAGES))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for package in PACKAGES:
        try:
            with quiet_native_stderr():  # TensorFlow's first messages come before that level is read
                importlib.import_module(package)
        except ModuleNotFoundError as error:
            absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
            problem = missing(absent) if error.name in absent else broken(package, error)
        except Exception as error:  # a broken package raises anything
            problem = broken(package, error)
        else:
            continue
        raise NotReady(problem) from None


@contextlib.contextmanager
def quiet_native_stderr():
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
