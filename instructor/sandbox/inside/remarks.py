"""What the teacher is told of an answer beside its mark, and the student never sees."""

import dataclasses
import math

import keras
import numpy as np

from helpers.checks import part3, part4
from helpers.checks.answers import read_url, replay
from helpers.checks.marks import Unanswered, Wrong
from helpers.cifar10 import Cifar10, DataUnavailable, Evaluation, evaluate, loaded, read_model
from helpers.experiments.statistics import wilson_difference
from helpers.french import count, decimal, french_error, percent, thousands, typographic

COPIES = 64  # of a start, a rounding error apart, that show what it may become on another computer
CEILING = 0.90  # test accuracy which three convolutions of 5x5 do not reach by honest means
_ON_IMAGES = {("part4", key) for key in ("3.b", "4.b", "5.a", "5.b")}


def obstacle(part: str, key: str) -> str:
    """Return why a question cannot be marked here: a French sentence, or ""."""
    if (part, key) in _ON_IMAGES:
        try:
            loaded()
        except DataUnavailable:
            return typographic(
                "CIFAR-10 n'était pas disponible à la correction : cette question reste à noter."
            )
    return ""


def remark(part: str, key: str, *answers: object) -> str:
    """Return what the teacher, but not the student, is told of an answer: a French sentence, or ""."""
    try:
        if part == "part3" and key in part3.BANDS:
            return chaotic(key, *answers)
        if (part, key) == ("part4", "4.b"):
            evaluation = part4.evaluation_of(*answers)
            return suspicion(read_model(*answers), loaded(), evaluation=evaluation)
    except (Wrong, Unanswered, ValueError):  # the check said it to the student
        pass
    return ""


def chaotic(key: str, url: object) -> str:
    """Say in French that an answer to question ``key`` of Part 3 may have earned more on another computer."""
    config, bands = read_url(url), part3.BANDS[key]
    final = float(replay(config).test_loss[0, -1])
    losses = part3.rounded_otherwise(config, COPIES)
    best, worst = float(np.nanmin(losses)), float(np.nanmax(losses))
    earned, possible = (part3.points_below(loss, bands) for loss in (final, best))
    if possible <= earned:
        return ""
    return typographic(
        f"{key} : ce réseau amplifie les erreurs d'arrondi, qui changent d'un ordinateur à l'autre. Ici, "
        f"perte de test {decimal(final)}, {count(earned, 'point')} ; pour {COPIES} copies du même départ à "
        f"un arrondi près, de {decimal(best)} à {decimal(worst)}, jusqu'à {count(possible, 'point')}. Si le "
        "carnet rendu affiche davantage, c'est possible."
    )


def suspicion(
    model: keras.Model, data: Cifar10, sample: int = 5_000, evaluation: Evaluation | None = None
) -> str:
    """Return a French remark if the model seems trained on test images, "" otherwise; never a mark.

    A network knows the images it was trained on: its loss is lower on them than on others drawn from the
    same source, and that gap betrays which were which (Yeom et al., 2018, Privacy Risk in Machine Learning).
    An honest network therefore does at least as well on training images as on test images, both seen without
    dropout or augmentation. Three things are looked at:

    - test accuracy above training accuracy by more than 2 points, beyond sampling (95 %);
    - test loss below training loss by more than 5 % and 4 standard errors, which is finer;
    - on real images, test accuracy surely above 0.90: three 5x5 convolutions and 1.2 million weights learn
      the training images by heart long before. It catches a network trained on both sets, without a gap.

    What stays hidden: a little training on test images (measured on the lab's network at 0.71: two epochs on
    them pass, three do not; from scratch on them alone, three pass, five do not), the choice of an epoch or
    of settings by test accuracy, a network trained on both sets and stopped early.

    Args:
        sample: how many training images to look at, evenly spread.
        evaluation: result of ``evaluate(model, data)`` if it is at hand, not to compute it again.
    """
    test = evaluation or evaluate(model, data)
    if test.data != data.name:
        raise french_error(f"L'évaluation porte sur « {test.data} », et les données sont « {data.name} ».")
    chosen = np.linspace(0, len(data.x_train) - 1, min(sample, len(data.x_train))).astype(int)
    known = evaluate(
        model, dataclasses.replace(data, x_test=data.x_train[chosen], y_test=data.y_train[chosen])
    )
    remarks = []
    right, images = int(test.correct.sum()), len(test.labels)
    if wilson_difference(right, images, int(known.correct.sum()), len(chosen))[0] > 0.02:
        remarks.append(
            f"l'exactitude est de {percent(test.accuracy)} sur les images de test contre "
            f"{percent(known.accuracy)} sur {thousands(len(chosen))} images d'entraînement"
        )
    error = math.hypot(*(run.losses.std() / math.sqrt(len(run.labels)) for run in (test, known)))
    if known.loss - test.loss > max(4 * error, 0.05 * known.loss):
        remarks.append(
            f"la perte est de {decimal(test.loss)} sur les images de test contre {decimal(known.loss)} sur "
            "des images d'entraînement"
        )
    if not data.demo and test.interval[0] > CEILING:
        remarks.append(
            f"l'exactitude de test, {percent(test.accuracy)}, dépasse ce qu'atteint le réseau du lab "
            f"({percent(CEILING)} au plus)"
        )
    if not remarks:
        return ""
    return typographic(
        f"À regarder de près : {' ; '.join(remarks)}. Le réseau du lab, entraîné sur les seules images "
        "d'entraînement, ne donne pas cela. Ce n'est pas une preuve : demandez comment il a été entraîné."
    )
