"""Figures draw, on whatever network a student may have chosen, and say what they show."""

import numpy as np
import pytest

from helpers import Run, plotting, train
from helpers.checks import part2, part3
from helpers.experiments.sweep import Sweep
from helpers.plotting import network

pytestmark = pytest.mark.usefixtures("figures_in_good_french")


@pytest.mark.parametrize("shape", [(), (1,), (3, 2), (8,) * 6])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_any_network_can_be_looked_into(shape, activation):
    run = Run(part3.WITNESS_FEATURES.replace(network_shape=shape, activation=activation), (2,))
    neurons, inputs = plotting.neurons(run), plotting.input_weights(run)
    surfaces = [axis for axis in neurons.figure.axes if axis.images]
    assert len(surfaces) == sum(shape) + 1
    assert "sin X₂" in inputs.description
    for picture in (neurons, inputs):
        _, size = picture._repr_png_()
        assert size["width"] <= 840


def test_the_parts_of_a_layer_add_up_and_a_dead_neuron_has_none():
    run = Run(part3.LAB.replace(network_shape=(4,)))
    (weights, biases), output = run.parameters
    weights[0, :, 1], biases[0, 1] = 0, -1
    run.parameters = [(weights, biases), output]
    titles = [axis.get_title() for axis in plotting.neurons(run).figure.axes][:4]
    parts = [int(title.removesuffix("\u00a0%").split(": ")[1]) for title in titles]
    assert parts[1] == 0
    assert sum(parts) == pytest.approx(100, abs=2)
    assert network._shares(np.zeros(3)).tolist() == [0, 0, 0]


def test_a_phase_diagram_frames_nothing_and_says_what_diverged():
    losses = np.full((2, 3, 5), 0.4)
    losses[1, 0], losses[0, 2] = 0.3, np.nan
    table = Sweep(part3.WITNESS, (0.03, 0.1), (0, 0.01, 0.1), 100, tuple(range(5)), losses)
    axis = plotting.phase_diagram(table).figure.axes[0]
    assert not axis.patches
    assert [text.get_text() for text in axis.texts] == ["0,40", "0,40", "diverge", "0,30", "0,40", "0,40"]


def test_the_lowest_test_loss_is_marked():
    run = Run(part3.LAB).train(60)
    axis = plotting.train_and_test(run).figure.axes[0]
    best = int(np.argmin(run.test_loss[0]))
    marks = [line for line in axis.lines if line.get_marker() == "o"]
    assert [float(mark.get_xdata()[0]) for mark in marks] == [best]


def test_a_diverged_network_counts_as_a_failure_in_the_figures():
    run = train(
        part2.LAB.replace(learning_rate=10, regularization="L2", regularization_rate=10), 30, range(3)
    )
    assert np.isnan(run.test_loss[:, -1]).all()
    assert "0\u00a0réussite sur 3" in repr(plotting.stability({"[3]": run}, target=0.2))
    assert "aucun quadrant" in repr(plotting.gallery(run))
    assert "∞" in repr(plotting.gallery(run))


def test_figures_of_part_2_draw_and_say_what_they_show():
    run = train(part2.LAB, 30, range(5))
    zero = Run(part2.LAB.replace(init_zero=True))
    pictures = [
        plotting.gallery(run),
        plotting.stability({"[3]": run, "autre": run}, target=0.2),
        plotting.parameter_paths({"zéro": zero}, epochs=10),
        plotting.layer_signals(part2.LAB.replace(network_shape=(3, 2)), [0.01, 3], range(3)),
        plotting.loss_between(run, 0, 1, order=(2, 1, 0)),
    ]
    for picture in pictures:
        png, size = picture._repr_png_()
        assert png.startswith(b"\x89PNG")
        assert size["width"] <= 900
        assert repr(picture).endswith(".")
    assert zero.epoch == 0  # a figure leaves the run as it was


@pytest.mark.parametrize(
    ("draw", "hint"),
    [
        (lambda run: plotting.surfaces(run, starts=[0, 2]), "de 0 à 1"),
        (lambda run: plotting.surfaces(run, starts=["0"]), "starts = '0'"),
        (lambda run: plotting.surfaces(run, starts=...), "starts = "),
        (lambda run: plotting.layer_signals(run.config, [...], 2), r"scales = \[\.\.\.\]"),
        (lambda run: plotting.layer_signals(run.config, 0.3, 2), "liste de nombres"),
    ],
)
def test_a_list_that_cannot_be_drawn_is_named(draw, hint):
    with pytest.raises(ValueError, match=hint):
        draw(Run(part2.LAB, range(2)))


def test_the_slider_redraws_for_its_scale_and_shows_something_without_a_page():
    slider = plotting.ScaleSlider(part2.LAB.replace(network_shape=(4, 4)), starts=2)
    first, size = slider._repr_mimebundle_()
    before = slider._image.value
    slider.slider.value = 0.01
    assert slider._image.value != before
    assert "échelle 0,01" in repr(slider)
    assert first["image/png"].startswith(b"\x89PNG")
    assert size["image/png"]["width"] == 840
    slider.slider.value = 50  # the slider keeps it within its bounds
    assert slider.slider.value <= 3.001
    slider.close()
