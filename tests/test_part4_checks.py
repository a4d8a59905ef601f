"""Part 4's checks: counts, architecture, records, and accuracy measured anew on made-up images."""

import shutil
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from helpers.checks import part4
from helpers.cifar10 import CLASSES, PARAMETERS, Cifar10, dataset, evaluate, loaded, read_model
from helpers.cifar10.recipe import STAND_IN

from .conftest import assert_told, is_full
from .hostile_files import lab_layers

RIGHT = {"conv1": 2432, "conv2": 51264, "conv3": 102464, "fc4": 1025000, "fc5": 10010}


def build_model(units=1000, padding="same"):
    made = lab_layers(padding, fc4=layers.Dense(units, "relu"))
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), *made])


def draw(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A saved model of the lab, images, and the model's answers to them."""
    keras.utils.set_random_seed(4)
    folder = tmp_path_factory.mktemp("sauvegardes")
    model = build_model()
    record = folder / "simple-cifar10-1000"
    record.mkdir()
    model.save(record / "best.keras")
    images = {"train": draw(1000, 0), "test": draw(200, 1)}
    return record, images, {name: model.predict(x, verbose=0).argmax(axis=1) for name, x in images.items()}


@pytest.fixture
def graded(lab, monkeypatch):
    """Give the model this test accuracy, and 0.7 on the validation images, by choosing the labels."""
    record, images, answers = lab

    def wrong_beyond(predicted, accuracy):
        labels = predicted.copy()
        labels[round(accuracy * len(labels)) :] += 1
        return (labels % 10).astype(np.uint8)[:, np.newaxis]

    def set_accuracy(accuracy, demo=False):
        train, test = wrong_beyond(answers["train"], 0.97), wrong_beyond(answers["test"], accuracy)
        data = Cifar10(images["train"], train, images["test"], test, demo)
        monkeypatch.setattr(dataset, "_LOADED", [data])
        return record / "best.keras"

    return set_accuracy


def validated(record):
    """What a record's model answers to the images that it kept for validation."""
    data = loaded().subset(500) if record.name.endswith("-500") else loaded()
    kept = len(data.x_train) * 9 // 10
    validation = replace(data, x_test=data.x_train[kept:], y_test=data.y_train[kept:])
    return evaluate(read_model(record / "best.keras"), validation)


def write_history(record, accuracy, val_accuracy, off=0.0, fall=0.0):
    loss = validated(record).loss + off
    lines = ["epoch,seconds,batches,accuracy,loss,val_accuracy,val_loss"]
    for epoch, (a, v) in enumerate(zip(accuracy, val_accuracy, strict=True), 1):
        lines.append(f"{epoch},1.0,10,{a},1.0,{v},{loss + fall * (len(accuracy) - epoch)}")
    (record / "history.csv").write_text("\n".join(lines))
    return record


def test_hand_counts():
    assert sum(RIGHT.values()) == PARAMETERS
    score = part4.check_parameters(RIGHT)
    assert score == 2
    assert "1\u00a0191\u00a0170" in score.feedback.replace("\u202f", "\u00a0")
    assert part4.check_parameters(dict.fromkeys(RIGHT, ...)).answered is False
    assert part4.check_parameters({**RIGHT, "fc5": ...}) == pytest.approx(1.6)
    assert not part4.check_parameters(...).answered
    assert_told(part4.check_parameters([2432]), 0, "dictionnaire")


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("conv1", 2400, "il manque les biais, un par filtre"),
        ("fc5", 10000, "il manque les biais, un par neurone"),
        ("conv2", 26 * 64, "il y en a 32"),
        ("conv3", 102464 * 64, "sa taille ne compte pas"),
        ("conv1", 32 * 5 * 5 * (3 + 1), "pas à chaque pixel"),
        ("fc4", (8 * 8 * 64 + 1) * 1000, "4 × 4 × 64"),
        ("fc4", 7, "ses entrées, plus un biais"),
        ("fc4", "1025000", "sans guillemets"),
    ],
)
def test_a_miscount_is_explained(name, answer, hint):
    assert_told(part4.check_parameters({**RIGHT, name: answer}), pytest.approx(1.6), hint)


def test_valid_padding():
    assert_told(part4.check_valid_sides([28, 14, 10, 5, 1]), 1, "pool3")
    assert_told(part4.check_valid_sides((28, 14, 10, 5, 5)), pytest.approx(0.8), "conv3")
    assert "moitié" in part4.check_valid_sides([28, 28, 10, 5, 1]).feedback
    assert part4.check_valid_sides([30, 15, 11, 5, 1]) == pytest.approx(0.8)  # what follows keeps its points
    assert part4.check_valid_sides([30, 14, 10, 5, 1]) == pytest.approx(0.8)
    blind = part4.check_valid_sides([1] * 5)
    assert blind == pytest.approx(0.2)
    assert not any(side in blind.feedback for side in ("28", "14", "10"))
    assert not part4.check_valid_sides([...] * 5).answered
    assert part4.check_valid_sides([28, 14]) == 0


def test_the_model_is_walked():
    assert is_full(part4.check_model(build_model))
    assert_told(part4.check_model(lambda: build_model(units=100)), 3, "neurones 100 au lieu de 1\u202f000")
    plain = build_model()
    assert_told(part4.check_model(lambda: plain), 3, "toujours le même modèle")
    assert_told(
        part4.check_model(lambda: keras.Sequential(build_model().layers[1:])), 3, "Rescaling(1 / 255)"
    )
    late = part4.check_model(lambda: keras.Sequential([*build_model().layers, layers.Dropout(0.5)]))
    assert_told(late, 3, "après la softmax")
    assert not part4.check_model(lambda: ...).answered
    for wrong, hint in (
        (lambda: None, "return"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: build_model(padding="valid"), '"same"'),
        (lambda: Rescaling(1 / 255), "écrivez `keras.layers.Rescaling`"),  # noqa: F821
        (lambda: 3, "Un modèle Keras est attendu"),
        (3, "Une fonction est attendue"),
    ):
        assert_told(part4.check_model(wrong), 0, hint)


def test_overfitting_is_read_in_a_record_that_its_model_bears_out(graded, lab):
    graded(0.6)
    record = lab[0]
    history = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99], [0.3, 0.5, 0.65, 0.7, 0.69, 0.66, 0.65, 0.64]
    write_history(record, *history)
    assert is_full(part4.check_overfitting(4, 0.35, record))
    assert is_full(part4.check_overfitting(np.int64(4), np.float64(0.35), str(record)))
    assert part4.check_overfitting(4, ..., record) == 1
    late = part4.check_overfitting(3, -0.35, record)
    assert late == 0.5
    assert "ajoutez 1" in late.feedback
    assert "signe" in late.feedback
    assert not part4.check_overfitting(..., ..., record).answered
    for answer, *written, hint in (
        ((4, 0.3), history[0], np.add(history[1], 0.2), 0, "0,900"),
        ((4, 0.35), *history, 1.5, "une perte de"),
        ((3, 0.05), [0.5] * 4, [0.4, 0.5, 0.7, 0.6], 0, "au moins jusqu'à 8"),
    ):
        assert_told(part4.check_overfitting(*answer, write_history(record, *written)), 0, hint)
    climbing = history[0], sorted(history[1])
    for fall, hint in ((0.1, "prolongez"), (-0.1, "la perte de validation en dit-elle autant")):
        assert_told(part4.check_overfitting(8, 0.29, write_history(record, *climbing, fall=fall)), 1.5, hint)
    graded(0.6, demo=True)
    assert_told(part4.check_overfitting(4, 0.35, record), 0, "images que ce carnet a chargées")
    record = shutil.copytree(record, record.with_name("simple-demonstration-1000"), dirs_exist_ok=True)
    write_history(record, [0.6, 0.6, 0.6], [0.5, 0.6, 0.7])
    assert is_full(part4.check_overfitting(3, -0.1, record))
    (record / "history.csv").write_text("epoch,accuracy\n")
    assert "Aucun journal" in part4.check_overfitting(3, 0, record).feedback


def test_a_record_is_checked_on_the_images_it_kept_for_validation(lab, graded, tmp_path, monkeypatch):
    graded(0.6)
    data = loaded()  # of 1,000 images, all answered rightly but some of the last
    record = shutil.copytree(lab[0], tmp_path / "simple-cifar10-500")
    accuracy = validated(record).accuracy
    assert accuracy != pytest.approx(0.7, abs=0.03)  # that of the last tenth of all images
    history = [0.9] * 8, [accuracy] + [0.1] * 7
    assert is_full(part4.check_overfitting(1, 0.8, write_history(record, *history)))
    monkeypatch.setattr(dataset, "_LOADED", [replace(data, y_train=(data.y_train + 1) % 10)])  # none is right
    record = write_history(lab[0], [0.1] * 8, [0.0] * 8)
    assert_told(part4.check_overfitting(1, 0.1, record), 0, "0,0 % des images", "plus d'images")


@pytest.mark.parametrize(
    ("accuracy", "points"), [(0.6, 0), (0.65, 1), (0.73, 2.5), (0.75, 4), (0.76, 5), (1, 5)]
)
def test_accuracy_is_measured_and_earns_its_band(graded, accuracy, points):
    shown = f"{accuracy:.3f}".replace(".", ",")
    assert_told(part4.check_accuracy(graded(accuracy)), points, shown, "200")


def test_the_summary_says_how_often_the_test_was_opened(graded, lab, tmp_path, monkeypatch):
    monkeypatch.setattr(part4, "_journals", set())
    assert "Le test n'a pas encore été ouvert." in repr(part4.summary())
    graded(0.7)
    for name in ("essai", "remede"):
        record = shutil.copytree(lab[0], tmp_path / f"{name}-cifar10-1000", dirs_exist_ok=True)
        write_history(record, [0.5], [0.5])
    one, other = (tmp_path / f"{name}-cifar10-1000" / "best.keras" for name in ("essai", "remede"))
    for _ in range(2):
        assert "ouvert" not in part4.check_accuracy(one).feedback
    keras.utils.set_random_seed(5)
    build_model().save(other)
    assert "a été ouvert 2 fois" in part4.check_accuracy(other).feedback
    told = repr(part4.summary()).replace("\u00a0", " ")
    assert "Test ouvert 2 fois : « essai », 0,700 ; « remede », " in told
    monkeypatch.setenv("LAB_GRADING", "1")
    (tmp_path / part4.OPENED).unlink()
    part4.check_accuracy(one)
    assert not (tmp_path / part4.OPENED).exists()


def test_a_fault_of_ours_is_not_the_answers(graded, lab, monkeypatch):
    path = graded(0.7)
    monkeypatch.setattr(dataset, "_LOADED", [])
    monkeypatch.setenv("CIFAR10_DIR", "nulle-part")
    monkeypatch.delenv("LAB_CIFAR10_DEMO", raising=False)
    assert_told(part4.check_accuracy(path), 0, "Votre réponse n'est pas en cause", "nulle-part")
    monkeypatch.setattr(part4, "loaded", lambda: 1 / 0)
    assert_told(part4.check_accuracy(path), 0, "ZeroDivisionError", "ne dit pas que votre réponse est fausse")


def test_accuracy_on_demonstration_data_says_so(graded):
    assert_told(part4.check_accuracy(str(graded(0.35, demo=True))), 5, "démonstration")
    assert part4.check_accuracy(str(graded(0.12, demo=True))) == 0


def test_a_model_of_another_architecture_earns_nothing(graded, tmp_path):
    graded(0.9)
    path = tmp_path / "autre.keras"
    build_model(units=200).save(path)
    for answer, hint in (
        (path, "neurones 200"),
        (tmp_path / "absent.keras", "n'existe pas"),
        (12, "chemin"),
        (build_model(), "chemin"),
    ):
        assert_told(part4.check_accuracy(answer), 0, hint)


def test_the_most_frequent_confusion(graded):
    path = graded(0.5)
    errors = part4.evaluation_of(path).confusion.copy()
    np.fill_diagonal(errors, 0)
    true, predicted = np.unravel_index(errors.argmax(), errors.shape)
    assert is_full(part4.check_confusion((CLASSES[true], CLASSES[predicted]), path))
    assert is_full(part4.check_confusion((CLASSES[true].capitalize(), f" {CLASSES[predicted]}"), path))
    assert part4.check_confusion([CLASSES[predicted], CLASSES[true]], path) == 0.5
    assert part4.check_confusion((CLASSES[0], CLASSES[0]), path) == 0
    assert "avion" in part4.check_confusion(("hibou", "chat"), path).feedback
    assert not part4.check_confusion((..., ...), path).answered
    assert part4.check_confusion("chat", path) == 0


def test_the_margin(graded):
    path = graded(0.5)
    deviation = np.sqrt(0.25 / 200)
    assert not part4.check_margin(..., path).answered
    assert is_full(part4.check_margin(1.96 * deviation, path))
    for answer, points in (
        (deviation, 0.25),
        (196 * deviation, 0.25),
        (2 * 1.96 * deviation, 0.25),
        (0.3, 0),
    ):
        assert part4.check_margin(answer, path) == points


def test_the_notebook_goes_on_without_answers(lab, graded, capsys):
    path = graded(0.6)
    stand_in = part4.model_or_stand_in(lambda: ...)
    assert stand_in.count_params() < 10_000
    assert STAND_IN in [layer.name for layer in stand_in.layers]
    assert "sans réponse" in capsys.readouterr().out
    assert part4.model_or_stand_in(build_model).count_params() == PARAMETERS
    assert "inutilisable" not in capsys.readouterr().out
    part4.model_or_stand_in(lambda: 1 / 0)
    assert "inutilisable" in capsys.readouterr().out
    assert part4.submitted(..., instead=path) == str(path)
    assert "sans réponse" in capsys.readouterr().out
    assert part4.submitted("nulle part.keras", instead=path) == str(path)
    assert "ne se relit pas" in capsys.readouterr().out
    assert part4.submitted(path, instead="autre") == str(path)


def test_what_is_handed_in(lab, capsys):
    record = lab[0]
    (record / "history.csv").write_text("epoch\n")
    for folder, path, hint in (
        (..., ..., "Un chemin est attendu"),
        (record.with_name("absent"), record / "best.keras", "Aucun modèle dans"),
    ):
        part4.hand_in(folder, path)
        assert hint in capsys.readouterr().out
    assert not (record.parent / part4.ARCHIVE).exists()
    part4.hand_in(record, record / "best.keras")
    assert part4.ARCHIVE in capsys.readouterr().out
    with zipfile.ZipFile(record.parent / part4.ARCHIVE) as archive:
        assert archive.namelist() == [
            f"sauvegardes/{record.name}/best.keras",
            f"sauvegardes/{record.name}/history.csv",
        ]
