"""How long each row of a file holds, where its steps are mixed, such as hours and then quarters.

A row holds until the next one, if the distance is a step: one that occurs several times in
succession. Beyond a longer distance lies a hole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]

IN_SUCCESSION = 3
"""Distances that are equal so often are a step, not holes."""


def row_spans_s(starts_s: Seconds) -> Seconds:
    """Seconds for which each row holds, shape (n,), from its start; starts rise, n is 2 or more."""
    gaps = np.diff(starts_s)
    steps = _steps(gaps)
    before = np.concatenate(([0], _filled(steps)))  # of the rows before each row
    after = np.concatenate((_filled(steps[::-1])[::-1], [0]))
    own = np.concatenate((steps, [0]))
    usual = np.where(before == 0, after, np.where(after == 0, before, np.minimum(before, after)))
    if not usual.any():
        usual = np.full(len(starts_s), int(np.median(gaps)), dtype=np.int64)
    within = np.minimum(np.concatenate((gaps, [np.iinfo(np.int64).max])), usual)
    return np.where(own > 0, own, within)


def _steps(gaps: Seconds) -> Seconds:
    """The distances that are steps, 0 for the others; shape as `gaps`."""
    edges = np.flatnonzero(np.diff(gaps, prepend=gaps[0] - 1))
    lengths = np.diff(np.append(edges, len(gaps)))
    return np.where(np.repeat(lengths >= IN_SUCCESSION, lengths), gaps, 0)


def _filled(steps: Seconds) -> Seconds:
    """For each distance, the last step up to it; 0 before the first."""
    known = np.where(steps > 0, np.arange(len(steps)), -1)
    last = np.maximum.accumulate(known)
    return np.where(last >= 0, steps[np.maximum(last, 0)], 0)
