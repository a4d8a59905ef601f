"""Finds right answers in what a student edition shows: texts, outputs, descriptions of pictures.

The right answers are those of the solved edition as it runs: a cell added to its end tells them.
"""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping

import nbformat
from nbformat import NotebookNode

from ..editions import grade_id, is_check

_PROBE = "reponses-justes"
# What a question asks for as a value; what cannot be told (a function, a record of a training) is left out.
_TELL = """
import json, numbers
def _told(value):
    if isinstance(value, numbers.Number) and not isinstance(value, (bool, complex)):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, dict):
        return _told(list(value.values()))
    if isinstance(value, (list, tuple)):
        return [_told(item) for item in value]
    return value if isinstance(value, str) else None
print(json.dumps({key: [_told(value) for value in values] for key, values in %s.items()}))
"""


def add_probe(solved: NotebookNode) -> None:
    """Add to a solved notebook, before it is executed, a cell that tells its answers."""
    asked = []
    for cell in solved.cells:
        if is_check(cell) and "check_prediction" not in cell.source:
            (statement,) = ast.parse(cell.source).body
            values = ", ".join(ast.unparse(argument) for argument in statement.value.args)
            asked.append(f"{grade_id(cell)!r}: [{values}]")
    solved.cells.append(nbformat.v4.new_code_cell(_TELL % f"{{{', '.join(asked)}}}", id=_PROBE))


def take_probe(solved: NotebookNode) -> dict[str, list]:
    """Take that cell away again; return grade_id of each check -> its right answers."""
    probe = solved.cells.pop()
    return json.loads("".join(output.text for output in probe.outputs))


def find_answers(student: NotebookNode, answers: Mapping[str, list]) -> list[str]:
    """Search a student edition for right answers.

    Returns:
        One sentence per answer found, "cell: what"; empty when the edition gives nothing away.
    """
    found = []
    for question, values in answers.items():
        for spelling in dict.fromkeys(spelling for value in values for spelling in spellings(value)):
            pattern = rf"(?<![\w.,])(?<!\d[ \u00a0\u202f]){re.escape(spelling)}(?![\w]|[.,]\d)"
            for cell in student.cells:
                if any(re.search(pattern, text) for text in _texts(cell)):
                    found.append(f"{cell.id}: shows {spelling!r}, the answer to {question}")
    return found


def spellings(value: object) -> Iterator[str]:
    """Yield the usual spellings of an answer; none of a small whole number, which is found everywhere."""
    if isinstance(value, str):
        yield from [value] if len(value) >= 20 else []  # an address; a word is in the statement
    elif isinstance(value, list):
        numbers = [item for item in value if isinstance(item, (int, float))]
        if len(numbers) == len(value) > 2 and all(isinstance(number, int) for number in numbers):
            yield from (separator.join(map(str, numbers)) for separator in (", ", " ; ", " "))
        for item in value:
            yield from spellings(item)
    elif isinstance(value, float):
        for written in (f"{value:.2f}", f"{value:.3f}"):
            if len(written.replace(".", "").lstrip("-0")) > 1:  # 0.03 alone is any setting
                yield written
                yield written.replace(".", ",")
        if 0 < value < 1:
            yield from (f"{100 * value:.0f}{space}%" for space in (" ", "\u00a0", ""))
    elif isinstance(value, int) and value >= 100:
        yield from (f"{value:,}".replace(",", separator) for separator in ("", " ", "\u00a0", "\u202f"))


def _texts(cell) -> Iterable[str]:
    yield cell.source
    for output in cell.get("outputs", ()):
        yield output.get("text", "")
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield data
        for described in output.get("metadata", {}).values():
            if isinstance(described, dict):
                yield str(described.get("alt", ""))
