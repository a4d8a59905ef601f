"""The trusted side: has a student's process execute a notebook, asks for its answers, and marks them.

The checks and helpers are ours, in a process that executes nothing a student wrote. Run as ``python -m
inside.checker SOCKET``; requests, with the socket of a student's process:
{"part": "part1", "steps": [...], "limits": {...}, "folder": path or None}, or the open folder of the
submission's files -> see ``Marking.report``; {"describe": "part1"} -> see ``describe``.
A step is {"run": source, "cell": id} or {"check": name, "arguments": [expressions], "cell": id}; with "show",
the score tells the values that the check was given.
"""

import importlib
import re
import signal
import socket
import sys
import time
from types import ModuleType

from helpers.checks.marks import Score, Wrong
from helpers.french import listed, quoted, typographic

from . import codec, confine, remarks, wire
from .limits import Limits

GRACE = 10  # seconds beyond a cell's time for code that cannot be interrupted at once
ASKING = 30  # seconds to tell the values of names
_ENDLESS = "Votre fonction ne s'arrête pas dans la durée permise : est-ce une boucle sans fin ?"
_DEADLY = "Votre fonction met fin au programme."


class Marking:
    """One notebook being marked."""

    def __init__(self, part: str, sock: socket.socket, limits: Limits, tell=lambda report: None):
        self.part, self.sock, self.limits, self.tell = part, sock, limits, tell
        self.module = checks_of(part)
        self.deadline = time.monotonic() + limits.notebook
        self.scores: dict[str, dict] = {}
        self.errors: dict[str, str] = {}  # cell -> what stopped it
        self.remarks: list[str] = []  # for the teacher
        self.seconds = {"run": 0.0, "check": 0.0}
        self.done = 0
        self.lost: str | None = None
        self.models = False

    def follow(self, steps: list[dict]) -> dict:
        """Take the steps in order, all unless the student's process is lost, telling the report before each.

        Returns:
            The report after the last one.
        """
        for step in steps:
            self.tell(self.report())
            try:
                if "run" in step:
                    self.run(step)
                else:
                    self.check(step)
            except wire.Lost as lost:
                self.lost = "late" if isinstance(lost, wire.Late) else "gone"
                break
            self.done += 1
        return self.report()

    def run(self, step: dict) -> None:
        """Have a cell executed."""
        answer = self.ask({"run": step["run"]}, self.limits.cell)
        if error := answer.get("error"):
            self.errors[step["cell"]] = str(error)[:300]

    def check(self, step: dict) -> None:
        """Mark one question on the values that its answers have now."""
        check = getattr(self.module, step["check"])
        names = step["arguments"]
        records = self.ask({"values": names}, ASKING).get("values")
        if not isinstance(records, list) or len(records) != len(names):
            records = [None] * len(names)
        started, asked = time.monotonic(), self.seconds["run"]
        values = [... if record is None else self.decode(record) for record in records]
        score = check(*values)
        report = {"points": float(score), "feedback": score.feedback, "answered": score.answered}
        if missing := [name for name, record in zip(names, records, strict=True) if record is None]:
            report["feedback"] = self.explain(missing, step, score)
            report["answered"] = score.answered or step.get("answer") in self.errors
        if step.get("show"):
            shown = ("une fonction" if callable(value) else quoted(value, 300) for value in values)
            report["values"] = dict(zip(names, shown, strict=True))
        key = score.question.key
        if report["answered"] and (obstacle := remarks.obstacle(self.part, key)):
            report |= {"points": None, "feedback": obstacle}
        elif remark := remarks.remark(self.part, key, *values):
            self.remarks.append(remark)
        self.scores[key] = report
        self.seconds["check"] += time.monotonic() - started - (self.seconds["run"] - asked)
        if self.lost:  # while a function was called: the score of what it could not answer counts
            raise wire.Late if self.lost == "late" else wire.Lost

    def explain(self, missing: list[str], step: dict, score: Score) -> str:
        """Say in French which answers have no value, and why if a cell failed."""
        names = listed(f"`{name}`" for name in missing)
        verb = "ne sont pas définis" if len(missing) > 1 else "n'est pas défini"
        sentence = f"{names} {verb}"
        if error := self.errors.get(step.get("answer")):
            sentence += f" : la cellule de réponse s'arrête sur une erreur ({error})"
        sentence = typographic(f"{sentence}.")
        return f"{sentence}\n{score.feedback}" if score.answered else sentence

    def decode(self, record: object) -> object:
        """Return the value of an answer; what is none becomes an object that no check accepts."""
        try:
            return codec.decode(record, self.function)
        except codec.Undecodable:
            return codec.Opaque("inconnu")
        finally:
            self.models |= "models" in codec.foreign

    def function(self, number: int):
        """Return what calls a student's function, where it lives."""

        def call(*arguments):
            request = {"call": number, "arguments": [codec.encode(argument) for argument in arguments]}
            try:
                if self.lost:
                    raise wire.Lost
                answer = self.ask(request, self.limits.cell)
            except wire.Lost as lost:
                self.lost = "late" if isinstance(lost, wire.Late) else self.lost or "gone"
                raise Wrong(_ENDLESS if self.lost == "late" else _DEADLY) from None
            if "result" not in answer:
                kind = str(answer.get("error")).partition(":")[0]
                raise Wrong(_ENDLESS) if kind == "TempsDepasse" else failure(kind)
            return self.decode(answer["result"])

        return call

    def ask(self, request: dict, seconds: float) -> dict:
        """Send a request to the student's process and wait for the answer, in bounded time."""
        started = time.monotonic()
        seconds = min(seconds, self.deadline - started)
        if seconds <= 0:
            raise wire.Late("the notebook's time is over")
        try:
            wire.send(self.sock, {**request, "seconds": seconds})
            answer, _ = wire.receive(self.sock, seconds + GRACE)
        finally:
            self.seconds["run"] += time.monotonic() - started
        if not isinstance(answer, dict):
            raise wire.Lost("not an answer")
        return answer

    def report(self) -> dict:
        """Return what ``bench.Outcome`` holds; "lost" is "late" or "gone", None if nothing was."""
        return {
            "scores": self.scores,
            "errors": self.errors,
            "remarks": self.remarks,
            "seconds": self.seconds,
            "done": self.done,
            "lost": self.lost,
            "models": self.models,
        }


def checks_of(part: str) -> ModuleType:
    """Return the checks of a part such as "part1"."""
    return importlib.import_module(f"helpers.checks.{part}")


def describe(part: str) -> dict:
    """Return {"questions": [...], "checks": {check: key of the question that it marks}} of a part."""
    module = checks_of(part)
    checks = {name: check for name, check in vars(module).items() if name.startswith("check_")}
    return {
        "questions": [vars(question) for question in module.MARKS.questions.values()],
        "checks": {name: check(...).question.key for name, check in checks.items()},
    }


def failure(name: str) -> Exception:
    """Return an exception of the student's own type's name, for the feedback to tell."""
    return type(re.sub(r"\W", "", name)[:60] or "Exception", (Exception,), {})()


def main() -> None:
    control, isolated = socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "isolated"
    while True:
        try:
            request, descriptors = wire.receive(control, descriptors=2)
        except wire.Lost:
            return
        if "describe" in request:
            wire.send(control, describe(request["describe"]))
            continue
        folder = descriptors[1] if len(descriptors) > 1 else request["folder"]
        if folder is not None:
            confine.enter_work_folder(folder, isolated)
        with socket.socket(fileno=descriptors[0]) as sock:
            limits = Limits(**request["limits"])
            confine.limit_memory(limits)

            def tell(report):
                wire.send(control, report | {"so_far": True})

            marking = Marking(request["part"], sock, limits, tell)
            marking.models = folder is not None
            report = marking.follow(request["steps"])
        wire.send(control, report)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the teacher's Ctrl-C is the parent's affair
    main()
