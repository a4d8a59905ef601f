"""Marks and checks of Part 3: the spiral, with and without features, how smooth, and how it generalizes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.training import Run, train
from ..experiments.generalization import laplacian, roughness
from ..experiments.statistics import worst_if_nan
from ..experiments.sweep import Sweep, cell_losses
from ..french import count, decimal, plain, quoted, typographic
from ..plotting.waiting import waits
from .answers import SAME_POINTS, number, read_url, replay, require_same, trained
from .marks import Marks, Question, Summary, Unanswered, Wrong, combine

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
    activation="tanh",
    network_shape=(6, 6),
    learning_rate=0.03,
    regularization="L2",
    regularization_rate=0,
)
WITNESS_FEATURES = WITNESS.replace(features=("x", "y", "sinX", "sinY"))
PENALTY = 0.003
EPOCHS = 1000
STARTS = tuple(range(32))
LONGER = 1000  # epochs that a winning network is trained at least, to see how it goes on
SMALLEST_SWEEP = 4  # values of each rate
MAX_REPLAY = 2000  # epochs of a sweep's cell
CHAOTIC = 0.005  # of test loss: a rounding error that changes more than this is no accident

MARKS = Marks(
    "Partie 3",
    Question("1.a", "X₁ et X₂ seuls : prédire", 0.5),
    Question("1.b", "X₁ et X₂ seuls : chercher", 4),
    Question("1.c", "Ce que chaque neurone a appris : décrire", 1.5, manual=True),
    Question("2.a", "Avec des entrées calculées : prédire", 0.5),
    Question("2.b", "Avec des entrées calculées : chercher", 3),
    Question("2.c", "Les entrées qui comptent : expliquer", 1.5, manual=True),
    Question("3.a", "La rugosité : programmer", 2),
    Question("3.b", "La rugosité : mesurer", 1),
    Question("3.c", "Lisse ? Conclure", 1.5, manual=True),
    Question("4.a", "L'arrêt précoce : mesurer", 1),
    Question("4.b", "La régularisation : mesurer", 1),
    Question("4.c", "Le diagramme de phase : balayer", 1),
    Question("4.d", "Généraliser : conclure", 1.5, manual=True),
)

# Question -> test loss to stay below -> points.
BANDS = {
    "1.b": {0.30: 4.0, 0.33: 3.0, 0.36: 2.5, 0.40: 2.0, 0.45: 1.0},
    "2.b": {0.27: 3.0, 0.29: 2.5, 0.31: 2.0, 0.35: 1.5, 0.40: 1.0},
}


@MARKS.check("1.a")
def check_prediction_plain(loss: object) -> str:
    """Record the best test loss that the student expects on X1 and X2."""
    return f"Prédiction notée : {plain(number(loss, 0, 2))}. À vous de la battre."


@MARKS.check("1.b")
def check_best_plain(url: object) -> tuple[float, str]:
    """Replay the start that the address names, X1 and X2 its only inputs; the lower its loss, the better."""
    config = read_url(url)
    require_same(config, LAB, {**SAME_POINTS, "features": "entrées actives"})
    return _marked(config, BANDS["1.b"])


@MARKS.check("2.a")
def check_prediction_features(loss: object) -> str:
    """Record the best test loss that the student expects with computed features."""
    return f"Prédiction notée : {plain(number(loss, 0, 2))}. La recherche qui suit tranchera."


@MARKS.check("2.b")
def check_best_features(url: object) -> tuple[float, str]:
    """Replay the start that the address names, which has a feature beyond X1 and X2."""
    config = read_url(url)
    require_same(config, LAB, SAME_POINTS)
    if not set(config.features) - set(LAB.features):
        raise Wrong(
            "Cette expérience n'a que X₁ et X₂ : c'était la question 1. Activez au moins une entrée "
            "calculée (X₁², X₂², X₁X₂, sin X₁ ou sin X₂)."
        )
    return _marked(config, BANDS["2.b"])


@MARKS.check("3.a")
def check_roughness(function: Callable) -> str:
    """Run the student's roughness on random surfaces and steps, and on surfaces of known Laplacian."""
    if not callable(function):
        raise Wrong(f"Une fonction est attendue : `def rugosite(z, pas)` ; reçu : {quoted(function)}.")
    random = np.random.default_rng()
    ticks, step = np.linspace(-6, 6, 100, retstep=True)
    x, y = np.meshgrid(ticks, ticks)
    cases = [(x * x - 3 * y * y, step), (np.sin(x) * np.cos(y), step)]
    cases += [(random.normal(size=random.integers(5, 40, 2)), random.uniform(0.1, 0.9)) for _ in range(10)]
    for surface, distance in cases:
        _check_one_surface(_called(function, surface, distance), surface, distance)
    return f"Votre rugosité est exacte sur {len(cases)} surfaces, dont deux connues par le calcul."


@MARKS.check("3.b")
def check_medians(plain_median: object, features_median: object) -> tuple[float, str]:
    """Compare with the median roughness of the witness network, trained anew with and without features."""

    def same_median(value, config, other):
        value, measured = number(value, 0), _median_roughness(config)
        if math.isclose(value, measured, rel_tol=0.02):
            return f"oui, {decimal(measured, 1)} par unité de longueur au carré."
        if math.isclose(value, _median_roughness(other), rel_tol=0.02):
            raise Wrong("c'est la médiane de l'autre réseau : échangez les deux.")
        raise Wrong(
            f"l'expérience rejouée ne donne pas {plain(value)}. Il faut la médiane (`np.median`) des "
            f"{len(STARTS)} valeurs de `rugosites[...]`, à 2 % près."
        )

    return combine(
        ("mediane_sans", 0.5, lambda value: same_median(value, WITNESS, WITNESS_FEATURES), plain_median),
        ("mediane_avec", 0.5, lambda value: same_median(value, WITNESS_FEATURES, WITNESS), features_median),
    )


@MARKS.check("4.a")
def check_early_stopping(epoch: object, loss: object, run: object) -> tuple[float, str]:
    """Find the lowest test loss of the run that the student looked at."""
    if epoch is ... and loss is ...:
        raise Unanswered
    if not isinstance(run, Run) or len(run.starts) != 1:
        raise Wrong("`long` n'est plus l'entraînement de la cellule de mesure : exécutez-la à nouveau.")
    losses = np.where(np.isnan(run.test_loss[0]), np.inf, run.test_loss[0])
    best, last = int(np.argmin(losses)), run.epoch

    def same_epoch(value):
        value = number(value, 0)
        if value == best or (value == int(value) and value <= last and losses[int(value)] == losses[best]):
            return f"oui, la perte de test y vaut {decimal(losses[best])}."
        if value == int(np.nanargmin(run.train_loss[0])):
            raise Wrong("c'est le minimum de la perte d'entraînement ; il faut celui de la perte de test.")
        if abs(value - best) <= 1:
            raise Wrong("à une époque près : la case 0 du tableau est l'état avant tout entraînement.")
        raise Wrong(
            f"ce n'est pas l'époque {plain(value)}. `long.test_loss[0]` a une valeur par époque ; "
            "`np.argmin` donne la case de la plus petite."
        )

    def same_gain(value):
        value, gain = number(value), float(losses[last] - losses[best])
        if not math.isfinite(gain):
            raise Wrong("cet entraînement a divergé avant la fin : prenez un réseau qui ne diverge pas.")
        if abs(value - gain) <= 0.001:
            return f"oui, de {decimal(losses[last])} à {decimal(losses[best])}."
        if abs(value + gain) <= 0.001:
            raise Wrong("le signe est inversé : un gain est positif quand la perte finale est la plus haute.")
        raise Wrong("c'est la perte de test à la dernière époque, moins la plus basse de toutes.")

    return combine(("epoque_arret", 0.5, same_epoch, epoch), ("gain", 0.5, same_gain, loss))


@MARKS.check("4.b")
def check_gaps(without: object, with_penalty: object) -> tuple[float, str]:
    """Compare with the median gap between test and training loss, without and with the L2 penalty."""

    def same_gap(value, rate):
        value = number(value)
        run = trained(WITNESS_FEATURES.replace(regularization_rate=rate), EPOCHS, STARTS)
        test, training = run.test_loss[:, -1], run.train_loss[:, -1]
        gap = float(np.median(test - training))
        if abs(value - gap) <= 0.005:
            return f"oui, {decimal(gap)}."
        if abs(value + gap) <= 0.005:
            raise Wrong("le signe est inversé : l'écart est la perte de test moins celle d'entraînement.")
        if abs(value - float(np.median(test))) <= 0.005:
            raise Wrong("c'est la médiane de la perte de test : retranchez-lui la perte d'entraînement.")
        raise Wrong(
            f"l'expérience rejouée ne donne pas {plain(value)}. Calculez pour chaque départ l'écart à la "
            "dernière époque, `test_loss[:, -1] - train_loss[:, -1]`, puis la médiane des écarts."
        )

    return combine(
        ("ecart_sans", 0.5, lambda value: same_gap(value, 0), without),
        ("ecart_l2", 0.5, lambda value: same_gap(value, PENALTY), with_penalty),
    )


@MARKS.check("4.c")
def check_sweep(table: object, best: object) -> tuple[float, str]:
    """Check that a sweep is wide enough, that its best cell is the one named, and replay that cell."""
    if table is ...:
        raise Unanswered
    if not isinstance(table, Sweep):
        raise Wrong(f"`balayage` doit être le résultat de `sweep(...)` ; reçu : {quoted(table)}.")
    require_same(table.config, LAB, SAME_POINTS)
    small = min(len(table.learning_rates), len(table.rates))
    if small < SMALLEST_SWEEP:
        raise Wrong(
            f"Votre table a {len(table.learning_rates)} taux d'apprentissage et {len(table.rates)} taux de "
            f"régularisation : il en faut au moins {SMALLEST_SWEEP} de chaque."
        )
    if len(table.starts) < 8 or table.epochs < 100:
        raise Wrong(
            "Une case a besoin d'au moins 8 départs et de 100 époques pour vouloir dire quelque chose."
        )
    row, column = np.unravel_index(np.argmin(table.medians), table.medians.shape)
    cell = table.config.replace(
        learning_rate=table.learning_rates[row], regularization_rate=table.rates[column]
    )
    _check_replayed(cell, table, float(table.medians[row, column]))
    found = f"Votre balayage couvre {table.medians.size} cases"
    if best is ...:
        return 0.5, f"{found}. Il reste à nommer la meilleure dans `meilleur`."
    learning_rate, rate = _pair(best)
    if (learning_rate, rate) == (table.rates[column], table.learning_rates[row]):
        return 0.5, f"{found}, mais le couple est inversé : d'abord le taux d'apprentissage."
    if learning_rate not in table.learning_rates or rate not in table.rates:
        return 0.5, f"{found}, mais le couple nommé n'y est pas."
    named = table.medians[table.learning_rates.index(learning_rate), table.rates.index(rate)]
    if not named <= table.medians[row, column] + 0.002:
        return 0.5, f"{found} ; une autre a une médiane plus basse que {decimal(named)}."
    return 1, f"{found} ; la meilleure a pour médiane {decimal(named)}{_edge(table, row, column)}."


def replayed(url: object, instead: PlaygroundConfig = LAB, epochs: int = LAB_EPOCHS) -> Run:
    """Return the run that an answer names, or say in a sentence that a default stands in for it.

    Args:
        url: the answer of question 1.b or 2.b.
        instead: the experiment shown when the answer is missing or cannot be replayed.
        epochs: how long that one is trained.
    """
    try:
        if url is not ...:
            config = read_url(url)
            require_same(config, LAB, SAME_POINTS)
            run = replay(config)
            if math.isfinite(run.test_loss[0, -1]):
                return run
            raise Wrong("l'entraînement a divergé")
        reason = "Question sans réponse pour l'instant"
    except Wrong as wrong:
        first = str(wrong).split(". ")[0].rstrip(".")
        reason = f"Réponse inutilisable ({first[:1].lower()}{first[1:]})"
    print(typographic(f"{reason} : les figures montrent un réseau de départ à la place du vôtre."))
    return trained(instead, epochs, (0,))


@waits
def search(config: PlaygroundConfig, epochs: int, starts: int | Iterable[int] = 32) -> None:
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


def summary() -> Summary:
    """Return the table of marks of Part 3."""
    return MARKS.summary()


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
    losses = replay(config).test_loss[0]
    final = float(losses[-1])
    if not math.isfinite(final):
        raise Wrong(
            "La perte n'est plus un nombre : cet entraînement a divergé. "
            "Diminuez le taux d'apprentissage (`learningRate`)."
        )
    earned = points_below(final, bands)
    feedback = f"Rejoué : perte de test {decimal(final)} après {count(config.epochs, 'époque')}."
    (otherwise,) = rounded_otherwise(config, 1)
    if not abs(otherwise - final) < CHAOTIC:
        feedback += (
            f" Ce réseau amplifie les erreurs d'arrondi : déplacé d'un seul arrondi, le même départ finit à "
            f"{decimal(otherwise)}, et un autre ordinateur peut trouver autre chose. "
            "Gardez dans le carnet rendu la note affichée ici."
        )
    best, full = int(np.nanargmin(losses)), max(bands.values())
    if earned == full:
        return earned, f"{feedback} Tous les points{_praise(final)}."
    higher = max(limit for limit, points in bands.items() if points > earned)
    if losses[best] < higher:
        feedback += (
            f" Elle était descendue à {decimal(losses[best])} à l'époque {best} : "
            "arrêtez cet entraînement plus tôt."
        )
    elif best >= 0.95 * config.epochs:
        feedback += " Elle descendait encore : prolongez l'entraînement."
    else:
        feedback += (
            " Essayez un autre départ (bouton de réinitialisation), une couche ou une activation "
            "de plus, ou un autre taux d'apprentissage."
        )
    return earned, f"{feedback} Prochain palier : sous {decimal(higher, 2)}."


def _praise(loss):
    return " : elle est parmi les plus basses que nous connaissions" if loss < 0.25 else ", bravo"


def _called(function, surface, step):
    """Call the student's function on a copy of the surface; return what it answers, unread."""
    try:
        result = function(surface.copy(), step)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the student's code raises is feedback, not our failure
        raise Wrong(
            f"Votre fonction s'arrête sur une erreur ({type(error).__name__}) avec un tableau de forme "
            f"{surface.shape}. Les cinq tableaux du calcul doivent avoir la même forme : "
            "deux lignes et deux colonnes de moins que z."
        ) from None
    if result is ...:
        raise Unanswered
    if result is None:
        raise Wrong("Votre fonction ne renvoie rien : terminez-la par `return`.")
    if isinstance(result, np.ndarray) and result.size > 1:
        raise Wrong("Votre fonction renvoie un tableau : prenez la moyenne de sa valeur absolue.")
    return number(result)


def _check_one_surface(value, surface, step):
    exact = laplacian(surface, step)
    if math.isclose(value, np.mean(np.abs(exact)), rel_tol=1e-6):
        return
    middle = surface[1:-1, 1:-1]
    neighbours = exact * step**2 + 4 * middle
    absolute = "la valeur absolue se prend avant la moyenne : sans elle, creux et bosses se compensent."
    mistakes = (
        (np.mean(exact), absolute),
        (abs(np.mean(exact)), absolute),
        (np.mean(np.abs(exact)) * step**2, "il manque la division par le carré du pas."),
        (
            np.mean(np.abs(exact)) * step,
            "la division se fait par le carré du pas (c'est une dérivée seconde).",
        ),
        (np.mean(np.abs(neighbours - middle)) / step**2, "le point du milieu compte 4 fois."),
        (np.mean(np.abs(neighbours)) / step**2, "il manque le point du milieu, compté 4 fois."),
        (np.mean(np.abs(neighbours + 4 * middle)) / step**2, "le point du milieu se retranche."),
        (np.mean(np.abs(neighbours / 4 - middle)) / step**2, "n'oubliez pas le facteur 4 des voisins."),
        (np.sum(np.abs(exact)), "c'est la somme : prenez la moyenne."),
        (np.mean(exact**2), "la valeur absolue est demandée, pas le carré."),
        (np.sqrt(np.mean(exact**2)), "la valeur absolue est demandée, pas la moyenne quadratique."),
        (np.median(np.abs(exact)), "la moyenne est demandée, pas la médiane."),
    )
    for wrong, sentence in mistakes:
        if math.isclose(value, wrong, rel_tol=1e-6):
            raise Wrong(sentence)
    raise Wrong(
        f"Sur une surface de forme {surface.shape} au pas {plain(step)}, la rugosité vaut "
        f"{plain(np.mean(np.abs(exact)))} ; votre fonction donne {plain(value)}. "
        "Relisez la formule terme à terme."
    )


@functools.cache
def _median_roughness(config):
    return float(np.median(roughness(trained(config, EPOCHS, STARTS))))


def _check_replayed(cell, table, median):
    """Train the best cell anew: a table that was typed or altered does not hold."""
    if table.epochs > MAX_REPLAY or len(table.starts) > len(STARTS):
        return  # too long to replay: a check ends in bounded time
    again = float(np.median(cell_losses(cell, table.epochs, table.starts)))
    if not abs(again - median) <= 0.01:
        raise Wrong(
            f"La meilleure case, rejouée, donne {decimal(again)} au lieu de {decimal(median)} : "
            "exécutez à nouveau `sweep(...)`."
        )


def _pair(best):
    if not isinstance(best, (tuple, list)) or len(best) != 2:
        raise Wrong(f"`meilleur` est un couple, par exemple `(0.1, 0.01)` ; reçu : {quoted(best)}.", 0.5)
    try:
        return number(best[0]), number(best[1])
    except Wrong as wrong:
        raise Wrong(f"`meilleur` : {wrong}", 0.5) from None


def _edge(table, row, column):
    """Say when the best cell lies where the table ends, so that an even better one may lie beyond."""
    beyond = row in (0, len(table.learning_rates) - 1) or column == len(table.rates) - 1
    if beyond or (column == 0 and table.rates[0] > 0):
        return ". Elle est au bord de la table : la vraie meilleure est peut-être au-delà"
    return ""
