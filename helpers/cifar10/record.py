"""The callback that files a training epoch by epoch, takes it up again where it stopped, and shows it."""

import contextlib
import csv
import math
import os
import re
import time
from pathlib import Path

import keras
import numpy as np

from ..french import count, plain, thousands, typographic
from ..notebook.interrupts import Interruption
from ..notebook.running_cell import notebook_shell
from ..plotting.figure import Picture
from ..plotting.learning import training_curves
from ..plotting.waiting import Prediction, Waiting
from . import checkpoint
from .checkpoint import SAVES, RecordError, whole_file
from .dataset import Cifar10
from .live import View
from .recipe import STAND_IN, difference, recipe

BEST, HISTORY = "best.keras", "history.csv"  # files of a record's folder
_STOPPED = "stopped-"  # file: after how many epochs another callback stopped, of how many
_LONGEST = 1_000_000  # characters read of a history
_NOT_METRICS = ("epoch", "seconds", "batches")  # columns of the history


def grading() -> bool:
    """Say whether submissions are being marked: nothing is trained then."""
    return os.environ.get("LAB_GRADING") == "1"


class TrainingRecord(keras.callbacks.Callback):
    """Record of one training: a callback of ``fit``, which also takes up a lost session.

    After each epoch its folder, ``<folder>/<name>-<data.name>``, holds

    - ``best.keras``: the model of the best epoch (validation accuracy; training accuracy where there is no
      validation), in float32 and without optimizer;
    - ``last-007.keras``: model, optimizer and record after the last epoch, here the seventh (and the sixth);
    - ``history.csv``: the metrics of every epoch, to read.

    Running the cell again restores the last epoch's weights and optimizer and trains the missing epochs.
    One folder takes one recipe: another network, optimizer or loss under the same name is refused. Batch size
    and number of epochs may change; a change of batch size is told. With LAB_GRADING=1 in the environment,
    what is recorded is restored and nothing is trained.

    Args:
        name: what the recipe is called, such as "simple".
        data: the images; records on other images go to another folder.
        folder: where the folders of all recipes are; by default the environment variable LAB_RECORDS, else
            "sauvegardes".

    Attributes:
        history: dict of lists, one number per epoch: "loss", "accuracy", and with validation "val_loss" and
            "val_accuracy" (NaN for an epoch that has none).
        best_epoch: the best epoch, from 1; None before the first.
        best_path: the file of its model.
        images: on how many it is trained, such as "10 000 images", for a figure.

    Raises:
        RecordError: the name cannot be a folder's, or the data are not from ``load_cifar10``; from ``fit``,
            the recipe is not the recorded one or does not measure accuracy.
    """

    def __init__(self, name: str, data: Cifar10, folder: str | os.PathLike | None = None):
        super().__init__()
        if not isinstance(data, Cifar10):
            raise RecordError(
                "TrainingRecord attend en deuxième argument les données de load_cifar10(), "
                'par exemple `TrainingRecord("simple", donnees)`.'
            )
        self.name, self._view = name, None
        self._filed, self.images = len(data.x_train), count(len(data.x_train), "image")
        recipe_name = checkpoint.file_name(name)
        self.folder = checkpoint.records_folder(folder) / f"{recipe_name}-{data.name}"
        if grading() and not self.folder.is_dir():  # what was handed in does not lie where it was made
            self.folder = _handed_in_as(recipe_name, data.name)
        self._title = f"« {name} » sur {data.name}"
        self._training, self._interruption = False, Interruption()
        found = checkpoint.read(self.folder)
        self._record = found[1] if found else self._handed_in() if grading() else _nothing()

    @property
    def history(self) -> dict[str, list[float]]:
        return _columns(self._record["epochs"])

    @property
    def best_epoch(self) -> int | None:
        return self._record["best"]

    @property
    def best_path(self) -> Path:
        return self.folder / BEST

    def erase(self):
        """Start this name afresh: its folder moves to ``anciens``, from where it can be brought back."""
        if self.folder.exists():
            target = checkpoint.set_aside(self.folder)
            print(typographic(f"« {self.name} » repart de zéro ; ce qui était enregistré est dans {target}."))
        else:
            print(typographic(f"« {self.name} » : rien n'était enregistré."))
        self._record = _nothing()

    def curves(self, prediction: Prediction = None) -> Picture | Waiting:
        """Return the figure of all recorded epochs; it takes the place of the live view of the running cell.

        Raises:
            ValueError: in French, no epoch is recorded.
        """
        shown = self._picture(prediction)
        if self._view is not None and not isinstance(shown, Waiting):
            self._view.give_way()
        return shown

    def __repr__(self):
        if not self._done:
            return typographic(f"{self._title} : aucune époque n'est enregistrée.")
        return self._picture().description

    def _repr_png_(self):
        return self.curves()._repr_png_() if self._done else None

    def _picture(self, prediction=None):
        best = {self.name: self.best_epoch}
        return training_curves({self.name: self.history}, best=best, prediction=prediction)

    # What Keras calls, in order.

    def on_train_begin(self, logs=None):
        self._epochs, self._steps = self.params["epochs"], self.params["steps"]
        self._diverged, self._step = False, 0
        found = checkpoint.read(self.folder)
        if found and not grading():
            if found[1]["recipe"].get(STAND_IN) and not recipe(self.model).get(STAND_IN):
                checkpoint.set_aside(self.folder)  # trained before the student's network was written
                found = None
            else:
                self._refuse_other_recipe(found[1])
        self._view = View(self.name, self._title, self._epochs)
        if grading():
            self._restore_for_grading(found)
            return
        checkpoint.remove_partial(self.folder)
        if found:
            self._take_up(*found)
        else:
            self._start_afresh()
        if "categorical_crossentropy" not in _name(self.model.loss):
            self._view.say(
                f"La perte de ce modèle est {_name(self.model.loss)} : pour reconnaître dix classes, "
                'compilez avec `"sparse_categorical_crossentropy"`.'
            )
        self._training = True
        self._interruption.listen()
        self._watch_cell()

    def on_epoch_begin(self, epoch, logs=None):
        self.model._initial_epoch = None  # it has served; another fit of this model starts where it says
        self._number, self._step, self._compiled = epoch + 1, 0, None
        self._begun = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self._interruption.raise_if_lost()
        self._step, now = batch + 1, time.monotonic()
        if self._compiled is None:  # the first batch compiles the network: the others tell the speed
            if "accuracy" not in logs:
                raise RecordError(
                    'Il manque la mesure de l\'exactitude : compilez avec `metrics=["accuracy"]`, '
                    "puis exécutez de nouveau cette cellule."
                )
            self._compiled, self._told = (now, self._step, self._images()), now
            self._compare_images((self.params["steps"] or 0) * self._images())
        if not math.isfinite(logs["loss"]):
            self._diverged = self.model.stop_training = True
        elif now - self._told >= self._view.period:
            self._tell(now)

    def on_test_begin(self, logs=None):
        if self._training and not self._diverged:
            self._view.progress(self._number, None, self._steps)

    def on_epoch_end(self, epoch, logs=None):
        if self._diverged:
            return
        self._steps = self._step
        rows = self._record["epochs"]
        if rows and rows[-1]["batches"] != self._steps:
            self._view.say(
                f"Lots par époque : {rows[-1]['batches']} jusqu'ici, {self._steps} désormais "
                "(la taille des lots ou la part de validation a changé)."
            )
        if "val_accuracy" not in logs and not rows:
            self._view.say(
                "Cet entraînement n'a pas de validation : ajoutez `validation_split=0.1` à `fit` pour voir "
                "où il surapprend."
            )
        seconds = round(time.monotonic() - self._begun, 2)
        row = {"epoch": self._number, "seconds": seconds, "batches": self._steps}
        rows.append({**row, **{key: float(value) for key, value in logs.items()}})
        scores, best = _monitored(self.history), self.best_epoch
        if best is None or scores[-1] > scores[best - 1] or math.isnan(scores[best - 1]):
            self._record["best"] = self._number
        self._record["iterations"] = self._iterations()
        self._save()
        self._view.show(self.history, self.best_epoch)

    def on_train_end(self, logs=None):
        self.model._initial_epoch = None
        self._interruption.stop()
        if not self._training:
            return
        self._training = False
        if self._diverged:
            self._view.end(
                f"La perte n'est plus un nombre (époque {self._number}) : l'entraînement s'arrête là. "
                "Divisez le taux d'apprentissage (learning_rate) par 10, reconstruisez le modèle "
                "et donnez un autre nom à TrainingRecord."
            )
        elif self._done:
            if self.model.stop_training and self._done < self._epochs:
                # Another callback, such as EarlyStopping, has decided: nothing is left to train. A file says
                # so, no checkpoint: that callback may have given the model the weights of another epoch.
                self._guard((self.folder / f"{_STOPPED}{self._done}-of-{self._epochs}").touch)
            self._view.end(f"terminé : {count(self._done, 'époque')}, tout est dans {self.folder}")
            self.model.history.epoch = list(range(self._done))
            self.model.history.history = self.history

    # How it is done.

    @property
    def _done(self):
        return len(self._record["epochs"])

    def _start_afresh(self):
        self._record = {**_nothing(), "recipe": recipe(self.model)}
        if any(self.folder.glob("*.keras")):
            self._view.say(
                f"Les fichiers de {self.folder} sont abîmés ou incomplets : l'entraînement repart de zéro, "
                f"et ils sont gardés dans {checkpoint.set_aside(self.folder)}."
            )
        if self._iterations():
            self._view.say(
                "Ce modèle a déjà appris : ces courbes partent de là où il en est. Pour partir de zéro, "
                "interrompez, exécutez la cellule qui le construit, puis celle-ci."
            )

    def _refuse_other_recipe(self, record):
        changed = difference(record["recipe"], recipe(self.model), ignore_rate=self._is_in_memory(record))
        if changed:
            raise RecordError(
                f"« {self.name} » est déjà le nom d'une autre recette ({changed}) : donnez un autre nom à "
                "TrainingRecord, ou appelez sa méthode erase() pour ranger l'ancienne et repartir de zéro."
            )

    def _take_up(self, path, record):
        rate = self._rate() if self._is_in_memory(record) else None
        self._restore(path, record)
        if rate not in (None, self._rate()):  # lowered by a callback that comes after this one, or by hand
            self.model.optimizer.learning_rate = rate
            self._view.say(f"Le taux d'apprentissage est désormais {plain(rate, 6)}.")
        newest = checkpoint.newest_first(self.folder)[0]
        if newest != path:
            self._view.say(f"{newest.name} est abîmé : reprise au point de sauvegarde précédent.")
        if self.best_epoch != self._done and not checkpoint.is_whole(self.best_path):
            self._view.say(
                f"{self.best_path} manque ou est abîmé : le modèle de l'époque {self._done} le remplace."
            )
            record["best"] = self._done
        if self.best_epoch == self._done:  # a kill may have come between the two files
            self._guard(checkpoint.write_portable, self.best_path, self.model)
        self._view.show(self.history, self.best_epoch)
        stops = (path.name.rpartition("-")[2] for path in self.folder.glob(f"{_STOPPED}{self._done}-of-*"))
        if max([self._done, *map(int, filter(str.isdecimal, stops))]) >= self._epochs:
            self.model._initial_epoch = self._epochs
        else:
            self.model._initial_epoch = self._done
            self._view.say(f"Reprise après l'époque {self._done}.")

    def _handed_in(self):
        """Return what a submission holds of a record: its table, without the checkpoints."""
        with contextlib.suppress(RecordError, KeyError, ValueError):
            rows = _read_rows(self.folder)
            return {**_nothing(), "epochs": rows, "best": int(np.nanargmax(_monitored(_columns(rows)))) + 1}
        return _nothing()

    def _restore_for_grading(self, found):
        self.model._initial_epoch = self._epochs
        if found:
            try:
                self._restore(*found)
                outcome = f"Correction : {count(self._done, 'époque')} en mémoire, rien n'est entraîné."
            except RecordError:
                outcome = f"Le réseau enregistré dans {self.folder} n'est pas celui du carnet."
        elif self._done:
            outcome = f"Correction : journal de {self.folder.name} relu, rien n'est entraîné."
        else:
            outcome = f"Rien n'est enregistré dans {self.folder}, et la correction n'entraîne pas."
        if self._done:
            self._view.show(self.history, self.best_epoch)
        self._view.end(outcome)

    def _restore(self, path, record):
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        try:
            self.model.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise RecordError(
                f"Keras ne relit pas {path} dans ce modèle : donnez un autre nom à TrainingRecord."
            ) from error
        self._record = record

    def _save(self):
        self._guard(checkpoint.write, self.folder, self.model, self._record)
        if self.best_epoch == self._done:
            self._guard(checkpoint.write_portable, self.best_path, self.model)
        self._guard(_write_table, self.folder / HISTORY, self._record["epochs"])

    def _guard(self, save, *arguments):
        """Save something; a full disk or a lost Drive is told, and training goes on."""
        try:
            save(*arguments)
        except OSError as error:
            self._view.say(
                f"Impossible d'écrire dans {self.folder} ({error.strerror or error}) : l'entraînement "
                "continue, mais rien de neuf n'est gardé. Libérez de la place sur le disque."
            )

    def _compare_images(self, seen):
        """Compare how many images an epoch goes through, about, with those under which it is filed."""
        if not seen or self._filed / 2 <= seen <= self._filed + self._images():
            return
        told = (
            f"Cet entraînement voit environ {thousands(round(seen))} images par époque, et son journal est "
            f"celui de {self.images}"
        )
        if seen < self._filed:
            self._view.say(f"{told} : ses résultats ne se comparent pas à ceux des autres.")
            return
        raise RecordError(
            f"{told} : exécutez `(x_train, y_train), (x_test, y_test) = donnees` après `donnees = "
            "donnees.subset(...)`, puis de nouveau cette cellule."
        )

    def _tell(self, now):
        self._told = now
        begun, first, images = self._compiled
        speed = left = run_left = None
        if self._step > first:
            step_time = (now - begun) / (self._step - first)
            speed = (self._images() - images) / (now - begun)
            if self._steps:
                left = (self._steps - self._step) * step_time
                run_left = left + (self._epochs - self._number) * self._steps * step_time
        self._view.progress(self._number, self._step, self._steps, speed, left, run_left)

    def _images(self):
        """Return how many images this epoch has seen: those over which Keras averages the loss."""
        return _number(self.model.metrics[0].count)

    def _iterations(self):
        return int(_number(self.model.optimizer.iterations))

    def _rate(self):
        return _number(self.model.optimizer.learning_rate)

    def _is_in_memory(self, record):
        """Say whether the model is the one that this record has trained, not one built anew."""
        return self._iterations() == record["iterations"]

    def _watch_cell(self):
        """Tell of an interruption, of which Keras does not tell: the cell ends, and ``fit`` has not."""
        shell = notebook_shell()
        if shell is None:
            return

        def cell_ended(result):
            shell.events.unregister("post_run_cell", cell_ended)
            if not self._training:
                return
            self._training = False
            interrupted = isinstance(result.error_in_exec, KeyboardInterrupt)
            what = "interrompu" if interrupted else "arrêté par une erreur"
            if isinstance(result.error_in_exec, ValueError) and not self._step:
                what = f"{_labels_for(self.model.loss)} L'entraînement s'est arrêté"
            if not self._done:
                self._view.end(f"{what} avant la fin de la première époque : rien n'est enregistré")
                return
            self._view.end(
                f"{what} : {count(self._done, 'époque')} en tout, le meilleur modèle est gardé (époque "
                f"{self.best_epoch}) ; exécutez de nouveau cette cellule pour continuer"
            )

        shell.events.register("post_run_cell", cell_ended)


def _handed_in_as(recipe, images) -> Path:
    """Return where a submission holds a record: under its name, its recipe's, or the only one without one."""
    sent = {path.parent.name: path.parent for path in sorted(Path(SAVES).rglob(BEST))}
    nameless = [name for name in sent if not re.search(r"-(cifar10|demonstration)-\d+$", name)]
    for name in (f"{recipe}-{images}", recipe, *(nameless if len(nameless) == 1 else ())):
        if name in sent:
            return sent[name]
    return Path(SAVES, f"{recipe}-{images}")


def read_history(folder: str | os.PathLike) -> dict[str, list[float]]:
    """Read the history of a record's folder, as ``TrainingRecord.history`` gives it.

    Raises:
        RecordError: there is none, or it cannot be read.
    """
    return _columns(_read_rows(folder))


def _read_rows(folder):
    try:
        with open(Path(folder, HISTORY), newline="", encoding="utf-8") as file:
            lines = file.read(_LONGEST).splitlines()
        rows = [{key: float(text) for key, text in row.items()} for row in csv.DictReader(lines)]
    except (OSError, ValueError, TypeError, csv.Error):
        rows = []
    if not _columns(rows):
        raise RecordError(
            f"Aucun journal lisible dans {folder} : exécutez d'abord la cellule d'entraînement."
        )
    return rows


def _columns(rows):
    """Return the metrics of all epochs by name, NaN where an epoch has none."""
    metrics = dict.fromkeys(key for row in rows for key in row if key not in _NOT_METRICS)
    return {key: [row.get(key, math.nan) for row in rows] for key in metrics}


def _monitored(history):
    """Return the scores that decide which epoch is the best."""
    return history["val_accuracy"] if "val_accuracy" in history else history["accuracy"]


def _write_table(path, rows):
    with whole_file(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [*_NOT_METRICS, *_columns(rows)], restval=math.nan)
        table.writeheader()
        table.writerows(rows)


def _name(loss):
    return str(loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", loss)))


def _labels_for(loss):
    """Say in French which labels a loss takes: the usual cause of an error at the first batch."""
    if _name(loss).startswith("sparse"):
        return (
            "La perte sparse_categorical_crossentropy veut des étiquettes de 0 à 9, y_train tel quel. Si "
            "y_train est passé par to_categorical, prenez categorical_crossentropy."
        )
    return (
        f"La perte {_name(loss)} veut une étiquette de dix nombres par image : donnez à fit "
        "keras.utils.to_categorical(y_train) à la place de y_train, puis exécutez de nouveau la cellule qui "
        "construit le modèle."
    )


def _nothing():
    return {"recipe": None, "iterations": 0, "epochs": [], "best": None}


def _number(variable):
    return float(keras.ops.convert_to_numpy(variable))  # a variable may lie on several devices
