"""The framed note in which notebooks say something to the student."""

from __future__ import annotations


def card(colour: str, inside: str) -> str:
    """Frame some HTML; it inherits the page's colours, so that it reads on light and dark themes.

    Args:
        colour: "#rrggbb", of the bar at the left and, faintly, of the background.
        inside: HTML, already escaped.
    """
    style = f"border-left:4px solid {colour};background:{colour}1a;padding:.55em 1em;margin:.3em 0"
    return f'<div style="{style};border-radius:4px;max-width:56em;line-height:1.5">{inside}</div>'
