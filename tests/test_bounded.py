"""What reads a student's files ends: in linear time, or with its process."""

import gzip
import itertools
import os
import tarfile
import time

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from instructor import bounded
from instructor.collect import intake
from instructor.marking.plan import make_plan
from instructor.report import similarity

from .made_results import question, student
from .sending import PART1, answered, as_bytes, code, insert_after, send, zipped


@pytest.mark.parametrize(
    "endless",
    [(sum, itertools.repeat(0)), (bytes, 4 * bounded.MEMORY), (os.abort,)],
    ids=["time", "memory", "abort"],
)
def test_what_takes_too_much_ends_and_the_next_is_read(endless):
    with pytest.raises(bounded.Excess):
        bounded.call(*endless, seconds=1)
    assert bounded.call(len, "abc") == 3


def _refuse():
    raise _Odd(1, 2)


class _Odd(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def test_what_it_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        bounded.call(divmod, 1, 0)
    with pytest.raises(RuntimeError, match="_Odd: 1"):  # it cannot come back as it is
        bounded.call(_refuse)


def _compared(*answers, points=0.0, key="1.b"):
    similarity.similar([student(f"s{i}", question(key, points, text)) for i, text in enumerate(answers)])


def _sent(tmp_path, name, content):
    return intake.collect(send(tmp_path / "sent", {f"a/{name}": content}), tmp_path / "staging")


def _long_name():
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 300 * 2**20
    return gzip.compress(info.tobuf() + bytes(info.size), 1)


def _many_notebooks():
    cells = [code(f"x{number} = {number}") for number in range(2000)]
    return zipped({f"{n}.ipynb": {"cells": cells, "metadata": {}, "nbformat": 4} for n in range(100)})


@pytest.mark.parametrize(
    "read",
    [
        lambda path: _compared("#" * 600_000 + "'", "x"),
        lambda path: _compared("a b " * 20_000, "a b " * 20_001 + "fin", points=None, key="1.c"),
        lambda path: _compared("a" + "\u0301\u0327" * 100_000, "x"),
        lambda path: make_plan(intake.load_editions()[PART1]),
        lambda path: _sent(path, "tp.tar.gz", _long_name()),
        lambda path: _sent(path, "tp.zip", _many_notebooks()),
    ],
    ids=["comment", "repeated", "accents", "plan", "tar", "notebooks"],
)
def test_reading_takes_linear_time(tmp_path, read):
    started = time.process_time()
    read(tmp_path)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("source", ["!a\n" * 600 + "y = 1\n" * 5000 + "x = = 1", "x = !ls {vars}\n" * 2000])
def test_a_cell_that_python_cannot_read_is_planned_at_once(tmp_path, source):
    cell = code(source) | {"id": "etudiant"}
    (tmp_path / "sent.ipynb").write_bytes(as_bytes(insert_after(answered(PART1), "preparation", cell)))
    edition = intake.load_editions()[PART1]
    notebook = intake.reattach(intake.notebooks.read(tmp_path / "sent.ipynb"), edition).notebook
    started = time.process_time()
    steps = make_plan(notebook).steps
    assert time.process_time() - started < 3
    assert source in [step.get("run") for step in steps]
