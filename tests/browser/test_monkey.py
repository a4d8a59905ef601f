"""A short life of the monkey; `python -m tests.browser.monkey --minutes 60` gives it a long one."""

from .lab import open_notebook
from .monkey import MEMORY_GROWTH, run, write_cells


def test_random_use_breaks_nothing(browser, server):
    write_cells(server.folder / "monkey.ipynb")
    notebook = open_notebook(browser, server, "monkey.ipynb")
    try:
        monkey = run(notebook, minutes=0.4, seed=7, every=5, programs=2)
    finally:
        notebook.close()
    assert monkey.faults == []
    assert monkey.done["reload"]
    assert sum(monkey.done.values()) > 3 * monkey.done["missed"]
    assert max(monkey.growth) < MEMORY_GROWTH
