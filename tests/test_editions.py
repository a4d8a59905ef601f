"""The student edition is exactly what ``release`` generates; blank it scores 0, corrected it scores 20/20."""

import copy
import importlib
import itertools
import json
import re

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")
from nbgrader.utils import determine_grade, is_grade, is_solution

from instructor import editions
from instructor.publish import answers, leaks, release

SOURCES = release.sources()
pytestmark = pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])


@pytest.fixture(scope="session")
def corrected():
    """Execute each instructor edition once."""
    notebooks = {}

    def execute(source):
        if source not in notebooks:
            notebook = release.read_stamped(source, "OWNER/NAME", "main")
            answers.add_probe(notebook)
            # Its outputs are not compared: TensorFlow may round as is fastest.
            notebooks[source] = release.execute(notebook, TF_ENABLE_ONEDNN_OPTS="1")
        return notebooks[source]

    return execute


def student(source):
    return nbformat.read(release.ROOT / source.name, as_version=4)


def marks(source):
    return importlib.import_module(f"helpers.checks.{source.stem.partition('_')[0]}").MARKS


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
    committed = student(source)
    stamped = re.search(r"/github/(.+?/.+?)/blob/(.+?)/", committed.cells[0].source)
    assert not_executed(committed) == not_executed(release.student_edition(source, *stamped.groups()))


def test_a_blank_student_edition_scores_nothing_without_error(source):
    notebook = student(source)
    for cell in automatic(notebook):
        (output,) = cell.outputs
        assert output.data["text/plain"] == "0.0"
        assert "à compléter" in output.data["text/html"]
    assert sum(determine_grade(cell)[0] for cell in notebook.cells if is_grade(cell)) == 0


def test_the_instructor_edition_scores_full_marks(source, corrected):
    notebook, questions = corrected(source), marks(source).questions.values()
    total = sum(determine_grade(cell)[0] for cell in automatic(notebook))
    manual = sum(
        cell.metadata.nbgrader.points for cell in notebook.cells if is_grade(cell) and is_solution(cell)
    )
    assert total == sum(question.points for question in questions if not question.manual) >= 12
    assert manual == sum(question.points for question in questions if question.manual)
    assert sum(question.points for question in questions if not question.bonus) == 20
    tagged = {editions.key_of(editions.grade_id(cell)) for cell in notebook.cells if is_bonus(cell)}
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


def test_every_question_is_marked_by_one_cell(source):
    points = [cell.metadata.nbgrader.points for cell in student(source).cells if is_grade(cell)]
    assert points == [question.points for question in marks(source).questions.values()]


def test_every_free_text_has_a_model_answer_and_a_rubric(source):
    cells = release.read_stamped(source, "OWNER/NAME", "main").cells
    for cell, following in itertools.pairwise(cells):
        if is_grade(cell) and is_solution(cell):
            assert len(cell.source) > 300
            assert release.INSTRUCTOR_TAG in following.metadata.tags
            amounts = re.findall(r"^- ([\d,]+) point", following.source, flags=re.MULTILINE)
            assert sum(float(amount.replace(",", ".")) for amount in amounts) == cell.metadata.nbgrader.points


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
            assert cell.source.count("\n") < (28 if cell.id == "preparation" else 24)
            assert "nbval-ignore-output" not in cell.metadata.get("tags", ())
            for output in cell.outputs:
                assert output.output_type != "error"
                assert output.get("name") != "stderr"
                assert release.WIDGET_VIEW not in output.get("data", {})


def test_the_address_of_the_repository_is_stamped(source):
    notebook = release.student_edition(source, "ecole/cours", "v2")
    text = "\n".join(cell.source for cell in notebook.cells)
    assert f"colab.research.google.com/github/ecole/cours/blob/v2/{source.name}" in text
    assert "https://github.com/ecole/cours/archive/v2.tar.gz" in text
    assert "@@" not in text
    readme = "# T\n<!-- BEGIN BADGES -->\nold\n<!-- END BADGES -->\nfin\n"
    stamped = release.stamp_readme(readme, "ecole/cours", "v2", [source])
    assert f"/ecole/cours/blob/v2/{source.name})" in stamped
    assert f"https://mybinder.org/v2/gh/ecole/cours/v2?labpath={source.name})" in stamped
    assert "https://codespaces.new/ecole/cours)" in stamped
    assert "old" not in stamped
    assert release.stamp_readme(stamped, "ecole/cours", "v2", [source]) == stamped


def test_release_never_overwrites_answers(source, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "execute", lambda notebook: notebook)
    release.release(folder=tmp_path)
    release.release(folder=tmp_path)  # as generated: nothing to lose
    path = tmp_path / source.name
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if is_solution(cell)).source += "\nma_reponse = 1"
    nbformat.write(notebook, path)
    answered = path.read_bytes()
    with pytest.raises(release.ReleaseError, match=source.name):
        release.release(folder=tmp_path)
    assert path.read_bytes() == answered
    release.release(folder=tmp_path, force=True)
    assert path.read_bytes() != answered
    path.write_text("pas un notebook")
    with pytest.raises(release.ReleaseError):
        release.release(folder=tmp_path)


def test_release_refuses_a_notebook_that_fails(source):
    notebook = release.student_edition(source, "OWNER/NAME", "main")
    notebook.cells = [nbformat.v4.new_code_cell("import sys; print('bruit', file=sys.stderr)", id="bruit")]
    with pytest.raises(release.ReleaseError, match="bruit"):
        release.execute(notebook)
