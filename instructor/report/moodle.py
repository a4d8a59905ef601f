"""Marks files that Moodle imports: its own offline grading worksheet, filled in, or the gradebook's CSV.

Moodle looks for columns by their names in the teacher's language, and for a person by the participant number
(worksheet: mod/assign/feedback/offline/importgradeslib.php) or the e-mail address (gradebook).
"""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from helpers.french import typographic

from ..editions import chosen, part
from ..records import Refused, StudentResult, write_whole
from . import results, spreadsheet

# What a column holds -> its name in French and in English. A worksheet in another language lacks our names.
_NAMES = {
    "person": ("Identifiant", "Identifier"),
    "name": ("Nom complet", "Full name"),
    "email": ("Adresse de courriel", "Email address"),
    "grade": ("Note", "Grade"),
    "maximum": ("Note maximale", "Maximum grade", "Maximum Grade"),
    "modified": ("Dernière modification (note)", "Last modified (grade)"),
    "feedback": ("Feedback par commentaires", "Feedback comments"),
    "status": ("Statut", "Status"),
}
WORKSHEET = "worksheet.csv"  # in RESULTS: the last one given
HOW_TO_DOWNLOAD = (
    "give Moodle's own worksheet with --worksheet FILE. In the assignment's settings (Paramètres), under "
    "Types de feedback, tick Feedback par commentaires and Formulaire d'évaluation hors ligne; then, in "
    "Consulter tous les travaux remis, choose the action Télécharger le formulaire d'évaluation."
)


def export(
    folder: Path,
    filled: Path | None,
    out: Path | None = None,
    numbers: Sequence[int] | None = None,
    scale: float | None = None,
    to_gradebook: bool = False,
    partial: bool = False,
) -> tuple[Path, list[str]]:
    """Write the file that Moodle imports.

    Args:
        folder: RESULTS.
        filled: the assignment's worksheet downloaded from Moodle, to fill in or to take the addresses from.
        out: file to write; by default RESULTS/moodle.csv or RESULTS/moodle-gradebook.csv.
        numbers: of the parts that count; by default all that were asked.
        scale: the grade for full marks; by default the worksheet's own maximum, else 20. A worksheet that has
            a maximum takes no other.
        to_gradebook: for the gradebook, instead of the assignment's worksheet.
        partial: write although marks are missing; those students get no grade.

    Returns:
        The path written, and sentences on what was left out.

    Raises:
        Refused: free texts wait for the teacher, or a file or the scale is not what it should be.
    """
    if filled is None:
        raise Refused(HOW_TO_DOWNLOAD)
    names = chosen(numbers, results.settings(folder)["parts"])
    students = results.marked(folder)
    notes = _waiting(students, names, partial)
    out = out or folder / ("moodle-gradebook.csv" if to_gradebook else "moodle.csv")
    if out.exists() and out.samefile(filled):
        raise Refused(f"{out} is the worksheet itself; give another --out, so that nothing in it is lost.")
    fill_in = _gradebook if to_gradebook else _worksheet
    content, more = fill_in(students, names, filled, scale)
    keep(folder, filled)
    write_whole(out, content)
    if delayed := late(folder, students):
        more.append(f"Late, says Moodle: {', '.join(sorted(delayed))}.")
    return out, notes + more


def _worksheet(students, names, filled, scale) -> tuple[bytes, list[str]]:
    """Return the worksheet filled in, its lines, columns and order kept, and what the teacher should know."""
    table, columns = _read(filled, ("person", "grade", "modified"))
    people, notes = _matched(students, table, columns)
    replaced = 0
    for row, student in people:
        maximum = spreadsheet.number(row.get(columns.get("maximum"), ""))
        if scale and maximum and scale != maximum:
            raise Refused(
                f"--scale {scale:g}: Moodle reads this worksheet's grades on {maximum:g}. Leave --scale out, "
                "or change the maximum in the assignment's settings and download the worksheet again."
            )
        mark = results.mark(student, names)
        grade = mark.grade(scale or maximum or results.SCALE)
        if "feedback" in columns and (grade is not None or results.UNKNOWN & set(mark.statuses)):
            row[columns["feedback"]] = comment(student, names)
        if grade is not None:
            old = spreadsheet.number(row[columns["grade"]])
            replaced += old is not None and old != grade
            row[columns["grade"]] = grade
    if replaced:
        notes.append(
            f"{replaced} grades of the worksheet differ from ours and were replaced in the new file."
        )
    if "feedback" not in columns:
        notes.append(
            "The worksheet has no column for feedback comments: enable them in the assignment's settings."
        )
    content = spreadsheet.render(table.columns, table.rows, delimiter=table.delimiter, raw=table.columns)
    bom = spreadsheet.BOM.encode()
    return (bom if filled.read_bytes().startswith(bom) else b"") + content, notes


def _gradebook(students, names, people, scale) -> tuple[bytes, list[str]]:
    """Return a file for Moodle's gradebook, and what the teacher should know."""
    table, columns = _read(people, ("name", "email"))
    matched, notes = _matched(students, table, columns)
    scale = scale or results.SCALE
    grades = {part(name).title: [name] for name in names} | {f"Note /{scale:g}": names}
    rows = [
        {"Nom complet": student.name, "Adresse de courriel": row[columns["email"]]}
        | {title: results.mark(student, which).grade(scale) for title, which in grades.items()}
        for row, student in matched
    ]
    return spreadsheet.render(["Nom complet", "Adresse de courriel", *grades], rows), notes


def comment(student: StudentResult, names: Sequence[str]) -> str:
    """Return the feedback shown in Moodle, as HTML: points by question, and the teacher's comments."""
    paragraphs = []
    for name in names:
        of_part = results.mark(student, [name])
        lines = [f"<b>{part(name).title} : {results.points_text(of_part.points, of_part.maximum)}</b>"]
        notebook = student.notebooks.get(name)
        if notebook is None:
            lines.append("Ce carnet n'a pas été reçu.")
        elif notebook.status in results.UNKNOWN:
            lines = [f"<b>{part(name).title}</b>"]
            lines.append("Ce que vous avez rendu n'a pas pu être lu : voyez avec votre enseignant.")
        elif notebook.questions:
            points = (f"{q.key} {results.points_text(q.points or 0, q.maximum)}" for q in notebook.questions)
            lines.append(" ; ".join(points))
            lines += [
                f"{question.key} – {html.escape(question.comment)}"
                for question in notebook.questions
                if question.comment
            ]
        paragraphs.append("<p>" + "<br>".join(typographic(line) for line in lines) + "</p>")
    return "".join(paragraphs).replace("\n", "<br>")


def keep(folder: Path, filled: Path) -> None:
    """Keep Moodle's worksheet in RESULTS, for ``late``.

    Raises:
        Refused: it is none.
    """
    _, columns = _read(filled, ("person",))
    if not columns.keys() & {"status", "email", "modified"}:  # our own tables have Identifiant too
        raise Refused(f"{filled} lacks the column Statut or Status; {HOW_TO_DOWNLOAD}")
    write_whole(folder / WORKSHEET, filled.read_bytes())


def late(folder: Path, students: Sequence[StudentResult]) -> dict[str, str]:
    """Return who sent their work late, as the worksheet that was kept says: identifier -> French sentence."""
    if not (folder / WORKSHEET).exists():
        return {}
    table, columns = _read(folder / WORKSHEET, ("person",))
    found = {}
    for row, student in _matched(students, table, columns)[0]:
        for said in row.get(columns.get("status", ""), "").split(" - "):
            if re.search(r"\b(retard|late)\b", said, flags=re.IGNORECASE):
                found[student.student] = f"Rendu en retard, d'après Moodle : {said.strip()}."
    return found


def _waiting(students, names, partial):
    """Refuse, or say, that some marks are not known yet."""
    waiting = {s.student: len(results.mark(s, names).waiting) for s in students}
    waiting = {student: number for student, number in waiting.items() if number}
    if waiting and not partial:
        raise Refused(
            f"{sum(waiting.values())} answers of {len(waiting)} students wait for a mark; nothing was "
            "written. Type them in manual.csv or formgrader, or give --partial to leave them ungraded."
        )
    notes = [f"No grade for {len(waiting)} students whose answers wait for a mark."] if waiting else []
    unread = [s.student for s in students if s.student not in waiting and not results.mark(s, names).complete]
    if unread:
        notes.append(f"No grade for work that could not be read, to be decided by you: {', '.join(unread)}.")
    return notes


def _read(path, needed):
    """Read a CSV from Moodle; return it and what its columns are called."""
    try:
        table = spreadsheet.read(path, raw=True)
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read ({error}).") from None
    columns = {what: name for what, known in _NAMES.items() for name in known if name in table.columns}
    if missing := [" or ".join(_NAMES[what]) for what in needed if what not in columns]:
        raise Refused(f"{path} lacks the column {', '.join(missing)}; download it from Moodle again.")
    return table, columns


def _matched(students, table, columns):
    """Pair Moodle's lines with students, by participant number, else by a name that only one line has."""
    by_number = {}
    by_name = defaultdict(list)
    for row in table.rows:
        if number := re.search(r"\d+$", row.get(columns.get("person", ""), "").strip()):
            by_number[int(number[0])] = row
        by_name[folded(row.get(columns.get("name", ""), ""))].append(row)
    found, missing = [], []
    namesakes = [folded(student.name) for student in students]
    for student, name in zip(students, namesakes, strict=True):
        row = by_number.get(int(student.participant)) if student.participant.isdecimal() else None
        if row is None and name and len(by_name[name]) == 1 and namesakes.count(name) == 1:
            row = by_name[name][0]
        if row is None:
            missing.append(student.student)
        else:
            found.append((row, student))
    return found, [f"Not found in Moodle's file: {', '.join(missing)}."] if missing else []


def folded(name: str) -> tuple[str, ...]:
    """Return a name without accents, case, signs, digits and order of its words."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(
        sign if sign.isalpha() else " " for sign in decomposed if not unicodedata.combining(sign)
    )
    return tuple(sorted(letters.split()))
