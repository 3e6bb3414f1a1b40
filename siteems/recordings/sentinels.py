"""Sentinels: the numbers that a logger or a register writes when it has no value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SENTINELS = (
    -99.0,
    -999.0,
    -9999.0,
    -99999.0,
    -1e6,
    9999.0,
    99999.0,
    999999.0,
    6553.5,
    65535.0,
    655.35,
    32767.0,
    3276.7,
)
"""Loggers use rows of nines; the others are the largest 16-bit numbers at scale 1, 0.1 and 0.01."""

REPEATS = 3
"""A number that occurs this often is no accident, so it may lie closer to the other values."""
CLOSE, FAR = 0.05, 0.5
"""How far outside the other values a sentinel must lie, as a share of their span, when it occurs at
least `REPEATS` times, or fewer. Smaller shares would remove true extremes.
"""


def sentinels_in(values: Array) -> Iterator[tuple[float, npt.NDArray[np.bool_]]]:
    """Each sentinel among `values`, shape (n,), with a mask of where it occurs, shape (n,).

    A number of the list counts only where it lies outside the range of all other values.
    """
    known = values[~np.isnan(values)]
    for sentinel in SENTINELS:
        if known.size == 0 or not known.min() <= sentinel <= known.max():
            continue
        mask = np.isclose(values, sentinel, rtol=0, atol=1e-9)
        rest = known[~np.isclose(known, sentinel, rtol=0, atol=1e-9)]
        if not mask.any() or rest.size == 0:
            continue
        share = CLOSE if mask.sum() >= REPEATS else FAR
        margin = share * (rest.max() - rest.min())
        if not rest.min() - margin <= sentinel <= rest.max() + margin:
            yield sentinel, mask
            known = rest
