"""Sentinels: the numbers that a logger or a register writes when it has no value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
scale, from the upper one two: 32767, 32766, -32768 and -32767 are used.
"""
NEAR_LEAST, NEAR, FLOAT32 = 3000.0, 1.0, 1e-7
"""From this size on, a negative number so near may be a register's limit without its decimals:
-3,276 is -3276.7; a load of 3,276 W or 6,554 W is true. Limits that went through single precision
are off by a ten-millionth.
"""

REPEATS = 3
"""A number that occurs this often is no accident, so it may lie closer to the other values."""
CLOSE, FAR = 0.05, 0.5
"""How far outside the other values a sentinel must lie, as a share of their span, when it occurs at
least `REPEATS` times, or fewer. Smaller shares would remove true extremes.
"""
TIMES_LARGER = 10.0
"""A rare limit without its decimals must be so many times the largest other number."""


@dataclass(frozen=True)
class _Sentinel:
    """A number of the list, and how near a value must be to be it, or to be it without decimals."""

    value: float
    reach: float
    near: float


def _sentinels() -> Iterator[_Sentinel]:
    for nines in NINES:
        yield _Sentinel(nines, EXACT, EXACT)
    for limit in REGISTER_LIMITS:
        for scale in SCALES:
            size = limit * scale
            above, below = (max(n * scale, FLOAT32 * size) for n in (2.001, 1.001))
            yield _Sentinel(size, above, above)
            yield _Sentinel(-size, below, below if size < NEAR_LEAST else max(below, NEAR))


SENTINELS = tuple(_sentinels())


def sentinels_in(values: Array) -> Iterator[tuple[float, Mask]]:
    """Each sentinel among `values`, shape (n,), with a mask of where it occurs, shape (n,).

    A number of the list counts only where it lies outside the range of all other values. Given is
    the value as it occurs.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return
    least, most = known.min(), known.max()
    masks: list[tuple[_Sentinel, Mask]] = []
    for sentinel in SENTINELS:
        if least - sentinel.near <= sentinel.value <= most + sentinel.near:
            mask = np.abs(values - sentinel.value) <= sentinel.near
            if mask.any():
                masks.append((sentinel, mask))
    rest = values[~np.logical_or.reduce([np.isnan(values), *(mask for _, mask in masks)])]
    if not rest.size:
        return
    least, most, largest = rest.min(), rest.max(), float(np.abs(rest).max())
    taken = np.zeros(values.shape, dtype=np.bool_)
    for sentinel, mask in masks:
        new = mask & ~taken
        repeats = new.sum() >= REPEATS
        if not repeats:
            new &= (np.abs(values - sentinel.value) <= sentinel.reach) | (
                (largest > 0.0) & (np.abs(values) > TIMES_LARGER * largest)
            )
        margin = (CLOSE if repeats else FAR) * (most - least)
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
