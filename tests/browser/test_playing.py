"""What the widget promises while it plays, in real pages of JupyterLab 4 and Notebook 7 (and Notebook 6).

One page for each front end; each test starts by running the widget's cell again, which is itself one of
the promises. How fast things are is measured by benchmarks/widget.py.
"""

import io
import itertools
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

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


NEURON = "Neurone 1 de la couche 1 : voir sa surface et ses poids"
# The keyboard's focus: which part of the widget it is in, and the name of what has it.
FOCUS = """app => {
    const at = document.activeElement;
    const part = ["top", "data", "network", "output", "drawers"].find(name => at.closest(`.dlp-${name}`));
    return app.contains(at) ? [part, at.innerText || at.labels?.[0]?.innerText || at.type] : null;
}"""


def test_axe_finds_no_violation(page, student, front, axe):
    """With every drawer open and a neuron shown in large."""
    for drawer in student.app.locator(".dlp-tab").all():
        drawer.click()
    student.press("Entraîner 16 départs")
    student.app.get_by_text("après 500 époques").wait_for()
    student.press(NEURON)
    student.app.get_by_label("Biais").wait_for()
    page.page.evaluate(axe)
    # ipywidgets 7 has no way to name a picture
    rules = {"image-alt": {"enabled": front != "classic"}}
    report = page.page.evaluate("rules => axe.run('.dlp-app', { rules })", rules)
    found = [(one["id"], node["html"][:200]) for one in report["violations"] for node in one["nodes"]]
    assert found == []
    assert len(report["passes"]) > 10


def test_the_tab_key_follows_the_page(page, student):
    """Every control that can be used has its turn: part by part, in the network from left to right."""
    student.press(NEURON)
    student.app.get_by_label("Biais").wait_for()
    controls = student.app.locator(":is(button, select, input):visible:enabled").count()
    student.button("Lecture").focus()
    reached, places = [], []
    while (focus := student.app.evaluate(FOCUS)) and len(reached) <= controls:
        reached.append(focus)
        box = page.page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
        if "Neurone" in focus[1] or "entrée" in focus[1]:
            places.append((box["x"], box["y"]))
        page.page.keyboard.press("Tab")
    assert len(reached) == controls, reached
    assert [part for part, _ in itertools.groupby(reached, lambda focus: focus[0])] == [
        *("top", "data", "network", "output", "drawers")
    ]
    assert places == sorted(places)
    assert len(places) == 7 + sum(SHAPE) + 1


def test_controls_work_from_the_keyboard(page, student):
    def press(made, *keys):
        made.focus()
        for key in keys:
            page.page.keyboard.press(key)

    press(student.button("Lecture"), "Space")
    student.wait_for_epoch(10)
    press(student.button("Pause"), "Enter")
    student.expect_paused()
    press(student.app.get_by_label("Activation"), "t")  # the arrows of a closed list are the notebook's own
    student.app.get_by_label("Afficher les points de test").focus()
    page.page.keyboard.press("Space")
    press(student.button(NEURON), "Enter")
    student.app.get_by_text("Neurone 1, couche 1", exact=True).wait_for()
    press(student.app.get_by_label("Biais"), "Control+a")
    page.page.keyboard.type("0,5")
    page.page.keyboard.press("Enter")
    press(student.button("Adresse"), "Space")
    student.app.get_by_label("Coller une adresse").wait_for()
    state = "c = made[-1].config; print(c.activation, c.show_test_data, made[-1].run.parameters[0][1][0, 0])"
    assert page.execute(state) == "tanh True 0.5\n"


def test_files_come_and_go(page, student, tmp_path):
    """One's own points from a CSV file; a trained network to a file, and back from it."""
    corners = tmp_path / "points.csv"
    corners.write_text("x1;x2;classe\n" + "0;0;oui\n2,5;0;non\n0;4;non\n2,5;4;oui\n" * 10, encoding="utf-8")
    for _ in range(2):  # the same file again
        student.press("Cercle")
        student.app.get_by_role("button", name="Cercle (choisi)").wait_for()
        student.give("Votre CSV", corners)
        student.expect_message("40 points")
    student.play()
    student.wait_for_epoch(20)
    student.pause()
    page.execute("pass")  # once it is answered, the page has all that the kernel sent before
    epoch, losses = student.epoch, student.losses
    student.press("Fichiers")
    with page.page.expect_download() as download:
        student.app.get_by_role("link", name=".json").click()
    download.value.save_as(tmp_path / "reseau.json")
    with page.page.expect_download() as download:
        student.app.get_by_role("link", name=".keras").click()
    assert zipfile.is_zipfile(download.value.path())
    student.press("Ce départ")
    student.give("Ouvrir un fichier .json", tmp_path / "reseau.json")
    student.expect_message("Réseau ouvert")
    student.app.get_by_text("Vos 40 points").wait_for()
    expect(student.app.locator(".dlp-epoch-value")).to_have_text(re.compile(f"0*{epoch}$"))
    page.execute("pass")
    assert student.losses == losses


def test_a_page_that_never_answers_gets_a_clock_of_its_own(page, student):
    page.execute("made[-1]._clock._link.unlink()")
    page.page.wait_for_timeout(500)
    student.play()
    page.page.wait_for_timeout(1500)
    assert student.epoch == 0
    student.press("Pause")
    student.expect_message("horloge de secours")
    student.app.locator(".widget-play button").first.click()
    student.wait_for_epoch(10)
    student.pause()


def test_a_restart_leaves_the_picture(open_page, front, artifacts):
    if front == "classic":
        pytest.skip("the classic page keeps the dead widget as it was")
    notebook = open_page(cells=[IMPORTS, WIDGET], front=front)
    notebook.run_all()
    Student(notebook).expect_paused()
    pictures = notebook.root.locator(".jp-RenderedImage img")
    assert [one.is_visible() for one in pictures.all()] == [False]
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    pictures.wait_for(timeout=30_000)
    assert not notebook.root.locator(".dlp-app").is_visible()
    notebook.wait_until_open()  # reloaded before, it would ask for a kernel
    notebook.save()
    notebook.page.reload()
    notebook.wait_until_open()
    pictures.wait_for(timeout=30_000)
    notebook.screenshot(artifacts / f"restarted-{front}.png")
    notebook.run_all()
    Student(notebook).expect_paused()
    assert [one.is_visible() for one in pictures.all()] == [False]


def test_it_fits_its_window(page, student, front):
    """Three columns from 960 pixels on; at 1280 x 720 the output is whole on the screen, with Play."""
    width, height = page.page.viewport_size.values()
    try:
        student.app.evaluate("app => { app.style.maxWidth = '960px'; }")
        page.page.wait_for_timeout(500)
        assert student.app.bounding_box()["width"] == pytest.approx(960, abs=1)
        assert np.ptp(column_tops(student)) < 1
        student.app.evaluate("app => { app.style.maxWidth = null; }")
        if front == "classic":  # its header leaves too little of 720 pixels
            return
        page.resize(1280, 720)
        student.app.evaluate("app => app.scrollIntoView({ block: 'start' })")
        page.page.wait_for_timeout(500)
        page.screenshot(ARTIFACTS / f"small-{front}.png")
        for part in (".dlp-icon-play", ".dlp-output"):
            expect(student.app.locator(part)).to_be_in_viewport(ratio=1)
    finally:
        page.resize(width, height)


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
