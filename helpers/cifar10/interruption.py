"""An interrupt (the kernel's stop button, Ctrl+C) that a training cannot miss."""

from __future__ import annotations

import contextlib
import signal


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
            raise KeyboardInterrupt

    def _hear(self, number, frame):
        self._came = True
        self.stop()
        self._previous(number, frame)
