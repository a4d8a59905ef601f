"""The class at a glance: grades, each question, frequent mistakes, work to look at, alike submissions."""

from __future__ import annotations

import io
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator

from helpers.french import NBSP, decimal, percent
from helpers.plotting.figure import BLUE, INK, ORANGE, new_figure

from ..editions import part
from ..records import StudentResult
from . import results, similarity

WRONG = "#c4453c"
COLOURS = {  # of the states of questions
    "réussi": BLUE,
    "en partie réussi": "#8fc1e3",
    "à revoir": WRONG,
    "sans réponse": "#d4d8dc",
    "en attente de correction": ORANGE,
}
MISTAKES = 5  # shown per question
FREQUENT = 2  # students that give an answer for it to be shown
MOST_PAIRS = 40  # shown


@dataclass
class Mistake:
    """A wrong answer that several students gave, and what they were told."""

    answer: str
    students: int
    feedback: str


@dataclass
class Asked:
    """How the class answered one question."""

    key: str
    title: str
    maximum: float
    rubric: str
    states: Counter[str]
    mean: float | None
    mistakes: list[Mistake]


def overview(students: list[StudentResult], names: list[str]) -> dict[str, object]:
    """Gather what class.html shows, by the names that it uses.

    Args:
        students: with the teacher's marks merged in.
        names: the parts, in order.
    """
    marks = [results.mark(student, names) for student in students]
    questions = {name: _asked(students, name) for name in names}
    grades = [grade for mark in marks if (grade := mark.grade()) is not None]
    machine = [grade for student in students if (grade := _machine_grade(student, names)) is not None]
    known = len(grades) == len(students)
    return {
        "students": students,
        "names": names,
        "received": sum(len(student.notebooks) for student in students),
        "waiting": sum(len(mark.waiting) for mark in marks),
        "grades": grades,
        "median": statistics.median(grades) if grades else None,
        "grades_figure": _grades_figure(grades if known else machine),
        "grades_sentence": f"Notes sur {results.SCALE}{'' if known else ' des seules questions vérifiées'}",
        "questions": questions,
        "question_figures": {name: _questions_figure(asked) for name, asked in questions.items() if asked},
        "to_look_at": sorted(
            ((s, why) for s in students if (why := _why_look(s, names))),
            key=lambda item: _calm(item[0], names),
        ),
        "pairs": similarity.similar(students),
        "phases": _phases(students),
    }


def _machine_grade(student, names):
    """Return the grade over the questions marked by machine only."""
    automatic = [
        question
        for name in names
        for question in (student.notebooks[name].questions if name in student.notebooks else ())
        if not question.manual and question.key not in part(name).bonus
    ]
    maximum = sum(question.maximum for question in automatic)
    return sum(q.points or 0 for q in automatic) / maximum * results.SCALE if maximum else None


def _asked(students, name):
    by_key = defaultdict(list)
    for student in students:
        for question in student.notebooks[name].questions if name in student.notebooks else ():
            by_key[question.key].append(question)
    asked = []
    for key in filter(by_key.get, results.question_keys(students, name)):
        answers = by_key[key]
        first = answers[0]
        marked = [question.points for question in answers if question.points is not None]
        asked.append(
            Asked(
                key,
                first.title,
                first.maximum,
                part(name).rubrics.get(key, ""),
                Counter(map(results.state, answers)),
                statistics.fmean(marked) if marked else None,
                [] if first.manual else _mistakes(answers),
            )
        )
    return asked


def _mistakes(answers):
    groups = defaultdict(list)
    for question in answers:
        if question.answered and (question.points or 0) < question.maximum and question.answer.strip():
            groups[similarity.normalised(question.answer)].append(question)
    frequent = sorted(groups.values(), key=lambda group: (-len(group), group[0].answer))
    return [
        Mistake(group[0].answer, len(group), Counter(q.feedback for q in group).most_common(1)[0][0])
        for group in frequent[:MISTAKES]
        if len(group) >= FREQUENT
    ]


def _why_look(student, names):
    why = [
        f"{part(name).title}{NBSP}: {results.STATUS[notebook.status]}."
        for name, notebook in sorted(student.notebooks.items())
        if notebook.status != "graded"
    ]
    missing = [part(name).title for name in names if name not in student.notebooks]
    if missing:
        why.append(f"Non rendu{NBSP}: {', '.join(missing)}.")
    return why + results.remarks(student)


def _calm(student, names):
    """Sort key: work without a mark first, then work partly marked or recognised badly, then mere remarks."""
    statuses = {notebook.status for notebook in student.notebooks.values()}
    sure = min((notebook.certainty for notebook in student.notebooks.values()), default=0)
    if not statuses or "refused" in statuses:
        return 0
    if statuses != {"graded"} or sure < results.LOW_CERTAINTY:
        return 1
    return 2 if len(student.notebooks) < len(names) else 3


def _phases(students):
    """Return, for each phase of marking, its name, its median a notebook and its share of all the time."""
    by_phase = defaultdict(list)
    for student in students:
        for notebook in student.notebooks.values():
            for phase, seconds in notebook.seconds.items():
                by_phase[phase].append(seconds)
    total = sum(map(sum, by_phase.values()))
    french = {"start": "démarrage", "run": "exécution", "check": "vérification"}
    return [
        (
            french[phase],
            f"{decimal(statistics.median(seconds), 1)}{NBSP}s",
            percent(sum(seconds) / total if total else 0, 0),
        )
        for phase, seconds in sorted(by_phase.items(), key=lambda item: -sum(item[1]))
    ]


def _grades_figure(grades):
    figure, ((axis,),) = new_figure(1, 1, 8.4, 2.6)
    axis.hist(grades, bins=range(results.SCALE + 1), color=BLUE, edgecolor="white", linewidth=1.2)
    if grades:
        median = statistics.median(grades)
        axis.axvline(median, color=ORANGE, linewidth=2)
        axis.annotate(
            f" médiane {decimal(median, 1)}",
            (median, 1),
            xycoords=("data", "axes fraction"),
            va="top",
            color=INK,
        )
    axis.set_ylim(0, 1.18 * max(1, axis.get_ylim()[1]))
    axis.set(xlim=(0, results.SCALE), xlabel=f"note sur {results.SCALE}", ylabel="étudiants")
    axis.set_xticks(range(0, results.SCALE + 1, 2))
    axis.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    return _svg(figure)


def _questions_figure(asked):
    figure, ((axis,),) = new_figure(1, 1, 8.4, 0.9 + 0.31 * len(asked))
    totals, left = np.array([question.states.total() for question in asked]), np.zeros(len(asked))
    for state, colour in COLOURS.items():
        numbers = np.array([question.states[state] for question in asked])
        shares = 100 * numbers / totals
        style = {"color": colour, "height": 0.72, "edgecolor": "white", "linewidth": 0.8}
        bars = axis.barh(range(len(asked)), shares, left=left, label=state, **style)
        texts = [str(number) if share >= 6 else "" for number, share in zip(numbers, shares, strict=True)]
        dark = colour in (BLUE, WRONG)
        axis.bar_label(bars, texts, label_type="center", fontsize=8.5, color="white" if dark else INK)
        left += shares
    axis.set_yticks(range(len(asked)), [f"{q.key}  {_short(q.title)}" for q in asked])
    axis.invert_yaxis()
    axis.set(xlim=(0, 100), xlabel="part des carnets rendus (%)")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(COLOURS), frameon=False, fontsize=9)
    return _svg(figure)


def _short(title, length=44):
    return title if len(title) <= length else title[: length - 1] + "…"


def _svg(figure) -> bytes:
    target = io.BytesIO()
    with rc_context({"svg.hashsalt": "lab", "svg.fonttype": "path"}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()
