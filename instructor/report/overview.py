"""The class at a glance: grades, each question, frequent mistakes, work to look at, alike submissions."""

import statistics
from collections import Counter, defaultdict

from helpers.french import NBSP, decimal, percent

from ..collect.reattach import OTHER_EDITION
from ..editions import part
from ..records import StudentResult, asked
from . import results, similarity

MISTAKES = 5  # shown per question
FREQUENT = 2  # students that give an answer for it to be shown
MOST_PAIRS = 40  # shown


def overview(students: list[StudentResult], names: list[str]) -> dict[str, object]:
    """Gather what class.html shows of these parts, by the names that it uses."""
    marks = [results.mark(student, names) for student in students]
    waiting = sum(len(mark.waiting) for mark in marks)
    if waiting:
        known = [_machine_grade(student, names) for student in students]
    else:
        known = [mark.grade() for mark in marks]
    grades = [grade for grade in known if grade is not None]
    return {
        "students": students,
        "names": names,
        "received": sum(n.status != "unreadable" for s in students for n in s.notebooks.values()),
        "waiting": waiting,
        "grades": grades,
        "median": statistics.median(grades) if grades else None,
        "histogram": Counter(min(int(grade), results.SCALE - 1) for grade in grades),
        "questions": {name: _asked(students, name) for name in names},
        "changed": [
            (student, name, question)
            for (_, name, _), (student, question) in asked(students).items()
            if results.former(question)
        ],
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
        for question in student.questions(name)
        if not question.manual and question.key not in part(name).bonus
    ]
    maximum = sum(question.maximum for question in automatic)
    return sum(q.points or 0 for q in automatic) / maximum * results.SCALE if maximum else None


def _asked(students, name):
    """Return how the class answered each question of a part."""
    by_key = defaultdict(list)
    for student in students:
        for question in student.questions(name):
            by_key[question.key].append(question)
    table = []
    for key in filter(by_key.get, results.question_keys(students, name)):
        answers = by_key[key]
        first = answers[0]
        marked = [question.points for question in answers if question.points is not None]
        table.append(
            {
                "key": key,
                "title": first.title,
                "maximum": first.maximum,
                "rubric": part(name).rubrics.get(key, ""),
                "states": Counter(map(results.state, answers)),
                "mean": statistics.fmean(marked) if marked else None,
                "mistakes": [] if first.manual else _mistakes(answers),
            }
        )
    return table


def _mistakes(answers):
    """Return the wrong answers that several students gave, how many, and what they were told."""
    groups = defaultdict(list)
    for question in answers:
        if question.answered and (question.points or 0) < question.maximum and question.answer.strip():
            groups[similarity.normalised(question.answer)].append(question)
    frequent = sorted(groups.values(), key=lambda group: (-len(group), group[0].answer))
    return [
        {
            "answer": group[0].answer,
            "students": len(group),
            "feedback": Counter(question.feedback for question in group).most_common(1)[0][0],
        }
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
    why += results.remarks(student)
    return why if any(not reason.endswith(OTHER_EDITION) for reason in why) else []


def _calm(student, names):
    """Sort key: work without a mark first, then work partly marked or recognised badly, then mere remarks."""
    statuses = {notebook.status for notebook in student.notebooks.values()}
    sure = min((notebook.certainty for notebook in student.notebooks.values()), default=0)
    if not statuses or statuses & results.UNKNOWN:
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
