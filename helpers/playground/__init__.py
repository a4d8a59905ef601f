"""The Playground as a Jupyter widget, on core ipywidgets.

Read in the order in which a click travels: ``app`` (what a student may ask for), ``session`` (what is
trained, undo, the journal of trials; no widget there), ``panels`` and ``drawers`` (what the page shows),
``picture`` on the places of ``layout`` (how it is drawn), ``style`` and ``playground.css`` (how it looks),
``clock`` (what makes it play).
"""

from .app import Playground

__all__ = ["Playground"]
