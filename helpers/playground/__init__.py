"""The Playground as a Jupyter widget, on core ipywidgets.

Read in the order in which a click travels: ``app`` (what a student may ask for), ``session`` and
``journal`` (what is trained, undo, trials; no widget there), ``panels`` and ``drawers`` (what the page
shows), ``picture`` on the places of ``layout`` (how it is drawn), ``relay`` (what makes it play),
``interrupts`` (the kernel's stop button), ``appearance`` and ``playground.css``.
"""

from .app import Playground

__all__ = ["Playground"]
