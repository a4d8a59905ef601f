"""Part 2's checks: good answers of several kinds, near misses, and absurd ones, each with its sentence."""

import math

import numpy as np
import pytest

from helpers.checks import answers, part2
from helpers.experiments.statistics import wilson_difference

from .conftest import assert_told, edited

GOOD = part2.LAB.replace(network_shape=(4, 4))
SHAPES = ["demi-plan", "quatre quadrants", "demi-plan", "quatre quadrants", "bande diagonale"]
LOSSES = [0.350, 0.195, 0.333, 0.195, 0.225]


def url(*shape, **changes):
    return part2.LAB.replace(network_shape=shape, **changes).to_url()


def test_five_blanks_are_unanswered():
    assert not part2.check_report([...] * 5, [...] * 5).answered


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
        (SHAPES, [*LOSSES[1:], 0.171], "décalé d'un départ"),
        (SHAPES, [0.28, 0.15, 0.27, 0.15, 0.18], "Il faut la perte de test"),
        (SHAPES, [0.5] * 5, "laissez l'entraînement aller plus loin"),
        (SHAPES[:3], LOSSES, "de longueur 3"),
        ("quatre quadrants", LOSSES, "liste de 5 formes"),
        (["zigzag"] * 5, LOSSES, "n'est pas l'une des formes"),
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
    assert part2.check_report(SHAPES, run.test_loss[:5, -1]) == 2.5


@pytest.mark.parametrize(
    ("share", "unanimous", "points", "hint"),
    [
        (41 / 64, (41 / 64) ** 5 + (23 / 64) ** 5, 1.5, "41 départs sur 64"),
        (0.64, 0.113, 1.5, ""),
        (np.float32(0.6406), ..., 0.75, "à compléter"),
        (64, 0.114, 0.75, "pas un pourcentage"),
        (42 / 64, 0.114, 0.75, "dernière époque"),
        (0.64, 0.108, 0.75, "où tous échouent"),
        (0.64, 0.006, 0.75, "où tous réussissent"),
        (0.64, 0.5, 0.75, "indépendants"),
    ],
)
def test_luck(share, unanimous, points, hint):
    assert_told(part2.check_luck(share, unanimous), points, hint)


@pytest.mark.parametrize(("shape", "points"), [((4, 4), 4), ((4, 3), 4), ((4, 4, 4), 3), ((8, 8), 2)])
def test_several_larger_networks_are_really_more_stable(shape, points):
    assert_told(part2.check_larger(url(*shape)), points, "64 nouveaux départs", "Wilson")


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3, 2), "pas plus stable"),
        ((4, 2), "contient 0"),
        ((3, 4), "contient 0"),
        ((3, 1), "pas plus stable"),
    ],
)
def test_larger_is_not_enough(shape, hint):
    assert_told(part2.check_larger(url(*shape)), 1, hint)


def test_the_verdict_is_that_of_the_interval_of_the_difference():
    before = part2._wins(part2.LAB, part2.NEW_STARTS)
    for shape in ((4, 4), (4, 2)):
        after = part2._wins(part2.LAB.replace(network_shape=shape), part2.NEW_STARTS)
        low, _ = wilson_difference(after, 64, before, 64)
        assert (part2.check_larger(url(*shape)) > 1) == (low > 0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (url(6), "pas de couche de plus"),
        (url(), "pas de couche de plus"),
        (url(2, 1), "pas plus de neurones"),
        (url(8, 8, 1), "un peu plus grand"),
        (url(2, 2, 2, 2), "un peu plus grand"),
        (edited(GOOD, "networkShape", "40,4"), "1 à 8 neurones"),
        (edited(GOOD, "xTimesY", "true"), "entrées actives"),
        (edited(GOOD, "activation", "tanh"), "`activation` vaut tanh au lieu de relu"),
        (edited(GOOD, "learningRate", "0.03"), "`learningRate` vaut 0.03 au lieu de 0.01"),
        (edited(GOOD, "batchSize", "1"), "`batchSize`"),
        (edited(GOOD, "regularizationRate", "0.003"), "`regularizationRate`"),
        (edited(GOOD, "initZero", "true"), "`initZero`"),
    ],
)
def test_other_experiments_and_sizes_are_refused_with_the_reason(answer, hint):
    assert_told(part2.check_larger(answer), 0, hint)


@pytest.mark.parametrize(
    "changes",
    [
        {"regularization": "none"},
        {"regularization": "L1"},
        {"regularization": "none", "regularization_rate": 0.1},
        {"show_test_data": True, "discretize": True},
        {"epochs": 731, "resets": 12},
        {"epochs": 10**9, "resets": 10**9},
    ],
)
def test_what_changes_nothing_is_accepted(changes):
    assert part2.check_larger(url(4, 4, **changes)) == 4
    assert part2.check_larger(GOOD.replace(**changes)) == 4


@pytest.mark.parametrize(
    ("moved", "distinct", "wins", "points", "hint"),
    [
        (1, 1, 3, 1.5, ""),
        (np.int64(1), 1.0, np.int64(3), 1.5, ""),
        (1, ..., ..., 0.5, "à compléter"),
        (0, 1, 3, 1, "si peu que ce soit"),
        (13, 1, 3, 1, "quittent zéro"),
        (1, 3, 3, 1, "se superposent-elles"),
        (1, 1, 41, 1, "dernière époque"),
        (1, 1, 3 / 64, 1, "nombre entier"),
    ],
)
def test_symmetry(moved, distinct, wins, points, hint):
    assert_told(part2.check_symmetry(moved, distinct, wins), points, hint)


@pytest.mark.parametrize("value", [math.sqrt(3), 1.73, 1.7, np.float64(1.75)])
def test_scales_that_keep_the_variance(value):
    assert part2.check_scale(value) == 1


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (3, "racine"),
        (0.5, "écart type"),
        (1, "0,33 fois la variance"),
        (math.sqrt(6), "1,97 fois la variance"),
        (1.6, "tirez-en s"),
        (0, "0 fois la variance"),
        (-1.73, "intervalle"),
        (1e9, "intervalle"),
    ],
)
def test_other_scales_are_told_what_they_do(value, hint):
    assert_told(part2.check_scale(value), 0, hint)


@pytest.mark.parametrize(
    ("barrier", "order", "points", "hint"),
    [
        (0.595, (0, 2, 1), 1, ""),
        (np.float64(0.6), [0, 2, 1], 1, ""),
        (0.595, np.array([0, 2, 1]), 1, ""),
        (0.595, ..., 0.5, "à compléter"),
        (0.595, (..., ..., ...), 0.5, "à compléter"),
        (0.726, (0, 2, 1), 0.5, "retranchez"),
        (0.3, (0, 2, 1), 0.5, "pertes_segment.max()"),
        (0.595, (0, 1, 2), 0.5, "monte encore"),
        (0.595, (1, 2, 0), 0.5, "monte encore"),
        (0.595, (1, 3, 2), 0.5, "chacun une fois"),
        (0.595, "021", 0.5, "trois numéros"),
        (0.595, {0, 1, 2}, 0.5, ""),
        (0.595, range(10**9), 0.5, "chacun une fois"),
    ],
)
def test_segment(barrier, order, points, hint):
    score = part2.check_segment(barrier, order)
    assert_told(score, points, hint)
    assert "pu être vérifiée" not in score.feedback


def test_an_endless_order_ends():
    def forever():
        while True:
            yield 0

    assert part2.check_segment(0.595, forever()) == 0.5
