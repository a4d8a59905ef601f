"""Each part as a student meets it: all cells run, then its widgets played with, its questions answered."""

import re

import pytest
from playwright.sync_api import expect

from .student import UNDER_WAY, Student, click_track, student_at

COUNTS = {"conv1": 2432, "conv2": 51264, "conv3": 102464, "fc4": 1025000, "fc5": 10000}  # one is wrong
TRAINING = """
essai = TrainingRecord("essai-{}", donnees)
modele.fit(x_train, y_train, epochs={}, validation_split=0.1, callbacks=[essai], verbose=0)
"""


@pytest.fixture
def part(open_page, artifacts, front):
    """Function that opens a part and runs all its cells; ``picture(name)`` then keeps what its window shows.

    No error may have come by then, nor by the end, but for the interrupts that a test asks for.
    """
    opened = []

    def open_part(path):
        notebook = open_page(path, front=front)
        opened.append(notebook)
        notebook.picture = lambda name: notebook.screenshot(artifacts / f"{path[:5]}-{name}-{front}.png")
        notebook.run_all()
        assert notebook.cell_errors() == []
        return notebook

    yield open_part
    for notebook in opened:
        assert notebook.cell_errors() == []
        assert notebook.console_errors == []
        assert [e for e in notebook.kernel_errors() if "Interrupt" not in e] == []


def test_part1_is_played(part):
    """All cells run, and its last Playground played with."""
    notebook = part("part1_linear_vs_relu.ipynb")
    playgrounds = [
        index
        for index, cell in enumerate(notebook.cells())
        if cell["cell_type"] == "code" and "Playground(" in "".join(cell["source"])
    ]
    assert len(playgrounds) == 3
    for index in playgrounds:
        assert "application/vnd.jupyter.widget-view+json" in notebook.outputs(index)[-1]["data"]

    notebook.scroll_to(playgrounds[-1])
    student = Student(notebook, -1)
    student.look()
    neurons = student.app.get_by_role("button", name="voir sa surface")
    assert student.epoch == 0
    assert neurons.count() == 2
    first_losses = student.losses
    notebook.picture("opened")

    student.look()  # what stands above may have grown meanwhile
    student.play()
    student.wait_for_epoch(50)
    assert student.losses < first_losses
    notebook.picture("playing")

    student.choose("Taux d'apprentissage", "0,1")
    student.wait_for_epoch(student.epoch + 20)
    assert student.is_playing
    assert len(student.changes_after_pause()) <= UNDER_WAY
    student.expect_message("en cours de route")
    expect(student.app.get_by_label("Taux d'apprentissage")).to_have_value("0,1")
    notebook.picture("paused")

    student.press("Ajouter un neurone à la couche 1")
    expect(neurons).to_have_count(3)
    expect(student.app.get_by_text("3 neurones", exact=True)).to_be_visible()
    student.press("Ajouter une couche cachée")
    expect(student.app.get_by_text("2 COUCHES CACHÉES", exact=True)).to_be_visible()
    expect(neurons).to_have_count(5)
    assert student.epoch == 0
    losses_of_first_start = student.losses
    student.press("Une époque")
    expect(student.app.locator(".dlp-epoch-value")).to_have_text("000 001")
    notebook.picture("edited")

    student.press("Départ suivant")
    expect(student.app.get_by_text("Départ nº 1")).to_be_visible()
    assert student.epoch == 0
    assert student.losses != losses_of_first_start
    notebook.picture("reset")


def test_part2_is_played(part):
    """Two starts played, then read in the journal; the slider of scales."""
    notebook = part("part2_initialization.ipynb")

    student = student_at(notebook, "jeu = Playground(")
    student.play()
    student.wait_for_epoch(30)
    student.pause()
    student.press("Départ suivant")
    expect(student.app.get_by_text("Départ nº 1")).to_be_visible()
    student.play()
    student.wait_for_epoch(30)
    student.pause()
    second = student.losses[0]
    notebook.picture("played")
    journal = notebook.find("in sorted(jeu.journal")
    notebook.run(journal)
    lines = notebook.text(journal).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["départ 0", "départ 1"]
    assert lines[1].endswith(f": {second:.3f}")

    prediction = notebook.find("prediction_1 = ...")
    notebook.write(prediction, "prediction_1 = 30")
    notebook.run(prediction, prediction + 1)
    notebook.scroll_to(prediction + 1)
    expect(notebook.root.get_by_text("Prédiction enregistrée : 30 départs sur 64.")).to_be_visible()

    notebook.scroll_to(notebook.find("plotting.ScaleSlider("))
    box = notebook.root.locator(".widget-vbox:has(> .widget-slider)")
    picture = box.locator("img")
    before = picture.get_attribute("src")
    click_track(box.locator(".widget-slider"), 0.8)
    expect(picture).not_to_have_attribute("src", before)
    expect(box.locator(".widget-readout")).not_to_have_text("0.30")
    notebook.page.wait_for_timeout(500)  # a screenshot needs the picture to be painted
    notebook.picture("slider")


def test_part3_answer_is_an_address(part):
    """A network built, trained, handed in by its address; the check replays it."""
    notebook = part("part3_spiral.ipynb")

    student = student_at(notebook, "Playground(lab.to_url())")
    for _ in range(3):
        student.press("Ajouter un neurone à la couche 1")
    student.press("Ajouter une couche cachée")
    student.choose("Activation", "Tanh")
    student.play()
    student.wait_for_epoch(60)
    student.pause()
    notebook.picture("played")
    epoch, test_loss = student.epoch, student.losses[0]
    student.press("Adresse")
    field = student.app.get_by_label("Copier l'adresse (un clic, Ctrl+A, Ctrl+C)")
    expect(field).to_have_value(re.compile("networkShape=6,2,2"))
    address = field.input_value()

    answer = notebook.find("adresse_1 = ...")
    notebook.write(answer, f'adresse_1 = "{address}"')
    notebook.run(answer, answer + 1)
    notebook.scroll_to(answer + 1)
    said = notebook.root.get_by_text("Rejoué")
    expect(said).to_contain_text(f"{epoch} époques")
    expect(said).to_contain_text(f"{test_loss:.3f}".replace(".", ","))
    following = notebook.find("gagnant_1 = part3.replayed(")
    notebook.run(following, following + 1)
    notebook.scroll_to(following)
    notebook.page.wait_for_timeout(500)  # a screenshot needs the pictures to be painted
    notebook.picture("handed-in")


def test_part4_is_trained(part, front):
    """A live training, interrupted, taken up again."""
    notebook = part("part4_cifar10.ipynb")

    training = notebook.find('TrainingRecord("simple"')
    notebook.scroll_to(training)
    view = notebook.root.locator(".widget-vbox", has=notebook.page.locator(".widget-image"))
    expect(view.first).to_contain_text("terminé")
    notebook.picture("trained")

    answer = notebook.find('parametres = {"conv1"')
    notebook.write(answer, f"parametres = {COUNTS}")
    notebook.run(answer, answer + 1)
    notebook.scroll_to(answer + 1)
    expect(notebook.root.get_by_text("il manque les biais")).to_be_visible()
    notebook.picture("counted")

    notebook.write(training, TRAINING.format(front, 200))
    notebook.start(training)
    notebook.scroll_to(training)
    under_way = re.compile(r"époque ([3-9]|\d\d+)/200")
    expect(view.filter(has_text=under_way)).to_be_visible(timeout=60_000)
    notebook.interrupt()
    notebook.wait()
    expect(view.filter(has_text="interrompu : ")).to_be_visible()
    assert notebook.cell_errors() == ["Interrupted: "]
    notebook.picture("interrupted")
    done = int(notebook.execute("print(len(essai.history['loss']))"))
    notebook.write(training, TRAINING.format(front, done + 1))
    notebook.run(training)
    notebook.scroll_to(training)
    expect(view.filter(has_text="terminé").first).to_contain_text(f"{done + 1} époques")
