"""`pytest --nbval` with the root's conftest.py: strict where it matters, quiet where it must be."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
SOURCE = "import sys\nprint(6 * 7)\nprint('a warning', file=sys.stderr)"


def run_nbval(folder, stored):
    """Write a one-cell notebook with this stored output, run it under nbval, return pytest's result."""
    cell = nbformat.v4.new_code_cell(SOURCE, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=stored)]
    notebook = folder / "one_cell.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "conftest", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), str(notebook)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_same_output_passes_and_stderr_is_not_compared(tmp_path):
    result = run_nbval(tmp_path, "42\n")
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


@pytest.mark.parametrize("stored", ["43\n", ""], ids=["changed", "missing"])
def test_changed_output_fails(tmp_path, stored):
    result = run_nbval(tmp_path, stored)
    assert result.returncode == 1, result.stdout
    assert "1 failed" in result.stdout
