"""One student's session at the Playground: the current experiment, its run, undo and journal. No widget here.

A session is always able to say in one URL what it shows. Whatever restarts the network therefore
restarts it at the seed's first start (``resets=0``), where the site would go on drawing from wherever
its random stream happens to be; and the seed is kept when the data change, where the site draws another.
"""

import itertools
import math
import random
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from ..engine.config import PlaygroundConfig
from ..engine.data import half_squared_error
from ..engine.own_data import OwnData
from ..engine.state import from_json
from ..engine.training import Run
from ..french import decimal, plain

MAX_UNDO = 50
AT_ONCE = 10  # seconds of training that one click may take
HUGE = 1e6  # a loss that is shown as infinite
RATES = ("learning_rate", "regularization_rate")
APPEARANCE = ("show_test_data", "discretize")


@dataclass(frozen=True)
class _State:
    """What undo goes back to. Its run is never trained again once another state has taken its place."""

    config: PlaygroundConfig  # with resets; its epochs are the run's
    run: Run
    replayable: bool
    trial: int  # of the journal: a key
    edited_at: int | None = None  # epoch of the last weight edited by hand


@dataclass(frozen=True)
class Trial:
    """One experiment as it stood when it was paused, reset or changed.

    Attributes:
        config: what was trained, ``epochs`` and ``resets`` included.
        train_loss, test_loss: the losses after that many epochs; NaN for a run that diverged.
        replayable: whether the address alone gives this result again: False once a rate or a weight was
            changed on the way, and for points of one's own.
        own: these points, or None.
    """

    config: PlaygroundConfig
    train_loss: float
    test_loss: float
    replayable: bool
    own: OwnData | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return self.config.to_url()


class Session:
    """The experiment on the table and what was done before.

    Args:
        config: the first experiment; if it names epochs, they are trained, as by ``load``.
        own: points of one's own on which to train, or None for the site's; they decide of the problem.
    """

    def __init__(self, config: PlaygroundConfig, own: OwnData | None = None):
        self._trials: dict[int, Trial] = {}  # by the run that each belongs to
        self._keys = itertools.count()
        self._past: deque[_State] = deque(maxlen=MAX_UNDO)
        self._state = self._started(config, own)
        self._catch_up(config)

    @property
    def config(self) -> PlaygroundConfig:
        """The current experiment, with the epochs trained so far and the resets."""
        return self._state.config.replace(epochs=self.run.epoch)

    @property
    def run(self) -> Run:
        return self._state.run

    @property
    def replayable(self) -> bool:
        """Whether the URL alone leads to what is shown."""
        return self._state.replayable and self.run.own is None

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def losses(self) -> tuple[float, float]:
        """Return the training and test losses now: after an edited weight, the history does not know them."""
        if self.is_edited:
            return tuple(self.run.present_losses()[:, 0].tolist())
        return float(self.run.train_loss[0, -1]), float(self.run.test_loss[0, -1])

    @property
    def wrong(self) -> tuple[np.ndarray, np.ndarray]:
        """Return whether each training and each test point is on the wrong side; for classification."""
        halves = self.run.data.halves
        return tuple((self.run.predict(points)[0] >= 0) != (labels > 0) for points, labels in halves)

    @property
    def journal(self) -> list[Trial]:
        """The trials recorded so far, best test loss first, diverged runs last; one taken up again is one."""
        return sorted(
            set(self._trials.values()), key=lambda trial: (math.isnan(trial.test_loss), trial.test_loss)
        )

    @property
    def is_finite(self) -> bool:
        """Whether the network has not diverged."""
        numbers = itertools.chain(*self.run.parameters)
        shown = all(loss < HUGE for loss in self.losses)  # NaN compares false
        return shown and all(np.isfinite(array).all() for array in numbers)

    @property
    def blank_loss(self) -> float:
        """The training loss of a network that answers 0 everywhere."""
        return float(half_squared_error(0.0, self.run.data.train_labels).mean())

    @property
    def is_edited(self) -> bool:
        """Whether a weight has been set by hand and nothing trained since."""
        return self._state.edited_at == self.run.epoch

    def train(self, epochs: int, stop_epoch: float = math.nan, stop_loss: float = math.nan) -> str:
        """Train the current network on, but not past where it is to stop.

        Args:
            epochs: how many more, at most.
            stop_epoch: where to stop; NaN, or what lies behind, for nowhere.
            stop_loss: stop at the first epoch whose test loss comes down to it; NaN for never.

        Returns:
            The sentence that says why it stopped, or "".
        """
        twin, left = self.run.copy(), stop_epoch - self.run.epoch
        self.run.train(min(epochs, int(left)) if left > 0 else epochs)
        losses = self.run.test_loss[0, twin.epoch :]
        reached = np.flatnonzero((losses[:-1] > stop_loss) & (losses[1:] <= stop_loss))
        if reached.size:  # trained past it: train to it instead
            self._state = replace(self._state, run=twin.train(int(reached[0]) + 1))
            shown = f"{decimal(losses[reached[0] + 1], 5)}, pour {plain(stop_loss, 5)} demandé"
            return f"Arrêt à l'époque {twin.epoch} : la perte de test vaut {shown}."
        return f"Arrêt à l'époque {self.run.epoch}, comme demandé." if self.run.epoch == stop_epoch else ""

    def change(self, **changes):
        """Change controls. Rates and the appearance change in place; all others start anew.

        Raises:
            ValueError: a value that the Playground does not have.
        """
        config = self._state.config.replace(**changes)
        own = None if changes.keys() & {"dataset", "reg_dataset", "problem"} else self.run.own
        if config == self._state.config and own is self.run.own:
            return
        if changes.keys() <= set(APPEARANCE):
            self._state = replace(self._state, config=config)
        elif changes.keys() <= set(RATES):
            self._tune(config)
        else:
            self._go(self._started(config.replace(resets=0), own))

    def reset(self):
        """Go to the next random start of the same experiment."""
        config = self._state.config
        self._go(self._started(config.replace(resets=config.resets + 1), self.run.own))

    def restart(self):
        """Go back to the beginning of the same start."""
        self._go(self._started(self._state.config, self.run.own))

    def use(self, own: OwnData):
        """Take points of one's own in the place of the site's."""
        self._go(self._started(self._state.config.replace(resets=0), own))

    def regenerate(self):
        """Draw a new seed, hence new points and new weights; five decimals, as the site writes it."""
        self.change(seed=f"{random.SystemRandom().random():.5f}")  # never a seed the student has set

    def load(self, config: PlaygroundConfig, own: OwnData | None = None):
        """Take another experiment, and train it for the epochs that it names, or those that time lets."""
        self._go(self._started(config, own))
        self._catch_up(config)

    def open(self, text: str | bytes):
        """Take a trained network as ``engine.state`` writes it.

        Raises:
            ValueError: not such a text.
        """
        config, run = from_json(text)
        self._go(_State(config, run, False, next(self._keys)))

    def edit(self, layer: int, neuron: int, place: int, value: float):
        """Set a neuron's bias (place 0) or its weight number ``place`` (from 1); the output layer is last."""
        parameters = [tuple(np.array(array) for array in pair) for pair in self.run.parameters]
        weights, biases = parameters[layer]
        numbers = weights[0, place - 1] if place else biases[0]  # of all the layer's neurons
        if numbers[neuron] == value:
            return
        numbers[neuron] = value
        run = self.run.copy()
        run.parameters = parameters
        self._go(_State(self._state.config, run, False, next(self._keys), run.epoch))

    def undo(self):
        """Go back to how things stood just before the last change; without any, do nothing."""
        if self._past:
            self.record()
            self._state = self._past.pop()

    def forget(self):
        """Let go of what undo goes back to, megabytes; the journal and the current experiment stay."""
        self._past.clear()

    def record(self):
        """Enter the current run into the journal if it was trained: a run trained on keeps its one trial."""
        if self.run.epoch:
            train_loss, test_loss = self.losses
            self._trials[self._state.trial] = Trial(
                self.config, train_loss, test_loss, self.replayable, self.run.own
            )

    def _catch_up(self, config):
        if config.features:  # else it is shown as it is; ``train`` says why it goes no further
            self.run.train(config.epochs, AT_ONCE)

    def _started(self, config, own):
        config = config.replace(epochs=0, problem=own.problem if own else config.problem)
        return _State(config, Run(config, (config.resets,), own=own), True, next(self._keys))

    def _go(self, state):
        self.record()
        self._past.append(self._state)
        self._state = state

    def _tune(self, config):
        """Change a rate on the way. At epoch 0, or for a rate that is not in use, the URL stays true."""
        is_used = config.regularization != "none" or config.learning_rate != self.run.learning_rate
        replayable = self._state.replayable and not (self.run.epoch and is_used)
        run = self.run.copy()
        run.learning_rate = config.learning_rate
        run.regularization_rate = config.regularization_rate
        trial = self._state.trial if replayable else next(self._keys)
        self._go(_State(config, run, replayable, trial))
