"""The clock of the widget: a page that shows it sets the pace, by echoing a counter.

The kernel holds two counters. Whenever ``_sent`` changes, the page itself copies it into ``_echo`` (a
``jsdlink``, which runs in the page): an acknowledgement that everything sent before has been received. Each
echo lets the kernel compute one more burst of frames and bump the counter. So nothing plays without a
page, a slow page is never sent more than it can show, and no thread, timer or asyncio task is needed:
those are silent on some hosts. This is the one scheme that worked on all of them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import ipywidgets as widgets

from ..notebook.interrupts import on_interrupt

FRAMES = 3  # per burst: an echo costs the page about 35 ms, so one frame for each would be slow
IN_FLIGHT = 2  # bursts sent and not yet echoed: the page draws one while the kernel computes the other
BURST_SECONDS = 0.08  # a burst ends early on a slow machine, so that other controls get their turn
STALLED_SECONDS = 3.0

INTERRUPTED = "Entraînement interrompu. Appuyez sur Lecture pour continuer."


class Clock:
    """Calls ``frame`` again and again while it plays and a page follows.

    Args:
        frame: trains a little and draws; called with ``lock`` held.
        stopped: called with a French message when an error or an interrupt ends the play.
        shown: called once, when a page first answers.
        lock: whoever changes what ``frame`` reads must hold it: callbacks may come on several threads.

    Attributes:
        has_page: whether a page has ever answered.
        playing: whether frames are wanted. Clearing it stops at the next frame and takes no lock.
        widgets: the two hidden counters; they must be among the displayed widgets.
    """

    def __init__(
        self,
        frame: Callable[[], None],
        stopped: Callable[[str], None],
        shown: Callable[[], None],
        lock: threading.RLock,
    ):
        self.playing = False
        self._frame, self._stopped, self._shown, self._lock = frame, stopped, shown, lock
        self.has_page = self._is_interrupted = False
        self._last_burst = 0.0
        hidden = widgets.Layout(display="none")
        self._sent = widgets.IntText(1, layout=hidden)
        self._echo = widgets.IntText(0, layout=hidden)
        self._link = widgets.jsdlink((self._sent, "value"), (self._echo, "value"))
        self._echo.observe(self._on_echo, "value")
        self.widgets = (self._sent, self._echo)
        on_interrupt(self)

    def play(self):
        """Start: the first frame comes when the page answers."""
        self.playing, self._is_interrupted = True, False
        self._last_burst = time.monotonic()
        self._sent.value += 1

    def pause(self):
        """Stop before the next frame."""
        self.playing = False

    def interrupt(self):
        """Stop before the next frame, and say so at the page's next answer. Safe in a signal handler."""
        if self.playing:
            self.playing, self._is_interrupted = False, True

    @property
    def stalled(self) -> bool:
        """Whether it should play but nothing has come for a while (a lost message): start it again."""
        return self.playing and time.monotonic() - self._last_burst > STALLED_SECONDS

    def close(self):
        """Stop for good and let go of the page."""
        self.pause()
        self._echo.unobserve_all()
        self._link.unlink()

    def _on_echo(self, _change):
        try:
            if not self.has_page:
                self.has_page = True
                self._shown()
            with self._lock:
                while self.playing and self._sent.value - self._echo.value < IN_FLIGHT:
                    self._burst()
                    self._sent.value += 1  # last: its echo says that the page has the frames too
            if self._is_interrupted:
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            self._stop(INTERRUPTED)
        except Exception as error:  # whatever it is, say so and stay usable
            self._stop(f"L'entraînement s'est arrêté : {error or type(error).__name__}")

    def _burst(self):
        self._last_burst = start = time.monotonic()
        for _ in range(FRAMES):
            if not self.playing or time.monotonic() - start > BURST_SECONDS:
                break
            self._frame()

    def _stop(self, message):
        self.playing = self._is_interrupted = False
        self._stopped(message)
