"""Local times without offset, to UTC: what the changes of clocks do to them.

In the hour that occurs twice in autumn the order of the rows decides. Rows in the hour that is
skipped in spring are odd: they are left out and noted. Only where the skipped hour is there and the
doubled one is single do the times keep standard time all year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

Bools = npt.NDArray[np.bool_]

CONTIGUOUS_STEPS = 1.5
"""A row follows another one where it is not farther away than so many usual steps."""
HALF_HOUR = pd.Timedelta(minutes=30)


@dataclass(frozen=True, eq=False)
class Localised:
    """Times in UTC in the order of the rows; NaT for a time that does not exist."""

    times: pd.DatetimeIndex
    standard_time: bool
    """Whether the rows keep standard time all year."""
    odd: pd.DatetimeIndex
    """Local times that the clocks skip."""
    single: pd.DatetimeIndex
    """The days whose doubled hour is there once, with rows before and after it, in a recording that
    does not show otherwise that it follows the clocks.
    """


def localise(times: pd.DatetimeIndex, zone: ZoneInfo, step: pd.Timedelta) -> Localised:
    """Naive local times of a zone, in the order of their rows, in UTC. `step` is the usual one."""
    first = times.tz_localize(zone, ambiguous=np.ones(len(times), bool), nonexistent="NaT")
    second = times.tz_localize(zone, ambiguous=np.zeros(len(times), bool), nonexistent="NaT")
    skipped = np.asarray(first.isna())
    twice = np.flatnonzero(np.asarray(first != second) & ~skipped)
    late = _late(times, twice, step)
    if _keeps_standard_time(times, skipped, twice, step):
        offset = _standard_offset(zone, times.min().year)
        return Localised((times - offset).tz_localize("UTC"), True, times[:0], times[:0])
    later = np.zeros(len(times), dtype=np.bool_)
    later[twice[late]] = True
    utc = first.tz_convert("UTC").where(~later, second.tz_convert("UTC"))
    single = times[:0] if _passes_spring(times, utc) else _single(times, twice, step)
    return Localised(utc, False, times[skipped], single)


def _passes_spring(times: pd.DatetimeIndex, utc: pd.DatetimeIndex) -> bool:
    """Whether clocks are put forward within the recording: that its rows skip the hour shows that
    they follow them.
    """
    order = np.argsort(times.asi8, kind="stable")
    offsets = (times - utc.tz_localize(None))[order]
    known = offsets[offsets.notna()]
    return bool((known[1:] > known[:-1]).any())


def _single(
    times: pd.DatetimeIndex, twice: npt.NDArray[np.intp], step: pd.Timedelta
) -> pd.DatetimeIndex:
    """The days whose doubled hour is there once, in a recording that goes on around it."""
    in_doubled = times[twice]
    days = in_doubled.normalize().unique()
    single = []
    for day in days:
        of_day = in_doubled[in_doubled.normalize() == day]
        before, after = of_day.min() - step, of_day.max() + step
        if not of_day.has_duplicates and before in times and after in times:
            single.append(day)
    return pd.DatetimeIndex(single)


def _late(times: pd.DatetimeIndex, twice: npt.NDArray[np.intp], step: pd.Timedelta) -> Bools:
    """Which of the rows in doubled hours, given by index, lie in the later one of them."""
    late = np.zeros(len(twice), dtype=np.bool_)
    falling = len(times) > 1 and bool((np.diff(times.asi8) < 0).mean() > 0.5)
    days = times[twice].normalize()
    for day in days.unique():
        of_day = np.flatnonzero(np.asarray(days == day))
        if falling:
            of_day = of_day[::-1]
        rows = twice[of_day]
        walls = times.asi8[rows]
        rise = np.diff(walls)
        if (rise < 0).any():  # the clock went back between these two rows
            late[of_day[int(np.argmax(rise < 0)) + 1 :]] = True
        elif (rise == 0).any():  # sorted by the wall clock: the second of each pair
            late[of_day[1:][rise == 0]] = True
        else:
            late[of_day] = _only_later(times, rows, walls, step)
    return late


def _only_later(
    times: pd.DatetimeIndex,
    rows: npt.NDArray[np.intp],
    walls: npt.NDArray[np.int64],
    step: pd.Timedelta,
) -> bool:
    """Whether a doubled hour that is there once is the later one: nothing comes just before it,
    and the next hour follows on it.
    """
    near = CONTIGUOUS_STEPS * step.value
    unit_ns = pd.Timedelta(1, unit=times.unit).value
    before = (walls[0] - times.asi8) * unit_ns
    after = (times.asi8 - walls[-1]) * unit_ns
    preceded = bool(((before > 0) & (before <= near)).any())
    followed = bool(((after > 0) & (after <= near)).any())
    return followed and not preceded


def _keeps_standard_time(
    times: pd.DatetimeIndex, skipped: Bools, twice: npt.NDArray[np.intp], step: pd.Timedelta
) -> bool:
    """Whether skipped hours are filled as densely as others and no doubled hour is doubled."""
    if not skipped.any() or not len(twice) or times[twice].duplicated().any():
        return False
    present = times[skipped].unique()
    springs = len(present.normalize().unique())
    return bool(len(present) * step >= springs * HALF_HOUR)


def _standard_offset(zone: ZoneInfo, year: int) -> pd.Timedelta:
    """The smaller of a zone's winter and summer offsets from UTC in a year."""
    offsets = [datetime(year, month, 1, 12, tzinfo=zone).utcoffset() for month in (1, 7)]
    return pd.Timedelta(min(offset for offset in offsets if offset is not None))
