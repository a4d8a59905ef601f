"""Errors that Python tells in English are explained in a kernel; a student's own keep their place."""

import nbformat
from nbclient import NotebookClient

CELLS = {
    "from helpers.notebook.running_cell import explain_errors; explain_errors(); explain_errors()": (),
    "palier": ("name 'palier' is not defined", "tout le carnet\u00a0: dans JupyterLab"),
    "def f():\n    return perdu\n\nf()": ("name 'perdu' is not defined",),
    "x = “a”": ("Cette ligne contient des guillemets", "invalid"),
    "x = 1 + 1": ("espaces typographiques",),
    "if": ("invalid",),
    "largeur = 0,03": ("avec un point",),
    "prix = 'a\u00a0: b'": (),
}


def test_a_lost_name_and_typographic_characters_are_explained():
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, allow_errors=True, timeout=60).execute()
    for cell, words in zip(notebook.cells, CELLS.values(), strict=True):
        told = " ".join(output.get("evalue") or output.get("text", "") for output in cell.outputs)
        assert all(word in told for word in words)
        assert bool(told) == bool(words)
    assert "tout le carnet" not in notebook.cells[2].outputs[0].evalue  # in a function: his own affair
