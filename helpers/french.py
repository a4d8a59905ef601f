"""French typography for everything a student reads: decimal commas, non-breaking spaces, short quotations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

NBSP = "\u00a0"


def typographic(text: str) -> str:
    """Make the spaces before ``: ; ? ! % »`` and after ``«`` non-breaking."""
    return re.sub(r" (?=[:;?!%»])|(?<=«) ", NBSP, text)


class OneSentence(Exception):
    """An error told in one French sentence, which a notebook shows in place of a traceback."""

    def __init__(self, sentence: str):
        super().__init__(typographic(sentence))

    def _render_traceback_(self):  # what IPython shows
        return [str(self)]


class BadValue(OneSentence, ValueError):
    """A value that a student gave does not serve."""


def french_error(text: str) -> ValueError:
    """Return the error to raise for a value that a student may have given."""
    return BadValue(text)


def decimal(value: float, digits: int = 3) -> str:
    """Write a number with a decimal comma, thin spaces and a minus sign: "0,177", "−12 000,5", "∞"."""
    return f"{value:,.{digits}f}".replace("inf", "∞").translate(_FRENCH_MARKS)


_FRENCH_MARKS = str.maketrans({",": "\u202f", ".": ",", "-": "−"})


def read_decimal(text: str) -> float:
    """Read a number written with a comma or a point, such as "0,5" or "−1.25"; NaN if it is none."""
    try:
        value = float(text.strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def plain(value: float, digits: int = 3) -> str:
    """Write a number with a decimal comma and no useless zeros: "0", "1,5", "0,177"."""
    whole, comma, rest = decimal(value, digits).partition(",")
    return whole + (comma + rest).rstrip("0").rstrip(",")


def count(number: float, noun: str) -> str:
    """Write "1 point", "1,5 point", "2 couches cachées": in French the plural begins at two."""
    return f"{plain(number)}{NBSP}{noun if abs(number) < 2 else noun.replace(' ', 's ') + 's'}"


def thousands(number: int) -> str:
    """Write a whole number with thin spaces, such as "10 000"."""
    return decimal(number, 0)


def percent(share: float, digits: int = 1) -> str:
    """Write a share such as 0.795 as "79,5 %"."""
    return f"{decimal(100 * share, digits)}{NBSP}%"


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign, such as "+1,7" or "−0,4"."""
    return f"{'−' if value < 0 else '+'}{decimal(abs(value), digits)}"


def duration(seconds: float) -> str:
    """Write a time as one says it: "0,4 s", "65 s", "9 min", "1 h 05 min"."""
    if seconds < 89.5:
        return f"{plain(seconds, 1) if seconds < 9.95 else round(seconds)}{NBSP}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min"
    return f"{minutes // 60}{NBSP}h{NBSP}{minutes % 60:02d}{NBSP}min"


def listed(items: Iterable[str]) -> str:
    """Join names as "a, b et c"."""
    *first, last = items
    return f"{', '.join(first)} et {last}" if first else last


def quoted(value: object, length: int = 60) -> str:
    """Show a student's object in a few characters, whatever it is: even one whose repr fails."""
    try:
        text = " ".join(repr(value).split())
        text = re.sub(r"\bnp\.\w+\(([^()]*)\)", r"\1", text)  # of numpy's numbers, the number
        text = text.replace("Ellipsis", "...")
    except Exception:
        text = f"un objet {type(value).__name__}"
    return text if len(text) <= length else f"{text[: length - 1]}…"
