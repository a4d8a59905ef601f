"""Marks and checks of Part 2: five starts, sixty-four, a larger network, what initial weights decide."""

import contextlib
import unicodedata

import numpy as np

from ..engine.training import Run
from ..experiments.families import BAND, FAMILIES, FOUR, HALF, NONE, ONE, OPPOSITE, THREE, families
from ..experiments.statistics import successes_at_the_end, wilson, wilson_difference
from ..experiments.weights import segment_losses, train_nearly_equal
from ..french import NBSP, count, decimal, listed, percent, plain, quoted, signed
from ..notebook.running_cell import variables
from . import answers, part1
from .marks import Marks, Question, Wrong, combine

LAB = part1.TWO_RELU.replace(network_shape=(3,))  # the same points
DEEP = LAB.replace(activation="tanh", network_shape=(4, 4, 4, 4))
STARTS = tuple(range(64))
RANGES = 14  # of 64 new starts, none of which the notebook shows: a choice cannot have suited them
LEAST_EPOCHS, EPOCHS = 500, 1000
TARGET = 0.2  # test loss of a network that has understood
PLAYED = 5  # resets 0 to 4
GAP = 0.1  # between the nearly equal neurons of question 4
ENDS = 5, 13  # starts that learn the same function with their neurons in another order

MARKS = Marks(
    "Partie 2",
    Question("1.a", "Cinq départs : prédire", 0.5),
    Question("1.b", "Cinq départs : observer", 2.5),
    Question("2.a", "Soixante-quatre départs : mesurer", 2),
    Question("2.b", "Soixante-quatre départs : expliquer", 2, manual=True),
    Question("3.a", "Une couche de plus : prédire", 0.5),
    Question("3.b", "Un réseau plus stable : chercher", 4),
    Question("3.c", "Un réseau plus stable : conclure", 1.5, manual=True),
    Question("4.a", "Tous les poids à zéro : prédire", 0.5),
    Question("4.b", "Zéro, jumeaux, presque jumeaux : mesurer", 2),
    Question("4.c", "Briser la symétrie : expliquer", 1.5, manual=True),
    Question("5.a", "L'échelle des poids : calculer", 1.5),
    Question("5.b", "L'échelle des poids : expliquer", 1.5, manual=True),
    Question("6.a", "D'une solution à l'autre : mesurer", 1.5, bonus=True),
    Question("6.b", "D'une solution à l'autre : conclure", 1.5, manual=True, bonus=True),
    lab=LAB,
)

# A comparison changes one thing at a time: the size of the network.
_FIXED = (
    *("features", "activation", "learning_rate", "batch_size"),
    *("regularization", "regularization_rate", "init_zero"),
)
_TRIED: list[tuple[int, ...]] = []  # the networks measured in question 3.b so far, in this kernel
# Points of question 3.b by number of hidden neurons (up to and including): "a few neurons more".
_POINTS_BY_NEURONS = {8: 4.0, 12: 3.0, 16: 2.0}
_MOST_NEURONS, _LAYERS = 16, (2, 3)
_LARGER_ONLY = 1.0  # for a network that is larger as asked but not shown to be more stable
# What a student's words for a shape begin with or hold, without accents.
_WORDS = {
    "aucun": NONE,
    "oppose": OPPOSITE,
    "bande": BAND,
    "demi": HALF,
    "quatre": FOUR,
    "4": FOUR,
    "trois": THREE,
    "3": THREE,
    "un quadrant": ONE,
    "1 quadrant": ONE,
}


def _wins_predicted(answer):
    return f"{count(answers.whole(answer, 0, len(STARTS)), 'départ')} sur {len(STARTS)}"


summary = MARKS.summary

check_prediction_starts = MARKS.prediction("1.a", _wins_predicted, "La mesure de la question 2 tranchera.")


@MARKS.check("1.b")
def check_report(names: object, losses: object) -> tuple[float, str]:
    """Replay resets 0 to 4 and compare what each converged to with the student's report."""
    return combine(("familles", 1.5, _check_families, names), ("pertes", 1, _check_losses, losses))


@MARKS.check("2.a")
def check_luck(rate: object, unanimous: object) -> tuple[float, str]:
    """Compare with the success rate over 64 starts, and with the chance that five starts all agree."""
    wins = _wins(LAB, STARTS)
    measured = wins / len(STARTS)

    def same_rate(value):
        value = answers.share(value)
        return answers.expect(
            value,
            (measured, f"oui, {wins} départs sur {len(STARTS)}, soit {percent(measured, 0)}."),
            otherwise=f"les {len(STARTS)} départs rejoués ne donnent pas {plain(value)}. Il faut la part des "
            "départs dont la perte de test à la dernière époque, `trois.test_loss[:, -1]`, est d'au plus "
            "0,2 (la moyenne d'un tableau de booléens est une proportion).",
            within=0.005,
        )

    share = measured
    with contextlib.suppress(Wrong):
        share = answers.share(rate)  # what follows from a wrong rate keeps its points

    def chance(value):
        value, all_win, all_fail = answers.share(value), share**PLAYED, (1 - share) ** PLAYED
        once = f"oui : une fois sur {round(1 / (all_win + all_fail))}"
        return answers.expect(
            value,
            (all_win + all_fail, f"{once}, les cinq essais racontent tous la même histoire."),
            (all_win, "c'est la probabilité que les cinq réussissent ; il manque le cas où tous échouent."),
            (all_fail, "c'est la probabilité que les cinq échouent ; il manque le cas où tous réussissent."),
            otherwise=f"ce n'est pas {plain(value)}. Les départs sont indépendants : cinq réussites ont la "
            "probabilité taux⁵ ; écrivez de même celle de cinq échecs, puis additionnez.",
            within=0.005,
        )

    return combine(("taux", 1, same_rate, rate), ("unanimes", 1, chance, unanimous))


check_prediction_larger = MARKS.prediction("3.a", _wins_predicted, "La figure suivante répond.")


@MARKS.check("3.b")
def check_larger(url: object) -> tuple[float, str]:
    """Measure a slightly larger network against the start, both over 64 starts that nobody has seen.

    More stable means: the 95 % interval of the difference of the success rates lies above 0. Each network
    has new starts, always the same for it: trying it again until chance helps is of no use.
    """
    config = answers.read_url(url)
    if config.regularization == "none" or config.regularization_rate == 0:  # several names for no penalty
        config = config.replace(
            regularization=LAB.regularization, regularization_rate=LAB.regularization_rate
        )
    answers.require_same(config, LAB, *_FIXED)
    shape = config.network_shape
    neurons, shown = sum(shape), f"[{answers.shown(shape)}]"
    _require_slightly_larger(shape, shown)
    starts = new_starts(shape)
    trials = len(starts)
    before, after = _wins(LAB, starts), _wins(LAB.replace(network_shape=shape), starts)
    gain = (after - before) / trials
    low, high = wilson_difference(after, trials, before, trials)
    if shape not in _TRIED:
        _TRIED.append(shape)
    attempt = f"Essai n° {_TRIED.index(shape) + 1} : sur" if variables() is not None else "Sur"
    measured = (
        f"{attempt} {trials} nouveaux départs ({starts[0]} à {starts[-1]}), {shown} réussit "
        f"{_rate(after, trials)} ; "
        f"[3], {_rate(before, trials)}. Écart : {signed(100 * gain)} "
        f"points de pourcentage (intervalle à 95 % : de {signed(100 * low)} à {signed(100 * high)})."
    )
    if low <= 0:
        why = (
            "Cet intervalle contient 0 : le progrès peut n'être que de la chance. "
            "Cherchez un réseau dont l'avantage soit plus net."
        )
        if after <= before:
            why = (
                "Il n'est pas plus stable. Regardez si une couche étrangle les autres : tout le signal "
                "doit passer par ses neurones."
            )
        raise Wrong(f"{measured} {why}", _LARGER_ONLY)
    points = next(points for most, points in _POINTS_BY_NEURONS.items() if neurons <= most)
    feedback = f"{measured} Il est donc plus stable : le hasard seul donne rarement un tel écart."
    if points < MARKS.questions["3.b"].points:
        feedback += (
            f" Avec {neurons} neurones, il n'est plus tout à fait « un peu plus grand » : 8 suffisent."
        )
    return points, feedback


check_prediction_zero = MARKS.prediction(
    "4.a", lambda moved: f"{count(answers.whole(moved, 0, 13), 'paramètre')} sur 13", "À vérifier ci-dessous."
)


@MARKS.check("4.b")
def check_symmetry(moved: object, distinct: object, wins: object) -> tuple[float, str]:
    """Train anew from zero weights, from equal neurons and from nearly equal ones."""

    def same_moved(value):
        value, zero = answers.whole(value, 0, 13), LAB.replace(init_zero=True)
        runs = Run(zero), answers.trained(zero, EPOCHS, (0,))
        before, after = ([array.ravel() for pair in run.parameters for array in pair] for run in runs)
        measured = int(np.sum(np.concatenate(before) != np.concatenate(after)))
        return answers.expect(
            value,
            (measured, f"oui, {count(measured, 'paramètre')} sur 13."),
            otherwise=f"l'expérience rejouée n'en fait pas bouger {value}. Comptez, sur la première ligne de "
            "la figure, les paramètres qui quittent zéro, si peu que ce soit, dans les quatre colonnes.",
        )

    def same_distinct(value):
        value = answers.whole(value, 0, 3)
        (weights, biases), (outgoing, _) = train_nearly_equal(LAB, 0, LEAST_EPOCHS, STARTS).parameters
        neurons = np.concatenate([weights[0], biases[:1], outgoing[0].T]).T  # one row per neuron of start 0
        measured = len(np.unique(neurons.round(6), axis=0))
        return answers.expect(
            value,
            (measured, f"oui, rejoué : {count(measured, 'neurone')} pour trois places."),
            otherwise=f"il n'en reste pas {value}. Deux neurones sont le même s'ils ont les mêmes poids, à "
            "l'entrée et à la sortie : leurs courbes se superposent-elles sur la figure ?",
        )

    def same_wins(value):
        value = answers.whole(value, 0, len(STARTS))
        wins = successes_at_the_end(train_nearly_equal(LAB, GAP, EPOCHS, STARTS), TARGET)
        return answers.expect(
            value,
            (wins, f"oui, {count(wins, 'départ')} sur {len(STARTS)}."),
            otherwise=f"les {len(STARTS)} départs rejoués n'en donnent pas {value}. Comptez ceux dont la "
            "perte de test à la dernière époque est d'au plus 0,2, pour un écart de 0,1.",
        )

    return combine(
        ("bouges", 0.5, same_moved, moved),
        ("distincts", 0.5, same_distinct, distinct),
        ("presque", 1, same_wins, wins),
    )


@MARKS.check("5.a")
def check_scale(scale: object) -> str:
    """Measure, on the weights really drawn, what the scale makes of the variance from layer to layer."""
    value = answers.number(scale, 0, 100)
    between = [weights for weights, _ in Run(DEEP, STARTS).parameters[1:-1]]  # the layers of 4 inputs
    power = float(np.mean([np.mean(weights**2) for weights in between]))
    ratio = 4 * power * value**2
    effect = f"Avec cette échelle, un neurone rend {plain(ratio, 2)} fois la variance de ses entrées. "
    if abs(ratio - 1) > 0.06:
        otherwise = "Écrivez 4 × s² × (variance d'un poids du Playground) = 1, puis tirez-en s."
        if abs(value - 0.5) < 0.01:
            otherwise = "½ est l'écart type que les poids doivent avoir ; de combien multiplier le leur ?"
        elif abs(value - 3) < 0.05:
            otherwise = "C'est la variance qui est multipliée par s² : il reste une racine à prendre."
        raise Wrong(effect + otherwise)
    return (
        f"Oui : mesuré sur les poids des {len(STARTS)} départs, un neurone rend {decimal(ratio, 2)} "
        "fois la variance de ses entrées."
    )


@MARKS.check("6.a")
def check_segment(barrier: object, order: object) -> tuple[float, str]:
    """Walk anew from one solution to the other, with the neurons in the student's order."""
    run = answers.trained(LAB, EPOCHS, STARTS)

    def same_barrier(value):
        value = answers.number(value, 0, 100)
        losses = segment_losses(run, *ENDS)
        top, ends = float(losses.max()), float(max(losses[0], losses[-1]))
        climbs = f"monte à {decimal(top)}"
        return answers.expect(
            value,
            (top - ends, f"oui : de {decimal(ends)} aux extrémités, la perte {climbs} entre les deux."),
            (top, "c'est l'altitude du sommet ; retranchez-lui celle de l'extrémité la plus haute."),
            otherwise=f"le trajet rejoué ne donne pas {plain(value)}. Il faut `pertes_segment.max()`, moins "
            "la plus haute des deux extrémités, `pertes_segment[0]` et `pertes_segment[-1]`.",
            within=0.01,
        )

    def right_order(value):
        losses = segment_losses(run, *ENDS, order=value)
        rise = float(losses.max() - max(losses[0], losses[-1]))
        if rise > 0.01:
            raise Wrong(
                f"dans cet ordre, la perte monte encore de {decimal(rise)}. Associez à chaque colonne de W "
                f"du départ {ENDS[0]} la colonne la plus semblable du départ {ENDS[1]}."
            )
        return "oui : dans cet ordre, plus aucune bosse sur le trajet."

    return combine(("barriere", 0.75, same_barrier, barrier), ("ordre", 0.75, right_order, order))


def new_starts(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the 64 new starts over which a network is measured."""
    first = 64 * (1 + int("".join(map(str, shape))) % RANGES)
    return tuple(range(first, first + 64))


def _check_families(answer):
    names = [_family(value) for value in _five(answer, "familles")]
    replayed = (families(answers.trained(LAB, epochs, STARTS)) for epochs in (LEAST_EPOCHS, EPOCHS))
    accepted = [set(found) for found in zip(*replayed, strict=True)]
    wrong, points = _misfits(names, lambda name, start: name in accepted[start], 0.3)
    if not wrong:
        kinds = sorted(set(names), key=FAMILIES.index)
        return f"oui, rejoués : {listed(kinds)}. Les mêmes données, {len(kinds)} familles."
    told = [f"le départ {start} reste à compléter" for start in wrong if names[start] is ...]
    told += [
        f"le départ {start}, rejoué, ne finit pas en « {names[start]} »"
        for start in wrong
        if names[start] is not ...
    ]
    hint = "Comptez les quadrants qui ont la bonne couleur, sans compter le gris"
    if any(BAND in accepted[start] for start in wrong if names[start] is not ...):
        hint = "Deux frontières parallèles bordent une bande"
    advice = f"Jugez la surface une fois la perte stabilisée ({LEAST_EPOCHS} époques au moins)."
    raise Wrong(f"{' ; '.join(told)}. {hint}. {advice}", points)


def _check_losses(answer):
    five = _five(answer, "pertes de test")
    values = [value if value is ... else answers.number(value, 0) for value in five]
    run = answers.trained(LAB, EPOCHS, STARTS)
    late = run.test_loss[:, LEAST_EPOCHS:]

    def close(value, start):
        return value is not ... and late[start].min() - 0.01 <= value <= late[start].max() + 0.01

    wrong, points = _misfits(values, close, 0.2)
    if not wrong:
        return f"oui, les {PLAYED} départs rejoués s'arrêtent aux mêmes pertes."
    given = [start for start in wrong if values[start] is not ...]
    starts = "le départ" if len(wrong) == 1 else "les départs"
    advice = f"Il faut la perte de test après {LEAST_EPOCHS} époques au moins, à 0,01 près."
    if given and all(abs(values[start] - run.train_loss[start, -1]) <= 0.01 for start in given):
        advice = "C'est la perte d'entraînement : lisez celle de test."
    elif given and all(values[start] > late[start].max() for start in given):
        advice += " Vos valeurs sont trop hautes : laissez l'entraînement aller plus loin."
    raise Wrong(f"à revoir pour {starts} {listed(map(str, wrong))}. {advice}", points)


def _misfits(values, fits, each):
    """Return the starts whose value does not fit, and what the others earn, or say that all are shifted."""
    wrong = [start for start, value in enumerate(values) if not fits(value, start)]
    points = each * (PLAYED - len(wrong))
    if len(wrong) > 1 and all(fits(value, start + 1) for start, value in enumerate(values[:-1])):
        raise Wrong(
            "tout est décalé d'un départ. Le départ 0 est le réseau tel qu'il s'ouvre, avant tout "
            "clic sur « Départ suivant » ; le départ 1 suit le premier clic.",
            points,
        )
    if len(wrong) > 1 and all(fits(value, start) for start, value in enumerate(values[::-1])):
        raise Wrong("la liste est à l'envers : elle commence par le départ 0.", points)
    return wrong, points


def _family(answer):
    """Read a student's word for a family."""
    if answer is ...:
        return ...
    if not isinstance(answer, str):
        raise Wrong(
            f"une famille s'écrit entre guillemets, par exemple « {FAMILIES[0]} » ; reçu : {quoted(answer)}."
        )
    plainly = unicodedata.normalize("NFD", answer[:100].casefold().replace(NBSP, " "))
    plainly = "".join(letter for letter in plainly if not unicodedata.combining(letter))
    for word, family in _WORDS.items():
        if word in plainly:
            return family
    raise Wrong(f"{quoted(answer)} n'est pas l'une des familles du tableau : {listed(FAMILIES)}.")


def _five(answer, what):
    return answers.several(
        answer, PLAYED, f"une liste de {PLAYED} {what} est attendue, du départ 0 au départ 4"
    )


def _require_slightly_larger(shape, shown):
    neurons, layers = sum(shape), len(shape)
    if layers < 2:
        raise Wrong(
            f"{shown} n'a pas de couche de plus que [3] : il en faut au moins deux, séparées par une virgule "
            "dans `networkShape`."
        )
    if neurons <= sum(LAB.network_shape):
        raise Wrong(
            f"{shown} n'a pas plus de neurones que [3], qui en a {sum(LAB.network_shape)} : ajoutez-en."
        )
    if layers not in _LAYERS or neurons > _MOST_NEURONS:
        raise Wrong(
            f"{shown} n'est plus « un peu plus grand » : au plus {_LAYERS[-1]} couches cachées et "
            f"{_MOST_NEURONS} neurones en tout. Une stabilité que l'on achète sans compter n'apprend rien."
        )


def _wins(config, starts):
    return successes_at_the_end(answers.trained(config, EPOCHS, starts), TARGET)


def _rate(wins, trials):
    low, high = wilson(wins, trials)
    return (
        f"{wins} fois sur {trials} ({percent(wins / trials, 0)}, intervalle de Wilson à 95 % : "
        f"{decimal(100 * low, 0)} à {percent(high, 0)})"
    )
