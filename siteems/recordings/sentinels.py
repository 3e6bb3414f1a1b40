"""Sentinels: the numbers that a logger or a register writes when it has no value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from siteems.recordings.finding import share

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NINES = (-99.0, -999.0, -9999.0, -99999.0, -1e6, 9999.0, 99999.0, 999999.0)
"""Loggers use rows of nines."""
REGISTER_LIMITS = (2.0**15, 2.0**16, 2.0**31, 2.0**32)
SCALES = (1.0, 0.1, 0.01, 0.001)
"""Registers without a value hold the largest or the smallest number of their 16 or 32 bits, at the
scale of the register: 32767 and -32768, 65535, 3276.7, -3276.8, 214748364.7 ...
"""
EXACT = 1e-6
"""How far a value may lie from one of the nines. From a register's limit it may lie a step of the
scale: the last numbers but one are used as well.
"""
NEAR_LEAST, NEAR = 3000.0, 1e-3
"""From this size on, so large a share is near enough: -3,276 is a register's -3276.7, rounded."""

REPEATS = 3
"""A number that occurs this often is no accident, so it may lie closer to the other values."""
CLOSE, FAR = 0.05, 0.5
"""How far outside the other values a sentinel must lie, as a share of their span, when it occurs at
least `REPEATS` times, or fewer. Smaller shares would remove true extremes.
"""


def _reaches() -> Iterator[tuple[float, float]]:
    """Each sentinel, and how near a value must be."""
    for sentinel in NINES:
        yield sentinel, EXACT
    for limit in REGISTER_LIMITS:
        for scale in SCALES:
            size = limit * scale
            reach = 1.001 * scale if size < NEAR_LEAST else max(1.001 * scale, NEAR * size)
            for sign in (1.0, -1.0):
                yield sign * size, reach


REACH: dict[float, float] = dict(_reaches())


def sentinels_in(values: Array) -> Iterator[tuple[float, Mask]]:
    """Each sentinel among `values`, shape (n,), with a mask of where it occurs, shape (n,).

    A number of the list counts only where it lies outside the range of all other values. Given is
    the value as it occurs.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return
    least, most = known.min(), known.max()
    masks = {}
    for sentinel, reach in REACH.items():
        if least - reach <= sentinel <= most + reach:
            mask = np.abs(values - sentinel) <= reach
            if mask.any():
                masks[sentinel] = mask
    rest = values[~np.logical_or.reduce([np.isnan(values), *masks.values()])]
    if not rest.size:
        return
    least, most = rest.min(), rest.max()
    taken = np.zeros(values.shape, dtype=np.bool_)
    for mask in masks.values():
        new = mask & ~taken
        if not new.any():
            continue
        margin = (CLOSE if new.sum() >= REPEATS else FAR) * (most - least)
        outside = new & ((values < least - margin) | (values > most + margin))
        if outside.any():
            taken |= outside
            yield float(np.median(values[outside])), outside


def without_sentinels(name: str, values: Array) -> tuple[Array, tuple[str, ...]]:
    """The values of a column, shape (n,), with NaN for sentinels, and a note for each of them."""
    cleaned, notes = np.array(values, dtype=np.float64), []
    for sentinel, mask in sentinels_in(values):
        cleaned[mask] = np.nan
        notes.append(f"{name}: {share(mask)} of {sentinel:g} are a sentinel, taken as missing")
    return cleaned, tuple(notes)
