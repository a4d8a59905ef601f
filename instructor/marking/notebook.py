"""Marks a submission: its notebooks, rebuilt on our edition, run and checked in sandboxes.

A process that dies (killed, out of memory, ended by its own code) takes its cell with it: the notebook is run
again without that cell, so that the other answers count. Its status then is "partial".
"""

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.french import count, listed, typographic

from .. import bounded
from ..collect import notebooks
from ..collect.reattach import plain, reattach
from ..editions import grade_id, is_answer, key_of, nbgrader
from ..records import PART4, NotebookResult, QuestionResult, StudentResult, Submission, write_whole
from ..sandbox.bench import Bench, Outcome
from .plan import Plan, make_plan

_RESTARTS = 2
_WHY = {
    "memory": "elle dépasse la mémoire permise",
    "processes": "elle lance trop de processus",
    "time": "la durée permise au carnet est écoulée",
    "late": "elle ne s'arrête pas dans la durée permise",
    "gone": "elle met fin au programme",
    "checker": "vérifier sa réponse demande trop de temps ou de mémoire",
}
_NO_IMAGES = "CIFAR-10 n'était pas disponible à la correction, des questions restent à noter"
_NOTHING_OURS = "Aucune cellule de cette partie n'a été retrouvée dans le fichier : ouvrez-le à la main."
_OURS = "Une erreur du correcteur, et non de l'étudiant, a empêché de noter ce carnet"


def mark_submission(
    submission: Submission, editions: Mapping[str, NotebookNode], bench: Bench, folder: Path
) -> StudentResult:
    """Mark all notebooks of a submission; whatever happens to one becomes a remark on it.

    Each is written in ``folder`` as it was rebuilt, with our feedback, for formgrader to show.
    """
    result = StudentResult(submission.student, submission.name, submission.participant, submission.digest)
    result.remarks = list(submission.remarks)
    for part in sorted({*submission.notebooks, *submission.unreadable}):
        if part not in submission.notebooks:
            result.notebooks[part] = NotebookResult(part, "unreadable", certainty=0.0)
            continue
        try:
            result.notebooks[part] = _mark_notebook(submission, part, editions[part], bench, folder)
        except Exception as error:  # our own failure costs one line of the report, never the class
            with contextlib.suppress(Exception):  # what a failed bench leaves fails again, and is told again
                bench.close()
            remark = f"{_OURS} : {error or type(error).__name__}"
            result.notebooks[part] = NotebookResult(part, "refused", remarks=[remark])
        if part in submission.unreadable:  # its saved files
            result.notebooks[part].status = "unreadable"
    return result


def _mark_notebook(submission, part, edition, bench, folder) -> NotebookResult:
    try:
        attached, plan = bounded.call(_prepared, submission.notebooks[part], edition)
    except bounded.Excess as error:
        remark = f"Ce carnet n'est pas noté : {error}. Ouvrez-le à la main."
        return NotebookResult(part, "unreadable", remarks=[remark])
    if not attached.certainty:
        return NotebookResult(part, "unreadable", certainty=0.0, remarks=[_NOTHING_OURS])
    result = NotebookResult(part, "graded", certainty=attached.certainty, remarks=attached.remarks)
    result.private = attached.private
    files = submission.folder / PART4
    files = files if part.startswith(PART4) and files.is_dir() else None
    run(result, edition, attached.notebook, plan, bench, files)
    feedback = {question.cell: question.feedback for question in result.questions}
    for cell in attached.notebook.cells:
        if cell.cell_type == "code" and feedback.get(grade_id(cell)):
            cell.outputs = [nbformat.v4.new_output("stream", text=feedback[grade_id(cell)])]
    write_whole(folder / f"{part}.ipynb", nbformat.writes(attached.notebook) + "\n")
    return result


def _prepared(path, edition):
    """Return a staged notebook put back on the edition, and its plan."""
    attached = reattach(notebooks.read(path), edition)
    return attached, make_plan(attached.notebook)


def run(result: NotebookResult, edition, notebook, plan: Plan, bench, folder=None) -> None:
    """Run and check a rebuilt notebook, and fill in its result."""
    outcome = bench.mark(plan.part, plan.steps, folder)
    if _misses(plan.left_out, outcome):
        # Something was left out that an answer reads in a way we did not see: run all of it.
        plan = make_plan(notebook, complete=True)
        outcome = bench.mark(plan.part, plan.steps, folder)
    outcome = _without_deadly_cells(plan, outcome, result, bench, folder)
    stopped = [cell for cell, error in outcome.errors.items() if error.startswith("TempsDepasse")]
    if stopped:
        result.status = "partial"
        cells = listed(f"« {cell} »" for cell in stopped)
        limit = count(bench.limits.cell, "seconde")
        result.remarks.append(f"Exécution arrêtée après {limit}, cellule {cells}.")
    result.private += outcome.remarks
    scores = {key: score for key, score in outcome.scores.items() if score["points"] is None}
    if waiting := [key for key, score in scores.items() if "CIFAR-10" in score["feedback"]]:
        result.remarks.append(f"{_NO_IMAGES} : {listed(waiting)} (option --cifar10).")
    result.seconds = {phase: round(seconds, 2) for phase, seconds in outcome.seconds.items()}
    described = bench.describe(plan.part)["questions"]
    result.questions = _questions(edition, notebook, outcome.scores, described)


def _misses(names, outcome):
    missing = (re.match(r"NameError: name '(\w+)'", error) for error in outcome.errors.values())
    return any(found and found[1] in names for found in missing)


def _without_deadly_cells(plan: Plan, outcome: Outcome, result: NotebookResult, bench, folder) -> Outcome:
    """Run again what a dead process left undone, without the cells that killed it."""
    steps = plan.steps
    for attempt in range(_RESTARTS + 1):
        if not outcome.lost:
            return outcome
        result.status = "partial"
        deadly = steps[outcome.done]
        result.remarks.append(f"Cellule « {deadly['cell']} » arrêtée : {_WHY[outcome.lost]}.")
        if attempt == _RESTARTS or outcome.lost == "time":
            break
        # Checks already reached keep their marks; the cells before are needed again for the others.
        marked = [step for step in steps[: outcome.done] if "check" in step]
        steps = [step for step in steps if step is not deadly and step not in marked]
        again = bench.mark(plan.part, steps, folder)
        seconds = {key: outcome.seconds[key] + again.seconds[key] for key in outcome.seconds}
        scores, errors = {**again.scores, **outcome.scores}, {**again.errors, **outcome.errors}
        remarks = outcome.remarks + again.remarks
        outcome = replace(again, scores=scores, errors=errors, remarks=remarks, seconds=seconds)
    result.remarks.append("Le reste du carnet n'a pas été exécuté : les questions déjà vérifiées comptent.")
    return outcome


def _questions(edition, notebook, scores, described) -> list[QuestionResult]:
    """Return all questions of a part, in its order, with the scores of the checks that were reached."""
    cells = {key_of(grade_id(cell)): grade_id(cell) for cell in notebook.cells if nbgrader(cell).get("grade")}
    answers, stubs = _answers(notebook), _answers(edition)
    results = []
    for question in described:
        key, manual = question["key"], question["manual"]
        result = QuestionResult(key, question["title"], 0.0, question["points"], manual, False)
        result.answer, result.cell = answers.get(key, ""), cells.get(key, "")
        if manual:
            result.points, result.answered = None, result.answer.strip() not in ("", stubs[key].strip())
            if not result.answered:
                result.answer = ""
        elif score := scores.get(key):
            result.points, result.feedback = score["points"], score["feedback"]
            # Also a cell that was filled in under other names.
            result.answered = score["answered"] or _code(result.answer) != _code(stubs.get(key, ""))
        else:
            result.feedback = typographic("Question non vérifiée : l'exécution s'est arrêtée avant elle.")
        results.append(result)
    return results


def _code(source):
    return plain(re.sub("#.*", "", source))


def _answers(notebook):
    """Return what stands in the answer cells, by question; of the bonus, in its text, which comes last."""
    return {key_of(grade_id(cell)): cell.source for cell in notebook.cells if is_answer(cell)}
