"""Gap filling: how missing values of a recording are replaced, by stated rules."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SHORT_GAP = timedelta(hours=1)
"""Up to here a straight line is closer to load and PV than the same time of another day."""
DAY = timedelta(days=1)
SHORT_RULE = "of up to an hour, interpolated"
LONG_RULE = "of over an hour, filled from the same time on the nearest day with data"


def fill_gaps(series: Array, step: timedelta) -> tuple[Array | None, tuple[str, ...]]:
    """The series, shape (n,), without NaN, and a note for each rule that was applied.

    A gap of up to an hour is interpolated, a longer one is filled from the same time on the
    nearest day with data, the day before first. Returns None for a series without any value.
    """
    missing = np.isnan(series)
    if not missing.any():
        return series, ()
    if missing.all():
        return None, ()
    known = np.flatnonzero(~missing)
    gaps = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    longest_short = max(1, round(SHORT_GAP / step))
    short = [
        (first, end)
        for first, end in gaps
        if end - first <= longest_short and first > 0 and end < len(series)
    ]
    filled, notes = series.copy(), []
    for first, end in short:
        filled[first:end] = np.interp(np.arange(first, end), known, series[known])
    if short:
        count = sum(end - first for first, end in short)
        notes.append(f"{_values_in_gaps(count, len(short))} {SHORT_RULE}")
    left = np.flatnonzero(np.isnan(filled))
    if left.size:
        notes.append(f"{_values_in_gaps(left.size, len(gaps) - len(short))} {LONG_RULE}")
        _copy_from_nearest_day(filled, series, left, max(1, round(DAY / step)))
    return filled, tuple(notes)


def _values_in_gaps(values: int, gaps: int) -> str:
    return f"{values} {_plural('value', values)} in {gaps} {_plural('gap', gaps)}"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _copy_from_nearest_day(
    filled: Array, series: Array, left: npt.NDArray[np.intp], per_day: int
) -> None:
    """Fill the indices `left` of `filled` in place, by the day before, the day after, and so on."""
    for days in range(1, len(series) // per_day + 2):
        for sign in (-1, 1):
            source = left + sign * days * per_day
            usable = (source >= 0) & (source < len(series))
            usable[usable] = ~np.isnan(series[source[usable]])
            filled[left[usable]] = series[source[usable]]
            left = left[~usable]
        if not left.size:
            return
    known = np.flatnonzero(~np.isnan(series))  # less than a day of data: a line has to do
    filled[left] = np.interp(left, known, series[known])
