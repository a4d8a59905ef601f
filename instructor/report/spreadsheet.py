"""CSV files that spreadsheets and people can open, fill in and save back, whatever they do to them."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.french import plain

BOM = "\ufeff"
# A spreadsheet runs a cell that begins so: https://owasp.org/www-community/attacks/CSV_Injection
# And so does what follows a separator, to a program that takes another for the file's own.
# Numbers to the end of a line are none.
_NUMBERS = r"\s*[+-]?[\d.]+(?:[,; \])}]+[+-]?[\d.]+){0,60}[\s\])}]*(?:[\r\n]|\Z)"
_FORMULA = rf"(?=[ \"]*[=+\-@\t\r])(?!{_NUMBERS})"
_CUT = r"(\A\s*|[,;|\t\r\n])"
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
csv.field_size_limit(2**31 - 1)  # answers may be long


@dataclass
class Table:
    """A spreadsheet's lines as written: all cells are texts.

    Attributes:
        columns: the header.
        rows: column -> text.
        delimiter: what separates the cells in the file.
    """

    columns: list[str]
    rows: list[dict[str, str]]
    delimiter: str


def read(path: Path, raw: bool = False) -> Table:
    """Read a CSV file saved by anything: UTF-8 with or without BOM, UTF-16, Windows; ``,``, ``;`` or tabs.

    Args:
        path: the file.
        raw: keep the quotes that ``protected`` would have put.
    """
    text = _decoded(path.read_bytes())
    delimiter = _delimiter(text)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header, *body = lines or [[]]
    columns = [name.strip() for name in header]
    rows = []
    for line in body:
        cells = line if raw else [unprotected(cell) for cell in line]
        extra = {f"Colonne {index + 1}": cell for index, cell in enumerate(cells) if index >= len(columns)}
        row = {**dict.fromkeys(columns, ""), **dict(zip(columns, cells, strict=False)), **extra}
        if any(cell.strip() for cell in row.values()):
            rows.append(row)
    columns += sorted({name for row in rows for name in row} - set(columns))
    return Table(columns, rows, delimiter)


def render(
    columns: Sequence[str],
    rows: Iterable[Mapping],
    excel: bool = False,
    delimiter: str | None = None,
    raw: Collection[str] = (),
) -> bytes:
    """Return a CSV file.

    Args:
        columns: the header.
        rows: column -> text or number; None and a missing cell stay empty.
        excel: for a French spreadsheet: BOM, semicolons, decimal commas.
        delimiter: to keep that of an existing file.
        raw: columns whose texts are not protected from being run as formulas: another program's.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=delimiter or (";" if excel else ","), lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column), excel, column in raw) for column in columns])
    return ((BOM if excel else "") + target.getvalue()).encode("utf-8")


def protected(text: str) -> str:
    """Put a quote before what a spreadsheet would run as a formula, whatever separates its cells."""
    return re.sub(_CUT + _FORMULA, r"\1'", text)


def unprotected(text: str) -> str:
    """Undo ``protected``."""
    return re.sub(f"{_CUT}'{_FORMULA}", r"\1", text)


def number(text: str) -> float | None:
    """Read a number with a decimal point or comma; None when it is none."""
    text = re.sub(r"\s", "", text)
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def _cell(value, excel, raw):
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return plain(value) if excel else plain(value).replace(",", ".")
    return value if raw else protected(value)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text):
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)
