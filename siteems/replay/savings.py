"""How certain a saving is: the confidence interval of a sum of daily savings, by bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

BLOCK_DAYS = 7
"""Weather and weekdays correlate over about a week, so whole weeks are drawn."""
DRAWS = 4000
SEED = 20260701


@dataclass(frozen=True)
class Interval:
    """A sum and its 95 % confidence interval."""

    total: float
    low: float
    high: float


def confidence(
    daily: Array, *, block_days: int = BLOCK_DAYS, draws: int = DRAWS, seed: int = SEED
) -> Interval:
    """95 % interval of the sum of `daily`, shape (n,), by circular block bootstrap (Politis and
    Romano, 1992).

    Blocks of consecutive days are drawn with replacement until there are n days again, the end
    joined to the start; the sums of the draws give the percentiles. Deterministic by `seed`. With
    fewer days than two blocks the bounds are NaN.
    """
    n = len(daily)
    total = float(daily.sum())
    if n < 2 * block_days:
        return Interval(total, np.nan, np.nan)
    blocks = -(-n // block_days)
    starts = np.random.default_rng(seed).integers(0, n, size=(draws, blocks))
    days = (starts[:, :, None] + np.arange(block_days)) % n
    sums = daily[days.reshape(draws, -1)[:, :n]].sum(axis=1)
    low, high = np.percentile(sums, (2.5, 97.5))
    return Interval(total, float(low), float(high))
