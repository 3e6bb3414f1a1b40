"""How certain a mean daily saving is: a confidence interval that allows for days that correlate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FEWEST_DAYS = 14
"""With fewer days, correlation cannot be distinguished from chance."""
SEASON_DAYS = 30
"""The mean may change from month to month without being chance: what scatters is the difference of
each day from the mean of about so many days.
"""
USUAL_CORRELATION, USUAL_DAYS = 0.25, 10
"""Correlation of one day with the next that is assumed with the weight of so many days, since few
days show too little of it. Chosen on half a of the profiles (`benchmarks/coverage.py`), where the
savings of a simple rule have -0.05 (three prices) and 0.3 (a home).
"""
LEAST_CORRELATION, LARGEST_CORRELATION = -0.5, 0.9
"""Beyond these, an estimate from a few weeks is chance."""
T_QUANTILE = {
    2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 8: 2.306, 10: 2.228,
    15: 2.131, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980,
}  # fmt: skip
"""Quantile of 97.5 % of Student's t distribution, by degrees of freedom."""
NORMAL_QUANTILE = 1.960


@dataclass(frozen=True)
class Interval:
    """A sum and its 95 % confidence interval."""

    total: float
    low: float
    high: float

    def widened(self, half_width: float) -> Interval:
        """With the uncertainty of something that does not depend on it."""
        half = math.hypot(self.high - self.total, half_width)
        return Interval(self.total, self.total - half, self.total + half)


def confidence(daily: Array) -> Interval:
    """95 % interval of the sum of `daily`, shape (n,): of its mean in the season that was measured,
    times n. Unknown (NaN) bounds with fewer than `FEWEST_DAYS`.

    Of n days that correlate by r from one to the next, n (1 - r) / (1 + r) count (autoregression of
    the first order), and the quantile is that of Student's t distribution for so many. r is
    corrected for its bias in short series (Kendall, Biometrika 41, 1954), as is the variance.
    `benchmarks/coverage.py` simulates how often such an interval holds.
    """
    n, total = len(daily), float(daily.sum())
    if n < FEWEST_DAYS:
        return Interval(total, math.nan, math.nan)
    seasons = np.array_split(daily, max(1, n // SEASON_DAYS))
    k = len(seasons)
    scatter = np.concatenate([season - season.mean() for season in seasons])
    squares = float(scatter @ scatter)
    if squares <= 0.0:
        return Interval(total, total, total)
    correlation = float(scatter[1:] @ scatter[:-1]) / squares
    correlation += (1.0 + 3.0 * correlation) * k / n
    correlation = (n * correlation + USUAL_DAYS * USUAL_CORRELATION) / (n + USUAL_DAYS)
    correlation = min(LARGEST_CORRELATION, max(LEAST_CORRELATION, correlation))
    days_for_one = (1.0 + correlation) / (1.0 - correlation)
    effective = max(3.0, n / days_for_one)
    # The mean of a season follows its days, the more so the fewer of them count.
    season_days = n / k
    seen = max(0.2, 1.0 - (days_for_one - 1.0) / (season_days - 1.0))
    variance = squares / (n - k) / seen
    half = n * t_quantile(effective - k) * math.sqrt(variance / effective)
    return Interval(total, total - half, total + half)


def of_months(monthly: Array) -> float:
    """Half the width of the 95 % interval of a sum of independent months, shape (m,), m > 1."""
    m = len(monthly)
    return t_quantile(m - 1.0) * float(monthly.std(ddof=1)) * math.sqrt(m)


def t_quantile(freedom: float) -> float:
    """97.5 % quantile of Student's t distribution; below 2 degrees of freedom that for 2."""
    inverse = [0.0, *(1.0 / each for each in sorted(T_QUANTILE, reverse=True))]
    values = [NORMAL_QUANTILE, *(T_QUANTILE[each] for each in sorted(T_QUANTILE, reverse=True))]
    return float(np.interp(1.0 / max(freedom, 2.0), inverse, values))
