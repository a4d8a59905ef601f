"""Hears the kernel's interrupts (the stop button) for widgets, which may be computing on another thread.

From ipykernel 7 on, a page's messages to widgets may be handled on threads of their own. An interrupt never
reaches those, and the main thread, when idle, ignores it.
"""

import contextlib
import signal
import sys
import weakref

from .running_cell import notebook_shell


def on_interrupt(listener):
    """Have ``listener.interrupt()`` called when the kernel is interrupted while no cell runs.

    The listener is held weakly. Outside a Jupyter kernel nothing happens.
    """
    _LISTENERS.add(listener)
    loop = getattr(getattr(notebook_shell(), "kernel", None), "io_loop", None)
    if loop is not None:
        # Once idle: while a cell runs, the kernel has a handler of its own, then brings the other back.
        loop.add_callback(_listen)


def _listen():
    previous = signal.getsignal(signal.SIGINT)
    if getattr(previous, "is_ours", False):
        return

    def handle(number, frame):
        for listener in list(_LISTENERS):
            listener.interrupt()
        if callable(previous):
            previous(number, frame)

    handle.is_ours = True
    with contextlib.suppress(ValueError):  # not the main thread: nothing to be done
        signal.signal(signal.SIGINT, handle)


_LISTENERS = weakref.WeakSet()


class Interrupted(KeyboardInterrupt):
    """An interrupt, which a notebook shows as one sentence, not as a traceback through TensorFlow."""

    def _render_traceback_(self):  # what IPython shows
        return ["Interrompu."]


def _quietly(unraisable, told=sys.unraisablehook):
    """Do not print that Python dropped one of our interrupts: ``raise_if_lost`` raises it again."""
    if not isinstance(unraisable.exc_value, Interrupted):
        told(unraisable)


class Interruption:
    """Remembers that an interrupt came, in case its KeyboardInterrupt is lost.

    Python drops an exception raised in a destructor or in the callback of a weak reference. TensorFlow has
    many of both: on short epochs of Part 4's network two interrupts of 24 were lost, and ``fit`` went on.
    """

    def __init__(self):
        self._came, self._previous = False, None

    def listen(self):
        """Hear interrupts from now on; whoever heard them before still does."""
        self.stop()
        self._came, self._previous = False, signal.getsignal(signal.SIGINT)
        sys.unraisablehook = _quietly
        if callable(self._previous):
            with contextlib.suppress(ValueError):  # not the main thread, which alone is interrupted
                signal.signal(signal.SIGINT, self._hear)

    def stop(self):
        """Hear no more."""
        if signal.getsignal(signal.SIGINT) == self._hear:
            signal.signal(signal.SIGINT, self._previous)

    def raise_if_lost(self):
        """Raise KeyboardInterrupt if an interrupt came: its own was lost, for training goes on."""
        if self._came:
            raise Interrupted

    def _hear(self, number, frame):
        self._came = True
        self.stop()
        try:
            self._previous(number, frame)
        except KeyboardInterrupt:
            raise Interrupted from None
