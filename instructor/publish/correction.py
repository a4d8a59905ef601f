"""The correction as pages to read: without a network, without scripts, without the marks of our tools."""

import copy
import re

from nbconvert import HTMLExporter
from nbformat import NotebookNode

from ..markdown import to_html

_MARKER = re.compile(r"^[ \t]*(<!-- )?### (BEGIN|END) SOLUTION( -->)?[ \t]*(\n|\Z)", flags=re.MULTILINE)
_SCRIPT = re.compile(r"<script\b.*?</script>", flags=re.DOTALL | re.IGNORECASE)


def page(notebook: NotebookNode, name: str) -> str:
    """Return an executed source notebook as HTML: formulas in MathML, solutions where they stand."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.source = _MARKER.sub("", cell.source).rstrip("\n")
    exporter = HTMLExporter(embed_images=True, language_code="fr")
    exporter.register_filter("markdown2html", to_html)
    made, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    return _SCRIPT.sub("", made)
