"""What several test files share."""

import json
import re
from pathlib import Path

import pytest

from helpers import PlaygroundConfig

from .test_language import faults

REFERENCE = Path(__file__).parent / "data" / "playground_reference.json"


@pytest.fixture
def figures_in_good_french(monkeypatch):
    """Whatever figure a test draws, with whatever numbers, is written as test_language.py wants it."""
    from helpers.plotting import Picture  # noqa: PLC0415  (most tests draw nothing)

    drawn, init = [], Picture.__init__

    def watched(picture, *arguments, **options):
        init(picture, *arguments, **options)
        drawn.append(picture)

    monkeypatch.setattr(Picture, "__init__", watched)
    yield
    assert [fault for picture in drawn for text in written(picture) for fault in faults(text)] == []


def written(picture) -> list[str]:
    """All that a figure says: its description, titles, legends, numbers."""
    texts = picture.figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return [picture.description, *(text.get_text() for text in texts)]


def reference_runs():
    """The original engine's 59 runs, numbers only."""
    return json.loads(REFERENCE.read_text())


def reference_config(record) -> PlaygroundConfig:
    """The configuration of one of those runs."""
    config = record["config"]
    regression = config["dataset"].startswith("reg-")
    return PlaygroundConfig(
        problem="regression" if regression else "classification",
        **{"reg_dataset" if regression else "dataset": config["dataset"]},
        noise=config["noise"],
        seed=config["seed"],
        perc_train_data=config["percTrainData"],
        features=config["features"],
        network_shape=config["networkShape"],
        activation=config["activation"],
        regularization=config["regularization"],
        learning_rate=config["learningRate"],
        regularization_rate=config["regularizationRate"],
        batch_size=config["batchSize"],
    )


def reference_name(record) -> str:
    config = record["config"]
    shape = "-".join(map(str, config["networkShape"])) or "none"
    return f"{config['dataset']}_{shape}_{config['activation']}_{config['regularization']}_{config['seed']}"


def edited(config: PlaygroundConfig, key: str, value: object) -> str:
    """An experiment's address with one key changed by hand, as a student may."""
    address, changes = re.subn(rf"(?<=[#&]{key}=)[^&]*", str(value), config.to_url())
    assert changes == 1
    return address


def assert_told(score, points, *hints: str):
    """A score is worth this, and its feedback holds these words."""
    assert score == points
    for hint in hints:
        assert hint in score.feedback.replace("\u00a0", " ")
