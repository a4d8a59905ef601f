"""RESULTS/nbgrader: a course folder on which nbgrader's formgrader marks free texts by hand.

Our points are the gradebook's ``auto_score``; ``manual_score`` and ``manual_comment`` belong to the teacher,
are read back as marks, and are never written here.
"""

import contextlib
import functools
import html
import json
import os
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader import api
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import selectinload

from .. import bounded
from ..editions import ROOT, grade_id, is_free_text, key_of, part, read
from ..markdown import student_html, to_html
from ..records import Identity, NotebookResult, Refused, StudentResult, write_whole
from .manual_csv import Typed

COURSE = "nbgrader"
_CONFIG = """# Written by `python -m instructor`. Start `jupyter lab` in this folder, then open /formgrader.
from pathlib import Path

c = get_config()
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.course_id = "default_course"
"""
_LOADED = (api.SubmittedNotebook.assignment, api.SubmittedNotebook.grades, api.SubmittedNotebook.comments)
# What formgrader shows of an output: nothing that could run in the teacher's browser.
_SAFE_OUTPUTS = {"text/plain", "image/png", "image/jpeg"}


def typed(course: Path) -> dict[Identity, Typed]:
    """Read what the teacher typed in formgrader: points (with extra credit) and comments.

    Raises:
        Refused: the gradebook cannot be read.
    """
    if not (course / "gradebook.db").exists():
        return {}
    found: dict[Identity, Typed] = {}
    with _open(course) as book:
        for student, name, cell, grade in book.db.execute(
            _of_a_student(api.Grade).where(
                or_(api.Grade.manual_score.is_not(None), api.Grade.extra_credit != 0)
            )
        ):
            base = grade.manual_score if grade.manual_score is not None else grade.auto_score or 0
            stale = grade.manual_score is not None and grade.needs_manual_grade
            found[student, name, key_of(cell)] = Typed(base + (grade.extra_credit or 0), stale=stale)
        for student, name, cell, comment in book.db.execute(
            _of_a_student(api.Comment).where(api.Comment.manual_comment.is_not(None))
        ):
            found.setdefault((student, name, key_of(cell)), Typed()).comment = comment.manual_comment.strip()
    return found


def write(results: Path, students: Sequence[StudentResult]) -> None:
    """Bring RESULTS's course folder up to date: notebooks to read, our points, what waits for the teacher.

    Raises:
        Refused: the gradebook cannot be written.
    """
    course = results / COURSE
    write_whole(course / "nbgrader_config.py", _CONFIG)
    with _open(course) as book:
        for name in sorted({name for student in students for name in student.notebooks}):
            if (ROOT / f"{name}.ipynb").exists():
                (course / "source" / name).mkdir(parents=True, exist_ok=True)  # what formgrader lists
                _write_part(book, results, name, students)
        book.db.commit()


def _write_part(book, results, name, students):
    notebook = _source(book, name)
    people = {student.id: student for student in book.db.scalars(select(api.Student))}
    known = {
        submission.assignment.student_id: submission
        for submission in book.db.scalars(
            select(api.SubmittedNotebook)
            .where(api.SubmittedNotebook.notebook_id == notebook.id)
            .options(*map(selectinload, _LOADED))
        )
    }
    for student in students:
        result = student.notebooks.get(name)
        stored = results / "students" / student.student / f"{name}.ipynb"
        if not result or not result.questions or not stored.exists():
            continue
        shown = results / COURSE / "autograded" / student.student / name / f"{name}.ipynb"
        changed = _write_notebook(shown, stored, result)
        person = people.get(student.student) or api.Student(id=student.student)
        person.last_name = student.name.translate({ord("<"): "‹", ord(">"): "›"})  # shown as HTML
        if not (submission := known.get(student.student)):
            whole = api.SubmittedAssignment(assignment=notebook.assignment, student=person)
            submission = api.SubmittedNotebook(notebook=notebook, assignment=whole)
            book.db.add_all([person, whole, submission])
        questions = {question.key: question for question in result.questions}
        grades = {grade.cell_id: grade for grade in submission.grades}
        for cell in notebook.grade_cells:
            if not (grade := grades.get(cell.id)):
                grade = api.Grade(cell=cell, notebook=submission)
                book.db.add(grade)
            key = key_of(cell.name)
            _write_grade(grade, questions.get(key), key in changed)
        comments = {comment.cell_id: comment for comment in submission.comments}
        for cell in notebook.solution_cells:
            if not (comment := comments.get(cell.id)):
                comment = api.Comment(cell=cell, notebook=submission)
                book.db.add(comment)
            question = questions.get(key_of(cell.name))
            if question and comment.manual_comment is None:
                comment.auto_comment = question.comment or None


def _write_grade(grade, question, changed):
    if grade.manual_score is None:
        grade.auto_score = question.earned if question else 0
        grade.needs_manual_grade = grade.auto_score is None
    elif changed:
        grade.needs_manual_grade = True  # marked by hand, but of another answer


def _source(book, name):
    """Bring a part's cells in the gradebook up to date with the edition; return its notebook there."""
    assignment = book.update_or_create_assignment(name)
    assignment.course_id = book.course_id
    known = {cell.name: cell.checksum for cell in book.update_or_create_notebook(name, name).source_cells}
    for cell in read(ROOT / f"{name}.ipynb").cells:
        metadata = cell["metadata"].get("nbgrader")
        if not metadata or known.get(metadata["grade_id"]) == metadata["checksum"]:
            continue
        place = (metadata["grade_id"], name, name)
        values = {"cell_type": cell["cell_type"]}
        if metadata["grade"]:
            book.update_or_create_grade_cell(*place, max_score=float(metadata["points"]), **values)
        if metadata["solution"]:
            book.update_or_create_solution_cell(*place)
        values |= {"source": cell["source"], "checksum": metadata["checksum"], "locked": metadata["locked"]}
        book.update_or_create_source_cell(*place, **values)
    return book.find_notebook(name, name)


def _of_a_student(kind):
    """Select a student's id, the assignment's name, the cell's name and the record."""
    return (
        select(api.SubmittedAssignment.student_id, api.Assignment.name, api.BaseCell.name, kind)
        .join(api.SubmittedNotebook, kind.notebook_id == api.SubmittedNotebook.id)
        .join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
        .join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
        .join(api.BaseCell, kind.cell_id == api.BaseCell.id)
    )


@contextlib.contextmanager
def _open(course: Path):
    """Open the course's gradebook; an error of the database becomes one sentence."""
    path, before = course / "gradebook.db", os.environ.get("PATH", "")
    # nbgrader calls `alembic` by name, also in an environment that is not activated.
    os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), before))
    try:
        with api.Gradebook(f"sqlite:///{path.resolve()}") as book:
            yield book
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise Refused(f"{path} cannot be used ({reason}). Close formgrader, or move it away.") from None
    finally:
        os.environ["PATH"] = before


def _write_notebook(shown: Path, stored: Path, result: NotebookResult) -> set[str]:
    """Write the notebook that formgrader shows; return the keys of the free texts that differ from before."""
    made = stored.stat().st_mtime_ns
    if shown.exists() and shown.stat().st_mtime_ns == made:
        return set()
    before = {grade_id(cell): cell.source for cell in read(shown).cells} if shown.exists() else {}
    notebook, cells = read(stored), []
    ours, rubrics = _statements(result.part), part(result.part).rubrics
    for cell in notebook.cells:
        cells.append(_html(cell, to_html(cell.source)) if cell.source in ours else _safe(cell))
        if is_free_text(cell) and (rubric := rubrics.get(key := key_of(grade_id(cell)))):
            name = f"bareme-{key.replace('.', '')}"
            cells.append(_html(nbformat.v4.new_markdown_cell(id=name), to_html(rubric)))
    write_whole(shown, json.dumps(notebook | {"cells": cells}))
    os.utime(shown, ns=(made, made))
    now = {grade_id(cell): cell.source for cell in cells}
    manual = (question for question in result.questions if question.manual)
    return {q.key for q in manual if q.cell in before and before[q.cell] != now.get(q.cell)}


@functools.cache
def _statements(name: str) -> set[str]:
    """Return the texts of a part that are ours, whose HTML is meant."""
    return {cell.source for cell in read(ROOT / f"{name}.ipynb").cells if cell.cell_type == "markdown"}


def _safe(cell: NotebookNode) -> NotebookNode:
    """Disarm a student's cell: formgrader shows HTML as it is, on a page that may drive Jupyter."""
    if cell.cell_type == "code":
        for output in cell.outputs:
            if "data" in output:
                output.data = {kind: data for kind, data in output.data.items() if kind in _SAFE_OUTPUTS}
        return cell
    try:
        shown = bounded.call(student_html, cell.source, cell.get("attachments"), seconds=5)
    except bounded.Excess:
        shown = f"<pre>{html.escape(cell.source)}</pre>"
    return _html(cell, shown)


def _html(cell, shown) -> NotebookNode:
    """Return a cell as HTML with formulas in MathML: formgrader's own renderer fetches a script for them."""
    # One line in a block is HTML to the end: nothing in it is read as Markdown once more.
    shown = shown.replace("\n", "&#10;").replace("[", "&#91;")  # nbconvert takes long over many of these
    changed = {"cell_type": "markdown", "source": f"<div>{shown}</div>", "attachments": {}}
    return nbformat.from_dict({**cell, **changed})
