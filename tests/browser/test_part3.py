"""Part 3 as a student meets it: a network built, trained, handed in by its address; the check replays it."""

import re

from playwright.sync_api import expect

from .student import student_at

NOTEBOOK = "part3_spiral.ipynb"


def test_part3_answer_is_an_address(open_page, artifacts, front):
    notebook = open_page(NOTEBOOK, front=front)
    notebook.run_all()
    assert notebook.cell_errors() == []

    student = student_at(notebook, "Playground(lab.to_url())")
    for _ in range(3):
        student.press("Ajouter un neurone à la couche 1")
    student.press("Ajouter une couche cachée")
    student.choose("Activation", "Tanh")
    student.play()
    student.wait_for_epoch(60)
    student.pause()
    notebook.screenshot(artifacts / f"part3-played-{front}.png")
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
    notebook.screenshot(artifacts / f"part3-handed-in-{front}.png")

    assert notebook.cell_errors() == []
    assert notebook.console_errors == []
    assert notebook.kernel_errors() == []
