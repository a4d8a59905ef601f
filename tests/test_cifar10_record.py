"""The record of a training: nothing lost, nothing mixed, whatever happens in between."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import weakref
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

from helpers.cifar10 import Cifar10, RecordError, TrainingRecord, checkpoint, live, read_model, record
from helpers.cifar10.recipe import STAND_IN
from helpers.plotting import training_curves

ROOT = Path(__file__).parent.parent


def images(count, seed):
    """Tiny made-up images whose brightness tells their class."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, (count, 1)).astype("uint8")
    noise = random.integers(0, 60, (count, 4, 4, 3))
    return (noise + 19 * labels[:, :, None, None]).astype("uint8"), labels


DATA = Cifar10(*images(48, 0), *images(16, 1), demo=True)
(X, Y), (X_TEST, Y_TEST) = DATA


def built(rate=0.01, units=8, loss="sparse_categorical_crossentropy", eager=True, metrics=("accuracy",)):
    """A network whose training is the same each time, without the seconds it takes to compile a graph."""
    keras.utils.set_random_seed(3)
    hidden = keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(units, "relu")
    model = keras.Sequential([keras.Input((4, 4, 3)), *hidden, keras.layers.Dense(10, "softmax")])
    model.compile(keras.optimizers.Adam(rate), loss=loss, metrics=list(metrics), run_eagerly=eager)
    return model


def fit(model, kept, epochs, *callbacks, **options):
    options = {"batch_size": 16, "validation_split": 1 / 3, "shuffle": False, "verbose": 0, **options}
    return model.fit(X, Y, epochs=epochs, callbacks=[kept, *callbacks], **options)


class At(keras.callbacks.Callback):
    """Does something at the end of a batch of an epoch, both counted from 0."""

    def __init__(self, epoch, batch, action):
        super().__init__()
        self.place, self.action = (epoch, batch), action

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            self.action()


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a training of three epochs, and its model."""
    folder, model = tmp_path_factory.mktemp("sauvegardes"), built()
    fit(model, TrainingRecord("simple", DATA, folder), 3)
    return folder, model


@pytest.fixture
def kept(trained, tmp_path):
    """A record of three epochs with validation."""
    shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True)
    return TrainingRecord("simple", DATA, tmp_path)


@pytest.fixture
def model(trained):
    """The model that left it: not to be trained further."""
    return trained[1]


def best_model(record):
    """What a student hands in: the model of the best epoch."""
    model = read_model(record.best_path)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def same_weights(first, second):
    np.testing.assert_equal(first.get_weights(), second.get_weights())


def test_each_epoch_is_on_disk(kept, model):
    assert kept.folder.name == "simple-demonstration-48"
    expected = ["best.keras", "history.csv", "last-002.keras", "last-003.keras"]
    assert sorted(path.name for path in kept.folder.iterdir()) == expected
    assert set(kept.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    with open(kept.folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == list("123")
    assert {row["batches"] for row in rows} == {"2"}
    assert [float(row["val_accuracy"]) for row in rows] == kept.history["val_accuracy"]
    last = keras.saving.load_model(kept.folder / "last-003.keras", safe_mode=True)
    same_weights(last, model)
    assert int(last.optimizer.iterations) == 6


def test_best_model_is_that_of_the_best_epoch(kept):
    assert kept.best_epoch == int(np.argmax(kept.history["val_accuracy"])) + 1
    accuracy = best_model(kept).evaluate(X[32:], Y[32:], verbose=0)[1]
    assert accuracy == pytest.approx(max(kept.history["val_accuracy"]))
    with zipfile.ZipFile(kept.best_path) as archive:
        assert not json.loads(archive.read("config.json")).get("compile_config")
        best, last = (
            zipfile.ZipFile(path).getinfo("model.weights.h5").file_size
            for path in (kept.best_path, kept.folder / "last-003.keras")
        )
    assert best < last


def test_interrupted_then_taken_up_equals_uninterrupted(kept, model, tmp_path):
    first = TrainingRecord("interrompu", DATA, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(built(), first, 3, At(1, 1, interrupt))
    assert len(first.history["loss"]) == 1
    assert first.best_path.exists()
    resumed, again = built(), TrainingRecord("interrompu", DATA, tmp_path)
    history = fit(resumed, again, 3)
    assert again.history == kept.history == history.history
    assert again.best_epoch == kept.best_epoch
    same_weights(resumed, model)
    same_weights(best_model(again), best_model(kept))


def lost_interrupt():
    """Interrupt while a weak reference is told: Python drops the KeyboardInterrupt."""

    class Target:
        pass

    target = Target()
    watched = weakref.ref(target, lambda _: signal.raise_signal(signal.SIGINT))
    del target
    assert watched() is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_stops_the_training(tmp_path):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a training that failed may have left its own
    record = TrainingRecord("interrompu", DATA, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(built(), record, 3, At(1, 0, lost_interrupt))
    assert len(record.history["loss"]) == 1
    fit(built(), record, 2)  # the old interrupt is forgotten
    assert len(record.history["loss"]) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_finished_training_is_restored_and_continued(kept, model, capsys):
    history = kept.history
    again, other = TrainingRecord(kept.name, DATA, kept.folder.parent), built()
    assert again.history == history  # known before any training
    for epochs in (3, 2):
        fit(other, again, epochs)
        assert again.history == history
        same_weights(other, model)
    assert "époque 4" not in capsys.readouterr().out
    fit(other, again, 4)
    assert {key: values[:3] for key, values in again.history.items()} == history
    assert int(other.optimizer.iterations) == 8
    # The model is as free as any other afterwards: another fit of it trains.
    other.fit(X, Y, batch_size=16, epochs=1, verbose=0)
    assert int(other.optimizer.iterations) == 11


def test_learning_rate_schedule_goes_on(tmp_path):
    def scheduled():
        return built(keras.optimizers.schedules.CosineDecay(0.01, 4))

    for epochs in (1, 2):
        model = scheduled()
        fit(model, TrainingRecord("cosinus", DATA, tmp_path), epochs)
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-8)


def test_callback_that_stops_early_or_lowers_the_rate(tmp_path):
    model, kept = built(), TrainingRecord("arrêt", DATA, tmp_path)
    patient = keras.callbacks.EarlyStopping("loss", min_delta=100, patience=1)
    lowered = keras.callbacks.ReduceLROnPlateau("loss", min_delta=100, patience=1, factor=0.5)
    fit(model, kept, 4, lowered, patient)
    assert len(kept.history["loss"]) == 2
    rate = float(model.optimizer.learning_rate)
    assert rate == pytest.approx(0.005)
    fit(built(), kept, 4)
    fit(model, kept, 4)  # the model in memory, whose rate is no longer that of its recipe
    assert len(kept.history["loss"]) == 2
    fit(model, kept, 5)
    assert len(kept.history["loss"]) == 5
    assert float(model.optimizer.learning_rate) == rate


def test_callback_that_goes_back_to_another_epoch_changes_no_file(tmp_path):
    """Whether it comes before the record or after it, and again when the cell runs again."""
    whole = TrainingRecord("entier", DATA, tmp_path)
    fit(built(), whole, 2)
    for before in (True, False):
        kept = TrainingRecord(f"avant {before}", DATA, tmp_path)
        for _ in range(2):
            back = keras.callbacks.EarlyStopping("loss", min_delta=100, patience=1, restore_best_weights=True)
            first, second = (back, kept) if before else (kept, back)
            fit(built(), first, 4, second)
            assert kept.history == whole.history
            same_weights(best_model(kept), best_model(whole))
            for path in kept.folder.glob("last-*.keras"):
                same_weights(read_model(path), read_model(whole.folder / path.name))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"units": 9}, "couche 4, units : 8 → 9"),
        ({"rate": 0.02}, "learning_rate : 0.01 → 0.02"),
        ({"loss": "mean_squared_error"}, "perte"),
    ],
)
def test_another_recipe_is_refused(kept, options, reason):
    before, model = {path: path.read_bytes() for path in kept.folder.iterdir()}, built(**options)
    with pytest.raises(RecordError, match="autre nom") as refusal:
        fit(model, kept, 9)
    assert reason in str(refusal.value).replace("\u00a0", " ")
    assert {path: path.read_bytes() for path in kept.folder.iterdir()} == before
    model.fit(X, Y, epochs=1, verbose=0)  # the refusal has not harmed anything


def test_same_layers_otherwise_named_or_built_are_the_same_recipe():
    inputs = keras.Input((4, 4, 3))
    assert record.recipe(built()) == record.recipe(built())
    functional = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs)))
    functional.compile("adam", "mse")
    renamed = keras.models.clone_model(functional, clone_function=_renamed)
    renamed.compile("adam", "mse")
    assert record.recipe(functional) == record.recipe(renamed)


def test_a_setting_that_another_keras_lacks_makes_no_other_recipe(monkeypatch):
    old = record.recipe(built())
    config = keras.initializers.GlorotUniform.get_config
    monkeypatch.setattr(
        keras.initializers.GlorotUniform, "get_config", lambda self: {**config(self), "to_come": None}
    )
    assert record.difference(old, record.recipe(built())) is None


def _renamed(layer):
    return type(layer).from_config({**layer.get_config(), "name": f"autre_{layer.name}"})


def test_erase_keeps_the_files(kept, capsys):
    for number in (1, 2):
        kept.erase()
        assert not kept.folder.exists()
        assert kept.history == {}
        moved = kept.folder.parent / "anciens" / f"{kept.folder.name}-{number}"
        assert (moved / "best.keras").exists()
        assert str(moved) in capsys.readouterr().out
        kept.folder.mkdir()
        (kept.folder / "best.keras").touch()
    kept.erase()
    kept.erase()
    assert "rien n'était enregistré" in capsys.readouterr().out


def test_damaged_or_missing_files(kept, model, capsys):
    history = kept.history
    newest = kept.folder / "last-003.keras"
    newest.write_bytes(newest.read_bytes()[:-900])
    kept.best_path.write_bytes(b"PK")
    (kept.folder / "history.csv").unlink()
    (kept.folder / ".partial-1-best.keras").write_bytes(b"half")
    other = built()
    fit(other, kept, 3)
    said = capsys.readouterr().out
    assert "last-003.keras est abîmé" in said
    assert kept.history == history
    same_weights(other, model)
    assert checkpoint.is_whole(newest)
    assert checkpoint.is_whole(kept.best_path)
    assert not list(kept.folder.glob(".partial*"))

    flipped = bytearray(newest.read_bytes())
    flipped[len(flipped) // 2] ^= 255
    newest.write_bytes(flipped)
    (kept.folder / "last-002.keras").unlink()
    fit(built(), kept, 1)
    assert "repart de zéro" in capsys.readouterr().out.replace("\u00a0", " ")
    assert len(kept.history["loss"]) == 1
    assert (kept.folder.parent / "anciens" / f"{kept.folder.name}-1" / "last-003.keras").exists()


def test_full_disk_does_not_stop_the_training(tmp_path, monkeypatch, capsys):
    kept = TrainingRecord("plein", DATA, tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "fsync", full)
        fit(built(), kept, 2)
    assert "Impossible d'écrire" in capsys.readouterr().out
    assert len(kept.history["loss"]) == 2
    assert not list(kept.folder.iterdir())  # no halves
    fit(built(), kept, 2)
    assert len(TrainingRecord("plein", DATA, tmp_path).history["loss"]) == 2


def test_loss_that_is_no_number(tmp_path, capsys):
    kept = TrainingRecord("diverge", DATA, tmp_path)
    model = built()

    def spoil():
        model.layers[-1].kernel.assign(np.full((8, 10), np.nan))

    fit(model, kept, 9, At(1, 0, spoil))
    assert "learning_rate" in capsys.readouterr().out
    assert len(kept.history["loss"]) == 1
    assert np.isfinite(best_model(kept).predict(X_TEST, verbose=0)).all()


def test_grading_restores_and_never_trains(kept, model, monkeypatch, capsys):
    monkeypatch.setenv("LAB_GRADING", "1")
    before = {path: path.stat().st_mtime_ns for path in kept.folder.iterdir()}
    graded, other = TrainingRecord("simple", DATA, kept.folder.parent), built(rate=0.5)
    fit(other, graded, 50)
    same_weights(other, model)
    assert graded.history == kept.history
    assert {path: path.stat().st_mtime_ns for path in kept.folder.iterdir()} == before
    capsys.readouterr()
    for name, network, sentence in (
        ("rien", built(), "Rien n'est enregistré"),
        ("simple", built(units=9), "n'est pas celui du carnet"),
    ):
        start = network.get_weights()
        fit(network, TrainingRecord(name, DATA, kept.folder.parent), 50)
        assert sentence in capsys.readouterr().out
        np.testing.assert_array_equal(network.get_weights()[0], start[0])
    assert not (kept.folder.parent / "rien-demonstration-48").exists()


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (["simple", "remede"], "simple"),
        (["rendu", "remede-demonstration-48"], "rendu"),
        (["."], "."),
        (["rendu", "simple-demonstration-48"], "simple-demonstration-48"),
        (["un", "deux"], "simple-demonstration-48"),
        (["simple-bis-demonstration-48"], "simple-demonstration-48"),
    ],
)
def test_a_record_that_was_sent_is_found_by_what_it_is(tmp_path, monkeypatch, sent, found):
    monkeypatch.setenv("LAB_GRADING", "1")
    monkeypatch.chdir(tmp_path)
    for name in sent:
        folder = tmp_path / "sauvegardes" / name
        folder.mkdir(parents=True)
        (folder / "best.keras").write_bytes(b"")
        (folder / "history.csv").write_text("epoch,accuracy\n1,0.5\n")
    record = TrainingRecord("simple", DATA, "/content/drive")
    assert record.folder == Path("sauvegardes", found)
    assert len(record.history.get("accuracy", ())) == (record.folder / "history.csv").exists()


@pytest.mark.parametrize("table", ["epoch\n" + "9" * 200_000, 'epoch\n"\0', "a,b\n1\n", "", "epoch\n1;2"])
def test_a_damaged_table_is_told_in_one_sentence(tmp_path, table):
    csv.field_size_limit(2**31 - 1)  # as once a whole class's answers were read
    (tmp_path / "history.csv").write_text(table)
    with pytest.raises(RecordError, match="Aucun journal lisible"):
        record.read_history(tmp_path)


def test_validation_data_tf_data_or_nothing(tmp_path, capsys):
    kept = TrainingRecord("sans", DATA, tmp_path)
    fit(built(), kept, 2, validation_split=0)
    assert set(kept.history) == {"loss", "accuracy"}
    assert kept.best_epoch == int(np.argmax(kept.history["accuracy"])) + 1
    # Validation from now on, on other batches: earlier epochs have none, and the change of batches is told.
    fit(built(), kept, 3, validation_split=0, validation_data=(X_TEST, Y_TEST), batch_size=24)
    np.testing.assert_equal(record.read_history(kept.folder), kept.history)
    assert np.isnan(kept.history["val_accuracy"][:2]).all()
    assert kept.best_epoch == 3
    assert "Lots par époque" in capsys.readouterr().out

    streamed = TrainingRecord("flux", DATA, tmp_path)
    flow = tf.data.Dataset.from_tensor_slices((X, Y)).repeat(2).filter(lambda x, y: y[0] < 12).batch(16)
    built().fit(flow, epochs=2, validation_data=flow, verbose=0, callbacks=[streamed])
    assert streamed._images() == 96
    assert len(streamed.history["val_loss"]) == 2
    assert streamed._steps == 6


@pytest.mark.parametrize(("policy", "sessions"), [("mixed_bfloat16", [1]), ("mixed_float16", [1, 2])])
def test_mixed_precision_saves_a_float32_model(tmp_path, policy, sessions):
    keras.config.set_dtype_policy(policy)
    try:
        for epochs in sessions:
            kept, model = TrainingRecord("mixte", DATA, tmp_path), built()
            fit(model, kept, epochs)
    finally:
        keras.config.set_dtype_policy("float32")
    assert int(model.optimizer.iterations) == 2 * sessions[-1]
    best = best_model(kept)
    assert {layer.compute_dtype for layer in best.layers} == {"float32"}


def test_images_that_are_not_those_of_the_record_are_told(tmp_path, capsys):
    few = Cifar10(X[:12], Y[:12], X_TEST, Y_TEST, demo=True)
    with pytest.raises(RecordError, match="environ 32 images par époque, et son journal est celui de 12"):
        fit(built(), TrainingRecord("trop", few, tmp_path), 1)
    many = Cifar10(np.tile(X, (2, 1, 1, 1)), np.tile(Y, (2, 1)), X_TEST, Y_TEST, demo=True)
    assert TrainingRecord("peu", many, tmp_path).images == "96\u00a0images"
    fit(built(), TrainingRecord("peu", many, tmp_path), 1)
    assert "ne se comparent pas" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("loss", "labels", "told"),
    [
        ("categorical_crossentropy", Y, "keras.utils.to_categorical(y_train)"),
        ("sparse_categorical_crossentropy", np.eye(10)[Y[:, 0]], "y_train tel quel"),
        ("mse", Y, "compilez avec"),
    ],
)
def test_the_usual_mistakes_are_told_in_french(shell, tmp_path, loss, labels, told):
    kept = TrainingRecord("erreur", DATA, tmp_path)
    shell.user_ns.update(train=lambda: built(loss=loss).fit(X, labels, callbacks=[kept], verbose=0))
    shell.run_cell("train()")
    assert told in kept._view._text.value.replace("\u00a0", " ")
    assert (loss == "mse") == ("pas de validation" in kept._view._text.value)


def test_model_that_has_already_learned_is_told(tmp_path, capsys):
    model = built()
    model.fit(X, Y, verbose=0)
    fit(model, TrainingRecord("suite", DATA, tmp_path), 1)
    assert "a déjà appris" in capsys.readouterr().out


def test_accuracy_must_be_measured(tmp_path):
    with pytest.raises(RecordError, match="accuracy"):
        fit(built(metrics=[]), TrainingRecord("muet", DATA, tmp_path), 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Réseau n° 2", "Reseau-n-2"), ("a/b\\..", "a-b"), ("../../etc", "etc"), ("été_1", "ete_1")],
)
def test_names_are_made_safe(tmp_path, name, expected):
    assert TrainingRecord(name, DATA, tmp_path).folder == tmp_path / f"{expected}-demonstration-48"


@pytest.mark.parametrize("name", ["", "  ", "///", "x" * 61, None, 3, ...])
def test_a_record_needs_a_name_and_the_images_that_we_load(tmp_path, name):
    with pytest.raises(RecordError, match="nom"):
        TrainingRecord(name, DATA, tmp_path)
    with pytest.raises(RecordError, match="load_cifar10"):
        TrainingRecord("simple", (X, Y), tmp_path)


def test_nothing_recorded(tmp_path):
    kept = TrainingRecord("vide", DATA, tmp_path)
    assert "aucune époque" in repr(kept)
    assert kept._repr_png_() is None
    assert kept.best_epoch is None


def test_record_shows_its_curves(kept):
    png, size = kept._repr_png_()
    assert Image.open(io.BytesIO(png)).width == 2 * size["width"]
    assert repr(kept) == size["alt"]
    assert not any(character.isdigit() for character in repr(kept))  # the same for any training


def test_learning_curves_of_several_trainings(kept):
    picture = training_curves({"sans": {"loss": [1.0], "accuracy": [0.5]}, "avec": kept.history})
    accuracy, loss = picture.figure.axes
    assert (accuracy.get_title("left"), loss.get_title("left")) == ("exactitude", "perte")
    markers = {
        line.get_marker(): line.get_xydata()[0] for line in accuracy.lines if line.get_marker() in "o^"
    }
    np.testing.assert_allclose(markers["^"], [kept.best_epoch, max(kept.history["val_accuracy"])])
    for wrong in ({}, {"vide": {}}, {str(n): kept.history for n in range(5)}):
        with pytest.raises(ValueError, match="de 1 à 4"):
            training_curves(wrong)


# In a notebook: a real IPython shell, without a page.


@pytest.fixture
def shell(monkeypatch):
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    for module in (live, record):
        monkeypatch.setattr(module, "notebook_shell", lambda: shell)
    yield shell
    InteractiveShell.clear_instance()


def test_interrupted_cell_says_so_in_its_picture(shell, tmp_path, capsys):
    kept = TrainingRecord("simple", DATA, tmp_path)
    shell.user_ns.update(train=lambda: fit(built(), kept, 4, At(2, 0, interrupt)))
    shell.run_cell("train()")
    text = kept._view._text.value.replace("\u00a0", " ")
    assert "interrompu : 2 époques en tout, le meilleur modèle est gardé" in text
    assert re.search(r"\(à&nbsp;\d\d:\d\d:\d\d\)", text)
    assert kept._view._curves.value[1:4] == b"PNG"
    said = capsys.readouterr().out.replace("\u00a0", " ")
    stored = "Entraînement de « simple » sur demonstration-48 : 4 époques demandées à la dernière exécution"
    assert stored in said  # all that is
    shell.user_ns.update(train=lambda: fit(built(), kept, 4))
    assert shell.run_cell("train()").success
    assert "terminé : 4 époques" in kept._view._text.value.replace("\u00a0", " ")
    shell.run_cell("1")  # nothing listens any more
    assert "terminé" in kept._view._text.value


def test_the_cell_that_ends_with_its_record_shows_the_curves_once(shell, tmp_path, monkeypatch):
    kept, running = TrainingRecord("simple", DATA, tmp_path), ["this cell"]
    monkeypatch.setattr(live, "current", lambda: running[0])
    fit(built(), kept, 2)
    curves = kept._view._curves.layout
    running[0] = "another cell"
    assert kept._repr_png_()
    assert curves.display is None
    running[0] = "this cell"
    assert "votre prédiction (question 3.a)" in repr(kept.curves(prediction=("3.a", ...)))
    assert curves.display is None  # a figure that waits takes no place
    assert "Vous aviez dit 9" in repr(kept.curves(prediction=("3.a", 9)))
    assert curves.display == "none"
    curves.display = None
    assert kept._repr_png_()
    assert curves.display == "none"


def test_a_stand_in_leaves_its_name_to_the_students_network(tmp_path):
    """The notebook was run once before its network was written; that training is kept, aside."""
    layers = [keras.layers.Flatten(name=STAND_IN), keras.layers.Dense(10, "softmax")]
    stand_in = keras.Sequential([keras.Input((4, 4, 3)), *layers])
    stand_in.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit(stand_in, TrainingRecord("simple", DATA, tmp_path), 1)
    record = TrainingRecord("simple", DATA, tmp_path)
    fit(built(), record, 2)
    assert len(record.history["loss"]) == 2
    assert [path.parent.name for path in tmp_path.glob("anciens/*/last-001.keras")] == [
        "simple-demonstration-48-1"
    ]
    with pytest.raises(RecordError, match="déjà le nom d'une autre recette"):
        fit(stand_in, TrainingRecord("simple", DATA, tmp_path), 3)


def test_refusal_is_one_line_in_a_cell(shell, kept, capsys):
    shell.user_ns.update(train=lambda: fit(built(0.2), kept, 9))
    capsys.readouterr()
    shell.run_cell("train()")
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("«\u00a0simple\u00a0» est déjà le nom d'une autre recette")


def test_progress_in_a_page(shell):
    page = live.View("simple", "« simple »", 10)
    page.progress(3, 50, 200, 1234.4, 42, 3600)
    text = page._text.value.replace("\u00a0", " ")
    assert "époque 3/10" in text
    assert "lot 50/200 · 1\u202f234 images/s · reste 42 s pour l'époque, 1 h 00 min en tout" in text
    assert "width:22.5%" in text
    page.progress(3, None, 200)
    assert "validation" in page._text.value
    assert "width:30.0%" in page._text.value
    page.progress(1, 7, None)
    assert "lot 7<" in page._text.value
    page.say("a < b")
    assert "a &lt; b" in page._text.value


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_again_and_again_equals_uninterrupted(tmp_path):
    """Kill -9 in the middle of an epoch, before each file takes its place, and at random moments."""
    run = [sys.executable, "-m", "tests.killed_trainings", str(tmp_path)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_newest_of_many_checkpoints(tmp_path):
    names = ["last-1000.keras", "last-999.keras", "last-006.keras", "last-006 (1).keras", "last-copie.keras"]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert [path.name for path in checkpoint.newest_first(tmp_path)] == names
