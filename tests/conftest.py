"""What several test files share."""

import re

import pytest

from helpers import PlaygroundConfig

from .test_language import faults


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
