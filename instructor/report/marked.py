"""Everybody's marks: the machine's, with what the teacher typed over them."""

from __future__ import annotations

from pathlib import Path

from ..records import StudentResult
from . import formgrader, manual_csv
from .results import load


def marked(results: Path) -> list[StudentResult]:
    """Read everybody's marks with what the teacher typed in manual.csv or in formgrader.

    manual.csv gains the lines that it lacks. Where both say something of a question, formgrader wins.

    Raises:
        manual_csv.ManualError: what the teacher typed cannot be read; nothing was changed.
    """
    students = load(results)
    overridden = formgrader.typed(results / formgrader.COURSE)
    by_hand = manual_csv.merge(results / "manual.csv", students, overridden)
    for student in students:
        for notebook in student.notebooks.values():
            for question in notebook.questions:
                identity = (student.student, notebook.part, question.key)
                for source in (by_hand, overridden):
                    if identity in source:
                        _apply(question, source[identity])
    return students


def _apply(question, typed):
    if typed.points is not None:
        question.points = typed.points
    if typed.comment:
        question.comment = typed.comment
