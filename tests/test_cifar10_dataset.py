"""CIFAR-10 from a folder, from a server on this machine that misbehaves, and the demonstration images."""

import hashlib
import io
import os
import pickle
import struct
import tarfile
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from keras.src.datasets.cifar import load_batch

from helpers.cifar10 import CLASSES, Cifar10, DataUnavailable, dataset, demonstration, load_cifar10

BATCH = 20  # images in each made-up file
FOLDER = "cifar-10-batches-py"
OFFICIAL = "cifar-10-python.tar.gz"
WAYS_OUT = ("réseau", "CIFAR10_DIR", OFFICIAL, dataset.PAGE, "demo=True")


def official_pickle(rows, labels):
    """What the official files are: pickles by Python 2, whose strings are bytes here."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    return (
        (b"\x80\x02}(" + text(b"batch_label") + text(b"training batch 1 of 5"))
        + (text(b"labels") + b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e")
        + (text(b"data") + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b"))
        + (b"\x87R(K\x01" + b"".join(b"J" + struct.pack("<i", size) for size in rows.shape) + b"\x86")
        + (b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|"))
        + (b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + b"T" + struct.pack("<i", rows.nbytes))
        + (rows.tobytes() + b"tb" + text(b"filenames") + b"](" + text(b"a.png") + b"eu.")
    )


def made_up_batches():
    random = np.random.default_rng(0)
    return {
        name: official_pickle(
            random.integers(0, 256, (BATCH, 3072), np.uint8), random.permutation(np.arange(BATCH) % 10)
        )
        for name in dataset.BATCHES
    }


def archived(batches):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        for name, batch in {"batches.meta": b"", **batches}.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(batch)
            archive.addfile(member, io.BytesIO(batch))
    return content.getvalue()


def write_batches(folder, batches):
    folder.mkdir(parents=True)
    for name, content in batches.items():
        (folder / name).write_bytes(content)
    return folder


BATCHES = made_up_batches()
ARCHIVE = archived(BATCHES)


@pytest.fixture(autouse=True)
def small_and_alone(monkeypatch, tmp_path):
    """Small files, an empty Keras cache, no variable of the machine that runs the tests."""
    monkeypatch.setattr(dataset, "_BATCH", BATCH)
    monkeypatch.setattr(dataset, "SHA256", hashlib.sha256(ARCHIVE).hexdigest())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "keras").mkdir()
    for name in ("CIFAR10_DIR", "LAB_CIFAR10_DEMO"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "keras" / "datasets"


@pytest.fixture
def server(monkeypatch):
    """A server on this machine in the place of the official one; ``server.answer`` decides what it does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests += 1
            server.answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.answer = 0, send(ARCHIVE)
    monkeypatch.setattr(dataset, "ARCHIVE", f"http://127.0.0.1:{server.server_port}/{OFFICIAL}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def send(content, length=None):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def stall(handler):
    """Send a little, then nothing more until the client leaves."""
    send(ARCHIVE[:1000], len(ARCHIVE))(handler)
    handler.wfile.flush()
    handler.rfile.read(1)


def refusal(*arguments, **options):
    """The one sentence of a failed load."""
    with pytest.raises(DataUnavailable) as failure:
        load_cifar10(*arguments, **options)
    sentence = str(failure.value)
    assert "\n" not in sentence
    assert ". " not in sentence
    assert failure.value.__suppress_context__ or failure.value.__context__ is None
    assert failure.value._render_traceback_() == [sentence]
    return sentence


def assert_made_up(data):
    """The images are those of the made-up files, as Keras itself reads them."""
    assert data.x_train.shape == (5 * BATCH, 32, 32, 3)
    assert data.y_train.shape == (5 * BATCH, 1)
    assert data.x_test.dtype == data.y_test.dtype == np.uint8
    assert not data.demo
    third = slice(2 * BATCH, 3 * BATCH)
    for name, images, labels in (
        ("data_batch_3", data.x_train[third], data.y_train[third]),
        ("test_batch", data.x_test, data.y_test),
    ):
        with open(name, "wb") as file:
            file.write(BATCHES[name])
        pixels, expected = load_batch(name)
        np.testing.assert_array_equal(images, pixels.transpose(0, 2, 3, 1))
        np.testing.assert_array_equal(labels[:, 0], expected)


@pytest.fixture
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "school"


# Local folders and archives


@pytest.mark.parametrize("place", [".", FOLDER, f"{FOLDER}-target/{FOLDER}", f"cifar-10-python/{FOLDER}"])
def test_a_folder_is_or_holds_the_batches(somewhere, place):
    write_batches(somewhere / place, BATCHES)
    assert_made_up(load_cifar10(somewhere))


@pytest.mark.parametrize("name", [OFFICIAL, "cifar-10-batches-py-target_archive", f"{FOLDER}.tar.gz"])
def test_an_archive_is_read_in_place(somewhere, name):
    somewhere.mkdir()
    (somewhere / name).write_bytes(ARCHIVE)
    assert_made_up(load_cifar10(str(somewhere)))
    assert_made_up(load_cifar10(somewhere / name))
    assert os.listdir(somewhere) == [name]


def test_the_variable_names_a_folder_and_the_argument_wins(somewhere, monkeypatch, server):
    monkeypatch.setenv("CIFAR10_DIR", str(write_batches(somewhere, BATCHES)))
    assert_made_up(load_cifar10())
    assert "nulle-part" in refusal("nulle-part")
    monkeypatch.setenv("CIFAR10_DIR", "ailleurs")
    assert "ailleurs" in refusal()
    assert_made_up(load_cifar10(somewhere))
    assert server.requests == 0  # a named folder is never replaced by a download


def test_a_folder_without_the_images_is_refused(somewhere):
    somewhere.mkdir()
    (somewhere / "photo.png").touch()
    sentence = refusal(somewhere)
    assert "ne contient ni cifar-10-batches-py ni cifar-10-python.tar.gz" in sentence
    assert all(word in sentence for word in WAYS_OUT[1:])
    with pytest.raises(ValueError, match="nom d'un dossier"):
        load_cifar10(3)


@pytest.mark.parametrize("kept", [0, 100, len(ARCHIVE) // 2, len(ARCHIVE) - 100])
def test_a_truncated_archive_is_refused(somewhere, kept):
    somewhere.mkdir()
    (somewhere / OFFICIAL).write_bytes(ARCHIVE[:kept])
    assert "n'est pas CIFAR-10 en entier" in refusal(somewhere)


def rows(dtype=np.uint8, size=3072):
    return np.zeros((BATCH, size), dtype)


LABELS = [*range(10)] * (BATCH // 10)


class Burglar:
    """A pickle that runs a program when it is read."""

    def __reduce__(self):
        return os.system, ("touch burgled",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BATCHES["data_batch_2"][:-1], "data_batch_2 est coupé ou abîmé"),
        (BATCHES["data_batch_2"][:5000], "data_batch_2 est coupé ou abîmé"),
        (b"", "data_batch_2 est coupé ou abîmé"),
        (b"<html>", "data_batch_2 est coupé ou abîmé"),
        (pickle.dumps({b"data": rows(), b"fine_labels": LABELS}), "data_batch_2 est coupé ou abîmé"),
        (pickle.dumps({b"data": rows(np.float32), b"labels": LABELS}), "20 images de 32 × 32"),
        (pickle.dumps({b"data": rows(size=784), b"labels": LABELS}), "20 images de 32 × 32"),
        (pickle.dumps({b"data": [1, 2], b"labels": LABELS}), "20 images de 32 × 32"),
        (pickle.dumps({b"data": rows(), b"labels": LABELS[1:]}), "20 étiquettes"),
        (pickle.dumps({b"data": rows(), b"labels": [10, *LABELS[1:]]}), "20 étiquettes"),
        (pickle.dumps({b"data": rows(), b"labels": [0.5, *LABELS[1:]]}), "20 étiquettes"),
        (pickle.dumps({b"data": rows(), b"labels": [1, *LABELS[1:]]}), "autant d'images"),
        (pickle.dumps({b"data": rows(), b"labels": Burglar()}), f"data_batch_2 demande '{os.name}.system'"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_a_wrong_batch_is_named_and_runs_nothing(somewhere, content, words):
    write_batches(somewhere, {**BATCHES, "data_batch_2": content})
    sentence = refusal(somewhere).replace("\u00a0", " ")
    assert words in sentence
    assert not os.path.exists("burgled")


def test_missing_batches_are_named(somewhere):
    kept = {name: content for name, content in BATCHES.items() if name not in ("data_batch_1", "test_batch")}
    write_batches(somewhere / FOLDER, kept)
    assert "il y manque data_batch_1 et test_batch" in refusal(somewhere)


# Downloads, by Keras's own function


def test_a_download_is_kept_in_keras_cache_and_used_again(somewhere, server, cache, capsys):
    assert_made_up(load_cifar10())
    assert "Downloading" in capsys.readouterr().out
    assert_made_up(load_cifar10())
    assert capsys.readouterr().out == ""
    assert server.requests == 1
    assert os.listdir(cache) == ["cifar-10-batches-py-target_archive"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda handler: handler.send_error(404), "téléchargement a échoué"),
        (lambda handler: None, "téléchargement a échoué"),
        (send(ARCHIVE[: len(ARCHIVE) // 2], len(ARCHIVE)), "téléchargement a échoué"),
        (send(ARCHIVE[: len(ARCHIVE) // 2]), "coupé ou abîmé"),
        (send(b"<html>Identifiez-vous"), "coupé ou abîmé"),
        (stall, "téléchargement a échoué"),
    ],
    ids=["not found", "dies at once", "dies in the middle", "cut", "portal", "silent"],
)
def test_a_failed_download_says_what_to_do_and_leaves_nothing(
    somewhere, server, cache, monkeypatch, answer, words
):
    monkeypatch.setattr(dataset, "TIMEOUT", 0.3)
    server.answer = answer
    sentence = refusal()
    assert words in sentence
    assert all(word in sentence for word in WAYS_OUT)
    assert os.listdir(cache) == []
    server.answer = send(ARCHIVE)
    assert_made_up(load_cifar10())


def test_no_network(monkeypatch, cache):
    monkeypatch.setattr(dataset, "ARCHIVE", "http://127.0.0.1:9/nobody-listens")
    assert all(word in refusal() for word in WAYS_OUT)
    assert os.listdir(cache) == []


def test_what_a_killed_process_left_is_mended(somewhere, server, cache):
    write_batches(cache / f"{FOLDER}-target" / FOLDER, {"data_batch_1": BATCHES["data_batch_1"][:1000]})
    (cache / "cifar-10-batches-py-target_archive").write_bytes(ARCHIVE[:5000])
    assert_made_up(load_cifar10())
    assert_made_up(load_cifar10(cache))  # the archive there counts, not what was half extracted
    assert server.requests == 1


def test_a_cache_where_nothing_can_be_written(somewhere, server, cache):
    cache.write_text("a file in the place of the folder")
    sentence = refusal()
    assert f"rien ne peut être écrit dans {cache}" in sentence
    assert all(word in sentence for word in WAYS_OUT)


def test_a_home_where_nothing_can_be_written(somewhere, server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "absent"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert_made_up(load_cifar10())
    kept = tmp_path / "temporary" / ".keras" / "datasets" / "cifar-10-batches-py-target_archive"
    assert kept.read_bytes() == ARCHIVE


def test_a_full_disk(somewhere, server, cache):
    resource = pytest.importorskip("resource", reason="limits the size of files")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # a write beyond fails as on a full disk
    try:
        sentence = refusal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "pas assez de place" in sentence
    assert os.listdir(cache) == []
    assert_made_up(load_cifar10())


# Demonstration data and subsets


def test_demonstration_images_have_the_real_shapes_and_a_banner(capsys, monkeypatch):
    data = load_cifar10(demo=1000)
    assert "Données de démonstration" in capsys.readouterr().out
    assert [images.shape for images, _ in data] == [(1000, 32, 32, 3), (200, 32, 32, 3)]
    assert [labels.shape for _, labels in data] == [(1000, 1), (200, 1)]
    assert {array.dtype for pair in data for array in pair} == {np.dtype(np.uint8)}
    assert np.bincount(data.y_train[:, 0]).tolist() == [100] * 10
    assert (data.demo, data.name) == (True, "demonstration-1000")
    assert "les résultats ne disent rien de CIFAR-10" in data._repr_html_()
    assert "1\u202f000" in repr(data)
    monkeypatch.setenv("LAB_CIFAR10_DEMO", "50")
    assert [len(images) for images, _ in load_cifar10()] == [50, 100]
    with pytest.raises(DataUnavailable):
        load_cifar10("nulle-part", demo=False)


@pytest.mark.parametrize(
    ("value", "images"), [("1", 50_000), ("True", 50_000), (" 300 ", 300), ("", 0), ("0", 0), ("false", 0)]
)
def test_the_variable_and_the_argument_give_a_number_of_images(monkeypatch, value, images):
    monkeypatch.setenv("LAB_CIFAR10_DEMO", value)
    assert dataset._demo_images(None) == images
    assert dataset._demo_images(np.int64(70)) == 70
    assert dataset._demo_images(True) == 50_000
    assert dataset._demo_images(False) == 0


@pytest.mark.parametrize(
    "value", ["oui", "-5", "3", "60000", "1e3", -5, 3, 60_000, 12.5, [20], np.ones(3), {}]
)
def test_an_absurd_number_of_images_is_refused(monkeypatch, value):
    if isinstance(value, str):
        monkeypatch.setenv("LAB_CIFAR10_DEMO", value)
        with pytest.raises(ValueError, match="LAB_CIFAR10_DEMO vaut 1"):
            load_cifar10()
    with pytest.raises(ValueError, match="demo vaut 1"):
        load_cifar10(demo=value)


def test_demonstration_images_are_the_same_each_time_and_never_twice():
    images, labels = demonstration.draw("train", 1010)
    again, fewer = demonstration.draw("train", 1010), demonstration.draw("train", 700)
    assert images.tobytes() == again[0].tobytes()
    assert fewer[0].tobytes() == images[:700].tobytes()
    assert fewer[1].tobytes() == labels[:700].tobytes()
    both = [*images, *demonstration.draw("test", 1000)[0]]
    assert len({image.tobytes() for image in both}) == 2010


def ridge_accuracy(train, train_labels, test, test_labels):
    """Test accuracy of a linear classifier on standardized features, by ridge regression."""
    mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-3
    train, test = (train - mean) / deviation, (test - mean) / deviation
    gram = train @ train.T / train.shape[1] + np.eye(len(train)) * 0.3
    scores = (test @ train.T / train.shape[1]) @ np.linalg.solve(gram, np.eye(10)[train_labels[:, 0]])
    return np.mean(scores.argmax(axis=1) == test_labels[:, 0])


def edges(images):
    """Strength of edges of eight orientations in cells of 4 x 4 pixels: what a convolution may learn."""
    down, across = np.gradient(images.mean(axis=3), axis=(1, 2))
    strength = np.hypot(down, across)
    orientation = (np.arctan2(down, across) // (np.pi / 4)).astype(int) % 8
    channels = np.stack([strength * (orientation == index) for index in range(8)], axis=-1)
    return np.sqrt(channels.reshape(-1, 8, 4, 8, 4, 8).sum(axis=(2, 4))).reshape(len(images), -1)


def test_demonstration_images_ask_for_more_than_a_linear_model():
    (x_train, y_train), (x_test, y_test) = demonstration.draw("train", 800), demonstration.draw("test", 500)
    flat = [images.reshape(len(images), -1).astype(np.float32) for images in (x_train, x_test)]
    pixels = ridge_accuracy(flat[0], y_train, flat[1], y_test)
    shapes = ridge_accuracy(edges(x_train), y_train, edges(x_test), y_test)
    assert 0.2 < pixels < 0.5
    assert shapes > pixels + 0.2


def test_the_classes_of_both_files_agree():
    assert demonstration.CLASSES == CLASSES


def test_a_subset_keeps_the_first_images_of_each_class():
    labels = np.repeat(np.arange(10, dtype=np.uint8), 60)[:, np.newaxis]
    images = np.broadcast_to(np.arange(600)[:, np.newaxis, np.newaxis, np.newaxis] % 256, (600, 32, 32, 3))
    data = Cifar10(images.astype(np.uint8), labels, images.astype(np.uint8), labels)
    part = data.subset(200)
    assert np.bincount(part.y_train[:, 0]).tolist() == [20] * 10
    assert part.x_test is data.x_test
    assert part.y_test is data.y_test
    np.testing.assert_array_equal(part.x_train[20:40], images[60:80])
    assert data.subset(205).subset(200).x_train.tobytes() == part.x_train.tobytes()
    assert sorted(np.bincount(data.subset(205).y_train[:, 0])) == [20] * 5 + [21] * 5
    assert data.subset(600).x_train.tobytes() == data.x_train.tobytes()
    assert (part.name, data.name) == ("cifar10-200", "cifar10-600")
    assert "Sous-ensemble de CIFAR-10" in repr(part)
    assert "Sous-ensemble" in part._repr_html_()


def test_a_subset_with_too_few_images_of_a_class_is_as_balanced_as_it_can_be():
    labels = np.array([0] * 30 + [1] * 5 + [2] * 30, np.uint8)[:, np.newaxis]
    images = np.zeros((65, 32, 32, 3), np.uint8)
    part = Cifar10(images, labels, images, labels).subset(45)
    assert np.bincount(part.y_train[:, 0]).tolist() == [20, 5, 20]


def test_a_subset_of_demonstration_images_is_what_a_smaller_draw_gives():
    smaller, subset = load_cifar10(demo=205), load_cifar10(demo=700).subset(205)
    assert subset.name == smaller.name
    np.testing.assert_array_equal(subset.x_train, smaller.x_train)
    np.testing.assert_array_equal(subset.y_train, smaller.y_train)
    assert "Données de démonstration" in repr(subset)


@pytest.mark.parametrize("images", [9, 0, -1, 301, 20.0, True, None, "20", [20]])
def test_an_absurd_subset_is_refused(images):
    pixels, labels = np.zeros((300, 32, 32, 3), np.uint8), np.zeros((300, 1), np.uint8)
    with pytest.raises(ValueError, match="subset garde un nombre entier"):
        Cifar10(pixels, labels, pixels, labels).subset(images)
