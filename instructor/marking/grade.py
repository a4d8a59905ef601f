"""Grades a class: collects, marks in parallel, keeps each student's marks as soon as they are known.

A second run resumes: where neither the submission, nor the pack, nor the limits changed, nothing is run.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from nbformat import NotebookNode

from helpers.cifar10 import DataUnavailable, find_cifar10

from ..collect.intake import collect
from ..editions import ROOT, load_editions
from ..records import PART4, Refused, StudentResult, Submission
from ..sandbox import cgroup
from ..sandbox.bench import Bench
from ..sandbox.inside.limits import Limits
from ..sandbox.room import lab, require
from .notebook import mark_submission

STUDENTS = "students"
RESULT = "result.json"
_STAGING = "lab-staging-"
_WARNING = (
    "WARNING: --unsafe runs every submission's code with your own rights: it can read and change your "
    "files, the solutions and the marks. Use it only for submissions that you trust."
)
_UNSAFE = (
    "Noté sans isolation (--unsafe) : le code de cette copie s'est exécuté avec les droits de l'enseignant."
)


def grade(
    submissions: Path,
    results: Path,
    jobs: int = 2,
    limits: Limits | None = None,
    unsafe: bool = False,
    cifar10: Path | None = None,
    say: Callable[[str], None] = print,
    begin: Callable[[], object] = lambda: None,
) -> list[StudentResult]:
    """Mark all that a class sent, and write ``results/students/<student>/result.json`` for each.

    Args:
        submissions: folder or archive, as Moodle exports it.
        results: folder to write; what is there already is kept, and reused where nothing changed.
        jobs: submissions marked at a time, about one a core.
        limits: of each submission.
        unsafe: without isolation, with the teacher's own rights.
        cifar10: folder of CIFAR-10, for Part 4.
        say: told one line as each submission ends.
        begin: called once nothing can be refused any more, before ``results`` is written.

    Returns:
        The results, by student's identifier.

    Raises:
        Refused: there is nothing to collect, or it is what this function wrote.
        SandboxError: nothing can be isolated here, and ``unsafe`` was not given.
        OSError: ``submissions`` cannot be read or ``results`` written.
    """
    limits = limits or Limits()
    if any(submissions.glob(f"{STUDENTS}/*/{RESULT}")):
        raise Refused(f"{submissions} is a RESULTS that grade filled: name the folder or zip of submissions")
    if unsafe:
        print(_WARNING, file=sys.stderr)
    else:
        require()
    editions = load_editions()
    cgroup.sweep()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(staging()))
        pack = stack.enter_context(lab())
        collected = collect(submissions, folder, editions)
        if cifar10 is not None:
            _require_images(cifar10, collected)
        begin()
        kit = fingerprint(pack, editions, limits, unsafe, cifar10)
        done = {each.student: result for each in collected if (result := load_known(results, each, kit))}
        todo = [submission for submission in collected if submission.student not in done]
        if done:
            say(f"{len(done)} of {len(collected)} already graded, unchanged")
        started, spent, settings = time.monotonic(), Counter(), (pack, limits, unsafe, cifar10)
        marked = _mark_all(todo, editions, results / STUDENTS, jobs, *settings)
        for number, result in enumerate(marked, 1):
            if unsafe:
                result.remarks.append(_UNSAFE)
            result.kit = kit
            result.save(results / STUDENTS / result.student / RESULT)
            done[result.student] = result
            seconds = time.monotonic() - started  # one second says nothing of the next
            pace = f" ({number / seconds * 60:.1f} a minute)" if seconds > 1 else ""
            say(f"[{len(done)}/{len(collected)}] {_line(result)}{pace}")
            for notebook in result.notebooks.values():
                spent.update(notebook.seconds)
        if spent:
            phases = ", ".join(f"{phase} {seconds:.0f}" for phase, seconds in spent.items())
            say(f"seconds, all workers together: {phases}")
    return [done[student] for student in sorted(done)]


def staging() -> tempfile.TemporaryDirectory:
    """Make a folder to unpack submissions in; those that killed runs left are removed."""
    for folder in cgroup.left_behind(Path(tempfile.gettempdir()), _STAGING):
        shutil.rmtree(folder, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{_STAGING}{os.getpid()}-")


def _require_images(folder, submissions):
    """Refuse early what is not CIFAR-10, where a submission needs it."""
    if any(part.startswith(PART4) for submission in submissions for part in submission.notebooks):
        try:
            find_cifar10(folder, demo=False)
        except DataUnavailable as error:
            raise Refused(f"--cifar10: {error}") from None


def _mark_all(submissions, editions, folder, jobs, *settings) -> Iterator[StudentResult]:
    """Yield each result as it is known; an interruption abandons those being marked."""
    worker, benches = threading.local(), []  # a bench ends with the thread that started it

    def start():
        worker.bench = Bench(*settings)
        benches.append(worker.bench)

    def mark(submission):
        return mark_submission(submission, editions, worker.bench, folder / submission.student)

    pool = ThreadPoolExecutor(jobs, initializer=start)
    try:
        for future in as_completed([pool.submit(mark, submission) for submission in submissions]):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for bench in benches:
            bench.close()
        pool.shutdown()


def fingerprint(
    pack: Path, editions: Mapping[str, NotebookNode], limits: Limits, unsafe: bool, cifar10: Path | None
) -> str:
    """Return a hash of all that decides a mark beside the submission: checks, editions, code, limits."""
    digest = hashlib.sha256()
    for path in [*sorted(pack.rglob("*.py")), *sorted((ROOT / "instructor").rglob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for part, edition in sorted(editions.items()):
        sources = [(cell.cell_type, cell.source, cell.metadata) for cell in edition.cells]
        digest.update(json.dumps([part, sources], sort_keys=True).encode())
    digest.update(json.dumps([asdict(limits), unsafe, cifar10 is not None], sort_keys=True).encode())
    return digest.hexdigest()


def load_known(results: Path, submission: Submission, kit: str) -> StudentResult | None:
    """Return the marks of an earlier run if they still hold: nothing changed, and no failure was ours."""
    try:
        result = StudentResult.load(results / STUDENTS / submission.student / RESULT)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    same = submission.digest and (result.digest, result.kit) == (submission.digest, kit)
    failed = any(notebook.status == "refused" for notebook in result.notebooks.values())
    return result if same and not failed else None


def _line(result):
    marks = []
    for part, notebook in sorted(result.notebooks.items()):
        points = sum(question.points or 0 for question in notebook.questions)
        marks.append(f"{part.partition('_')[0]} {notebook.status} {points:g}")
    return f"{result.name or result.student}: {', '.join(marks) or 'nothing to grade'}"
