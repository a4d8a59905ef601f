"""One worker's two sandboxes: a nursery of students' processes, and the checker that marks their answers."""

from __future__ import annotations

import dataclasses
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .inside import confine, wire
from .inside.limits import Limits
from .room import Room, SandboxError

_DESCRIBING = 60  # seconds to describe a part
_SLACK = 300  # seconds beyond a notebook's limit for our own checks, which train and evaluate
_REPLACED_AFTER = 100  # notebooks of one checker: TensorFlow keeps what it compiled
_OWN_MEMORY = 2**30  # bytes of Python and TensorFlow themselves
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
        lost: None, or why the student's process did not live to the end: "memory", "processes", "time",
            "late" (a cell that could not be interrupted), "gone".
    """

    scores: dict[str, dict] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    done: int = 0
    lost: str | None = None


class Bench:
    """A pair of sandboxes, started when first needed. Used by one thread, its own: they end with it."""

    def __init__(self, pack: Path, limits: Limits, unsafe: bool = False, cifar10: Path | None = None):
        self.pack, self.limits, self.unsafe, self.cifar10 = pack, limits, unsafe, cifar10
        self._nursery: Room | None = None
        self._checker: Room | None = None
        self._marked = 0
        self._described: dict[str, dict] = {}

    def describe(self, part: str, checks: Iterable[str]) -> dict:
        """Return {"questions": [...], "checks": {check: key}} of a part."""
        if part not in self._described:
            request = {"describe": part, "checks": list(checks)}
            self._described[part] = self._to_checker(request, _DESCRIBING)
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
        nursery = self._get_nursery()
        ours, theirs = socket.socketpair()
        opened = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY)] if folder and not self.unsafe else []
        shared = {
            "limits": dataclasses.asdict(self.limits),
            "folder": str(folder) if folder and self.unsafe else None,
        }
        try:
            with ours, theirs:
                wire.send(nursery.socket, shared, [theirs.fileno(), *opened])
                theirs.close()
                waiting = time.monotonic() - started
                request = {"part": part, "steps": steps, **shared}
                seconds = self.limits.notebook + _SLACK
                report = self._to_checker(request, seconds, [ours.fileno(), *opened])
            ended = wire.receive(nursery.socket, 30)[0]["ended"]
        except wire.Lost as lost:
            self.close()
            raise SandboxError(f"the marking of {part} did not end ({lost})") from None
        finally:
            for descriptor in opened:
                os.close(descriptor)
        if ended == confine.SETUP:
            self.close()
            raise SandboxError("a student's process could not be shut in")
        if not nursery.greeting["nested"]:
            self._nursery = nursery.close()
        if report.pop("models") or self._marked >= _REPLACED_AFTER:
            # It has read a student's model, which Keras does not swear to be harmless: it marks nobody else.
            self._checker, self._marked = self._checker.close(), 0
        outcome = Outcome(**report)
        outcome.seconds["start"] = waiting
        if outcome.lost:
            outcome.lost = _ENDS.get(ended, outcome.lost)
        return outcome

    def close(self) -> None:
        """End both sandboxes; they start again when needed."""
        for room in (self._nursery, self._checker):
            if room:
                room.close()
        self._nursery = self._checker = None

    def _to_checker(self, request, seconds, descriptors=()):
        if self._checker is None:
            self._checker, self._marked = Room("inside.checker", self.pack, self.unsafe, self.cifar10), 0
        self._marked += 1
        return self._checker.ask(request, seconds, descriptors)

    def _get_nursery(self):
        if self._nursery is None:
            self._nursery = Room(
                "inside.nursery",
                self.pack,
                self.unsafe,
                self.cifar10,
                memory=self.limits.memory + self.limits.disk + _OWN_MEMORY,
                processes=4 * self.limits.processes + 200,  # threads count here
            )
        return self._nursery
