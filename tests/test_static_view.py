"""What GitHub and nbconvert show of the notebooks, where no widget lives: a picture of each Playground."""

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
def test_every_playground_and_figure_has_a_picture(path):
    shown = [
        output.get("data", {}).keys()
        for source, output in outputs(path)
        if "Playground(" in source.splitlines()[-1] or "plotting." in source.splitlines()[-1]
    ]
    assert len(shown) >= 5
    assert all({"image/png", "image/jpeg"} & kinds for kinds in shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_without_widgets_is_whole(path):
    page, _ = HTMLExporter().from_filename(str(path))
    pictures = sum(any("image" in kind for kind in output.get("data", {})) for _, output in outputs(path))
    assert page.count("<img") >= pictures
    for trace in ("model_id", "Loading widget", "object at 0x", "Traceback"):
        assert trace not in page
