"""Fixtures of the real-browser tests.

They run when LAB_BROWSER is set: to 1 (skipped, with the reason, where Chromium, Playwright or npm is
missing) or to `required` (missing is a failure: continuous integration). COLAB_PYTHON, the interpreter of an
environment made from tests/hosts/colab-requirements.txt, adds the classic page to the front ends tried.
Screenshots go to test-artifacts/, which git ignores.
"""

import contextlib
import functools
import importlib.util
import os
import re
import subprocess
import tarfile
from pathlib import Path

import nbformat
import pytest

from .lab import BrowserMissing, JupyterServer, chromium, copy_pack, open_notebook

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "test-artifacts"
AXE = "axe-core@4.10.3"
WANTED = os.environ.get("LAB_BROWSER", "").lower()

# These import Playwright. Without it, test_harness.py alone says what is missing, or fails if it is required.
if importlib.util.find_spec("playwright") is None:
    collect_ignore = sorted(path.name for path in Path(__file__).parent.glob("test_*.py"))
    collect_ignore.remove("test_harness.py")


def pytest_collection_modifyitems(items):
    """Skip this folder's tests, and say how to run them, unless they are asked for."""
    if WANTED in ("", "0"):
        reason = "set LAB_BROWSER=1 to run the real-browser tests (needs playwright and Chromium)"
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                item.add_marker(pytest.mark.skip(reason=reason))


# Package scope: Playwright's event loop must be gone before other tests of the same process start kernels.
@pytest.fixture(scope="package")
def browser():
    """A headless Chromium."""
    try:
        with chromium() as running:
            yield running
    except BrowserMissing as missing:
        do_without(missing)


def do_without(missing):
    """Skip for want of a tool, and say which; fail where it is required."""
    if WANTED == "required":
        pytest.fail(f"{missing} (LAB_BROWSER=required)")
    pytest.skip(str(missing))


@pytest.fixture(scope="package")
def axe(tmp_path_factory):
    """The source of axe-core, JavaScript that finds what a screen reader or a keyboard cannot use."""
    folder = tmp_path_factory.mktemp("axe")
    try:
        subprocess.run(["npm", "pack", AXE], cwd=folder, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        do_without(f"npm cannot bring {AXE}: {error}")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        return package.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="package")
def server_of(browser, tmp_path_factory):
    """Function that returns the Jupyter server of a front end, whose root is a copy of the pack.

    JupyterLab and Notebook 7 share one; the classic page has its own, of Notebook 6 on Colab's versions.
    """
    with contextlib.ExitStack() as running:

        @functools.cache
        def start(classic):
            folder = tmp_path_factory.mktemp("pack")
            copy_pack(ROOT, folder)
            python = {"python": os.environ["COLAB_PYTHON"]} if classic else {}
            return running.enter_context(JupyterServer(folder, classic=classic, **python))

        yield lambda front: start(front == "classic")


@pytest.fixture(scope="package", params=["lab", "notebook", "classic"])
def front(request):
    """Each front end in turn."""
    if request.param == "classic" and "COLAB_PYTHON" not in os.environ:
        pytest.skip("set COLAB_PYTHON to try the classic page (see tests/hosts/colab-requirements.txt)")
    return request.param


@pytest.fixture
def open_page(browser, server_of, request):
    """Function that opens a notebook of the pack, or one made of the given `cells`, in a window of its own.

    open_page("part1_linear_vs_relu.ipynb", front="lab") or open_page(cells=["print(1)"]) -> NotebookPage.
    At the end of the test every window is pictured in test-artifacts/ and closed, its kernel shut down.
    """
    opened = []

    def open_it(path=None, cells=(), front="lab", **options):
        server = server_of(front)
        if path is None:
            path = f"{picture_name(request)}-{len(opened)}.ipynb"
            write_notebook(server.folder / path, cells)
        opened.append(open_notebook(browser, server, path, front, **options))
        return opened[-1]

    yield open_it
    for number, page in enumerate(opened):
        page.screenshot(ARTIFACTS / f"{picture_name(request)}-end-{number}.png")
        page.close()


@pytest.fixture
def artifacts():
    """Folder of the screenshots."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS


def write_notebook(path, sources):
    """Write a notebook of code cells, for the kernel `python3`."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def picture_name(request):
    """The running test's name, fit for a file."""
    return re.sub(r"\W+", "-", request.node.name).strip("-")
