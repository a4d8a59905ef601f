"""``python -m helpers``: is this computer ready, and if not, what to do: a French sentence for each fault.

The lines begin with ✓ (fine), – (good to know) or ✗ (to be mended); the exit code is 1 if there is a ✗.
Nothing is imported here that may be missing: TensorFlow is tried in a process of its own, which it may
bring down.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator

from ..french import listed, typographic
from . import cifar10_files
from . import python as setup

ENGINE = "from helpers import selftest; print(*selftest.engine(), sep='\\n')"
ILLEGAL_INSTRUCTION = (-4, 0xC000001D)  # exit codes of a killed process: POSIX, Windows


def main() -> int:
    """Print the report and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old Windows console does not have ✓
    faults = False
    for line in lines():
        print(typographic(line), flush=True)
        faults |= line.startswith("✗")
    end = "Réglez ce qui est marqué ✗, puis recommencez." if faults else "Tout est prêt : ouvrez la partie 1."
    print(typographic(f"\n{end}"))
    return int(faults)


def lines() -> Iterator[str]:
    """Report this Python and its packages, what a training says, where CIFAR-10 is."""
    absent = absent_packages()
    yield python(absent)
    if not absent:
        yield packages()
        yield from engine()
    yield images()


def requirements() -> dict[str, str]:
    """Return the least version of each required package; "0" on Colab, which has no requirements.txt."""
    path = setup.ROOT / "requirements.txt"
    if not path.exists():
        return dict.fromkeys(setup.PACKAGES, "0")
    return dict(re.findall(r"^([\w-]+)>=([\d.]+)", path.read_text("utf-8"), flags=re.MULTILINE))


def absent_packages() -> list[str]:
    """Return the required packages that this Python does not have."""
    return [name for name in requirements() if importlib.util.find_spec(name) is None]


def python(absent: list[str]) -> str:
    """Report this Python, and how to get what it does not have."""
    version = sys.version_info[:2]
    if absent or version < setup.OLDEST:
        return f"✗ {setup.missing(absent)}"
    name = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return f"– {name} : non éprouvé avec ce laboratoire." if version > setup.NEWEST else f"✓ {name}."


def packages() -> str:
    """Report the versions of the packages."""
    versions, old = [], []
    for name, least in requirements().items():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # another build, as tensorflow-cpu
            version = importlib.metadata.version(name)
            versions.append(f"{name} {version}")
            if _numbers(version) < _numbers(least):
                old.append(f"{name} {version} ({least} au moins)")
    if old:
        update = setup.pip_install("-U -r requirements.txt -c constraints.txt")
        return f"✗ Version trop ancienne de {listed(old)} : lancez {update}."
    return f"✓ {', '.join(versions)}."


def engine() -> list[str]:
    """Report what a training says, in a process of its own."""
    trained = subprocess.run(
        [sys.executable, "-c", ENGINE],
        capture_output=True,
        check=False,
        cwd=setup.ROOT,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        errors="replace",
    )
    if trained.returncode == 0:
        return trained.stdout.splitlines()
    if trained.returncode in ILLEGAL_INSTRUCTION:
        return [f"✗ Le processeur de cet ordinateur est trop ancien pour TensorFlow : {setup.COLAB}."]
    if trained.returncode < 0:  # it had no time to say anything
        return [
            f"✗ TensorFlow a été arrêté net (signal {-trained.returncode}), faute de mémoire peut-être : "
            f"fermez d'autres programmes, puis recommencez ; sinon, {setup.COLAB}."
        ]
    last = (trained.stderr.strip() or "sans message").splitlines()[-1]
    return [f"✗ {last.partition('NotReady: ')[2] or setup.broken('tensorflow', last)}"]


def images() -> str:
    """Report where CIFAR-10 is."""
    folder, kept = os.environ.get("CIFAR10_DIR"), cifar10_files.cache() / cifar10_files.CACHED
    place = cifar10_files.find(folder) if folder else kept if kept.is_file() else None
    if place:
        return f"✓ CIFAR-10 (partie 4) : {place}."
    if folder:
        return f"✗ CIFAR10_DIR désigne {folder}, qui ne contient pas CIFAR-10 : corrigez-la ou ôtez-la."
    return (
        "– CIFAR-10 (partie 4) sera téléchargé (170 Mo) ; sans réseau, désignez par CIFAR10_DIR un dossier "
        "qui contient son archive."
    )


def _numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
