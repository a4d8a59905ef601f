"""Finds what students must not get: solutions, rubrics, hidden tests and paths of the instructor's folder.

A line of a secret counts wherever it stands, in sources, outputs and plain files, whatever its indentation.
"""

import json
import re
import string
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..editions import INSTRUCTOR_TAG, read

# nbgrader's markers of what it takes out, and what names this folder.
MARKERS = (
    r"### (?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)",
    r"Barème du correcteur",
    r"\binstructor[/\\.]",
)
_REGION = re.compile(
    r"### BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME).*?\n(.*?)\n[^\n]*### END \1", flags=re.DOTALL
)
# A shorter line, such as `pass` or `x = 1`, is found in innocent text too.
SHORTEST = 16


def find_leaks(folder: Path, sources: Iterable[Path]) -> list[str]:
    """Search all files under ``folder`` for what only the instructor's ``sources`` hold.

    Returns:
        One sentence per leak, "file: what"; empty when the folder is safe to hand out.
    """
    secrets = secret_lines(*sources)
    leaks = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            leaks += [f"{name}: {leak}" for text in _texts(path) for leak in _leaks_in(text, secrets)]
        if INSTRUCTOR_TAG in path.name:
            leaks.append(f"{name}: its name is that of the instructor's folder")
    return list(dict.fromkeys(leaks))


def secret_lines(*sources: Path) -> set[str]:
    """Return the telling lines of the source notebooks' solutions, hidden tests and rubrics.

    A line that also stands outside of them, in what students get, be it within a longer one, is no secret.
    """
    secret, public = set(), []
    for cell in (cell for source in sources for cell in read(source).cells):
        if INSTRUCTOR_TAG in cell.metadata.get("tags", ()):
            secret.update(_lines(cell.source))
            continue
        public.append(_REGION.sub("", cell.source))
        secret.update(line for _, region in _REGION.findall(cell.source) for line in _lines(region))
    given = "\n".join(public)
    return {line for line in secret if len(line) >= SHORTEST and line not in given}


def _leaks_in(text, secrets) -> Iterator[str]:
    for marker in MARKERS:
        for found in re.findall(marker, text):
            yield f"holds {found!r}"
    for line in sorted(secrets & _lines(text)):
        yield f"holds the solution or rubric “{line[:70]}”"
    # Inside another line, such as a commented-out or quoted solution: only what is long enough to be sure.
    for secret in sorted(secrets - _lines(text)):
        if len(secret) >= 2 * SHORTEST and secret in text:
            yield f"holds the solution or rubric “{secret[:70]}”"


def _lines(text):
    return {line.strip(string.whitespace + "#") for line in text.splitlines()}


def _texts(path) -> list[str]:
    """Return all text of a file; of a notebook, that of its cells and outputs, unescaped."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:  # a picture
        return []
    return list(_strings(json.loads(text))) if path.suffix == ".ipynb" else [text]


def _strings(value) -> Iterator[str]:
    """Yield every string of a JSON value; a notebook's list of lines is one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and all(isinstance(item, str) for item in value):
        yield "".join(value)
    else:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _strings(item)
