"""Marks and checks of Part 4: CIFAR-10, counted, programmed, trained, remedied and read."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from ..cifar10 import CLASSES, PARAMETERS, Evaluation, differences, evaluate, loaded, oversights, read_model
from ..cifar10.checkpoint import whole_file
from ..cifar10.pace import FEWEST_EPOCHS
from ..cifar10.recipe import STAND_IN
from ..cifar10.record import BEST, HISTORY, grading, read_history
from ..french import count, decimal, listed, percent, plain, quoted, thousands, typographic
from .answers import call, expect, number, several, whole
from .marks import Marks, Question, Unanswered, Wrong, combine

KERNEL = 5  # side of the lab's filters, in pixels
# name -> (inputs, outputs) of the layers that have weights; a convolution counts channels.
WEIGHTED = {
    "conv1": (3, 32),
    "conv2": (32, 64),
    "conv3": (64, 64),
    "fc4": (4 * 4 * 64, 1000),
    "fc5": (1000, 10),
}
VALIDATION = 0.1  # share of the training images, the last ones, that ``fit(validation_split=0.1)`` keeps
# Validation accuracy of a network that has learnt: twice what chance gives. Eight epochs of the plain recipe
# reach 0.26 to 0.39 on 500 or 1000 images, 0.39 to 0.47 on 2000.
LEARNT = 0.2

MARKS = Marks(
    "Partie 4",
    Question("1.a", "Les paramètres : compter", 2),
    Question("1.b", "Sans bordure (« valid ») : calculer", 1),
    Question("2.a", "Le réseau : programmer", 4),
    Question("3.a", "La recette simple : prédire", 0.5),
    Question("3.b", "Le surapprentissage : mesurer", 1.5),
    Question("3.c", "Le surapprentissage : expliquer", 1.5, manual=True),
    Question("4.a", "Le remède : prédire", 0.5),
    Question("4.b", "Le remède : chercher", 5),
    Question("4.c", "Le remède : justifier", 1, manual=True),
    Question("5.a", "La matrice de confusion : lire", 1),
    Question("5.b", "L'incertitude : calculer", 0.5),
    Question("5.c", "Analyse libre", 1.5, manual=True),
    Question("Bonus", "Changer l'architecture", 1, manual=True, bonus=True),
)

ARCHIVE = "rendu_partie4.zip"
OPENED = "test.json"  # beside the records: [recipe, digest, test accuracy] of each model measured on the test

# Test accuracy to reach -> points; a good recipe reaches the highest in ten minutes on two cores, the plain
# one only the lowest.
BANDS = {0.76: 5.0, 0.75: 4.0, 0.73: 2.5, 0.65: 1.0}

_SHAPES = (
    'L\'entrée est-elle bien `keras.Input((32, 32, 3))`, et le `padding` des convolutions bien `"same"` ?'
)


def summary() -> Marks:
    """Return these marks, with how often the test was opened."""
    openings = _openings(*_journals)
    recipes = [f"« {recipe} », {decimal(accuracy)}" for recipe, _, accuracy in openings]
    told = f"Test ouvert {len(openings)} fois : {' ; '.join(recipes)}."
    MARKS.notes = [told if openings else "Le test n'a pas encore été ouvert."]
    return MARKS


@MARKS.check("1.a")
def check_parameters(counts: object) -> tuple[float, str]:
    """Compare the hand count of each layer's weights and biases."""
    if not isinstance(counts, dict) or not counts:
        raise Wrong(f"Gardez le dictionnaire de la cellule et remplacez ses `...` ; reçu : {quoted(counts)}.")
    share = MARKS.questions["1.a"].points / len(WEIGHTED)
    points, feedback = combine(
        *((name, share, functools.partial(_check_count, name), counts.get(name, ...)) for name in WEIGHTED)
    )
    if points == MARKS.questions["1.a"].points:
        feedback += f"\nEn tout, {thousands(PARAMETERS)} paramètres, dont 86 % dans fc4."
    return points, feedback


@MARKS.check("1.b")
def check_valid_sides(sides: object) -> tuple[float, str]:
    """Compare the sides of the maps after each layer, had the convolutions no padding."""
    sides = several(sides, 5, "Une liste de cinq côtés est attendue, de conv1 à conv3")
    missed, right, before = [], 32, 32

    def side_after(name, side):
        return side // 2 if name.startswith("pool") else side - KERNEL + 1

    def check_side(name, accepted, answer):
        value = number(answer, 0)
        if value in accepted:
            return f"oui, {plain(value)} × {plain(value)}."
        missed.append(name)
        if missed[0] != name:
            raise Wrong(f"commencez par {missed[0]}.")
        if name.startswith("pool"):
            raise Wrong("un max-pooling 2 × 2 réduit le côté à sa moitié, arrondie vers le bas.")
        raise Wrong("comptez, le long d'un côté, les places où un filtre de 5 × 5 tient en entier.")

    parts = []
    for name, answer in zip(("conv1", "pool1", "conv2", "pool2", "conv3"), sides, strict=True):
        # What follows from a wrong side keeps its points.
        accepted = {side_after(name, side) for side in (right, before)}
        right = side_after(name, right)
        before = answer if type(answer) is int else right
        parts.append((name, 0.2, functools.partial(check_side, name, accepted), answer))
    points, feedback = combine(*parts)
    if points < 0.999:
        return points, feedback
    return 1, (
        f"{feedback}\nIl ne reste qu'un pixel : pool3, qui en demande 2 × 2, n'a plus rien à réduire, et "
        "ce modèle ne peut rien apprendre. D'où `padding=\"same\"`, qui borde l'image de zéros et garde son "
        "côté."
    )


@MARKS.check("2.a")
def check_model(build_model: Callable) -> tuple[float, str]:
    """Walk the layers of the student's model and say which differ from the lab's."""
    model = _built(build_model)
    found = differences(model) or oversights(model)
    if _built(build_model) is model:
        found.append("`build_model` renvoie toujours le même modèle : construisez-le dans la fonction.")
    if found:
        listing = "\n".join(f"- {sentence}" for sentence in found)
        return max(0.0, 3.5 - 0.5 * len(found)), (
            f"{count(len(found), 'différence')} avec le réseau de l'énoncé :\n{listing}"
        )
    return (
        4,
        f"C'est le réseau de l'énoncé, couche par couche : {thousands(model.count_params())} paramètres.",
    )


check_prediction_epoch = MARKS.prediction(
    "3.a", lambda epoch: f"époque {whole(epoch, 1, 100)}", "L'entraînement tranchera."
)


@MARKS.check("3.b", answers=2)
def check_overfitting(epoch: object, gap: object, folder: object) -> tuple[float, str]:
    """Compare with the record of the plain recipe, itself checked against the model that it saved."""
    history = _verified_record(folder)
    best = int(np.argmax(history["val_accuracy"])) + 1
    last = len(history["val_accuracy"])
    final_gap = history["accuracy"][-1] - history["val_accuracy"][-1]
    if not loaded().demo and last < FEWEST_EPOCHS:
        raise Wrong(
            f"{count(last, 'époque')} seulement : allez au moins jusqu'à {FEWEST_EPOCHS} (argument `epochs`, "
            "puis exécutez de nouveau la cellule d'entraînement : elle reprend où elle en était)."
        )

    def check_epoch(answer):
        return expect(
            number(answer, 0),
            (best, f"oui, époque {best} sur {last}."),
            (best - 1, "les époques se comptent à partir de 1 : ajoutez 1 à `np.argmax`.", 0.5),
            otherwise="c'est l'époque où `val_accuracy` est la plus haute (`np.argmax`, plus 1).",
        )

    def check_gap(answer):
        return expect(
            number(answer, -1, 1),
            (final_gap, f"oui, {decimal(final_gap, 2)} à la dernière époque."),
            (-final_gap, "le signe est inversé : entraînement moins validation."),
            otherwise="prenez la dernière valeur de `accuracy` moins la dernière de `val_accuracy`.",
            within=0.006,
        )

    points, feedback = combine(("epoque_sommet", 1, check_epoch, epoch), ("ecart_final", 0.5, check_gap, gap))
    if best == last and not loaded().demo:
        then = "prolongez pour voir ce qui vient après."
        if int(np.argmin(history["val_loss"])) + 1 < last:
            then = "la perte de validation en dit-elle autant ?"
        feedback += f"\nL'exactitude de validation montait encore à la fin : {then}"
    return points, feedback


check_prediction_accuracy = MARKS.prediction(
    "4.a", lambda accuracy: plain(number(accuracy, 0, 1)), "À vous de la tenir."
)


@MARKS.check("4.b")
def check_accuracy(path: object) -> tuple[float, str]:
    """Measure the saved model on the test images, the lab's architecture its only condition."""
    evaluation = evaluation_of(path)
    accuracy = evaluation.accuracy
    images = count(len(evaluation.labels), "image")
    feedback = f"Mesuré sur {images} de test : exactitude {decimal(accuracy)}."
    if not grading():
        feedback += _opened(path, accuracy)
    if loaded().demo:
        learnt = evaluation.interval[0] > 1 / len(CLASSES)
        verdict = "fait mieux que le hasard, c'est tout ce qui est demandé" if learnt else "égale le hasard"
        return 5.0 * learnt, (
            f"{feedback} Sur ces données de démonstration, votre modèle {verdict} : "
            "la note, elle, se mesure sur CIFAR-10."
        )
    points = next((points for limit, points in BANDS.items() if accuracy >= limit), 0.0)
    if points == max(BANDS.values()):
        return points, f"{feedback} Tous les points, bravo."
    following = min(limit for limit, earned in BANDS.items() if earned > points)
    return points, f"{feedback} Prochain seuil : {decimal(following, 2)}."


@MARKS.check("5.a", answers=1)
def check_confusion(pair: object, path: object) -> tuple[float, str]:
    """Compare with the most frequent confusion of the model, evaluated anew."""
    pair = several(pair, 2, 'Un couple de noms est attendu, `("vraie classe", "classe prédite")`')
    pair = [name.strip().lower() if isinstance(name, str) else name for name in pair]
    unknown = [name for name in pair if name not in CLASSES]
    if unknown:
        raise Wrong(f"{quoted(unknown[0])} n'est pas une classe. Les classes : {listed(CLASSES)}.")
    errors = evaluation_of(path).confusion.copy()
    np.fill_diagonal(errors, 0)
    true, predicted = (CLASSES.index(name) for name in pair)
    worst = int(errors.max())
    if errors[true, predicted] == worst:
        taken = "sont prises" if worst > 1 else "est prise"
        return 1, f"Oui : {count(worst, 'image')} de « {pair[0]} » {taken} pour « {pair[1]} »."
    if errors[predicted, true] == worst:
        return (
            0.5,
            "La paire est la bonne, mais à l'envers : la ligne est la vraie classe, la colonne la prédite.",
        )
    raise Wrong(
        f"« {pair[0]} » pris pour « {pair[1]} » : {count(int(errors[true, predicted]), 'image')}. Une autre "
        "case hors de la diagonale en compte davantage."
    )


@MARKS.check("5.b", answers=1)
def check_margin(margin: object, path: object) -> tuple[float, str]:
    """Compare with the half-width of the 95 % interval of the model's test accuracy."""
    evaluation = evaluation_of(path)
    accuracy, images = evaluation.accuracy, len(evaluation.labels)
    deviation = math.sqrt(accuracy * (1 - accuracy) / images)
    reach = 1.96 * deviation
    praise = (
        f"Oui, ± {decimal(100 * reach, 1)} point de pourcentage environ. Deux réseaux plus proches que cela "
        "ne se départagent pas ainsi ; sur les mêmes images, on les compare image par image."
    )
    return expect(
        number(margin, 0),
        (reach, praise),
        (deviation, "C'est un écart type : la demi-largeur à 95 % en compte 1,96.", 0.25),
        (100 * reach, "C'est le bon nombre, en pourcentage : gardez l'exactitude entre 0 et 1.", 0.25),
        (2 * reach, "C'est la largeur entière de l'intervalle : la moitié est demandée.", 0.25),
        otherwise="Calculez `1.96 * np.sqrt(p * (1 - p) / n)`, p étant l'exactitude et n le nombre d'images.",
        relative=0.05,
    )


def model_or_stand_in(build_model: Callable) -> keras.Model:
    """Return the student's model, or a small one in its place so that the notebook goes on without it."""
    try:
        return _built(build_model)
    except Unanswered:
        reason = "Question 2 sans réponse pour l'instant"
    except (Wrong, ValueError) as wrong:
        reason = f"`build_model` inutilisable ({str(wrong).split(' : ')[0]})"
    print(typographic(f"{reason} : un petit réseau de remplacement s'entraîne à la place du vôtre."))
    layers = keras.layers
    small = [layers.Rescaling(1 / 255), layers.Conv2D(8, 5, strides=4, activation="relu", name=STAND_IN)]
    return keras.Sequential([keras.Input((32, 32, 3)), *small, layers.Flatten(), layers.Dense(10, "softmax")])


def fresh_layers(build_model: Callable) -> list[keras.Layer]:
    """Return new layers of the student's network, or of the one in its place, to build another with."""
    layers = model_or_stand_in(build_model).layers
    return [layer for layer in layers if not isinstance(layer, keras.layers.InputLayer)]


def submitted(path: object, instead: str) -> str:
    """Return the path of the student's best model, or another one that the figures show in its place."""
    try:
        if path is not ...:
            # When marking, the check itself is in another process: nothing evaluated here would serve it.
            (_lab_model if grading() else evaluation_of)(path)
            return str(path)
        reason = "Question 4 sans réponse pour l'instant"
    except (Wrong, ValueError):
        reason = "Le modèle de la question 4 ne se relit pas"
    print(typographic(f"{reason} : celui de la recette simple en tient la place."))
    return str(instead)


def hand_in(folder: object, path: object) -> None:
    """Gather what must be handed in beside the notebook: both best models and their histories.

    From the plain recipe's folder and the path of the model to be marked, or their records, it writes
    ``rendu_partie4.zip`` beside the records' folders, with paths that marking finds again; where there is
    nothing to hand in, a sentence says so.
    """
    folder, path = getattr(folder, "folder", folder), getattr(path, "best_path", path)
    try:
        folder, path = _path(folder, "suivi_simple.folder"), _path(path, "suivi_remede.best_path")
        records = sorted({folder, path.parent})
        if missing := [record for record in records if not (record / BEST).is_file()]:
            raise Wrong(f"Aucun modèle dans {missing[0]} : exécutez d'abord la cellule d'entraînement.")
    except Wrong as wrong:
        print(typographic(f"Rien à rendre pour l'instant. {wrong}"))
        return
    if len(records) == 1:
        print(
            typographic(
                "Question 4 sans modèle pour l'instant : l'archive ne contient que celui de la question 3."
            )
        )
    archive = folder.parent / ARCHIVE
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for record in records:
            for name in (BEST, HISTORY):
                if (record / name).is_file():
                    file.write(record / name, f"sauvegardes/{record.name}/{name}")
    print(typographic(f"Archive à rendre avec ce carnet : {ARCHIVE}, dans votre dossier de sauvegardes."))


def _check_count(name, answer):
    inputs, outputs = WEIGHTED[name]
    convolution = name.startswith("conv")
    each, size, unit = inputs, thousands(inputs), "neurone"
    otherwise = "pour chaque neurone : ses entrées, plus un biais."
    if convolution:
        each, size, unit = inputs * KERNEL**2, f"5 × 5 × {inputs}", "filtre"
        otherwise = f"pour chaque filtre : {KERNEL} × {KERNEL} × canaux d'entrée, plus un biais."
    answer, right = number(answer, 0), (each + 1) * outputs
    mistakes = [(each * outputs, f"il manque les biais, un par {unit}.")]
    if convolution:
        channels = f"un filtre traverse tous les canaux d'entrée, il y en a {inputs}."
        mistakes += [((KERNEL**2 + bias) * outputs, channels) for bias in (0, 1)]
        each_pixel = "un biais par filtre, ajouté une fois à toute la somme, pas à chaque pixel."
        mistakes.append((KERNEL**2 * (inputs + 1) * outputs, each_pixel))
        if answer > right:
            otherwise = "un filtre est le même à toutes les places de l'image : sa taille ne compte pas."
    elif name == "fc4":
        pools = "trois max-pooling ont réduit le côté de 32 à 4 : fc4 reçoit 4 × 4 × 64 valeurs."
        mistakes += [((side**2 * 64 + bias) * outputs, pools) for side in (8, 16, 32) for bias in (0, 1)]
    praise = f"oui, ({size} + 1) × {outputs} = {thousands(right)}."
    return expect(answer, (right, praise), *mistakes, otherwise=otherwise)


def _built(build_model):
    if isinstance(build_model, keras.Model):
        return build_model
    try:
        model = call(
            build_model,
            signature="def build_model()",
            ending="`return` et le modèle",
            advice=" : exécutez-la dans une cellule à part pour la lire.",
        )
    except Wrong as wrong:
        cause = wrong.__cause__
        if "negative" in str(cause).lower():  # Keras, of the size that a layer would have
            raise Wrong(f"{wrong} {_SHAPES}", wrong.points) from None
        for place, module in (("keras.layers", keras.layers), ("keras", keras)):
            if isinstance(cause, NameError) and hasattr(module, str(cause.name)):
                raise Wrong(f"`{cause.name}` n'est pas défini : écrivez `{place}.{cause.name}`.") from None
        raise
    if _vanishes(model):
        raise Wrong(f"Une couche de votre modèle n'a plus un seul pixel à donner à la suivante. {_SHAPES}")
    return model


def _vanishes(model):
    """Tell whether a layer's answer is empty; recent versions of Keras refuse to build such a model."""
    try:
        return any(0 in layer.output.shape for layer in model.layers)
    except (AttributeError, ValueError):  # no Keras model, or not built yet
        return False


def _path(path, example):
    if not isinstance(path, (str, Path)):
        raise Wrong(f"Un chemin est attendu, par exemple `{example}` ; reçu : {quoted(path)}.")
    return Path(path)


def evaluation_of(path) -> Evaluation:
    """Evaluate a saved model of the lab's architecture on the test images."""
    path = _lab_model(path)
    state = path.stat()
    return _evaluated(path, loaded(), state.st_mtime_ns, state.st_size)


def _lab_model(path) -> Path:
    """Return the path of a saved model, once it is seen to have the lab's architecture."""
    path = _path(path, "suivi_remede.best_path")
    if found := differences(read_model(path)):
        raise Wrong(f"L'architecture doit rester celle de la question 2. {found[0]}")
    return path


@functools.lru_cache(maxsize=4)
def _evaluated(path, data, *_):
    return evaluate(read_model(path), data)


_journals: set[Path] = set()  # those written in this kernel


def _opened(path, accuracy) -> str:
    """File that a model was measured on the test; say in French if it was not the first time."""
    path = Path(path)
    folder, digest = path.parent, hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    recipe = folder.name.rpartition("-")[0].rpartition("-")[0] or path.stem
    journal = folder.parent / OPENED if (folder / HISTORY).is_file() else folder / OPENED
    _journals.add(journal)
    openings = _openings(journal)
    if digest not in [known for _, known, _ in openings]:
        openings.append([recipe, digest, accuracy])
        with contextlib.suppress(OSError), whole_file(journal) as partial:
            partial.write_text(json.dumps(openings))
    if len(openings) == 1:
        return ""
    return (
        f" Le test a été ouvert {len(openings)} fois : la meilleure de plusieurs mesures est flatteuse, "
        "dites-le en 4.c."
    )


def _openings(*journals) -> list[list]:
    """Return (recipe, digest, accuracy) of every model measured on the test."""
    found = []
    for journal in sorted(journals):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found += [[str(a), str(b), float(c)] for a, b, c in json.loads(journal.read_text())]
    return found


def _verified_record(folder):
    """Return the history of a training, once its best model is seen to be worth what the history says."""
    folder = _path(folder, "suivi_simple.folder")
    history = read_history(folder)
    if "val_accuracy" not in history:
        raise Wrong("Cet entraînement n'a pas de validation : gardez `validation_split=0.1`.")
    _lab_model(folder / BEST)
    images = loaded()
    # A record's folder is named for the images it was trained on.
    kind, trained_on = re.fullmatch(r"(?:.*-)?(\w+)-(\d+)|.*", folder.name).groups()
    if kind in ("cifar10", "demonstration") and (kind == "demonstration") != images.demo:
        raise Wrong(
            f"« {folder.name} » n'a pas appris sur les images que ce carnet a chargées ({images.name}) : "
            "exécutez de nouveau la cellule des données, puis celles de l'entraînement."
        )
    if trained_on and 10 <= int(trained_on) < len(images.x_train):
        images = images.subset(int(trained_on))
    kept = int(len(images.x_train) * (1 - VALIDATION))
    validation = dataclasses.replace(images, x_test=images.x_train[kept:], y_test=images.y_train[kept:])
    found, best = evaluate(read_model(folder / BEST), validation), int(np.argmax(history["val_accuracy"]))
    for what, key, measured, within in (
        ("exactitude", "val_accuracy", found.accuracy, 0.03),
        ("perte", "val_loss", found.loss, 0.1 + 0.05 * found.loss),
    ):
        said = history.get(key, [math.nan] * (best + 1))[best]
        if not abs(measured - said) <= within:
            raise Wrong(
                f"Le journal annonce en validation une {what} de {decimal(said)}, mais celle du modèle "
                f"enregistré est {decimal(measured)} : exécutez de nouveau la cellule d'entraînement."
            )
    if not images.demo and found.accuracy < LEARNT:
        raise Wrong(
            f"Le modèle enregistré ne reconnaît que {percent(found.accuracy)} des images de validation ; au "
            "hasard, ce serait 10 %. Entraînez-le plus longtemps (`epochs`), ou sur plus d'images."
        )
    return history
