"""One worker's two sandboxes: a student's, new for each notebook, and the checker that marks the answers."""

import dataclasses
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from helpers.french import typographic

from .inside import confine
from .inside.limits import Limits
from .room import START, Room, SandboxError

_DESCRIBING = 60  # seconds to describe a part
_SLACK = 300  # seconds beyond a notebook's limit for our own checks, which train and evaluate
_REPLACED_AFTER = 100  # notebooks of one checker: TensorFlow keeps what it compiled
_LEAVING = 5  # seconds for a student's process to say why it ended
_TOO_MUCH = "Vérifier cette réponse demande trop de temps ou de mémoire : elle reste à noter."
_IMPORTS_TENSORFLOW = re.compile(r"^\s*(from|import)\s+(helpers|keras|tensorflow)\b", flags=re.MULTILINE)
_ENDS = {confine.MEMORY: "memory", confine.PROCESSES: "processes", confine.TIME: "time"}


@dataclass
class Outcome:
    """What became of one notebook; see ``inside.checker.Marking.report``.

    Attributes:
        scores: key of a question -> {"points", "feedback", "answered"}; points are None
            where marking is to be done again, for want of images.
        errors: cell -> what stopped it.
        remarks: French, for the teacher.
        seconds: by phase.
        done: number of steps followed.
        models: whether a student's Keras model or files were read.
        lost: None, or why the student's process did not live to the end: "memory", "processes", "time",
            "late" (a cell that could not be interrupted), "gone"; or "checker": a check that did not end.
    """

    scores: dict[str, dict] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    done: int = 0
    models: bool = False
    lost: str | None = None


class Bench:
    """A worker's sandboxes, started when needed. Used by one thread, its own: they end with it."""

    def __init__(self, pack: Path, limits: Limits, unsafe: bool = False, cifar10: Path | None = None):
        self.pack, self.limits, self.unsafe, self.cifar10 = pack, limits, unsafe, cifar10
        self._checker: Room | None = None
        self._marked = 0
        self._described: dict[str, dict] = {}

    def describe(self, part: str) -> dict:
        """Return the questions of a part, and which one each check marks; see ``checker.describe``."""
        if part not in self._described:
            self._described[part] = self._to_checker({"describe": part}, _DESCRIBING)
        return self._described[part]

    def mark(self, part: str, steps: list[dict], folder: Path | None = None) -> Outcome:
        """Run and check one notebook in a student's process of its own.

        Args:
            part: such as "part1".
            steps: see ``inside.checker``.
            folder: files to lay beside the notebook.

        Raises:
            SandboxError: our own side failed.
        """
        started = time.monotonic()
        shared = {
            "limits": dataclasses.asdict(self.limits),
            "folder": str(folder) if folder and self.unsafe else None,
        }
        sources = "\n".join(step.get("run", "") for step in steps)
        imports = ["tensorflow"] if _IMPORTS_TENSORFLOW.search(sources) else []
        student = Room("inside.student", self.pack, self.limits, self.unsafe, self.cifar10)
        opened = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY)] if folder and not self.unsafe else []
        try:
            student.ask({**shared, "imports": imports}, START, opened)
            waiting = time.monotonic() - started
            request = {"part": part, "steps": steps, **shared}
            descriptors = [student.socket.fileno(), *opened]
            report: dict = {}
            try:
                seconds = self.limits.notebook + _SLACK
                report = self._to_checker(request, seconds, descriptors, report.update)
            except SandboxError:
                if "check" not in steps[report.get("done", 0)]:
                    raise  # ours; in a check, it is what the student's values ask of it
                report["lost"] = "checker"
        finally:
            ended = student.close(_LEAVING)
            for descriptor in opened:
                os.close(descriptor)
        outcome = Outcome(**report)
        outcome.seconds["start"] = waiting
        if outcome.models or self._marked >= _REPLACED_AFTER:
            # It has read a student's model, which Keras does not swear to be harmless: it marks nobody else.
            self.close()
        if outcome.lost == "checker":
            key = self.describe(part)["checks"][steps[outcome.done]["check"]]
            outcome.scores[key] = {"points": None, "feedback": typographic(_TOO_MUCH), "answered": True}
        elif outcome.lost:
            outcome.lost = _ENDS.get(ended, outcome.lost)
        return outcome

    def close(self) -> None:
        """End the checker; it starts again when needed."""
        if self._checker:
            self._checker = self._checker.close()

    def _to_checker(self, request, seconds, descriptors=(), so_far=bool):
        if self._checker is None:
            self._checker = Room("inside.checker", self.pack, self.limits, self.unsafe, self.cifar10)
            self._marked = 0
        self._marked += 1
        try:
            return self._checker.ask(request, START + seconds, descriptors, so_far)
        except SandboxError:
            self.close()
            raise
