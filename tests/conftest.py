"""What several test files share."""

import json
import re
from pathlib import Path

from helpers import PlaygroundConfig

REFERENCE = Path(__file__).parent / "data" / "playground_reference.json"


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


def is_full(score) -> bool:
    """Whether a score is all that its question is worth, whatever that is."""
    return score == score.question.points
