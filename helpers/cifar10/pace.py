"""How long an epoch takes on this machine, and the batch size and number of epochs that follow."""

import contextlib
import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass

import keras
import tensorflow as tf

from ..french import count, duration, plain, thousands, typographic
from .checkpoint import RecordError, records_folder, same_randomness, untrained_copy, whole_file
from .dataset import Cifar10
from .recipe import recipe
from .record import grading

BATCHES, USUAL_BATCH = (64, 128, 256), 128
CLEARLY = 1.15  # another batch size is proposed where it trains this many times as many images per second
FEWEST_EPOCHS, MOST_EPOCHS = 8, 30  # the fewest show what comes after the best epoch
VALIDATION_SHARE = 0.1  # of the training images, as in the notebook's validation_split
MEASURED = 1.5  # seconds of training measured for each batch size
FEWEST_BATCHES, MOST_BATCHES = 3, 100
EVALUATED = 8  # batches on which validation is measured


@dataclass(frozen=True, repr=False)
class Pace:
    """What to train with on this machine.

    Attributes:
        batch_size: images per gradient step.
        epochs: passes over the training images that fit into the minutes given.
        seconds_per_epoch: training on nine images out of ten, validation on the tenth; None if not measured.
        images_per_second: in training; None if not measured.
    """

    batch_size: int
    epochs: int
    seconds_per_epoch: float | None = None
    images_per_second: float | None = None

    def __repr__(self):
        proposal = f"{count(self.epochs, 'époque')} par lots de {self.batch_size} images"
        if self.seconds_per_epoch is None:
            return typographic(f"Sans mesure : {proposal}.")
        total = duration(self.epochs * self.seconds_per_epoch)
        return typographic(
            f"Sur cette machine : environ {duration(self.seconds_per_epoch)} par époque "
            f"({thousands(round(self.images_per_second))} images/s). Proposition : {proposal}, soit {total}."
        )


def calibrate(model: keras.Model, data: Cifar10, minutes: float = 15) -> Pace:
    """Train a copy of the model on a few batches of each size; propose a batch size and a number of epochs.

    The model, its optimizer and the random generators stay as they were. Batches of 128 are proposed unless
    others train at least 15 % more images per second, and from 8 to 30 epochs. The measure is kept in
    ``calibration.json`` beside the records: a session taken up later proposes the same numbers, as it must
    for a learning-rate schedule to go on. Demonstration data and marking (LAB_GRADING=1) get fixed numbers.

    Raises:
        RecordError: a model that is not compiled, other data, or no time at all.
    """
    if not isinstance(data, Cifar10):
        raise RecordError("calibrate attend en deuxième argument les données de load_cifar10().")
    if not getattr(model, "compiled", False):
        raise RecordError("Compilez le modèle (modele.compile) avant de calibrer.")
    if not minutes > 0:
        raise RecordError("Il faut un temps (minutes) positif.")
    asked = f"Réglages : taille des lots et nombre d'époques pour {plain(minutes)} min."
    print(typographic(asked), flush=True)
    path = records_folder() / "calibration.json"
    kept, key = _read(path), _key(model, data, minutes)
    if data.demo:
        result = Pace(batch_size=32, epochs=4)
    elif key in kept:
        print(typographic(f"Mesuré auparavant ; supprimez {path} pour mesurer de nouveau."))
        result = kept[key]
    elif grading():
        result = Pace(batch_size=USUAL_BATCH, epochs=MOST_EPOCHS)
    else:
        print("Mesure en cours, une dizaine de secondes…", flush=True)
        with same_randomness():
            result = _measure(model, data, minutes)
        with contextlib.suppress(OSError), whole_file(path) as partial:  # a read-only disk: measured anew
            measures = {name: asdict(pace) for name, pace in {**kept, key: result}.items()}
            partial.write_text(json.dumps(measures, indent=1))
        print("Terminé.")
    return result


def _measure(model, data, minutes):
    images, labels = data.x_train, data.y_train
    sizes = [size for size in BATCHES if size * (FEWEST_BATCHES + 1) <= len(images)] or [min(BATCHES)]
    strategy = model.distribute_strategy
    with strategy.scope() if strategy else contextlib.nullcontext():
        trial = untrained_copy(model)
        trial.compile(
            optimizer=type(model.optimizer).from_config(model.optimizer.get_config()),
            loss=model.loss,
            jit_compile=model.jit_compile,
        )
    speeds = {size: _speed(trial.fit, images, labels, size) for size in sizes}
    best = max(speeds, key=speeds.get)
    usual = USUAL_BATCH if USUAL_BATCH in speeds else min(speeds)
    chosen = best if speeds[best] > CLEARLY * speeds[usual] else usual
    held_out = round(VALIDATION_SHARE * len(images))
    few = slice(EVALUATED * chosen)
    validation = _speed(trial.evaluate, images[few], labels[few], max(1, min(chosen, len(images) // 4)))
    seconds = (len(images) - held_out) / speeds[chosen] + held_out / validation
    epochs = min(max(math.floor(60 * minutes / seconds), FEWEST_EPOCHS), MOST_EPOCHS)
    return Pace(chosen, epochs, seconds, speeds[chosen])


def _speed(method, images, labels, size):
    """Return images per second of ``fit`` or ``evaluate``, by whole batches."""
    watch = _Stopwatch()
    size = min(size, len(images))
    whole = slice(size * min(len(images) // size, MOST_BATCHES))
    # Unshuffled: shuffling would draw from TensorFlow's generator.
    options = {"epochs": MOST_BATCHES, "shuffle": False} if method.__name__ == "fit" else {}
    method(images[whole], labels[whole], batch_size=size, verbose=0, callbacks=[watch], **options)
    return size * watch.batches / max(watch.seconds, 1e-9)


class _Stopwatch(keras.callbacks.Callback):
    """Counts and times batches, except the first, which compiles; stops ``fit`` when it has seen enough."""

    def __init__(self):
        super().__init__()
        self.batches, self.seconds, self._begun = -1, 0.0, 0.0

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if self.batches < 0:
            self._begun = now
        self.batches += 1
        self.seconds = now - self._begun
        if self.batches >= FEWEST_BATCHES and self.seconds >= MEASURED:
            self.model.stop_training = True

    on_test_batch_end = on_train_batch_end


def _key(model, data, minutes):
    """Name what the proposal depends on, in ``calibration.json``."""
    layers = [setting for setting in recipe(model).items() if setting[0].startswith("couche")]
    network = hashlib.sha256(json.dumps(layers).encode()).hexdigest()[:12]
    devices = [device.device_type for device in tf.config.list_logical_devices()]
    return f"{data.name}, {minutes:g} min, {'+'.join(devices)}, {network}"


def _read(path):
    """Return the measures kept, by key; none where the file is missing or damaged."""
    try:
        return {key: Pace(**fields) for key, fields in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
