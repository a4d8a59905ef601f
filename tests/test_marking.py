"""What marking decides: which cells run, what may travel between the sandboxes, what becomes of each mark."""

import csv
import functools
import importlib
import json
import math
import runpy
import socket
import struct
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import keras
import numpy as np
import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from helpers import PlaygroundConfig
from helpers.checks import part1, part4
from helpers.cifar10 import DataUnavailable, dataset, evaluate, load_cifar10
from helpers.french import decimal
from instructor import editions
from instructor.collect import notebooks
from instructor.collect.reattach import reattach
from instructor.editions import load_editions
from instructor.marking import grade, notebook
from instructor.marking.plan import make_plan
from instructor.records import NotebookResult, StudentResult, Submission
from instructor.report import results
from instructor.sandbox import bench, room
from instructor.sandbox.inside import checker, codec, wire
from instructor.sandbox.inside.limits import Limits

from .hostile_files import lab_layers
from .isolation import required_sandbox
from .sending import PART1, answered, as_bytes, code, find, insert_after, send, zipped

EDITIONS = load_editions()
PART4 = "part4_cifar10"
LAB = """
def build_model():
    modele = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Rescaling(1 / 255)])
    for filtres in (32, 64, 64):
        modele.add(keras.layers.Conv2D(filtres, 5, padding="same", activation="relu"))
        modele.add(keras.layers.MaxPooling2D(2))
    modele.add(keras.layers.Flatten())
    modele.add(keras.layers.Dense(1000, activation="relu"))
    modele.add(keras.layers.Dense(10, activation="softmax"))
    return modele
"""


# Which cells run.


@pytest.fixture
def rebuilt(tmp_path):
    """Return a function: a notebook as sent -> as ``reattach`` rebuilds it."""

    def rebuild(notebook):
        (tmp_path / "sent.ipynb").write_bytes(as_bytes(notebook))
        return reattach(notebooks.read(tmp_path / "sent.ipynb"), EDITIONS[PART1]).notebook

    return rebuild


def test_checks_are_the_editions_and_our_figures_do_not_run(rebuilt):
    notebook = answered(PART1, {"q1b": "palier = np.float64(0.5)\nconstante = 0"})
    find(notebook, "q1b-verification")["source"] = "1.5"
    steps = make_plan(rebuilt(notebook)).steps
    checks = {step["cell"].removeprefix("p1-"): step["check"] for step in steps if "check" in step}
    assert list(checks) == [
        editions.local_id(cell) for cell in EDITIONS[PART1].cells if editions.is_check(cell)
    ]
    assert checks["q1b-verification"] == "check_plateau"
    source = "\n".join(step["run"] for step in steps if "run" in step)
    assert "palier = np.float64(0.5)" in source
    assert "import numpy as np" in source
    for left_out in ("selftest.report", "plotting.", "curl", "from helpers import"):
        assert left_out not in source
        assert left_out in "\n".join(cell.source for cell in EDITIONS[PART1].cells)


@pytest.mark.parametrize(
    ("added", "everything"),
    [
        ("prediction_1 = eval('0.3')", True),
        ("globals()", True),
        ("%%bash\nls", False),
        ("x = (1", False),
        ("%time y = 1", False),
    ],
)
def test_a_cell_that_may_read_anything_makes_all_run(rebuilt, added, everything):
    notebook = insert_after(answered(PART1), "preparation", code(added))
    steps = make_plan(rebuilt(notebook)).steps
    sources = [step["run"] for step in steps if "run" in step]
    assert added in sources  # even what cannot be read: its error is to be told
    assert any("selftest.report" in source for source in sources) == everything


@pytest.mark.parametrize("part", EDITIONS)
def test_reports_know_a_part_by_the_keys_of_its_checks(part):
    module = importlib.import_module(f"helpers.checks.{part.partition('_')[0]}")
    points = {question.key: question.points for question in module.MARKS.questions.values()}
    assert editions.part(part).points == points


# What travels.


class Untold:
    def __array__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "value",
    [None, True, -(10**30), 0.1, math.inf, 1j, "é\0", b"\xff", [1, (2.5, {"a": {1, 2}})], {1: [None]}],
    ids=repr,
)
def test_plain_values_come_back_with_their_types(value):
    back = codec.decode(codec.encode(value))
    assert (type(back), back) == (type(value), value)


def test_arrays_paths_and_configurations_come_back():
    for array in (np.arange(6.0).reshape(2, 3).T, np.float32(0.5), np.array(["a", "bc"]), np.zeros((0, 3))):
        back = codec.decode(codec.encode(array))
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)
    assert codec.decode(codec.encode(Path("sauvegardes", "best.keras"))) == "sauvegardes/best.keras"
    config = PlaygroundConfig(network_shape=(3, 2))
    assert codec.decode(codec.encode(config)) == config


@pytest.mark.parametrize(
    "value",
    [Untold(), object(), lambda: 1, np.array([object()]), "x" * (codec.LONGEST + 1)],
    ids=["liar", "object", "function", "array of objects", "long text"],
)
def test_what_has_no_encoding_travels_as_a_name(value):
    assert isinstance(codec.decode(codec.encode(value)), codec.Opaque)


class Mine(keras.layers.Layer):
    def call(self, inputs):
        return inputs


class Sub(keras.Model):
    pass


def _net(*first, activation="relu"):
    return keras.Sequential([keras.Input((32, 32, 3)), *first, *lab_layers(activation=activation)])


def _functional(*layers):
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, functools.reduce(lambda x, layer: layer(x), layers, inputs))


HALVES = (0.5, Fraction(1, 2), np.float32(0.5), np.array([0.5]), Decimal("0.5"), "0,5", True, None, 1j, [0.5])
SIDES = {1: 28, 2: 14, 3: 10, 4: 5, 5: 1}
FIVE = SIDES, SIDES.values(), list(SIDES.values()), np.array(list(SIDES.values()))
NOT_FIVE = range(5), "28", {28, 14}, iter([1])
ANSWERS = [(part1.check_plateau, (half, 0)) for half in HALVES]
ANSWERS += [(part4.check_valid_sides, (sides,)) for sides in (*FIVE, *NOT_FIVE)]
MODELS = (
    _net,
    lambda: _net(keras.layers.Lambda(lambda x: x / 255)),
    lambda: _net(Mine()),
    Sub,
    lambda: _net(activation=lambda x: x),
    lambda: _functional(_net()),
    lambda: _functional(*[keras.layers.Conv2D(3, 5, padding="same")] * 6, _net(Mine())),
    lambda: keras.Sequential([keras.layers.Dense(3)]),
    lambda: "modèle",
)


@pytest.mark.parametrize(("check", "answers"), [*ANSWERS, *((part4.check_model, (make,)) for make in MODELS)])
def test_marking_reads_an_answer_as_the_notebook_does(check, answers):
    if check is part4.check_model:
        answers = (answers[0](),)
    shown = check(*answers)
    marked = check(*(codec.decode(codec.encode(answer), None) for answer in answers))
    assert (float(marked), marked.answered) == (float(shown), shown.answered)
    if "reçu" not in shown.feedback:
        assert marked.feedback == shown.feedback


def test_a_model_too_large_for_any_machine_is_read_without_its_weights():
    config = json.loads(_net().to_json())
    for layer in config["config"]["layers"]:
        layer.pop("build_config", None)
        layer["config"] |= {"units": 4_000_000} if layer["class_name"] == "Dense" else {}
    assert codec.decode(["keras", json.dumps(config)]).count_params() > 10**12
    with pytest.raises(codec.Undecodable, match="too many models"):
        codec.decode(["list", [["keras", _net().to_json()]] * 9])
    run = ["run", PlaygroundConfig().to_url(), [0], "float64", 20_000]
    with pytest.raises(codec.Undecodable, match="too many epochs"):
        codec.decode(["list", [[*run[:2], list(range(9)), *run[3:]], *[run] * 9]])


def test_a_cyclic_list_and_a_huge_one_do_not_travel_whole():
    cyclic = []
    cyclic.append(cyclic)
    for value in (cyclic, list(range(codec.ITEMS + 1))):
        record = codec.encode(value)
        assert len(str(record)) < 10_000
        codec.decode(record)


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "int",
        ["os.system", "ls"],
        ["int", "9" * 10_000],
        ["array", "O", [1], "AAAAAAAAAAA="],
        ["array", "<f8", [-1, 2**40], "AAAA"],
        ["array", "<f8", [10**9], "AAAAAAAAAAA="],
        functools.reduce(lambda record, _: ["list", [record]], range(20), ["none"]),
        ["dict", [["int", "1"]]],
        ["dict", [["list", []], ["int", "1"]]],
        ["function", 0],
        ["config", "https://example.org/#batchSize=oops"],
        ["run", "#", [0], "float64", 10**9],
        ["keras", '{"class_name": "Lambda", "module": "builtins", "config": {}}'],
        ["keras", "{" * 100_000],
        ["scalar", "<f8"],
    ],
    ids=range(17),
)  # fmt: skip
def test_hostile_records_are_refused(record):
    try:
        value = codec.decode(record)
    except codec.Undecodable:
        return
    assert isinstance(value, codec.Opaque)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", wire.MOST + 1),
        struct.pack(">I", 3) + b"{'}",
        struct.pack(">I", 2) + b"\xff\xfe",
        struct.pack(">I", 100_000) + b"[" * 100_000,
        struct.pack(">I", 10) + b"12",
        b"\0\0",
        b"",
    ],
    ids=["too large", "not JSON", "not UTF-8", "too deep", "cut short", "half a header", "nothing"],
)
def test_hostile_messages_are_lost(data):
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(data)
        with pytest.raises(wire.Lost):
            wire.receive(ours, 5)


def test_silence_ends_in_time():
    ours, theirs = socket.socketpair()
    theirs.sendall(b"\0")
    with ours, theirs, pytest.raises(wire.Late):
        wire.receive(ours, 0.1)


# What becomes of a mark.


def marked(part, check, *values, told=...):
    """Mark values in place of those of a student's process, or whatever else it told."""
    marking = checker.Marking(part, None, Limits())
    marking.ask = lambda *_: {"values": list(values) if told is ... else told}
    marking.check({"check": check, "arguments": [f"x{n}" for n in range(len(values))], "cell": "c"})
    (score,) = marking.scores.values()
    return score


def test_a_score_counts_what_travelled():
    assert marked("part1", "check_plateau", ["float", 0.5], ["int", "0"])["points"] == 1.5
    missing = marked("part1", "check_plateau", None, ["int", "0"])
    assert missing["points"] == 0.75
    assert "`x0` n'est pas défini" in missing["feedback"]
    for hostile in (["object", "Score"], ["float", "1e400"], {"points": 1.5}, 7, ["str", "0.5"]):
        assert marked("part1", "check_plateau", hostile, hostile)["points"] == 0


def test_answers_of_another_number_or_kind_are_worth_nothing():
    for answer in ("1.5", None, [["float", 0.5]] * 3, {"x0": ["float", 0.5]}):
        assert marked("part1", "check_plateau", None, None, told=answer)["points"] == 0


def test_a_question_without_images_stays_to_be_marked(monkeypatch):
    def none_here():
        raise DataUnavailable("nothing")

    monkeypatch.setattr(dataset, "_LOADED", [])
    monkeypatch.setattr(dataset, "find_cifar10", none_here)
    score = marked("part4", "check_margin", ["float", 0.008], ["str", "best.keras"])
    assert score["points"] is None
    assert "CIFAR-10 n'était pas disponible à la correction" in score["feedback"]
    assert marked("part4", "check_margin", ["ellipsis"], ["str", "best.keras"])["points"] == 0  # unanswered
    assert marked("part4", "check_prediction_accuracy", ["float", 0.7])["points"] == 0.5


class Scripted:
    """A bench whose student's process dies at some cells."""

    limits = Limits()

    def __init__(self, deadly, why="gone"):
        self.deadly, self.why, self.runs = deadly, why, 0

    def describe(self, part):
        return checker.describe(part)

    def mark(self, part, steps, folder=None):
        self.runs += 1
        outcome = bench.Outcome(seconds={"run": 1.0, "check": 0.0, "start": 0.0})
        for step in steps:
            if step["cell"].endswith(tuple(self.deadly)):
                outcome.lost = self.why
                break
            if "check" in step:
                question = getattr(part1, step["check"])(...).question
                outcome.scores[question.key] = {"points": question.points, "feedback": "", "answered": True}
            outcome.done += 1
        return outcome


def marked_by(scripted):
    result = NotebookResult(PART1, "graded")
    edition = EDITIONS[PART1]
    notebook.run(result, edition, edition, make_plan(edition), scripted)
    return result, {question.key: question.points for question in result.questions}


def test_a_deadly_cell_costs_only_itself():
    result, points = marked_by(Scripted({"q3b-reponse"}, "memory"))
    assert result.status == "partial"
    assert result.seconds["run"] == 2
    assert any("q3b-reponse" in remark and "mémoire" in remark for remark in result.remarks)
    assert all(value is None or value > 0 for value in points.values())


def test_after_too_many_deaths_what_was_checked_counts():
    scripted = Scripted({"q2a-reponse", "q3a-reponse", "q3b-reponse", "q4a-reponse"})
    result, points = marked_by(scripted)
    assert (result.status, scripted.runs) == ("partial", 3)
    assert points["1.b"] == 1.5
    assert points["2.a"] == 3
    assert points["4.b"] == 0
    assert "s'est arrêtée avant elle" in next(q for q in result.questions if q.key == "4.b").feedback


def test_what_cannot_be_read_gets_no_grade(tmp_path):
    empty = {"cells": [{"cell_type": "code", "source": ""}], "nbformat": 4, "metadata": {}}
    part2, part4 = list(EDITIONS)[1], list(EDITIONS)[3]
    send(tmp_path, {"part1.ipynb": answered(PART1), "part4.ipynb": empty})
    sent = {PART1: tmp_path / "part1.ipynb", part4: tmp_path / "part4.ipynb"}
    submission = Submission("zoe-1", "Zoé", "1", tmp_path, sent, [part2])
    result = notebook.mark_submission(submission, EDITIONS, Scripted({}), tmp_path)
    statuses = {name: marked.status for name, marked in result.notebooks.items()}
    assert statuses == {PART1: "graded", part2: "unreadable", part4: "unreadable"}
    assert results.mark(result, [PART1]).grade() is not None
    for name in (part2, part4):
        assert results.mark(result, [PART1, name]).grade() is None


def test_a_failure_of_ours_is_told_and_worth_another_try(tmp_path):
    send(tmp_path, {"part1.ipynb": answered(PART1)})
    submission = Submission("zoe-1", "Zoé", "1", tmp_path, {PART1: tmp_path / "part1.ipynb"}, digest="d")

    class Broken(Scripted):
        def mark(self, *_):
            raise room.SandboxError("the marking did not end")

        def close(self):
            self.closed = True

    broken = Broken({})
    result = notebook.mark_submission(submission, EDITIONS, broken, tmp_path)
    assert broken.closed
    assert result.notebooks[PART1].status == "refused"
    assert any("erreur du correcteur" in remark for remark in result.notebooks[PART1].remarks)
    result.kit, stored = "kit", tmp_path / "students" / "zoe-1" / "result.json"
    result.save(stored)
    assert grade.load_known(tmp_path, submission, "kit") is None
    result.notebooks[PART1] = NotebookResult(PART1, "graded")
    result.save(stored)
    assert grade.load_known(tmp_path, submission, "kit") == result
    assert grade.load_known(tmp_path, submission, "another kit") is None


# Whole runs.


def test_unsafe_warns_and_the_report_says_so(tmp_path, monkeypatch, capsys):
    sent = tmp_path / "sent" / "Zoé Durand_12_assignsubmission_file_"
    send(sent, {"part1.ipynb": answered(PART1, {"q1b": "palier = 0.5\nconstante = 0"})})
    options = ["grade", str(tmp_path / "sent"), "--out", str(tmp_path / "marks"), "--jobs", "1", "--unsafe"]
    monkeypatch.setattr(sys, "argv", ["instructor", *options])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("instructor", run_name="__main__")
    assert ended.value.code == 0
    assert "WARNING: --unsafe runs every submission's code with your own rights" in capsys.readouterr().err
    result = StudentResult.load(tmp_path / "marks" / "students" / "zoe-durand-12" / "result.json")
    assert any("sans isolation (--unsafe)" in remark for remark in result.remarks)
    assert sum(question.points or 0 for question in result.notebooks[PART1].questions) == 1.5
    assert "sans isolation" in (tmp_path / "marks" / "class.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("submissions", "out", "why"),
    [
        (".", "marks", "outside of SUBMISSIONS"),
        (".", ".", "outside of SUBMISSIONS"),
        ("absent", "marks", "Aucun rendu"),
        ("empty", "marks", "Aucun rendu"),
        ("results", "marks", "is a RESULTS"),
    ],
)
def test_what_cannot_be_graded_is_refused_and_nothing_is_written(
    tmp_path, monkeypatch, capsys, submissions, out, why
):
    send(tmp_path, {"zoe/part1.ipynb": answered(PART1), "results/students/zoe/result.json": "{}"})
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    options = ["grade", str(tmp_path / submissions), "--out", str(tmp_path / out), "--unsafe"]
    monkeypatch.setattr(sys, "argv", ["instructor", *options])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("instructor", run_name="__main__")
    assert ended.value.code == 1
    assert why in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_no_pace_is_told_of_what_took_no_time(tmp_path):
    send(tmp_path / "sent" / "zoe", {})
    said = []
    grade.grade(tmp_path / "sent", tmp_path / "marks", unsafe=True, say=said.append)
    assert said == ["[1/1] zoe: nothing to grade"]


def test_part4_is_measured_from_what_was_handed_in(tmp_path, monkeypatch):
    """A network trained on the test images earns what it reaches, and the teacher is told."""
    required_sandbox()
    monkeypatch.setitem(room._ENVIRONMENT, "LAB_CIFAR10_DEMO", "100")
    data = load_cifar10(demo=100)
    scope = {"keras": keras}
    exec(LAB, scope)
    keras.utils.set_random_seed(0)
    model = scope["build_model"]()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data.x_test, data.y_test, batch_size=10, epochs=12, verbose=0)
    model.save(tmp_path / "best.keras")
    validation = type(data)(data.x_train, data.y_train, data.x_train[90:], data.y_train[90:], demo=True)
    measured = evaluate(model, validation)
    reached = measured.accuracy
    rows = [["epoch", "seconds", "batches", "accuracy", "val_accuracy"]]
    rows += [[1, 1.5, 9, 0.2, reached / 2], [2, 1.5, 9, 0.5, reached], [3, 1.5, 9, 0.9, reached / 2]]
    rows = [[*row, loss] for row, loss in zip(rows, ["val_loss", 9, measured.loss, 9], strict=True)]
    with open(tmp_path / "history.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    evaluation = evaluate(model, data)
    (true, predicted, _), *_ = evaluation.most_confused(1) or [("chat", "chien", 0)]
    answers = {
        "q2a": LAB,
        "q3b": f"epoque_sommet = suivi_simple.best_epoch\necart_final = {0.9 - reached / 2}",
        "q4b": "suivi_remede = TrainingRecord('remede', donnees, folder='/content/drive/MyDrive')\n"
        "modele_rendu = suivi_remede.best_path",
        "q5a": f"confusion = ({true!r}, {predicted!r})",
        "q5b": "demi_largeur = 1.96 * (evaluation.accuracy * (1 - evaluation.accuracy) / 100) ** 0.5",
    }
    files = {
        f"sauvegardes/{name}-demonstration-100/{file}": (tmp_path / file).read_bytes()
        for name in ("simple", "remede")
        for file in ("best.keras", "history.csv")
    }
    folder = tmp_path / "sent" / "Zoé Durand_12_assignsubmission_file_"
    send(folder, {"part4.ipynb": answered(PART4, answers), part4.ARCHIVE: zipped(files)})
    (result,) = grade.grade(tmp_path / "sent", tmp_path / "marks", jobs=1, say=lambda line: None)
    found = result.notebooks[PART4]
    questions = {question.key: question for question in found.questions}
    assert found.status == "graded", found.remarks
    assert questions["2.a"].points == 4, questions["2.a"].feedback
    assert questions["3.b"].points == 1.5, questions["3.b"].feedback
    assert f"exactitude {decimal(evaluation.accuracy)}" in questions["4.b"].feedback.replace("\u00a0", " ")
    assert questions["4.b"].points == 5
    assert any("À regarder de près" in remark for remark in found.private)
    assert "À regarder" not in " ".join(
        [*found.remarks, *(question.feedback for question in found.questions)]
    )
