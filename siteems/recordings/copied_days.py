"""Days that equal an earlier one in every value: a recording that was pasted together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.recordings.local_days import local_days

Array = npt.NDArray[np.float64]

LEAST_LEVELS = 8
"""A day of fewer distinct values, such as a closed office, may well equal another one."""
CERTAIN_LEVELS = 20
"""Distinct values of successive copied days that no chance explains."""
TYPICAL_TIMES, TYPICAL_DAYS = 3.0, 14
"""Days that occur so many times on average are typical days that were put together on purpose, as
are all of a shorter recording.
"""


@dataclass(frozen=True)
class CopiedDay:
    """A local day and the first one that it equals."""

    day: pd.Timestamp
    original: pd.Timestamp
    levels: int
    """Distinct values."""

    def follows(self, other: CopiedDay) -> bool:
        """Whether both are successive copies of successive days."""
        return (self.day - other.day).days == 1 and (self.original - other.original).days == 1


def copied_days(times: pd.DatetimeIndex, series: Array, per_day: int) -> list[CopiedDay]:
    """The copied days of a series, shape (n,), at local times in order, NaN where unknown."""
    seen: dict[bytes, pd.Timestamp] = {}
    copies = []
    for day, values in by_day(times, series):
        whole = len(values) >= per_day and not np.isnan(values).any()
        if not whole or (levels := np.unique(values).size) < LEAST_LEVELS:
            continue
        original = seen.setdefault(np.round(values, 6).tobytes(), day)
        if original is not day:
            copies.append(CopiedDay(day, original, levels))
    return copies


def successive(copies: list[CopiedDay]) -> list[list[CopiedDay]]:
    """The copies by spans of successive days."""
    spans = [copies[:1]] if copies else []
    for before, copy in pairwise(copies):
        if copy.follows(before):
            spans[-1].append(copy)
        else:
            spans.append([copy])
    return spans


def pasted_days(copies: list[CopiedDay], days: int) -> list[CopiedDay]:
    """The copies in a recording of so many days that no chance and no intention explains."""
    originals = len({copy.original for copy in copies})
    if days < TYPICAL_DAYS or len(copies) + originals >= TYPICAL_TIMES * originals:
        return []
    certain = [
        span for span in successive(copies) if sum(copy.levels for copy in span) >= CERTAIN_LEVELS
    ]
    return [copy for span in certain for copy in span]


def by_day(times: pd.DatetimeIndex, series: Array) -> Iterator[tuple[pd.Timestamp, Array]]:
    """The values of each local day."""
    days = local_days(times)
    edges = np.flatnonzero(np.diff(days.asi8)) + 1
    for first, end in pairwise([0, *edges.tolist(), len(series)]):
        yield days[first], series[first:end]
