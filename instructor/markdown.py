"""Markdown as HTML that needs neither network nor script: formulas become MathML, which browsers draw.

nbconvert's own renderer reads it, so that a page shows what Jupyter shows.
"""

import html
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

LONGEST = 10_000  # characters of a student's text: some of what reads it takes the square of that
_SAFE = re.compile(r"(https?://|mailto:)", flags=re.IGNORECASE)

_PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[\w+/=\s]*\Z")


class Renderer(IPythonRenderer):
    """Draws formulas as MathML."""

    def block_math(self, body):
        return mathml(body, "block")

    def inline_math(self, body):
        return mathml(body, "inline")

    def latex_environment(self, name, body):
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


class _Disarmed(Renderer):
    """Shows a student's text: no HTML of theirs, links to the web and to mail alone, pasted pictures."""

    def __init__(self, pasted: Mapping):
        super().__init__(escape=True, exclude_anchor_links=True)
        self.pasted = pasted

    def link(self, text, url, title=None):
        decoded = html.unescape(url).strip()
        return f'<a href="{html.escape(decoded)}">{text}</a>' if _SAFE.match(decoded) else text

    def image(self, text, url, title=None):
        for kind, data in self.pasted.get(url.removeprefix("attachment:"), {}).items():
            if _PICTURE.match(source := f"data:{kind};base64,{data}") and url.startswith("attachment:"):
                return f'<img alt="{html.escape(html.unescape(text))}" src="{source}">'
        return f"{text} [image non affichée : {html.escape(url)}]"

    def heading(self, text, level, **attrs):
        return f"<p><strong>{text}</strong></p>\n"

    def block_code(self, code, info=None):
        return f"<pre><code>{html.escape(code)}</code></pre>\n"


def to_html(text: str) -> str:
    """Render a text of ours, HTML included."""
    return MarkdownWithMath(Renderer(escape=False)).render(text)


def student_html(text: str, pasted: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Render what a student wrote, so that nothing in it runs or loads; raw where it cannot be rendered.

    Args:
        text: Markdown.
        pasted: pictures by name, as a cell's "attachments".
    """
    if len(text) <= LONGEST:
        try:
            return MarkdownWithMath(_Disarmed(pasted or {})).render(text)
        except Exception:  # of Markdown that was made to break its reader
            pass
    return f"<pre>{html.escape(text)}</pre>"


def mathml(tex: str, display: str) -> str:
    """Return a formula as MathML; one that is not understood, as code."""
    try:
        element = convert_to_element(tex, display=display)
    except Exception:
        return f"<code>{html.escape(tex)}</code>"
    for node in element.iter():
        node.text = node.text and html.unescape(node.text)
        for name, value in list(node.attrib.items()):
            if name.startswith("on") or not re.fullmatch(r"[\w.\s#%-]*", value):  # such as \href's
                del node.attrib[name]
    return ElementTree.tostring(element, encoding="unicode")
