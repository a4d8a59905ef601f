"""Marks and checks of Part 1: one linear neuron, stacked linear layers, ReLU, the smallest network."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..engine.config import PlaygroundConfig
from ..french import count, decimal, listed, plain, quoted
from .answers import SAME_POINTS, number, read_url, replay, require_same, trained
from .marks import Marks, Question, Summary, Unanswered, Wrong, combine

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
PARTIAL_SUCCESS = 0.25  # two ReLU neurons: no start ends between 0.23 and 0.30

MARKS = Marks(
    "Partie 1",
    Question("1.a", "Un neurone linéaire : prédire", 0.5),
    Question("1.b", "Un neurone linéaire : mesurer", 1.5),
    Question("1.c", "Un neurone linéaire : expliquer", 2, manual=True),
    Question("2.a", "Composer deux couches linéaires", 3),
    Question("2.b", "Ce que change une activation", 1, manual=True),
    Question("3.a", "Deux neurones ReLU : prédire", 0.5),
    Question("3.b", "Deux neurones ReLU : mesurer", 1.5),
    Question("3.c", "Deux neurones ReLU : expliquer", 2, manual=True),
    Question("4.a", "Le plus petit réseau : prédire", 0.5),
    Question("4.b", "Le plus petit réseau : chercher", 4),
    Question("4.c", "La part de chance : mesurer", 1.5),
    Question("4.d", "La part de chance : conclure", 2, manual=True),
)

# What an answer may not change: the points, and X1 and X2 as the only inputs.
_FIXED = {
    **SAME_POINTS,
    "features": "entrées actives",
}
# Points of question 4.b by number of hidden neurons (up to and including), and the price of a further layer.
_POINTS_BY_NEURONS = {3: 4.0, 4: 3.0, 5: 2.5, 6: 2.0, 8: 1.5, 48: 1.0}
_FURTHER_LAYER = 0.5
_NAMES = ("W1", "b1", "W2", "b2")


@MARKS.check("1.a")
def check_prediction_linear(loss: object) -> str:
    """Record the test loss that the student expects of one linear neuron."""
    value = number(loss, 0, 2)
    return f"Prédiction notée : {plain(value)}. Elle n'est pas jugée ; la mesure ci-dessous la départagera."


@MARKS.check("1.b")
def check_plateau(plateau: object, constant: object) -> tuple[float, str]:
    """Compare with the linear neuron trained anew, and with the best constant on the test points."""

    def same_plateau(value):
        measured = float(np.median(trained(LAB, EPOCHS, STARTS[:16]).test_loss[:, -1]))
        if abs(number(value, 0, 2) - measured) > 0.01:
            raise Wrong(
                "ce n'est pas le palier obtenu en rejouant l'expérience. Lisez sur la figure la "
                "perte de test commune à tous les départs en fin d'entraînement, à 0,01 près."
            )
        return f"oui, l'expérience rejouée donne {decimal(measured, 2)}."

    def best_constant(value):
        value = number(value, -1, 1)
        cost = float(0.5 * np.mean([(value - 1) ** 2, (value + 1) ** 2]))
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
    if not callable(compose):
        raise Wrong(f"Une fonction est attendue : `def composer(W1, b1, W2, b2)` ; reçu : {quoted(compose)}.")
    random = np.random.default_rng()
    # A square network first: a wrong order of the product then shows in the values, not as an error.
    shapes = [(2, 2, 2), (2, 3, 1), (2, 1, 3), *random.integers(1, 9, (17, 3)).tolist()]
    for inputs, hidden, outputs in shapes:
        layers = (
            random.normal(size=(inputs, hidden)),
            random.normal(size=hidden),
            random.normal(size=(hidden, outputs)),
            random.normal(size=outputs),
        )
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


@MARKS.check("3.a")
def check_prediction_relu(loss: object) -> str:
    """Record the best test loss that the student expects of two ReLU neurons."""
    value = number(loss, 0, 2)
    return f"Prédiction notée : {plain(value)}. Comparez-la au meilleur des 128 départs, ci-dessous."


@MARKS.check("3.b")
def check_partial_success(share: object) -> str:
    """Compare with the share of 128 starts of two ReLU neurons that end below 0.25."""
    value = _share(share)
    measured = float(np.mean(trained(TWO_RELU, EPOCHS, STARTS).test_loss[:, -1] < PARTIAL_SUCCESS))
    if abs(value - measured) > 0.005:
        raise Wrong(
            f"L'expérience rejouée ne donne pas {plain(value)}. Il faut la part des départs dont la perte "
            "de test à la dernière époque, `deux_relu.test_loss[:, -1]`, est inférieure à 0,25 "
            "(la moyenne d'un tableau de booléens est une proportion)."
        )
    wins = round(measured * len(STARTS))
    return f"Oui : {wins} départs sur {len(STARTS)}, soit {decimal(100 * measured, 0)} %."


@MARKS.check("4.a")
def check_prediction_size(neurons: object) -> str:
    """Record the number of hidden neurons that the student expects to need."""
    value = number(neurons, 1, 48)
    if value != int(value):
        raise Wrong(f"Un nombre entier de neurones est attendu ; reçu : {quoted(neurons)}.")
    return f"Prédiction notée : {count(int(value), 'neurone')}. À vérifier en jouant."


@MARKS.check("4.b")
def check_smallest_network(url: object) -> tuple[float, str]:
    """Replay the start that the address names; the fewer neurons and layers, the more points."""
    config = read_url(url)
    require_same(config, LAB, _FIXED)
    neurons, layers = sum(config.network_shape), len(config.network_shape)
    run = replay(config)
    losses = run.test_loss[0]
    final = float(losses[-1])
    if not final <= TARGET:
        raise Wrong(_near_miss(losses))
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
    return points, feedback


@MARKS.check("4.c")
def check_luck(share: object, starts: object) -> tuple[float, str]:
    """Compare with the measured success rate of three ReLU neurons and the number of starts it implies."""

    def measured_share():
        run = trained(THREE_RELU, EPOCHS, STARTS)
        return float(np.mean(run.test_loss.min(axis=1) <= TARGET))

    def same_share(value):
        value, measured = _share(value), measured_share()
        if abs(value - measured) > 0.005:
            raise Wrong(
                f"les 128 départs rejoués ne donnent pas {plain(value)}. Il faut la part des départs dont "
                "la perte de test la plus basse de tout l'entraînement est inférieure ou égale à 0,177."
            )
        return f"oui, {decimal(100 * measured, 0)} % des départs réussissent."

    def enough_starts(value):
        value = number(value, 1)
        if value != int(value):
            raise Wrong(f"un nombre entier de départs est attendu ; reçu : {quoted(value)}.")
        failure = 1 - measured_share()
        wins = 1 - failure ** int(value)
        if wins < 0.95:
            raise Wrong(
                f"{count(value, 'départ')} ne donnent que {decimal(100 * wins, 1)} % de chances d'en "
                "voir un réussir. Écrivez la probabilité que tous échouent."
            )
        if value > 1 and 1 - failure ** (int(value) - 1) >= 0.95:
            raise Wrong(f"{count(value, 'départ')} suffisent, mais il en faut moins.")
        return f"oui, {decimal(100 * wins, 1)} % de chances d'en voir au moins un réussir."

    return combine(("taux", 0.75, same_share, share), ("departs", 0.75, enough_starts, starts))


def summary() -> Summary:
    """Return the table of marks of Part 1."""
    return MARKS.summary()


def _share(answer):
    value = number(answer)
    if 1 < value <= 100:
        raise Wrong(
            f"une proportion entre 0 et 1 est attendue, pas un pourcentage ; reçu : {quoted(answer)}."
        )
    return number(answer, 0, 1)


def _near_miss(losses):
    final, best = losses[-1], np.nanmin(losses)
    if not math.isfinite(final):
        return (
            "La perte n'est plus un nombre : cet entraînement a divergé. "
            "Diminuez le taux d'apprentissage (`learningRate`)."
        )
    missed = f"Rejoué : la perte de test finale vaut {decimal(final, 4)}, au-dessus de 0,177."
    if best <= TARGET:
        epoch = int(np.nanargmin(losses))
        return (
            f"{missed} Elle était de {decimal(best, 4)} à l'époque {epoch} : arrêtez l'entraînement plus tôt."
        )
    if final < TARGET + 0.0005:
        return f"{missed} Le site l'affiche arrondie à 0,177 : encore un effort."
    return (
        f"{missed} Essayez un autre départ (bouton de réinitialisation), davantage d'époques "
        "ou un autre réglage, puis recopiez l'adresse."
    )


def _composed(compose, layers):
    """Call the student's function on copies of W1, b1, W2, b2; return its W and b, unread."""
    try:
        result = compose(*(array.copy() for array in layers))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the student's code raises is feedback, not our failure
        shapes = listed(f"{name} {array.shape}" for name, array in zip(_NAMES, layers, strict=True))
        raise Wrong(
            f"Votre fonction s'arrête sur une erreur ({type(error).__name__}) avec les formes {shapes}. "
            "Dans `A @ B`, A doit avoir autant de colonnes que B a de lignes."
        ) from None
    if result is None:
        raise Wrong("Votre fonction ne renvoie rien : terminez-la par `return W, b`.")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Wrong(f"Votre fonction doit renvoyer deux tableaux, `return W, b` ; reçu : {quoted(result)}.")
    if all(value is ... for value in result):
        raise Unanswered
    return result


def _check_weights(value, first, bias, second, second_bias):
    value = _array(value)
    expected = _answers(np.eye(len(first)), first, bias, second, second_bias) - _answers(
        np.zeros((1, len(first))), first, bias, second, second_bias
    )
    square = first.shape == second.shape == expected.shape
    if value.shape == expected.shape and np.allclose(value, expected):
        return "juste."
    if value.shape == expected.T.shape and np.allclose(value, expected.T):
        raise Wrong(
            "c'est la transposée : ici une couche calcule x @ W + b, avec W de forme (entrées, neurones)."
        )
    if square and np.allclose(value, second @ first):
        raise Wrong("l'ordre est inversé : x traverse d'abord la première couche, (x @ W1) @ W2.")
    if square and np.allclose(value, first * second):
        raise Wrong("`*` multiplie terme à terme ; le produit matriciel s'écrit `@`.")
    if value.shape != expected.shape:
        raise Wrong(
            f"forme {value.shape} au lieu de {expected.shape}, quand W1 est de forme {first.shape} "
            f"et W2 de forme {second.shape}."
        )
    raise Wrong("la forme est bonne, pas les valeurs. Développez (x @ W1 + b1) @ W2 + b2 : que multiplie x ?")


def _check_bias(value, first, bias, second, second_bias):
    value = _array(value)
    (expected,) = _answers(np.zeros((1, len(first))), first, bias, second, second_bias)
    if value.shape == (1, *expected.shape):
        value = value[0]  # one row: it adds up just the same
    if value.shape != expected.shape:
        raise Wrong(f"forme {value.shape} au lieu de {expected.shape} : un biais par neurone de sortie.")
    if np.allclose(value, expected):
        return "juste."
    if np.allclose(value, second_bias):
        raise Wrong("il manque b1 : lui aussi traverse la deuxième couche.")
    if np.allclose(value, bias @ second):
        raise Wrong("il manque b2, que la deuxième couche ajoute.")
    if bias.shape == second_bias.shape and np.allclose(value, bias + second_bias):
        raise Wrong("b1 doit traverser la deuxième couche avant d'être ajouté à b2.")
    if first.shape == second.shape and np.allclose(value, second @ bias + second_bias):
        raise Wrong("l'ordre est inversé : b1 est une ligne, que l'on multiplie par W2.")
    raise Wrong(
        "les valeurs ne conviennent pas. Développez (x @ W1 + b1) @ W2 + b2 : que reste-t-il sans x ?"
    )


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
