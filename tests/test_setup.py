"""The check of the set-up: each way to fail ends in one French sentence that says what to do."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers.engine import selftest
from helpers.french import NBSP
from helpers.setup import python as setup
from helpers.setup import report as check

ROOT = Path(__file__).parents[1]
WORKING = "def __getattr__(name): return lambda *arguments, **options: None"
LINUX = ("linux", "x86_64")


def run(*arguments, packages=None, folder=ROOT, **environment):
    """Run Python in the pack.

    Args:
        arguments: of the interpreter.
        packages: sources of modules that take the place of the installed ones, by name.
        folder: where it runs; it receives the packages if there are any.
        environment: variables to set.
    """
    for name, source in (packages or {}).items():
        (folder / f"{name}.py").write_text(source)
    paths = [str(folder), str(ROOT)] if packages else [str(ROOT)]
    result = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        timeout=60,
    )
    result.stdout = re.sub(r"\x1b\[[\d;]*m", "", result.stdout).replace(NBSP, " ")
    result.stderr = result.stderr.replace(NBSP, " ")
    return result


def faults(text):
    return [line for line in text.splitlines() if line.startswith("✗")]


@pytest.mark.parametrize(
    ("python", "words"),
    [
        (((3, 10), *LINUX), r"^Python 3\.10 est trop ancien.* Python 3\.13 .* python3\.13 ; ou .* uv "),
        (((3, 14), *LINUX), r"^Python 3\.14 est trop récent pour TensorFlow : installez Python 3\.13 "),
        (((3, 14), "win32", "amd64"), r"remplaçant py -3 par py -3\.13 ; ou .* uv "),
        (((3, 12), "win32", "win32"), r"32 bits : .* Python 3\.13 en 64 bits .* py -3\.13 ; ou .* uv "),
        (((3, 12), "win32", "arm64"), r"ce processeur \(arm64\) : ouvrez les carnets sur Google Colab"),
        (((3, 12), "darwin", "x86_64"), r"Intel des Mac : .* Google Colab .* puce Apple"),
        (((3, 12), "linux", "armv7l"), r"ce processeur \(armv7l\)"),
    ],
)
def test_a_python_without_tensorflow_is_told_what_to_install(python, words):
    assert re.search(words, setup.unsupported(*python))


@pytest.mark.parametrize("system", [LINUX, ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "amd64")])
@pytest.mark.parametrize("minor", [11, 12, 13])
def test_a_supported_python(minor, system):
    assert setup.unsupported((3, minor), *system) is None


def test_the_supported_versions_are_the_same_everywhere():
    (oldest, newest), after = (setup.OLDEST, setup.NEWEST), setup.NEWEST[1] + 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == f">={oldest[0]}.{oldest[1]},<{newest[0]}.{after}"
    assert f"Il vous faut Python 3.11, 3.12 ou 3.{newest[1]}." in (ROOT / "README.md").read_text("utf-8")
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    required = [Requirement(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]
    assert list(check.requirements()) == [one.name for one in required]
    (tensorflow,) = (one for one in required if one.name == "tensorflow")
    # Where TensorFlow has no release, pip is to go on without it: the first cell then says what to do.
    assert tensorflow.marker.evaluate({"python_version": f"3.{newest[1]}"})
    assert not tensorflow.marker.evaluate({"python_version": f"3.{after}"})


@pytest.mark.parametrize(
    "path",
    [ROOT / "helpers" / name for name in ("__init__.py", "__main__.py", "french.py")]
    + sorted((ROOT / "helpers" / "setup").glob("*.py")),
    ids=lambda path: path.stem,
)
def test_what_checks_an_old_python_runs_there(path):
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


@pytest.fixture
def pack(tmp_path):
    """A copy of what a student has, where nothing is installed for ``python -S``."""
    shutil.copytree(ROOT / "helpers", tmp_path / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    return tmp_path


def test_nothing_installed(pack):
    result = run("-S", "-m", "helpers", folder=pack, PYTHONPATH=str(pack))
    assert result.returncode == 1
    assert result.stderr == ""
    (line,) = faults(result.stdout)
    assert "Il manque jupyter, tensorflow, numpy, matplotlib, ipywidgets et nbval : lancez " in line
    assert f"{sys.executable} -m pip install -r requirements.txt -c constraints.txt" in line


def test_another_python_than_the_installed_one(pack):
    programs = pack / ".venv" / ("Scripts" if os.name == "nt" else "bin")
    programs.mkdir(parents=True)
    result = run("-S", "-c", "from helpers import train", folder=pack, PYTHONPATH=str(pack))
    assert f"n'est pas celui du laboratoire : lancez jupyter et python depuis {programs}" in result.stderr


@pytest.mark.parametrize(
    ("tensorflow", "sentence"),
    [
        ("raise ImportError('libcudart.so.12: cannot open\\n  shared object')", r"\(libcudart"),
        ("import nowhere_to_be_found", r"No module named 'nowhere_to_be_found'"),
        (f"import os; os.kill(os.getpid(), {int(signal.SIGILL)})", r"trop ancien pour TensorFlow : ouvrez"),
        ("import os; os.kill(os.getpid(), 9)", r"arrêté net \(signal 9\), faute de mémoire peut-être"),
    ],
    ids=["library", "dependency", "processor", "memory"],
)
def test_a_tensorflow_that_does_not_load(tensorflow, sentence, tmp_path):
    others = dict.fromkeys(["numpy", "matplotlib", "ipywidgets"], WORKING)
    packages = {**others, "tensorflow": tensorflow}
    (tmp_path / "cifar-10-python.tar.gz").touch()
    result = run("-m", "helpers", packages=packages, folder=tmp_path, CIFAR10_DIR=str(tmp_path))
    assert result.returncode == 1
    (line,) = faults(result.stdout)
    assert re.search(sentence, line)
    assert "Traceback" not in result.stdout + result.stderr


def first_cell():
    cells = json.loads((ROOT / "part1_linear_vs_relu.ipynb").read_text("utf-8"))["cells"]
    return "".join(next(cell for cell in cells if cell["id"].endswith("preparation"))["source"])


@pytest.mark.parametrize("broken", [setup.PACKAGES[0], setup.PACKAGES[-1]])
def test_the_first_cell_says_one_sentence_and_no_traceback(broken, tmp_path):
    packages = dict.fromkeys(setup.PACKAGES, WORKING) | {broken: "raise OSError('abîmé')"}
    show = "from IPython.core.interactiveshell import InteractiveShell as Shell; Shell().run_cell({!r})"
    result = run("-c", show.format(first_cell()), packages=packages, folder=tmp_path, HOME=str(tmp_path))
    assert result.stderr == ""
    said = result.stdout.strip()
    assert said.startswith(f"{broken} est installé mais ne se charge pas (abîmé) : lancez ")
    assert "\n" not in said


def test_a_windows_library_and_a_long_path(monkeypatch):
    monkeypatch.setattr(setup, "WINDOWS", True)
    problem = setup.broken("tensorflow", "DLL load failed while importing _pywrap")
    assert "« Microsoft Visual C++ Redistributable »" in problem
    monkeypatch.setattr(setup, "ROOT", Path("/" + "long/" * 20))
    assert r"C:\lab" in setup.missing(["tensorflow"])


def test_the_trial_training(monkeypatch):
    lines = selftest.engine()
    assert lines[0].startswith("✓ TensorFlow")
    assert [line[2:5] for line in lines[1:]] == ["XLA", "GPU"]
    monkeypatch.setattr(selftest, "REFERENCE_LOSS", 0.5)
    assert faults(selftest.report()) == [selftest.report()]


def test_old_packages(monkeypatch):
    monkeypatch.setattr(check, "requirements", lambda: {"numpy": "99.1", "matplotlib": "3.10"})
    line = check.packages()
    assert re.search(r"✗ Version trop ancienne de numpy [\d.]+ \(99.1 au moins\) : lancez .* -U -r", line)


def test_on_colab_only_helpers_is_there(monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    assert set(check.requirements()) == set(setup.PACKAGES)
    assert check.absent_packages() == []
    assert check.packages().startswith("✓")


def test_images(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("CIFAR10_DIR", raising=False)
    assert re.search("^– .* sera téléchargé .* désignez par CIFAR10_DIR", check.images())
    (tmp_path / "datasets").mkdir()
    kept = tmp_path / "datasets" / "cifar-10-batches-py-target_archive"
    kept.touch()
    assert check.images() == f"✓ CIFAR-10 (partie 4) : {kept}."
    for wrong in (tmp_path / "typo", tmp_path):
        monkeypatch.setenv("CIFAR10_DIR", str(wrong))
        assert re.search("^✗ .* corrigez-la ou ôtez-la", check.images())
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "test_batch").touch()
    assert re.search("^✓ .*cifar-10-batches-py", check.images())
