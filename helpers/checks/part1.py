"""Marks and checks of Part 1: one linear neuron, stacked linear layers, ReLU, the smallest network."""

import contextlib
import math
from collections.abc import Callable

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import half_squared_error
from ..experiments.statistics import successes, successes_at_the_end
from ..french import count, decimal, listed, percent, plain, quoted
from . import answers
from .marks import Marks, Question, Wrong, combine

LAB = PlaygroundConfig(
    dataset="xor",
    noise=35,
    perc_train_data=50,
    seed="0.50819",
    activation="linear",
    network_shape=(1,),
    regularization="L2",
    learning_rate=0.01,
)
TWO_RELU = LAB.replace(activation="relu", network_shape=(2,))
THREE_RELU = TWO_RELU.replace(network_shape=(3,), learning_rate=0.03)
STARTS = tuple(range(128))
EPOCHS = 1000
TARGET = 0.177  # test loss to reach
ENOUGH = 0.95  # chance that one start succeeds
PARTIAL_SUCCESS = 0.25  # two ReLU neurons: no start ends between 0.23 and 0.30

MARKS = Marks(
    "Partie 1",
    Question("1.a", "Un neurone linéaire : prédire", 0.5),
    Question("1.b", "Un neurone linéaire : mesurer", 1.5),
    Question("1.c", "Un neurone linéaire : expliquer", 2, manual=True),
    Question("2.a", "Composer deux couches linéaires", 3),
    Question("2.b", "Ce que change une activation", 1, manual=True, bonus=True),
    Question("3.a", "Deux neurones ReLU : prédire", 0.5),
    Question("3.b", "Deux neurones ReLU : mesurer", 1.5),
    Question("3.c", "Deux neurones ReLU : expliquer", 2, manual=True),
    Question("4.a", "Le plus petit réseau : prédire", 0.5),
    Question("4.b", "Le plus petit réseau : chercher", 4),
    Question("4.c", "La part de chance : mesurer", 2.5),
    Question("4.d", "La part de chance : conclure", 2, manual=True),
    lab=LAB,
)

# Points of question 4.b by number of hidden neurons (up to and including), and the price of a further layer.
_POINTS_BY_NEURONS = {3: 4.0, 4: 3.0, 5: 2.5, 6: 2.0, 8: 1.5, 48: 1.0}
_FURTHER_LAYER = 0.5
_NAMES = ("W1", "b1", "W2", "b2")
_ROUNDING = {"relative": 1e-5, "within": 1e-8}

summary = MARKS.summary

check_prediction_linear = MARKS.prediction(
    "1.a", answers.loss, "Elle n'est pas jugée ; la mesure ci-dessous tranchera."
)


@MARKS.check("1.b")
def check_plateau(plateau: object, constant: object) -> tuple[float, str]:
    """Compare with the linear neuron trained anew, and with the best constant on the test points."""

    def same_plateau(value):
        measured = float(np.median(answers.trained(LAB, EPOCHS, STARTS[:16]).test_loss[:, -1]))
        return answers.expect(
            answers.number(value, 0, 2),
            (measured, f"oui, l'expérience rejouée donne {decimal(measured, 2)}."),
            otherwise="ce n'est pas le palier obtenu en rejouant l'expérience. Lisez sur la figure la "
            "perte de test commune à tous les départs en fin d'entraînement, à 0,01 près.",
            within=0.01,
        )

    def best_constant(value):
        value = answers.number(value, -1, 1)
        cost = float(half_squared_error(value, np.array([-1, 1])).mean())
        if cost > 0.505:
            raise Wrong(
                f"répondre {plain(value)} partout coûterait {plain(cost, 2)} en moyenne. "
                "Écrivez la perte moyenne ½·[½(c − 1)² + ½(c + 1)²], puis cherchez c."
            )
        return f"oui, répondre {plain(value)} partout coûte {plain(cost, 2)}, autant que ce palier."

    return combine(("palier", 0.75, same_plateau, plateau), ("constante", 0.75, best_constant, constant))


@MARKS.check("2.a")
def check_composition(compose: Callable) -> tuple[float, str]:
    """Run the student's composition of two linear layers on fresh random networks of several widths."""
    random = np.random.default_rng()
    # A square network first: a wrong order of the product then shows in the values, not as an error.
    shapes = [(2, 2, 2), (2, 3, 1), (2, 1, 3), *random.integers(1, 9, (17, 3)).tolist()]
    for inputs, hidden, outputs in shapes:
        sizes = (inputs, hidden), hidden, (hidden, outputs), outputs
        layers = [random.normal(size=size) for size in sizes]
        weights, bias = _composed(compose, layers)
        points, feedback = combine(
            ("W", 1.5, lambda value, layers=layers: _check_weights(value, *layers), weights),
            ("b", 1.5, lambda value, layers=layers: _check_bias(value, *layers), bias),
        )
        if points < 3:
            return points, feedback
    return 3, (
        f"Votre couche unique répond comme les deux couches, sur {len(shapes)} réseaux tirés au hasard "
        "de 1 à 8 neurones par couche."
    )


check_prediction_relu = MARKS.prediction(
    "3.a", answers.loss, "Comparez-la au meilleur des 128 départs, ci-dessous."
)


@MARKS.check("3.b")
def check_partial_success(answer: object) -> str:
    """Compare with the share of 128 starts of two ReLU neurons that end below 0.25."""
    value = answers.share(answer)
    measured = float(np.mean(answers.trained(TWO_RELU, EPOCHS, STARTS).test_loss[:, -1] < PARTIAL_SUCCESS))
    wins = round(measured * len(STARTS))
    return answers.expect(
        value,
        (measured, f"Oui : {wins} départs sur {len(STARTS)}, soit {percent(measured, 0)}."),
        otherwise=f"L'expérience rejouée ne donne pas {plain(value)}. Il faut la part des départs dont la "
        "perte de test à la dernière époque, `deux_relu.test_loss[:, -1]`, est inférieure à 0,25 "
        "(la moyenne d'un tableau de booléens est une proportion).",
        within=0.005,
    )


check_prediction_size = MARKS.prediction(
    "4.a", lambda size: count(answers.whole(size, 1, 48, " de neurones"), "neurone"), "À vérifier en jouant."
)


@MARKS.check("4.b")
def check_smallest_network(url: object) -> tuple[float, str]:
    """Replay the start that the address names; the fewer neurons and layers, the more points."""
    config = answers.read_url(url)
    answers.require_same(config, LAB, "features")
    neurons, layers = sum(config.network_shape), len(config.network_shape)
    run = answers.replay(config)
    losses = run.test_loss[0]
    final = float(losses[-1])
    if not final <= TARGET:
        raise Wrong(_near_miss(losses) + (answers.fresh(run) if math.isfinite(final) else ""))
    points = next(points for most, points in _POINTS_BY_NEURONS.items() if neurons <= most)
    points = max(points - _FURTHER_LAYER * max(layers - 1, 0), 0.5)
    feedback = (
        f"Rejoué : perte de test {decimal(final)} après {count(config.epochs, 'époque')}, avec "
        f"{count(neurons, 'neurone')} en {layers} couche{'s' * (layers > 1)} cachée{'s' * (layers > 1)}."
    )
    if points < MARKS.questions["4.b"].points:
        feedback += " Le seuil est atteint ; un réseau plus petit y parvient aussi et rapporterait davantage."
    else:
        feedback += " Nous ne connaissons pas de réseau plus petit qui y parvienne."
    return points, feedback + answers.fresh(run)


@MARKS.check("4.c")
def check_luck(smallest: object, rate: object, starts: object) -> tuple[float, str]:
    """Compare with the smallest size of which a start succeeds, its success rate, and the starts it takes.

    What follows from an earlier answer of the question, be it wrong, keeps its points.
    """

    def same_size(value):
        value = answers.whole(value, 1, 8, " de neurones")
        if not _success_rate(value):
            raise Wrong(f"aucun des {len(STARTS)} départs n'y réussit avec {count(value, 'neurone')}.")
        if value > 1 and _success_rate(value - 1):
            raise Wrong(
                f"avec {count(value, 'neurone')}, des départs réussissent, mais avec un de moins aussi."
            )
        return "oui, rejoué : aucun départ d'un réseau plus petit ne réussit."

    def same_rate(value):
        value, measured = answers.share(value), _success_rate(size)
        run = answers.trained(THREE_RELU.replace(network_shape=(size,)), EPOCHS, STARTS)
        return answers.expect(
            value,
            (measured, f"oui, {percent(measured, 0)} des départs à {count(size, 'neurone')} réussissent."),
            (
                successes(run, TARGET) / len(STARTS),
                "c'est la part des départs passés à 0,177 à une époque quelconque (barres bleues) : il faut "
                "ceux qui réussissent, à la dernière.",
            ),
            otherwise=f"les 128 départs rejoués à {count(size, 'neurone')} ne donnent pas {plain(value)}. Il "
            "faut la part des départs dont la perte de test à la dernière époque est inférieure ou égale à "
            "0,177.",
            within=0.005,
        )

    def enough_starts(value):
        value, failure = answers.whole(value, 1, of=" de départs"), 1 - share
        if 1 - failure**value < ENOUGH or (value > 1 and 1 - failure ** (value - 1) >= ENOUGH):
            raise Wrong(
                f"ce n'est pas le plus petit nombre de départs, si chacun réussit avec la probabilité "
                f"{plain(share)}. Écrivez la probabilité que n départs échouent tous : elle doit être d'au "
                "plus 5 %."
            )
        return f"oui, {percent(1 - failure**value)} de chances d'en voir au moins un réussir."

    size = next(size for size in range(1, 9) if _success_rate(size))
    with contextlib.suppress(Wrong):
        given = answers.whole(smallest, 1, 8)
        size = given if _success_rate(given) else size
    share = _success_rate(size)
    with contextlib.suppress(Wrong):
        share = answers.share(rate) or share
    return combine(
        ("plus_petit", 0.75, same_size, smallest),
        ("taux", 0.75, same_rate, rate),
        ("departs", 1, enough_starts, starts),
    )


def _success_rate(neurons):
    run = answers.trained(THREE_RELU.replace(network_shape=(neurons,)), EPOCHS, STARTS)
    return successes_at_the_end(run, TARGET) / len(STARTS)


def _near_miss(losses):
    final, best = losses[-1], np.nanmin(losses)
    if not math.isfinite(final):
        return answers.DIVERGED
    missed = f"Rejoué : la perte de test finale vaut {decimal(final, 4)}, au-dessus de 0,177."
    if best <= TARGET:
        epoch = int(np.nanargmin(losses))
        return (
            f"{missed} Elle était de {decimal(best, 4)} à l'époque {epoch} : arrêtez l'entraînement plus tôt."
        )
    if final < TARGET + 0.0005:
        return f"{missed} Le site l'affiche arrondie à 0,177 : encore un effort."
    return (
        f"{missed} Essayez un autre départ (« Départ suivant »), davantage d'époques "
        "ou un autre réglage, puis recopiez l'adresse."
    )


def _composed(compose, layers):
    """Call the student's function on copies of W1, b1, W2, b2; return its W and b, unread."""
    shapes = listed(f"{name} {array.shape}" for name, array in zip(_NAMES, layers, strict=True))
    result = answers.call(
        compose,
        *(array.copy() for array in layers),
        signature="def composer(W1, b1, W2, b2)",
        ending="`return W, b`",
        advice=f" avec les formes {shapes}. Dans `A @ B`, A doit avoir autant de colonnes que B a de lignes.",
    )
    return answers.several(result, 2, "Votre fonction doit renvoyer deux tableaux, `return W, b`")


def _check_weights(value, *layers):
    value, (first, _, second, _) = _array(value), layers
    origin = np.zeros((1, len(first)))
    expected = _answers(np.eye(len(first)), *layers) - _answers(origin, *layers)
    transposed = (
        "c'est la transposée : ici une couche calcule x @ W + b, avec W de forme (entrées, neurones)."
    )
    mistakes = [(expected.T, transposed)]
    if first.shape == second.shape:
        mistakes += [
            (second @ first, "l'ordre est inversé : x traverse d'abord la première couche, (x @ W1) @ W2."),
            (first * second, "`*` multiplie terme à terme ; le produit matriciel s'écrit `@`."),
        ]
    otherwise = "la forme est bonne, pas les valeurs. Développez (x @ W1 + b1) @ W2 + b2 : que multiplie x ?"
    if value.shape != expected.shape:
        otherwise = (
            f"forme {value.shape} au lieu de {expected.shape}, quand W1 est de forme {first.shape} "
            f"et W2 de forme {second.shape}."
        )
    return answers.expect(value, (expected, "juste."), *mistakes, otherwise=otherwise, **_ROUNDING)


def _check_bias(value, *layers):
    value, (first, bias, second, second_bias) = _array(value), layers
    (expected,) = _answers(np.zeros((1, len(first))), *layers)
    if value.shape == (1, *expected.shape):
        value = value[0]  # one row: it adds up just the same
    if value.shape != expected.shape:
        raise Wrong(f"forme {value.shape} au lieu de {expected.shape} : un biais par neurone de sortie.")
    mistakes = [
        (second_bias, "il manque b1 : lui aussi traverse la deuxième couche."),
        (bias @ second, "il manque b2, que la deuxième couche ajoute."),
    ]
    if bias.shape == second_bias.shape:
        untouched = "b1 doit traverser la deuxième couche avant d'être ajouté à b2."
        mistakes.append((bias + second_bias, untouched))
    if first.shape == second.shape:
        turned = "l'ordre est inversé : b1 est une ligne, que l'on multiplie par W2."
        mistakes.append((second @ bias + second_bias, turned))
    otherwise = "les valeurs ne conviennent pas. Développez (x @ W1 + b1) @ W2 + b2 : que reste-t-il sans x ?"
    return answers.expect(value, (expected, "juste."), *mistakes, otherwise=otherwise, **_ROUNDING)


def _answers(signal, *layers):
    """Run points through the layers, one after the other: what the student's single layer must answer too."""
    for weights, bias in zip(layers[::2], layers[1::2], strict=True):
        signal = signal @ weights + bias
    return signal


def _array(value):
    try:
        return np.asarray(value, dtype=float)
    except Exception:
        raise Wrong(f"un tableau de nombres est attendu ; reçu : {quoted(value)}.") from None
