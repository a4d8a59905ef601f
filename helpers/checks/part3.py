"""Marks and checks of Part 3: the spiral, with and without features, how smooth, and how it generalizes."""

import functools
import math
from collections.abc import Callable

import numpy as np

from ..engine.config import LEARNING_RATES, REGULARIZATION_RATES, PlaygroundConfig
from ..engine.training import Run, Starts, train
from ..experiments.generalization import laplacian, roughness
from ..experiments.statistics import worst_if_nan
from ..experiments.sweep import Sweep, cell_losses
from ..french import count, decimal, plain, quoted, typographic
from ..plotting.waiting import waits
from . import answers
from .marks import Marks, Question, Wrong, blank, combine

LAB = PlaygroundConfig(
    dataset="spiral",
    noise=80,
    perc_train_data=50,
    seed="0.38953",
    activation="relu",
    network_shape=(3, 2),
    learning_rate=0.1,
    regularization="none",
    regularization_rate=0.01,
)
LAB_EPOCHS = 500
# A network of middling size, the same for every comparison: only its inputs and its penalty change.
WITNESS = LAB.replace(
    activation="tanh", network_shape=(6, 6), learning_rate=0.03, regularization="L2", regularization_rate=0
)
WITNESS_FEATURES = WITNESS.replace(features=("x", "y", "sinX", "sinY"))
PENALTY = 0.003
EPOCHS = 1000
STARTS = tuple(range(32))
LONGER = 1000  # epochs that a winning network is trained at least, to see how it goes on
SMALLEST_SWEEP = 4  # values of each rate
MAX_REPLAY = 2000  # epochs of a sweep's cell
REPLAYED_CELLS = 3  # of a sweep, besides its best
CHAOTIC = 0.005  # of test loss: a rounding error that changes more than this is no accident

MARKS = Marks(
    "Partie 3",
    Question("1.a", "X₁ et X₂ seuls : prédire", 0.5),
    Question("1.b", "X₁ et X₂ seuls : chercher", 4),
    Question("1.c", "Ce que chaque neurone a appris : décrire", 2, manual=True),
    Question("2.a", "Avec des entrées calculées : prédire", 0.5),
    Question("2.b", "Avec des entrées calculées : chercher", 3),
    Question("2.c", "Les entrées qui comptent : expliquer", 2, manual=True),
    Question("3.a", "La rugosité : programmer", 2, bonus=True),
    Question("3.b", "La rugosité : mesurer", 1.5),
    Question("3.c", "Lisse ? Conclure", 2, manual=True),
    Question("4.a", "L'arrêt précoce : mesurer", 1.5),
    Question("4.b", "La régularisation : mesurer", 1),
    Question("4.c", "Le diagramme de phase : balayer", 2, bonus=True),
    Question("4.d", "Généraliser : conclure", 2, manual=True),
    lab=LAB,
)

# Question -> test loss to stay below -> points.
BANDS = {
    "1.b": {0.30: 4.0, 0.33: 3.0, 0.36: 2.5, 0.40: 2.0, 0.45: 1.0},
    "2.b": {0.27: 3.0, 0.29: 2.5, 0.31: 2.0, 0.35: 1.5, 0.40: 1.0},
}


summary = MARKS.summary

check_prediction_plain = MARKS.prediction("1.a", answers.loss, "À vous de la battre.")


@MARKS.check("1.b")
def check_best_plain(url: object) -> tuple[float, str]:
    """Replay the start that the address names, X1 and X2 its only inputs; the lower its loss, the better."""
    config = answers.read_url(url)
    answers.require_same(config, LAB, "features")
    return _marked(config, BANDS["1.b"])


check_prediction_features = MARKS.prediction("2.a", answers.loss, "La recherche qui suit tranchera.")


@MARKS.check("2.b")
def check_best_features(url: object) -> tuple[float, str]:
    """Replay the start that the address names, which has a feature beyond X1 and X2."""
    config = answers.read_url(url)
    answers.require_same(config, LAB)
    if not set(config.features) - set(LAB.features):
        raise Wrong(
            "Cette expérience n'a que X₁ et X₂ : c'était la question 1. Activez au moins une entrée "
            "calculée (X₁², X₂², X₁X₂, sin X₁ ou sin X₂)."
        )
    return _marked(config, BANDS["2.b"])


@MARKS.check("3.a")
def check_roughness(function: Callable) -> str:
    """Run the student's roughness on random surfaces and steps, and on surfaces of known Laplacian."""
    random = np.random.default_rng()
    ticks, step = np.linspace(-6, 6, 100, retstep=True)
    x, y = ticks, ticks[:, np.newaxis]
    cases = [(x * x - 3 * y * y, step), (np.sin(x) * np.cos(y), step)]
    cases += [(random.normal(size=random.integers(5, 40, 2)), random.uniform(0.1, 0.9)) for _ in range(10)]
    for surface, distance in cases:
        _check_one_surface(_answered(function, surface, distance), surface, distance)
    return f"Votre rugosité est exacte sur {len(cases)} surfaces, dont deux connues par le calcul."


@MARKS.check("3.b")
def check_medians(plain_median: object, features_median: object) -> tuple[float, str]:
    """Compare with the median roughness of the witness network, trained anew with and without features."""

    def same_median(value, config, other):
        value, measured = answers.number(value, 0), _median_roughness(config)
        mistakes = []
        if abs(value - measured) > 0.02 * measured:  # what is right needs no other training
            penalized = _median_roughness(config.replace(regularization_rate=PENALTY))
            mistakes = [
                (_median_roughness(other), "c'est la médiane de l'autre réseau : échangez les deux."),
                (penalized, "c'est la médiane avec L2 : il faut celle du réseau sans régularisation."),
            ]
        return answers.expect(
            value,
            (measured, f"oui, {decimal(measured, 1)} par unité de longueur au carré."),
            *mistakes,
            otherwise=f"l'expérience rejouée ne donne pas {plain(value)}. Il faut la médiane (`np.median`) "
            f"des {len(STARTS)} valeurs de `rugosites[...]`, à 2 % près.",
            relative=0.02,
        )

    return combine(
        ("mediane_sans", 0.75, lambda value: same_median(value, WITNESS, WITNESS_FEATURES), plain_median),
        ("mediane_avec", 0.75, lambda value: same_median(value, WITNESS_FEATURES, WITNESS), features_median),
    )


@MARKS.check("4.a", answers=2)
def check_early_stopping(epoch: object, loss: object, run: object) -> tuple[float, str]:
    """Find the lowest test loss of the run that the student looked at."""
    if not isinstance(run, Run) or len(run.starts) != 1 or run.epoch < LONGER:
        raise Wrong("`long` n'est plus l'entraînement de la cellule de mesure : exécutez-la de nouveau.")
    answers.require_same(run.config, LAB)
    losses = worst_if_nan(run.test_loss[0])
    best, last = int(np.argmin(losses)), run.epoch

    def same_epoch(value):
        value = answers.number(value, 0)
        tie = value == int(value) and value <= last and losses[int(value)] == losses[best]
        beside = "à une époque près : la case 0 du tableau est l'état avant tout entraînement."
        training = "c'est le minimum de la perte d'entraînement ; il faut celui de la perte de test."
        return answers.expect(
            value,
            (value if tie else best, f"oui, la perte de test y vaut {decimal(losses[best])}."),
            (int(np.nanargmin(run.train_loss[0])), training),
            *((best + side, beside) for side in (-1, 1)),
            otherwise=f"ce n'est pas l'époque {plain(value)}. `long.test_loss[0]` a une valeur par époque ; "
            "`np.argmin` donne la case de la plus petite.",
        )

    def same_gain(value):
        value, gain = answers.number(value), float(losses[last] - losses[best])
        if not math.isfinite(gain):
            raise Wrong("cet entraînement a divergé avant la fin : prenez un réseau qui ne diverge pas.")
        return answers.expect(
            value,
            (gain, f"oui, de {decimal(losses[last])} à {decimal(losses[best])}."),
            (-gain, "le signe est inversé : un gain est positif quand la perte finale est la plus haute."),
            otherwise="c'est la perte de test à la dernière époque, moins la plus basse de toutes.",
            within=0.001,
        )

    return combine(("epoque_arret", 0.75, same_epoch, epoch), ("gain", 0.75, same_gain, loss))


@MARKS.check("4.b")
def check_gaps(without: object, with_penalty: object) -> tuple[float, str]:
    """Compare with the median gap between test and training loss, without and with the L2 penalty."""

    def same_gap(value, rate):
        value = answers.number(value)
        run = answers.trained(WITNESS_FEATURES.replace(regularization_rate=rate), EPOCHS, STARTS)
        test, training = run.test_loss[:, -1], run.train_loss[:, -1]
        gap, only = float(np.median(test - training)), "c'est la médiane de la perte de test"
        return answers.expect(
            value,
            (gap, f"oui, {decimal(gap)}."),
            (-gap, "le signe est inversé : l'écart est la perte de test moins celle d'entraînement."),
            (np.median(test), f"{only} : retranchez-lui la perte d'entraînement."),
            otherwise=f"l'expérience rejouée ne donne pas {plain(value)}. Calculez pour chaque départ "
            "l'écart à la dernière époque, `test_loss[:, -1] - train_loss[:, -1]`, puis la médiane des "
            "écarts.",
            within=0.005,
        )

    return combine(
        ("ecart_sans", 0.5, lambda value: same_gap(value, 0), without),
        ("ecart_l2", 0.5, lambda value: same_gap(value, PENALTY), with_penalty),
    )


@MARKS.check("4.c", answers=1)
def check_sweep(table: object, best: object) -> tuple[float, str]:
    """Check that a sweep is wide and true, and that its best cell is the one named, not at its edge."""
    if not isinstance(table, Sweep):
        raise Wrong(f"`balayage` doit être le résultat de `sweep(...)` ; reçu : {quoted(table)}.")
    answers.require_same(
        table.config, WITNESS_FEATURES, "features", "activation", "network_shape", "batch_size"
    )
    small = min(len(table.learning_rates), len(table.rates))
    if small < SMALLEST_SWEEP:
        raise Wrong(
            f"Votre table a {len(table.learning_rates)} taux d'apprentissage et {len(table.rates)} taux de "
            f"régularisation : il en faut au moins {SMALLEST_SWEEP} de chaque."
        )
    if not (8 <= len(table.starts) <= len(STARTS) and 100 <= table.epochs <= MAX_REPLAY):
        raise Wrong(
            "Une case a besoin d'au moins 8 départs et de 100 époques pour vouloir dire quelque chose ; la "
            f"vérification en rejoue au plus {len(STARTS)} et {MAX_REPLAY}."
        )
    medians = table.medians
    lowest = np.unravel_index(np.argmin(medians), medians.shape)
    _check_replayed(table, lowest)
    found = f"Votre balayage couvre {medians.size} cases"
    if blank(best):
        return 1, f"{found}. Il reste à nommer la meilleure dans `meilleur`."
    learning_rate, rate = _pair(best)
    if (learning_rate, rate) == (table.rates[lowest[1]], table.learning_rates[lowest[0]]):
        return 1, f"{found}, mais le couple est inversé : d'abord le taux d'apprentissage."
    if learning_rate not in table.learning_rates or rate not in table.rates:
        return 1, f"{found}, mais le couple nommé n'y est pas."
    named = table.learning_rates.index(learning_rate), table.rates.index(rate)
    if not medians[named] <= medians[lowest] + 0.002:
        return 1, f"{found} ; une autre a une médiane plus basse que {decimal(medians[named])}."
    if _at_the_edge(table, *named):
        return (
            1.5,
            f"{found} ; la meilleure est au bord : élargissez la table de ce côté pour tous les points.",
        )
    return 2, f"{found} ; la meilleure a pour médiane {decimal(medians[named])}, sur la validation."


def replayed(url: object, instead: PlaygroundConfig = LAB, epochs: int = LAB_EPOCHS) -> Run:
    """Return the run that an answer of question 1.b or 2.b names.

    Where it is missing or cannot be replayed, a sentence says that ``instead``, trained for ``epochs``,
    stands in for it.
    """
    try:
        if url is not ...:
            config = answers.read_url(url)
            answers.require_same(config, LAB)
            run = answers.replay(config)
            if math.isfinite(run.test_loss[0, -1]):
                return run
            raise Wrong("l'entraînement a divergé")
        reason = "Question sans réponse pour l'instant"
    except Wrong as wrong:
        first = str(wrong).split(". ")[0].rstrip(".")
        reason = f"Réponse inutilisable ({first[:1].lower()}{first[1:]})"
    print(typographic(f"{reason} : un réseau de l'énoncé tient la place du vôtre."))
    return answers.trained(instead, epochs, (0,))


@waits
def search(config: PlaygroundConfig, epochs: int, starts: Starts = 32) -> None:
    """Train an experiment from many starts; print the address of the one with the lowest final test loss."""
    run = train(config, epochs, starts)
    losses = worst_if_nan(run.test_loss[:, -1])
    best = int(np.argmin(losses))
    found = config.replace(epochs=epochs, resets=run.starts[best])
    print(
        typographic(
            f"{count(len(run.starts), 'départ')}, {count(epochs, 'époque')} : perte de test médiane "
            f"{decimal(float(np.median(losses)))}, la plus basse {decimal(losses[best])}, au départ "
            f"{run.starts[best]}. Son adresse :"
        ),
        found.to_url(),
        sep="\n",
    )


def continued(run: Run) -> Run:
    """Return a copy of a run trained on to twice its epochs, and to 1000 at least, 5000 at most."""
    longer = run.copy()
    return longer.train(max(0, min(max(2 * run.epoch, LONGER), 5000) - run.epoch))


def points_below(loss: float, bands: dict[float, float]) -> float:
    """Return what a test loss earns."""
    return next((points for limit, points in bands.items() if loss < limit), 0.0)


@functools.lru_cache(maxsize=16)
def rounded_otherwise(config: PlaygroundConfig, copies: int) -> np.ndarray:
    """Return the final test losses (copies,) of a start, its parameters a few rounding errors away.

    Versions of TensorFlow and processors round differently: measured between 2.20 and 2.21, 53 of 96 starts
    ended elsewhere after 253 to 1000 epochs, and 52 did when moved so.
    """
    run = Run(config, (config.resets,) * copies)
    factors = 1 + np.finfo(float).eps * np.arange(1, copies + 1)
    run.parameters = [
        (weights * factors[:, np.newaxis, np.newaxis], biases * factors[:, np.newaxis])
        for weights, biases in run.parameters
    ]
    return run.train(config.epochs).test_loss[:, -1]


def _marked(config, bands):
    run = answers.replay(config)
    losses = run.test_loss[0]
    final = float(losses[-1])
    if not math.isfinite(final):
        raise Wrong(answers.DIVERGED)
    earned = points_below(final, bands)
    feedback = f"Rejoué : perte de test {decimal(final)} après {count(config.epochs, 'époque')}."
    feedback += answers.fresh(run)
    (otherwise,) = rounded_otherwise(config, 1)
    if not abs(otherwise - final) < CHAOTIC:
        feedback += (
            f" Ce réseau amplifie les erreurs d'arrondi : déplacé d'un seul arrondi, le même départ finit à "
            f"{decimal(otherwise)}, et un autre ordinateur peut trouver autre chose. "
            "Gardez dans le carnet rendu la note affichée ici."
        )
    best, full = int(np.nanargmin(losses)), max(bands.values())
    if earned == full:
        praise = " : elle est parmi les plus basses que nous connaissions" if final < 0.25 else ", bravo"
        return earned, f"{feedback} Tous les points{praise}."
    higher = max(limit for limit, points in bands.items() if points > earned)
    if losses[best] < higher:
        feedback += (
            f" Elle était descendue à {decimal(losses[best])} à l'époque {best} : "
            "arrêtez cet entraînement plus tôt."
        )
    elif best >= 0.95 * config.epochs:
        further = run.copy().train(config.epochs // 4 + 50).test_loss[0]
        later = int(np.nanargmin(further))
        if later > config.epochs:
            feedback += f" Elle descend encore, à {decimal(further[later])} à l'époque {later} : prolongez."
        else:
            feedback += (
                " L'arrêt est bien placé : elle remonte ensuite. Changez autre chose : le départ, la taille."
            )
    else:
        feedback += (
            " Essayez un autre départ, une couche de plus, une autre activation ou un autre taux "
            "d'apprentissage."
        )
    return earned, f"{feedback} Prochain seuil : sous {decimal(higher, 2)}."


def _answered(function, surface, step):
    """Call the student's function on a copy of the surface; return the number that it answers."""
    result = answers.call(
        function,
        surface.copy(),
        step,
        signature="def rugosite(z, pas)",
        ending="`return`",
        advice=f" avec un tableau de forme {surface.shape}. Les cinq tableaux du calcul doivent avoir la "
        "même forme : deux lignes et deux colonnes de moins que z.",
    )
    if isinstance(result, np.ndarray) and result.size > 1:
        raise Wrong("Votre fonction renvoie un tableau : prenez la moyenne de sa valeur absolue.")
    return answers.number(result)


def _check_one_surface(value, surface, step):
    exact, middle = laplacian(surface, step), surface[1:-1, 1:-1]
    neighbours = exact * step**2 + 4 * middle
    right = np.mean(np.abs(exact))
    absolute = "la valeur absolue se prend avant la moyenne : sans elle, creux et bosses se compensent."
    answers.expect(
        value,
        (right, "juste."),
        (np.mean(exact), absolute),
        (abs(np.mean(exact)), absolute),
        (right * step**2, "il manque la division par le carré du pas."),
        (right * step, "la division se fait par le carré du pas (c'est une dérivée seconde)."),
        (np.mean(np.abs(neighbours - middle)) / step**2, "le point du milieu compte 4 fois."),
        (np.mean(np.abs(neighbours)) / step**2, "il manque le point du milieu, compté 4 fois."),
        (np.mean(np.abs(neighbours + 4 * middle)) / step**2, "le point du milieu se retranche."),
        (np.mean(np.abs(neighbours / 4 - middle)) / step**2, "n'oubliez pas le facteur 4 des voisins."),
        (np.sum(np.abs(exact)), "c'est la somme : prenez la moyenne."),
        (np.mean(exact**2), "la valeur absolue est demandée, pas le carré."),
        (np.sqrt(np.mean(exact**2)), "la valeur absolue est demandée, pas la moyenne quadratique."),
        (np.median(np.abs(exact)), "la moyenne est demandée, pas la médiane."),
        otherwise=f"Sur une surface de forme {surface.shape} au pas {plain(step)}, la rugosité vaut "
        f"{plain(right)} ; votre fonction donne {plain(value)}. Relisez la formule terme à terme.",
        relative=1e-6,
    )


@functools.cache
def _median_roughness(config):
    return float(np.median(roughness(answers.trained(config, EPOCHS, STARTS))))


def _check_replayed(table, lowest):
    """Train the best cell and a few others anew: a table that was typed or altered does not hold."""
    others = np.random.default_rng().choice(table.medians.size, REPLAYED_CELLS, replace=False)
    places = [lowest, *(np.unravel_index(place, table.medians.shape) for place in others)]
    for row, column in places:
        cell = table.config.replace(
            learning_rate=table.learning_rates[row], regularization_rate=table.rates[column]
        )
        losses, median = cell_losses(cell, table.epochs, table.starts), table.medians[row, column]
        again = float(np.median(worst_if_nan(losses)))
        if again != median and not abs(again - median) <= 0.03:
            raise Wrong(
                f"Une case, rejouée, donne {decimal(again)} au lieu de {decimal(median)} : "
                "exécutez de nouveau `sweep(...)`."
            )


def _pair(best):
    pair = answers.several(best, 2, "`meilleur` est un couple, par exemple `(0.1, 0.01)`", 1)
    try:
        return [answers.number(value) for value in pair]
    except Wrong as wrong:
        raise Wrong(f"`meilleur` : {wrong}", 1) from None


def _at_the_edge(table, row, column):
    """Tell whether a cell lies where the table ends though the site offers values beyond."""
    rates = (table.learning_rates, row, LEARNING_RATES), (table.rates, column, REGULARIZATION_RATES)
    return any(
        (place == 0 and values[0] > offered[0]) or (place == len(values) - 1 and values[-1] < offered[-1])
        for values, place, offered in rates
    )
