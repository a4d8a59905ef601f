"""What the widget promises while it plays, in real pages of JupyterLab 4 and Notebook 7 (and Notebook 6).

One page for each front end; each test starts by running the widget's cell again, which is itself one of
the promises. How fast things are is measured by benchmarks/widget.py.
"""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from helpers.playground import layout

from .conftest import ARTIFACTS, picture_name, write_notebook
from .lab import open_notebook
from .student import SLIDER, UNDER_WAY, Student, answer_time

SHAPE = (4, 2)
IMPORTS = """
import time
import ipywidgets as widgets
from helpers.playground import Playground
made = []
"""
WIDGET = """
made.append(Playground(
    'https://playground.tensorflow.org/#activation=relu&dataset=xor&noise=35&batchSize=10'
    '&networkShape=4,2&seed=0.50819&learningRate=0.03'
))
made[-1]
"""
MODELS = """
import ipywidgets.widgets.widget as module
print(len(getattr(module, '_instances', None) or module.Widget.widgets))
"""
PLAYING = "print([number for number, one in enumerate(made) if one.playing])"


@pytest.fixture(scope="module")
def page(front, browser, server_of):
    """A notebook with a Playground and, in another cell, a slider of its own; its kernel is warm."""
    server = server_of(front)
    write_notebook(server.folder / "playing.ipynb", [IMPORTS, WIDGET, SLIDER])
    opened = open_notebook(browser, server, "playing.ipynb", front)
    opened.run_all()
    assert opened.cell_errors() == []
    yield opened
    opened.close()


@pytest.fixture
def student(page, request):
    """The widget of a cell just run again, at epoch 0; the page has to stay free of errors."""
    page.run(1)
    page.console_errors.clear()
    errors_before = len(page.kernel_errors())
    student = Student(page)
    student.expect_paused()
    assert student.epoch == 0
    yield student
    student.look()
    page.screenshot(ARTIFACTS / f"{picture_name(request)}.png")
    assert page.console_errors == []
    assert page.kernel_errors()[errors_before:] == []


def kernel_epoch(page):
    return int(page.execute("print(made[-1].run.epoch)"))


def test_plays_and_pauses_at_once(page, student):
    test_loss = student.losses[0]
    student.play()
    student.wait_for_epoch(50)
    assert student.losses[0] < test_loss
    assert len(student.changes_after_pause()) <= UNDER_WAY
    assert student.epoch == kernel_epoch(page)


def test_another_cell_runs_while_it_plays(page, student):
    student.play()
    student.wait_for_epoch(10)
    assert page.execute("print(sum(range(10)))") == "45\n"
    assert student.is_playing
    student.wait_for_epoch(student.epoch + 10)
    student.pause()


def test_controls_answer_while_it_plays(page, student):
    student.play()
    student.wait_for_epoch(10)
    answer_time(page, 0.7)
    student.choose("Taux d'apprentissage", "0,1")
    student.app.get_by_label("Discrétiser la sortie").check()
    student.expect_message("en cours de route")
    student.wait_for_epoch(student.epoch + 10)
    assert student.is_playing
    assert page.execute("print(made[-1].config.learning_rate, made[-1].config.discretize)") == "0.1 True\n"
    student.pause()


def test_a_slider_of_the_widget_answers_while_it_plays(student):
    """Another noise means other points: it starts anew, paused, as on the site."""
    student.play()
    student.wait_for_epoch(10)
    student.slide("Bruit", 0.98)
    student.app.get_by_text("Bruit : 50 %").wait_for()
    student.expect_paused()
    assert student.epoch == 0


def test_a_slow_page_is_not_flooded(page, student):
    """Frames that piled up would go on appearing long after the pause."""
    student.play()
    student.wait_for_epoch(10)
    page.throttle(6)
    try:
        page.page.wait_for_timeout(3000)
        assert len(student.changes_after_pause(settle=3)) <= UNDER_WAY
        assert student.epoch == kernel_epoch(page)
    finally:
        page.throttle(1)


def test_running_the_cell_again_leaves_no_zombie(page, student):
    models = int(page.execute(MODELS))
    for _ in range(3):
        student.play()
        student.wait_for_epoch(5)
        page.run(1)
        student.expect_paused()
        assert student.epoch == 0
        assert page.root.locator(".dlp-app").count() == 1
    assert page.execute(PLAYING) == "[]\n"
    assert int(page.execute(MODELS)) == models
    student.play()
    student.wait_for_epoch(5)
    assert page.execute("print([one.playing for one in made][-4:])") == "[False, False, False, True]\n"
    student.pause()


def test_an_interrupt_stops_it_and_it_can_play_again(page, student):
    student.play()
    student.wait_for_epoch(10)
    # The kernel hears an interrupt only while it computes, which is nearly always: one may fall between.
    for _ in range(5):
        page.interrupt()
        page.page.wait_for_timeout(700)
        if not student.is_playing:
            break
    student.expect_message("interrompu")
    student.expect_paused()
    stopped_at = student.epoch
    student.play()
    student.wait_for_epoch(stopped_at + 10)
    student.pause()


def test_an_error_in_training_stops_it_and_it_can_play_again(page, student):
    student.play()
    student.wait_for_epoch(10)
    page.execute("""
from helpers.playground.session import Session
train = Session.train
def broken(*_): raise RuntimeError('panne simulée')
Session.train = broken
""")
    student.expect_message("panne simulée")
    student.expect_paused()
    page.execute("Session.train = train")
    student.play()
    student.wait_for_epoch(student.epoch + 10)
    student.pause()


def test_a_deleted_cell_stops_playing(page, student):
    """The widget is shown by a second cell too; only when no cell shows it any more does it stop."""
    page.execute("second = Playground(made[-1].config); display(second)")
    other = Student(page, 1)
    other.play()
    other.wait_for_epoch(5)
    page.execute("print('the output that showed it is gone')")
    assert page.execute("time.sleep(0.5); print(second.playing)") == "False\n"
    assert student.epoch == 0


def test_pictures_do_not_flicker(page, student):
    """In every frame that the window shows, no picture is missing: neither blank nor between two sizes."""
    student.look()
    tile = student.boxes(".dlp-neuron")[0]  # the input X1: half orange, half blue, redrawn each time
    surface = student.boxes(".dlp-surface img")[0]
    student.play()
    student.wait_for_epoch(10)
    frames = page.film(20)
    student.pause()
    assert len(frames) >= 20
    for number, frame in enumerate(frames):
        shown = np.asarray(Image.open(io.BytesIO(frame)).convert("RGB")).astype(int)
        left, right = (mean_color(shown, tile, side) for side in (0.25, 0.75))
        assert left[0] - left[2] > 60, f"no orange in frame {number}"
        assert right[2] - right[0] > 60, f"no blue in frame {number}"
        rows, columns = (
            slice(int(surface[a]), int(surface[a] + surface[b])) for a, b in (("y", "height"), ("x", "width"))
        )
        assert (shown[rows, columns].min(axis=2) > 250).mean() < 0.25, f"blank surface in frame {number}"


def mean_color(picture, box, side):
    """Mean colour (red, green, blue) around a place of a box: at a fraction of its width, half its height."""
    x, y = int(box["x"] + side * box["width"]), int(box["y"] + box["height"] / 2)
    return picture[y - 3 : y + 4, x - 3 : x + 4].mean(axis=(0, 1))


def test_every_control_has_a_name(student):
    """What a screen reader says. The handles of sliders have none: ipywidgets offers no way to give it."""
    for drawer in ("Journal des essais", "Seize départs", "Adresse", "Code Keras"):
        student.press(drawer)
    student.press("Neurone 1 de la couche 1 : voir sa surface et ses poids")
    student.app.get_by_label("Biais").wait_for()
    student.app.get_by_label("Coller une adresse").wait_for()
    assert set(student.nameless_controls()) <= {"slider"}


def test_layers_stay_aligned_when_zoomed_or_narrow(page, student, front):
    width, height = page.page.viewport_size.values()
    wide, tops = placement(student), column_tops(student)
    assert_aligned(student, wide)
    if front != "classic":  # whose page is at most 966 pixels wide inside
        assert max(tops) - min(tops) < 1
    try:
        page.resize(round(width / 1.5), round(height / 1.5), scale=1.5)
        assert page.page.evaluate("devicePixelRatio") == 1.5
        page.screenshot(ARTIFACTS / f"zoomed-{front}.png")
        assert_aligned(student, wide)
        page.resize(800, 1800)
        student.look()
        page.screenshot(ARTIFACTS / f"narrow-{front}.png")
        assert_aligned(student, wide)
        assert_stacked(student)
        student.play()
        student.wait_for_epoch(10)
        student.pause()
        assert_aligned(student, wide)
    finally:
        page.resize(width, height)
    page.page.wait_for_timeout(500)
    assert column_tops(student) == pytest.approx(tops, abs=1)


def column_tops(student):
    """Where data, network and output begin, from the widget's top, in CSS pixels."""
    origin = student.app.bounding_box()["y"]
    return [student.boxes(part)[0]["y"] - origin for part in (".dlp-data", ".dlp-network", ".dlp-output")]


def placement(student):
    """Where pictures and buttons are within the network's and the output's stages, in CSS pixels."""
    places = []
    for stage in (".dlp-network", ".dlp-surface"):
        origin = student.boxes(stage)[0]
        for box in student.boxes(f"{stage} img, {stage} .dlp-neuron, {stage} .dlp-glass"):
            places.append([box["x"] - origin["x"], box["y"] - origin["y"], box["width"], box["height"]])
    return places


def assert_aligned(student, wide):
    """Pictures and buttons are where the geometry says, and where they are on a wide page."""
    now = placement(student)
    assert len(now) == len(wide)
    for here, there in zip(now, wide, strict=True):
        assert here == pytest.approx(there, abs=0.6)
    assert now[0] == pytest.approx([0, layout.HEADER, layout.WIDTH, layout.HEIGHT], abs=0.6)
    boxes = itertools.chain(layout.feature_boxes().values(), *layout.neuron_boxes(SHAPE))
    for box in boxes:
        expected = [box.x, layout.HEADER + box.y, box.size, box.size]
        assert any(place == pytest.approx(expected, abs=0.6) for place in now)
    surface, points = student.boxes(".dlp-surface img")
    assert points == pytest.approx(surface, abs=0.6)


def assert_stacked(student):
    """Data, network and output stand one below the other."""
    data, network, output = (student.boxes(part)[0] for part in (".dlp-data", ".dlp-network", ".dlp-output"))
    assert network["y"] >= data["y"] + data["height"]
    assert output["y"] >= network["y"] + network["height"]
