"""The parts: their source notebooks, their student edition, and what they ask, read from both.

A cell's grade_id names its question: "q1b-verification" and "q1b-reponse" belong to question 1.b.
"""

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .records import Refused

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "instructor"
INSTRUCTOR_TAG = "instructor"  # cells such as rubrics that leave with the solutions
BONUS_TAG = "bonus"  # marked cells whose points come on top of a part's maximum
_STAMP = re.compile(  # what ``release`` writes with the repository and the ref, or for want of them
    r"https://github\.com/[\w.-]{1,100}/[\w.-]{1,100}/(?:blob|archive)/([\w./-]{1,250}?)"
    r"(?:/(?=docs/)|(?=\.tar\.gz))"
    r"|\[!\[Ouvrir dans Colab\]\([^)]{0,300}\)\]\([^)]{0,300}\)|\*Pas encore de badge Colab[^*\n]*\*"
    r"|(?<=raise RuntimeError\().*"
)


@dataclass
class Part:
    """One notebook of the edition.

    Attributes:
        name: such as "part1_linear_vs_relu".
        points: maximum of each question, by key such as "1.b", in the order of the notebook.
        bonus: keys of the questions "pour aller plus loin".
        stubs: what the answer cell of a question holds before anybody answers.
        rubrics: the teacher's, of free-text questions.
    """

    name: str
    points: dict[str, float] = field(default_factory=dict)
    bonus: set[str] = field(default_factory=set)
    stubs: dict[str, str] = field(default_factory=dict)
    rubrics: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """In French, such as "Partie 1"."""
        return f"Partie {number_of(self.name)}"

    @property
    def maximum(self) -> float:
        """The total, which bonus points make up for but never exceed."""
        return sum(points for key, points in self.points.items() if key not in self.bonus)


def sources() -> list[Path]:
    """Return the source notebooks in order."""
    return sorted(SOURCES.glob("part*.ipynb"))


def settings(folder: Path = ROOT) -> dict:
    """Return what the last ``release`` was told: ``repository``, ``ref`` and ``parts``, by number."""
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]["lab"]


def chosen(numbers: Iterable[int] | None, names: Iterable[str]) -> list[str]:
    """Return those of the parts that have these numbers, in order; all of them for None.

    Raises:
        Refused: there is no such part.
    """
    known = {number_of(name): name for name in names}
    numbers = sorted(set(known if numbers is None else numbers))
    if unknown := [number for number in numbers if number not in known]:
        raise Refused(f"--parts: no part {unknown[0]} here, but {', '.join(map(str, known))}.")
    return [known[number] for number in numbers]


def packed(numbers: Iterable[int] | None = None) -> list[Path]:
    """Return the source notebooks of these parts, by default of those that students were given, in order.

    Raises:
        Refused: there is no such part.
    """
    numbers = settings()["parts"] if numbers is None else numbers
    return [SOURCES / f"{name}.ipynb" for name in chosen(numbers, [source.stem for source in sources()])]


def number_of(name: str) -> int:
    """Return 1 for "part1_linear_vs_relu"."""
    return int(re.match(r"part(\d+)", name)[1])


def load_editions() -> dict[str, NotebookNode]:
    """Return the student edition of each part: its name such as "part1_linear_vs_relu" -> notebook."""
    return {path.stem: read(path) for path in sorted(ROOT.glob("part*.ipynb"))}


def read(path: Path) -> NotebookNode:
    """Read one of our notebooks, not validated: its pictures make that slow."""
    return nbformat.v4.reads(path.read_text("utf-8"))


def nbgrader(cell: NotebookNode) -> Mapping:
    """Return nbgrader's metadata of a cell, empty if none."""
    return cell.metadata.get("nbgrader", {})


def grade_id(cell: NotebookNode) -> str:
    """Return the name that nbgrader's metadata gives a cell, "" if none."""
    return str(nbgrader(cell).get("grade_id", ""))


def local_id(cell: NotebookNode) -> str:
    """Return a cell's id in its part: "q1a-reponse" for "p1-q1a-reponse", and as an older edition has it."""
    return re.sub(r"^p\d-", "", cell.id)


def unstamped(source: str) -> str:
    """Return a cell's source without what another repository or ref would change in it."""
    return _STAMP.sub("", source)


def ref_of(notebook: NotebookNode) -> str:
    """Return the tag or branch stamped into a notebook's locked cells, "" if none."""
    locked = (cell.source for cell in notebook.cells if nbgrader(cell).get("locked"))
    return next((found[1] for source in locked for found in _STAMP.finditer(source) if found[1]), "")


def is_answer(cell: NotebookNode) -> bool:
    """Tell whether a cell of the edition is for the student's answer."""
    return bool(nbgrader(cell).get("solution"))


def is_check(cell: NotebookNode) -> bool:
    """Tell whether a cell of the edition checks an answer."""
    return cell.cell_type == "code" and bool(nbgrader(cell).get("grade"))


def is_free_text(cell: NotebookNode) -> bool:
    """Tell whether a cell of the edition is a free text, marked by hand."""
    return cell.cell_type == "markdown" and is_answer(cell) and bool(nbgrader(cell).get("grade"))


def key_of(grade_id: str) -> str:
    """Return the key of the question that a cell belongs to; of another cell, its own grade_id."""
    if grade_id.startswith("bonus-"):
        return "Bonus"
    found = re.match(r"q(\d+)([a-z])\b", grade_id)
    return f"{found[1]}.{found[2]}" if found else grade_id


@functools.cache
def parts() -> dict[str, Part]:
    """Read every part of the edition, in order."""
    return {source.stem: _part(source) for source in sources()}


def part(name: str) -> Part:
    """Return a part of the edition; of an unknown one, only its name."""
    return parts().get(name) or Part(name)


def _part(source):
    result, edition = Part(source.stem), ROOT / source.name
    for cell in read(edition).cells if edition.exists() else ():
        key = key_of(grade_id(cell))
        if nbgrader(cell).get("grade"):
            result.points[key] = float(nbgrader(cell)["points"])
            result.bonus |= {key} if BONUS_TAG in cell.metadata.get("tags", ()) else set()
        if is_answer(cell):
            result.stubs[key] = cell.source
    key = ""
    for cell in read(source).cells:
        key = key_of(grade_id(cell)) or key
        if INSTRUCTOR_TAG in cell.metadata.get("tags", ()):
            result.rubrics[key] = cell.source
    return result
