"""Compares what a source notebook says of points with ``MARKS`` and ``BANDS``, where its checks set them."""

import re
from collections.abc import Iterator, Mapping
from types import ModuleType

from nbformat import NotebookNode

from ..editions import INSTRUCTOR_TAG, grade_id, is_check, key_of, nbgrader

_TITLE = re.compile(r"^#+ (\d+\.[a-z]|Bonus)\b.*\(\D*([\d,]+) point", flags=re.MULTILINE)
_RUBRIC_ITEM = re.compile(r"^- ([\d,]+) point", flags=re.MULTILINE)
# A column of the first cell's table, by a word of its heading -> whether a question's points belong there.
_COLUMNS = {
    "vérifiés": lambda question: not (question.manual or question.bonus),
    "rédigées": lambda question: question.manual and not question.bonus,
    "bonus": lambda question: question.bonus,
}


def disagreements(notebook: NotebookNode, checks: ModuleType) -> list[str]:
    """Compare titles, the cells' metadata, rubrics and tables with the marks of a part's checks.

    Returns:
        One sentence per disagreement, "1.b: what"; empty when all say the same.
    """
    questions, bands = checks.MARKS.questions, getattr(checks, "BANDS", {})
    places = {"the cell's metadata": {}, "the title": {}, "the rubric": {}}
    metadata, titles, rubrics = places.values()
    key = ""
    for cell in notebook.cells:
        key = key_of(grade_id(cell)) or key
        if nbgrader(cell).get("grade"):
            metadata[key] = float(nbgrader(cell)["points"])
        if INSTRUCTOR_TAG in cell.metadata.get("tags", ()):
            if items := _RUBRIC_ITEM.findall(cell.source):
                rubrics[key] = sum(map(_number, items))
        elif cell.cell_type == "markdown":
            titles |= {name: _number(points) for name, points in _TITLE.findall(cell.source)}
    found = [f"{name}: a cell marks it, MARKS does not know it" for name in metadata if name not in questions]
    for name, question in questions.items():
        for place, said in places.items():
            due = place != "the rubric" or (question.manual and not question.bonus)
            if name in said and said[name] != question.points:
                found.append(f"{name}: MARKS gives {question.points:g}, {place} {said[name]:g}")
            elif due and name not in said and question.points:
                found.append(f"{name}: MARKS gives {question.points:g}, {place} nothing")
    return [*found, *_table(notebook.cells[0].source, questions), *_bands(notebook, bands)]


def unearned(solved: NotebookNode, checks: ModuleType) -> list[str]:
    """Return one sentence per check that gives a right answer less than its points, in a solved run."""
    found = []
    for cell in filter(is_check, solved.cells):
        key = key_of(grade_id(cell))
        told = next(output.data for output in cell.outputs if "text/plain" in output.get("data", {}))
        if float(told["text/plain"]) != (due := checks.MARKS.questions[key].points):
            found.append(f"{key}: its solution earns {told['text/plain']} of {due:g}")
    return found


def _bands(notebook: NotebookNode, bands: Mapping) -> Iterator[str]:
    """Compare each table of a threshold's points, below its question's title."""
    key = None
    for cell in notebook.cells:
        titles, rows = _TITLE.findall(cell.source), {row[0]: row[1:] for row in _rows(cell.source)}
        key = titles[-1][0] if titles else key
        if key and "Points" in rows:
            limits = [_number(limit.rpartition(" ")[2]) for limit in next(iter(rows.values()))]
            said = dict(zip(limits, map(_number, rows["Points"]), strict=True))
            if said != (due := bands.get(key, bands)):
                yield f"{key}: BANDS gives {due}, the table {said}"


def _rows(text: str) -> list[list[str]]:
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.replace("*", "").strip() for cell in line.strip("| ").split("|")] for line in lines]


def _table(text: str, questions: Mapping) -> Iterator[str]:
    rows = _rows(text)
    heading = rows[0] if rows else []
    for word, belongs in _COLUMNS.items():
        columns = [column for column, name in enumerate(heading) if word in name]
        for row in rows[1:] if columns else ():
            of = re.match(r"(\d+)\.|Total", row[0])
            if of:
                prefix, (column,) = f"{of[1]}." if of[1] else "", columns
                due = sum(q.points for key, q in questions.items() if key.startswith(prefix) and belongs(q))
                number = re.search(r"\d[\d,]*", row[column]) if column < len(row) else None
                said = _number(number[0]) if number else 0
                if said != due:
                    yield f"{row[0]}: MARKS gives {due:g} in “{heading[column]}”, the table {said:g}"


def _number(text: str) -> float:
    return float(text.replace(",", "."))
