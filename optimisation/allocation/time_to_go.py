"""The split that holds a request longest: those with the most time to go give first.

A site that discharges at its power p for its energy e lasts x = e / p hours, its time to go. In a
step of length d the request P is met by the level z at which

    sum_i p_i * clip(x_i - z, 0, d) / d = P

so that the sites with the longest times give their whole power, those below the level nothing, and
those between are brought to the level. No forecast of the request is needed: whatever it will be,
no other policy serves one that this one does not (Evans, Tindemans and Angeli, "A graphical measure
of aggregate flexibility for energy-constrained distributed resources", IEEE Transactions on Smart
Grid 11(1), 2020, arXiv 1710.06302; "Minimizing unserved energy using heterogeneous storage units",
arXiv 1805.09315). It holds for sites that only discharge while the request lasts, or only charge.

The level is found by Newton steps on the piecewise linear sum, kept within a bracket. Each takes
one pass over the sites, so that 100,000 need milliseconds and no sorting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from optimisation.allocation.fleet import Array, Fleet, Split

MOST_PASSES: Final = 200
"""Each bisection halves the bracket: after 60 it is as narrow as a float allows."""
EXACT: Final = 1e-12
"""Of the request: an allocation this close meets it."""


def split(fleet: Fleet, request_kw: float, step_h: float) -> Split:
    """Split a request over the sites for a step. Raises ValueError for a request that is negative
    or not finite, and a step that has no length.
    """
    check_request(request_kw, step_h)
    hours = fleet.hours

    def given(level_h: float) -> Array:
        return fleet.power_kw * np.clip(hours - level_h, 0.0, step_h) / step_h

    most_kw = given(0.0)
    missing_kw = request_kw - float(most_kw.sum())
    if missing_kw >= 0.0:
        return Split(most_kw, missing_kw)
    level_h = find_level(
        lambda level: float(given(level).sum()),
        lambda level: _slope(fleet, hours, level, step_h),
        request_kw,
        float(hours.max()),
    )
    return Split(given(level_h), 0.0)


def find_level(
    total: Callable[[float], float],
    slope: Callable[[float], float],
    wanted: float,
    highest: float,
) -> float:
    """The level at which a falling, piecewise linear sum has a value that lies between its values
    at 0 and at `highest`. `slope` is its derivative, or 0 where it is not known.
    """
    low, high, level = 0.0, highest, 0.5 * highest
    for _ in range(MOST_PASSES):
        value = total(level)
        if abs(value - wanted) <= EXACT * max(1.0, wanted):
            break
        if value > wanted:
            low = level
        else:
            high = level
        rate = slope(level)
        level = level + (wanted - value) / rate if rate < 0.0 else low
        if not low < level < high:  # beyond the bracket: another linear piece
            level = 0.5 * (low + high)
        if high - low <= np.spacing(high):
            break
    return level


def check_request(request_kw: float, step_h: float) -> None:
    """Raises ValueError."""
    if not (np.isfinite(request_kw) and request_kw >= 0.0):
        raise ValueError(f"a request of {request_kw:g} kW; allowed: 0 or more")
    if not (np.isfinite(step_h) and step_h > 0.0):
        raise ValueError(f"a step of {step_h:g} h; allowed: above 0")


def _slope(fleet: Fleet, hours: Array, level_h: float, step_h: float) -> float:
    """Derivative of the sum: the sites that are brought to the level."""
    moving = (hours > level_h) & (hours < level_h + step_h)
    return -float(fleet.power_kw[moving].sum()) / step_h
