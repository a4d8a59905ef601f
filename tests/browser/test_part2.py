"""Part 2 as a student meets it: two starts played, then read in the journal; the slider of scales."""

from playwright.sync_api import expect

from .student import click_track, student_at

NOTEBOOK = "part2_initialization.ipynb"


def test_part2_is_played(open_page, artifacts, front):
    notebook = open_page(NOTEBOOK, front=front)
    notebook.run_all()
    assert notebook.cell_errors() == []

    student = student_at(notebook, "jeu = Playground(")
    student.play()
    student.wait_for_epoch(30)
    student.pause()
    student.press("Recommencer d'un autre départ")
    expect(student.app.get_by_text("Départ nº 1")).to_be_visible()
    student.play()
    student.wait_for_epoch(30)
    student.pause()
    second = student.losses[0]
    notebook.screenshot(artifacts / f"part2-played-{front}.png")
    journal = notebook.find("in sorted(jeu.journal")
    notebook.run(journal)
    lines = notebook.text(journal).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["départ 0", "départ 1"]
    assert lines[1].endswith(f": {second:.3f}")

    prediction = notebook.find("prediction_1 = ...")
    notebook.write(prediction, "prediction_1 = 30")
    notebook.run(prediction, prediction + 1)
    notebook.scroll_to(prediction + 1)
    expect(notebook.root.get_by_text("Prédiction notée : 30 départs sur 64.")).to_be_visible()

    notebook.scroll_to(notebook.find("plotting.ScaleSlider("))
    box = notebook.root.locator(".widget-vbox:has(> .widget-slider)")
    picture = box.locator("img")
    before = picture.get_attribute("src")
    click_track(box.locator(".widget-slider"), 0.8)
    expect(picture).not_to_have_attribute("src", before)
    expect(box.locator(".widget-readout")).not_to_have_text("0.30")
    notebook.page.wait_for_timeout(500)  # a screenshot needs the picture to be painted
    notebook.screenshot(artifacts / f"part2-slider-{front}.png")

    assert notebook.console_errors == []
    assert notebook.kernel_errors() == []
