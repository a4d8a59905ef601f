"""What is installed: the lowest versions allowed are tested, what is tested is pinned, every host agrees."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
NEWEST = "3.13"  # what is asked of a host that brings its own Python
SYSTEMS = [
    {"sys_platform": "linux", "os_name": "posix"},
    {"sys_platform": "darwin", "os_name": "posix"},
    {"sys_platform": "win32", "os_name": "nt"},
]


def requirements(path):
    """Return the requirements that a file lists itself, without those of the files that it names."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def versions(path, relation):
    text = (ROOT / path).read_text("utf-8")
    return dict(re.findall(rf"^([\w-]+){relation}([\d.]+)", text, flags=re.MULTILINE))


def student_line(start):
    """Return the README's line that begins so and ends with opening the first notebook."""
    end = "jupyter lab part1_linear_vs_relu.ipynb"
    (line,) = re.findall(rf"^{start}.*{end}$", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    return line


def test_the_lowest_versions_are_tested():
    lowest = versions("requirements.txt", ">=")
    tested = versions("tests/hosts/colab-requirements.txt", "==")
    del lowest["jupyter"]  # a list of packages; the stack has Notebook 6 in the place of its own
    assert lowest.keys() <= tested.keys()
    assert {name: tested[name] for name in lowest} == lowest


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system["sys_platform"])
def test_what_is_required_is_pinned_once(system, python):
    """tests/hosts/install.sh adds that the rest of the closure is there, and that it installs."""
    machine = {**system, "python_version": python, "python_full_version": f"{python}.0"}
    pins = [pin for pin in requirements("constraints.txt") if not pin.marker or pin.marker.evaluate(machine)]
    pinned = {pin.name: pin.specifier for pin in pins}
    assert len(pinned) == len(pins)
    for path in ("requirements.txt", "instructor/requirements.txt", "tests/requirements.txt"):
        for required in requirements(path):
            (exact,) = pinned[required.name]
            assert exact.operator == "=="
            assert exact.version in required.specifier


def test_the_pins_name_no_package_index():
    assert "://" not in (ROOT / "constraints.txt").read_text("utf-8")


def test_every_line_of_the_readme_installs_the_pinned_versions():
    readme = (ROOT / "README.md").read_text("utf-8")
    installs = re.findall(r"pip install (?:-q |--python .venv )?-r \S+ (.*?) ?(?:&&|;)", readme)
    assert len(installs) == 5  # Linux and macOS, Windows, uv; then the tests' two
    assert set(installs) == {"-c constraints.txt"}


def test_hosts_that_bring_their_own_python_install_what_the_readme_says():
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert f"{NEWEST}.0" in SpecifierSet(supported)
    assert f" --python {NEWEST};" in student_line("uv")

    binder = (ROOT / ".binder" / "requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in binder if not line.startswith("#")] == [
        "-r ../requirements.txt",
        "-c ../constraints.txt",
    ]
    assert (ROOT / ".binder" / "runtime.txt").read_text("utf-8") == f"python-{NEWEST}\n"

    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    assert container["image"].endswith(f"/python:{NEWEST}")
    assert student_line("python3").startswith(container["postCreateCommand"] + " && .venv/bin/jupyter lab ")
