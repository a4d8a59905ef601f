"""Everybody's marks: the machine's, with what the teacher typed over them; added up, and as tables.

``RESULTS/students/<student>/result.json`` is the machine's word, ``manual.csv`` and formgrader's gradebook
the teacher's. All other reports can be thrown away; ``write_reports`` rebuilds them, the same from the same.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from helpers.french import NBSP, percent, plain, typographic

from ..editions import packed, part
from ..records import QuestionResult, Refused, StudentResult, asked, write_whole
from . import formgrader, manual_csv

STATUS = {
    "graded": "corrigé",
    "partial": "corrigé en partie",
    "refused": "refusé",
    "unreadable": "illisible",
    "missing": "non rendu",
}
SCALE = 20
LOW_CERTAINTY = 0.9  # below, a person should check which cell was taken for which
SETTINGS = "settings.json"
UNKNOWN = {"refused", "unreadable"}  # of a notebook whose marks are not known


@dataclass
class Mark:
    """What a student has of some points.

    Attributes:
        points: earned so far.
        maximum: of all the questions, waiting or not.
        waiting: keys of the questions that wait for the teacher.
        statuses: of the notebooks, "missing" for one that was not sent.
    """

    points: float
    maximum: float
    waiting: list[str]
    statuses: list[str]

    @property
    def complete(self) -> bool:
        """Whether all that was sent could be read, and nothing is left to mark; nothing sent is 0."""
        return not self.waiting and not UNKNOWN & set(self.statuses)

    def grade(self, scale: float = SCALE) -> float | None:
        """Return the grade, rounded to a hundredth; None while it is not complete."""
        return round(self.points / self.maximum * scale, 2) if self.complete and self.maximum else None


def mark(student: StudentResult, names: list[str]) -> Mark:
    """Add up a student's points over some parts; with its bonus, a part reaches its maximum at most."""
    result = Mark(0.0, 0.0, [], [])
    for name in names:
        questions = student.questions(name)
        maximum = part(name).maximum or sum(q.maximum for q in questions)  # of a part of a former pack
        result.points += min(sum(question.points or 0 for question in questions), maximum)
        result.maximum += maximum
        result.waiting += [question.key for question in questions if question.waits]
        result.statuses.append(student.notebooks[name].status if name in student.notebooks else "missing")
    return result


def settings(results: Path, **changes: object) -> dict:
    """Return what RESULTS was asked for: the ``parts`` that count, by name; ``excel``, French tables.

    Args:
        results: the folder; nothing is written but there.
        changes: what to keep from now on, with all the rest; None changes nothing.
    """
    path = results / SETTINGS
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known = {"parts": [source.stem for source in packed()], "excel": False} | kept
    known |= {key: value for key, value in changes.items() if value is not None}
    if changes and known != kept:
        write_whole(path, json.dumps(known) + "\n")
    return known


def load(results: Path) -> list[StudentResult]:
    """Read the machine's marks of everybody, in order; a part that was not asked is only a remark."""
    students = [StudentResult.load(path) for path in sorted(results.glob("students/*/result.json"))]
    asked = settings(results)["parts"]
    for student in students:
        for name in sorted(set(student.notebooks) - set(asked)):
            if student.notebooks.pop(name).status != "unreadable":
                student.remarks.append(f"{part(name).title} : rendue sans être demandée, ne compte pas.")
    return students


def marked(results: Path) -> list[StudentResult]:
    """Read everybody's marks with what the teacher typed in manual.csv or in formgrader.

    manual.csv gains the lines that it lacks. Where both say something of a question, formgrader wins.

    Raises:
        Refused: there are none, or what the teacher typed cannot be read; nothing was changed.
    """
    students = load(results)
    if not students:
        raise Refused(f"{results} holds no results; run `grade` first.")
    overridden = formgrader.typed(results / formgrader.COURSE)
    by_hand = manual_csv.merge(results / "manual.csv", students, overridden)
    questions = asked(students)
    for source, marks in (("manual.csv", by_hand), ("formgrader", overridden)):
        for identity in marks.keys() & questions.keys():
            (_, question), typed = questions[identity], marks[identity]
            question.comment = typed.comment or question.comment
            if typed.points is not None:
                if question.points is not None:
                    question.former[question.typed_in or "automatique"] = question.points
                question.points, question.typed_in = typed.points, source
    return students


def former(question: QuestionResult) -> str:
    """Say which other marks a question had before the one that counts, "" if none."""
    marks = [f"{plain(p)} ({who})" for who, p in question.former.items() if p != question.points]
    return ", puis ".join(marks)


def marks_table(students: list[StudentResult], names: list[str]) -> tuple[list[str], list[dict]]:
    """Return the columns and lines of marks.csv: one line a student."""
    keys = {name: question_keys(students, name) for name in names}
    rows = [_marks_row(student, keys) for student in students]
    return list(rows[0]), rows


def _marks_row(student, keys):
    row = {"Identifiant": student.student, "Nom": student.name, "Participant": student.participant}
    for name in keys:
        title = part(name).title
        row |= {f"{title} {key}": None for key in keys[name]}
        for question in student.questions(name):
            row[f"{title} {question.key}"] = question.earned
        of_part = mark(student, [name])
        row[f"{title} points"] = None if of_part.statuses[0] in UNKNOWN else of_part.points
        row[f"{title} /{SCALE}"] = of_part.grade()
        row[f"{title} état"] = STATUS[of_part.statuses[0]]
    total = mark(student, list(keys))
    return row | {
        "Points": total.points,
        "Maximum": total.maximum,
        f"Note /{SCALE}": total.grade(),
        "Réponses à corriger": len(total.waiting),
        "Remarques": " ".join(remarks(student)),
    }


def questions_table(students: list[StudentResult]) -> tuple[list[str], list[dict]]:
    """Return the columns and lines of questions.csv: one line a student and question."""
    rows = [
        {
            "Identifiant": student.student,
            "Nom": student.name,
            "Partie": name,
            "Question": question.key,
            "Intitulé": question.title,
            "Points": question.earned,
            "Maximum": question.maximum,
            "Correction": question.typed_in or ("enseignant" if question.manual else "automatique"),
            "Note précédente": former(question),
            "État": state(question),
            "Réponse": question.answer,
            "Commentaire automatique": question.feedback,
            "Commentaire de l'enseignant": question.comment,
        }
        for (_, name, _), (student, question) in asked(students).items()
    ]
    return list(rows[0]) if rows else [], rows


def state(question: QuestionResult) -> str:
    """Say in a word how a question went."""
    if question.waits:
        return "en attente de correction"
    if not question.answered and not question.points:
        return "sans réponse"
    if (question.points or 0) >= question.maximum:
        return "réussi"
    return "en partie réussi" if question.points else "à revoir"


def remarks(student: StudentResult) -> list[str]:
    """Return all remarks on a student's work, each with its part."""
    found = list(student.remarks)
    for name, notebook in sorted(student.notebooks.items()):
        title = part(name).title
        found += [f"{title} : {remark}" for remark in (*notebook.remarks, *notebook.private)]
        if 0 < notebook.certainty < LOW_CERTAINTY:
            sure = percent(notebook.certainty, 0)
            found.append(f"{title} : cellules reconnues avec une certitude de {sure}.")
    return [typographic(remark) for remark in found]


def points_text(points: float, maximum: float) -> str:
    """Write "1,5 / 2"."""
    return f"{plain(points)}{NBSP}/{NBSP}{plain(maximum)}"


def question_keys(students: list[StudentResult], name: str) -> list[str]:
    """Return the keys of a part's questions, in order."""
    met = (question.key for student in students for question in student.questions(name))
    return list(dict.fromkeys((*part(name).points, *sorted(set(met)))))
