"""Generates the student edition: every instructor/part*.ipynb without solutions or rubrics, executed.

nbgrader's own preprocessors clear the solutions and lock the checks. The repository's address is stamped
into badges and Colab bootstrap. Outputs are stored so that ``pytest --nbval`` can compare them.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode
from nbgrader import preprocessors
from traitlets.config import Config

from helpers.french import typographic

from ..editions import INSTRUCTOR_TAG, ROOT, sources
from ..records import Refused
from .leaks import find_leaks

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TIMEOUT = 300  # seconds for one cell
NOWHERE = "OWNER/NAME"  # what stands for the repository until it is known

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


class ReleaseError(Refused):
    """The student edition cannot be written; the message says why and what to do."""


def release(
    repository: str | None = None, ref: str | None = None, folder: Path = ROOT, force: bool = False
) -> list[Path]:
    """Write the student edition of every source notebook, and stamp the README's badges beside them.

    Args:
        repository: "OWNER/NAME" on GitHub; by default as ``address`` finds it.
        ref: tag, branch or commit; by default that of pyproject.toml.
        folder: where to write.
        force: overwrite notebooks although they hold someone's work.

    Returns:
        The paths written.

    Raises:
        ReleaseError: a notebook in the way was edited since it was generated, a cell failed, or a solution
            would leak; nothing was written.
    """
    repository, ref = address(repository, ref)
    targets = {source: folder / source.name for source in sources()}
    in_the_way = [path.name for path in targets.values() if path.exists() and not is_pristine(path)]
    if in_the_way and not force:
        raise ReleaseError(
            f"{', '.join(in_the_way)} was edited since it was generated, maybe with a student's answers. "
            "Nothing was written. Move it away, or give --force to overwrite it."
        )
    with tempfile.TemporaryDirectory() as temporary:
        for source in targets:
            write(execute(student_edition(source, repository, ref)), Path(temporary, source.name))
        refuse_leaks(Path(temporary))
        for source, path in targets.items():
            shutil.copyfile(Path(temporary, source.name), path)
    readme = folder / "README.md"
    if readme.exists():
        stamped = stamp_readme(readme.read_text("utf-8"), repository, ref, targets.values())
        readme.write_text(stamped, encoding="utf-8", newline="\n")
    return list(targets.values())


def address(repository: str | None = None, ref: str | None = None) -> tuple[str, str]:
    """Return the repository and the tag to stamp: those given, else those of pyproject.toml.

    While pyproject.toml names no repository, it is that of the ``origin`` remote; without one, ``NOWHERE``.
    """
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["lab"]
    if repository is None and settings["repository"] == NOWHERE:
        repository = origin(ROOT)
    return repository or settings["repository"], ref or settings["ref"]


def origin(folder: Path) -> str | None:
    """Return the "OWNER/NAME" that a git checkout's ``origin`` has on GitHub; None if it has none there."""
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        url = subprocess.run(command, capture_output=True, check=False, text=True).stdout.strip()
    except FileNotFoundError:  # git is not installed
        return None
    found = re.search(r"(?:^|[@/.])github\.com(?::\d+)?[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", url)
    return found and found[1]


def refuse_leaks(folder: Path) -> None:
    """Raise ReleaseError when a student edition holds what only the instructor may have."""
    if leaks := find_leaks(folder, sources()):
        raise ReleaseError("the student edition would leak; nothing was written.\n  " + "\n  ".join(leaks))


def student_edition(source: Path, repository: str, ref: str) -> NotebookNode:
    """Return a source notebook without solutions and rubrics, stamped, not executed."""
    notebook = read_stamped(source, repository, ref)
    resources = {"nbgrader": {"notebook": source.stem}}
    for preprocessor in PREPROCESSORS:
        notebook, resources = preprocessor(config=CONFIG, enabled=True)(notebook, resources)
    number = source.stem.removeprefix("part").partition("_")[0]
    for cell in notebook.cells:  # a part is known by its metadata, and by each of its cells
        cell.id = f"p{number}-{cell.id}"
    notebook.metadata = nbformat.from_dict(
        {**METADATA, "lab": {"part": source.stem, "sources": digest(notebook)}}
    )
    return notebook


def read_stamped(source: Path, repository: str, ref: str) -> NotebookNode:
    """Read a source notebook and fill in the repository's address."""
    text = source.read_text("utf-8").replace("@@REPOSITORY@@", repository).replace("@@REF@@", ref)
    return nbformat.reads(text, as_version=4)


def execute(notebook: NotebookNode, **environment: str) -> NotebookNode:
    """Run a notebook from the root, as a student would, and store deterministic outputs.

    Args:
        notebook: changed in place, and returned.
        environment: variables for its kernel, on top of ``ENVIRONMENT``.

    Raises:
        ReleaseError: a cell fails, or writes on stderr.
    """
    metadata = copy.deepcopy(notebook.metadata)
    records = tempfile.TemporaryDirectory()  # what is trained here is not the student's
    here = {"PYTHONPATH": str(ROOT), "LAB_RECORDS": records.name}
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
        resources={"metadata": {"path": str(ROOT)}},
    )
    with records:
        client.execute(env=environment)
    notebook.metadata = metadata
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET_VIEW, None)  # dead without its kernel, and never the same
            if output.output_type == "error" or output.get("name") == "stderr":
                message = output.get("evalue") or output.get("text")
                raise ReleaseError(f"cell {cell.id!r} failed or wrote on stderr: {message}")
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


def stamp_readme(text: str, repository: str, ref: str, notebooks: Iterable[Path]) -> str:
    """Return the README with what opens each notebook elsewhere between its two badge markers.

    While nobody knows where that is, one sentence says so in the place of badges that lead nowhere.
    """

    def badges_of(path):
        part = path.stem.removeprefix("part").partition("_")[0]
        colab = f"https://colab.research.google.com/github/{repository}/blob/{ref}/{path.name}"
        binder = f"https://mybinder.org/v2/gh/{repository}/{ref}?labpath={path.name}"
        return (
            f"- Partie {part}\u00a0: "
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
        badges = "\n".join([*map(badges_of, notebooks), f"- Les quatre\u00a0: {container}"])
    begin, end = "<!-- BEGIN BADGES -->", "<!-- END BADGES -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{badges}\n{end}", text, flags=re.DOTALL)
