"""A student's Markdown as HTML that can neither run, load nor leave anything in the teacher's browser."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import bleach
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ..bounded import Excess, call

LONGEST = 200_000  # characters
_TAGS = bleach.ALLOWED_TAGS | {
    "br",
    "del",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "p",
    "pre",
}
_TAGS |= {"dd", "dl", "dt", "small", "span", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u"}
_LINK = re.compile(r"(?i)(https?://|mailto:)")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[\w+/=\s]*\Z")
_COLOUR = re.compile(r"(highlight|[a-z]{1,2}\d?)\Z")


class _Renderer(IPythonRenderer):
    """nbconvert's own, with the pictures that were pasted and no other."""

    def __init__(self, attachments: Mapping):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.pasted = attachments

    def image(self, text, url, title=None):
        pasted = self.pasted.get(url.removeprefix("attachment:"), {}) if url.startswith("attachment:") else {}
        for kind, data in pasted.items():
            if _PICTURE.match(source := f"data:{kind};base64,{data}"):
                return f'<img alt="{html.escape(text)}" src="{source}">'
        return html.escape(f"[image non affichée : {text} {url}]")


def rendered(source: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Render Markdown, its formulas left between dollars; what takes too long is shown as it was typed.

    Links lead to http, https and mailto only, pictures are those pasted in the cell.
    """
    try:
        return call(_rendered, source, attachments or {}, seconds=5)
    except Exception:  # Excess, or whatever odd text makes of the libraries
        return f"<pre>{html.escape(source)}</pre>"


def _rendered(source, attachments):
    if len(source) > LONGEST:
        raise Excess
    made = MarkdownWithMath(renderer=_Renderer(attachments)).render(source)
    return bleach.clean(made, _TAGS, _allowed, protocols={"http", "https", "mailto", "data"})


def _allowed(tag, name, value):
    """Tell whether an attribute stays; what a browser would decode as an address is not taken for one."""
    if (tag, name) == ("a", "href"):
        return bool(_LINK.match(value))
    if (tag, name) == ("img", "src"):
        return bool(_PICTURE.match(value))
    if name == "class":  # colours of code; formgrader has other classes, whose scripts act on them
        return bool(_COLOUR.match(value))
    return name in ("alt", "title")
