"""Part 4's figures: they show what they say, on whatever model a student wrote."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from helpers.cifar10 import CLASSES, Cifar10, Evaluation, plotting
from helpers.plotting.figure import WIDTH, new_figure, write_cells

from .conftest import written

pytestmark = pytest.mark.usefixtures("figures_in_good_french")


@pytest.fixture(scope="module")
def data():
    """Each image is of one colour: its class in red, its number in blue."""
    labels = np.arange(60).reshape(-1, 1).astype(np.uint8) % 10
    images = np.zeros((60, 32, 32, 3), np.uint8)
    images[..., 0] = 25 * labels[:, :, None]
    images[..., 2] = 4 * np.arange(60)[:, None, None]
    return Cifar10(images, labels, images[:40], labels[:40], demo=True)


@pytest.fixture(scope="module")
def evaluation(data):
    """Right but for three dogs called cats, the surest last, and a plane called a ship."""
    labels = data.y_test[:, 0].astype(int)
    given = labels.copy()
    given[[5, 15, 25, 10]] = 3, 3, 3, 8
    confidence = np.full(40, 0.7)
    confidence[[5, 15, 25, 10]] = 0.8, 0.9, 0.95, 0.6
    probabilities = np.repeat((1 - confidence[:, None]) / 9, 10, axis=1)
    probabilities[np.arange(40), given] = confidence
    return Evaluation(probabilities.astype(np.float32), labels, data.name, "données de démonstration")


def lab(*first, activation="relu", last="softmax"):
    stages = []
    for filters in (8, 12, 12):
        stages += [layers.Conv2D(filters, 5, padding="same", activation=activation), layers.MaxPooling2D()]
    return keras.Sequential([*first, *stages, layers.Flatten(), layers.Dense(10, activation=last)])


def shown(axis):
    return np.asarray(axis.images[0].get_array())


def test_each_figure_fits_the_notebook_and_says_which_data(data, evaluation):
    for picture in (
        plotting.images(data, 3),
        plotting.confusion_matrix(evaluation),
        plotting.class_accuracies(evaluation),
        plotting.confident_errors(evaluation, data),
        plotting.reliability(evaluation),
    ):
        picture.figure.draw_without_rendering()
        assert picture.figure.get_figwidth() <= WIDTH
        assert "[données de démonstration]" in picture.description
        (title,) = picture.figure.findobj(
            lambda artist: isinstance(artist, Text) and "[données" in artist.get_text()
        )
        assert title.get_window_extent().x1 <= picture.figure.bbox.width


def test_photographs_are_jpeg_and_the_rest_png(data, evaluation):
    for picture, start in [
        (plotting.confident_errors(evaluation, data, 2), b"\xff\xd8\xff"),
        (plotting.class_accuracies(evaluation), b"\x89PNG"),
    ]:
        (found,) = filter(None, [picture._repr_png_(), picture._repr_jpeg_()])  # one format, not both
        assert found[0].startswith(start)
        assert found[1]["width"] <= 840
        assert found[1]["alt"] == picture.description


def test_nothing_is_noted_on_the_complete_data(evaluation):
    complete = dataclasses.replace(evaluation, data="cifar10-50000", note="")
    for draw in (plotting.confusion_matrix, plotting.class_accuracies, plotting.reliability):
        picture = draw(complete)
        assert not any("[" in text for text in written(picture))


def test_images_of_each_class_stand_under_its_name(data):
    axes = plotting.images(data, 2).figure.axes
    assert {axis.get_title(loc="left") for axis in axes} == set(CLASSES)
    for axis in axes:
        index = CLASSES.index(axis.get_title(loc="left"))
        first, second = shown(axis)[5, 5], shown(axis)[5, -5]
        assert first.tolist() == data.x_train[index, 0, 0].tolist()
        assert second.tolist() == data.x_train[index + 10, 0, 0].tolist()


def test_a_class_may_have_few_images(data):
    few = dataclasses.replace(data, x_train=data.x_train[:13], y_train=data.y_train[:13])
    axes = plotting.images(few, 4).figure.axes
    assert all(shown(axis).shape == shown(axes[0]).shape for axis in axes)
    lacking = dataclasses.replace(data, x_train=data.x_train[:5], y_train=data.y_train[:5])
    assert (shown(plotting.images(lacking, 1).figure.axes[-1]) == 255).all()


def test_the_confusion_matrix_counts_by_true_class(evaluation):
    picture = plotting.confusion_matrix(evaluation)
    cells = {
        text.get_position(): text.get_text() for text in picture.figure.axes[0].texts
    }  # (predicted, true)
    assert cells[3, 5] == "75"
    assert cells[5, 5] == "25"
    assert cells[8, 0] == "25"
    assert cells[0, 0] == "75"
    assert "classe chien, réponse chat, 3\u00a0images" in picture.description


@pytest.mark.parametrize("colours", ["cividis", plotting._ERRORS])
def test_what_a_cell_says_stands_out_from_its_colour(colours):
    """By the contrast of WCAG 2.2, on a whole scale and where a cell has no value."""

    def luminance(colour):
        *channels, alpha = to_rgba(colour)
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 1 - alpha + alpha * np.dot(channels, (0.2126, 0.7152, 0.0722))

    _, ((axis,),) = new_figure(1, 1, 3, 3)
    image = axis.imshow(np.append(np.linspace(0, 1, 99), np.nan).reshape(10, 10), cmap=colours)
    write_cells(axis, image, np.full((10, 10), "12"))
    for cell, text in zip(image.to_rgba(image.get_array()).reshape(-1, 4), axis.texts, strict=True):
        dark, light = sorted((luminance(cell), luminance(text.get_color())))
        assert (light + 0.05) / (dark + 0.05) > 3.4


def test_class_accuracies_come_best_first_and_leave_out_empty_classes(evaluation):
    axis = plotting.class_accuracies(evaluation).figure.axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names[-2:] == ["avion", "chien"]
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([100] * 8 + [75, 25])
    some = evaluation.labels != 3
    without = Evaluation(evaluation.probabilities[some], evaluation.labels[some], evaluation.data)
    axis = plotting.class_accuracies(without).figure.axes[0]
    assert "chat" not in [label.get_text() for label in axis.get_yticklabels()]


def test_the_surest_errors_come_first_with_their_own_images(data, evaluation):
    picture = plotting.confident_errors(evaluation, data, 3)
    axes = [axis for axis in picture.figure.axes if axis.images]
    assert [shown(axis)[9, 9].tolist() for axis in axes] == data.x_test[[25, 15, 5], 0, 0].tolist()
    assert axes[0].get_title() == "chat à 95,0\u00a0%"
    assert axes[0].texts[0].get_text() == "en fait\u00a0: chien"
    other = dataclasses.replace(data, demo=False)
    with pytest.raises(ValueError, match="donnez les données sur lesquelles"):
        plotting.confident_errors(evaluation, other)


def test_a_model_without_errors_is_drawn_too(data):
    sure = np.eye(10, dtype=np.float32)[data.y_test[:, 0]]
    perfect = Evaluation(sure, data.y_test[:, 0].astype(int), data.name)
    assert "Aucune erreur" in plotting.confident_errors(perfect, data).description
    assert "sans aucune erreur" in plotting.confusion_matrix(perfect).description
    assert plotting.class_accuracies(perfect).description.count("100,0") == 10
    assert "erreur de calibration 0,0\u00a0%" in plotting.reliability(perfect).description


def test_the_reliability_diagram_has_every_image(evaluation):
    picture = plotting.reliability(evaluation, bins=10)
    _, bottom = picture.figure.axes
    assert sum(bar.get_height() for bar in bottom.patches) == 40
    assert "pas assez sûr de lui" in picture.description
    assert "90,0\u00a0% d'exactitude" in picture.description


def test_filters_go_from_grey_to_colours():
    model = lab(keras.Input((32, 32, 3)))
    kernel = np.random.default_rng(0).normal(0, 0.01, (5, 5, 3, 8)).astype(np.float32)
    kernel[..., 6] = np.linspace(-1, 1, 25).reshape(5, 5, 1)  # the same in all three colours
    model.layers[0].set_weights([kernel, np.zeros(8)])
    picture = plotting.first_filters(model)
    first = shown(picture.figure.axes[0])[5, :5]
    assert (first == first[:, :1]).all()
    assert first[0, 0] == 0  # the most negative weight is black
    assert "Les 8 filtres 5 × 5 × 3" in picture.description
    kernel[...] = 0
    model.layers[0].set_weights([kernel, np.zeros(8)])
    assert (shown(plotting.first_filters(model).figure.axes[0])[5, 5] == 128).all()
    many = keras.Sequential([layers.Conv2D(100, 3), layers.GlobalMaxPooling2D(), layers.Dense(10)])
    assert "64 des 100 filtres 3 × 3 × 3" in plotting.first_filters(many).description


def functional():
    inputs = keras.Input((32, 32, 3))
    outputs = layers.RandomFlip("horizontal")(layers.Rescaling(1 / 255)(inputs))
    for filters in (4, 6, 6):
        outputs = layers.Conv2D(filters, 5, padding="same")(outputs)
        outputs = layers.ReLU()(layers.BatchNormalization()(outputs))
        outputs = layers.Dropout(0.2)(layers.MaxPooling2D()(outputs))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(outputs)))


@pytest.mark.parametrize(
    "build",
    [
        lab,
        lambda: lab(keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), layers.RandomFlip("horizontal")),
        lambda: lab(keras.Input((32, 32, 3)), last=None),
        functional,
    ],
)
def test_feature_maps_of_any_model(build, data):
    picture = plotting.feature_maps(build(), data.x_test[7], 4)
    axes = picture.figure.axes
    titles = [axis.get_title(loc="left") for axis in axes]
    assert [title.split("\u00a0: ")[1].split(",")[0] for title in titles[1:]] == [
        "32 × 32",
        "16 × 16",
        "8 × 8",
    ]
    assert shown(axes[0])[9, 9].tolist() == data.x_test[7, 0, 0].tolist()
    assert "activation comprise" in picture.description


def test_maps_are_drawn_after_the_activation():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    together = lab(keras.Input((32, 32, 3)))
    apart = keras.Sequential([keras.Input((32, 32, 3))])
    for layer in together.layers:
        if isinstance(layer, layers.Conv2D):
            apart.add(layers.Conv2D(layer.filters, 5, padding="same"))
            apart.add(layers.ReLU())
        else:
            apart.add(type(layer).from_config(layer.get_config()))
    apart.set_weights(together.get_weights())
    for one, other in zip(
        plotting.feature_maps(together, image).figure.axes,
        plotting.feature_maps(apart, image).figure.axes,
        strict=True,
    ):
        assert (shown(one) == shown(other)).all()


def test_what_cannot_be_drawn_is_said_in_french(data):
    dense = keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(10)])
    grey = keras.Sequential([layers.Conv2D(4, 1), layers.Conv2D(4, 5), layers.Flatten(), layers.Dense(10)])
    image = data.x_test[0]
    for draw, message in [
        (lambda: plotting.first_filters(dense), "n'a pas de première couche Conv2D"),
        (lambda: plotting.first_filters("model"), "Donnez un modèle Keras"),
        (lambda: plotting.feature_maps(dense, image), "n'a pas de couche Conv2D"),
        (lambda: plotting.feature_maps(None, image), "Donnez un modèle Keras, et non None"),
        (lambda: plotting.feature_maps(grey, data.x_test), r"data.x_test\[0\].*\(40, 32, 32, 3\)"),
        (lambda: plotting.feature_maps(grey, image / 255), "float64"),
    ]:
        with pytest.raises(ValueError, match=message):
            draw()
