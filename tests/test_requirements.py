"""What students install: the lowest versions allowed are those that tests/hosts runs on."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def versions(path, relation):
    text = (ROOT / path).read_text("utf-8")
    return dict(re.findall(rf"^([\w-]+){relation}([\d.]+)", text, flags=re.MULTILINE))


def test_the_lowest_versions_are_tested():
    lowest = versions("requirements.txt", ">=")
    tested = versions("tests/hosts/colab-requirements.txt", "==")
    del lowest["jupyter"]  # a list of packages; the stack has Notebook 6 in the place of its own
    assert lowest.keys() <= tested.keys()
    assert {name: tested[name] for name in lowest} == lowest
