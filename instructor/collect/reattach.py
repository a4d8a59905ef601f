"""Finds a student's answers again in whatever became of the notebook, and rebuilds a clean one around them.

Statements, checks and marks are the edition's, always; only answers and additional cells are the student's.
"""

from __future__ import annotations

import bisect
import re
import symtable
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from helpers.french import listed, typographic

from ..editions import grade_id, is_answer, nbgrader

MAGIC = re.compile(r"^([ \t]*)[%!?].*$", flags=re.MULTILINE)  # a line that only IPython reads
_LONGEST = 100_000  # characters of a cell that is parsed
_LOOKS_ASSIGNED = re.compile(r"^(?:def\s+)?([^\W\d]\w*)\s*(?:=(?!=)|\()", flags=re.MULTILINE)


@dataclass
class Attached:
    """A rebuilt notebook and how sure it is.

    Attributes:
        notebook: the edition's cells in order, with the student's answers and additional cells. Each cell's
            ``metadata.lab.origin`` is "edition", "answer" or "student" (this one bears no marks).
        cells: grade_id of each answer cell -> 0 to 1, how sure it is: 1 by its name or id, 0 when lost.
        answered: number of answer cells that differ from their stub.
        remarks: French sentences for the report.
    """

    notebook: NotebookNode
    cells: dict[str, float] = field(default_factory=dict)
    answered: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def lost(self) -> list[str]:
        """The grade_ids of the answer cells not found; their stub stands in the notebook."""
        return [name for name, sure in self.cells.items() if sure == 0]

    @property
    def certainty(self) -> float:
        """That of the least sure answer; at most 0.5 when one was not found, 0 when none was."""
        found = [sure for sure in self.cells.values() if sure]
        return min([*found, 0.5 if self.lost else 1.0]) if found else 0.0


class _Answer(NamedTuple):
    """What stands in an answer cell, how sure, and a doubt (French clause)."""

    source: str
    certainty: float = 1.0
    doubt: str = ""


class _Pair:
    """Two notebooks' cells and which is which.

    Attributes:
        ours, theirs: the edition's cells, and the student's.
        place: index in ours -> index in theirs.
        merged: index in ours of an answer -> index of the one whose cell holds it too.
        used: indices in theirs of the cells that stand in an answer.
    """

    def __init__(self, ours: list[NotebookNode], theirs: list[NotebookNode]):
        self.ours, self.theirs, self.place = ours, theirs, {}
        self.merged, self.used = {}, set()
        self.our_text, self.their_text = ([plain(cell.source) for cell in cells] for cells in (ours, theirs))
        self.our_names = [
            assigned(cell.source) if is_answer(cell) and cell.cell_type == "code" else frozenset()
            for cell in ours
        ]
        self.their_names = [assigned(cell.source) for cell in theirs]
        self._known = {*self.our_text, ""}

    def is_new(self, other: int | None) -> bool:
        """Tell whether the student wrote this cell: neither absent, nor empty, nor the edition's."""
        return other is not None and self.their_text[other] not in self._known

    def shared(self, index: int, other: int) -> int:
        """Count the names that both cells assign."""
        return len(self.our_names[index] & self.their_names[other])

    def is_doubtful(self, index: int, other: int) -> bool:
        """Tell whether the student's cell assigns none of the names that the answer must."""
        return bool(self.our_names[index]) and self.is_new(other) and not self.shared(index, other)

    def own_texts(self, positions) -> list[int]:
        """Return the student's own text cells among some positions."""
        taken = {*self.place.values(), *self.used}
        return [
            other
            for other in positions
            if other not in taken and self.is_new(other) and self.theirs[other].cell_type != "code"
        ]


def reattach(notebook: NotebookNode, edition: NotebookNode) -> Attached:
    """Rebuild a student's notebook from the student edition.

    An answer is found by nbgrader's name, then by cell id, then by the variables that it assigns; a free
    text, which a person reads anyway, also where its cell should be. Another cell is known by its name, id or
    text. A locked cell of the edition is restored, what the student wrote in it is kept before it; another
    one gives way to the student's version. Of the student's metadata only names are read.

    Args:
        notebook: as ``notebooks.read`` returns it; not changed.
        edition: the current student edition of that part; not changed.

    Returns:
        The notebook to execute. All that the student wrote is in it.
    """
    pair = _Pair(edition.cells, list(_split(notebook.cells, edition.cells)))
    _match(pair)
    answers = {index: _answer(pair, index) for index, cell in enumerate(pair.ours) if is_answer(cell)}
    remarks = [*_remarks(pair, answers), *_remarks_on_metadata(notebook, edition)]
    return Attached(
        nbformat.from_dict({**edition, "cells": list(_rebuilt(pair, answers))}),
        {grade_id(pair.ours[index]): answer.certainty for index, answer in answers.items()},
        sum(plain(answer.source) != pair.our_text[index] for index, answer in answers.items()),
        [typographic(remark) for remark in remarks],
    )


def plain(source: str) -> str:
    """Return a source without what changes nothing: trailing blanks and empty lines."""
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def assigned(source: str) -> frozenset[str]:
    """Return the names that a cell's code binds at its top level, functions included, magics ignored."""
    source = MAGIC.sub(r"\1pass", source)
    if len(source) > _LONGEST:
        return frozenset()
    try:
        with warnings.catch_warnings(action="ignore"):
            symbols = symtable.symtable(source, "cell", "exec").get_symbols()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(_LOOKS_ASSIGNED.findall(source))
    return frozenset(symbol.get_name() for symbol in symbols if symbol.is_assigned())


def _is_locked(cell):
    return bool(nbgrader(cell).get("locked")) or bool(nbgrader(cell).get("grade") and not is_answer(cell))


def _text_of(cell):
    """Return what tells a cell by its text; free texts all have the same stub."""
    return "" if is_answer(cell) and cell.cell_type != "code" else (cell.cell_type, plain(cell.source))


def _split(cells, edition) -> Iterator[NotebookNode]:
    """Yield a student's cells; what was typed into a statement of ours becomes a cell of its own after it."""
    statements = {cell.id: cell for cell in edition if cell.cell_type == "markdown" and not is_answer(cell)}
    for cell in cells:
        ours = statements.get(cell.id)
        known = {line.rstrip() for line in ours.source.splitlines()} if ours else set()
        lines = [line.rstrip() for line in cell.source.splitlines()]
        added = "\n".join(line for line in lines if line not in known).strip()
        if ours and added and cell.cell_type == "markdown" and known <= set(lines):
            yield ours
            yield nbformat.from_dict({**cell, "id": "", "source": added})
        else:  # a statement that lost lines is an old edition's
            yield cell


def _match(pair: _Pair) -> None:
    """Match cells, the surest first: what bears a name but assigns none of its variables comes last."""
    by_name, by_id = grade_id, lambda cell: cell.id
    for key in (by_name, by_id, _text_of):
        _match_by(pair, key, doubtful=False)
    _match_by_variables(pair)
    for key in (by_name, by_id):
        _match_by(pair, key, doubtful=True)


def _match_by(pair, key: Callable, doubtful: bool) -> None:
    """Match cells that have the same key; of several, the one that is answered, or left as it was."""
    places, taken = defaultdict(list), set(pair.place.values())
    for other, cell in enumerate(pair.theirs):
        places[key(cell)].append(other)
    for index, cell in enumerate(pair.ours):
        if index in pair.place or not key(cell):
            continue
        found = [
            other
            for other in places[key(cell)]
            if other not in taken and (doubtful or not pair.is_doubtful(index, other))
        ]
        if found:
            pair.place[index] = max(found, key=lambda other: pair.is_new(other) == is_answer(cell))
            taken.add(pair.place[index])


def _match_by_variables(pair) -> None:
    """Find the answers retyped in another cell, or in one with another answer."""
    for index, names in enumerate(pair.our_names):
        if not names or pair.is_new(pair.place.get(index)):
            continue
        taken = {other: host for host, other in pair.place.items()}
        found = [
            other
            for other, theirs in enumerate(pair.theirs)
            if theirs.cell_type == "code"
            and pair.is_new(other)
            and (names <= pair.their_names[other] if other in taken else pair.shared(index, other))
        ]
        if not found:
            continue
        best = max(found, key=lambda other: (pair.shared(index, other), other not in taken))
        if best in taken:
            pair.merged[index] = taken[best]
        else:
            pair.place[index] = best


def _answer(pair, index) -> _Answer:
    """Return a question's answer; the stub when it was emptied, or when nothing is found."""
    ours, other = pair.ours[index], pair.place.get(index)
    if index in pair.merged:
        host = f"la cellule « {pair.ours[pair.merged[index]].id} »"
        return _Answer(f"# Réponse de l'étudiant : dans {host}.\n", 0.8, f"fusionnée avec {host}")
    if not pair.is_new(other):
        if found := _own_texts_nearby(pair, index):
            pair.used.update(found)
            text = "\n\n".join(pair.theirs[other].source for other in found)
            return _Answer(text, 0.6, "retrouvée à sa place, entre ses voisines")
        left = {text for o, text in enumerate(pair.their_text) if o not in pair.place.values()}
        return _Answer(ours.source, float(other is not None or pair.our_text[index] in left))
    pair.used.add(other)
    theirs, doubt = pair.theirs[other], ""
    if theirs.cell_type != ours.cell_type:
        doubt = f"dans une cellule de type « {theirs.cell_type} »"
    elif pair.is_doubtful(index, other):
        doubt = "la cellule porte le bon nom mais n'affecte aucune des variables attendues"
    elif ours.id != theirs.id and grade_id(ours) != grade_id(theirs):
        doubt = "retrouvée à ses variables"
    return _Answer(theirs.source, 0.8 if doubt else 1.0, doubt)


def _own_texts_nearby(pair, index) -> list[int]:
    """Return the student's texts between the recognised neighbours of a free text."""
    if pair.ours[index].cell_type == "code":
        return []
    before = [other for i, other in sorted(pair.place.items()) if i < index]
    after = [other for i, other in sorted(pair.place.items()) if i > index]
    start, end = [-1, *before][-1] + 1, [*after, len(pair.theirs)][0]
    return pair.own_texts(range(start, end))


def _gives_way(pair, index):
    """Tell whether the student's version replaces the edition's cell: code, neither locked nor an answer."""
    ours, other = pair.ours[index], pair.place.get(index)
    both_code = ours.cell_type == "code" and pair.is_new(other) and pair.theirs[other].cell_type == "code"
    return both_code and not _is_locked(ours) and not is_answer(ours)


def _rebuilt(pair, answers) -> Iterator[NotebookNode]:
    """Yield the edition's cells, the answers in theirs, and the student's own cells before the next one."""
    own = _own_cells(pair)
    for index, ours in enumerate(pair.ours):
        yield from own[index]
        if index in answers:
            yield _filled(ours, answers[index].source, "answer")
        elif _gives_way(pair, index):
            yield _filled(ours, pair.theirs[pair.place[index]].source, "student")
        else:
            yield _filled(ours, ours.source, "edition")
    yield from own[len(pair.ours)]


def _filled(ours, source, origin):
    """Return a copy of the edition's cell with another source and without outputs."""
    metadata = {**ours.metadata, "lab": {"origin": origin}}
    cell = nbformat.from_dict({**ours, "source": source, "metadata": metadata})
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _own_cells(pair) -> dict[int, list[NotebookNode]]:
    """Return the student's own cells by the index of the edition's cell that they precede."""
    own, index_of = defaultdict(list), {other: index for index, other in pair.place.items()}
    recognised = [*sorted(index_of), len(pair.theirs)]
    index_of[len(pair.theirs)] = len(pair.ours)
    for other, theirs in enumerate(pair.theirs):
        following = index_of[recognised[bisect.bisect_left(recognised, other)]]
        if other in pair.used or not pair.is_new(other):
            continue
        if other in index_of and _gives_way(pair, following):
            continue
        kind = "code" if theirs.cell_type == "code" else "markdown"
        lab = {"id": f"etudiant-{other}", "cell_type": kind, "metadata": {"lab": {"origin": "student"}}}
        own[following].append(nbformat.from_dict({**theirs, **lab}))
    return own


def _remarks(pair, answers) -> Iterator[str]:
    for index, answer in answers.items():
        if answer.doubt:
            yield f"{grade_id(pair.ours[index])} : réponse à vérifier, {answer.doubt}."
    if lost := [grade_id(pair.ours[index]) for index, answer in answers.items() if not answer.certainty]:
        yield f"Cellules de réponse introuvables, comptées sans réponse : {listed(lost)}."
    if more := len(pair.own_texts(range(len(pair.theirs)))):
        yield f"Texte ajouté hors des cellules de réponse ({more}) : il est gardé à sa place, à lire."
    changed = [
        ours.id
        for index, ours in enumerate(pair.ours)
        if _is_locked(ours) and pair.is_new(pair.place.get(index))
    ]
    if changed:
        yield f"Cellules verrouillées modifiées, rétablies d'après l'édition : {listed(sorted(changed))}."


def _remarks_on_metadata(notebook, edition) -> Iterator[str]:
    known = {grade_id(cell): _flags(cell) for cell in edition.cells if grade_id(cell)}
    counts = Counter(grade_id(cell) for cell in notebook.cells if grade_id(cell))
    if unknown := sorted(counts.keys() - known.keys()):
        yield f"Questions que l'édition actuelle ne connaît pas : {listed(unknown[:10])}."
    if copies := sorted(name for name, number in counts.items() if number > 1 and name in known):
        yield f"Plusieurs cellules nommées {listed(copies)} : une est la réponse, les autres sont gardées."
    if forged := {
        grade_id(cell) for cell in notebook.cells if _flags(cell) != known.get(grade_id(cell), _flags(cell))
    }:
        yield f"Métadonnées de notation modifiées, ignorées : {listed(sorted(forged))}."
    sources = notebook.metadata.get("lab", {}).get("sources")
    if sources and sources != edition.metadata.get("lab", {}).get("sources"):
        yield "Notebook d'une autre édition que l'actuelle."


def _flags(cell):
    return [nbgrader(cell).get(key) for key in ("grade", "locked", "points", "solution", "task")]
