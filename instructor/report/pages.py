"""The HTML pages: a student's feedback and the class, each one file without script, all text escaped."""

from __future__ import annotations

import base64
import functools
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from helpers.checks.marks import as_html
from helpers.french import count, decimal, plain, typographic

from ..editions import part
from ..records import StudentResult
from . import overview, results

ICONS = {
    "réussi": "✓",
    "en partie réussi": "◐",
    "à revoir": "✗",
    "sans réponse": "○",
    "en attente de correction": "✎",
}


def feedback(student: StudentResult, names: list[str]) -> str:
    """Return a student's page: marks, feedback and answers of each part, without any rubric."""
    template = _environment().get_template("feedback.html")
    return template.render(student=student, names=names, total=results.mark(student, names))


def class_page(view: dict[str, object]) -> str:
    """Return the teacher's page."""
    return _environment().get_template("class.html").render(view=view)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "french": typographic,
        "plain": plain,
        "decimal": decimal,
        "rich": lambda text: Markup(as_html(typographic(text))),  # escaped by as_html
        "picture": lambda svg: "data:image/svg+xml;base64," + base64.b64encode(svg).decode(),
    }
    environment.globals |= {
        "part": part,
        "points_text": results.points_text,
        "state": results.state,
        "mark": results.mark,
        "count": count,
        "icons": ICONS,
        "statuses": results.STATUS,
        "scale": results.SCALE,
        "most_pairs": overview.MOST_PAIRS,
    }
    return environment
