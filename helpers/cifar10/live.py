"""What a student sees while a network learns: curves and progress in a notebook, plain lines in a script."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Mapping

import ipywidgets as widgets
from IPython.display import display

from ..french import NBSP, count, decimal, duration, typographic
from ..notebook.running_cell import close_previous, current, notebook_shell
from ..notebook.shown import Shown
from ..plotting.figure import BLUE, GREY
from ..plotting.learning import training_curves

TEXT_PERIOD = 0.3  # seconds between two updates of the text: a page has no use for more
CURVES_SHARE = 0.05  # of the time that drawing curves may take: short epochs are not drawn one by one


def open_view(title: str, epochs: int) -> Page | Lines:
    """Return the view that suits where this runs.

    Args:
        title: French description of the training.
        epochs: how many are asked for in all.
    """
    return Page(title, epochs) if notebook_shell() else Lines(title, epochs)


class Lines:
    """One line per epoch on the standard output."""

    period = math.inf  # seconds between two calls of ``progress``

    def __init__(self, title: str, epochs: int):
        self.epochs = epochs
        self.say(f"Entraînement de {title} : {count(epochs, 'époque')}.")

    def say(self, sentence: str):
        """Tell the student something."""
        print(typographic(sentence), flush=True)

    def progress(self, epoch, step, steps, speed, epoch_left, run_left):
        """Show where the epoch is."""

    def epoch(self, name: str, history: Mapping[str, list], best: int, monitor: str):
        """Show what an epoch has given."""
        number = len(history["loss"])
        parts = [f"perte {decimal(history['loss'][-1])}", f"exactitude {decimal(history['accuracy'][-1])}"]
        if monitor.startswith("val_"):
            parts += [
                f"validation : perte {decimal(history['val_loss'][-1])}",
                f"exactitude {decimal(history[monitor][-1])}",
            ]
        self.say(f"époque {number}/{self.epochs} : {', '.join(parts)}{' (la meilleure)' * (best == number)}")

    def curves(self, name: str, history: Mapping[str, list], best: int, monitor: str):
        """Show all epochs."""

    def end(self, sentence: str):
        """Show how the training ended."""
        self.say(sentence)

    def give_way(self):
        """Leave the curves to the picture that the running cell shows."""


class Page:
    """A progress bar, figures and curves in one widget, in the output of the running cell.

    Nothing that depends on time is stored with the notebook: its text is one fixed sentence.
    """

    period = TEXT_PERIOD

    def __init__(self, title: str, epochs: int):
        close_previous(self)
        self.title, self.epochs, self._cell = title, epochs, current()
        self._notes, self._best, self._next_drawing = [], "", 0
        self._text = widgets.HTML()
        self._curves = widgets.Image(format="png", layout={"width": "840px", "max_width": "100%"})
        self._curves.layout.display = "none"
        self._widget = widgets.VBox([self._text, self._curves])
        self._write(0, "préparation du réseau…")
        display(Shown(self._widget, f"Entraînement de {title} : {count(epochs, 'époque')}."))

    def close(self):
        """Close the widgets: the page keeps their last state."""
        for part in (self._text, self._curves, self._widget):
            part.close()

    def say(self, sentence: str):
        self._notes.append(sentence)
        self._write(*self._shown)

    def progress(self, epoch, step, steps, speed, epoch_left, run_left):
        """Show where the epoch is.

        Args:
            epoch: its number, from 1.
            step: batches done in it; None during validation.
            steps: batches in it, None if unknown.
            speed: images per second, None if unknown.
            epoch_left: seconds left in the epoch, None if unknown.
            run_left: seconds left in all, None if unknown.
        """
        share = step / steps if step and steps else 0 if step or not steps else 1
        where = "validation" if step is None else f"lot {step}/{steps}" if steps else f"lot {step}"
        parts = [f"<b>époque {epoch}/{self.epochs}</b>", where]
        if speed:
            parts.append(f"{speed:,.0f} images/s".replace(",", NBSP))
        if run_left is not None:
            parts.append(f"reste {duration(epoch_left)} pour l'époque, {duration(run_left)} en tout")
        self._write((epoch - 1 + share) / self.epochs, " · ".join(parts))

    def epoch(self, name: str, history: Mapping[str, list], best: int, monitor: str):
        """Show what an epoch has given: its figures, and its curves unless some were drawn a moment ago."""
        if time.monotonic() >= self._next_drawing:
            self.curves(name, history, best, monitor)
        else:
            self._figures(history, best, monitor)

    def curves(self, name: str, history: Mapping[str, list], best: int, monitor: str):
        """Show what all epochs so far have given.

        Args:
            name: of the training.
            history: lists by metric, one number per epoch.
            best: the best epoch, from 1.
            monitor: key of ``history`` that decides it.
        """
        self._figures(history, best, monitor)
        begun = time.monotonic()
        picture = training_curves({name: history}, self.epochs, {name: best})
        self._curves.value = picture._repr_png_()[0]
        self._curves.layout.display = None
        now = time.monotonic()
        self._next_drawing = now + (now - begun) / CURVES_SHARE

    def _figures(self, history, best, monitor):
        kind = "de validation" if monitor.startswith("val_") else "d'entraînement (aucune validation)"
        score = decimal(history[monitor][best - 1])
        self._best = f"meilleure exactitude {kind} : <b>{score}</b>, époque {best}"
        self._write(len(history["loss"]) / self.epochs, self._shown[1])

    def end(self, sentence: str):
        self._write(self._shown[0], html.escape(sentence))

    def give_way(self):
        if self._cell == current():
            self._curves.layout.display = "none"

    def _write(self, share, text):
        self._shown = share, text
        bar = (
            f"<div style='background:{GREY};border-radius:4px;height:8px;max-width:840px'>"
            f"<div style='background:{BLUE};border-radius:4px;height:8px;width:{100 * min(share, 1):.1f}%'>"
            "</div></div>"
        )
        notes = "".join(f"<div>{typographic(html.escape(note))}</div>" for note in self._notes)
        self._text.value = (
            f"<div style='line-height:1.6'>{typographic(html.escape(self.title))}{bar}"
            f"<div>{typographic(text)}</div>"
            f"<div style='opacity:.7'>{typographic(self._best)}&nbsp;</div>{notes}</div>"
        )
