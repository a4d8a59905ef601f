"""Finds a student's answers again in whatever became of the notebook, and rebuilds a clean one around them.

Statements, checks and marks are the edition's, always; only answers and additional cells are the student's.
"""

from __future__ import annotations

import ast
import bisect
import functools
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode
from rapidfuzz.fuzz import ratio

from helpers.french import decimal, listed, typographic

from .notebooks import grade_id, nbgrader

SURE = 0.9  # a less sure answer gets a remark
_LEAST = 0.3  # below, two cells have nothing to do with each other
_LONGEST = 100_000  # characters of a cell that is parsed
_MAGIC = re.compile(r"^([ \t]*)[%!?].*$", flags=re.MULTILINE)
_LOOKS_ASSIGNED = re.compile(r"^(?:def\s+)?([^\W\d]\w*)\s*(?:=(?!=)|\()", flags=re.MULTILINE)


@dataclass
class Attached:
    """A rebuilt notebook and how sure it is.

    Attributes:
        notebook: the edition's cells in order, with the student's answers and additional cells. Each cell's
            ``metadata.lab.origin`` is "edition", "answer" or "student" (this one bears no marks).
        cells: grade_id of each answer cell -> 0 to 1, how sure it is; 0 when lost.
        lost: grade_ids of the answer cells not found; their stub stands in the notebook.
        answered: number of answer cells that differ from their stub.
        remarks: French sentences for the report.
    """

    notebook: NotebookNode
    cells: dict[str, float] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    answered: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def certainty(self) -> float:
        """That of the least sure answer; at most 0.5 when one was not found, 0 when none was."""
        found = [value for name, value in self.cells.items() if name not in self.lost]
        return min([*found, 0.5 if self.lost else 1.0]) if found else 0.0


@dataclass(frozen=True)
class _Answer:
    """What stands in an answer cell: its source, how sure, the student's cells used for it, and a doubt."""

    source: str
    certainty: float
    used: tuple[int, ...] = ()
    doubt: str = ""  # French clause


@dataclass
class _Pair:
    """Two notebooks' cells and which is which.

    Attributes:
        theirs: the student's cells.
        ours: the edition's.
        matches: index in ours -> index in theirs.
        scores: index in ours -> how sure that match is.
    """

    theirs: list[NotebookNode]
    ours: list[NotebookNode]
    matches: dict[int, int] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)

    def __post_init__(self):
        # Compared pair by pair, so read once.
        self.their_text, self.our_text = (
            [plain(c.source) for c in cells] for cells in (self.theirs, self.ours)
        )
        self.their_names, self.our_names = (
            [assigned(cell.source) for cell in cells] for cells in (self.theirs, self.ours)
        )
        self.their_ids, self.our_ids = ([*map(grade_id, cells)] for cells in (self.theirs, self.ours))
        self.asked = [is_answer(cell) for cell in self.ours]
        self._known = set(self.our_text) | {""}

    def is_new(self, other: int) -> bool:
        """Tell whether the student wrote this cell: neither empty nor the edition's."""
        return self.their_text[other] not in self._known

    def free(self, after: int, before: int) -> list[int]:
        """Return the student's cells in between that match none of the edition's."""
        taken = set(self.matches.values())
        return [other for other in range(after + 1, before) if other not in taken and self.is_new(other)]


def reattach(notebook: NotebookNode, edition: NotebookNode) -> Attached:
    """Rebuild a student's notebook from the student edition.

    An answer is found by nbgrader's name, by cell id, by the variables it assigns, by likeness, or by its
    place between recognised neighbours. A locked cell of the edition is restored, what the student wrote in
    it is kept before it; another one gives way to the student's version. Of the student's metadata only
    names are read.

    Args:
        notebook: as ``notebooks.read`` returns it; not changed.
        edition: the current student edition of that part; not changed.

    Returns:
        The notebook to execute. All that the student wrote is in it.
    """
    pair = _Pair(notebook.cells, edition.cells)
    _match(pair)
    answers = _answers(pair)
    attached = Attached(nbformat.from_dict({**edition, "cells": list(_rebuilt(pair, answers))}))
    for index, answer in answers.items():
        name = grade_id(pair.ours[index])
        attached.cells[name] = answer.certainty
        attached.lost += [name] * (answer.certainty == 0)
        attached.answered += plain(answer.source) != pair.our_text[index]
    remarks = [*_remarks(pair, answers), *_remarks_on_metadata(notebook, edition)]
    attached.remarks = [typographic(remark) for remark in remarks]
    return attached


def plain(source: str) -> str:
    """Return a source without what changes nothing: trailing blanks and empty lines."""
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip())


@functools.lru_cache(maxsize=10_000)
def assigned(source: str) -> frozenset[str]:
    """Return the names that a cell's code binds at its top level, functions included, magics ignored."""
    source = _MAGIC.sub(r"\1pass", source)
    if len(source) > _LONGEST:
        return frozenset()
    try:
        with warnings.catch_warnings(action="ignore"):
            nodes = [ast.parse(source)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(_LOOKS_ASSIGNED.findall(source))
    names = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        if not isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            nodes += ast.iter_child_nodes(node)
    return frozenset(names)


def is_answer(cell: NotebookNode) -> bool:
    """Tell whether a cell of the edition is for the student's answer."""
    return bool(nbgrader(cell).get("solution"))


def _is_locked(cell):
    return bool(nbgrader(cell).get("locked")) or bool(nbgrader(cell).get("grade") and not is_answer(cell))


def _match(pair):
    """Match cells, the surest first; of equally sure ones those whose place is alike."""
    scored = []
    for index in range(len(pair.ours)):
        for other in range(len(pair.theirs)):
            if (score := _score(pair, index, other)) >= _LEAST:
                shift = abs(index / len(pair.ours) - other / len(pair.theirs))
                scored.append((-score, shift, index, other))
    taken = set()
    for score, _, index, other in sorted(scored):
        if index not in pair.matches and other not in taken:
            pair.matches[index], pair.scores[index] = other, -score
            taken.add(other)


def _score(pair, index, other) -> float:
    """Say how sure the student's cell ``other`` is the edition's cell ``index``, from 0 to 1."""
    ours, theirs, name = pair.ours[index], pair.theirs[other], pair.their_ids[other]
    named = name == pair.our_ids[index] if name else theirs["id"] == ours["id"]
    same = pair.our_text[index] == pair.their_text[other]
    same_type = ours["cell_type"] == theirs["cell_type"]
    if pair.asked[index]:
        score = _score_code if ours["cell_type"] == "code" else _score_text
        return score(pair, index, other, named, same) * (1.0 if same_type else 0.8)
    if same and same_type:
        return 1.0 if named else 0.95
    if not same_type:
        return 0.5 * named
    return max(0.8 * named, 0.9 * _likeness(pair, index, other, 0.75))


def _score_text(pair, index, other, named, same):
    return 1.0 if named else 0.6 * same


def _score_code(pair, index, other, named, same):
    if same or not pair.their_text[other]:  # left as it was: another cell may hold the answer
        return 0.7 if named else 0.6 * same
    ours, theirs = pair.our_names[index], pair.their_names[other]
    share = len(ours & theirs) / len(ours) if ours else float(named)
    if named:
        return 1.0 if share else 0.65
    if pair.their_ids[other] and not share:
        return 0.0  # it says it is another question, and nothing speaks against it
    return 0.5 + 0.35 * share if share else 0.6 * _likeness(pair, index, other, 0.6)


def _likeness(pair, index, other, least):
    return ratio(pair.our_text[index], pair.their_text[other], score_cutoff=100 * least) / 100


def _answers(pair) -> dict[int, _Answer]:
    """Return what the student answered, by index in the edition."""
    indices = [index for index, asked in enumerate(pair.asked) if asked]
    answers = {index: _matched_answer(pair, index) for index in indices}
    used = set()
    for index in indices:
        if answers[index].certainty == 0 or plain(answers[index].source) == pair.our_text[index]:
            found = _answer_elsewhere(pair, index, used)
            if found:
                answers[index] = found
                used.update(found.used)
    return answers


def _matched_answer(pair, index):
    """Return the answer of the matched cell; the stub when it was emptied, or when nothing matches."""
    ours, other = pair.ours[index], pair.matches.get(index)
    if other is None:
        return _Answer(ours.source, 0.0)
    theirs, score = pair.theirs[other], pair.scores[index]
    if not pair.is_new(other):
        return _Answer(ours.source, 1.0, (other,))  # nothing to mistake
    doubt = "retrouvée à ses variables et à sa ressemblance" if score < SURE else ""
    if theirs.cell_type != ours.cell_type:
        doubt = f"dans une cellule de type « {theirs.cell_type} »"
    elif pair.our_names[index] and not pair.our_names[index] & pair.their_names[other]:
        doubt = "la cellule porte le bon nom mais n'affecte aucune des variables attendues"
    return _Answer(theirs.source, score, (other,), doubt)


def _answer_elsewhere(pair, index, used) -> _Answer | None:
    """Look for an answer outside its cell: merged with another one, beside it, or in the statement."""
    if pair.ours[index].cell_type == "code":
        return _merged(pair, index) or _only_code_between(pair, index, used)
    return _text_between(pair, index, used) or _text_in_statement(pair, index)


def _merged(pair, index):
    """Find the cell of another answer, already in the notebook, that binds this answer's names too."""
    for host, other in pair.matches.items():
        names = pair.our_names[index]
        if host != index and names and names <= pair.their_names[other] and _stays(pair, host):
            note = f"# Réponse de l'étudiant : dans la cellule « {pair.ours[host].id} ».\n"
            return _Answer(note, 0.8, (), f"fusionnée avec la cellule « {pair.ours[host].id} »")
    return None


def _stays(pair, index):
    """Tell whether code of the student's matches the edition's cell and is new, so that it is executed."""
    other = pair.matches.get(index)
    return other is not None and pair.is_new(other) and pair.theirs[other].cell_type == "code"


def _gives_way(pair, index):
    """Tell whether the student's version replaces the edition's cell: code, neither locked nor an answer."""
    ours = pair.ours[index]
    return ours.cell_type == "code" and not (_is_locked(ours) or is_answer(ours)) and _stays(pair, index)


def _only_code_between(pair, index, used):
    if index in pair.matches:
        return None  # the stub is there, unanswered
    between = pair.free(*_neighbours(pair, index))
    code = [other for other in between if pair.theirs[other].cell_type == "code" and other not in used]
    if len(code) != 1:
        return None
    return _Answer(pair.theirs[code[0]].source, 0.4, (code[0],), "retrouvée à sa place seulement")


def _text_between(pair, index, used):
    free = [
        other
        for other in pair.free(*_neighbours(pair, index))
        if pair.theirs[other].cell_type != "code" and other not in used
    ]
    if not free:
        return None
    tight = {index - 1, index + 1} <= pair.matches.keys() and len(free) == 1
    text = "\n\n".join(pair.theirs[other].source for other in free)
    return _Answer(text, 0.8 if tight else 0.6, tuple(free), "retrouvée à sa place, entre ses voisines")


def _text_in_statement(pair, index):
    other = pair.matches.get(index - 1)
    if other is None:
        return None
    statement, theirs = pair.our_text[index - 1].splitlines(), pair.their_text[other].splitlines()
    if not set(statement) <= set(theirs):  # changed: an old edition's
        return None
    added = _added(pair, index - 1)
    return _Answer(added, 0.6, (other,), "écrite dans la cellule de l'énoncé") if added else None


def _added(pair, index):
    """Return the lines of a student's text that the edition's does not have."""
    known = set(pair.our_text[index].splitlines())
    lines = pair.theirs[pair.matches[index]].source.splitlines()
    return "\n".join(line for line in lines if line.rstrip() not in known).strip()


def _neighbours(pair, index):
    """Return between which of the student's cells an answer must stand, by its recognised neighbours."""
    before = max((i for i in pair.matches if i < index), default=None)
    after = min((i for i in pair.matches if i > index), default=None)
    return pair.matches.get(before, -1), pair.matches.get(after, len(pair.theirs))


def _rebuilt(pair, answers) -> Iterator[NotebookNode]:
    """Yield the edition's cells, the answers in theirs, and the student's own cells before the next one."""
    own = _own_cells(pair, answers)
    for index, ours in enumerate(pair.ours):
        yield from own[index]
        if index in answers:
            answer = answers[index]
            yield _filled(ours, answer.source, origin="answer", certainty=answer.certainty)
        elif _gives_way(pair, index):
            yield _filled(ours, pair.theirs[pair.matches[index]].source, origin="student")
        else:
            yield _filled(ours, ours.source, origin="edition")
    yield from own[len(pair.ours)]


def _filled(ours, source, **lab):
    """Return a copy of the edition's cell with another source and without outputs."""
    cell = nbformat.from_dict({**ours, "source": source, "metadata": {**ours.metadata, "lab": lab}})
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    return cell


def _own_cells(pair, answers) -> dict[int, list[NotebookNode]]:
    """Return the student's own cells by the index of the edition's cell that they precede."""
    own = defaultdict(list)
    used = {other for answer in answers.values() for other in answer.used}
    place = {other: index for index, other in pair.matches.items()}
    matched = sorted(place)
    for other, theirs in enumerate(pair.theirs):
        index = place.get(other)
        if other in used or not pair.is_new(other) or (index is not None and _gives_way(pair, index)):
            continue
        source = theirs.source
        if index is not None and "code" not in (theirs.cell_type, pair.ours[index].cell_type):
            source = _added(pair, index)  # a statement: what was written into it
        if index is None:
            before = bisect.bisect(matched, other)
            index = place[matched[before - 1]] + 1 if before else 0
        if source:
            own[index].append(_own_cell(theirs, source, f"etudiant-{other}"))
    return own


def _own_cell(theirs, source, name):
    make = nbformat.v4.new_code_cell if theirs.cell_type == "code" else nbformat.v4.new_markdown_cell
    cell = make(source, id=name, metadata={"lab": {"origin": "student"}})
    if "attachments" in theirs and theirs.cell_type != "code":
        cell.attachments = theirs.attachments
    return cell


def _remarks(pair, answers) -> Iterator[str]:
    names = {index: grade_id(pair.ours[index]) for index in answers}
    for index, answer in answers.items():
        if answer.doubt:
            sure = decimal(100 * answer.certainty, 0)
            yield f"{names[index]} : réponse à vérifier, {answer.doubt} (certitude {sure} %)."
    if lost := [names[index] for index, answer in answers.items() if answer.certainty == 0]:
        yield f"Cellules de réponse introuvables, comptées sans réponse : {listed(lost)}."
    matched = set(pair.matches.values()) | {other for answer in answers.values() for other in answer.used}
    texts = [o for o, cell in enumerate(pair.theirs) if cell.cell_type != "code" and pair.is_new(o)]
    if more := len([other for other in texts if other not in matched]):
        yield f"Texte ajouté hors des cellules de réponse ({more}) : il est gardé à sa place, à lire."
    # Known by its match or by its name: what was written in it may have been taken for an answer.
    named = {name for other, name in enumerate(pair.their_ids) if pair.is_new(other)}
    changed = [
        ours.id
        for index, ours in enumerate(pair.ours)
        if _is_locked(ours)
        and (pair.our_ids[index] in named or (index in pair.matches and pair.is_new(pair.matches[index])))
    ]
    if changed:
        yield f"Cellules verrouillées modifiées, rétablies d'après l'édition : {listed(sorted(changed))}."


def _remarks_on_metadata(notebook, edition) -> Iterator[str]:
    known = {grade_id(cell): nbgrader(cell) for cell in edition.cells if grade_id(cell)}
    sent = [cell for cell in notebook.cells if grade_id(cell)]
    counts = Counter(map(grade_id, sent))
    if unknown := sorted(counts.keys() - known.keys()):
        yield f"Questions que l'édition actuelle ne connaît pas : {listed(unknown[:10])}."
    if copies := sorted(name for name, number in counts.items() if number > 1 and name in known):
        yield f"Plusieurs cellules nommées {listed(copies)} : une est la réponse, les autres sont gardées."
    keys = ("grade", "locked", "points", "solution", "task")
    flags = {name: [flag.get(key) for key in keys] for name, flag in known.items()}
    forged = {
        name
        for name, cell in zip(map(grade_id, sent), sent, strict=True)
        if name in flags and [nbgrader(cell).get(key) for key in keys] != flags[name]
    }
    if forged:
        yield f"Métadonnées de notation modifiées, ignorées : {listed(sorted(forged))}."
    mark = notebook.metadata.get("lab", {}).get("sources")
    if mark and mark != edition.metadata.get("lab", {}).get("sources"):
        yield "Notebook d'une autre édition que l'actuelle."
