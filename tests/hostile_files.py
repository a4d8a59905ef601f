"""The lab's network; and saved models that may not run, read what is not their own, or take much memory."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
KERNEL = "layers/dense/vars/0"  # in the weights of the lab's network
SHAPE = (1024, 1000)
# As Keras writes a Lambda; its code would be unmarshalled.
LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
}


def _configured(change: Callable[[list], object]) -> Callable:
    """Return a change of a saved model: of the layers in its configuration."""

    def changed(files):
        config = json.loads(files[CONFIG])
        change(config["config"]["layers"])
        return {CONFIG: json.dumps(config)}

    return changed


def _weighted(change: Callable[[h5py.File], object]) -> Callable:
    """Return a change of a saved model: of its weights, from which the largest array was taken."""

    def changed(files):
        buffer = io.BytesIO(files[WEIGHTS])
        with h5py.File(buffer, "r+") as file:
            del file[KERNEL]
            change(file)
        return {WEIGHTS: buffer.getvalue()}

    return changed


def _linked(kind: Callable, *place: str) -> Callable:
    return _weighted(lambda file: file.__setitem__(KERNEL, kind(*place)))


def _virtual(file, secret):
    layout = h5py.VirtualLayout(SHAPE, np.float32)
    layout[:] = h5py.VirtualSource(secret, "x", SHAPE)
    file.create_virtual_dataset(KERNEL, layout)


def _bomb(file):
    zeros = np.zeros((50 * SHAPE[0], SHAPE[1]), np.float32)  # 200 MB, as 200 KB
    file.create_dataset(KERNEL, data=zeros, chunks=zeros.shape, compression="gzip")


def hostile(secret: Path) -> dict[str, Callable[[Mapping[str, bytes]], Mapping[str, str | bytes]]]:
    """Return hostile changes of a saved model's files, by name; some would read ``secret``, an HDF5 file."""
    activation = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    store = [(str(secret), 0, 4 * SHAPE[0] * SHAPE[1])]
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}
    return {
        "external link": _linked(h5py.ExternalLink, str(secret), "x"),
        "endless link": _linked(h5py.SoftLink, f"/{KERNEL}"),
        "external storage": _weighted(lambda f: f.create_dataset(KERNEL, SHAPE, "f4", external=store)),
        "virtual dataset": _weighted(lambda file: _virtual(file, str(secret))),
        "huge dataset": _weighted(lambda f: f.create_dataset(KERNEL, (2**20, 2**20), "f4", chunks=True)),
        "bomb in HDF5": _weighted(_bomb),
        "another shape": _weighted(lambda file: file.create_dataset(KERNEL, data=np.zeros((10, 10)))),
        "texts": _weighted(lambda file: file.create_dataset(KERNEL, SHAPE, h5py.string_dtype())),
        "truncated weights": lambda files: {WEIGHTS: files[WEIGHTS][:100_000]},
        "no HDF5": lambda files: {WEIGHTS: b"poids" * 1000},
        "bomb in zip": lambda files: {WEIGHTS: bytes(200_000_000)},
        "Lambda": _configured(lambda layers: layers.insert(1, LAMBDA)),
        "lambda as activation": _configured(
            lambda layers: layers[2]["config"].update(activation=LAMBDA["config"]["function"])
        ),
        "function of a module": _configured(lambda layers: layers[2]["config"].update(activation=activation)),
        "class of a module": _configured(lambda layers: layers[2].update(module="subprocess")),
        "thousands of layers": _configured(lambda layers: layers.extend([dense] * 2500)),
        "huge layer": _configured(lambda layers: layers[-1]["config"].update(units=2_000_000)),
        "deep JSON": lambda files: {CONFIG: b"[" * 50_000},
        "no metadata": lambda files: {"metadata.json": b"[]"},
    }


def lab_layers(padding="same", activation="relu", **options) -> list[keras.Layer]:
    """Return the nine layers, as a student writes them, but for ``options``: by name, None for none."""
    convolution = {"kernel_size": 5, "padding": padding, "activation": activation}
    made = {
        "conv1": layers.Conv2D(32, **convolution),
        "pool1": layers.MaxPooling2D(),
        "conv2": layers.Conv2D(64, **convolution),
        "pool2": layers.MaxPooling2D(),
        "conv3": layers.Conv2D(64, **convolution),
        "pool3": layers.MaxPooling2D(),
        "flat": layers.Flatten(),
        "fc4": layers.Dense(1000, "relu"),
        "fc5": layers.Dense(10, "softmax"),
    }
    return [layer for layer in (made | options).values() if layer is not None]


def lab_network() -> bytes:
    """Return the lab's network, not trained, as a saved model."""
    model = keras.Sequential([keras.Input((32, 32, 3)), *lab_layers()])
    with tempfile.TemporaryDirectory() as folder:
        model.save(path := Path(folder, "best.keras"))
        return path.read_bytes()


def rewritten(saved: bytes, change: Callable[[Mapping[str, bytes]], Mapping[str, str | bytes]]) -> bytes:
    """Return a saved model with some of its files changed."""
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, **change(files)}.items():
            archive.writestr(name, content)
    return buffer.getvalue()
