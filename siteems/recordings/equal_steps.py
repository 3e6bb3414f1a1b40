"""Rows at equal steps, from rows as they were logged: doubled, missing, out of order.

Every rule that was applied is stated in a note. Missing values are NaN afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.finding import percent, share
from siteems.recordings.physical_range import (
    NEVER_ZERO,
    RANGES,
    dead_zeros,
    night_power,
    out_of_range,
)
from siteems.recordings.row_spans import IN_SUCCESSION, row_spans_s
from siteems.recordings.sentinels import without_sentinels
from siteems.recordings.timestamps import usual_step

Array = npt.NDArray[np.float64]

MOST_ROWS = 4_000_000
"""A year has half a million minutes: more rows than this mean that one time is far off."""
SPARSE_STEPS, SPARSE_SHARE = 100_000, 0.01
"""In a span of more steps (three years of quarter hours), so few rows mean the same. To look at
each step of such a span takes minutes.
"""
MINUTE = pd.Timedelta(minutes=1)
LEAST_DOUBLED, MOST_DOUBLED, SAME = 4, 0.1, 1e-9
"""Rows that have the time of another one and another value, and their share. Loggers that start
anew write a few; a tenth is more than a clock that is set back makes.
"""
JITTER_SHARE = 0.05
"""Share of a step by which a timestamp may be off, as those of loggers are by some seconds. With a
larger share a row between two steps would count as one of the next step.
"""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as logged: a time in UTC for each, and one column of numbers per series."""

    path: Path
    times: pd.DatetimeIndex
    values: pd.DataFrame
    notes: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    """Columns of mean power between two readings of a counter: it holds for the steps of absent
    rows between the two as well.
    """
    counted_before: bool = False
    """Whether a counted row has the mean since the reading before; else until the next one."""


@dataclass(frozen=True, eq=False)
class Recording:
    """Series at equal steps from `start`; each has shape (n,), NaN where a value is missing."""

    path: Path
    start: datetime
    step: timedelta
    series: dict[str, Array]
    notes: tuple[str, ...]
    """What was done to the data, one sentence for each rule that was applied."""


def on_usual_steps(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Times without the few seconds by which a logger's stamps are off its steps.

    The energy between two stamps becomes power over the step that the row counts for: with the
    seconds in it, a meter's energy would come out too high by the square of their share.
    """
    step = usual_step(times)
    if step < MINUTE:
        return times
    positions = np.asarray((times - times.min()) / step)
    whole = np.round(positions)
    near = np.abs(positions - whole) <= JITTER_SHARE
    steps = pd.to_timedelta(whole * step.total_seconds(), unit="s")
    return pd.DatetimeIndex(times.where(~near, times.min() + steps))


def at_equal_steps(rows: Rows) -> Recording:
    """Order the rows and bring them to their usual step.

    What is not plausible is left out first. Rows of the same step become their mean, absent rows
    become NaN. Raises `UserError` when no regular step of a minute or more is found.
    """
    notes = list(rows.notes)
    numbers = pd.DataFrame(index=rows.times)
    for name in rows.values.columns:
        kept, removed = plausible_only(str(name), rows.values[name].to_numpy())
        numbers[name] = kept
        notes += removed
    times, numbers = rows.times, numbers.sort_index()
    if not times.is_monotonic_increasing:
        notes.append("time: rows that were out of order are put in order")
    step, held_steps = _common_step(pd.DatetimeIndex(numbers.index))
    if step < MINUTE or (span := times.max() - times.min()) / step > MOST_ROWS:
        raise UserError(f"{rows.path}: no regular time step found")
    if span / step > SPARSE_STEPS and len(times) < SPARSE_SHARE * (span / step):
        raise UserError(
            f"{rows.path}: its {len(times)} rows, at steps of {step / MINUTE:g} min, lie between "
            f"{times.min():%Y-%m-%d %H:%M} and {times.max():%Y-%m-%d %H:%M} UTC: less than "
            f"{percent(SPARSE_SHARE)} of that span; correct or leave out the times that are far off"
        )
    positions = np.asarray((pd.DatetimeIndex(numbers.index) - times.min()) / step)
    index = np.floor(positions + JITTER_SHARE).astype(np.int64)
    off = np.abs(positions - np.round(positions))
    off_step, jitter = int((off > JITTER_SHARE).sum()), off[(off > 1e-3) & (off <= JITTER_SHARE)]
    if jitter.size:
        most_s = jitter.max() * step.total_seconds()
        notes.append(f"time: {jitter.size} timestamps up to {most_s:.0f} s off their step, rounded")
    doubled = int(pd.Index(index).duplicated().sum())
    if off_step:
        notes.append(f"time: {off_step} rows between two steps of {step}: the mean of their step")
    elif doubled:
        what = (
            "row with a duplicate timestamp" if doubled == 1 else "rows with duplicate timestamps"
        )
        notes.append(f"time: {doubled} {what}, averaged")
    if doubled:
        _refuse_several_meters(rows.path, numbers)
        numbers = numbers.groupby(index).mean()
    else:
        numbers.index = pd.Index(index)
    long_steps = held_steps[held_steps > 1]
    if long_steps.size:
        numbers = _held(numbers, index, held_steps)
        minutes = sorted({round(n * step / MINUTE) for n in long_steps.tolist()})
        listed = ", ".join(map(str, minutes))
        notes.append(f"time: {long_steps.size} rows of {listed} min hold for their whole step")
    count = max(round(span / step) + 1, int(numbers.index.max()) + 1)
    if count > len(numbers):
        notes.append(f"time: {count - len(numbers)} rows are missing")
        numbers = _with_absent_rows(numbers, count, rows)
    series = {str(name): numbers[name].to_numpy() for name in numbers.columns}
    notes += _without_night_power(series, times.min(), step)
    start = times.min().to_pydatetime().astimezone(UTC)
    return Recording(rows.path, start, step.to_pytimedelta(), series, tuple(notes))


def _refuse_several_meters(path: Path, numbers: pd.DataFrame) -> None:
    """Raises `UserError` where many rows have the time of another one and other values: they are of
    several meters, or of times that were cut.
    """
    times = pd.DatetimeIndex(numbers.index)
    if not times.has_duplicates:
        return
    groups = numbers.groupby(level=0)
    differ = ((groups.max() - groups.min()).abs() > SAME).any(axis=1)
    count = int(times.isin(differ.index[differ]).sum())
    if count >= LEAST_DOUBLED and count > MOST_DOUBLED * len(times):
        first = differ.index[differ][0]
        raise UserError(
            f"{path}: {count} of {len(times)} rows have the time of another row and other values, "
            f"the first at {first:%Y-%m-%d %H:%M} UTC; where the file holds several meters or "
            "phases, choose one by [only] in a map, or add them up; where the time of day is in "
            "another column, name it as clock_column in [time]"
        )


def _with_absent_rows(numbers: pd.DataFrame, count: int, rows: Rows) -> pd.DataFrame:
    """The rows with absent ones, whose values are unknown, but for what counters have counted."""
    whole = numbers.reindex(range(count))
    present = numbers.index.to_numpy()
    absent = np.setdiff1d(np.arange(count), present)
    nearest = np.searchsorted(present, absent)  # the row after each
    if not rows.counted_before:
        nearest -= 1
    between = (nearest >= 0) & (nearest < len(present))
    for name in (each for each in rows.counted if each in whole):
        whole.loc[absent[between], name] = numbers[name].to_numpy()[nearest[between]]
    return whole


def _common_step(times: pd.DatetimeIndex) -> tuple[pd.Timedelta, npt.NDArray[np.int64]]:
    """The step of the rows and, in steps, how long each row holds; `times` rise or stand.

    Where steps are mixed, it is the shortest one of which all others are multiples.
    """
    step = usual_step(times)
    seconds = times.as_unit("s").asi8
    distinct, row_of = np.unique(seconds, return_inverse=True)
    alone = np.ones(len(times), dtype=np.int64)
    if step < MINUTE or len(distinct) < 2 * IN_SUCCESSION:
        return step, alone
    spans_s = row_spans_s(distinct)
    lengths_s, counts = np.unique(spans_s, return_counts=True)
    often = lengths_s[counts >= IN_SUCCESSION]
    shortest_s = int(often.min()) if often.size else 0
    if shortest_s < MINUTE.total_seconds() or (spans_s % shortest_s).any():
        return step, alone
    return pd.Timedelta(seconds=shortest_s), (spans_s // shortest_s)[row_of]


def _held(
    numbers: pd.DataFrame, index: npt.NDArray[np.int64], held_steps: npt.NDArray[np.int64]
) -> pd.DataFrame:
    """The rows, each repeated for all steps that it holds."""
    steps = pd.Series(held_steps, index=index).groupby(level=0).max()
    repeats = steps.reindex(numbers.index).to_numpy()
    repeated = numbers.loc[numbers.index.repeat(repeats)]
    within = np.concatenate([np.arange(each) for each in repeats])
    repeated.index = pd.Index(repeated.index.to_numpy() + within)
    return repeated[~repeated.index.duplicated()]


def plausible_only(name: str, values: Array) -> tuple[Array, tuple[str, ...]]:
    """The series of a target column, shape (n,), with NaN for sentinels and for what physics does
    not allow, and a note for each kind of them.
    """
    cleaned, of_sentinels = without_sentinels(name, values)
    notes = list(of_sentinels)
    beyond = out_of_range(name, cleaned)
    if beyond.any():
        low, high = RANGES[name]
        cleaned[beyond] = np.nan
        notes.append(
            f"{name}: {share(beyond)} are not within {low:g} to {high:g}, taken as missing"
        )
    dead = dead_zeros(cleaned) if name == NEVER_ZERO else beyond & False
    if dead.any():
        cleaned[dead] = np.nan
        notes.append(f"{name}: {share(dead)} of 0 in a load that never rests, taken as missing")
    return cleaned, tuple(notes)


def _without_night_power(
    series: dict[str, Array], start: pd.Timestamp, step: pd.Timedelta
) -> list[str]:
    """Set power at night in `pv_kw` to 0, in place; a note where there was any."""
    power = series.get("pv_kw")
    if power is None:
        return []
    mask = night_power(pd.date_range(start, periods=len(power), freq=step), power)
    if not mask.any():
        return []
    series["pv_kw"] = np.where(mask, 0.0, power)
    return [f"pv_kw: {share(mask)} at night taken as 0"]
