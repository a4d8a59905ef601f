"""A short life of the monkey; `python -m tests.browser.monkey --minutes 60` gives it a long one."""

import pytest

from .lab import open_notebook
from .monkey import MEMORY_GROWTH, SITE, Monkey, run, write_cells

FAILING = "import ipywidgets as w; b = w.Button(description='Casse'); b.on_click(lambda _: 1 / 0); b"


@pytest.fixture
def notebook(browser, server_of):
    server = server_of("lab")
    write_cells(server.folder / "monkey.ipynb")
    opened = open_notebook(browser, server, "monkey.ipynb")
    yield opened
    opened.close()


def test_random_use_breaks_nothing(notebook):
    monkey = run(notebook, minutes=0.4, seed=7, every=5)
    assert monkey.faults == []
    assert monkey.done["reload"]
    assert sum(monkey.done.values()) > 3 * monkey.done["missed"]
    assert monkey.growth[1] < MEMORY_GROWTH  # the page's; the kernel's is still warm-up after so short a life


def test_what_breaks_is_seen(notebook):
    monkey = Monkey(notebook, seed=1)
    monkey.start()
    for shape in (1, 2):
        notebook.execute(f"made[0].load('{SITE}#networkShape={shape}&epochs=5')")
    monkey.check()
    assert monkey.faults == []
    notebook.execute("made[0]._session._trials.clear()")  # a lost journal
    notebook.execute("made[0]._clock.play = lambda: None; made[1].close()")  # a dead widget, one that is gone
    notebook.execute(FAILING)
    notebook.button("Casse").click()  # an error in the kernel, which the page does not show
    notebook.page.wait_for_function("() => window.labErrors.length")
    notebook.page.evaluate("() => console.error('planted')")
    monkey.check()
    monkey.check_alive()
    assert sorted(fault.partition(":")[0] for fault in monkey.faults) == [
        *("console", "kernel"),
        *("widget 0", "widget 0 is dead"),
        *("widget 1 is dead", "widget 1 is gone"),
    ]
