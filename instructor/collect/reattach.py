"""Finds a student's answers again in whatever became of the notebook, and rebuilds a clean one around them.

Statements, checks and marks are the edition's, always; only answers and additional cells are the student's.
"""

import functools
import re
import symtable
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from helpers.french import listed

from ..editions import grade_id, is_answer, is_free_text, local_id, nbgrader, unstamped

OTHER_EDITION = "Carnet d'une autre édition que l'actuelle."
_SOLUTION = "### BEGIN SOLUTION"  # in the source notebooks alone
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
        private: others, for the teacher alone.
    """

    notebook: NotebookNode
    cells: dict[str, float] = field(default_factory=dict)
    answered: int = 0
    remarks: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)

    @property
    def certainty(self) -> float:
        """That of the least sure answer; at most 0.5 when one was not found, 0 when none was."""
        found = [sure for sure in self.cells.values() if sure]
        return min([*found, 1.0 if len(found) == len(self.cells) else 0.5]) if found else 0.0


class _Answer(NamedTuple):
    """What stands in an answer cell, how sure, a doubt (French clause), and the pictures pasted there."""

    source: str
    certainty: float = 1.0
    doubt: str = ""
    pictures: dict = {}  # noqa: RUF012  (never changed)


class _Sent:
    """One of the student's cells.

    Attributes:
        cell, position: what was sent, and where it stood.
        names: those that it assigns.
        is_new: whether the student wrote it: it is neither empty nor the edition's.
        place: index of the edition's cell that it is, None if it is none.
        used: whether it stands in an answer.
    """

    def __init__(self, cell: NotebookNode, position: int, known: set[str]):
        self.cell, self.position, self.names = cell, position, assigned(cell.source)
        self.is_new = plain(cell.source) not in known
        self.place, self.used = None, False

    @property
    def is_own_text(self) -> bool:
        """Whether this is a text of the student's that stands in no cell of ours."""
        return self.is_new and not self.used and self.place is None and self.cell.cell_type != "code"


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
    ours, known = edition.cells, {"", *(plain(cell.source) for cell in edition.cells)}
    cells = _split(notebook.cells, ours)
    theirs = [_Sent(cell, position, known) for position, cell in enumerate(cells)]
    found = _match(ours, theirs)
    answers = {i: _answer(i, ours, theirs, found) for i, cell in enumerate(ours) if is_answer(cell)}
    remarks = [*_remarks(ours, theirs, found, answers), *_remarks_on_names(notebook, edition)]
    changes, private = [*_remarks_on_changes(notebook, ours, found)], []
    if _is_of_another(notebook, edition, theirs):  # which may be what differs there
        private = [OTHER_EDITION, *changes]
    else:
        remarks += changes
    if any(_SOLUTION in cell.source for cell in notebook.cells):
        private.insert(0, f"C'est le carnet de l'enseignant, ou son corrigé : on y lit « {_SOLUTION} ».")
    return Attached(
        nbformat.from_dict({**edition, "cells": list(_rebuilt(ours, theirs, found, answers))}),
        {grade_id(ours[index]): answer.certainty for index, answer in answers.items()},
        sum(plain(answer.source) != plain(ours[index].source) for index, answer in answers.items()),
        remarks,
        private,
    )


def plain(source: str) -> str:
    """Return a source without what changes nothing: the release's stamp, trailing blanks and empty lines."""
    return "\n".join(line.rstrip() for line in unstamped(source).splitlines() if line.strip())


@functools.lru_cache(maxsize=1024)
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


def _split(cells, edition) -> Iterator[NotebookNode]:
    """Yield a student's cells; what was typed into a statement of ours becomes a cell of its own after it."""
    statements = {
        local_id(cell): cell for cell in edition if cell.cell_type == "markdown" and not is_answer(cell)
    }
    for cell in cells:
        ours = statements.get(local_id(cell))
        known = {"", *plain(ours.source).splitlines()} if ours else set()
        lines = [(line.rstrip(), plain(line)) for line in cell.source.splitlines()]
        added = "\n".join(line for line, bare in lines if bare not in known).strip()
        if ours and added and cell.cell_type == "markdown" and known <= {"", *(bare for _, bare in lines)}:
            yield ours
            yield nbformat.from_dict({**cell, "id": "", "source": added})
        else:  # a statement that lost lines is an old edition's
            yield cell


def _match(ours, theirs) -> dict[int, _Sent]:
    """Return the student's cell for each of the edition's that is found, by index, the surest first.

    What bears a name but assigns none of its variables comes last.
    """
    found: dict[int, _Sent] = {}
    by_name, by_id = grade_id, local_id
    for key in (by_name, by_id, _text):
        _match_by(key, ours, theirs, found, doubtful=False)
    _match_by_variables(ours, theirs, found)
    for key in (by_name, by_id):
        _match_by(key, ours, theirs, found, doubtful=True)
    return found


def _text(cell):
    """Return what tells a cell by its text; free texts all have the same stub."""
    return "" if is_free_text(cell) else (cell.cell_type, plain(cell.source))


def _wanted(cell) -> frozenset[str]:
    """Return the names that an answer must assign, none of a text."""
    return assigned(cell.source) if is_answer(cell) and cell.cell_type == "code" else frozenset()


def _is_doubtful(sent, wanted):
    return bool(wanted) and sent.is_new and not sent.names & wanted


def _match_by(key: Callable, ours, theirs, found, doubtful: bool) -> None:
    """Match cells that have the same key; of several, the one that is answered, or left as it was."""
    same = defaultdict(list)
    for sent in theirs:
        same[key(sent.cell)].append(sent)
    for index, cell in enumerate(ours):
        if index in found or not key(cell):
            continue
        free, wanted = [sent for sent in same[key(cell)] if sent.place is None], _wanted(cell)
        if free := [sent for sent in free if doubtful or not _is_doubtful(sent, wanted)]:
            found[index] = max(free, key=lambda sent: sent.is_new == is_answer(cell))
            found[index].place = index


def _match_by_variables(ours, theirs, found) -> None:
    """Find the answers retyped in another cell, or in one with another answer, whose place stays its own."""
    code = [sent for sent in theirs if sent.is_new and sent.cell.cell_type == "code"]
    for index, cell in enumerate(ours):
        wanted, stub = _wanted(cell), found.get(index)
        if not wanted or (stub and stub.is_new):
            continue
        fitting = [s for s in code if (s.names & wanted if s.place is None else s.names >= wanted)]
        if fitting:
            found[index] = max(fitting, key=lambda sent: (len(sent.names & wanted), sent.place is None))
            if found[index].place is None:
                found[index].place = index
                if stub:
                    stub.place = None


def _answer(index, ours, theirs, found) -> _Answer:
    """Return a question's answer; the stub when it was emptied, or when nothing is found."""
    cell, sent = ours[index], found.get(index)
    if not sent or not sent.is_new:
        if texts := _texts_nearby(index, theirs, found) if is_free_text(cell) else []:
            for text in texts:
                text.used = True
            source = "\n\n".join(text.cell.source for text in texts)
            pictures = {
                name: data for text in texts for name, data in text.cell.get("attachments", {}).items()
            }
            return _Answer(source, 0.6, "retrouvée à sa place, entre ses voisines", pictures)
        stub = plain(cell.source)
        is_there = sent or any(plain(s.cell.source) == stub for s in theirs if s.place is None)
        return _Answer(cell.source, 1.0 if is_there else 0.0)
    if sent.place != index:
        host = f"la cellule « {ours[sent.place].id} »"
        return _Answer(f"# Réponse de l'étudiant : dans {host}.\n", 0.8, f"fusionnée avec {host}")
    sent.used, doubt = True, ""
    if sent.cell.cell_type != cell.cell_type:
        doubt = f"dans une cellule de type « {sent.cell.cell_type} »"
    elif _is_doubtful(sent, _wanted(cell)):
        doubt = "la cellule porte le bon nom mais n'affecte aucune des variables attendues"
    elif local_id(sent.cell) != local_id(cell) and grade_id(sent.cell) != grade_id(cell):
        doubt = "retrouvée à ses variables"
    return _Answer(sent.cell.source, 0.8 if doubt else 1.0, doubt, sent.cell.get("attachments", {}))


def _texts_nearby(index, theirs, found) -> list[_Sent]:
    """Return the student's own texts between the recognised neighbours of a free text."""
    before = max((i for i in found if i < index), default=None)
    after = min((i for i in found if i > index), default=None)
    start = 0 if before is None else found[before].position
    end = len(theirs) if after is None else found[after].position
    return [sent for sent in theirs[start:end] if sent.is_own_text]


def _gives_way(cell, sent):
    """Tell whether the student's version replaces the edition's cell: code, neither locked nor an answer."""
    both_code = cell.cell_type == sent.cell.cell_type == "code"
    return both_code and sent.is_new and not nbgrader(cell).get("locked") and not is_answer(cell)


def _rebuilt(ours, theirs, found, answers) -> Iterator[NotebookNode]:
    """Yield the edition's cells, the answers in theirs, and the student's own cells before the next one."""
    own, following = defaultdict(list), len(ours)
    for sent in reversed(theirs):
        following = following if sent.place is None else sent.place
        is_ours = sent.place is not None and _gives_way(ours[following], sent)
        if sent.is_new and not sent.used and not is_ours:
            own[following].insert(0, _own_cell(sent))
    for index, cell in enumerate(ours):
        yield from own[index]
        if index in answers:
            yield _filled(cell, answers[index].source, "answer", answers[index].pictures)
        elif index in found and _gives_way(cell, found[index]):
            yield _filled(cell, found[index].cell.source, "student")
        else:
            yield _filled(cell, cell.source, "edition")
    yield from own[len(ours)]


def _own_cell(sent):
    kind = "code" if sent.cell.cell_type == "code" else "markdown"
    metadata = {"lab": {"origin": "student"}}
    changed = {"id": f"etudiant-{sent.position}", "cell_type": kind, "metadata": metadata}
    return nbformat.from_dict({**sent.cell, **changed})


def _filled(ours, source, origin, pictures=None):
    """Return a copy of the edition's cell with another source, its pictures, and without outputs."""
    metadata = {**ours.metadata, "lab": {"origin": origin}}
    cell = nbformat.from_dict({**ours, "source": source, "metadata": metadata})
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
    elif pictures:
        cell.attachments = nbformat.from_dict(pictures)
    return cell


def _remarks(ours, theirs, found, answers) -> Iterator[str]:
    for index, answer in answers.items():
        if answer.doubt:
            yield f"{grade_id(ours[index])} : réponse à vérifier, {answer.doubt}."
    if lost := [grade_id(ours[index]) for index, answer in answers.items() if not answer.certainty]:
        yield f"Cellules de réponse introuvables, comptées sans réponse : {listed(lost)}."
    if more := sum(sent.is_own_text for sent in theirs):
        yield f"Texte ajouté hors des cellules de réponse ({more}) : il est gardé à sa place, à lire."


def _remarks_on_names(notebook, edition) -> Iterator[str]:
    known = set(map(grade_id, edition.cells))
    counts = Counter(grade_id(cell) for cell in notebook.cells if grade_id(cell))
    if unknown := sorted(counts.keys() - known):
        yield f"Questions que l'édition actuelle ne connaît pas : {listed(unknown[:10])}."
    if copies := sorted(name for name, number in counts.items() if number > 1 and name in known):
        yield f"Plusieurs cellules nommées {listed(copies)} : une est la réponse, les autres sont gardées."


def _remarks_on_changes(notebook, ours, found) -> Iterator[str]:
    new = [ours[index] for index, sent in found.items() if sent.is_new]
    if changed := sorted(cell.id for cell in new if nbgrader(cell).get("locked")):
        yield f"Cellules verrouillées modifiées, rétablies d'après l'édition : {listed(changed)}."
    known = {grade_id(cell): _flags(cell) for cell in ours if grade_id(cell)}
    if forged := {
        grade_id(cell) for cell in notebook.cells if _flags(cell) != known.get(grade_id(cell), _flags(cell))
    }:
        yield f"Métadonnées de notation modifiées, ignorées : {listed(sorted(forged))}."


def _is_of_another(notebook, edition, theirs) -> bool:
    """Tell whether a notebook says that it is of another edition, and differs by more than its stamp."""
    sources = notebook.metadata.get("lab", {}).get("sources")
    if not sources or sources == edition.metadata.get("lab", {}).get("sources"):
        return False
    sent = {plain(one.cell.source) for one in theirs} | {grade_id(cell) for cell in notebook.cells}
    return any(
        grade_id(cell) not in sent if is_answer(cell) else plain(cell.source) not in sent
        for cell in edition.cells
    )


def _flags(cell):
    return [nbgrader(cell).get(key) for key in ("grade", "locked", "points", "solution", "task")]
