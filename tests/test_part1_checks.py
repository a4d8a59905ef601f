"""Part 1's checks: good answers of several kinds, near misses, and absurd ones, each with its sentence."""

import math
import sys

import numpy as np
import pytest

from helpers.checks import answers, part1

from .conftest import assert_told, edited, is_full

WINNER = part1.THREE_RELU.replace(resets=5, epochs=400)  # three ReLU neurons that reach 0.171


def url(**changes):
    return WINNER.replace(**changes).to_url()


DIVERGING = url(learning_rate=10, network_shape=(8, 8, 8), batch_size=1, regularization_rate=10, epochs=50)
ANSWERS = [  # check, answers, points, words of the feedback
    (part1.check_plateau, (0.5, 0), 1.5, ""),
    (part1.check_plateau, (0.498, 0.02), 1.5, ""),
    (part1.check_plateau, (0.5, ...), 0.75, ""),
    (part1.check_plateau, (..., 0), 0.75, ""),
    (part1.check_plateau, (0.35, 0), 0.75, ""),
    (part1.check_plateau, (0.5, 1), 0.75, ""),
    (part1.check_plateau, (0.4, -1), 0, ""),
    (part1.check_partial_success, (22 / 128,), 1.5, "22 départs sur 128"),
    (part1.check_partial_success, (0.17,), 1.5, ""),
    (part1.check_partial_success, (17.2,), 0, "pas un pourcentage"),
    (part1.check_partial_success, (0.5,), 0, "ne donne pas 0,5"),
    (part1.check_partial_success, (-0.2,), 0, "intervalle"),
    (part1.check_luck, (3, 20 / 128, 18), 2.5, "3 neurones réussissent"),
    (part1.check_luck, (3.0, 0.16, np.int64(18)), 2.5, ""),
    (part1.check_luck, (3, 0.16, ...), 1.5, "à compléter"),
    (part1.check_luck, (3, 15.6, 18), 1.75, "pas un pourcentage"),
    (part1.check_luck, (3, 47 / 128, 7), 1.75, "à une époque quelconque"),  # what follows keeps its points
    (part1.check_luck, (4, 19 / 128, 19), 1.75, "avec un de moins aussi"),
    (part1.check_luck, (2, 0.16, 18), 1.75, "aucun des 128 départs"),
    (part1.check_luck, (9, 0.16, 18), 1.75, "intervalle"),
    (part1.check_luck, (3, ..., 18), 1.75, "à compléter"),
    (part1.check_luck, (3, 0.16, 17), 1.5, "échouent tous"),
    (part1.check_luck, (3, 0.16, 19), 1.5, "échouent tous"),
    (part1.check_luck, (3, 0.16, 6.6), 1.5, "nombre entier"),
    (part1.check_luck, (3, 0.16, 10**9), 1.5, "échouent tous"),
    (part1.check_luck, (3, 0, 10**9), 0.75, "échouent tous"),
    (part1.check_smallest_network, (url(),), 4, "points neufs"),
    (part1.check_smallest_network, (edited(WINNER, "dataset", "lune"),), 0, "dataset"),
    (part1.check_smallest_network, (edited(WINNER, "xTimesY", "true"),), 0, "entrées actives"),
    (part1.check_smallest_network, (edited(WINNER, "networkShape", ""),), 0, "Rejoué"),
    (part1.check_smallest_network, (edited(WINNER, "networkShape", "2"),), 0, "Essayez un autre départ"),
    (part1.check_smallest_network, (edited(WINNER, "resets", "0"),), 0, "Essayez un autre départ"),
    (part1.check_smallest_network, (edited(WINNER, "epochs", "5"),), 0, "au-dessus de 0,177"),
    (part1.check_smallest_network, (url(resets=11, epochs=1000),), 0, "arrêtez l'entraînement plus tôt"),
    (part1.check_smallest_network, (url(activation="linear"),), 0, "0,49"),
    (part1.check_smallest_network, (DIVERGING,), 0, "divergé"),
]


@pytest.mark.parametrize(("check", "given", "points", "hint"), ANSWERS)
def test_answers_earn_their_points_and_are_told_why(check, given, points, hint):
    score = check(*given)
    assert_told(score, points, hint)
    assert "pu être vérifiée" not in score.feedback


def right(W1, b1, W2, b2):
    return W1 @ W2, b1 @ W2 + b2


def developed(W1, b1, W2, b2):
    """The same by another way: the image of the origin and of the unit vectors."""
    b = (np.zeros(len(W1)) @ W1 + b1) @ W2 + b2
    return (np.eye(len(W1)) @ W1 + b1) @ W2 + b2 - b, b


def as_row(W1, b1, W2, b2):
    return [np.dot(W1, W2).tolist(), (b1 @ W2 + b2)[np.newaxis]]


def in_place(W1, b1, W2, b2):
    b2 += b1 @ W2
    return W1 @ W2, b2


@pytest.mark.parametrize("compose", [right, developed, as_row, in_place])
def test_right_compositions_of_several_kinds_earn_all(compose):
    assert is_full(part1.check_composition(compose))


@pytest.mark.parametrize(
    ("compose", "points", "hint"),
    [
        (lambda W1, b1, W2, b2: (W2 @ W1, b1 @ W2 + b2), 1.5, "ordre est inversé"),
        (lambda W1, b1, W2, b2: ((W1 @ W2).T, b1 @ W2 + b2), 1.5, "transposée"),
        (lambda W1, b1, W2, b2: (W1 * W2, b1 @ W2 + b2), 1.5, "terme à terme"),
        (lambda W1, b1, W2, b2: (W1 @ W2, b2), 1.5, "il manque b1"),
        (lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2), 1.5, "il manque b2"),
        (lambda W1, b1, W2, b2: (W1 @ W2, b1 + b2), 1.5, "traverser la deuxième couche"),
        (lambda W1, b1, W2, b2: (W1 @ W2, W2 @ b1 + b2), 1.5, "ordre est inversé"),
        (lambda W1, b1, W2, b2: (W1 @ W2, 0), 1.5, "un biais par neurone"),
        (lambda W1, b1, W2, b2: (W1 @ W2, ...), 1.5, "à compléter"),
        (lambda W1, b1, W2, b2: (W1, b1 @ W2 + b2), 1.5, "pas les valeurs"),
        (lambda W1, b1, W2, b2: (W1[:1], b2), 0, "forme (1, 2) au lieu de (2, 2)"),
        (lambda W1, b1, W2, b2: (W1 @ W2 + math.nan, "b"), 0, "tableau de nombres"),
        (lambda W1, b1, W2, b2: None, 0, "return W, b"),
        (lambda W1, b1, W2, b2: W1 @ W2, 0, "deux tableaux"),
        (lambda W1, b1, W2, b2: 1 / 0, 0, "ZeroDivisionError"),
        (lambda W1, b1, W2, b2: sys.exit(), 0, "SystemExit"),
        (lambda W1: None, 0, "n'a pas les arguments demandés : `def composer(W1, b1, W2, b2)`"),
        (lambda W1, b1, W2, b2: W3, 0, "`NameError: name 'W3' is not defined`)."),  # noqa: F821
    ],
)
def test_wrong_compositions_are_told_why(compose, points, hint):
    assert_told(part1.check_composition(compose), points, hint)


def test_the_stub_is_unanswered():
    assert not part1.check_composition(lambda W1, b1, W2, b2: (..., ...)).answered


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, 4),
        ({"resets": 13, "epochs": 100}, 4),
        ({"learning_rate": 0.01, "resets": 5, "epochs": 400}, 4),
        ({"network_shape": (4,), "resets": 1}, 3),
        ({"network_shape": (5,), "resets": 1}, 2.5),
        ({"network_shape": (8,), "resets": 0, "epochs": 9}, 1.5),
    ],
)
def test_several_good_networks_fall_in_marks_with_size(changes, points):
    for answer in (url(**changes), WINNER.replace(**changes)):
        assert part1.check_smallest_network(answer) == points


def test_a_further_layer_costs_half_a_point():
    config = part1.THREE_RELU.replace(network_shape=(3, 2))
    losses = answers.trained(config, 600, part1.STARTS).test_loss
    answer = config.replace(epochs=600, resets=int(np.argmin(losses[:, -1])))
    assert_told(part1.check_smallest_network(answer), 2, "en 2 couches cachées")


def test_a_loss_that_only_rounds_to_the_target_is_refused():
    losses = answers.trained(WINNER, 100, (5,)).test_loss[0]
    assert "arrondie" in part1._near_miss(np.append(losses[:20], 0.1774))
