"""Generates the student edition: every instructor/part*.ipynb without solutions or rubrics, executed.

nbgrader's own preprocessors clear the solutions and lock the checks. The repository's address is stamped
into badges and Colab bootstrap. Outputs are stored so that ``pytest --nbval`` can compare them.
"""

import copy
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import nbformat
from nbclient import NotebookClient
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode
from nbgrader import preprocessors
from traitlets.config import Config

from helpers.french import typographic
from helpers.setup.python import require

from ..editions import INSTRUCTOR_TAG, ROOT, local_id, number_of, packed, read, settings, sources
from ..records import Refused
from .leaks import find_leaks
from .points import disagreements

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 300  # seconds for one cell
NOWHERE = "OWNER/NAME"  # what stands for the repository until it is known
KEPT = ROOT / "dist" / ".executed"  # outputs, to be taken again while what they came from is the same

# What a notebook says until then, where its badge would lead nowhere and its helpers come from nowhere.
_NO_BADGE = typographic("*Pas encore de badge Colab : il manque à ce carnet l'adresse de son dépôt public.*")
_FETCHED = typographic("Échec : vérifiez le réseau, puis relancez ; sinon, prévenez votre enseignant.")
_NOT_FETCHED = typographic("Échec : il manque l'adresse du dépôt public. Prévenez votre enseignant.")

CONFIG = Config()
CONFIG.ClearSolutions.code_stub = {"python": "# À vous : remplacez les ... ci-dessus."}
CONFIG.ClearSolutions.text_stub = "*Écrivez votre réponse ici (double-cliquez pour modifier cette cellule).*"
CONFIG.TagRemovePreprocessor.remove_cell_tags = {INSTRUCTOR_TAG}

# nbgrader's GenerateAssignment without its database and its page headers.
PREPROCESSORS = (
    TagRemovePreprocessor,
    preprocessors.LockCells,
    preprocessors.ClearSolutions,
    preprocessors.ClearOutput,
    preprocessors.CheckCellMetadata,
    preprocessors.ClearHiddenTests,
    preprocessors.ClearMarkScheme,
    preprocessors.ComputeChecksums,
    preprocessors.CheckCellMetadata,
)

# Fixed, where a kernel would write its own versions.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# TensorFlow's logs and rounding must not change what is stored; Part 4 runs on made-up images, few of them.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "PYTHONHASHSEED": "0",
    "LAB_CIFAR10_DEMO": "1000",
}


def release(
    repository: str | None = None,
    ref: str | None = None,
    numbers: Iterable[int] | None = None,
    folder: Path = ROOT,
    force: bool = False,
    build: Callable[[list[Path]], list[Path]] = lambda notebooks: [],
) -> list[Path]:
    """Write the student edition of the parts, stamp the README's badges and pyproject.toml beside them.

    Args:
        repository: "OWNER/NAME" on GitHub, public; by default, this and the next two are pyproject.toml's.
        ref: tag, branch or commit.
        numbers: of the parts that students get.
        folder: where to write.
        force: overwrite notebooks although they hold someone's work.
        build: makes what is handed out of the notebooks, staged with README.md beside them; what it refuses
            is not written either.

    Returns:
        The paths of the notebooks, then what ``build`` returns.

    Raises:
        Refused: the address is none, the repository is this one, a part is unknown, a notebook disagrees
            with the points of ``MARKS`` or was edited since it was generated, a cell failed, a solution
            would leak, or ``build`` refused; nothing was written.
    """
    repository, ref = address(repository, ref)
    if repository.casefold() == (origin(ROOT) or "").casefold():
        raise Refused(
            f"{repository} is this repository, which holds the solutions. Name another, for students alone."
        )
    targets = {source: folder / source.name for source in packed(numbers)}
    found = [
        f"{source.name}: {disagreement}"
        for source in targets
        for disagreement in disagreements(read(source), checks_of(source.stem))
    ]
    if found:
        raise Refused("points do not follow MARKS; nothing was written.\n  " + "\n  ".join(found))
    in_the_way = [path.name for path in targets.values() if path.exists() and not is_pristine(path)]
    if in_the_way and not force:
        raise Refused(
            f"{', '.join(in_the_way)} was edited since it was generated, maybe with a student's answers. "
            "Nothing was written. Move it away, or give --force to overwrite it."
        )
    with tempfile.TemporaryDirectory() as temporary:
        staged = [Path(temporary, source.name) for source in targets]
        for source, path in zip(targets, staged, strict=True):
            edition = execute_once(student_edition(source, repository, ref), f"{source.stem}, for students")
            write(edition, path)
        refuse_leaks(Path(temporary))
        for name, stamp in (("README.md", stamp_readme), ("pyproject.toml", stamp_settings)):
            if (path := folder / name).exists():
                text = stamp(path.read_text("utf-8"), repository, ref, staged)
                Path(temporary, name).write_text(text, encoding="utf-8", newline="\n")
        built = build(staged)
        for path in Path(temporary).iterdir():
            shutil.copyfile(path, folder / path.name)
    return [*targets.values(), *built]


def address(repository: str | None = None, ref: str | None = None) -> tuple[str, str]:
    """Return the "OWNER/NAME" and the tag to stamp: those given, else those of pyproject.toml.

    Raises:
        Refused: no repository or URL of GitHub's, or a tag that git, an address or a shell would not take.
    """
    known = settings(ROOT)
    repository, ref = repository or known["repository"], ref or known["ref"]
    name = (_on_github(repository) or repository).removesuffix(".git")
    if not re.fullmatch(r"[a-zA-Z\d][a-zA-Z\d-]*/(?!\.+$)[a-zA-Z\d_.-]+", name):
        raise Refused(f"--repository: {repository!r} is no repository on GitHub; OWNER/NAME is.")
    git = ["git", "check-ref-format", f"refs/tags/{ref}"]
    plain = re.fullmatch(r"[a-zA-Z\d_][a-zA-Z\d_./+-]*", ref)
    if not plain or (shutil.which("git") and subprocess.run(git, check=False).returncode):
        raise Refused(f"--ref: {ref!r} cannot be a tag; v1 or 2026-session-1 can.")
    return name, ref


def checks_of(name: str) -> ModuleType:
    """Return the module of ``helpers.checks`` that marks a part, such as "part1_linear_vs_relu"."""
    require()  # TensorFlow, without its log
    return importlib.import_module(f"helpers.checks.part{number_of(name)}")


def origin(folder: Path) -> str | None:
    """Return the "OWNER/NAME" that a git checkout's ``origin`` has on GitHub; None if it has none there."""
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        url = subprocess.run(command, capture_output=True, check=False, text=True).stdout.strip()
    except FileNotFoundError:  # git is not installed
        return None
    return _on_github(url)


def _on_github(url):
    found = re.search(r"(?:^|[@/.])github\.com(?::\d+)?[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url)
    return found and found[1]


def refuse_leaks(folder: Path) -> None:
    """Raise Refused when a student edition holds what only the instructor may have."""
    if leaks := find_leaks(folder, sources()):
        raise Refused("the student edition would leak; nothing was written.\n  " + "\n  ".join(leaks))


def student_edition(source: Path, repository: str, ref: str) -> NotebookNode:
    """Return a source notebook without solutions and rubrics, stamped, not executed."""
    notebook = read_stamped(source, repository, ref)
    resources = {"nbgrader": {"notebook": source.stem}}
    for preprocessor in PREPROCESSORS:
        notebook, resources = preprocessor(config=CONFIG, enabled=True)(notebook, resources)
    for cell in notebook.cells:  # a part is known by its metadata, and by each of its cells
        cell.id = f"p{number_of(source.stem)}-{cell.id}"
    notebook.metadata = nbformat.from_dict(
        {**METADATA, "lab": {"part": source.stem, "sources": digest(notebook)}}
    )
    return notebook


def read_stamped(source: Path, repository: str, ref: str, seed: str | None = None) -> NotebookNode:
    """Read a source notebook; fill in the repository's address and a seed, by default that of ``LAB``."""
    text = source.read_text("utf-8")
    if repository == NOWHERE:
        text = re.sub(r"\[!\[Ouvrir dans Colab\]\([^)]*\)\]\([^)]*\)", _NO_BADGE, text)
        text = text.replace("https://github.com/@@REPOSITORY@@/blob/@@REF@@/docs/", "docs/")
        text = text.replace(_FETCHED, _NOT_FETCHED)
    if lab := getattr(checks_of(source.stem), "LAB", None):
        text = re.sub(r'(\bseed=(?:\\")?)[\d.]+', rf"\g<1>{seed or lab.seed}", text)
    text = text.replace("@@REPOSITORY@@", repository).replace("@@REF@@", ref)
    return nbformat.reads(text, as_version=4)


def execute_once(notebook: NotebookNode, label: str) -> NotebookNode:
    """Execute a notebook, or give it the outputs kept from when its code was the same; say so in a line.

    What they come from: code cells, stamps apart, the helpers that they use, and what is installed.
    """
    kept, inputs = KEPT / f"{label}.json", _inputs(notebook)
    print(f"{label}: ", end="", flush=True)
    known = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    if known.get("inputs") == inputs:
        for cell in notebook.cells:
            cell.update(nbformat.from_dict(known["cells"].get(local_id(cell), {})))
        print("unchanged")
        return notebook
    began = time.monotonic()
    execute(notebook)
    run = {
        local_id(cell): {"outputs": cell.outputs, "execution_count": cell.execution_count}
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"inputs": inputs, "cells": run}), encoding="utf-8")
    print(f"{time.monotonic() - began:.0f} s")
    return notebook


def _inputs(notebook):
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code = re.sub(r'https://github\.com/[^"\n]+', "", code).replace(_NOT_FETCHED, _FETCHED)
    parts, waiting = set(), [code]  # the checks of a part may use another's
    while waiting:
        for name in set(re.findall(r"\bpart\d\b", waiting.pop())) - parts:
            parts.add(name)
            waiting.append((ROOT / "helpers" / "checks" / f"{name}.py").read_text("utf-8"))
    hashed = hashlib.sha256(code.encode())
    for path in sorted((ROOT / "helpers").rglob("*.*")):
        used = path.stem in parts or not re.match(r"part\d", path.stem)
        if path.is_file() and used and "__pycache__" not in path.parts:
            hashed.update(path.read_bytes())
    packages = sorted(f"{package.name} {package.version}" for package in importlib.metadata.distributions())
    hashed.update(repr([ENVIRONMENT, sys.version, packages]).encode())
    return hashed.hexdigest()


def execute(notebook: NotebookNode, root: Path = ROOT, **environment: str) -> NotebookNode:
    """Run a notebook from the root, as a student would, and store deterministic outputs.

    Args:
        notebook: changed in place, and returned.
        root: the folder that holds the helpers.
        environment: variables for its kernel, on top of ``ENVIRONMENT``.

    Raises:
        Refused: a cell fails, or writes on stderr.
    """
    metadata = copy.deepcopy(notebook.metadata)
    records = tempfile.TemporaryDirectory()  # what is trained here is not the student's
    here = {"PYTHONPATH": str(root), "LAB_RECORDS": records.name}
    environment = {**os.environ, **ENVIRONMENT, **here, **environment}
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        iopub_timeout=TIMEOUT,  # of a busy machine; at nbclient's 4 s an output may be lost
        raise_on_iopub_timeout=True,
        kernel_name="python3",
        store_widget_state=False,
        record_timing=False,
        allow_errors=True,
        extra_arguments=["--log-level=ERROR"],  # of the kernel, whose warnings would cut the progress line
        resources={"metadata": {"path": str(root)}},
    )
    with records:
        client.execute(env=environment)
    notebook.metadata = metadata
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # dead without its kernel, and never the same
            if output.output_type == "error" or output.get("name") == "stderr":
                message = output.get("evalue") or output.get("text")
                raise Refused(f"cell {cell.id!r} failed or wrote on stderr: {message}")
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, the same bytes on every system."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def digest(notebook: NotebookNode) -> str:
    """Return a hash of what a student may edit: the cells' sources, not their outputs."""
    joined = "\0".join(f"{cell.cell_type}\0{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(joined.encode()).hexdigest()


def is_pristine(path: Path) -> bool:
    """Tell whether a notebook is as it was generated, so that overwriting it loses nobody's work."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception:  # not ours, or damaged: not ours to overwrite
        return False
    return notebook.metadata.get("lab", {}).get("sources") == digest(notebook)


def stamp_settings(text: str, repository: str, ref: str, notebooks: Iterable[Path]) -> str:
    """Return pyproject.toml with what a release was told, for the next one and for the tests."""
    numbers = [number_of(path.stem) for path in notebooks]
    for key, value in {"repository": f'"{repository}"', "ref": f'"{ref}"', "parts": numbers}.items():
        text = re.sub(rf"^({key} = ).*$", rf"\g<1>{value}", text, flags=re.MULTILINE)
    return text


def stamp_readme(text: str, repository: str, ref: str, notebooks: Iterable[Path]) -> str:
    """Return the README with what opens each notebook elsewhere between its two badge markers.

    While nobody knows where that is, one sentence says so in the place of badges that lead nowhere.
    """

    def badges_of(path):
        colab = f"https://colab.research.google.com/github/{repository}/blob/{ref}/{path.name}"
        binder = f"https://mybinder.org/v2/gh/{repository}/{ref}?labpath={path.name}"
        return (
            f"- Partie {number_of(path.stem)}\u00a0: "
            f"[![{path.stem}, Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
            f"[![{path.stem}, Binder](https://mybinder.org/badge_logo.svg)]({binder})"
        )

    if repository == NOWHERE:
        badges = typographic(
            "*Pas encore de badges Colab et Binder : il leur manque l'adresse du dépôt public "
            "(`python -m instructor release --repository PROPRIÉTAIRE/NOM`).*"
        )
    else:
        container = (
            f"[![Codespaces](https://github.com/codespaces/badge.svg)](https://codespaces.new/{repository})"
        )
        badges = "\n".join([*map(badges_of, notebooks), f"- Tous les carnets\u00a0: {container}"])
    begin, end = "<!-- BEGIN BADGES -->", "<!-- END BADGES -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{badges}\n{end}", text, flags=re.DOTALL)
