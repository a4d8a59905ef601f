"""The clock of the widget: a page that shows it sets the pace, by echoing a counter.

The kernel holds two counters. Whenever ``_sent`` changes, the page itself copies it into ``_echo`` (a
``jsdlink``, which runs in the page): an acknowledgement that everything sent before has been received. Each
echo lets the kernel compute one more burst of frames and bump the counter. So nothing plays without a
page, a slow page is never sent more than it can show, and no thread, timer or asyncio task is needed:
those are silent on some hosts. This is the one scheme that worked on all of them. Should a page not answer
all the same, ``spare`` appears: a core ``Play`` control, whose ticks call the same pump.
"""

import threading
import time
from collections.abc import Callable

import ipywidgets as widgets

from ..notebook.interrupts import on_interrupt

FRAMES = 3  # per burst: an echo costs the page about 35 ms, so one frame for each would be slow
IN_FLIGHT = 2  # bursts sent and not yet echoed: the page draws one while the kernel computes the other
BURST_SECONDS = 0.08  # a burst ends early on a slow machine, so that other controls get their turn
STALLED_SECONDS = 3.0
SILENT_SECONDS = 1.0  # without any answer to Play, before the next press brings the spare clock
SPARE_MILLISECONDS = 100  # between its ticks: longer than a burst

INTERRUPTED = "Entraînement interrompu. Appuyez sur Lecture pour continuer."
SILENT = (
    "La page ne répond pas à Lecture. Une horloge de secours apparaît ci-dessous : appuyez sur son triangle, "
    "laissez-la tourner, et servez-vous de Lecture et Pause comme d'habitude."
)


class Clock:
    """Calls ``frame`` again and again while it plays and a page follows.

    Args:
        frame: trains a little and draws; called with ``lock`` held.
        stopped: called with a French message when an error or an interrupt ends the play.
        shown: called once, when a page first answers.
        lock: whoever changes what ``frame`` reads must hold it: callbacks may come on several threads.
    """

    def __init__(self, frame: Callable, stopped: Callable, shown: Callable, lock: threading.RLock):
        self.playing = False  # whether frames are wanted; clearing it stops at the next one and takes no lock
        self._frame, self._stopped, self._shown, self._lock = frame, stopped, shown, lock
        self.has_page = False  # whether one has ever answered
        self._is_interrupted = False
        self._last_burst, self._asked = 0.0, None  # when Play was pressed, if nothing has answered since
        hidden = widgets.Layout(display="none")
        self._sent = widgets.IntText(1, layout=hidden)
        self._echo = widgets.IntText(0, layout=hidden)
        self._link = widgets.jsdlink((self._sent, "value"), (self._echo, "value"))
        self._echo.observe(self._on_echo, "value")
        self.widgets = (self._sent, self._echo)  # they must be among the displayed widgets
        # Replaces the page's answers, hidden as long as they come.
        self.spare = widgets.Play(max=10**9, interval=SPARE_MILLISECONDS)
        self.spare.layout.display = "none"
        self.spare.observe(self._on_tick, "value")
        on_interrupt(self)

    def play(self) -> str | None:
        """Start: the first frame comes when the page answers. Returns what is to be said if it never has."""
        said = SILENT if self._is_silent else None
        if said:
            self.spare.layout.display = None
        self.playing, self._is_interrupted = True, False
        self._last_burst = time.monotonic()
        self._asked = self._asked or self._last_burst
        self._sent.value += 1
        return said

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
        is_late = time.monotonic() - self._last_burst > STALLED_SECONDS
        return self.playing and (is_late or self._is_silent)

    @property
    def _is_silent(self):
        """Whether the page has answered nothing since Play was pressed."""
        return self._asked is not None and time.monotonic() - self._asked > SILENT_SECONDS

    def close(self):
        """Stop for good and let go of the page."""
        self.pause()
        self._echo.unobserve_all()
        self.spare.unobserve_all()
        for name in ("playing", "_playing"):  # of ipywidgets 8, 7: the page would tick on
            if self.spare.has_trait(name):
                setattr(self.spare, name, False)
        self._link.unlink()

    def _on_echo(self, _change):
        self._asked, self.spare.layout.display = None, "none"
        self._pump(lambda: IN_FLIGHT - (self._sent.value - self._echo.value))

    def _on_tick(self, _change):
        self._asked = None
        if self.spare.layout.display is None:
            self._pump(lambda: 1)

    def _pump(self, due):
        """Compute as many bursts as ``due`` says, once the lock is held."""
        try:
            if not self.has_page:
                self.has_page = True
                self._shown()
            with self._lock:
                for _ in range(due()):
                    if self.playing:
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
