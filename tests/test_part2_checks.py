"""Part 2's checks: good answers of several kinds, near misses, and absurd ones, each with its sentence."""

import itertools
import math

import numpy as np
import pytest

from helpers.checks import answers, part2
from helpers.experiments.statistics import wilson_difference

from .conftest import assert_told, edited, is_full

GOOD = part2.LAB.replace(network_shape=(4, 4))
SHAPES = ["demi-plan", "quatre quadrants", "demi-plan", "quatre quadrants", "bande diagonale"]
LOSSES = [0.350, 0.195, 0.333, 0.195, 0.225]


def url(*shape, **changes):
    return part2.LAB.replace(network_shape=shape, **changes).to_url()


ANSWERS = [  # check, answers, points, words of the feedback
    (part2.check_luck, (41 / 64, (41 / 64) ** 5 + (23 / 64) ** 5), 2, "41 départs sur 64"),
    (part2.check_luck, (0.64, 0.113), 2, ""),
    (part2.check_luck, (np.float32(0.6406), ...), 1, "à compléter"),
    (part2.check_luck, (64, 0.114), 1, "pas un pourcentage"),
    (part2.check_luck, (42 / 64, 0.114), 0, "dernière époque"),
    (part2.check_luck, (0.5, 2 * 0.5**5), 1, "une fois sur 16"),  # what follows keeps its points
    (part2.check_luck, (0.64, 0.108), 1, "où tous échouent"),
    (part2.check_luck, (0.64, 0.006), 1, "où tous réussissent"),
    (part2.check_luck, (0.64, 0.5), 1, "indépendants"),
    (part2.check_larger, (url(4, 4),), 4, "64 nouveaux départs"),
    (part2.check_larger, (url(4, 3),), 4, "intervalle de Wilson"),
    (part2.check_larger, (url(4, 4, 4),), 3, "64 nouveaux départs"),
    (part2.check_larger, (url(8, 8),), 2, "64 nouveaux départs"),
    (part2.check_larger, (url(3, 2),), 1, "contient 0"),
    (part2.check_larger, (url(4, 2),), 1, "contient 0"),
    (part2.check_larger, (url(3, 4),), 4, "49 fois sur 64"),
    (part2.check_larger, (url(3, 1),), 1, "pas plus stable"),
    (part2.check_larger, (url(6),), 0, "pas de couche de plus"),
    (part2.check_larger, (url(),), 0, "pas de couche de plus"),
    (part2.check_larger, (url(2, 1),), 0, "pas plus de neurones"),
    (part2.check_larger, (url(8, 8, 1),), 0, "un peu plus grand"),
    (part2.check_larger, (url(2, 2, 2, 2),), 0, "un peu plus grand"),
    (part2.check_larger, (edited(GOOD, "xTimesY", "true"),), 0, "entrées actives"),
    (part2.check_larger, (edited(GOOD, "activation", "tanh"),), 0, "`activation` vaut tanh au lieu de relu"),
    (part2.check_larger, (edited(GOOD, "learningRate", 0.03),), 0, "vaut 0.03 au lieu de 0.01"),
    (part2.check_larger, (edited(GOOD, "batchSize", "1"),), 0, "`batchSize`"),
    (part2.check_larger, (edited(GOOD, "regularizationRate", "0.003"),), 0, "`regularizationRate`"),
    (part2.check_larger, (edited(GOOD, "initZero", "true"),), 0, "`initZero`"),
    (part2.check_symmetry, (1, 1, 3), 2, ""),
    (part2.check_symmetry, (np.int64(1), 1.0, np.int64(3)), 2, ""),
    (part2.check_symmetry, (1, ..., ...), 0.5, "à compléter"),
    (part2.check_symmetry, (0, 1, 3), 1.5, "si peu que ce soit"),
    (part2.check_symmetry, (13, 1, 3), 1.5, "quittent zéro"),
    (part2.check_symmetry, (1, 3, 3), 1.5, "se superposent-elles"),
    (part2.check_symmetry, (1, 1, 41), 1, "dernière époque"),
    (part2.check_symmetry, (1, 1, 3 / 64), 1, "nombre entier"),
    (part2.check_scale, (math.sqrt(3),), 1.5, "fois la variance"),
    (part2.check_scale, (1.73,), 1.5, "fois la variance"),
    (part2.check_scale, (1.7,), 1.5, "fois la variance"),
    (part2.check_scale, (np.float64(1.75),), 1.5, "fois la variance"),
    (part2.check_scale, (3,), 0, "racine"),
    (part2.check_scale, (0.5,), 0, "écart type"),
    (part2.check_scale, (1,), 0, "0,33 fois la variance"),
    (part2.check_scale, (math.sqrt(6),), 0, "1,97 fois la variance"),
    (part2.check_scale, (1.6,), 0, "tirez-en s"),
    (part2.check_scale, (0,), 0, "0 fois la variance"),
    (part2.check_scale, (-1.73,), 0, "intervalle"),
    (part2.check_scale, (1e9,), 0, "intervalle"),
    (part2.check_segment, (0.595, (0, 2, 1)), 1.5, ""),
    (part2.check_segment, (np.float64(0.6), [0, 2, 1]), 1.5, ""),
    (part2.check_segment, (0.595, np.array([0, 2, 1])), 1.5, ""),
    (part2.check_segment, (0.595, ...), 0.75, "à compléter"),
    (part2.check_segment, (0.595, (..., ..., ...)), 0.75, "à compléter"),
    (part2.check_segment, (0.726, (0, 2, 1)), 0.75, "retranchez"),
    (part2.check_segment, (0.3, (0, 2, 1)), 0.75, "pertes_segment.max()"),
    (part2.check_segment, (0.595, (0, 1, 2)), 0.75, "monte encore"),
    (part2.check_segment, (0.595, (1, 2, 0)), 0.75, "monte encore"),
    (part2.check_segment, (0.595, (1, 3, 2)), 0.75, "chacun une fois"),
    (part2.check_segment, (0.595, "021"), 0.75, "numéros 0, 1, 2"),
    (part2.check_segment, (0.595, {0, 1, 2}), 0.75, ""),
    (part2.check_segment, (0.595, range(10**9)), 0.75, "chacun une fois"),
    (part2.check_segment, (0.595, itertools.count()), 0.75, ""),
]


@pytest.mark.parametrize(("check", "given", "points", "hint"), ANSWERS)
def test_answers_earn_their_points_and_are_told_why(check, given, points, hint):
    score = check(*given)
    assert_told(score, points, hint)
    assert "pu être vérifiée" not in score.feedback


@pytest.mark.parametrize(
    ("shapes", "losses", "points"),
    [
        (SHAPES, LOSSES, 2.5),
        (tuple(name.upper() for name in SHAPES), np.array(LOSSES), 2.5),
        (
            ["Demi plan", "4 quadrants", "un demi-plan gris", "les quatre", "bande"],
            [0.35, 0.2, 0.33, 0.19, 0.22],
            2.5,
        ),
        (dict(enumerate(SHAPES)), dict(enumerate(LOSSES)), 2.5),
        (SHAPES, [...] * 5, 1.5),
        ([...] * 5, LOSSES, 1),
        ([*SHAPES[:4], "demi-plan"], LOSSES, 2.2),
        (SHAPES, [*LOSSES[:4], 0.31], 2.3),
        ([..., *SHAPES[1:]], [..., *LOSSES[1:]], 2),
        (["trois quadrants"] * 5, [0.5] * 5, 0),
    ],
)
def test_reports(shapes, losses, points):
    assert part2.check_report(shapes, losses) == pytest.approx(points)


@pytest.mark.parametrize(
    ("shapes", "losses", "hint"),
    [
        ([*SHAPES[1:], "quatre quadrants"], LOSSES, "décalé d'un départ"),
        (SHAPES, LOSSES[::-1], "à l'envers"),
        (SHAPES, (0, 350, 0, 195, 0, 333, 0, 195, 0, 225), "avec un point"),
        (SHAPES, [*LOSSES[1:], 0.171], "décalé d'un départ"),
        (SHAPES, [0.28, 0.15, 0.27, 0.15, 0.18], "Il faut la perte de test"),
        (SHAPES, [0.5] * 5, "laissez l'entraînement aller plus loin"),
        (SHAPES[:3], LOSSES, "de longueur 3"),
        ("quatre quadrants", LOSSES, "liste de 5 familles"),
        (["zigzag"] * 5, LOSSES, "n'est pas l'une des familles"),
        ([1, 2, 3, 4, 5], LOSSES, "entre guillemets"),
        (SHAPES, ["0,35"] * 5, "sans guillemets"),
        (["quatre quadrants", *SHAPES[1:]], LOSSES, "le départ 0, rejoué"),
        ([..., *SHAPES[1:]], LOSSES, "le départ 0 reste à compléter"),
    ],
)
def test_wrong_reports_are_told_why(shapes, losses, hint):
    score = part2.check_report(shapes, losses)
    assert 0 < score < 2.5
    assert hint in score.feedback


def test_the_training_loss_is_recognized():
    losses = answers.trained(part2.LAB, part2.EPOCHS, part2.STARTS).train_loss[:5, -1]
    assert "perte d'entraînement" in part2.check_report(SHAPES, losses.tolist()).feedback


def test_a_report_after_more_epochs_holds_too():
    run = answers.trained(part2.LAB, 3000, part2.STARTS)
    assert is_full(part2.check_report(SHAPES, run.test_loss[:5, -1]))


def test_each_network_has_new_starts_of_its_own_and_the_verdict_is_that_of_the_interval():
    shapes = [(4, 4), (4, 2)]
    ranges = [part2.new_starts(shape) for shape in shapes]
    assert not set(part2.STARTS).union(ranges[0]).intersection(ranges[1])
    assert max(max(part2.new_starts(shape)) for shape in itertools.product(range(1, 9), repeat=3)) < 1000
    for shape, starts in zip(shapes, ranges, strict=True):
        larger = part2.LAB.replace(network_shape=shape)
        low, _ = wilson_difference(part2._wins(larger, starts), 64, part2._wins(part2.LAB, starts), 64)
        score = part2.check_larger(url(*shape))
        assert (score > 1) == (low > 0)
        assert f"64 nouveaux départs ({starts[0]} à {starts[-1]})" in score.feedback


@pytest.mark.parametrize(
    "changes",
    [
        {"regularization": "none"},
        {"regularization": "L1"},
        {"regularization": "none", "regularization_rate": 0.1},
        {"show_test_data": True, "discretize": True},
        {"epochs": 731, "resets": 12, "hidden": ("noise", "dataset")},
        {"epochs": 10**9, "resets": 10**9},
    ],
)
def test_what_changes_nothing_is_accepted(changes):
    assert is_full(part2.check_larger(url(4, 4, **changes)))
    assert is_full(part2.check_larger(GOOD.replace(**changes)))
