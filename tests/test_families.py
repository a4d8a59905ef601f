"""Families of surfaces: drawn by hand, turned and mirrored, and those of trained networks."""

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run
from helpers.checks import part2
from helpers.checks.answers import trained
from helpers.engine.data import grid
from helpers.experiments.families import (
    BAND,
    FAMILIES,
    FOUR,
    GRID,
    HALF,
    NONE,
    ONE,
    OPPOSITE,
    SURE,
    THREE,
    families,
    family,
)

TICKS = 5 * ((np.arange(GRID) + 0.5) / GRID * 2 - 1)
X, Y = grid(TICKS).T.reshape(2, GRID, GRID)
XOR = np.sign(X * Y)
DRAWN = {
    FOUR: XOR * 0.8,
    THREE: np.where((X > 0) & (Y > 0), -1, XOR),
    BAND: np.where(np.abs(X - Y) < 3, 0.9, -0.9),
    HALF: np.where(Y > 0, XOR, 0.1),
    OPPOSITE: np.where(XOR > 0, 1.0, 0),
    ONE: np.where((X > 0) & (Y > 0), 1.0, 0),
    NONE: np.zeros_like(X),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_drawn_surface_is_named_whichever_way_it_is_turned(name):
    surface = DRAWN[name]
    for _ in range(4):
        surface = -np.rot90(surface)  # a quarter turn swaps the XOR's colours
        assert family(surface) == name
        assert family(surface.T) == name


@pytest.mark.parametrize(
    ("surface", "name"),
    [
        (np.where(X + Y > 2, 1.0, -1.0), THREE),  # a single frontier is no band
        (np.where(np.abs(X) < 2, 1.0, -1.0), OPPOSITE),  # an upright band is no diagonal one
        (XOR * (SURE + 0.01), FOUR),
        (XOR * (SURE - 0.01), NONE),  # unsure answers do not count
        (np.where((X > 0) & (X < 2) & (Y > 0), -1, XOR), FOUR),  # most of a quadrant is enough
        (np.where((X > 0) & (X < 3) & (Y > 0), -1, XOR), THREE),
    ],
)
def test_a_surface_at_the_edge_of_a_family(surface, name):
    assert family(surface) == name


def test_the_labs_starts_fall_into_three_families_whose_losses_do_not_mix():
    run = trained(part2.LAB, 1000, part2.STARTS)
    names, losses = np.array(families(run)), run.test_loss[:, -1]
    assert set(names) == {FOUR, BAND, HALF}
    assert losses[names == FOUR].max() < losses[names == BAND].min()
    assert losses[names == BAND].max() < losses[names == HALF].min()


def test_an_untrained_zero_network_gets_nothing_right():
    assert families(Run(PlaygroundConfig(dataset="xor", init_zero=True))) == [NONE]
