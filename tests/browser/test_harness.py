"""The harness itself: it sees what goes wrong."""


def test_errors_are_seen(open_page):
    """A failing cell, a failing callback and a message on the page's console are all reported."""
    failing = "import ipywidgets as w\nb = w.Button(description='Casse')\nb.on_click(lambda _: 1 / 0)\nb"
    notebook = open_page(cells=[failing, "undefined_name"])
    notebook.run_all()
    assert notebook.cell_errors() == ["NameError: name 'undefined_name' is not defined"]
    notebook.button("Casse").click()
    notebook.page.evaluate("() => console.error('broken page')")
    notebook.execute("print('after')")
    assert notebook.kernel_errors()[1:] == ["ZeroDivisionError: division by zero"]
    (error,) = notebook.console_errors
    assert error.startswith("broken page (")
