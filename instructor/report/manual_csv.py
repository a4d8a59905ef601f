"""Marks that the teacher types in RESULTS/manual.csv: one line a student and free-text question.

A line is the teacher's once anything is typed in it. The file is only ever added to: what was typed stays,
line by line and in the teacher's order, and the former file is copied to RESULTS/backups before it changes.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from helpers.french import count, plain, typographic

from ..records import Identity, QuestionResult, Refused, StudentResult, asked, write_whole
from . import spreadsheet

_IDENTITY = ("Identifiant", "Partie", "Question")
_TYPED = ("Points", "Commentaire")
_OURS = (
    "Identifiant",
    "Nom",
    "Partie",
    "Question",
    "Intitulé",
    "Maximum",
    "Réponse",
    "Remarque",
    "Empreinte",
)
COLUMNS = (*_OURS[:7], *_TYPED, *_OURS[7:])
NO_ANSWER = "(sans réponse)"
LONGEST = 30_000  # characters of an answer; Excel cuts a cell at 32,767 and spills the rest


@dataclass
class Typed:
    """What a teacher typed about one question: points (None: nothing), a comment; of an older answer?"""

    points: float | None = None
    comment: str = ""
    stale: bool = False


def merge(
    path: Path, students: Sequence[StudentResult], formgrader: Mapping[Identity, Typed]
) -> dict[Identity, Typed]:
    """Bring manual.csv up to date and return the marks typed in it.

    Args:
        path: the file; made when missing.
        students: all of the class, as marked by the machine.
        formgrader: what was typed there, which wins: the file's remarks say so.

    Returns:
        Points and comments that count, by (student, part, question).

    Raises:
        Refused: the file cannot be read or written; nothing was changed.
    """
    questions = asked(students)
    table = _read(path)
    typed: dict[Identity, Typed] = {}
    met: set[Identity] = set()
    for row in table.rows:
        identity = tuple(row[name].strip() for name in _IDENTITY)
        if identity not in questions:
            how = "copiez-en une du même étudiant et de la même partie, changez Question"
            _remark(row, f"ligne sans étudiant ou question connus : elle ne compte pas ; {how}")
        elif identity in met:
            _remark(row, "ligne en double : seule la première compte")
        else:
            met.add(identity)
            typed[identity] = _update(row, *questions[identity], formgrader.get(identity))
    by_question = sorted(questions, key=lambda identity: (identity[1:], identity[0]))
    for identity in by_question:
        student, question = questions[identity]
        if question.manual and identity not in met:
            row = dict.fromkeys(table.columns, "") | dict(zip(_IDENTITY, identity, strict=True))
            _update(row, student, question, formgrader.get(identity))
            table.rows.append(row)
    _write(path, table)
    return typed


def unused(path: Path) -> list[str]:
    """Return a sentence for each line whose points do not count, and why."""
    return [
        f"{path.name}: {' '.join(filter(None, (row['Identifiant'], row['Nom'])))}, "
        f"{row['Partie']} {row['Question']}, {row['Points']!r}: {remark}"
        for row in _read(path).rows
        if row["Points"].strip() and "compt" in (remark := row["Remarque"])
    ]


def fingerprint(answer: str) -> str:
    """Return a short name of an answer, blank space aside, that no spreadsheet takes for a number."""
    return "r-" + hashlib.sha256(" ".join(answer.split()).encode()).hexdigest()[:10]


def _update(row, student: StudentResult, question: QuestionResult, formgrader) -> Typed:
    """Refresh our columns of a line; return what the teacher typed in it."""
    current = fingerprint(question.answer)
    others = [text for column, text in row.items() if column not in _OURS]
    if not any(map(str.strip, others)):
        row["Empreinte"] = current
    row["Nom"], row["Intitulé"], row["Maximum"] = student.name, question.title, plain(question.maximum)
    row["Réponse"] = _shown(question.answer) if question.answered else NO_ANSWER
    text = row["Points"].strip()
    points = spreadsheet.number(text)
    remarks = []
    if text and points is None:
        remarks.append("points illisibles, non comptés : écrivez un nombre tel que 1,5")
    elif points is not None and not 0 <= points <= question.maximum:
        maximum = count(question.maximum, "point")
        remarks.append(f"points hors barème, non comptés : écrivez un nombre de 0 à {maximum}")
        points = None
    if text and row["Empreinte"].strip() not in ("", current):
        remarks.append(
            "réponse modifiée depuis la correction : la note reste ; relisez, puis effacez l'empreinte"
        )
    if formgrader and formgrader.points is not None:
        changed = ", pour une réponse modifiée depuis" if formgrader.stale else ""
        remarks.append(f"noté dans formgrader, qui l'emporte : {plain(formgrader.points)}{changed}")
    _remark(row, *remarks)
    return Typed(points, row["Commentaire"].strip())


def _shown(answer):
    """Return what a spreadsheet's cell can hold of an answer."""
    return answer if len(answer) <= LONGEST else f"{answer[:LONGEST]} […, la suite est dans feedback]"


def _remark(row, *remarks):
    """Write our remarks in brackets; anything else in that cell is the teacher's and stays."""
    kept = re.sub(r"\[[^\]]*\]", "", row["Remarque"]).strip()
    ours = typographic(f"[{' ; '.join(remarks)}]") if remarks else ""
    row["Remarque"] = f"{kept} {ours}".strip()


def _read(path) -> spreadsheet.Table:
    if not path.exists():
        return spreadsheet.Table(list(COLUMNS), [], ";")
    try:
        table = spreadsheet.read(path)
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read ({error}); it was left as it is.") from None
    missing = [name for name in (*_IDENTITY, *_TYPED) if name not in table.columns]
    if missing:
        raise Refused(
            f"{path} has no column {', '.join(missing)}; it was left as it is. Give it its header back "
            f"({';'.join(COLUMNS)}), restore a copy from {path.parent / 'backups'}, or move it away."
        )
    for name in COLUMNS:
        if name not in table.columns:
            table.columns.append(name)
            for row in table.rows:
                row[name] = ""
    return table


def _write(path, table):
    content = spreadsheet.render(table.columns, table.rows, excel=True, delimiter=table.delimiter)
    try:
        if path.exists():
            old = path.read_bytes()
            if old == content:
                return
            saved = datetime.fromtimestamp(path.stat().st_mtime)
            digest = hashlib.sha256(old).hexdigest()[:8]
            write_whole(path.parent / "backups" / f"manual-{saved:%Y%m%d-%H%M%S}-{digest}.csv", old)
        write_whole(path, content)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error}): close it in your spreadsheet.") from None
