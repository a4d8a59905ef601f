"""The journal of trials: every experiment that was trained, best test loss first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..config import PlaygroundConfig


@dataclass(frozen=True)
class Trial:
    """One experiment as it stood when it was paused, reset or changed.

    Attributes:
        config: what was trained, ``epochs`` and ``resets`` included.
        train_loss, test_loss: the losses after that many epochs; NaN for a run that diverged.
        replayable: whether the address alone gives this result again: False once a rate or a weight was
            changed on the way.
    """

    config: PlaygroundConfig
    train_loss: float
    test_loss: float
    replayable: bool

    @property
    def url(self) -> str:
        return self.config.to_url()

    @property
    def rank(self) -> tuple:
        """Key to sort by: best test loss first, diverged runs last."""
        return (math.isnan(self.test_loss), self.test_loss)


class Journal:
    """Trials by the run that they belong to: training on updates a trial, a new run adds one."""

    def __init__(self):
        self._trials: dict[int, Trial] = {}

    def record(self, key: int, trial: Trial):
        """Add the trial of a run, or bring it up to date."""
        self._trials[key] = trial

    @property
    def trials(self) -> list[Trial]:
        """Return a list of the trials, best test loss first."""
        return sorted(self._trials.values(), key=lambda trial: trial.rank)
