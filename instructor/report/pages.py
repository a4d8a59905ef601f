"""The HTML pages: a student's feedback and the class, each one file without script, all text escaped."""

import functools
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from helpers.checks.marks import as_html
from helpers.french import count, decimal, plain, typographic

from ..editions import part
from ..markdown import student_html, to_html
from ..records import StudentResult
from . import overview, results

STATES = {  # of a question -> its sign, and its class in the pages
    "réussi": ("✓", "good"),
    "en partie réussi": ("◐", "half"),
    "à revoir": ("✗", "bad"),
    "sans réponse": ("○", "none"),
    "en attente de correction": ("✎", "wait"),
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
        "student_text": lambda text: Markup(student_html(text)),
        "our_text": lambda text: Markup(to_html(text)),
        "code": lambda text: Markup("<wbr>").join(re.split(r"(?<=[/?#&,])", text)),  # where lines may break
    }
    environment.globals |= {
        "part": part,
        "points_text": results.points_text,
        "state": results.state,
        "former": results.former,
        "mark": results.mark,
        "count": count,
        "states": STATES,
        "statuses": results.STATUS,
        "unknown": results.UNKNOWN,
        "scale": results.SCALE,
        "most_pairs": overview.MOST_PAIRS,
    }
    return environment
