"""An edit is coherent: what a lecturer runs after a change, on any pack.

Points agree; the notebooks at the root are what ``release`` generates; blank they score 0, solved they have
full marks, and they give nothing away.
"""

import copy
import functools
import itertools
import json
import re

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")
from nbgrader.utils import determine_grade, is_grade, is_solution

from instructor import editions
from instructor.editions import local_id, packed, read
from instructor.publish import answers, leaks, points, release

from ..test_language import faults

# Added to a solved notebook: tells what its figures say.
FIGURES = """
import json
from tests.conftest import written
pictures = [shown for shown in Out.values() if hasattr(shown, "figure")]
print(json.dumps([text for picture in pictures for text in written(picture)]))
"""
SOURCES = packed()
LONG = {"keras-entrainement", "q4-apercu"}  # nbval runs them in student editions; no other cell needs them
pytestmark = pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])


@pytest.fixture(scope="session")
def corrected():
    """Execute each instructor edition once."""

    @functools.cache
    def execute(source):
        notebook = release.read_stamped(source, *release.address())
        notebook.cells = [cell for cell in notebook.cells if cell.id not in LONG]
        notebook.cells.append(nbformat.v4.new_code_cell(FIGURES, id="figures"))
        answers.add_probe(notebook)
        # Its outputs are not compared: TensorFlow may round as is fastest.
        return release.execute(notebook, TF_ENABLE_ONEDNN_OPTS="1")

    return execute


def student(source):
    return nbformat.read(release.ROOT / source.name, as_version=4)


def marks(source):
    return release.checks_of(source.stem).MARKS


def is_bonus(cell):
    return editions.BONUS_TAG in cell.metadata.get("tags", ())


def automatic(notebook):
    """Return the cells that check an answer."""
    return [cell for cell in notebook.cells if is_grade(cell) and not is_solution(cell)]


def not_executed(notebook):
    """Return a notebook's content without what comes from running it: nbval runs it and compares that."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return json.loads(nbformat.writes(notebook))


def test_the_student_edition_is_what_release_generates(source):
    generated = release.student_edition(source, *release.address())
    assert not_executed(student(source)) == not_executed(generated)


def test_points_follow_marks(source):
    assert points.disagreements(read(source), release.checks_of(source.stem)) == []


def test_a_blank_student_edition_scores_nothing_without_error(source):
    notebook = student(source)
    for cell in automatic(notebook):
        (output,) = cell.outputs
        assert output.data["text/plain"] == "0.0"
        assert "à compléter" in output.data["text/html"]
    assert sum(determine_grade(cell)[0] for cell in notebook.cells if is_grade(cell)) == 0


def test_the_instructor_edition_scores_full_marks(source, corrected):
    questions = marks(source).questions.values()
    assert points.unearned(corrected(source), release.checks_of(source.stem)) == []
    assert sum(question.points for question in questions if not question.bonus) == 20
    tagged = {editions.key_of(editions.grade_id(cell)) for cell in student(source).cells if is_bonus(cell)}
    assert tagged == {question.key for question in questions if question.bonus}


def test_the_student_edition_shows_no_right_answer(source, corrected):
    solved = copy.deepcopy(corrected(source))
    right = answers.take_probe(solved)
    assert set(right) == {
        cell.metadata.nbgrader.grade_id for cell in automatic(solved) if "check_prediction" not in cell.source
    }
    assert answers.find_answers(student(source), right) == []
    # And what it looks for can be found: the correction shows what it computes, or it is too small a number.
    assert answers.find_answers(solved, right)


def test_every_free_text_has_a_model_answer_and_a_rubric(source):
    cells = release.read_stamped(source, *release.address()).cells
    for cell, following in itertools.pairwise(cells):
        if is_grade(cell) and is_solution(cell):
            assert re.search("BEGIN SOLUTION -->\n.+\n<!-- ### END", cell.source, flags=re.DOTALL)
            assert release.INSTRUCTOR_TAG in following.metadata.tags


def test_figures_are_in_good_french(source, corrected):
    (told,) = next(cell for cell in corrected(source).cells if cell.id == "figures").outputs
    texts = json.loads(told.text)
    assert len(texts) > 100
    assert [fault for text in texts for fault in faults(text)] == []


def test_no_line_of_code_is_wider_than_a_page(source):
    cells = [cell for cell in read(source).cells if cell.cell_type == "code" and cell.id != "preparation"]
    assert [line for cell in cells for line in cell.source.splitlines() if len(line) > 100] == []


def test_no_solution_leaks_into_the_student_edition(source):
    text = "\n".join(cell.source for cell in student(source).cells)
    secrets = {"BEGIN SOLUTION", "END SOLUTION", "Barème du correcteur", "instructor"}
    secrets |= leaks.secret_lines(source)
    assert len(secrets) > 20
    assert [line for line in secrets if line in text] == []


def test_stored_notebooks_are_healthy(source):
    notebook = student(source)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.source.strip()
            assert cell.execution_count
            # The first cell has Colab to think of.
            assert cell.source.count("\n") < (28 if local_id(cell) == "preparation" else 24)
            assert "nbval-ignore-output" not in cell.metadata.get("tags", ())
            for output in cell.outputs:
                assert output.output_type != "error"
                assert output.get("name") != "stderr"
                assert release.WIDGET_VIEW not in output.get("data", {})
