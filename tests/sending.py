"""Makes what students send: notebooks answered, damaged or forged, and the archives around them."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

EDITIONS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted(Path(__file__).parent.parent.glob("part*.ipynb"))
}
PART1, PART2, PART3, PART4 = EDITIONS
R_KERNEL = {
    "kernelspec": {"name": "ir", "display_name": "R", "language": "R"},
    "language_info": {"name": "R"},
}


def answered(part: str = PART1, answers: Mapping[str, str] | None = None) -> dict:
    """Return the student edition of a part, as JSON without outputs, with other sources in some cells.

    Args:
        part: its name.
        answers: cell id, "-reponse" left out if it ends so -> source.
    """
    notebook = copy.deepcopy(EDITIONS[part])
    cells = {re.sub(r"^p\d-|-reponse$", "", cell["id"]): cell for cell in notebook["cells"]}
    for name, source in (answers or {}).items():
        cells[name]["source"] = source
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return notebook


def find(notebook: dict, name: str) -> dict:
    """Return the cell of that id, which the part's number may precede."""
    return next(cell for cell in notebook["cells"] if re.fullmatch(rf"(p\d-)?{name}", cell.get("id", "")))


def insert_after(notebook: dict, name: str, *cells: dict) -> dict:
    """Insert cells after the one of that id; return the notebook."""
    place = notebook["cells"].index(find(notebook, name)) + 1
    notebook["cells"][place:place] = cells
    return notebook


def code(source: str) -> dict:
    """Return a code cell as a student adds it."""
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def text(source: str) -> dict:
    """Return a text cell as a student adds it."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def without_names(notebook: dict) -> dict:
    """Return the notebook as some tools leave it: no ids, no metadata, an older minor version."""
    cells = [
        {key: value for key, value in cell.items() if key != "id"} | {"metadata": {}}
        for cell in notebook["cells"]
    ]
    return {"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": cells}


def as_bytes(content: dict | str | bytes) -> bytes:
    """Return a file's content: of a notebook, its JSON."""
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def zipped(files: Mapping[str | zipfile.ZipInfo, dict | str | bytes]) -> bytes:
    """Return a zip archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, as_bytes(content), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(files: Mapping[str, dict | str | bytes]) -> bytes:
    """Return a tar.gz archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(as_bytes(content))
            archive.addfile(info, io.BytesIO(as_bytes(content)))
    return buffer.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    """Return the entry of a symbolic link, to be zipped with its target as content."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def encrypted(archive: bytes) -> bytes:
    """Return a zip of one file that says a password is needed."""
    data = bytearray(archive)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    return bytes(data)


def version_3(notebook: dict) -> dict:
    """Return a notebook as IPython 2 wrote it."""
    cells = [
        {"cell_type": "code", "input": "".join(cell["source"]).splitlines(True), "language": "python"}
        if cell["cell_type"] == "code"
        else {"cell_type": "markdown", "source": cell["source"]}
        for cell in notebook["cells"]
    ]
    return {"nbformat": 3, "metadata": {"name": "tp"}, "worksheets": [{"cells": cells}]}


def send(folder: Path, files: Mapping[str, dict | str | bytes | int]) -> Path:
    """Write files below a folder, a number as a sparse file of that many bytes; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if isinstance(content, int) else as_bytes(content))
        if isinstance(content, int):
            os.truncate(path, content)
    return folder
