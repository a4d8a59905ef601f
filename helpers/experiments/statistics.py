"""What many starts allow to say: how many succeed, and how sure that is."""

import math

import numpy as np

from ..engine.training import Run


def successes(run: Run, target: float) -> int:
    """Count the starts whose test loss came down to ``target`` at some epoch."""
    return int(np.sum(worst_if_nan(run.test_loss).min(axis=1) <= target))


def successes_at_the_end(run: Run, target: float) -> int:
    """Count the starts whose test loss is at most ``target`` at the last epoch: those that succeed."""
    return int(np.sum(worst_if_nan(run.test_loss[:, -1]) <= target))


def wilson(wins: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (Wilson, 1927), 95 % by default."""
    share = wins / trials
    centre = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def wilson_difference(wins: int, trials: int, other_wins: int, other_trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion minus another one, from independent trials.

    Source: Newcombe (1998), method 10, which joins the two Wilson intervals. Two Wilson intervals may overlap
    although the difference is established.
    """
    share, other = wins / trials, other_wins / other_trials
    low, high = wilson(wins, trials)
    other_low, other_high = wilson(other_wins, other_trials)
    difference = share - other
    return (
        difference - math.hypot(share - low, other_high - other),
        difference + math.hypot(high - share, other - other_low),
    )


def worst_if_nan(losses: np.ndarray) -> np.ndarray:
    """Return losses with infinity for a diverged run, so that it counts as the worst."""
    return np.where(np.isnan(losses), np.inf, losses)
