"""`pytest --nbval` with the root's conftest.py: strict where it matters, quiet where it must be."""

import os
import re
import subprocess
import sys
from pathlib import Path

from nbformat import v4, write

ROOT = Path(__file__).parents[1]
SOURCE = "import sys\nprint(6 * 7)\nprint('a warning', file=sys.stderr)"


def test_stored_output_must_come_again_and_stderr_is_not_compared(tmp_path):
    outputs = [v4.new_output("stream", name="stdout", text=stored) for stored in ("42\n", "43\n", "")]
    cells = [v4.new_code_cell(SOURCE, execution_count=1, outputs=[output]) for output in outputs]
    write(v4.new_notebook(cells=cells), tmp_path / "three_cells.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "conftest", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "three_cells.ipynb"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert re.findall(r"FAILED three_cells.ipynb::(Cell \d)", result.stdout) == ["Cell 1", "Cell 2"], (
        result.stdout
    )
    assert "2 failed, 1 passed" in result.stdout
