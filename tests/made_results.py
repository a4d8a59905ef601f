"""Made results of a class, with the questions of part 1 and known points."""

import functools
import json

from nbgrader import api

from instructor import editions
from instructor.editions import parts
from instructor.records import NotebookResult, QuestionResult, StudentResult
from instructor.report import results as asked

PART1 = "part1_linear_vs_relu"
# nbgrader starts a process to learn its database's version: once is enough for all tests.
api.get_alembic_version = functools.cache(api.get_alembic_version)
FREE = "1.c"  # a free text worth 2 points


def question(key, points=None, answer="", part=PART1, **changes):
    """A question of a part: free text when it has a rubric."""
    known = parts()[part]
    manual = key in known.rubrics
    kind = "explication" if manual else "verification"
    if part == PART1 and key == "4.d":
        kind = "conclusion"
    values = {
        "title": f"Question {key}",
        "maximum": known.points[key],
        "manual": manual,
        "answered": bool(answer),
        "feedback": "" if manual else "Relisez `plateau`.",
        "cell": f"q{key.replace('.', '')}-{kind}",
    }
    return QuestionResult(key=key, points=points, answer=answer, **values | changes)


def student(name, *questions, part=PART1, participant="", status="graded", **changes):
    """A student with one notebook."""
    notebook = NotebookResult(part, status, list(questions), seconds={"start": 2.0, "run": 8.0}, **changes)
    return StudentResult(name, name.title(), participant, "digest", {part: notebook})


def complete(name, free_text, share=1.0, marked=None, **changes):
    """A student who answered all of part 1: ``share`` of the automatic points, one free text."""
    known = parts()[PART1]
    questions = [
        question(key, marked, f"{free_text} ({key})")
        if key in known.rubrics
        else question(key, share * points, "x = 1")
        for key, points in known.points.items()
    ]
    return student(name, *questions, **changes)


def store(results, *students, numbers=(1,)):
    """Write them as ``grade --parts`` does: the marks, and the notebooks with the answers."""
    asked.settings(results, parts=editions.chosen(numbers, list(parts())))
    for one in students:
        folder = results / "students" / one.student
        one.save(folder / "result.json")
        for part, notebook in one.notebooks.items():
            answers = {question.key: question.answer for question in notebook.questions}
            cells = editions.read(editions.ROOT / f"{part}.ipynb").cells
            for cell in cells:
                metadata = cell["metadata"].get("nbgrader", {})
                if metadata.get("solution"):
                    cell["source"] = answers.get(editions.key_of(metadata["grade_id"])) or cell["source"]
            rebuilt = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
            (folder / f"{part}.ipynb").write_text(json.dumps(rebuilt), "utf-8")
