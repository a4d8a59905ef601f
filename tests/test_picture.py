"""The widget's pictures: right colours at the right places."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from helpers import PlaygroundConfig, Run
from helpers.engine.data import Dataset
from helpers.playground import layout, picture


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)


def at(image, x, y):
    """The colour at a place in CSS pixels."""
    return image[round(y * picture.SCALE), round(x * picture.SCALE), :3]


def drawn_network(config, parameters=None, **options):
    run = Run(config)
    if parameters is not None:
        run.parameters = parameters
    return pixels(picture.NetworkPicture().jpeg(config, run.parameters, picture.surfaces(run), **options))


def test_color_table_ends_are_the_sites_colors():
    table = picture.color_table()
    assert tuple(table[0]) == picture.ORANGE == (245, 147, 34)
    assert tuple(table[255]) == picture.BLUE == (8, 119, 189)
    assert np.abs(table[127].astype(int) - picture.GREY).max() <= 2


def test_color_index_clips_and_survives_nan():
    index = picture.color_index(np.array([-9.0, -1, 0, 1, 9, np.nan, np.inf, -np.inf]))
    assert index.tolist() == [0, 0, 127, 255, 255, 127, 255, 0]
    assert picture.color_index(np.array([-0.01, 0.0, 0.3]), discretize=True).tolist() == [0, 255, 255]


@pytest.mark.parametrize("shape", [(), (3, 2), (8,) * 6])
def test_surfaces_are_the_runs_answers(shape):
    run = Run(PlaygroundConfig(network_shape=shape))
    layers = picture.surfaces(run)
    assert [layer.shape for layer in layers] == [(1, 10_000, units) for units in (*shape, 1)]
    np.testing.assert_allclose(layers[-1][..., 0], run.predict(picture.GRID), atol=1e-6)


@pytest.mark.parametrize(
    ("values", "end"), [([0], 1), ([-0.3, np.nan], 0.5), ([1], 1), ([3.2, np.inf], 5), ([-70], 100)]
)
def test_the_scale_of_a_neuron_ends_above_its_values(values, end):
    assert picture.scale(np.array(values, np.float32)) == pytest.approx(end)


def test_surface_png_has_its_first_row_on_top():
    image = pixels(picture.surface_png(picture.GRID[:, 1]))  # the second coordinate: high values on top
    assert image.shape[:2] == (100, 100)
    assert tuple(image[0, 50, :3]) == tuple(picture.SURFACE_COLORS[255])
    assert tuple(image[-1, 50, :3]) == tuple(picture.SURFACE_COLORS[0])


def test_points_stand_at_their_coordinates_and_outsiders_are_left_out():
    train = np.array([[3.0, 3.0], [-3.0, 0.0], [7.0, 0.0]])
    data = Dataset(train, np.array([1.0, -1.0, 1.0]), np.array([[0.0, -3.0]]), np.array([1.0]))
    side = picture.OUTPUT_SIZE
    image, with_test = (pixels(picture.points_png(data, show)) for show in (False, True))
    assert image.shape[:2] == (side * picture.SCALE,) * 2
    assert tuple(at(image, side * 9 / 12, side * 3 / 12)) == picture.BLUE
    assert tuple(at(image, side * 3 / 12, side / 2)) == picture.ORANGE
    test_point = round(side * 9 / 12) * picture.SCALE, side * picture.SCALE // 2
    assert image[test_point][3] == 0
    assert tuple(with_test[test_point][:3]) == picture.BLUE


def test_a_link_shows_its_weight_by_colour_and_width():
    config = PlaygroundConfig(features=("x",), network_shape=(1,))

    def column_between(weight):
        parameters = [(np.full((1, 1, 1), weight), np.zeros((1, 1))), (np.zeros((1, 1, 1)), np.zeros((1, 1)))]
        image = drawn_network(config, parameters)
        x = (layout.FEATURE_X + layout.NODE + layout.layer_x(1)[0]) / 2
        column = image[: layout.ROW * picture.SCALE, round(x * picture.SCALE), :3]
        colored = np.abs(column - 255).max(axis=1) > 60
        return column[colored], colored.sum() / picture.SCALE

    blue, thick = column_between(5.0)
    orange, thin = column_between(-1.0)
    assert np.abs(np.median(blue, axis=0) - picture.BLUE).max() < 12
    assert np.abs(np.median(orange, axis=0) - picture.ORANGE).max() < 40
    assert thick == pytest.approx(10, abs=1)
    assert thin == pytest.approx(2.8, abs=1)


def test_small_surfaces_and_biases_stand_in_their_squares():
    config = PlaygroundConfig(features=("x",), network_shape=(2,))
    parameters = [
        (np.array([[[9.0, -9.0]]]), np.array([[1.0, -1.0]])),
        (np.zeros((1, 2, 1)), np.zeros((1, 1))),
    ]
    image = drawn_network(config, parameters)
    for box, right, bias in zip(
        layout.neuron_boxes((2,))[0], (255, 0), (picture.BLUE, picture.ORANGE), strict=True
    ):
        assert np.abs(at(image, box.right - 5, box.middle) - picture.SURFACE_COLORS[right]).max() < 12
        assert np.abs(at(image, box.x - 5, box.y + box.size - 2) - bias).max() < 40


def test_features_that_are_off_are_dimmed():
    image = drawn_network(PlaygroundConfig(features=("x",)))
    boxes = layout.feature_boxes()
    on, off = (at(image, boxes[name].right - 6, boxes[name].y + 6) for name in ("x", "y"))
    assert off.sum() > on.sum() + 100


def test_links_may_be_kept_but_never_those_of_another_network():
    run = Run(PlaygroundConfig(network_shape=(3,)))
    drawing, fresh = picture.NetworkPicture(), picture.NetworkPicture()

    def draw(drawing, run, with_links=True):
        return drawing.pixels(run.config, run.parameters, picture.surfaces(run), with_links).copy()

    first = draw(drawing, run)
    run.parameters = [(weights * -9, biases) for weights, biases in run.parameters]
    kept, redrawn = draw(drawing, run, with_links=False), draw(fresh, run)
    gap = np.s_[:, (layout.FEATURE_X + layout.NODE + 10) * picture.SCALE]
    assert (kept[gap] == first[gap]).all()
    assert (kept[gap] != redrawn[gap]).any()
    other = Run(PlaygroundConfig(network_shape=(4, 2)))
    assert (draw(drawing, other, with_links=False) == draw(picture.NetworkPicture(), other)).all()


def test_curves_leave_nan_out_and_stay_inside():
    train = np.concatenate([np.linspace(0.5, 0.1, 3000), [np.nan, np.nan]])
    image = pixels(picture.curves_png(train, train / 2))
    width, height = picture.CURVE_SIZE
    assert image.shape[:2] == (height * picture.SCALE, width * picture.SCALE)
    assert (image[..., 3] > 0).any()
    pixels(picture.curves_png(np.array([np.nan]), np.array([np.nan])))  # a run that diverged at once


def test_layout_keeps_everything_on_the_picture_and_apart():
    for shape in ((), (1,), (8,) * 6):
        columns = [list(layout.feature_boxes().values()), *layout.neuron_boxes(shape)]
        for column in columns:
            assert all(box.x >= 0 and box.right <= layout.WIDTH for box in column)
            assert all(box.y >= 0 and box.y + box.size <= layout.HEIGHT for box in column)
        for left, right in itertools.pairwise(columns):
            assert left[0].right + 10 < right[0].x
    assert len(layout.links(("x", "y"), (4, 2))) == 2 * 4 + 4 * 2 + 2


@pytest.mark.parametrize("name", ["circle", "xor", "gauss", "spiral", "reg-plane", "reg-gauss"])
def test_dataset_pictures_show_both_colours(name):
    image = pixels(picture.dataset_png(name))
    red_minus_blue = (image[..., 0] - image[..., 2])[image[..., 3] > 200]
    assert (red_minus_blue > 80).any()
    assert (red_minus_blue < -80).any()


def test_static_picture_is_deterministic_and_small():
    run = Run(PlaygroundConfig(network_shape=(8,) * 6))
    first = picture.static_png(run)
    assert first == picture.static_png(run)
    assert len(first) < 250_000
    height, width = pixels(first).shape[:2]
    assert width > 1000
    small = pixels(picture.static_png(Run(PlaygroundConfig(network_shape=(1,)))))
    assert small.shape[0] < height  # no empty band under a small network
    assert (small[-15:, :, :3] == 255).all()
    assert (small[-30:, :, :3] < 255).any()
