"""A progress bar that stores nothing which depends on time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ipywidgets as widgets
from IPython.display import display

from ..french import typographic


class Shown:
    """A widget as a cell's output: live in a page, one fixed sentence everywhere else."""

    def __init__(self, widget: widgets.Widget, sentence: str):
        self.widget, self.sentence = widget, typographic(sentence)

    def __repr__(self):
        return self.sentence

    def _repr_mimebundle_(self, **_):
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"text/plain": self.sentence, "application/vnd.jupyter.widget-view+json": view}


def tracked(items: Sequence, title: str) -> Iterator:
    """Yield the items, showing in the notebook how many are done.

    Args:
        items: what to go through.
        title: French description of the work.
    """
    bar = widgets.IntProgress(
        max=len(items), description=title, style={"description_width": "initial"}, bar_style="info"
    )
    display(Shown(bar, f"{title} : {len(items)} étapes."))
    for done, item in enumerate(items, 1):
        yield item
        bar.value = done
    bar.bar_style = "success"


def card(colour: str, inside: str) -> str:
    """Frame some HTML; it inherits the page's colours, so that it reads on light and dark themes.

    Args:
        colour: "#rrggbb", of the bar at the left and, faintly, of the background.
        inside: HTML, already escaped.
    """
    style = f"border-left:4px solid {colour};background:{colour}1a;padding:.55em 1em;margin:.3em 0"
    return f'<div style="{style};border-radius:4px;max-width:56em;line-height:1.5">{inside}</div>'
