"""Writes every report: tables, pages, manual marks, formgrader's course."""

from pathlib import Path

from ..records import write_whole
from . import formgrader, moodle, overview, pages, spreadsheet
from .results import marked, marks_table, questions_table, settings


def write_reports(results: Path) -> list[Path]:
    """Write every report of RESULTS from the stored marks, its settings, and what the teacher typed.

    Returns:
        The paths written.

    Raises:
        Refused: what the teacher typed cannot be read; nothing was changed.
    """
    students = marked(results)
    delayed = moodle.late(results, students)
    for student in students:
        student.remarks += filter(None, [delayed.get(student.student)])
    names, excel = (settings(results)[key] for key in ("parts", "excel"))
    write_whole(results / "marks.csv", spreadsheet.render(*marks_table(students, names), excel))
    write_whole(results / "questions.csv", spreadsheet.render(*questions_table(students), excel))
    for student in students:
        write_whole(results / "feedback" / f"{student.student}.html", pages.feedback(student, names))
    write_whole(results / "class.html", pages.class_page(overview.overview(students, names)))
    formgrader.write(results, students)
    written = ("manual.csv", "marks.csv", "questions.csv", "class.html", "feedback", formgrader.COURSE)
    return [results / name for name in written]
