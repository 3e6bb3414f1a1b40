"""Hours of a local day, as a tariff writes them: `"16:00-23:00"`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

DAY_MIN = 24 * 60
HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Slot(NamedTuple):
    """One period of a day, in minutes after local midnight, the end not included."""

    start_min: int
    end_min: int
    period: str


def parse_hours(text: str) -> tuple[int, int]:
    """Minutes after midnight of start and end.

    Raises ValueError with what is wrong and, after a semicolon, what is allowed.
    """
    match = HOURS.fullmatch(text)
    if match is None:
        raise ValueError('not hours of a day; write them as "16:00-23:00"')
    start_h, start_m, end_h, end_m = map(int, match.groups())
    start, end = start_h * 60 + start_m, end_h * 60 + end_m
    if end > DAY_MIN or start >= DAY_MIN:
        raise ValueError("beyond the end of the day; the last hour ends at 24:00")
    if end <= start:
        raise ValueError(
            "ends before it starts; split hours over midnight, as in "
            '"23:00-24:00" and "00:00-07:00"'
        )
    return start, end


def clock(minute: int) -> str:
    """`"16:00"` for 960."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def slots_of(periods: Mapping[str, Sequence[str]]) -> tuple[Slot, ...]:
    """The slots of periods and their hours, in order of time."""
    found = []
    for period, listed in periods.items():
        found += [Slot(*parse_hours(hours), period) for hours in listed]
    return tuple(sorted(found))
