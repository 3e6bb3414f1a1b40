"""What can be wrong with the times of a recording: duplicates, disorder, gaps, clock changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteems.recordings.finding import Finding, duration, finding
from siteems.recordings.local_days import local_days
from siteems.recordings.series_table import SeriesTable
from siteems.recordings.timestamps import usual_step

DAY = pd.Timedelta(days=1)
GAP_STEPS = 1.5
"""Times farther apart than so many usual steps leave at least one row out."""


def find_in_times(column: str, times: pd.DatetimeIndex) -> Iterator[Finding]:
    """Duplicates, disorder and gaps of a time column."""
    doubled = times[times.duplicated()]
    if len(doubled):
        text = f"{len(doubled)} times occur more than once"
        yield finding("duplicate", column, doubled, text)
    back = times[1:][np.diff(times.asi8) < 0]
    if len(back):
        text = f"{len(back)} rows are earlier than the row before"
        yield finding("disorder", column, back, text)
    ordered, step = times.sort_values().unique(), usual_step(times)
    if len(ordered) < 2:
        return
    steps_s = (ordered[1:] - ordered[:-1]).total_seconds().to_numpy()
    gaps = np.flatnonzero(steps_s > GAP_STEPS * step.total_seconds())
    if gaps.size:
        longest = int(gaps[np.argmax(steps_s[gaps])])
        length = duration((ordered[longest + 1] - ordered[longest]) / DAY)
        text = f"{gaps.size} gaps; the longest of {length} from {ordered[longest]:%Y-%m-%d %H:%M}"
        yield finding("gap", column, ordered[gaps], text)


def clock_change_days(table: SeriesTable, zone: ZoneInfo) -> tuple[str, ...]:
    """Local days of 23 or 25 hours within the span of a table, as YYYY-MM-DD."""
    times = table.columns[0].times
    first_day = local_days(times).min()
    days = pd.date_range(first_day, local_days(times).max() + DAY, freq="D")
    offsets = [datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset() for day in days]
    return tuple(
        f"{day:%Y-%m-%d}"
        for day, (start, end) in zip(days, pairwise(offsets), strict=False)
        if start != end
    )


def find_in_clock_changes(
    table: SeriesTable, change_days: tuple[str, ...], zone: ZoneInfo
) -> Iterator[Finding]:
    """Local times that have neither the missing nor the doubled hour of a change of clocks."""
    times = table.columns[0].times
    step = usual_step(times)
    per_day = round(DAY / step) if step else 0
    if per_day < 24:
        return
    even = [
        day for day in change_days if int((local_days(times) == pd.Timestamp(day)).sum()) == per_day
    ]
    if even:
        listed = ", ".join(even[:4])
        text = f"{listed}: the times have neither the missing nor the doubled hour of {zone}"
        yield Finding("clock", table.time_column, len(even), even[0], even[-1], text)
