"""The random stream against numbers printed by seedrandom 2.4.3 itself."""

import pytest

from helpers.engine.seedrandom import SeedRandom

# Math.seedrandom(seed), then four times Math.random(), on Node.
ORIGINAL = {
    "0.50819": [0.6943383039390212, 0.28527336469255776, 0.8007863812853598, 0.8909134006111558],
    "hello.": [0.9282578795792454, 0.3752569768646784, 0.7316977468919549, 0.23707962084956113],
    # more than 256 UTF-16 code units, with characters outside Latin-1 and outside the basic plane
    "é€𝄞long" * 60: [0.9894391043324492, 0.3373198929275921, 0.9512155867750096, 0.6388944974905453],
}


@pytest.mark.parametrize("seed", ORIGINAL, ids=["lab", "short", "long"])
def test_first_doubles_equal_the_original_bit_for_bit(seed):
    random = SeedRandom(seed)
    assert [random.random() for _ in range(4)] == ORIGINAL[seed]
