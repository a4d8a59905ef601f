"""Part 4 as a student meets it, on demonstration images: a live training, interrupted, taken up again."""

import re

from playwright.sync_api import expect

NOTEBOOK = "part4_cifar10.ipynb"
COUNTS = {"conv1": 2432, "conv2": 51264, "conv3": 102464, "fc4": 1025000, "fc5": 10000}  # one is wrong
TRAINING = """
essai = TrainingRecord("essai-{}", donnees)
modele.fit(x_train, y_train, epochs={}, validation_split=0.1, callbacks=[essai], verbose=0)
"""


def test_part4_is_trained(open_page, artifacts, front):
    notebook = open_page(NOTEBOOK, front=front)
    notebook.run_all()
    assert notebook.cell_errors() == []

    training = notebook.find('TrainingRecord("simple"')
    notebook.scroll_to(training)
    view = notebook.root.locator(".widget-vbox", has=notebook.page.locator(".widget-image"))
    expect(view.first).to_contain_text("terminé")
    notebook.screenshot(artifacts / f"part4-trained-{front}.png")

    answer = notebook.find('parametres = {"conv1"')
    notebook.write(answer, f"parametres = {COUNTS}")
    notebook.run(answer, answer + 1)
    notebook.scroll_to(answer + 1)
    expect(notebook.root.get_by_text("il manque les biais")).to_be_visible()
    notebook.screenshot(artifacts / f"part4-counted-{front}.png")

    notebook.write(training, TRAINING.format(front, 200))
    notebook.start(training)
    notebook.scroll_to(training)
    under_way = re.compile(r"époque ([3-9]|\d\d+)/200")
    expect(view.filter(has_text=under_way)).to_be_visible(timeout=60_000)
    notebook.interrupt()
    notebook.wait()
    expect(view.filter(has_text="interrompu : ")).to_be_visible()
    assert notebook.cell_errors() == ["KeyboardInterrupt: "]
    notebook.screenshot(artifacts / f"part4-interrupted-{front}.png")
    done = int(notebook.execute("print(len(essai.history['loss']))"))
    notebook.write(training, TRAINING.format(front, done + 1))
    notebook.run(training)
    notebook.scroll_to(training)
    expect(view.filter(has_text="terminé")).to_contain_text(f"{done + 1} époques")

    assert notebook.cell_errors() == []
    assert notebook.console_errors == []
    assert [error for error in notebook.kernel_errors() if not error.startswith("KeyboardInterrupt")] == []
