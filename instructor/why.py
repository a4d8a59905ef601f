"""Why a student got this mark: one question, marked anew from what ``grade`` stored, and what led there."""

import contextlib
import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from helpers.french import plain, typographic

from .collect.intake import collect
from .collect.reattach import plain as code
from .editions import ROOT, chosen, part, read, ref_of
from .marking.grade import staging
from .marking.plan import make_plan
from .records import PART4, NotebookResult, QuestionResult, Refused, StudentResult
from .report import moodle, results
from .sandbox.bench import Bench
from .sandbox.inside.limits import Limits
from .sandbox.room import lab, require

_NOT_MARKED = {"unreadable": "could not be read", "refused": "failed by our fault", "missing": "was not sent"}


def why(
    folder: Path,
    who: str,
    key: str,
    numbers: Sequence[int] | None = None,
    submissions: Path | None = None,
    cifar10: Path | None = None,
) -> Iterator[str]:
    """Yield what is known of one question of a student, in each part that has it.

    Args:
        folder: RESULTS.
        who: the student's identifier or name, accents, case and order aside.
        key: the question's, such as "2.b", "2b" or "Question 2.b".
        numbers: of the parts to look at; by default all those that were asked.
        submissions: what was graded, for the files that Part 4 measures, which RESULTS does not keep.
        cifar10: folder of CIFAR-10, for Part 4.

    Raises:
        Refused: no results, no such student or question, or more than one student of that name.
        SandboxError: nothing can be isolated here.
    """
    require()
    names = chosen(numbers, results.settings(folder)["parts"])
    students = results.marked(folder)
    named = [student for student in students if student.student == who.casefold()] or [
        student for student in students if moodle.folded(student.name) == moodle.folded(who) != ()
    ]
    if len(named) != 1:
        known = ", ".join(student.student for student in named or students)
        raise Refused(f"{'several students' if named else 'no student'} {who!r}; there are: {known}.")
    (student,) = named
    if typed := re.search(r"(\d+)\W?([a-z])\b", key.casefold()):
        key = f"{typed[1]}.{typed[2]}"
    found = [
        (notebook, question)
        for name, notebook in student.notebooks.items()
        for question in notebook.questions
        if name in names and question.key.casefold() == key.casefold()
    ]
    if not found:
        statuses = zip(names, results.mark(student, names).statuses, strict=True)
        but = [f"; {name} {_NOT_MARKED[status]}" for name, status in statuses if status in _NOT_MARKED]
        raise Refused(f"{student.student} has no question {key!r} in {', '.join(names)}{''.join(but)}.")
    with contextlib.ExitStack() as stack:
        unpacked = Path(stack.enter_context(staging()))
        if submissions:
            collect(submissions, unpacked)
        saved = unpacked / student.student / PART4
        bench = Bench(stack.enter_context(lab()), Limits(), cifar10=cifar10)
        stack.callback(bench.close)
        stored = folder / "students" / student.student
        for notebook, question in found:
            yield from _told(stored, student, notebook, question)
            if notebook.part.startswith(PART4) and not saved.exists() and not question.manual:
                yield "not replayed: give what was graded by --submissions, and --cifar10"
            elif not question.manual:
                yield from _replayed(stored, notebook, question, bench, saved)


def _told(
    stored, student: StudentResult, notebook: NotebookResult, question: QuestionResult
) -> Iterator[str]:
    marked_on = datetime.fromtimestamp((stored / "result.json").stat().st_mtime)
    edition, current = (_edition(read(folder / f"{notebook.part}.ipynb")) for folder in (stored, ROOT))
    yield f"{student.name} ({student.student}), {part(notebook.part).title}, {question.key}, {question.title}"
    yield f"marked on {marked_on:%Y-%m-%d %H:%M}, edition {edition}" + (
        "" if edition == current else f", which is no longer the current one, {current}"
    )
    points = "waits for you" if question.waits else f"{plain(question.points or 0)}"
    yield f"mark: {points} / {plain(question.maximum)}, {question.typed_in or 'automatique'}" + (
        f"; before: {before}" if (before := results.former(question)) else ""
    )
    yield from (
        f"remark: {typographic(remark)}"
        for remark in [*student.remarks, *notebook.remarks, *notebook.private]
    )
    yield from _block("answer", question.answer)
    if question.feedback:
        yield from _block("feedback", question.feedback)
    if question.comment:
        yield from _block("comment", question.comment)


def _edition(notebook) -> str:
    return f"{ref_of(notebook)} {notebook.metadata.get('lab', {}).get('sources', '')[:12]}".strip()


def _replayed(stored, notebook: NotebookResult, question: QuestionResult, bench, saved) -> Iterator[str]:
    plan = make_plan(read(stored / f"{notebook.part}.ipynb"))
    keys = bench.describe(plan.part)["checks"]
    place = next(i for i, step in enumerate(plan.steps) if keys.get(step.get("check")) == question.key)
    steps = [step for step in plan.steps[:place] if "run" in step] + [plan.steps[place] | {"show": True}]
    outcome = bench.mark(plan.part, steps, saved if saved.exists() else None)
    for cell, error in outcome.errors.items():
        yield f"error in {cell}: {error}"
    score = outcome.scores.get(question.key)
    if score is None:
        yield f"replayed: not marked, the student's process ended ({outcome.lost})"
        return
    yield from _block("values", "\n".join(f"{name} = {value}" for name, value in score["values"].items()))
    stored_points = question.former.get("automatique", question.points)
    same = score["points"] == stored_points and code(score["feedback"]) == code(question.feedback)
    yield f"replayed: {'the same' if same else plain(score['points'] or 0)}"
    if not same:
        yield from _block("feedback now", score["feedback"])


def _block(title, text):
    yield f"{title}:"
    yield textwrap.indent(text.strip() or "(none)", "    ")
