"""Part 1 as a student meets it: all cells run, and its last Playground played with."""

from playwright.sync_api import expect

from .student import UNDER_WAY, Student

NOTEBOOK = "part1_linear_vs_relu.ipynb"


def test_part1_is_played(open_page, artifacts, front):
    notebook = open_page(NOTEBOOK, front=front)
    notebook.run_all()
    assert notebook.cell_errors() == []
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
    notebook.screenshot(artifacts / f"part1-opened-{front}.png")

    student.look()  # what stands above may have grown meanwhile
    student.play()
    student.wait_for_epoch(50)
    assert student.losses < first_losses
    notebook.screenshot(artifacts / f"part1-playing-{front}.png")

    student.choose("Taux d'apprentissage", "0,1")
    student.wait_for_epoch(student.epoch + 20)
    assert student.is_playing
    assert len(student.changes_after_pause()) <= UNDER_WAY
    student.expect_message("en cours de route")
    expect(student.app.get_by_label("Taux d'apprentissage")).to_have_value("0,1")
    notebook.screenshot(artifacts / f"part1-paused-{front}.png")

    student.press("Ajouter un neurone à la couche 1")
    expect(neurons).to_have_count(3)
    expect(student.app.get_by_text("3 neurones", exact=True)).to_be_visible()
    student.press("Ajouter une couche cachée")
    expect(student.app.get_by_text("2 COUCHES CACHÉES", exact=True)).to_be_visible()
    expect(neurons).to_have_count(5)
    assert student.epoch == 0
    losses_of_first_start = student.losses
    student.press("Avancer d'une époque")
    expect(student.app.locator(".dlp-epoch-value")).to_have_text("000 001")
    notebook.screenshot(artifacts / f"part1-edited-{front}.png")

    student.press("Recommencer d'un autre départ")
    expect(student.app.get_by_text("Départ nº 1")).to_be_visible()
    assert student.epoch == 0
    assert student.losses != losses_of_first_start
    notebook.screenshot(artifacts / f"part1-reset-{front}.png")

    assert notebook.console_errors == []
    assert notebook.kernel_errors() == []
