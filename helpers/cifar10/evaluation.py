"""What a classifier is worth on the test images: accuracy and how sure it is, errors, reliability."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import keras
import numpy as np

from ..experiments.statistics import wilson
from ..french import decimal, french_error, percent, quoted, thousands, typographic
from .dataset import CLASSES, Cifar10

SMALLEST = 1e-7  # a probability below counts as this in a loss, as in Keras


class Reliability(NamedTuple):
    """How often the model is right when it says how sure it is, in intervals of confidence ]low, high].

    Source: Guo, Pleiss, Sun and Weinberger (2017), On Calibration of Modern Neural Networks.
    """

    counts: np.ndarray  # (bins,) int, images in each interval
    confidences: np.ndarray  # (bins,) float64, mean in each; NaN where there is no image
    accuracies: np.ndarray  # (bins,) float64, likewise
    error: float  # expected calibration error: the mean distance of these two, each interval by its images


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A classifier's answers on test images, and what follows from them.

    Attributes:
        probabilities: (m, 10) float32, rows sum to 1.
        labels: (m,) int64, true classes, indices in ``CLASSES``.
        data: name of the data, see ``Cifar10.name``: results under two names are never mixed.
        note: of the data, see ``Cifar10.note``.
        softmax: True where the model gave no probabilities, and softmax was applied to its outputs here.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    data: str
    note: str = ""
    softmax: bool = False

    @cached_property
    def predicted(self) -> np.ndarray:
        """The most probable class of each image, (m,) int64."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """Whether each answer is right, (m,) bool."""
        return self.predicted == self.labels

    @property
    def confidence(self) -> np.ndarray:
        """The probability given to the predicted class, (m,) float32."""
        return self.probabilities.max(axis=1)

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float(self.correct.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the accuracy: what other test images could have given."""
        return wilson(int(self.correct.sum()), len(self.labels))

    @property
    def losses(self) -> np.ndarray:
        """The cross-entropy of each image in nats, (m,) float64."""
        given = self.probabilities[np.arange(len(self.labels)), self.labels].astype(np.float64)
        return -np.log(np.maximum(given, SMALLEST))

    @property
    def loss(self) -> float:
        """The mean cross-entropy in nats."""
        return float(self.losses.mean())

    @cached_property
    def confusion(self) -> np.ndarray:
        """How many images of each true class (rows) got each answer (columns), (10, 10) int64."""
        pairs = self.labels * len(CLASSES) + self.predicted
        return np.bincount(pairs, minlength=len(CLASSES) ** 2).reshape(len(CLASSES), -1)

    @property
    def per_class(self) -> np.ndarray:
        """The accuracy on each true class, (10,) float64; NaN for a class without images."""
        totals = self.confusion.sum(axis=1)
        return np.where(totals, self.confusion.diagonal() / np.maximum(totals, 1), np.nan)

    def most_confused(self, n: int = 5) -> list[tuple[str, str, int]]:
        """Return the n most frequent errors as (true class, answer, how many), most frequent first."""
        errors = self.confusion - np.diag(self.confusion.diagonal())
        order = np.argsort(-errors, axis=None, kind="stable")[:n]
        pairs = zip(*np.unravel_index(order, errors.shape), strict=True)
        return [(CLASSES[i], CLASSES[j], int(errors[i, j])) for i, j in pairs if errors[i, j]]

    def most_confident_errors(self, n: int = 10) -> np.ndarray:
        """Return the indices of n wrong answers, the surest first, (at most n,) int64."""
        wrong = np.flatnonzero(~self.correct)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:n]

    def reliability(self, bins: int = 15) -> Reliability:
        """Compare confidence with accuracy in ``bins`` intervals of equal width."""
        confidence = self.confidence.astype(np.float64)
        place = np.clip(np.searchsorted(np.linspace(0, 1, bins + 1), confidence) - 1, 0, bins - 1)
        counts = np.bincount(place, minlength=bins)
        confidences, accuracies = (
            np.where(counts, np.bincount(place, values, bins) / np.maximum(counts, 1), np.nan)
            for values in (confidence, self.correct)
        )
        error = np.nansum(counts * np.abs(accuracies - confidences)) / counts.sum()
        return Reliability(counts, confidences, accuracies, float(error))

    def __repr__(self):
        low, high = self.interval
        return typographic(
            f"Exactitude sur {thousands(len(self.labels))} images de test : {percent(self.accuracy)} "
            f"(intervalle à 95 % : {decimal(100 * low, 1)} à {percent(high)})"
            + " ; le modèle finit sans softmax, appliquée ici" * self.softmax
            + f" [{self.note}]" * bool(self.note)
        )


def evaluate(model: keras.Model, data: Cifar10, batch_size: int = 500) -> Evaluation:
    """Ask the model for the class of every test image, quietly and a batch at a time.

    The model is any Keras classifier of (32, 32, 3) images; ``input_scale`` says in which unit it wants them.
    Probabilities are expected; softmax is applied to anything else, such as logits.

    Raises:
        ValueError: in French, for something else than a model and data, an output that is not 10 finite
            numbers an image, or images of another shape than what the model takes.
    """
    if not isinstance(model, keras.Model):
        raise french_error(f"Le premier argument doit être un modèle Keras, et non {quoted(model)}.")
    if not isinstance(data, Cifar10):
        raise french_error(f"Donnez ensuite le résultat de load_cifar10(), et non {quoted(data)}.")
    scale, outputs = input_scale(model), []
    for start in range(0, len(data.x_test), batch_size):
        images = data.x_test[start : start + batch_size].astype(np.float32) * np.float32(scale)
        # Not predict: under a strategy its batches are split and repeated; mixed precision gives float16.
        outputs.append(np.asarray(keras.ops.cast(model(images, training=False), "float32"), np.float64))
    outputs = np.concatenate(outputs)
    if not np.isfinite(outputs).all():
        raise french_error(
            "Les sorties du modèle ne sont pas des nombres finis : son entraînement a divergé. "
            "Reprenez avec un taux d'apprentissage plus petit."
        )
    sums = outputs.sum(axis=1, keepdims=True)
    softmax = bool((outputs < 0).any() or (np.abs(sums - 1) > 0.05).any())  # half precision sums are rough
    if softmax:
        outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        sums = outputs.sum(axis=1, keepdims=True)
    labels = np.asarray(data.y_test).ravel().astype(np.int64)
    return Evaluation((outputs / sums).astype(np.float32), labels, data.name, data.note, softmax)


def input_scale(model: keras.Model) -> float:
    """Return what to multiply images in 0..255 by before giving them to this model: 1 or 1/255.

    A white image shows it: a model that scales its inputs by itself (Rescaling, Normalization, a division)
    brings 255 down to a few units before its first layer of weights; else images are expected in 0..1.
    """
    white = np.full((1, 32, 32, 3), 255, np.float32)
    for layer, received, _ in layer_calls(model, white):
        if any(weight.name.endswith("kernel") for weight in layer.weights):
            return 1.0 if np.abs(received).max() < 32 else 1 / 255
    return 1 / 255


def layer_calls(model: keras.Model, images: np.ndarray) -> list[tuple[keras.Layer, np.ndarray, np.ndarray]]:
    """Run the model and return what each layer received and gave, in the order of computation.

    Works for whatever holds layers: Sequential, functional, nested or subclassed models, a layer used twice,
    or in another model as well (where its ``output`` may be that of the other).

    The images, (n, 32, 32, 3) float32, are in the unit that the model wants, which is built if it is not.

    Raises:
        ValueError: in French, for a model that does not take such images.
    """
    calls, plain_call = [], keras.Layer.__call__

    def watched_call(layer, *args, **kwargs):
        given = plain_call(layer, *args, **kwargs)
        received = [*args, *kwargs.values()][0]
        if not isinstance(layer, keras.Model) and all(hasattr(value, "shape") for value in (received, given)):
            calls.append((layer, _array(received), _array(given)))
        return given

    try:
        if isinstance(model, keras.Sequential) and not model.built:
            model.build((None, *images.shape[1:]))  # or it would fix the number of images
        keras.Layer.__call__ = watched_call
        output = model(images, training=False)
    except Exception as error:
        reason = quoted(error, 120)
        raise french_error(f"Le modèle n'accepte pas des images de forme (32, 32, 3) : {reason}") from error
    finally:
        keras.Layer.__call__ = plain_call
    if getattr(output, "shape", None) is None or tuple(output.shape) != (len(images), len(CLASSES)):
        shape = tuple(getattr(output, "shape", ()))[1:]
        raise french_error(
            f"Le modèle donne une sortie de forme {shape} par image, et il en faut une de forme (10,) : "
            'terminez-le par `Dense(10, activation="softmax")`.'
        )
    return calls


def _array(tensor):
    return np.asarray(keras.ops.cast(tensor, "float32"))
