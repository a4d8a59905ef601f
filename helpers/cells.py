"""Which notebook cell is running, so that running it again closes the widgets it showed before."""

from __future__ import annotations

import sys


def close_previous(owner):
    """Close what the current cell made in its earlier executions, and remember ``owner`` as its own.

    Two widgets made in one execution live side by side. Outside a notebook nothing is remembered.

    Args:
        owner: anything with a ``close`` method.
    """
    cell, execution = _current()
    if cell is None:
        return
    last_execution, owners = _OWNERS.get(cell, (None, []))
    if last_execution != execution:
        for old in owners:
            old.close()
        owners = []
    _OWNERS[cell] = execution, [*owners, owner]


def _current():
    """Return what identifies the running cell, and this execution of it."""
    if "IPython" not in sys.modules:
        return None, None
    from IPython import get_ipython  # noqa: PLC0415  (only where it is already there)

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None or not hasattr(kernel, "get_parent"):
        return None, None
    message = kernel.get_parent() or {}
    metadata = message.get("metadata", {})
    # JupyterLab, Notebook 7 and VS Code name the cell; elsewhere its text stands for it.
    cell = metadata.get("cellId") or message.get("content", {}).get("code")
    return cell, message.get("header", {}).get("msg_id")


_OWNERS: dict = {}
