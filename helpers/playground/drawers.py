"""What the site lacks, in drawers under the network: examples, journal, sixteen starts, files and more."""

import base64
import functools
import html as markup
import math

import ipywidgets as widgets
import numpy as np

from ..engine.config import FEATURE_NAMES
from ..engine.keras_export import keras_code, keras_file
from ..engine.state import to_json
from ..engine.training import Run
from ..french import NBSP, count, plain, read_decimal, thousands, typographic
from . import picture
from .examples import EXAMPLES
from .panels import Panel
from .session import AT_ONCE
from .style import button, column, html, image, loss_text, made, named, row, set_class, stage

STARTS = 16
THUMBNAIL = 72  # CSS pixels
PER_ROW = 8
CELL = (THUMBNAIL + 12, THUMBNAIL + 26)
SIZE = (PER_ROW * CELL[0], STARTS // PER_ROW * CELL[1])
PLACES = [(start % PER_ROW * CELL[0] + 2, start // PER_ROW * CELL[1] + 2) for start in range(STARTS)]
ACTIVATION_NAMES = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoïde", "linear": "linéaire"}


class Drawers(Panel):
    """A row of buttons, each of which opens a drawer below."""

    def __init__(self, app):
        super().__init__(app)
        self.stop = StopDrawer(app)
        self._parts = {
            "Expériences": ExamplesDrawer(app),
            "Arrêt automatique": self.stop,
            "Journal des essais": JournalDrawer(app),
            "Seize départs": StartsDrawer(app),
            "Adresse": AddressDrawer(app),
            "Fichiers": FilesDrawer(app),
            "Code Keras": CodeDrawer(app),
        }
        self._tabs = [self._tab(name, part) for name, part in self._parts.items()]
        self.widget = column(
            row(*self._tabs), *(part.widget for part in self._parts.values()), classes=("drawers",)
        )

    def _tab(self, name, part):
        set_class(part.widget, "drawer", True)
        part.widget.layout.display = "none"
        tab = made(widgets.ToggleButton, "button", "tab", description=name, tooltip=name)

        def toggle(is_open):
            part.widget.layout.display = None if is_open else "none"
            self.app.refresh(part)

        return self._listen(tab, toggle)

    def _update(self, session):
        for tab, part in zip(self._tabs, self._parts.values(), strict=True):
            if tab.value:  # what is closed costs nothing
                part.show(session)


class ExamplesDrawer(Panel):
    """Experiments that show one thing each."""

    def __init__(self, app):
        super().__init__(app)
        names = [example.name for example in EXAMPLES]
        self._choice = made(widgets.Dropdown, "field", description="Expérience", options=names)
        self._listen(self._choice, lambda _: app.refresh(self))
        self._text = html()
        opened = button("Ouvrir l'expérience choisie", self._open, text="Ouvrir")
        self.widget = column(row(self._choice, opened), self._text)

    def _update(self, session):
        self._text.value = typographic(EXAMPLES[self._choice.index].sentence)

    def _open(self):
        self.app.load(EXAMPLES[self._choice.index].config)


class StopDrawer(Panel):
    """Where the play is to stop: an epoch, a test loss."""

    def __init__(self, app):
        super().__init__(app)
        labels = "S'arrêter à l'époque", "S'arrêter dès que la perte de test ≤"
        self._numbers = [self._decimal(label, lambda _: app.refresh(self)) for label in labels]
        self._note = html("", "note")
        self.widget = row(*self._numbers, self._note)

    @property
    def place(self) -> tuple[float, float]:
        """The epoch and the test loss at which to stop; NaN for none."""
        epoch, loss = (read_decimal(field.value) for field in self._numbers)
        return (math.nan if epoch % 1 else epoch), loss

    def _update(self, session):
        (epoch, loss), parts = self.place, []
        if epoch >= 1:
            passed = " (déjà passée)" if epoch < session.run.epoch else ""
            parts.append(f"à l'époque {thousands(int(epoch))}{passed}")
        if not math.isnan(loss):
            parts.append(f"dès que la perte de test descend à {plain(loss, 5)}")
        said = f"Arrêt prévu {' ou '.join(parts)}." if parts else "Aucun arrêt prévu."
        self._note.value = f"{said} Écrivez un nombre entier d'époques, ou une perte telle que 0,2."


class JournalDrawer(Panel):
    """The trials so far, best first; one of them can be taken up again."""

    def __init__(self, app):
        super().__init__(app)
        self._list = made(widgets.Select, "trials", rows=6, options=[])
        self._again = button("Reprendre l'essai choisi", self._take_up, text="Reprendre cet essai")
        said = (
            "Aucun essai depuis que cette cellule a été exécutée (ce qui vide le journal) : entraînez un "
            "réseau, puis mettez en pause."
        )
        self._empty = html(typographic(said), "note")
        self._trials = []
        self.widget = column(self._empty, self._list, row(self._again))

    def _update(self, session):
        session.record()
        trials = session.journal
        if trials != self._trials:
            self._trials = trials
            self._list.options = [(line, place) for place, line in enumerate(_trial_lines(trials))]
        for part in (self._list, self._again):
            part.layout.display = None if trials else "none"
        self._empty.layout.display = "none" if trials else None

    def _take_up(self):
        if self._list.value is not None:
            trial = self._trials[self._list.value]
            self.app.load(trial.config, trial.own)


class StartsDrawer(Panel):
    """Sixteen random starts of the same experiment, trained at once: one run is an anecdote."""

    def __init__(self, app):
        super().__init__(app)
        epochs = {"value": 500, "min": 1, "max": 10_000, "description": "Époques"}
        self._epochs = made(widgets.BoundedIntText, "field", layout={"width": "90px"}, **epochs)
        target = "" if app.target is None else plain(app.target, 5)
        label = "Réussi si la perte de test ≤"
        self._target = self._decimal(label, lambda _: self._show_losses(), target, width="160px")
        train = functools.partial(app.train_starts, self._fill)
        go = button("Entraîner seize départs", train, text="Entraîner 16 départs")
        self._count = html()
        self._run = None
        self._picture = image("Réponses des seize départs", "png", place=(0, 0, *SIZE))
        self._labels = html("", "glass", place=(0, 0, *SIZE))
        width, height = (f"{side}px" for side in SIZE)
        self._buttons = []  # made for the first starts
        self._stage = stage(self._picture, self._labels, width=width, height=height, display="none")
        self.widget = column(row(self._epochs, self._target, go, self._count), self._stage)

    def _fill(self, config, own):
        """Train the starts of an experiment and show them; return what is to be said of it."""
        self._run = Run(config, range(STARTS), own=own).train(self._epochs.value, AT_ONCE)
        outputs = picture.surfaces(self._run)[-1][..., 0]
        self._picture.value = picture.mosaic_png(outputs, PLACES, THUMBNAIL, SIZE, config.discretize)
        if not self._buttons:
            for start, corner in enumerate(PLACES):
                load, place = functools.partial(self._load, start), (*corner, THUMBNAIL, THUMBNAIL)
                self._buttons.append(button(f"Départ {start}", load, "start", place=place))
            self._stage.children += tuple(self._buttons)
        self._stage.layout.display = None
        self._show_losses()
        diverged = int((~np.isfinite(self._run.test_loss[:, -1])).sum())
        if diverged:
            return (
                f"{count(diverged, 'départ')} sur {STARTS} : divergence (∞). Baissez le taux d'apprentissage."
            )
        if self._run.epoch < self._epochs.value:
            return f"Au bout de {AT_ONCE} secondes, les départs se sont arrêtés avant l'époque demandée."
        return None

    def _show_losses(self):
        if self._run is None:
            return
        losses, target = self._run.test_loss[:, -1], read_decimal(self._target.value)
        labels = []
        for start, (left, top) in enumerate(PLACES):
            loss, shown = losses[start], self._buttons[start]
            is_reached = loss <= target
            set_class(shown, "reached", is_reached)
            named(shown, typographic(f"Départ {start} : perte de test {loss_text(loss)}"))
            labels.append(
                f'<div class="dlp-text dlp-count" style="left:{left}px;top:{top + THUMBNAIL + 3}px;'
                f'width:{THUMBNAIL}px">{"✓ " if is_reached else ""}{loss_text(loss)}</div>'
            )
        self._labels.value = "".join(labels)
        reached = count(int((losses <= target).sum()), "départ")
        said = f"<b>{reached} sur {STARTS}</b> à {plain(target, 5)} ou moins"
        if math.isnan(target):
            said = "Écrivez la perte d'un départ réussi pour les compter"
        self._count.value = typographic(f"{said}, après {count(self._run.epoch, 'époque')}.")

    def _load(self, start):
        config = self._run.config.replace(resets=start, epochs=self._run.epoch)
        self.app.load(config, self._run.own)

    def _update(self, session):
        """The starts stay those of the experiment they were trained for, until others are asked for."""


class AddressDrawer(Panel):
    """The experiment's address: to copy, to open on the real site, to paste."""

    def __init__(self, app):
        super().__init__(app)
        text = functools.partial(made, widgets.Text, "field", "address")
        self._url = text(description="Copier l'adresse (un clic, Ctrl+A, Ctrl+C)")
        self._listen(self._url, lambda _: self.app.refresh(self))  # it is there to be copied
        example = "https://playground.tensorflow.org/#activation=…"
        self._pasted = text(description="Coller une adresse", placeholder=example)
        self._link = html()
        load = button("Ouvrir l'adresse collée", lambda: app.load(self._pasted.value), text="Ouvrir ici")
        self.widget = column(row(self._url, self._link), row(self._pasted, load))

    def _update(self, session):
        url = session.config.to_url()
        self._url.value = url
        self._link.value = (
            f'<a href="{markup.escape(url)}" target="_blank" rel="noopener">'
            f"Ouvrir sur playground.tensorflow.org{' (sans vos points)' if session.run.own else ''}</a>"
        )


class FilesDrawer(Panel):
    """The trained network as files: to keep, to send, to open again."""

    def __init__(self, app):
        super().__init__(app)
        self._links = html()
        self._open = self._file("Ouvrir un fichier .json", "json", app.open)
        self.widget = column(self._links, row(self._open))

    def _update(self, session):
        config, run = session.config, session.run
        inputs = ", ".join(FEATURE_NAMES[name] for name in config.features)
        state = to_json(config, run).encode()
        links = _download("reseau.json", state, "Télécharger le réseau (.json)")
        said = "son adresse, ses poids et vos points" if run.own else "son adresse et ses poids"
        links += f" : {said}, à modifier à la main et à rouvrir ici.<br>"
        links += _download("reseau.keras", keras_file(run), "Télécharger le modèle Keras (.keras)")
        links += f" : à lire par keras.models.load_model ; ses entrées, dans l'ordre : {inputs}."
        self._links.value = typographic(links)


class CodeDrawer(Panel):
    """The current network as ordinary Keras."""

    def __init__(self, app):
        super().__init__(app)
        self._code = made(widgets.HTML, "html", layout={"width": "100%"})
        self.widget = column(self._code)

    def _update(self, session):
        code = keras_code(session.config, own=session.run.own is not None)
        self._code.value = f"<pre>{markup.escape(code)}</pre>"


def _download(name, content, text):
    data = base64.b64encode(content).decode()
    return f'<a download="{name}" href="data:application/octet-stream;base64,{data}">{text}</a>'


def _trial_lines(trials):
    """Write trials as the lines of a table, in columns of equal width."""
    rows = [_trial_words(rank, trial) for rank, trial in enumerate(trials, 1)]
    widths = [max(map(len, words)) for words in zip(*rows, strict=True)]
    return [
        "  ".join(word.ljust(width) for word, width in zip(words, widths, strict=True)).replace(" ", NBSP)
        for words in rows
    ]


def _trial_words(rank, trial):
    config = trial.config
    penalty = f"{config.regularization} {plain(config.regularization_rate, 5)}"
    return (
        f"{rank}.",
        "diverge" if math.isnan(trial.test_loss) else f"test {loss_text(trial.test_loss)}",
        f"entr. {loss_text(trial.train_loss)}",
        count(config.epochs, "époque"),
        f"vos {len(trial.own.table)} points" if trial.own else config.data_name,
        "[" + ",".join(map(str, config.network_shape)) + "]",
        ACTIVATION_NAMES[config.activation],
        f"taux {plain(config.learning_rate, 5)}",
        "" if config.regularization == "none" else penalty,
        f"graine {config.seed}",
        f"départ {config.resets}",
        "" if trial.replayable or trial.own else "réglages changés en cours de route",
    )
