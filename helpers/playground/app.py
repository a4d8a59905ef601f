"""The Playground as a Jupyter widget, on core ipywidgets: ``Playground(url)`` as a cell's last expression.

This module joins a session (what is trained) to panels (what is shown) and to the clock (what sets the
pace). Nothing plays unless a page shows it.
"""

import html as markup
import math
import os
import threading
import time
from collections.abc import Sequence
from numbers import Real

import ipywidgets as widgets
from IPython.display import display

from ..engine.config import FEATURES, MAX_LAYERS, PlaygroundConfig
from ..engine.own_data import OwnData, own_data, read_csv
from ..engine.training import NO_INPUT, Run
from ..french import decimal, french_error, plain, quoted, typographic
from ..notebook.running_cell import close_previous
from ..notebook.shown import close_tree, widget_bundle
from . import picture
from .clock import INTERRUPTED, Clock
from .drawers import Drawers
from .panels import DataPanel, NetworkPanel, NeuronEditor, OutputPanel, TopBar
from .session import RATES, Session, Trial
from .style import html, made, row, style_sheet

TRAIN_SECONDS = 0.02  # of training in one frame, about
CURVES_EVERY = 3  # frames
EDITOR_EVERY = 10
COMPILING = "compiling"  # name of the threads that do
EMPTY = "Journal vide : aucun essai pour l'instant. Entraînez un réseau, puis mettez en pause."
EMPTY_AGAIN = (
    "Journal vide : la cellule du Playground a été exécutée de nouveau, ce qui crée un autre Playground, "
    "sans essai. Refaites vos essais avant de lire le journal."
)
DIVERGED = (
    "Le réseau a divergé : sa perte dépasse tout ce qui s'affiche (∞). Annulez le dernier changement, "
    "ou baissez le taux d'apprentissage et recommencez."
)
_ahead = threading.Lock()  # one program at a time is compiled ahead: frames need the other cores
OWN = "Vos points ne voyagent pas dans l'adresse : gardez leur fichier avec elle."
RETOUCHED = "Réglages changés en cours de route : ce résultat dépend aussi du moment de ces changements."
TOO_FAST = 0.3  # a learning rate from which a loss worse than that of no answer is its doing


class Playground:
    """A playground.tensorflow.org of one's own, which plays the experiments of this lab.

    Args:
        config: an experiment, or its address on playground.tensorflow.org; the site's name alone means its
            defaults. If it names epochs, they are trained at once, for ten seconds at most; Play goes on.
        data: points of one's own: a pair of (n, 2) coordinates and n labels, scaled as ``own_data`` says. Two
            different labels make a classification, more numbers a regression.
        target: the test loss from which one of sixteen starts counts as a success; the student may change it.

    Attributes:
        selected: (layer, neuron) shown in large, or None for the output.
        target: as given.
        widget: what a page shows; None once closed.

    Raises:
        ValueError: the address is not one, a value is outside the site's choices, ``own_data`` refuses, the
            target is no number.
    """

    def __init__(
        self,
        config: PlaygroundConfig | str = PlaygroundConfig(),  # noqa: B008  (frozen)
        data: tuple[Sequence, Sequence] | None = None,
        target: float | None = None,
    ):
        if not isinstance(config, PlaygroundConfig):
            config = PlaygroundConfig.from_url(config)
        own = None if data is None else own_data(*_pair(data))
        if target is not None and (isinstance(target, bool) or not isinstance(target, Real)):
            raise french_error(f"target = {quoted(target)} : il faut une perte, par exemple 0.2.")
        self.target = target
        self._is_again = close_previous(self)
        self._lock = threading.RLock()
        self._session = Session(config, own)
        self._first_config = self._session.config
        self._clock = Clock(self._frame, self._stopped, self._warm_up, self._lock)
        self._epochs_per_frame, self._frames = 1, 0
        self.selected: tuple[int, int] | None = None
        self._build()
        self._say(self._shortfall(config.epochs) or (own.summary if own else self._notice()))
        self._show()

    # What a student's code may read

    @property
    def config(self) -> PlaygroundConfig:
        """The current experiment, with the epochs trained so far and the resets."""
        with self._lock:
            return self._session.config

    @property
    def url(self) -> str:
        """The address of the current experiment."""
        return self.config.to_url()

    @property
    def journal(self) -> list[Trial]:
        """The trials so far, the current one included, best test loss first; empty, its text says why."""
        with self._lock:
            self._session.record()
            return _Journal(self._session.journal, EMPTY_AGAIN if self._is_again else EMPTY)

    @property
    def run(self) -> Run:
        """A copy of the current run, which goes on playing without it."""
        with self._lock:
            return self._session.run.copy()

    @property
    def playing(self) -> bool:
        return self._clock.playing

    # What the controls ask for

    def play(self):
        """Play, as soon as a page shows the widget."""
        if not self.config.features:
            self._say(NO_INPUT)
            return
        if said := self._clock.play():
            self._say(said)
        self._show_playing()

    def pause(self):
        """Pause at once, and enter the trial into the journal."""
        self._clock.pause()
        self._do(self._session.record)

    def toggle(self):
        """Play or pause."""
        if self._clock.playing and not self._clock.stalled:
            self.pause()
        else:
            self.play()

    def step(self):
        """Train one epoch."""
        self._do(self._session.train, 1)

    def reset(self):
        """Start again from the next random start."""
        self._do(self._session.reset)

    def restart(self):
        """Go back to the beginning of the same start."""
        self._do(self._session.restart)

    def regenerate(self):
        """Draw new points and new weights."""

        def draw():
            seed = self._session.config.seed
            self._session.regenerate()
            return (
                f"Autre graine, {self._session.config.seed}, donc d'autres points et d'autres poids. "
                f"« Annuler » revient à la graine {seed}."
            )

        self._do(draw)

    def undo(self):
        """Go back to just before the last change."""
        self._do(self._session.undo)

    def take_data(self, content: bytes):
        """Take the points of a CSV file in the place of the site's."""

        def take():
            own = read_csv(content)
            self._session.use(own)
            return own.summary

        self._do(take)

    def open(self, content: bytes):
        """Take a trained network from a file."""
        self._do(lambda: self._session.open(content) or "Réseau ouvert. Lecture reprend où il en était.")

    def load(self, config: PlaygroundConfig | str, own: OwnData | None = None):
        """Take another experiment, or its address, on points of one's own; what is not one is said."""

        def take():
            is_config = isinstance(config, PlaygroundConfig)
            wanted = config if is_config else PlaygroundConfig.from_url(config)
            self._session.load(wanted, own)
            return self._shortfall(wanted.epochs)

        self._do(take)

    def change(self, **changes):
        """Change fields of the configuration; rates and appearance do so while it plays."""
        stays = changes.keys() <= {*RATES, "show_test_data", "discretize"}
        self._do(lambda: self._session.change(**changes), pauses=not stays)

    def toggle_feature(self, name: str):
        """Switch an input on or off."""
        self.change(features=tuple(set(self.config.features) ^ {name}))

    def add_layer(self):
        """Add a hidden layer of two neurons at the output's side, as on the site."""
        self.change(network_shape=(*self.config.network_shape, 2))

    def remove_layer(self):
        """Remove the last hidden layer."""
        self.change(network_shape=self.config.network_shape[:-1])

    def resize_layer(self, layer: int, change: int):
        """Add neurons to a hidden layer, or remove some."""
        shape = list(self.config.network_shape)
        if layer < len(shape):  # else a click on what has just gone
            shape[layer] += change
            self.change(network_shape=tuple(shape))

    def select(self, neuron: tuple[int, int] | None):
        """Show one (layer, neuron) in large, with its weights; None, or the same again, shows the output."""
        chosen = None if self.selected == neuron else neuron
        # Under the lock, for a burst must not draw a neuron that has just gone.
        self._do(lambda: setattr(self, "selected", chosen), pauses=False)

    def edit(self, place: int, value: float):
        """Set the selected neuron's bias (place 0) or its weight number ``place`` (from 1)."""

        def take():  # under the lock, for another thread may be taking the neuron away
            if math.isnan(value):
                raise french_error("Poids et biais : un nombre est attendu, tel que 0,5 ou −1,25.")
            if self.selected is None:  # the number was typed into what has just gone
                return
            layer, neuron = self.selected
            if place <= self._session.run.parameters[layer][0].shape[1]:  # else that input has gone
                self._session.edit(layer, neuron, place, value)

        self._do(take)

    def train_starts(self, fill):
        """Let a panel train many starts of the experiment: ``fill`` gets its configuration and own points.

        The sentence that ``fill`` may return is shown.
        """
        self._say("Entraînement des départs…")
        self._do(lambda: fill(self._session.config.replace(epochs=0, resets=0), self._session.run.own))

    def refresh(self, panel):
        """Bring one panel up to date."""
        with self._lock:
            panel.show(self._session)

    def close(self):
        """Stop, and take every part of the widget away from page and kernel; the journal stays."""
        self._clock.close()
        with self._lock:  # a burst may be under way on another thread
            if self.widget is None:
                return
            for panel in self._panels:
                panel.close()
            close_tree(self.widget)
            # Jupyter keeps what a cell has shown, in Out, as long as the kernel lives: make it weigh little.
            self._session.forget()
            self.widget, self._panels = None, []
            self._top = self._network = self._output = self._editor = self._drawers = None

    # How it is shown

    def __repr__(self):
        data = ", data=…" if self._session.run.own else ""
        return f"Playground({self._first_config.to_url()!r}{data})"

    def _ipython_display_(self):
        """In a Jupyter page, show the picture as an output of its own, hidden as long as the widget lives.

        After a restart, these pages write an error where the widget was, and none of its other forms.
        """
        if self.widget is None or "JPY_SESSION_NAME" not in os.environ:
            raise NotImplementedError  # IPython then asks for the bundle
        bundle = self._repr_mimebundle_()
        still = {"image/png": bundle.pop("image/png"), "text/plain": bundle["text/plain"]}
        display(still, raw=True, metadata={"image/png": {"width": picture.STILL_WIDTH}})
        display(bundle, raw=True)

    def _repr_mimebundle_(self, **_):
        with self._lock:
            still = picture.static_png(self._session.run)
        text = repr(self)
        shown = {"text/plain": text} if self.widget is None else widget_bundle(self.widget, text)
        return {**shown, "image/png": still}

    def _build(self):
        self._top, data, self._network = TopBar(self), DataPanel(self), NetworkPanel(self)
        self._editor, self._drawers = NeuronEditor(self), Drawers(self)
        self._output = OutputPanel(self, self._editor.widget)
        # In the order in which they are brought up to date.
        self._panels = [self._top, data, self._network, self._output, self._editor, self._drawers]
        self._message = html("", "message")
        columns = row(data.widget, self._network.widget, self._output.widget, classes=("columns",))
        above = style_sheet(), *self._clock.widgets, self._top.widget, self._message, self._clock.spare
        self.widget = made(widgets.VBox, "app", children=(*above, columns, self._drawers.widget))
        self.widget._view_count = 0  # asks the page to count the places where it is shown
        self.widget.observe(self._on_view_count, "_view_count")

    def _on_view_count(self, change):
        if change["new"] == 0 and change["old"]:  # its last view is gone: a cell was deleted
            self._clock.pause()
            self._show_playing()

    def _do(self, action, *arguments, pauses=True):
        """Carry out what a control asks for, and show the outcome: the message it returns, or its error."""
        if pauses:
            self._clock.pause()  # before the lock: a burst under way ends at its next frame
        with self._lock:
            before = self._session.run
            try:
                message = action(*arguments)
            except ValueError as error:
                message = str(error)
            except KeyboardInterrupt:
                message = INTERRUPTED
            self._drop_lost_selection()
            self._say(message or self._notice())
            self._show()
            if self._session.run is not before:
                self._warm_up()

    def _notice(self):
        """What is to be known of the current experiment, whatever led there."""
        session = self._session
        if not session.config.features:
            return NO_INPUT
        if not session.is_finite:
            return DIVERGED
        loss, blank, rate = session.losses[0], session.blank_loss, session.run.learning_rate
        if session.run.epoch and not session.is_edited and loss > blank and rate >= TOO_FAST:
            return (
                f"Perte d'entraînement {decimal(loss)} : pire que si le réseau répondait 0 partout "
                f"({decimal(blank)}). Baissez le taux d'apprentissage ({plain(rate)}), puis recommencez."
            )
        if session.run.own:
            return OWN
        return "" if session.replayable else RETOUCHED

    def _shortfall(self, epochs):
        """Say so when an address names more epochs than are trained at once."""
        done = self._session.run.epoch
        if done < epochs and self._session.config.features and self._session.is_finite:
            return (
                f"L'adresse demande {epochs} époques ; les {done} premières sont faites. "
                "Appuyez sur Lecture pour continuer."
            )
        return None

    def _drop_lost_selection(self):
        sizes = (*self._session.config.network_shape, 1)
        if self.selected:
            layer, neuron = self.selected
            if layer >= len(sizes) or neuron >= sizes[layer]:
                self.selected = None

    def _show(self):
        """Bring everything up to date."""
        if self.widget is None:  # closed
            return
        for panel in self._panels:
            panel.show(self._session)
        self._draw()
        self._show_playing()

    def _show_playing(self):
        if self.widget is not None:
            self._top.show_playing(self._clock.playing)

    def _say(self, message):
        quiet = ' class="dlp-note"' if message == RETOUCHED else ""
        text = markup.escape(typographic(message), quote=False)
        self._message.value = f'<div role="status"{quiet}>{text}</div>'

    def _draw(self):
        layers = picture.surfaces(self._session.run)
        self._network.draw(self._session, layers, self._clock.playing)
        self._output.draw(self._session, layers)
        self._top.show_epoch(self._session)

    # What the clock calls

    def _frame(self):
        """Train a little and draw."""
        start = time.perf_counter()
        stopped = self._session.train(self._epochs_per_frame, *self._drawers.stop.place)
        self._adapt(time.perf_counter() - start)
        self._draw()
        self._frames += 1
        if self._frames % CURVES_EVERY == 0:
            self._output.draw_curves(self._session)
        if self._frames % EDITOR_EVERY == 0:
            self._editor.show(self._session)
        if stopped:
            self._clock.pause()
            self._do(lambda: self._session.record() or stopped)
        elif not self._session.is_finite:
            self._clock.pause()
            self._do(self._session.record)

    def _adapt(self, seconds):
        """Find how many epochs fit into a frame, up to the chosen speed."""
        if seconds < TRAIN_SECONDS / 2:
            self._epochs_per_frame *= 2
        elif seconds > TRAIN_SECONDS * 1.5:
            self._epochs_per_frame //= 2
        self._epochs_per_frame = max(1, min(self._epochs_per_frame, self._top.speed.value))

    def _stopped(self, message):
        with self._lock:
            self._session.record()
            self._say(message)
            self._show_playing()

    def _warm_up(self):
        """Compile what Play will want now, and after any next change, while the student reads.

        On a thread of its own, which touches no widget; Play waits only for what it needs.
        """
        run, config = self._session.run, self._session.config.replace(epochs=0, resets=0)
        if not self._clock.has_page or not config.features:
            return

        def compile_all():
            run.compile()
            for changes in _next_changes(config.network_shape):
                with _ahead:
                    if self.widget and self._session.run is run and threading.main_thread().is_alive():
                        Run(config.replace(**changes), own=run.own).compile()

        threading.Thread(target=compile_all, name=COMPILING).start()


class _Journal(list):
    """Trials, one a line; without any, a sentence in their place."""

    def __init__(self, trials, empty):
        super().__init__(trials)
        self._empty = typographic(empty)

    def __repr__(self):
        return "[" + ",\n ".join(map(repr, self)) + "]" if self else self._empty


def _next_changes(shape):
    """Yield one change for each program that the next click may need: of layers, of width, of batches."""
    yield {"network_shape": (*shape, 2)[:MAX_LAYERS]}
    yield {"network_shape": shape[:-1]}
    yield {"features": FEATURES}  # wide
    yield {"features": FEATURES[:2], "network_shape": (4,) * len(shape)}  # narrow
    for batch_size in (30, 10, 1):
        yield {"batch_size": batch_size}


def _pair(data):
    if isinstance(data, tuple | list) and len(data) == 2:
        return data
    raise french_error("data : un couple (points, étiquettes) est attendu.")
