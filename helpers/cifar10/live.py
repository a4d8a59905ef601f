"""What a student sees while a network learns: curves and progress in a notebook, plain lines in a script."""

import html
import math
import time
from collections.abc import Mapping

import ipywidgets as widgets
from IPython.display import display

from ..french import count, decimal, duration, thousands, typographic
from ..notebook.running_cell import close_previous, current, notebook_shell
from ..notebook.shown import Shown, close_tree
from ..plotting.figure import BLUE, GREY
from ..plotting.learning import training_curves

TEXT_PERIOD = 0.3  # seconds between two updates of the text: a page has no use for more
_FRENCH = {
    "loss": "perte",
    "accuracy": "exactitude",
    "val_loss": "perte de validation",
    "val_accuracy": "exactitude de validation",
}


class View:
    """In a notebook, a progress bar, figures and curves in the running cell's output; in a script, lines.

    Nothing that depends on time is stored with the notebook: its text is one fixed sentence. The live text
    says when it was written: a page keeps the last one of a kernel that has died. Between two calls of
    ``progress`` there should be ``period`` seconds.
    """

    def __init__(self, name: str, title: str, epochs: int):
        self.name, self.title, self.epochs = name, title, epochs
        sentence = f"Entraînement de {title} : {count(epochs, 'époque demandée')}"
        self._in_notebook = notebook_shell() is not None
        self.period = TEXT_PERIOD if self._in_notebook else math.inf
        if not self._in_notebook:
            self.say(f"{sentence}.")
            return
        close_previous(self)
        self._cell, self._notes, self._best = current(), [], ""
        self._text = widgets.HTML()
        self._curves = widgets.Image(format="png", layout={"width": "840px", "max_width": "100%"})
        self._curves.layout.display = "none"
        self._widget = widgets.VBox([self._text, self._curves])
        self._write(0, "préparation du réseau…")
        display(Shown(self._widget, f"{sentence} à la dernière exécution."))

    def close(self):
        """Close the widgets: the page keeps their last state."""
        close_tree(self._widget)

    def say(self, sentence: str):
        """Tell the student something."""
        if self._in_notebook:
            self._notes.append(sentence)
            self._write(*self._shown)
        else:
            print(typographic(sentence), flush=True)

    def progress(self, epoch: int, step: int | None, steps: int | None, speed=None, left=None, run_left=None):
        """Show where an epoch, numbered from 1, is: ``step`` of ``steps`` batches, or None in validation.

        Of what is known: the speed in images per second, the seconds left in the epoch and in all.
        """
        if not self._in_notebook:
            return
        share = 1 if step is None else step / steps if steps else 0
        where = "validation" if step is None else f"lot {step}/{steps}" if steps else f"lot {step}"
        parts = [f"<b>époque {epoch}/{self.epochs}</b>", where]
        if speed:
            parts.append(f"{thousands(round(speed))} images/s")
        if run_left is not None:
            parts.append(f"reste {duration(left)} pour l'époque, {duration(run_left)} en tout")
        self._write((epoch - 1 + share) / self.epochs, " · ".join(parts))

    def show(self, history: Mapping[str, list], best: int):
        """Show what the epochs so far have given (see ``TrainingRecord``); in a script, the last one."""
        done = len(history["loss"])
        if not self._in_notebook:
            measures = ", ".join(f"{_FRENCH.get(key, key)} {decimal(history[key][-1])}" for key in history)
            self.say(f"époque {done}/{self.epochs} : {measures}{' (la meilleure)' * (best == done)}")
            return
        kind = "de validation" if "val_accuracy" in history else "d'entraînement (aucune validation)"
        score = decimal(history.get("val_accuracy", history["accuracy"])[best - 1])
        curves = training_curves({self.name: history}, self.epochs, {self.name: best})._repr_png_()[0]
        self._best = f"meilleure exactitude {kind} : <b>{score}</b>, époque {best}"
        self._write(done / self.epochs, self._shown[1])  # with the curves: drawing them takes a while
        self._curves.value, self._curves.layout.display = curves, None

    def end(self, sentence: str):
        """Show how the training ended."""
        if self._in_notebook:
            self._write(self._shown[0], html.escape(sentence))
        else:
            self.say(sentence)

    def give_way(self):
        """Leave the curves to the picture that the running cell shows."""
        if self._in_notebook and self._cell == current():
            self._curves.layout.display = "none"

    def _write(self, share, text):
        self._shown = share, text
        bar = (
            f"<div style='background:{GREY};border-radius:4px;height:8px;max-width:840px'>"
            f"<div style='background:{BLUE};border-radius:4px;height:8px;width:{100 * min(share, 1):.1f}%'>"
            "</div></div>"
        )
        notes = "".join(f"<div>{html.escape(note)}</div>" for note in self._notes)
        self._text.value = typographic(
            f"<div style='line-height:1.6'>{html.escape(self.title)}{bar}<div>{text}"
            f"<span style='opacity:.7'> (à&nbsp;{time.strftime('%H:%M:%S')})</span></div>"
            f"<div style='opacity:.7'>{self._best}&nbsp;</div>{notes}</div>"
        )
