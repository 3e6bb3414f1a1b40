"""How gaps in a recording are filled: by stated rules."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SHORT_GAP = timedelta(hours=1)


DAY = timedelta(days=1)


RULES = {
    "short": "up to an hour: straight line between its neighbours",
    "day": "longer: the same time of the nearest day that has it, the day before first",
}


def fill(series: Array, step: timedelta) -> tuple[Array | None, tuple[str, ...]]:
    """The series (shape (n,)) without NaN, and a sentence for each kind of hole; None where there
    is no value at all.

    A gap of up to an hour is bridged by a straight line, a longer one by the same time of the
    nearest day that has it.
    """
    holes = np.isnan(series)
    if not holes.any():
        return series, ()
    if holes.all():
        return None, ()
    filled, per_day = series.copy(), round(DAY / step)
    edges = np.flatnonzero(np.diff(holes.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    most = max(1, round(SHORT_GAP / step))
    known = np.flatnonzero(~holes)
    short = [
        (first, after)
        for first, after in edges
        if after - first <= most and first > 0 and after < len(series)
    ]
    for first, after in short:
        filled[first:after] = np.interp(np.arange(first, after), known, series[known])
    longer = int(np.isnan(filled).sum())
    left = np.flatnonzero(np.isnan(filled))
    for days in range(1, len(series) // per_day + 2):
        for sign in (-1, 1):
            source = left + sign * days * per_day
            there = (source >= 0) & (source < len(series))
            usable = there.copy()
            usable[there] = ~holes[source[there]]
            filled[left[usable]] = series[source[usable]]
            left = left[~usable]
        if not left.size:
            break
    filled[left] = np.interp(left, known, series[known])  # less than a day of data
    said = []
    if short:
        said.append(
            f"{sum(after - first for first, after in short)} values in {len(short)} gaps {RULES['short']}"
        )
    if longer:
        said.append(f"{longer} values in {len(edges) - len(short)} gaps {RULES['day']}")
    return filled, tuple(said)
