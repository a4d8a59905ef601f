"""What GitHub and nbconvert show of the notebooks, where no widget lives: pictures, or what they wait for."""

from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbconvert", reason="comes with Jupyter")

from nbconvert import HTMLExporter

NOTEBOOKS = sorted(Path(__file__).parents[1].glob("part*.ipynb"))


def outputs(path):
    """Yield (source, last output) of the code cells that show something."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and cell.outputs:
            yield cell.source, cell.outputs[-1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_playground_and_figure_has_a_picture_or_waits_for_an_answer(path):
    last_lines = [(source.splitlines()[-1], output.get("data", {})) for source, output in outputs(path)]
    shown = [(line, data) for line, data in last_lines if "Playground(" in line or "plotting." in line]
    waiting = [line for line, data in shown if "exécutez de nouveau cette cellule" in data["text/plain"]]
    assert len(shown) >= 5
    assert len(waiting) >= 2
    assert all("after=" in line or "prediction=" in line for line in waiting)
    assert all({"image/png", "image/jpeg"} & data.keys() for line, data in shown if line not in waiting)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_without_widgets_is_whole(path):
    page, _ = HTMLExporter().from_filename(str(path))
    pictures = sum(any("image" in kind for kind in output.get("data", {})) for _, output in outputs(path))
    assert page.count("<img") >= pictures
    for trace in ("model_id", "Loading widget", "object at 0x", "Traceback"):
        assert trace not in page
