"""The parts of the widget one always sees: the bar at the top, the data, the network, the output.

A panel shows a session and turns what the student does into calls of the application, which alone
changes the session. While a panel is being brought up to date its own controls say nothing.
"""

import functools
import itertools

import ipywidgets as widgets
import numpy as np

from ..engine import config as site
from ..engine.data import DOMAIN
from ..french import count, percent, plain, read_decimal, thousands, typographic
from ..notebook.shown import PALETTE, close_tree
from . import layout, picture
from .style import (
    DATA_NAMES,
    FEATURE_HTML,
    button,
    column,
    html,
    image,
    loss_text,
    made,
    moved,
    named,
    row,
    set_class,
    stage,
)

NOISES = range(0, 55, 5)
SPEEDS = (("Lente", 1), ("Normale", 5), ("Rapide", 25), ("Maximale", 10_000))  # epochs per frame, at most
MANY_LINKS = 100
THIN_SPACE = "\u202f"
NOWHERE = (0, 0, 0, 0)  # place of a tile until the layers are laid out
_RATES = [
    [(plain(rate, 5), rate) for rate in rates] for rates in (site.LEARNING_RATES, site.REGULARIZATION_RATES)
]
_ACTIVATIONS = [("ReLU", "relu"), ("Tanh", "tanh"), ("Sigmoïde", "sigmoid"), ("Linéaire", "linear")]
_PENALTIES = [("Aucune", "none"), ("L1", "L1"), ("L2", "L2")]


class Panel:
    """A part of the widget: ``widget`` is what the page shows, ``show`` brings it up to date."""

    widget: widgets.Widget

    def __init__(self, app):
        self.app = app
        self._is_showing = False
        self._made: dict[tuple, widgets.Widget] = {}
        self._fields: dict[str, widgets.Widget] = {}  # field of the configuration -> its control
        self._hidable: list[tuple[str, widgets.Widget]] = []  # by the name by which an address hides it

    def show(self, session):
        self._is_showing = True
        try:
            self._update(session)
            for name, control in self._fields.items():
                control.value = getattr(session.config, name)
            for name, control in self._hidable:
                control.layout.display = "none" if name in session.config.hidden else None
        finally:
            self._is_showing = False

    def close(self):
        """Take the panel away from page and kernel."""
        close_tree(self.widget)
        for reused in self._made.values():
            close_tree(reused)

    def _update(self, session):
        raise NotImplementedError

    def _reused(self, make, *key):
        """Make a widget when it is first needed; it is used again from then on."""
        if (make, *key) not in self._made:
            self._made[make, *key] = make(*key)
        return self._made[make, *key]

    def _listen(self, control, answer):
        """Call ``answer`` with each new value that the student gives to a control."""
        control.observe(lambda change: self._is_showing or answer(change["new"]), "value")
        return control

    def _decimal(self, label, answer, value="", **layout):
        """Make a field for a number with a comma or a point; ``answer`` gets it, or NaN for what is none."""
        options = {"value": value, "description": label, "continuous_update": False}
        field = made(widgets.Text, "field", layout=layout, **options)
        return self._listen(field, lambda text: answer(read_decimal(text)))

    def _file(self, name, kind, take):
        """Make a button that reads a file of a kind, "csv" or "json"; ``take`` gets its bytes."""
        classes = ("button", "file", f"file-{kind}")
        upload = made(widgets.FileUpload, *classes, description=name, accept=f".{kind}")

        def answer(files):  # a dictionary in ipywidgets 7, a tuple from 8 on
            if files:
                file = next(iter(files.values())) if isinstance(files, dict) else files[0]
                upload.set_trait("value", type(files)())  # the same file may come again
                take(bytes(file["content"]))

        return self._listen(upload, answer)

    def _field(self, kind, name, label, width=None, **options):
        """Make a labelled control of one field of the configuration, which ``show`` keeps up to date."""
        layout = {"width": f"{width}px" if width else "auto"}
        control = made(kind, "field", layout=layout, description=label, **options)
        self._fields[name] = control
        self._hidable.append((site.FIELD_KEYS[name], control))
        return self._listen(control, lambda value: self.app.change(**{name: value}))


class TopBar(Panel):
    """Play, the epoch, and the settings of the training."""

    def __init__(self, app):
        super().__init__(app)
        self._play = button("Lecture", app.toggle, "round", "icon-play")
        step = _tile("Une époque", "Avancer d'une époque", app.step, "icon-step")
        restart = _tile("Ce départ", "Revenir au début de ce départ", app.restart, "icon-restart")
        reset = _tile("Départ suivant", "Recommencer du départ suivant", app.reset, "icon-reset")
        self._undo = _tile("Annuler", "Annuler le dernier changement", app.undo, "icon-undo")
        self._epoch = html("", "epoch")
        choice = functools.partial(self._field, widgets.Dropdown)
        choice("learning_rate", "Taux d'apprentissage", 88, options=_RATES[0])
        choice("activation", "Activation", 80, options=_ACTIVATIONS)
        choice("regularization", "Régularisation", 78, options=_PENALTIES)
        choice("regularization_rate", "Taux de régularisation", 82, options=_RATES[1])
        speed = {"description": "Vitesse", "options": SPEEDS, "value": 5}
        self.speed = made(widgets.Dropdown, "field", layout={"width": "82px"}, **speed)
        self._hidable += ("playButton", self._play), ("stepButton", step)
        self._hidable += ("resetButton", restart), ("resetButton", reset)
        buttons = self._play, step, restart, reset, self._undo
        self.widget = row(*buttons, self._epoch, *self._fields.values(), self.speed, classes=("top",))

    def _update(self, session):
        self._undo.disabled = not session.can_undo
        self.show_epoch(session)

    def show_epoch(self, session):
        epoch = f"{session.run.epoch:07,d}".replace(",", THIN_SPACE)  # such as "000 771"
        self._epoch.value = (
            f'<div class="dlp-epoch-name">Époque</div><div class="dlp-epoch-value">{epoch}</div>'
        )

    def show_playing(self, is_playing):
        set_class(self._play, "playing", is_playing)
        named(self._play, "Pause" if is_playing else "Lecture")


class DataPanel(Panel):
    """Which points, how many of them for training, how noisy."""

    def __init__(self, app):
        super().__init__(app)
        self._buttons = {}
        for name in (*site.DATASETS, *site.REG_DATASETS):
            field = "dataset" if name in site.DATASETS else "reg_dataset"
            choose = functools.partial(app.change, **{field: name})
            self._buttons[name] = button(DATA_NAMES[name], choose, "dataset", f"data-{name}")
        choice = functools.partial(self._field, widgets.Dropdown)
        problems = [("Classification", "classification"), ("Régression", "regression")]
        self._problem = choice("problem", "Type de problème", options=problems)
        ratio = choice("perc_train_data", "Points d'entraînement", options=_percents(site.TRAIN_PERCENTAGES))
        self._noise = choice("noise", "Bruit", options=_percents(NOISES))
        batch = choice("batch_size", "Taille des lots", options=range(1, site.MAX_BATCH_SIZE + 1))
        name = "Tirer une autre graine : d'autres points, d'autres poids"
        others = button(name, app.regenerate, text="Autres points")
        own = self._file("Votre CSV", "csv", app.take_data)
        self._seed = html("", "note")
        datasets = row(*self._buttons.values(), classes=("choices",))
        self._hidable += ("dataset", datasets), ("dataset", own)
        title = html('<div class="dlp-title">DONNÉES</div>')
        choices = self._problem, datasets, ratio, self._noise, batch
        sources = column(others, own, classes=("sources",))
        self.widget = column(title, *choices, sources, self._seed, classes=("data",))

    def _update(self, session):
        config, own = session.config, session.run.own
        shown = site.DATASETS if config.problem == "classification" else site.REG_DATASETS
        for name, choice in self._buttons.items():
            choice.layout.display = None if name in shown else "none"
            is_chosen = name == config.data_name and own is None
            set_class(choice, "chosen", is_chosen)
            named(choice, DATA_NAMES[name] + (" (choisi)" if is_chosen else ""))
        self._noise.disabled = self._problem.disabled = own is not None  # labels decide of the problem
        # An address may name a noise that is not among the site's own.
        self._noise.options = _percents(sorted({*NOISES, config.noise}))
        points = f"Vos {len(own.table)} points<br>" if own else ""
        self._seed.value = typographic(f"{points}Graine : {config.seed}<br>Départ nº\u00a0{config.resets}")


class NetworkPanel(Panel):
    """The drawing of the network, and the buttons laid over it."""

    def __init__(self, app):
        super().__init__(app)
        self._drawing = picture.NetworkPicture()
        self._skips_links = False
        place = (0, layout.HEADER, layout.WIDTH, layout.HEIGHT)
        self._image = image("Dessin du réseau", "jpeg", place=place)
        self._labels = html("", "glass", place=(0, 0, layout.WIDTH, layout.HEADER + layout.HEIGHT))
        self._features = {}
        for name, box in layout.feature_boxes().items():
            toggle = functools.partial(app.toggle_feature, name)
            self._features[name] = button(site.FEATURE_NAMES[name], toggle, "neuron", place=_tile_place(box))
        classes = ("round", "small")
        name, place = "Ajouter une couche cachée", (164, 0, 24)
        self._more = button(name, app.add_layer, *classes, "icon-plus", place=place)
        name, place = "Retirer une couche cachée", (194, 0, 24)
        self._less = button(name, app.remove_layer, *classes, "icon-minus", place=place)
        self._output = button(
            "Neurone de sortie : voir et modifier ses poids",
            lambda: app.select((len(app.config.network_shape), 0)),
            *("neuron", "lens", "output-neuron"),
            place=NOWHERE,
        )
        self._hidable += ("numHiddenLayers", self._more), ("numHiddenLayers", self._less)
        self._hidable += self._features.items()
        # In the order in which the Tab key visits them.
        self._fixed = [self._image, self._labels, self._more, self._less, *self._features.values()]
        self.widget = stage(*self._fixed, classes=("network",))

    def draw(self, session, layers, is_playing=False):
        """Draw the network as it is now; ``layers`` is what ``picture.surfaces`` returns.

        While it plays, the many links of a large network are drawn every other time only.
        """
        parameters = session.run.parameters
        links = sum(weights[0].size for weights, _ in parameters)
        self._skips_links = is_playing and links > MANY_LINKS and not self._skips_links
        self._image.value = self._drawing.jpeg(session.config, parameters, layers, not self._skips_links)

    def _update(self, session):
        config = session.config
        for name, choice in self._features.items():
            is_on = name in config.features
            set_class(choice, "off", not is_on)
            named(choice, f"{'Retirer' if is_on else 'Ajouter'} l'entrée {site.FEATURE_NAMES[name]}")
        self._more.disabled = len(config.network_shape) == site.MAX_LAYERS
        self._less.disabled = not config.network_shape
        self._labels.value = _network_labels(config)
        shape = config.network_shape
        layers = (self._layer(layer, shape) for layer in range(len(shape) + 1))
        self.widget.children = (*self._fixed, *itertools.chain(*layers))

    def _layer(self, layer, shape):
        """Yield the buttons of a layer, those that resize it first; the output comes last."""
        is_output = layer == len(shape)
        if not is_output:
            middle = layout.layer_x(len(shape))[layer] + layout.NODE / 2
            for change, left in ((1, middle - 27), (-1, middle + 3)):
                resize = moved(self._reused(self._layer_button, layer, change), left)
                resize.disabled = not 1 <= shape[layer] + change <= site.MAX_NEURONS
                yield resize
        for neuron, box in enumerate(layout.neuron_boxes(shape)[layer]):
            tile = self._output if is_output else self._reused(self._neuron_button, layer, neuron)
            moved(tile, *_tile_place(box))
            set_class(tile, "chosen", self.app.selected == (layer, neuron))
            yield tile

    def _layer_button(self, layer, change):
        name, icon = ("Ajouter un neurone à", "plus") if change > 0 else ("Retirer un neurone de", "minus")
        resize = functools.partial(self.app.resize_layer, layer, change)
        place = (0, 34, 24)
        return button(f"{name} la couche {layer + 1}", resize, "round", "small", f"icon-{icon}", place=place)

    def _neuron_button(self, layer, neuron):
        name = f"Neurone {neuron + 1} de la couche {layer + 1} : voir sa surface et ses poids"
        return button(name, lambda: self.app.select((layer, neuron)), "neuron", "lens", place=NOWHERE)


class OutputPanel(Panel):
    """The losses, their curves, one surface in large with the points on it; ``editor`` edits its neuron."""

    def __init__(self, app, editor):
        super().__init__(app)
        side = picture.OUTPUT_SIZE
        width, height = picture.CURVE_SIZE
        self._losses = html("", "losses-text")
        left, top = side + 24 - width, 14
        self._curves = image("Courbes des pertes", "png", place=(left, top, width, height))
        self._scale = html("", "glass", place=(left - 40, 0, width + 40, height + 30))
        whole = (0, 0, side, side)
        self._rings = html("", "glass", place=whole)
        self._surface = image("Réponse sur le plan", "png", place=whole)
        self._points = image("Points", "png", "glass", place=whole)
        axes = html(_axes(), "glass", place=(0, 0, side + 24, side + 24))
        self._caption = html()
        checkbox = functools.partial(self._field, widgets.Checkbox, indent=False)
        test = checkbox("show_test_data", "Afficher les points de test")
        discretize = checkbox("discretize", "Discrétiser la sortie")
        ring = {"description": "Cercler les points mal classés", "indent": False}
        self._ring = self._listen(made(widgets.Checkbox, "field", **ring), lambda _: app.refresh(self))
        self._shares = ("", "")
        self.widget = column(
            stage(self._losses, self._curves, self._scale, classes=("losses",)),
            editor,
            stage(self._surface, self._points, self._rings, axes, classes=("surface",)),
            self._caption,
            row(test, discretize, self._ring, classes=("checks",)),
            classes=("output",),
        )

    def draw(self, session, layers):
        """Draw the selected neuron's surface and the losses."""
        config, selected = session.config, self.app.selected
        layer, neuron = selected or (-1, 0)
        values = layers[layer][0, :, neuron]
        # A hidden neuron is shown on a scale of its own: a ReLU may go far beyond 1.
        is_output = selected is None or layer == len(config.network_shape)
        high = 1 if is_output else picture.scale(values)
        self._surface.value = picture.surface_png(values / high, config.discretize)
        self._caption.value = _caption(session.run, selected, high)
        names = ("train", "Entraînement"), ("test", "Test")
        rows = [*zip(names, session.losses, self._shares, strict=True)][::-1]
        accuracy = "<th>Exactitude</th>" if config.problem == "classification" else ""
        self._losses.value = (
            f'<div class="dlp-title">{_heading(config, selected)}</div>'
            f"<table><tr><td></td><th>Perte</th>{accuracy}</tr>"
            + "".join(
                f'<tr class="dlp-loss-{part}"><th>{name}</th><td>{loss_text(loss)}</td><td>{share}</td></tr>'
                for (part, name), loss, share in rows
            )
            + "</table>"
        )

    def draw_curves(self, session):
        """Draw what need not follow each frame: the loss curves, the accuracy, the rings if asked for."""
        run, is_classification = session.run, session.config.problem == "classification"
        wrong = session.wrong if is_classification else ()
        self._shares = [percent(1 - part.mean()) for part in wrong] or ("", "")
        train_loss, test_loss = run.train_loss[0], run.test_loss[0]
        self._curves.value = picture.curves_png(train_loss, test_loss)
        self._scale.value = _curve_scale(train_loss, test_loss)
        self._rings.value = _rings(session, wrong) if self._ring.value and is_classification else ""

    def _update(self, session):
        config = session.config
        self._ring.layout.display = None if config.problem == "classification" else "none"
        self._points.value = picture.points_png(session.run.data, config.show_test_data)
        self.draw_curves(session)


class NeuronEditor(Panel):
    """The bias and the incoming weights of the selected neuron, to read and to edit."""

    def __init__(self, app):
        super().__init__(app)
        self.widget = row(classes=("editor",))

    def _update(self, session):
        self.widget.layout.display = None if self.app.selected else "none"
        if not self.app.selected:
            return
        layer, neuron = self.app.selected
        weights, biases = session.run.parameters[layer]
        values = [biases[0, neuron], *weights[0, :, neuron]]
        names = ["Biais", *source_names(session.config, layer)]
        fields = [self._reused(self._number, place) for place in range(len(values))]
        for field, value, label in zip(fields, values, names, strict=True):
            field.description = label
            field.disabled = self.app.playing  # numbers that move cannot be edited
            field.value = plain(value, 5) if np.isfinite(value) else "∞"
        self.widget.children = (*fields, self._reused(self._leave))

    def _leave(self):
        return button("Revenir à la sortie", lambda: self.app.select(None), "round", "small", "icon-close")

    def _number(self, place):
        return self._decimal("", lambda value: self.app.edit(place, value))


def _tile_place(box):
    return box.x, layout.HEADER + box.y, box.size, box.size


def _tile(text, name, click, icon):
    return button(name, click, "tile", icon, text=text)


def _percents(values):
    return tuple((f"{value}\u00a0%", value) for value in values)


def _heading(config, selected):
    if selected is None:
        return "SORTIE"
    layer, neuron = selected
    is_output = layer == len(config.network_shape)
    return "Neurone de sortie" if is_output else f"Neurone {neuron + 1}, couche {layer + 1}"


def source_names(config, layer: int) -> list[str]:
    """Name what comes into the neurons of a layer."""
    if layer == 0:
        return [f"Poids de {site.FEATURE_NAMES[name]}" for name in config.features]
    return [f"Poids du nº\u00a0{source + 1}" for source in range(config.network_shape[layer - 1])]


def _text(left, top, width, content, *classes):
    names = " ".join(f"dlp-{name}" for name in ("text", *classes))
    return f'<div class="{names}" style="left:{left:g}px;top:{top:g}px;width:{width:g}px">{content}</div>'


def _network_labels(config):
    """Everything written on the network's drawing, and its description in words."""
    shape = config.network_shape
    parts = [
        _text(0, 2, 140, "ENTRÉES", "title"),
        _text(226, 2, 280, count(len(shape), "couche cachée").upper(), "title"),
    ]
    for name, box in layout.feature_boxes(config.hidden).items():
        dim = () if name in config.features else ("dim",)
        top = layout.HEADER + box.middle - 10
        parts.append(_text(0, top, box.x - 8, FEATURE_HTML[name], "feature", *dim))
    for x, neurons in zip(layout.layer_x(len(shape)), shape, strict=True):
        parts.append(_text(x - 20, 60, layout.NODE + 40, count(neurons, "neurone"), "count"))
    if shape:
        first, last = (layout.layer_x(len(shape))[end] + layout.NODE / 2 for end in (0, -1))
        left, right = min(first - 27, 164), max(last + 27, 220)
        parts.append(_text(left, 27, right - left, "", "bracket"))
    words = ", ".join(count(neurons, "neurone") for neurons in shape) or "aucune"
    inputs = ", ".join(site.FEATURE_NAMES[name] for name in config.features) or "aucune"
    description = typographic(f"Réseau : entrées {inputs} ; couches cachées : {words} ; une sortie.")
    parts.append(f'<div class="dlp-hidden" role="img" aria-label="{description}"></div>')
    return "".join(parts)


def _curve_scale(train_loss, test_loss):
    """The axes of the loss curves with their numbers, and a mark at the lowest test loss."""
    width, height = picture.CURVE_SIZE
    low, high = picture.loss_range(train_loss, test_loss)
    last, margin = len(test_loss) - 1, picture.CURVE_MARGIN
    parts = [
        f'<div class="dlp-axes" style="width:{width}px;height:{height}px"></div>',
        _text(0, 10, 36, loss_text(high), "tick", "tick-end"),
        _text(0, 3 + height, 36, loss_text(low), "tick", "tick-end"),
        _text(40, 14 + height, 20, "0", "tick"),
        _text(40, 14 + height, width, thousands(last), "tick", "tick-end"),
    ]
    if last and np.isfinite(test_loss).any():
        best = int(np.nanargmin(test_loss))
        least = test_loss[best]
        left = 40 + margin + (width - 2 * margin) * best / last
        top = 14 + height - margin - (height - 2 * margin) * (least - low) / max(high - low, 1e-9)
        parts.append(_text(left - 4, top - 4, 8, "", "lowest"))
        said = f"min. test {loss_text(least)} (époque {thousands(best)})"
        parts.append(_text(0, 0, width + 40, said, "tick", "tick-end"))
    return "".join(parts)


def _rings(session, wrong):
    """Circles around the shown points that are on the wrong side, as a drawing."""
    data, side = session.run.data, picture.OUTPUT_SIZE
    parts = (data.train_points, data.test_points)[: 1 + session.config.show_test_data]
    points = np.concatenate([points[wrong] for points, wrong in zip(parts, wrong, strict=False)])
    low, high = DOMAIN
    places = (points - low) / (high - low) * side
    path = "".join(f"M{x - 6:.1f} {side - y:.1f}a6 6 0 1 0 12 0a6 6 0 1 0-12 0" for x, y in places)
    return (
        f'<svg width="{side}" height="{side}" style="display:block" role="img" '
        f'aria-label="{count(len(points), "point")} du mauvais côté">'
        f'<path d="{path}" fill="none" stroke="#b3005e" stroke-width="2"/></svg>'
    )


def _axes():
    """The ticks of both axes, as a drawing that stays sharp at any size."""
    side = picture.OUTPUT_SIZE
    ticks = []
    for value in range(-6, 7):
        place = (value + 6) / 12 * side
        text = str(value).replace("-", "−")
        ticks.append(
            f'<path d="M{place:g} {side}v4M{side} {side - place:g}h4" stroke="#999"/>'
            f'<text x="{place:g}" y="{side + 15}" text-anchor="middle">{text}</text>'
            f'<text x="{side + 7}" y="{side - place + 3.5:g}">{text}</text>'
        )
    size = f'width="{side + 24}" height="{side + 24}"'
    style = "overflow:visible;display:block;font-size:10px;fill:#555"
    return f'<svg {size} style="{style}" aria-hidden="true">{"".join(ticks)}</svg>'


def _caption(run, selected, high):
    """Say what the surface shows, in words too, and what its colours mean; they end at ``high``."""
    end = f"{high:g}".replace(".", ",")
    config, train = run.config, len(run.data.train_labels)
    alternative = typographic(
        f"{_heading(config, selected)} : réponse sur le plan X1, X2, de −6 à 6, en orange pour −{end} et en "
        f"bleu pour +{end} ; {count(train, 'point')} d'entraînement."
    )
    hint = "" if selected else "<div><b>Cliquez sur un neurone</b> pour le voir en grand.</div>"
    is_hidden = selected and selected[0] < len(config.network_shape)
    shown = "Ce neurone" if is_hidden else "Points, neurones et poids"
    return (
        f'<div class="dlp-hidden" role="img" aria-label="{alternative}"></div>{hint}'
        '<div style="display:flex;gap:14px;align-items:center">'
        f'<span class="dlp-note" style="flex:1">{shown}</span>'
        '<span style="width:132px"><span style="display:block;height:10px;'
        f'background:linear-gradient(90deg,{",".join(PALETTE)})">'
        '</span><span style="display:flex;justify-content:space-between;font-size:10px;color:#555">'
        f"<span>−{end}</span><span>0</span><span>{end}</span></span></span></div>"
    )
