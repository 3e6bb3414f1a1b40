"""The one reader of time columns: from the cells of a file to instants in UTC.

Recordings, price vectors and `siteems inspect` all read their times here, so that a file means the
same to every command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.clock_changes import localise
from siteems.recordings.counted_steps import LONGEST_DAY, CountedSteps
from siteems.recordings.notation import DayOrMonthError, Refuse, read_instants, starts_of_ranges
from siteems.recordings.number_cells import as_numbers
from siteems.recordings.row_spans import row_spans_s
from siteems.recordings.table import Table, require_columns
from siteems.recordings.time_source import TimeSource, clock_texts, time_source_of

FIRST_YEAR, LAST_YEAR = 1971, 2200
"""Times outside of them are defects of a clock, and the calendars of zones end near them."""

FREQUENT = 0.5
"""Share of the distances between rows that shows the step."""
WHOLE_STEPS_S = tuple(60 * minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120))
MOST_JITTER = 0.1
"""Of a step: each of two stamps may be off by half of it (`equal_steps.JITTER_SHARE`)."""

DayOrder = Literal["shown", "even-steps", "guessed"]
"""Why day or month comes first: the file or its map shows it, the steps are even in one order only,
or nothing decides.
"""


@dataclass(frozen=True, eq=False)
class Timestamps:
    """The times of a file in the order of its rows, duplicates kept, as the file states them.

    `times` is aware where the file gives offsets from UTC: in the file's offset where all rows have
    the same one, else in UTC. Without offsets it is naive.
    """

    source: str
    """File and column, for messages."""
    times: pd.DatetimeIndex
    zone: ZoneInfo | None = None
    """Of times without offset, where the file or its map states it; else the site's."""
    end_of_step: bool = False
    """Whether they name the end of their step."""
    counted: CountedSteps | None = None
    """Where the file counts the steps of a day instead of stating a clock."""

    @property
    def has_offset(self) -> bool:
        """Whether the file gives offsets from UTC."""
        return self.times.tz is not None


@dataclass(frozen=True, eq=False)
class Instants:
    """The starts of the steps of a table in UTC, for the rows that have one."""

    times: pd.DatetimeIndex
    kept: npt.NDArray[np.bool_]
    """Which rows of the table have a time that exists, shape (rows,)."""
    notes: tuple[str, ...]
    """A sentence for each rule that was applied."""


def read_timestamps(table: Table, source: TimeSource | None = None) -> Timestamps:
    """The times of a table; without `source`, from the column whose name is one of time.

    Raises `UserError` for a table without rows or column of time, and for a cell that is no time.
    """
    frame, path = table.frame, table.path
    source = source or time_source_of(frame, path)
    if frame.empty:
        raise UserError(f"{path}: has no rows of data")
    wanted = [name for name in (source.column, source.clock_column) if name is not None]
    require_columns(frame, wanted, path)

    def refuse(position: int, reason: str) -> UserError:
        cell, line = cells.iloc[position], frame.index[position]
        shown = "" if pd.isna(cell) else str(cell)
        named = " and ".join(wanted)
        return UserError(f"{path}: line {line}, column {named}: {shown!r} {reason}")

    cells = frame[source.column]
    zone = None if source.zone is None else ZoneInfo(source.zone)
    shown = f"{path}: column {' and '.join(wanted)}"
    if source.steps_per_day is not None:
        days = _within_years(read_instants(cells, source.day_first, refuse), refuse)
        counted = _counted(table, source, days, refuse)
        return Timestamps(shown, counted.wall_times, zone, False, counted)
    if source.clock_column is not None:
        clocks = starts_of_ranges(clock_texts(frame[source.clock_column]))
        cells = cells.astype(str).str.strip() + " " + clocks
    times = _within_years(read_instants(cells, source.day_first, refuse), refuse)
    return Timestamps(shown, times, zone, source.stands_for == "end")


def _within_years(times: pd.DatetimeIndex, refuse: Refuse) -> pd.DatetimeIndex:
    far = np.flatnonzero((times.year < FIRST_YEAR) | (times.year > LAST_YEAR))
    if far.size:
        raise refuse(int(far[0]), f"is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return times


def _counted(
    table: Table, source: TimeSource, days: pd.DatetimeIndex, refuse: Refuse
) -> CountedSteps:
    """The days and numbers of a file that counts the steps of a day."""
    assert source.steps_per_day is not None
    if days.tz is not None or bool((days.normalize() != days).any()):
        raise refuse(0, "is no date alone, though steps of a day are counted")
    numbers, _ = as_numbers(table.frame[source.clock_column])
    most = round(source.steps_per_day * LONGEST_DAY)
    wrong = np.flatnonzero(~((numbers >= 1) & (numbers <= most) & (numbers % 1 == 0)))
    if wrong.size:
        line = table.frame.index[wrong[0]]
        cell = table.frame[source.clock_column].iloc[wrong[0]]
        raise UserError(
            f"{table.path}: line {line}, column {source.clock_column}: {cell!r} is no step of a "
            f"day; allowed are 1 to {most}"
        )
    return CountedSteps(days, numbers.astype(np.int64), source.steps_per_day)


def with_known_day(table: Table, source: TimeSource) -> tuple[TimeSource, DayOrder]:
    """The source with `day_first` for a file that does not show it, and how it was decided.

    For `siteems inspect`, which proposes a map; every other use asks for it in the map.
    """
    try:
        read_timestamps(table, source)
    except DayOrMonthError:
        either = [replace(source, day_first=first) for first in (True, False)]
        day, month = (_longest_step(read_timestamps(table, each).times) for each in either)
        return either[int(month < day)], "guessed" if day == month else "even-steps"
    return source, "shown"


def in_utc(stamps: Timestamps, zone: ZoneInfo, *, refuse_odd: bool = False) -> Instants:
    """The starts of the steps in UTC, and a note where a rule had to be applied to get there.

    Times without offset are local to the zone that the file or its map states, else to `zone`
    (`clock_changes.py` has the rules). A use that shows no notes sets `refuse_odd`: then times that
    do not fit the changes of clocks raise `UserError`.
    """
    if stamps.has_offset:
        times = stamps.times.tz_convert("UTC")
        kept, notes = np.ones(len(times), dtype=np.bool_), tuple[str, ...]()
    else:
        times, notes = _localised(stamps, stamps.zone or zone)
        kept = np.asarray(times.notna())
        if notes and refuse_odd:
            raise UserError(
                f"{stamps.source}: the times do not fit the changes of clocks in "
                f"{stamps.zone or zone}; write them with their offset from UTC"
            )
        times = times[kept]
    if stamps.end_of_step:
        times = times - row_lengths(times, of_ends=True)
    return Instants(times, kept, notes)


def usual_step(times: pd.DatetimeIndex) -> pd.Timedelta:
    """The most frequent distance between two successive times; zero for a single one. Where stamps
    jitter so that no distance is frequent, it is the whole step that they jitter around.
    """
    steps = pd.Series(times.sort_values().unique()).diff().dropna()
    if steps.empty:
        return pd.Timedelta(0)
    usual = pd.Timedelta(steps.mode().iloc[0])
    if (steps == usual).mean() >= FREQUENT:
        return usual
    middle_s = steps.median().total_seconds()
    nearest_s = min(WHOLE_STEPS_S, key=lambda step_s: abs(step_s - middle_s))
    around = (steps.dt.total_seconds() - nearest_s).abs() <= MOST_JITTER * nearest_s
    return pd.Timedelta(seconds=nearest_s) if around.mean() >= FREQUENT else usual


def row_lengths(times: pd.DatetimeIndex, *, of_ends: bool = False) -> pd.TimedeltaIndex:
    """How long each row holds, in the order of the rows: from its start, or up to its end."""
    seconds = times.as_unit("s").asi8
    distinct, row_of = np.unique(seconds, return_inverse=True)
    if len(distinct) < 2:
        return pd.to_timedelta(np.zeros(len(times)), unit="s")
    spans_s = row_spans_s(-distinct[::-1])[::-1] if of_ends else row_spans_s(distinct)
    return pd.to_timedelta(spans_s[row_of], unit="s")


def _localised(stamps: Timestamps, zone: ZoneInfo) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """Local times in UTC, NaT where one does not exist, with notes.

    Ends of steps are instants like any others, but some meters count them on from the start of
    their step, so that 02:00 ends the hour before the skipped one: the reading with fewer odd times
    is taken.
    """
    if stamps.counted is not None:
        elapsed, of_days = stamps.counted.elapsed(zone)
        if of_days.any():
            others = replace(stamps, times=stamps.times[~of_days], counted=None)
            times, notes = _localised(others, zone) if len(others.times) else (elapsed[:0], ())
            whole = pd.Series(elapsed)
            whole[~of_days] = times
            return pd.DatetimeIndex(whole), notes
    step = usual_step(stamps.times)
    found = localise(stamps.times, zone, step)
    times = found.times
    if stamps.end_of_step and not found.standard_time and (len(found.odd) or _doubled(times)):
        from_starts = localise(stamps.times - step, zone, step)
        if len(from_starts.odd) + _doubled(from_starts.times) < len(found.odd) + _doubled(times):
            found, times = from_starts, from_starts.times + step
    if found.standard_time:
        text = f"time: the stamps run evenly through the changes of clocks in {zone}"
        return times, (f"{text}: standard time all year",)
    if not len(found.odd) and len(found.single):
        return times, (
            f"time: the hour that the clocks in {zone} repeat is there once on "
            f"{found.single[0]:%Y-%m-%d}; if the logger keeps standard time all year, state its "
            "zone as zone in [time] of a map",
        )
    if not len(found.odd):
        return times, ()
    return times, (
        f"time: {len(found.odd)} rows lie in an hour that the clocks in {zone} skip, the first at "
        f"{found.odd.min():%Y-%m-%d %H:%M}, and are left out; if the logger keeps another zone, "
        "state it as zone in [time] of a map",
    )


def _longest_step(times: pd.DatetimeIndex) -> pd.Timedelta:
    steps = np.diff(times.sort_values().to_numpy())
    return pd.Timedelta(steps.max()) if len(steps) else pd.Timedelta(0)


def _doubled(times: pd.DatetimeIndex) -> int:
    known = times[times.notna()]
    return int(known.duplicated().sum())
