"""The notebook that runs this, if any: which of its cells is running, so that running it again closes the
widgets it showed before."""

from __future__ import annotations

import sys


def close_previous(owner):
    """Close what the current cell made in its earlier executions, and remember ``owner`` as its own.

    Two widgets made in one execution live side by side. Outside a notebook nothing is remembered.

    Args:
        owner: anything with a ``close`` method.

    Returns:
        Whether the cell had been executed before.
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
    from IPython import get_ipython  # noqa: PLC0415  (only where it is already there)

    shell = get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


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
