"""The time of day around which the energy of PV lies: near solar noon where the times are right."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEAST_DAYS = timedelta(days=3)
"""Over fewer days, clouds and cut days move the middle."""
LEAST_CONCENTRATION = 0.3
"""Length of the mean vector, 0 to 1. The half sine of a day of 12 h has 0.67, one of 16 h 0.5;
power that is equal at all hours has 0 and shows no middle.
"""


def middle_h(hours: Array, power: Array) -> float | None:
    """The circular mean of the hours of a day, 0 to 24, weighted by power; both of shape (n,).

    None for a series without power, or with power around the clock.
    """
    weights = np.maximum(np.nan_to_num(power), 0.0)
    total = float(weights.sum())
    if total <= 0.0:
        return None
    vector = complex((weights * np.exp(2j * np.pi * hours / 24.0)).sum()) / total
    if abs(vector) < LEAST_CONCENTRATION:
        return None
    return float(np.angle(vector)) * 12.0 / np.pi % 24.0
