"""Part 4 as a student meets it, on demonstration images: JupyterLab, all cells run, a training seen live."""

from playwright.sync_api import expect

NOTEBOOK = "part4_cifar10.ipynb"


def test_part4_is_trained(open_page, artifacts):
    notebook = open_page(NOTEBOOK)
    notebook.run_all()
    assert notebook.cell_errors() == []
    view = notebook.root.locator(".widget-vbox", has=notebook.root.page.locator(".widget-image")).first
    expect(view).to_contain_text("terminé")
    view.scroll_into_view_if_needed()
    notebook.screenshot(artifacts / "part4-trained.png")
    assert notebook.console_errors == []
    assert notebook.kernel_errors() == []
