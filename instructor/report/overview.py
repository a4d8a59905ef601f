"""The class at a glance: grades, each question, frequent mistakes, work to look at, alike submissions."""

from __future__ import annotations

import io
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from matplotlib import rc_context
from matplotlib.ticker import MaxNLocator

from helpers.french import NBSP, decimal
from helpers.plotting.figure import BLUE, INK, ORANGE, new_figure

from ..editions import part
from ..records import QuestionResult, StudentResult
from . import results, similarity

WRONG = "#c4453c"
KINDS = (
    ("réussi", BLUE),
    ("en partie", "#8fc1e3"),
    ("à revoir", WRONG),
    ("sans réponse", "#d4d8dc"),
    ("à corriger", ORANGE),
)
MISTAKES = 5  # shown per question
FREQUENT = 2  # students that give an answer for it to be shown
MOST_PAIRS = 40


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
    manual: bool
    rubric: str
    kinds: list[int]  # students of each of KINDS
    mean: float | None
    mistakes: list[Mistake] = field(default_factory=list)


@dataclass
class Overview:
    """What class.html shows."""

    students: list[StudentResult]
    names: list[str]
    marks: dict[str, results.Mark]  # by student
    tiles: list[tuple[str, str]]
    grades_figure: bytes
    grades_sentence: str
    questions: dict[str, list[Asked]]  # by part
    question_figures: dict[str, bytes]
    to_look_at: list[tuple[StudentResult, list[str]]]
    pairs: list[similarity.Pair]
    more_pairs: int
    phases: list[tuple[str, str, str]]


def overview(students: list[StudentResult], names: list[str]) -> Overview:
    """Gather what class.html shows.

    Args:
        students: with the teacher's marks merged in.
        names: the parts, in order.
    """
    marks = {student.student: results.mark(student, names) for student in students}
    questions = {name: _asked(students, name) for name in names}
    grades = [grade for mark in marks.values() if (grade := mark.grade()) is not None]
    pairs = similarity.similar(students)
    machine = [_machine_grade(student, names) for student in students]
    shown, sentence = (
        (grades, "") if len(grades) == len(students) else (machine, " des seules questions vérifiées")
    )
    return Overview(
        students=students,
        names=names,
        marks=marks,
        tiles=_tiles(students, marks, grades),
        grades_figure=_grades_figure([grade for grade in shown if grade is not None]),
        grades_sentence=f"Notes sur {results.SCALE}{sentence}",
        questions=questions,
        question_figures={name: _questions_figure(asked) for name, asked in questions.items() if asked},
        to_look_at=sorted(
            ((s, why) for s in students if (why := _why_look(s, names))),
            key=lambda item: _calm(item[0], names),
        ),
        pairs=pairs[:MOST_PAIRS],
        more_pairs=max(0, len(pairs) - MOST_PAIRS),
        phases=_phases(students),
    )


def _machine_grade(student, names):
    """Return the grade over the questions marked by machine only."""
    points = maximum = 0.0
    for name in names:
        notebook = student.notebooks.get(name)
        automatic = [question for question in (notebook.questions if notebook else ()) if not question.manual]
        points += sum(question.points or 0 for question in automatic)
        maximum += sum(question.maximum for question in automatic)
    return points / maximum * results.SCALE if maximum else None


def _tiles(students, marks, grades):
    waiting = sum(len(mark.waiting) for mark in marks.values())
    tiles = [(str(len(students)), "étudiant" + "s" * (len(students) >= 2))]
    tiles.append((str(sum(len(s.notebooks) for s in students)), "carnets reçus"))
    tiles.append((str(waiting), "réponses à corriger"))
    if grades:
        tiles.append((decimal(statistics.median(grades), 1), f"médiane des {len(grades)} notes complètes"))
    return tiles


def _asked(students, name):
    by_key = defaultdict(list)
    for student in students:
        if name in student.notebooks:
            for question in student.notebooks[name].questions:
                by_key[question.key].append(question)
    known = part(name)
    keys = list(dict.fromkeys((*known.points, *sorted(by_key))))
    asked = []
    for key in keys:
        if not (answers := by_key.get(key)):
            continue
        first = answers[0]
        kinds = Counter(map(_kind, answers))
        marked = [question.points for question in answers if question.points is not None]
        asked.append(
            Asked(
                key,
                first.title,
                first.maximum,
                first.manual,
                known.rubrics.get(key, ""),
                [kinds[kind] for kind in range(len(KINDS))],
                statistics.fmean(marked) if marked else None,
                [] if first.manual else _mistakes(answers),
            )
        )
    return asked


def _kind(question: QuestionResult) -> int:
    return {
        "réussi": 0,
        "en partie réussi": 1,
        "à revoir": 2,
        "sans réponse": 3,
        "en attente de correction": 4,
    }[results.state(question)]


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
        f"{part(name).title}{NBSP}: {results.STATUS.get(notebook.status, notebook.status)}."
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
            french.get(phase, phase),
            f"{decimal(statistics.median(seconds), 1)}{NBSP}s",
            f"{round(100 * sum(seconds) / total) if total else 0}{NBSP}%",
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
    for row, question in enumerate(asked):
        total, left = sum(question.kinds), 0.0
        for number, (_, colour) in zip(question.kinds, KINDS, strict=True):
            share = 100 * number / total
            axis.barh(row, share, left=left, color=colour, height=0.72, edgecolor="white", linewidth=0.8)
            if share >= 6:
                dark = colour in (BLUE, WRONG)
                axis.text(
                    left + share / 2, row, str(number), ha="center", va="center", fontsize=8.5,
                    color="white" if dark else INK,
                )  # fmt: skip
            left += share
    axis.set_yticks(range(len(asked)), [f"{q.key}  {_short(q.title)}" for q in asked])
    axis.invert_yaxis()
    axis.set(xlim=(0, 100), xlabel="part des carnets rendus (%)")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    patches = [axis.barh([0], [0], color=colour, label=name) for name, colour in KINDS]
    figure.legend(handles=patches, loc="outside upper center", ncols=len(KINDS), frameon=False, fontsize=9)
    return _svg(figure)


def _short(title, length=44):
    return title if len(title) <= length else title[: length - 1] + "…"


def _svg(figure) -> bytes:
    target = io.BytesIO()
    with rc_context({"svg.hashsalt": "lab", "svg.fonttype": "path"}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()
