"""What is known of a submission and of its marks: the records that intake, marking and results share.

They are stored as JSON, one file a student, so that a second run resumes and every report can be rebuilt.
"""

import dataclasses
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

PART4 = "part4"  # where a student's saved files are staged, in their layout
Identity = tuple[str, str, str]  # of a question: student, part, key


class Refused(Exception):
    """What was asked cannot be done; the message says why, and what to do."""


@dataclass
class Submission:
    """What one student sent, unpacked and sorted, not yet run.

    Attributes:
        student: identifier, safe as a folder's name, the same from one run to the next.
        name: the student's name as the export writes it.
        participant: Moodle's participant number, "" if unknown.
        folder: where the files taken from the submission were staged.
        notebooks: part's name such as "part1_linear_vs_relu" -> staged notebook; the best one of several.
        unreadable: parts that a file which could not be read is, or may be: they are not missing.
        remarks: French sentences for the report: what was refused, guessed or left out.
        digest: hash of all that was sent; when it has not changed, nothing is run again.
    """

    student: str
    name: str
    participant: str
    folder: Path
    notebooks: dict[str, Path] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    digest: str = ""


@dataclass
class QuestionResult:
    """The mark of one question; ``points`` is None while a free text waits for the teacher.

    The last three are the teacher's, merged in when reports are written: a comment, where the mark that
    counts was typed ("manual.csv", "formgrader"; "" nowhere), and the former marks, by where they came from.
    """

    key: str
    title: str
    points: float | None
    maximum: float
    manual: bool = False
    answered: bool = True
    feedback: str = ""
    answer: str = ""  # what the student wrote: code of an answer cell, or free text
    cell: str = ""  # nbgrader's grade_id
    comment: str = ""
    typed_in: str = ""
    former: dict[str, float] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether it waits for the teacher; a free text left blank earns 0 by itself."""
        return self.points is None and self.answered

    @property
    def earned(self) -> float | None:
        """Its points so far; None while it waits."""
        return None if self.waits else self.points or 0


@dataclass
class NotebookResult:
    """The marks of one notebook of one student.

    Attributes:
        part: its name such as "part1_linear_vs_relu".
        status: "graded"; "partial" (a cell was stopped, or the kernel died: the checks reached before count);
            "unreadable" (what was sent cannot be read, or not all of it); "refused" (our own failure).
        certainty: 0 to 1, how sure the cells were recognised (1 when all were found by their id).
        remarks: French sentences for the report.
        private: others, which the teacher reads and the student does not.
        seconds: time it took, by phase, such as {"start": 1.2, "run": 14.0, "check": 0.8}.
    """

    part: str
    status: str
    questions: list[QuestionResult] = field(default_factory=list)
    certainty: float = 1.0
    remarks: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class StudentResult:
    """All that is known of one student: stored as RESULTS/students/<student>/result.json.

    It holds for what was sent (``digest``) and what marked it (``kit``, of ``grade.fingerprint``).
    """

    student: str
    name: str
    participant: str
    digest: str
    notebooks: dict[str, NotebookResult] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    kit: str = ""

    def questions(self, name: str) -> list[QuestionResult]:
        """Return the questions of a part, none of one that was not sent."""
        return self.notebooks[name].questions if name in self.notebooks else []

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_whole(path, json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        record = json.loads(path.read_text("utf-8"))
        record["notebooks"] = {
            part: NotebookResult(
                **{**result, "questions": [QuestionResult(**question) for question in result["questions"]]}
            )
            for part, result in record["notebooks"].items()
        }
        return cls(**record)


def asked(students: Iterable[StudentResult]) -> dict[Identity, tuple[StudentResult, QuestionResult]]:
    """Return every question of every student, in order."""
    return {
        (student.student, name, question.key): (student, question)
        for student in students
        for name, notebook in sorted(student.notebooks.items())
        for question in notebook.questions
    }


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
