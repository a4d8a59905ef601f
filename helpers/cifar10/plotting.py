"""Figures on an image classifier: its data, its errors, its confidence, and what its layers compute."""

import math
import re

import keras
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

from ..experiments.statistics import wilson
from ..french import count, decimal, french_error, percent, quoted
from ..plotting.figure import BLUE, FAINT, GREY, HALO, INK, ORANGE, WIDTH, Picture, new_figure, write_cells
from ..plotting.learning import training_curves
from ..plotting.waiting import Prediction, compare, predicted, waits
from .dataset import CLASSES, Cifar10
from .evaluation import Evaluation, input_scale, layer_calls
from .record import TrainingRecord

_ERRORS = LinearSegmentedColormap.from_list("errors", ["white", "#fbd3a2", ORANGE, "#7c3a06"])
_ERRORS = _ERRORS.with_extremes(bad=GREY)  # of right answers, which count none
_MOST_FILTERS = 64
_MOST_LAYERS = 6


def images(data: Cifar10, n: int = 6) -> Picture:
    """Draw the first n training images of each class."""
    title = _noted(f"{count(n, 'image')} de chaque classe, 32 × 32 pixels", data.note)
    figure, axes = new_figure(len(CLASSES) // 2, 2, WIDTH, 0.55 + len(CLASSES) / 2 * (4.1 / n + 0.22), title)
    labels = data.y_train.ravel()
    for index, (axis, name) in enumerate(zip(axes.T.flat, CLASSES, strict=True)):
        _show(axis, _mosaic(data.x_train[np.flatnonzero(labels == index)[:n]], n), name)
    return Picture(
        figure,
        _noted(f"Images d'entraînement de chacune des dix classes : {', '.join(CLASSES)}", data.note) + ".",
        photographs=True,
    )


@waits
def compared(records: dict[str, TrainingRecord]) -> Picture:
    """Draw the curves of up to four trainings by French name, each with the number of images it learnt."""
    histories = {f"{name}, {record.images}": record.history for name, record in records.items()}
    return training_curves(histories)


@waits
def confusion_matrix(evaluation: Evaluation) -> Picture:
    """Draw the answers given to each true class, in percent of its images; only the errors are coloured."""
    confusion = evaluation.confusion
    shares = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    errors = np.ma.masked_array(shares, np.eye(len(CLASSES), dtype=bool))
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 5.2)
    image = axis.imshow(errors, cmap=_ERRORS, vmin=0, vmax=max(errors.max(), 1))
    write_cells(axis, image, np.char.mod("%.0f", shares))
    for right in axis.texts[:: len(CLASSES) + 1]:
        right.set_weight("bold")
    axis.set_xticks(range(len(CLASSES)), CLASSES, rotation=35, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(CLASSES)), CLASSES)
    axis.set(xlabel="classe prédite", ylabel="vraie classe", aspect="auto")
    axis.set_title(_noted("Réponses, en % des images de chaque vraie classe", evaluation.note), loc="left")
    worst = " ; ".join(
        f"classe {true}, réponse {predicted}, {count(number, 'image')}"
        for true, predicted, number in evaluation.most_confused(3)
    )
    return Picture(
        figure,
        _noted("Matrice de confusion, une ligne par vraie classe", evaluation.note)
        + (f". Erreurs les plus fréquentes : {worst}." if worst else ", sans aucune erreur."),
    )


@waits
def class_accuracies(evaluation: Evaluation, prediction: Prediction = None) -> Picture:
    """Draw the accuracy on each class with its 95 % interval, best class first, and what was predicted."""
    totals, right = evaluation.confusion.sum(axis=1), evaluation.confusion.diagonal()
    order = [index for index in np.argsort(-evaluation.per_class, kind="stable") if totals[index]]
    shares = 100 * evaluation.per_class[order]
    bounds = 100 * np.array([wilson(right[index], totals[index]) for index in order]).T
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 0.9 + 0.3 * len(order))
    interval = {"xerr": np.abs(bounds - shares), "ecolor": INK, "capsize": 3, "error_kw": {"elinewidth": 1.4}}
    axis.barh(range(len(order)), shares, height=0.66, color=BLUE, alpha=0.75, **interval)
    for row, (share, end) in enumerate(zip(shares, bounds[1], strict=True)):
        axis.text(end + 1.2, row, f"{share:.0f}", va="center", color=INK, weight="bold", path_effects=HALO)
    label = f"toutes classes : {percent(evaluation.accuracy)}"
    axis.axvline(100 * evaluation.accuracy, color=INK, linewidth=1.6, linestyle="--", label=label)
    if (value := predicted(prediction)) is not None:
        axis.axvline(100 * value, color=ORANGE, linewidth=2, label="votre prédiction")
    said = compare(figure, prediction, f"l'exactitude de ce modèle est {decimal(evaluation.accuracy)}")
    axis.set_yticks(range(len(order)), [CLASSES[index] for index in order])
    axis.set(xlim=(0, 105), ylim=(len(order) - 0.4, -0.6), xlabel="exactitude (%)")
    axis.tick_params(axis="y", length=0)
    axis.set_title(_noted("Exactitude par classe, et son intervalle à 95 %", evaluation.note), loc="left")
    figure.legend(frameon=False, loc="outside lower right", labelcolor=INK)
    listing = " ; ".join(f"{CLASSES[index]} {percent(evaluation.per_class[index])}" for index in order)
    return Picture(figure, _noted(f"Exactitude par classe : {listing}", evaluation.note) + f".{said}")


def confident_errors(evaluation: Evaluation, data: Cifar10, n: int = 10) -> Picture:
    """Draw the n wrong answers of which the model was surest.

    Raises:
        ValueError: in French, if ``data`` are not those of the evaluation.
    """
    if evaluation.data != data.name or not np.array_equal(evaluation.labels, data.y_test.ravel()):
        raise french_error(
            f"L'évaluation porte sur « {evaluation.data} », et ces images sont de « {data.name} » : "
            "donnez les données sur lesquelles le modèle a été évalué."
        )
    chosen = evaluation.most_confident_errors(n)
    columns = 5
    rows = max(math.ceil(len(chosen) / columns), 1)
    title = "Les erreurs commises avec le plus d'assurance"
    if not len(chosen):
        title = "Aucune erreur sur les images de test"
    figure, axes = new_figure(rows, columns, WIDTH, 0.5 + 2.1 * rows, _noted(title, evaluation.note))
    for axis in axes.flat:
        axis.set_axis_off()
    told = []
    for axis, index in zip(axes.flat, chosen, strict=False):
        _show(axis, _mosaic(data.x_test[index][None], 1))
        said = f"{CLASSES[evaluation.predicted[index]]} à {percent(evaluation.confidence[index])}"
        true = f"en fait : {CLASSES[evaluation.labels[index]]}"
        axis.set_title(said, color="#a85a00", fontsize=10.5, pad=16)
        axis.text(
            0.5, 1.03, true, transform=axis.transAxes, ha="center", va="bottom", color=INK, fontsize=9.5
        )
        told.append(f"{said} ({true})")
    listing = f" : {' ; '.join(told)}" if told else ""
    return Picture(figure, _noted(title + listing, evaluation.note) + ".", photographs=True)


def first_filters(model: keras.Model) -> Picture:
    """Draw the filters of the first convolution as colours, from the greyest to the most colourful.

    A weight of 0 is mid-grey; each filter is stretched to its own largest weight, so sizes do not compare.

    Raises:
        ValueError: in French, if the model has no convolution on three colours.
    """
    kernels = np.moveaxis(_first_kernel(model), -1, 0)
    energy = (kernels**2).sum(axis=(1, 2, 3))
    grey = 3 * (kernels.mean(axis=3) ** 2).sum(axis=(1, 2))
    kernels = kernels[np.argsort(-grey / np.maximum(energy, 1e-12), kind="stable")]
    shown = kernels[np.linspace(0, len(kernels) - 1, min(len(kernels), _MOST_FILTERS)).astype(int)]
    largest = np.abs(shown).max(axis=(1, 2, 3), keepdims=True)
    tiles = 0.5 + shown / np.maximum(2 * largest, 1e-12)
    columns = min(len(tiles), 16 if len(tiles) > 16 else 8)
    mosaic = _mosaic(np.round(255 * tiles).astype(np.uint8), columns, 0.2, Image.Resampling.NEAREST)
    figure, ((axis,),) = new_figure(1, 1, WIDTH, 0.5 + WIDTH * mosaic.shape[0] / mosaic.shape[1])
    _show(axis, mosaic)
    which = f"Les {len(kernels)}" if len(shown) == len(kernels) else f"{len(shown)} des {len(kernels)}"
    which += " filtres {} × {} × 3 de la première convolution".format(*kernels.shape[1:3])
    axis.set_title(which, loc="left")
    return Picture(
        figure,
        f"{which}, des plus gris aux plus colorés. "
        "Gris moyen pour un poids nul, plus clair si le poids est positif, plus foncé s'il est négatif. "
        "Chaque filtre est ramené à son plus grand poids.",
    )


def feature_maps(model: keras.Model, image: np.ndarray, n: int = 8) -> Picture:
    """Draw what each convolution makes of a (32, 32, 3) uint8 image, then activated: the n most varied maps.

    Raises:
        ValueError: in French, for another image or a model without convolution.
    """
    image = np.asarray(image)
    if image.shape != (32, 32, 3) or image.dtype != np.uint8:
        raise french_error(
            "Donnez une seule image, comme data.x_test[0] : un tableau de forme (32, 32, 3) d'entiers de 0 à "
            f"255 (uint8), et non {image.dtype} de forme {image.shape}."
        )
    stages = _convolutions(model, image)
    if not stages:
        raise french_error("Ce modèle n'a pas de couche Conv2D, donc aucune carte à montrer.")
    rows = 1 + len(stages)
    title = "Ce que chaque convolution retient de l'image"
    figure, axes = new_figure(rows, 1, WIDTH, 0.35 + rows * (0.32 + WIDTH / n / 1.08), title)
    padded = np.full((n, *image.shape), 255, np.uint8)
    padded[0] = image
    _show(axes[0, 0], _mosaic(padded, n), "image donnée, 32 × 32")
    for axis, (name, maps) in zip(axes[1:, 0], stages, strict=True):
        varied = np.argsort(-maps.std(axis=(0, 1)), kind="stable")[:n]
        low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
        tiles = colormaps["magma"](np.moveaxis((maps - low) / np.maximum(high - low, 1e-12), -1, 0)[varied])
        pixels = (255 * tiles[..., :3]).astype(np.uint8)
        height, width, number = maps.shape
        title = f"{name} : {height} × {width}, {len(varied)} de ses {count(number, 'carte')}"
        _show(axis, _mosaic(pixels, n, resample=Image.Resampling.NEAREST), title)
    sizes = " ; ".join(f"{name}, {maps.shape[0]} × {maps.shape[1]}" for name, maps in stages)
    return Picture(
        figure,
        f"Une image et les cartes de chaque convolution, activation comprise ({sizes}) ; chaque carte va du "
        "foncé, sa plus petite valeur, au clair, sa plus grande.",
        photographs=True,
    )


def reliability(evaluation: Evaluation, bins: int = 15) -> Picture:
    """Draw accuracy against confidence, and how many images have each confidence.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks.
    """
    measured = evaluation.reliability(bins)
    middles, width = 100 * (np.arange(bins) + 0.5) / bins, 92 / bins
    figure, axes = new_figure(2, 1, WIDTH, 5.2, sharex=True, height_ratios=[3, 1])
    top, bottom = axes[:, 0]
    filled = measured.counts > 0
    shares, counts = 100 * measured.accuracies[filled], measured.counts[filled]
    wins = np.rint(shares / 100 * counts)
    bounds = 100 * np.array([wilson(*pair) for pair in zip(wins, counts, strict=True)]).T
    top.bar(middles[filled], shares, width, color=BLUE, alpha=0.75, label="exactitude mesurée")
    top.errorbar(
        100 * measured.confidences[filled],
        shares,
        yerr=np.abs(bounds - shares),
        fmt="o",
        color=INK,
        markersize=3.5,
        elinewidth=1.4,
        capsize=3,
        label="son intervalle à 95 %, à la confiance moyenne",
    )
    top.plot([0, 100], [0, 100], color=ORANGE, linewidth=1.8, linestyle="--", label="calibration parfaite")
    top.set(ylabel="exactitude (%)", ylim=(0, 100))
    figure.legend(frameon=False, loc="outside lower center", ncols=3, labelcolor=INK)
    error = percent(measured.error)
    title = f"Confiance et exactitude : écart moyen (ECE) de {error}"
    top.set_title(_noted(title, evaluation.note), loc="left")
    bottom.bar(middles, measured.counts, width, color=FAINT)
    bottom.set(xlabel="confiance, probabilité de la classe prédite (%)", ylabel="images", xlim=(0, 100))
    mean = float(evaluation.confidence.mean())
    lean = "trop sûr de lui" if mean > evaluation.accuracy else "pas assez sûr de lui"
    return Picture(
        figure,
        _noted(
            f"Exactitude selon la confiance : {percent(mean)} de confiance moyenne pour "
            f"{percent(evaluation.accuracy)} d'exactitude, un modèle {lean} ; erreur de calibration {error}",
            evaluation.note,
        )
        + ".",
    )


def _first_kernel(model):
    """Return the weights of the first convolution, (height, width, 3, filters)."""
    layers = [layer for layer, _, _ in _calls(model, np.zeros((32, 32, 3), np.uint8))]
    first = next((layer for layer in layers if isinstance(layer, keras.layers.Conv2D)), None)
    if first is None or first.kernel.shape[2] != 3:
        raise french_error(
            "Ce modèle n'a pas de première couche Conv2D qui reçoive les trois couleurs : il n'a pas de "
            "filtres à montrer."
        )
    return np.asarray(keras.ops.cast(first.kernel, "float32"))


def _calls(model, image):
    """Return what each layer received and gave for one image of (32, 32, 3) uint8."""
    if not isinstance(model, keras.Model):
        raise french_error(f"Donnez un modèle Keras, et non {quoted(model)}.")
    return layer_calls(model, image[None].astype(np.float32) * np.float32(input_scale(model)))


def _convolutions(model, image):
    """Return (name, maps of (height, width, channels)) of each convolution, after what keeps its shape."""
    stages, open_stage = [], False
    for layer, _, given in _calls(model, image):
        if isinstance(layer, keras.layers.Conv2D):
            given_name = re.sub(r"^conv2d(_\d+)?$", f"conv{len(stages) + 1}", layer.name)
            stages.append((given_name, given[0]))
            open_stage = True
        elif open_stage and given[0].shape == stages[-1][1].shape:
            stages[-1] = (stages[-1][0], given[0])
        else:
            open_stage = False
    return stages[:_MOST_LAYERS]


def _mosaic(tiles, columns, gap=0.06, resample=Image.Resampling.LANCZOS):
    """Return tiles (n, height, width, 3) uint8 side by side on white, enlarged to about 200 pixels a side."""
    _, height, width, _ = tiles.shape
    scale = max(1, round(200 / height))
    size = width * scale, height * scale
    space, rows = round(gap * size[0]), max(math.ceil(len(tiles) / columns), 1)
    sheet = np.full((rows, size[1] + space, columns, size[0] + space, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        sheet[row, : size[1], column, : size[0]] = Image.fromarray(tile).resize(size, resample)
    return sheet.reshape(rows * (size[1] + space), -1, 3)[: -space or None, : -space or None]


def _show(axis, pixels, title=""):
    """Show pixels as they are, without axes."""
    axis.imshow(pixels)
    axis.set_axis_off()
    axis.set_title(title, loc="left", fontsize=10.5, pad=3)


def _noted(title, note):
    """Add to a title what must be said of the data."""
    return f"{title} [{note}]" if note else title
