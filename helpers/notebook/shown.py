"""What a cell shows: the course's colours, a widget with a sentence in its place, a progress bar, a card."""

from collections.abc import Iterator, Sequence

import ipywidgets as widgets
from IPython.display import display

from ..french import count, typographic

ORANGE, GREY, BLUE = PALETTE = "#f59322", "#e8eaeb", "#0877bd"  # the site's own, for -1, 0 and +1
SKY = "#1b87cd"  # of a card that says that all is well; ORANGE, in part


def widget_bundle(widget: widgets.Widget, text: str) -> dict:
    """Return a widget as a cell's output: live in a page, and a text where there is none."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": text, "application/vnd.jupyter.widget-view+json": view}


_styles: dict[type, widgets.Widget] = {}


def shared_style(kind: type) -> widgets.Widget:
    """Return the style that all widgets of a kind may share, in place of one for each."""
    style = _styles.get(kind)
    if style is None or style.comm is None:  # closed by Widget.close_all
        style = _styles[kind] = kind.class_traits()["style"].klass()
    return style


def close_tree(widget: widgets.Widget):
    """Close a widget, what it contains and what it is made of: the page keeps their last state."""
    parts = (*getattr(widget, "children", ()), *(getattr(widget, name, None) for name in ("layout", "style")))
    for part in parts:
        if isinstance(part, widgets.Widget) and part not in _styles.values():
            close_tree(part)
    widget.close()


class Shown:
    """A widget as a cell's output: live in a page, one fixed sentence everywhere else."""

    def __init__(self, widget: widgets.Widget, sentence: str):
        self.widget, self.sentence = widget, typographic(sentence)

    def __repr__(self):
        return self.sentence

    def _repr_mimebundle_(self, **_):
        return widget_bundle(self.widget, self.sentence)


def tracked(items: Sequence, title: str) -> Iterator:
    """Yield the items, showing in the notebook how many are done of what work, told in French."""
    bar = widgets.IntProgress(
        max=len(items), description=title, style={"description_width": "initial"}, bar_style="info"
    )
    display(Shown(bar, f"{title} : {count(len(items), 'case')}."))
    for done, item in enumerate(items, 1):
        yield item
        bar.value = done
    bar.bar_style = "success"


def card(colour: str, inside: str) -> str:
    """Frame some HTML; it inherits the page's colours, so that it reads on light and dark themes.

    The colour, "#rrggbb", is that of the bar at the left and, faintly, of the background.
    """
    style = f"border-left:4px solid {colour};background:{colour}1a;padding:.55em 1em;margin:.3em 0"
    return f'<div style="{style};border-radius:4px;max-width:56em;line-height:1.5">{inside}</div>'
