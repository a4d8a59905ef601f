"""The notebook that runs this, if any: which of its cells is running, so that running it again closes the
widgets it showed before; its variables, its saved cells, and its errors, told in French too."""

import contextlib
import json
import os
import re
import sys
from pathlib import Path

from ..french import typographic

# As « Mode d'emploi » says it.
RUN_ALL = (
    "dans JupyterLab, « Exécuter toutes les cellules » (Run All Cells) ; dans Colab, menu Exécution, "
    "Tout exécuter"
)


def close_previous(owner):
    """Close what the current cell made in its earlier executions, and remember ``owner`` as its own.

    Two widgets made in one execution live side by side. Outside a notebook nothing is remembered. Returns
    whether the cell had been executed before.
    """
    cell, execution = current()
    if cell is None:
        return False
    last_execution, owners = _OWNERS.get(cell, (None, []))
    if last_execution != execution:
        for old in owners:
            old.close()
        owners = []
    _OWNERS[cell] = execution, [*owners, owner]
    return last_execution not in (None, execution)


def notebook_shell():
    """Return IPython's shell where a notebook's kernel runs, None in a script or a terminal."""
    if "IPython" not in sys.modules:
        return None
    shell = sys.modules["IPython"].get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


def variables() -> dict[str, object] | None:
    """Return the notebook's variables by name; None outside a notebook."""
    return getattr(notebook_shell(), "user_ns", None)


def saved_cells() -> list[dict]:
    """Return the cells of the notebook as it was last saved, where its file is known (Jupyter, VS Code)."""
    path = (variables() or {}).get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads(Path(path).read_text("utf-8"))["cells"]
    return []


def explain_errors() -> None:
    """Have two errors that Python tells in English explained: a lost variable, and typographic characters."""
    if shell := notebook_shell():
        shell.set_custom_exc((NameError, SyntaxError), _explained)


def _explained(shell, kind, error, trace, tb_offset=None):
    if issubclass(kind, SyntaxError):
        if "leading zeros" in (error.msg or ""):
            error.msg += typographic(". En Python, 0,03 s'écrit avec un point : `0.03`")
        if re.search("[\u00a0\u202f\u2018\u2019\u201c\u201d«»]", error.text or ""):
            error.msg += typographic(
                ". Cette ligne contient des guillemets ou des espaces typographiques, que Python ne lit pas "
                "hors d'un texte : écrivez `\"` ou `'` et des espaces ordinaires"
            )
        shell.showsyntaxerror()
        return
    if kind is NameError and getattr(trace, "tb_next", None) and trace.tb_next.tb_next is None:  # in the cell
        error = NameError(
            typographic(
                f"{error}. Ce nom n'a pas de valeur : vérifiez son orthographe, exécutez la cellule qui le "
                f"définit ou, après un redémarrage du noyau, tout le carnet : {RUN_ALL}."
            )
        )
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def current():
    """Return what identifies the running cell, and this execution of it; (None, None) outside a notebook."""
    kernel = getattr(notebook_shell(), "kernel", None)
    if not hasattr(kernel, "get_parent"):
        return None, None
    message = kernel.get_parent() or {}
    metadata = message.get("metadata", {})
    # JupyterLab, Notebook 7 and VS Code name the cell; elsewhere its text stands for it.
    cell = metadata.get("cellId") or message.get("content", {}).get("code")
    return cell, message.get("header", {}).get("msg_id")


_OWNERS: dict = {}
