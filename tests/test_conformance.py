"""Points, initial weights and losses against 59 runs of the original engine (see data/README.md)."""

import json
from pathlib import Path

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run
from helpers.engine.compiled import Program
from helpers.engine.config import FIELD_KEYS
from helpers.engine.data import load_data

RUNS = json.loads((Path(__file__).parent / "data" / "playground_reference.json").read_text())


def reference_config(record):
    known = record["config"]
    fields = {name: known[key] for name, key in FIELD_KEYS.items() if key in known}
    if known["dataset"].startswith("reg-"):
        fields |= {"problem": "regression", "reg_dataset": fields.pop("dataset")}
    return PlaygroundConfig(**fields, features=known["features"])


def reference_name(record):
    config = record["config"]
    shape = "-".join(map(str, config["networkShape"])) or "none"
    return f"{config['dataset']}_{shape}_{config['activation']}_{config['regularization']}_{config['seed']}"


def test_all_reference_runs_are_here():
    assert len(RUNS) == 59


@pytest.mark.parametrize("record", RUNS, ids=reference_name)
def test_points(record):
    data = load_data(reference_config(record))
    head = np.column_stack([data.train_points, data.train_labels])[:3]
    tail = np.column_stack([data.test_points, data.test_labels])[-1:]
    np.testing.assert_allclose(head, record["train_head"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(tail, record["test_tail"], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        data.train_points[0, 0] = 0


@pytest.mark.parametrize("record", RUNS, ids=reference_name)
def test_initial_parameters_and_losses(record):
    run = Run(reference_config(record), starts=[record["config"]["resets"]])
    _assert_parameters(run, record["initial_parameters"], 1e-12)
    _assert_losses(run, record)
    if "final_parameters" in record:
        _assert_parameters(run, record["final_parameters"], 1e-9)


@pytest.mark.parametrize("record", RUNS[::12], ids=reference_name)
def test_plain_graph_agrees_too(record, monkeypatch):
    """Where XLA is missing, the results stay the same."""
    monkeypatch.setattr(Program, "has_xla", False)
    monkeypatch.setattr(Program, "_known", {})
    _assert_losses(Run(reference_config(record), starts=[record["config"]["resets"]]), record, last=20)


def _assert_parameters(run, expected, tolerance):
    assert len(run.parameters) == len(expected)
    layers = map(np.array, expected)  # each (out, 1 + in): bias first
    for (weights, biases), neurons in zip(run.parameters, layers, strict=True):
        np.testing.assert_allclose(biases[0], neurons[:, 0], rtol=0, atol=tolerance)
        np.testing.assert_allclose(weights[0].T, neurons[:, 1:], rtol=0, atol=tolerance)


def _assert_losses(run, record, last=np.inf):
    rows = [row for row in record["losses"] if row[0] <= last]
    epochs, train_loss, test_loss = np.array(rows, dtype=float).T  # null becomes NaN
    epochs = epochs.astype(int)
    run.train(epochs[-1])
    assert run.train_loss.shape == run.test_loss.shape == (1, epochs[-1] + 1)
    np.testing.assert_allclose(run.train_loss[0, epochs], train_loss, rtol=0, atol=1e-9)
    np.testing.assert_allclose(run.test_loss[0, epochs], test_loss, rtol=0, atol=1e-9)
