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
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

from ..french import decimal, listed, typographic
from . import cifar10_files
from . import python as setup
from .cifar10_files import ARCHIVE

INSTALLED_BYTES = 4e9  # what pip downloads, and what it becomes
WORKING_BYTES = 1e9  # CIFAR-10 and the saved models
MEMORY_BYTES = 2e9  # Part 4
ENGINE_SECONDS = 300
NETWORK_SECONDS = 4
ENGINE = "from helpers import selftest; print(*selftest.engine(), sep='\\n')"
ILLEGAL_INSTRUCTION = (-4, 0xC000001D)  # exit codes of a killed process: POSIX, Windows


def main() -> int:
    """Print the report and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # an old Windows console does not have ✓
    absent = absent_packages()
    faults = False
    for check in (python, packages, disk, memory, saves, engine, images):
        for line in check(absent):
            print(typographic(line), flush=True)
            faults |= line.startswith("✗")
    print()
    print(
        "Réglez ce qui est marqué ✗, puis recommencez."
        if faults
        else typographic("Tout est prêt : ouvrez la partie 1.")
    )
    return int(faults)


def requirements() -> dict[str, str]:
    """Return the least version of each required package; "0" on Colab, which has no requirements.txt."""
    path = setup.ROOT / "requirements.txt"
    if not path.exists():
        return dict.fromkeys(setup.PACKAGES, "0")
    return dict(re.findall(r"^([\w-]+)>=([\d.]+)", path.read_text("utf-8"), flags=re.MULTILINE))


def absent_packages() -> list[str]:
    """Return the required packages that this Python does not have."""
    return [name for name in requirements() if importlib.util.find_spec(name) is None]


def python(absent: list[str]) -> Iterator[str]:
    """Report this Python, and how to get what it does not have."""
    version = sys.version_info[:2]
    if absent or version < setup.OLDEST:
        yield f"✗ {setup.missing(absent)}"
        return
    name = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield f"– {name} : non éprouvé avec ce laboratoire." if version > setup.NEWEST else f"✓ {name}."


def packages(absent: list[str]) -> Iterator[str]:
    """Report the versions of the packages."""
    if absent:
        return
    versions, old = [], []
    for name, least in requirements().items():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # another build, as tensorflow-cpu
            version = importlib.metadata.version(name)
            versions.append(f"{name} {version}")
            if _numbers(version) < _numbers(least):
                old.append(f"{name} {version} ({least} au moins)")
    if old:
        update = setup.pip_install("-U -r requirements.txt -c constraints.txt")
        yield f"✗ Version trop ancienne de {listed(old)} : lancez {update}."
    else:
        yield f"✓ {', '.join(versions)}."


def disk(absent: list[str]) -> Iterator[str]:
    """Report the free space."""
    free, needed = shutil.disk_usage(setup.ROOT).free, INSTALLED_BYTES if absent else WORKING_BYTES
    if free < needed:
        yield f"✗ Disque : {_gigabytes(free)} libres, il en faut {_gigabytes(needed)} : faites de la place."
    else:
        yield f"✓ Disque : {_gigabytes(free)} libres."


def memory(_absent: list[str]) -> Iterator[str]:
    """Report the free memory, which only psutil knows on every system; it comes with Jupyter."""
    with contextlib.suppress(ImportError):
        import psutil  # noqa: PLC0415  (may be missing)

        memory = psutil.virtual_memory()
        text = f"Mémoire : {_gigabytes(memory.available)} libres sur {_gigabytes(memory.total)}"
        if memory.available < MEMORY_BYTES:
            yield f"– {text} ; fermez d'autres programmes avant la partie 4."
        else:
            yield f"✓ {text}."


def saves(_absent: list[str]) -> Iterator[str]:
    """Report whether Part 4 can save what it trains."""
    folder = setup.ROOT / "sauvegardes"
    try:
        with tempfile.TemporaryFile(dir=folder if folder.exists() else setup.ROOT) as file:
            file.write(b"essai")
    except OSError:
        yield (
            f"✗ Rien ne peut être enregistré dans {folder} : copiez le laboratoire dans un dossier qui est à "
            "vous, ou changez les droits de celui-ci."
        )
    else:
        yield "✓ Sauvegardes : le dossier est accessible en écriture."


def engine(absent: list[str]) -> Iterator[str]:
    """Report what a training says, in a process of its own."""
    if absent:
        return
    try:
        trained = subprocess.run(
            [sys.executable, "-c", ENGINE],
            capture_output=True,
            check=False,
            cwd=setup.ROOT,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            errors="replace",
            timeout=ENGINE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        yield "✗ L'entraînement d'essai ne finit pas : fermez d'autres programmes, puis recommencez."
        return
    if trained.returncode == 0:
        yield from trained.stdout.splitlines()
    elif trained.returncode in ILLEGAL_INSTRUCTION:
        yield f"✗ Le processeur de cet ordinateur est trop ancien pour TensorFlow : {setup.COLAB}."
    elif trained.returncode < 0:
        yield (
            f"✗ TensorFlow a été arrêté net (signal {-trained.returncode}), faute de mémoire peut-être : "
            f"fermez d'autres programmes, puis recommencez ; sinon, {setup.COLAB}."
        )
    else:
        last = (trained.stderr.strip() or "sans message").splitlines()[-1]
        yield f"✗ {last.partition('NotReady: ')[2] or setup.broken('tensorflow', last)}"


def images(absent: list[str]) -> Iterator[str]:
    """Report whether CIFAR-10 is here, or could be downloaded."""
    folder, kept = os.environ.get("CIFAR10_DIR"), cifar10_files.cache() / cifar10_files.CACHED
    place = cifar10_files.find(folder) if folder else kept if kept.is_file() else None
    if place:
        yield f"✓ CIFAR-10 (partie 4) : {place}."
    elif folder:
        yield (
            f"✗ CIFAR10_DIR désigne {folder}, où ne se trouve pas CIFAR-10 : corrigez cette variable ou "
            "ôtez-la."
        )
    elif not (problem := network_problem()):
        yield "✓ CIFAR-10 (partie 4) : sera téléchargé (170 Mo)."
    elif absent:
        yield f"✗ Sans réseau, rien ne s'installe, et {problem}."
    else:
        yield (
            f"– CIFAR-10 (partie 4 seulement) n'est pas ici, et {problem}, ou désignez par CIFAR10_DIR un "
            "dossier qui contient son archive."
        )


def network_problem() -> str | None:
    """Say in French why the archive cannot be fetched, within NETWORK_SECONDS; None if it can."""
    problem = [
        "le réseau ne répond pas : connectez-vous, ou donnez l'adresse de votre proxy dans HTTPS_PROXY"
    ]

    def ask():
        request = urllib.request.Request(ARCHIVE, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=NETWORK_SECONDS).close()
            problem[0] = None
        except urllib.error.HTTPError as error:
            problem[0] = (
                "le proxy demande un mot de passe : HTTPS_PROXY=http://nom:mot-de-passe@hôte:port"
                if error.code == 407
                else f"son site répond par l'erreur {error.code} : réessayez plus tard"
            )
        except OSError as error:
            if isinstance(getattr(error, "reason", error), ssl.SSLError):
                problem[0] = (
                    "ce Python ne reconnaît pas les certificats du réseau : sous macOS, lancez Install "
                    "Certificates.command ; derrière un proxy, donnez son certificat dans SSL_CERT_FILE"
                )

    # A name may take longer to look up than any timeout of a socket.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(NETWORK_SECONDS)
    return problem[0]


def _numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def _gigabytes(size):
    return f"{decimal(size / 1e9, 1)} Go"


if __name__ == "__main__":
    sys.exit(main())
