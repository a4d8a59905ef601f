"""Part 3's checks: good answers of several kinds, near misses, and absurd ones, each with its sentence."""

import dataclasses
import functools
import math
import sys

import numpy as np
import pytest

from helpers import PlaygroundConfig, Run, train
from helpers.checks import answers, part3
from helpers.experiments.generalization import laplacian, roughness
from helpers.experiments.sweep import Sweep, sweep
from helpers.french import decimal
from helpers.plotting.waiting import Waiting
from instructor.sandbox.inside import remarks

from .conftest import assert_told, is_full

# 0.285 on all machines: it does not amplify rounding errors, as CHAOTIC does.
WINNER = part3.LAB.replace(
    activation="tanh", network_shape=(8, 8), learning_rate=0.03, epochs=1246, resets=28
)
CHAOTIC = part3.LAB.replace(network_shape=(8, 8, 8), epochs=253, resets=3)
PENALTY = {"regularization": "L2", "regularization_rate": 0.003}
FEATURES_WINNER = WINNER.replace(
    features=("x", "y", "sinX", "sinY"), **PENALTY, epochs=471, resets=9
)  # 0.259
DIVERGING = WINNER.replace(learning_rate=10, regularization="L2", regularization_rate=10, epochs=30)


@pytest.fixture(scope="module")
def table():
    """A small but wide enough sweep."""
    return sweep(part3.WITNESS_FEATURES, [0.003, 0.03, 0.1, 0.3], [0, 0.003, 0.01, 0.1], epochs=100, starts=8)


def best_of(table):
    row, column = np.unravel_index(np.argmin(table.medians), table.medians.shape)
    return table.learning_rates[row], table.rates[column]


@pytest.mark.parametrize(
    ("changes", "points", "hint"),
    [
        ({}, 4, "Tous les points, bravo"),
        ({"epochs": 1000}, 4, "0,296"),
        ({"epochs": 950}, 3, "0,30"),
        ({"resets": 11, "epochs": 755}, 2.5, "0,33"),
        ({"resets": 11, "epochs": 1200}, 2, "époque 755"),
        ({"resets": 0, "epochs": 800}, 0, "0,45"),
        ({"network_shape": (3, 2), "epochs": 100}, 0, "Essayez un autre départ"),
    ],
)
def test_networks_on_two_inputs_earn_by_their_final_loss(changes, points, hint):
    config = WINNER.replace(**changes)
    score = part3.check_best_plain(config.to_url())
    assert_told(score, points, hint, "Sur 5\u202f000 points neufs, tirés de la même façon")
    assert "arrondi" not in score.feedback
    assert part3.check_best_plain(config) == score


def test_networks_with_features_earn_by_their_final_loss():
    all_but_product = ("x", "y", "xSquared", "ySquared", "sinX", "sinY")
    for changes in ({}, {"resets": 3, "epochs": 807}, {"features": all_but_product, "epochs": 495}):
        assert is_full(part3.check_best_features(FEATURES_WINNER.replace(**changes).to_url()))
    short = FEATURES_WINNER.replace(network_shape=(8,), epochs=30, learning_rate=0.1)
    score = part3.check_best_features(short.to_url())
    assert not is_full(score)
    assert "Prochain seuil" in score.feedback


def test_a_chaotic_network_is_told_to_the_student_and_what_it_may_be_elsewhere_to_the_teacher(monkeypatch):
    monkeypatch.setattr(remarks, "COPIES", 32)  # one block of starts
    late = CHAOTIC.replace(epochs=1000)  # by then, whatever the version and the processor
    assert "amplifie les erreurs d'arrondi" in part3.check_best_plain(late).feedback
    losses = part3.rounded_otherwise(late, remarks.COPIES)
    assert np.ptp(losses) > 0.05
    told = remarks.remark("part3", "1.b", late.to_url())
    assert f"de {decimal(losses.min())} à {decimal(losses.max())}" in told
    assert remarks.remark("part3", "1.b", WINNER.to_url()) == ""
    assert remarks.remark("part3", "2.b", FEATURES_WINNER.to_url()) == ""
    for answer in (..., "bonjour", None):
        assert remarks.remark("part3", "1.b", answer) == remarks.remark("part3", "3.a", answer) == ""


def test_marks_never_grow_with_the_loss():
    for bands in part3.BANDS.values():
        assert list(bands) == sorted(bands)
        assert list(bands.values()) == sorted(bands.values(), reverse=True)
    assert part3.BANDS["1.b"][0.40] == part3.MARKS.questions["1.b"].points / 2
    assert max(part3.BANDS["2.b"].values()) == part3.MARKS.questions["2.b"].points


def test_other_inputs_and_diverging_networks_score_nothing():
    told = "les entrées actives sont x, y, sinX, sinY au lieu de x, y"
    assert_told(part3.check_best_plain(FEATURES_WINNER.to_url()), 0, told)
    assert_told(part3.check_best_features(WINNER.to_url()), 0, "au moins une entrée calculée")
    assert_told(part3.check_best_plain(DIVERGING), 0, "divergé")


def right(z, pas):
    return np.mean(np.abs(laplacian(z, pas)))


def with_loops(z, pas):
    rows, columns = z.shape
    values = [
        abs(z[i - 1, j] + z[i + 1, j] + z[i, j - 1] + z[i, j + 1] - 4 * z[i, j]) / pas**2
        for i in range(1, rows - 1)
        for j in range(1, columns - 1)
    ]
    return sum(values) / len(values)


def by_differences(z, pas):
    along_y, along_x = np.diff(z, 2, axis=0)[:, 1:-1], np.diff(z, 2, axis=1)[1:-1]
    return np.abs((along_x + along_y) / (pas * pas)).mean()


@pytest.mark.parametrize("function", [right, with_loops, by_differences])
def test_right_roughnesses_of_several_kinds_earn_all(function):
    assert is_full(part3.check_roughness(function))


def neighbours(z):
    return z[:-2, 1:-1] + z[2:, 1:-1] + z[1:-1, :-2] + z[1:-1, 2:]


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda z, pas: np.mean(laplacian(z, pas)), "avant la moyenne"),
        (lambda z, pas: abs(np.mean(laplacian(z, pas))), "avant la moyenne"),
        (lambda z, pas: right(z, 1), "division par le carré"),
        (lambda z, pas: right(z, 1) / pas, "carré du pas"),
        (lambda z, pas: np.mean(np.abs(neighbours(z) - z[1:-1, 1:-1])) / pas**2, "compte 4 fois"),
        (lambda z, pas: np.mean(np.abs(neighbours(z))) / pas**2, "point du milieu"),
        (lambda z, pas: np.sum(np.abs(laplacian(z, pas))), "la somme"),
        (lambda z, pas: np.mean(laplacian(z, pas) ** 2), "pas le carré"),
        (lambda z, pas: np.median(np.abs(laplacian(z, pas))), "pas la médiane"),
        (lambda z, pas: np.abs(laplacian(z, pas)), "un tableau"),
        (lambda z, pas: np.mean(np.abs(neighbours(z) - 4 * z)) / pas**2, "ValueError"),
        (lambda z, pas: 8.0, "Relisez la formule"),
        (lambda z, pas: math.nan, "nombre fini"),
        (lambda z, pas: None, "ne renvoie rien"),
        (lambda z, pas: sys.exit(), "SystemExit"),
        (lambda z: 0, "arguments demandés"),
    ],
)
def test_wrong_roughnesses_are_told_why(function, hint):
    score = part3.check_roughness(function)
    assert_told(score, 0, hint)
    assert score.answered


def test_medians_of_roughness():
    plain, features = (
        float(np.median(roughness(answers.trained(config, part3.EPOCHS, part3.STARTS))))
        for config in (part3.WITNESS, part3.WITNESS_FEATURES)
    )
    assert is_full(part3.check_medians(plain, features))
    assert is_full(part3.check_medians(round(plain, 2), np.float64(features)))
    assert part3.check_medians(plain, ...) == 0.75
    assert part3.check_medians(plain * 1.1, features) == 0.75
    assert_told(part3.check_medians(features, plain), 0, "échangez")
    penalized = part3.WITNESS_FEATURES.replace(regularization_rate=part3.PENALTY)
    penalized = float(np.median(roughness(answers.trained(penalized, part3.EPOCHS, part3.STARTS))))
    assert_told(part3.check_medians(plain, penalized), 0.75, "avec L2")


def test_early_stopping():
    run = train(WINNER, 1000, (3,))
    losses = run.test_loss[0]
    best = int(np.argmin(losses))
    gain = losses[-1] - losses[best]
    assert is_full(part3.check_early_stopping(np.argmin(losses), gain, run))
    assert is_full(part3.check_early_stopping(best, round(gain, 3), run))
    assert part3.check_early_stopping(best, ..., run) == 0.75
    for epoch, wrong, hint in (
        (best, -gain, "signe"),
        (best, gain + 0.01, "moins la plus basse"),
        (best + 1, gain, "à une époque près"),
        (int(np.argmin(run.train_loss[0])), gain, "perte d'entraînement"),
        (best + 0.5, gain, ""),
        (7, gain, "np.argmin"),
        (1e6, gain, "np.argmin"),
    ):
        assert_told(part3.check_early_stopping(epoch, wrong, run), 0.75, hint)
    for other in (Run(WINNER), Run(WINNER).train(999), train(WINNER, 1000, 2), None):
        assert_told(part3.check_early_stopping(0, 0, other), 0, "cellule de mesure")
    assert_told(part3.check_early_stopping(0, 0, Run(WINNER.replace(noise=0)).train(1000)), 0, "noise")


def test_gaps():
    gaps = []
    for rate in (0, part3.PENALTY):
        run = answers.trained(
            part3.WITNESS_FEATURES.replace(regularization_rate=rate), part3.EPOCHS, part3.STARTS
        )
        gaps.append(float(np.median(run.test_loss[:, -1] - run.train_loss[:, -1])))
    assert is_full(part3.check_gaps(*gaps))
    assert part3.check_gaps(gaps[0], ...) == 0.5
    assert part3.check_gaps(*gaps[::-1]) == 0
    assert "signe" in part3.check_gaps(-gaps[0], gaps[1]).feedback
    test_loss = float(np.median(run.test_loss[:, -1]))
    assert "retranchez" in part3.check_gaps(gaps[0], test_loss).feedback


def test_a_wide_sweep_with_its_best_cell_earns_all(table):
    best = best_of(table)
    assert is_full(part3.check_sweep(table, best))
    assert is_full(part3.check_sweep(table, list(best)))
    row, column = table.learning_rates.index(best[0]), table.rates.index(best[1])
    edge = dataclasses.replace(
        table,
        learning_rates=table.learning_rates[row:] + (1.0,) * row,
        losses=np.concatenate([table.losses[row:], np.full((row, *table.losses.shape[1:]), 0.5)]),
    )
    assert not part3._at_the_edge(table, row, column)
    assert part3._at_the_edge(edge, 0, column)


def test_a_sweep_earns_half_when_the_cell_named_is_not_the_best(table):
    row, column = np.unravel_index(np.argmax(table.medians), table.medians.shape)
    worst, best = (table.learning_rates[row], table.rates[column]), best_of(table)
    for answer, hint in (
        (..., "nommer la meilleure"),
        (worst, "médiane plus basse"),
        (best[::-1], "inversé"),
        ((0.02, 0.5), "n'y est pas"),
        (0.1, "couple"),
        (("a", 0), "sans guillemets"),
    ):
        assert_told(part3.check_sweep(table, answer), 1, hint)


def test_sweeps_too_small_made_up_or_of_other_experiments_are_refused(table):
    change = functools.partial(dataclasses.replace, table)
    made_up = np.full_like(table.losses, 0.6)
    made_up[1, 1] = table.losses.min()
    config = table.config
    for answer, hint in (
        (change(rates=table.rates[:3], losses=table.losses[:, :3]), "au moins 4"),
        (change(epochs=20), "100 époques"),
        (change(epochs=part3.MAX_REPLAY + 1), "2000"),
        (change(starts=tuple(range(33))), "32"),
        (change(config=config.replace(noise=0)), "noise"),
        (change(config=config.replace(network_shape=(1,))), "networkShape"),
        (change(config=config.replace(features=("x", "y"))), "entrées actives"),
        (change(losses=table.losses - 0.2), "rejouée"),
        (change(losses=made_up), "rejouée"),
    ):
        assert isinstance(answer, Sweep)
        assert_told(part3.check_sweep(answer, best_of(table)), 0, hint)


def test_the_run_shown_is_the_students_or_the_labs_with_a_sentence(capsys):
    assert part3.replayed(WINNER.to_url()).test_loss[0, -1] == pytest.approx(0.2851, abs=1e-4)
    assert capsys.readouterr().out == ""
    for answer, hint in (
        (..., "sans réponse"),
        ("bonjour", "inutilisable"),
        (3, "adresse du Playground est attendue"),
        (WINNER.replace(dataset="circle"), "plus l'expérience du laboratoire"),
        (DIVERGING, "divergé"),
    ):
        assert part3.replayed(answer, epochs=10).config == part3.LAB
        assert hint in capsys.readouterr().out


def test_a_winner_is_trained_on_without_changing_the_answer():
    run = part3.replayed(WINNER.replace(epochs=40))
    assert part3.continued(run).epoch == 1000
    assert run.epoch == 40


def test_a_search_names_the_address_that_gives_its_best_loss_again(capsys):
    assert part3.search(part3.LAB, 20, starts=4) is None
    told, url = capsys.readouterr().out.replace("\u00a0", " ").splitlines()
    config = PlaygroundConfig.from_url(url)
    again = train(config, config.epochs, starts=[config.resets]).test_loss[0, -1]
    assert again == train(part3.LAB, 20, starts=4).test_loss[:, -1].min()
    assert told.startswith("4 départs, 20 époques : perte de test médiane")
    assert f"la plus basse {decimal(again)}, au départ {config.resets}. Son adresse :" in told
    assert isinstance(part3.search(part3.LAB, 20, after=("1.a", ...)), Waiting)
    assert capsys.readouterr().out == ""
