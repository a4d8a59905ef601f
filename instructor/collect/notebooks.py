"""Reads a notebook that a student sent, whatever became of it, and tells which part it is."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from ..editions import grade_id, local_id
from .archives import too_large
from .reattach import assigned

MAX_SIZE = 30_000_000  # bytes; an executed part weighs under 3 MB
MAX_CELLS = 2_000
_PREFIX = re.compile(r"p(\d)-")  # of a cell's id: see publish.release
_TITLE = re.compile(r"^#\s+Partie\s(\d)", flags=re.MULTILINE)
_BY_CONTENT = "reconnu à son contenu"
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
        raise NotebookError(too_large(size, MAX_SIZE))
    content = _parsed(path.read_bytes())
    try:
        if "cells" in content:
            cells = content["cells"]
        else:  # nbformat 3 and older
            cells = [cell for sheet in content["worksheets"] for cell in sheet["cells"]]
        if len(cells) > MAX_CELLS:
            raise NotebookError(f"{len(cells)} cellules, au plus {MAX_CELLS} sont lues")
    except (KeyError, TypeError):
        raise NotebookError("du JSON, mais pas un carnet") from None
    ids = set()
    made = [_cell(cell, number, ids) for number, cell in enumerate(cells) if isinstance(cell, dict)]
    metadata = {key: _flat(content.get("metadata"), key) for key in ("kernelspec", "language_info", "lab")}
    return nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as it is; half a surrogate pair, which no file can hold, becomes a question mark."""
    path.write_bytes(json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "replace"))


def language(notebook: NotebookNode) -> str:
    """Return the language that a notebook says it is written in; "" when it is Python or says nothing."""
    metadata = notebook.metadata
    said = str(metadata.kernelspec.get("language") or metadata.language_info.get("name") or "")
    return "" if said.lower() in _PYTHON else said


def which_part(
    notebook: NotebookNode, name: str, editions: Mapping[str, NotebookNode]
) -> tuple[str | None, str]:
    """Tell which part a notebook is.

    By what it says itself: in its metadata, in its cells' ids ("p1-titre"), in its title. Where it says
    nothing, by the ids and the names assigned that only one edition has, then by the file's name.

    Returns:
        The part's name, None if unknown or not among ``editions``; and a French clause that says why when
        this is not certain.
    """
    ids = Counter(found[1] for cell in notebook.cells if (found := _PREFIX.match(cell.id)))
    titles = (found[1] for cell in notebook.cells[:3] if (found := _TITLE.search(cell.source)))
    said = re.match(r"part(\d)", str(notebook.metadata.lab.get("part")))
    numbers = (said and said[1], *dict(ids.most_common(1)), next(titles, None))
    if number := next(filter(None, numbers), None):
        named = said or any(map(grade_id, notebook.cells))
        return part_named(f"part{number}", editions), "" if named else _BY_CONTENT
    for features, why in ((_ids, ""), (_names, _BY_CONTENT)):
        found = {part: features(edition) for part, edition in editions.items()}
        known = Counter(feature for of_part in found.values() for feature in of_part)
        here = {feature for feature in features(notebook) if known[feature] == 1}
        counts = Counter({part: len(here & of_part) for part, of_part in found.items()})
        (part, most), (_, second) = [*counts.most_common(2), (None, 0), (None, 0)][:2]
        if most >= max(2, 2 * second):
            return part, why
    part = part_named(name, editions)
    return part, "reconnu à son nom seulement" if part else ""


def part_named(name: str, editions: Iterable[str]) -> str | None:
    """Return the part that a file's name tells, such as "Partie 2 (1).ipynb"; None if none."""
    found = re.search(r"part(?:ie)?[\s_-]*(\d)", name.lower())
    return next((part for part in editions if found and part.startswith(f"part{found[1]}_")), None)


def _parsed(data):
    if not data.strip(b"\0 \t\r\n"):
        raise NotebookError("fichier vide")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return json.loads(data.decode(encoding, "replace"))
    except (ValueError, RecursionError):
        raise NotebookError("JSON illisible, peut-être un envoi interrompu") from None


def _cell(cell, number, ids):
    """Return a sent cell as a valid one: nbformat 3 calls the source ``input``; ``ids`` are those given."""
    source, metadata = cell.get("source", cell.get("input")), cell.get("metadata")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    kind = cell.get("cell_type") if cell.get("cell_type") in ("code", "raw") else "markdown"
    name = cell.get("id") or (metadata.get("id") if isinstance(metadata, dict) else None)  # Colab's place
    if not isinstance(name, str) or not re.fullmatch(r"[\w-]{1,64}", name) or name in ids:
        name = f"sans-id-{number}"  # a copied cell may keep its id
    ids.add(name)
    made = {"cell_type": kind, "id": name, "source": source if isinstance(source, str) else ""}
    made["metadata"] = {"nbgrader": flags} if (flags := _flat(metadata, "nbgrader")) else {}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    elif isinstance(pictures := cell.get("attachments"), dict):
        made["attachments"] = {name: _flat(pictures, name) for name in pictures}
    return made


def _flat(node, key) -> dict:
    """Return the plain values of a mapping inside a mapping, empty when either is something else."""
    value = node.get(key) if isinstance(node, dict) else None
    if not isinstance(value, dict):
        return {}
    return {name: item for name, item in value.items() if isinstance(item, str | int | float)}


def _ids(notebook):
    return {name for cell in notebook.cells for name in (local_id(cell), grade_id(cell)) if name}


def _names(notebook):
    return {name for cell in notebook.cells if cell.cell_type == "code" for name in assigned(cell.source)}
