"""How the widget looks: its style sheet, its icons, and small builders of labelled ipywidgets.

The widget brings its own white page: whatever the theme around it, every colour inside is set here.
Icons are small SVG drawings in the style sheet, because hosts do not all have an icon font.
"""

import base64
import functools
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import ipywidgets as widgets
from traitlets import Unicode

from ..engine.config import DATASETS, REG_DATASETS
from ..french import decimal
from ..notebook.shown import BLUE, ORANGE, shared_style
from . import layout
from .picture import OUTPUT_SIZE, STILL_WIDTH, dataset_png
from .session import HUGE

FEATURE_HTML = {
    "x": "X<sub>1</sub>",
    "y": "X<sub>2</sub>",
    "xSquared": "X<sub>1</sub><sup>2</sup>",
    "ySquared": "X<sub>2</sub><sup>2</sup>",
    "xTimesY": "X<sub>1</sub>X<sub>2</sub>",
    "sinX": "sin(X<sub>1</sub>)",
    "sinY": "sin(X<sub>2</sub>)",
}
DATA_NAMES = {
    "circle": "Cercle",
    "xor": "Ou exclusif (XOR)",
    "gauss": "Deux nuages gaussiens",
    "spiral": "Spirale",
    "reg-plane": "Plan",
    "reg-gauss": "Bosses gaussiennes",
}


def loss_text(value: float) -> str:
    """Write a loss as the site does, to three decimals; a diverged one is infinite."""
    return decimal(value) if value < HUGE else "∞"  # NaN compares false


def made(kind: type, *classes: str, place: tuple = (), layout: dict | None = None, **traits):
    """Make a widget whole: of a burst of more than 1,000 messages to the page, Jupyter loses some.

    Args:
        kind: of widget.
        classes: of the style sheet.
        place: where it is in its picture, see ``moved``.
        layout: of it, beside its place.
        traits: as the widget names them.
    """
    if kind.class_traits().get("style"):
        traits["style"] = shared_style(kind)
    if place:
        classes = (*classes, "placed")
    names = [f"dlp-{name}" for name in classes]
    return kind(layout={**(layout or {}), **_sides(*place)}, _dom_classes=names, **traits)


def set_class(widget: widgets.DOMWidget, name: str, is_on: bool):
    """Add or remove one class."""
    (widget.add_class if is_on else widget.remove_class)(f"dlp-{name}")


def moved(widget: widgets.DOMWidget, *place: float) -> widgets.DOMWidget:
    """Move a widget made with a place to another (left, top, width and perhaps height, in CSS pixels)."""
    with widget.layout.hold_sync():
        for name, side in _sides(*place).items():
            setattr(widget.layout, name, side)
    return widget


def _sides(*place):
    return {name: f"{side:g}px" for name, side in zip(("left", "top", "width", "height"), place)}  # noqa: B905


def button(name: str, click: Callable[[], None], *classes: str, text: str = "", place=()) -> widgets.Button:
    """Make a button; ``name`` says what it does, to the mouse and to screen readers.

    With a ``text``, it shows it, under the icon if it is of class "tile".
    """
    if not text:
        classes = (*classes, "wordless")
    new = made(widgets.Button, "button", *classes, place=place, description=text or name, tooltip=name)
    new.on_click(lambda _: click())
    return new


def named(button: widgets.Button, name: str):
    """Name a button that shows a picture: its text is there, of size zero, for screen readers."""
    button.description = button.tooltip = name


def html(value: str = "", *classes: str, place=()) -> widgets.HTML:
    return made(widgets.HTML, "html", *classes, place=place, value=value)


class _Picture(widgets.Image):
    """An image that may have a tooltip: ipywidgets 8 looks for a description before it shows one."""

    description = Unicode().tag(sync=True)


def image(name: str, kind: str, *classes: str, place: tuple[float, float, float, float]) -> widgets.Image:
    """Make an image of a fixed size in CSS pixels, so that no new content moves its neighbours.

    ``name`` says what it shows to screen readers (from ipywidgets 8 on).
    """
    width, height = (f"{side:g}" for side in place[2:])
    new = made(_Picture, "image", *classes, place=place, format=kind, width=width, height=height)
    new.tooltip = name
    return new


def row(*children: widgets.Widget, classes: tuple[str, ...] = ()) -> widgets.Box:
    return made(widgets.Box, "row", *classes, children=children)


def column(*children: widgets.Widget, classes: tuple[str, ...] = ()) -> widgets.Box:
    return made(widgets.Box, "column", *classes, children=children)


def stage(*children: widgets.Widget, classes: tuple[str, ...] = (), **layout: str) -> widgets.Box:
    """Make a box whose children have places in it."""
    return made(widgets.Box, "stage", *classes, layout=layout, children=children)


def style_sheet() -> widgets.HTML:
    """Return the hidden widget that carries the style sheet: style elements work all the same."""
    return made(widgets.HTML, layout={"display": "none"}, value=f"<style>{_css()}</style>")


@functools.cache  # the six datasets' pictures are drawn for the first widget only
def _css():
    css = Path(__file__).with_name("playground.css").read_text(encoding="utf-8")
    return _variables() + css + _icon_rules() + _dataset_rules() + _still_rule()


def _variables():
    values = {
        "network-width": f"{layout.WIDTH}px",
        "network-height": f"{layout.HEADER + layout.HEIGHT}px",
        "header-height": f"{layout.HEADER - 6}px",
        "output-width": f"{OUTPUT_SIZE + 24}px",
        "output-height": f"{OUTPUT_SIZE + 24}px",
        "orange": ORANGE,
        "blue": BLUE,
    }
    return ".dlp-app{" + "".join(f"--dlp-{name}:{value};" for name, value in values.items()) + "}"


def _icon(path, stroke="none", fill="none"):
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<path d="{path}" fill="{fill}" stroke="{stroke}" stroke-width="2.4" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>'
    )
    return f"url('data:image/svg+xml,{quote(drawing)}')"


def _icon_rules():
    dark = "#183d4e"
    icons = {
        "icon-play": _icon("M8 5v14l11-7z", fill="white", stroke="white"),
        "icon-play.dlp-playing": _icon("M8 5v14M16 5v14", stroke="white"),
        "icon-reset": _icon("M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4", stroke=dark),
        "icon-restart": _icon("M19 6L9 12l10 6zM5.5 5v14", stroke=dark, fill=dark),
        "icon-step": _icon("M6 5v14l9-7zM18.5 5v14", stroke=dark, fill=dark),
        "icon-undo": _icon("M9 6L4 11l5 5M4 11h9a6 6 0 0 1 6 6v2", stroke=dark),
        "icon-plus": _icon("M12 6v12M6 12h12", stroke=dark),
        "icon-close": _icon("M7 7l10 10M17 7L7 17", stroke=dark),
        "icon-minus": _icon("M6 12h12", stroke=dark),
    }
    return "".join(f".dlp-app .dlp-{name}{{background-image:{url}}}" for name, url in icons.items())


def _still_rule():
    """Hide the picture before a living widget, an output of its own; and after a restart, the dead widget."""
    child, dead = ".jp-OutputArea-child", ".jupyter-widgets-disconnected"
    still = f'{child}:has(img[width="{STILL_WIDTH}"])'
    alive = f"{still}:has(+ {child} .dlp-app:not({dead}))"
    return f"{alive},{still} + {child} .dlp-app{dead}{{display:none}}"


def _dataset_rules():
    pictures = {name: base64.b64encode(dataset_png(name)).decode() for name in (*DATASETS, *REG_DATASETS)}
    return "".join(
        f".dlp-app .dlp-data-{name}{{background-image:url(data:image/png;base64,{picture})}}"
        for name, picture in pictures.items()
    )
