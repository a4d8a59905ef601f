"""Reads a notebook that a student sent, whatever became of it, and tells which part it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

MAX_SIZE = 30_000_000  # bytes; an executed part weighs under 3 MB
MAX_CELLS = 2_000
_PYTHON = {"python", "python3", "ipython", ""}


class NotebookError(Exception):
    """A file that is no readable notebook; the message is a French clause for the teacher."""


def read(path: Path) -> NotebookNode:
    """Read a notebook of any version into plain nbformat 4 cells, without outputs.

    Sources, cell types, ids, nbgrader's flags and attached pictures are kept where they make sense.

    Raises:
        NotebookError: too large (it is not read then), empty, not JSON, not a notebook.
    """
    size = path.stat().st_size
    if size > MAX_SIZE:
        raise NotebookError(f"{size / 1e6:.0f} Mo, au plus {MAX_SIZE // 1_000_000} Mo sont lus")
    content = _parsed(path.read_bytes())
    cells = content.get("cells")
    if not isinstance(cells, list):  # nbformat 3 and older keep cells in worksheets
        sheets = content.get("worksheets")
        cells = [
            cell
            for sheet in (sheets if isinstance(sheets, list) else ())
            if isinstance(sheet, dict)
            for cell in sheet.get("cells") or ()
        ]
        if not isinstance(sheets, list):
            raise NotebookError("du JSON, mais pas un notebook")
    if len(cells) > MAX_CELLS:
        raise NotebookError(f"{len(cells)} cellules, au plus {MAX_CELLS} sont lues")
    cells = [_cell(cell, number) for number, cell in enumerate(cells) if isinstance(cell, dict)]
    seen = set()
    for number, cell in enumerate(cells):  # a copied cell may keep its id; a notebook's ids are unique
        cell["id"] = f"sans-id-{number}" if cell["id"] in seen else cell["id"]
        seen.add(cell["id"])
    metadata = {key: _flat(content.get("metadata"), key) for key in ("kernelspec", "language_info", "lab")}
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as it is; half a surrogate pair, which no file can hold, becomes a question mark."""
    path.write_bytes(json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "replace"))


def language(notebook: NotebookNode) -> str:
    """Return the language that a notebook says it is written in; "" when it is Python or says nothing."""
    kernel, info = (_flat(notebook.metadata, key) for key in ("kernelspec", "language_info"))
    said = str(kernel.get("language") or info.get("name") or "")
    if not said and kernel.get("name") == "ir":
        said = "R"
    return "" if said.lower() in _PYTHON else said


def which_part(
    notebook: NotebookNode, name: str, editions: Mapping[str, NotebookNode]
) -> tuple[str | None, str]:
    """Tell which part a notebook is.

    By the edition's mark in its metadata, then by its cells' ids, then by the lines that only one edition
    has, then by the file's name.

    Returns:
        The part's name, None if unknown; and a French clause that says why when this is not certain.
    """
    mark = _flat(notebook.metadata, "lab").get("sources")
    for part, edition in editions.items():
        if mark and edition.metadata.get("lab", {}).get("sources") == mark:
            return part, ""
    ids = _ids(notebook)
    shares = {part: _jaccard(ids, _ids(edition)) for part, edition in editions.items()}
    if part := _winner(shares, least=0.5, lead=1.2):
        return part, ""
    if part := _winner(_own_lines(notebook, editions), least=2, lead=2):
        return part, "reconnu à son contenu"
    for part in editions:
        number = re.match(r"part\d+", part)
        if number and number[0] in re.sub(r"part(?:ie)?[\s_-]*(\d)", r"part\1", name.lower()):
            return part, "reconnu à son nom seulement"
    return None, ""


def _parsed(data):
    if not data.strip(b"\0 \t\r\n"):
        raise NotebookError("fichier vide")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        content = json.loads(data.decode(encoding, "replace"))
    except (ValueError, RecursionError):
        raise NotebookError("JSON illisible, peut-être un envoi interrompu") from None
    if not isinstance(content, dict):
        raise NotebookError("du JSON, mais pas un notebook")
    return content


def _cell(cell, number):
    """Return a sent cell as a valid one: old versions call source ``input`` and titles ``heading``."""
    kind = cell.get("cell_type")
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    name = cell.get("id") or (metadata.get("id") if isinstance(metadata, dict) else None)  # Colab's place
    made = {
        "cell_type": "code" if kind == "code" else "raw" if kind == "raw" else "markdown",
        "id": name if isinstance(name, str) and re.fullmatch(r"[\w-]{1,64}", name) else f"sans-id-{number}",
        "metadata": {"nbgrader": flags} if (flags := _flat(metadata, "nbgrader")) else {},
        "source": source if isinstance(source, str) else "",
    }
    if made["cell_type"] == "code":
        made |= {"outputs": [], "execution_count": None}
    elif pictures := cell.get("attachments"):
        made["attachments"] = {name: _flat(pictures, name) for name in pictures if isinstance(pictures, dict)}
    return made


def _flat(node, key) -> dict:
    """Return the plain values of a mapping inside a mapping, empty when either is something else."""
    value = node.get(key) if isinstance(node, Mapping) else None
    if not isinstance(value, Mapping):
        return {}
    return {name: item for name, item in value.items() if isinstance(item, str | int | float)}


def grade_id(cell: NotebookNode) -> str:
    """Return the name that nbgrader's metadata gives a cell, "" if none."""
    name = nbgrader(cell).get("grade_id")
    return name if isinstance(name, str) else ""


def nbgrader(cell: NotebookNode) -> Mapping:
    """Return nbgrader's metadata of a cell, empty if none: a student's may be anything."""
    return _flat(cell.metadata, "nbgrader")


def _ids(notebook):
    return {name for cell in notebook.cells for name in (cell.get("id"), grade_id(cell)) if name}


def _jaccard(one, other):
    return len(one & other) / max(len(one | other), 1)


def _own_lines(notebook, editions) -> dict[str, int]:
    """Count the notebook's lines that stand in one edition only."""
    lines = {part: _lines(edition) for part, edition in editions.items()}
    known = Counter(line for found in lines.values() for line in found)
    here = {line for line in _lines(notebook) if known[line] == 1}
    return {part: len(here & found) for part, found in lines.items()}


def _lines(notebook):
    """Return the distinct lines of the cells; of an assignment only what is assigned, as values differ."""
    lines = (line.strip() for cell in notebook.cells for line in cell.source.splitlines())
    return {re.sub(r"^(\w+(?:, \w+)*) = .*", r"\1 =", line) for line in lines if line}


def _winner(scores, least, lead):
    """Return the part with the best score, if it is high enough and well above the second."""
    if not scores:
        return None
    *_, second, (best, part) = [(0, ""), *sorted((score, part) for part, score in scores.items())]
    return part if best >= least and best >= lead * second[0] else None
