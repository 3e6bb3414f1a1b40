"""Runs of one and the same number: a sensor that froze, or a value that rests.

A load may rest for a night, PV is clipped by its inverter, and a coarse sensor repeats itself in
steady air. `stuck_runs` are those that `siteems inspect` asks about, `frozen_runs` those that are
left out of every use: far longer than the series usually rests.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.recordings.finding import runs
from siteems.recordings.local_days import local_days

Array = npt.NDArray[np.float64]
Run = tuple[int, int]
"""First index and end index, not included."""

STUCK_H, STUCK_SOLAR_H = 6.0, 3.0
"""Hours of the same number that make a stuck meter. A load may rest for a night shift; PV changes
with every cloud.
"""
LEAST_ROWS = 4
LEAST_LEVELS = 20
"""A series with fewer distinct values is a price or a switch, which may stand still."""
CLIPPED_DAYS, CLIPPED_SHARE = 3, 0.995
"""PV that rests at one number on so many days, or at so much of its highest, is clipped. Any sensor
that rests so often at one number did not freeze there.
"""
FROZEN_H: Mapping[str, float] = {
    "pv_kw": STUCK_SOLAR_H,
    "outdoor_temp_c": 24.0,
    "dc_load_kw": 24.0,
    "ac_load_kw": 24.0,
    "grid_import_kw": 24.0,
    "grid_export_kw": 24.0,
}
"""Least hours of a frozen column. But for PV they are a day: air may keep its temperature through a
wet night, equipment at rest and a controller that holds an import cap draw the same power for
hours.
"""
ROUND, ROUND_SHARE = 1e-6, 0.5
"""Of the values outside of the run, so many may be whole tenths: more say that the meter has no
more digits.
"""
HABIT_SHARE, HABIT_TIMES = 0.8, 3.0
"""A series is frozen where it rests three times as long as on most days (four of five); a constant
load never is.
"""


def stuck_runs(times: pd.DatetimeIndex, series: Array, per_day: float, solar: bool) -> list[Run]:
    """Runs of the same number other than 0 in a series, shape (n,), in order of time, that may be
    stuck. `per_day` is the number of steps of a day; `solar` series rest at night.
    """
    return _unusual(times, series, per_day, STUCK_SOLAR_H if solar else STUCK_H, solar)


def frozen_runs(times: pd.DatetimeIndex, series: Array, per_day: float, target: str) -> list[Run]:
    """Runs of a target column of siteems that no working sensor gives."""
    if target not in FROZEN_H:
        return []
    found = _unusual(times, series, per_day, FROZEN_H[target], target == "pv_kw")
    if target == "grid_import_kw":
        return [run for run in found if not _may_be_a_cap(series, run)]
    # Below 0 it is a standby power of PV, and loses nothing.
    return [run for run in found if target != "pv_kw" or series[run[0]] > 0.0]


def _may_be_a_cap(series: Array, run: Run) -> bool:
    """Whether an import rests at a round number that the meter usually does not show: people set
    caps to tenths of a kW, and a meter freezes at any of its digits.
    """
    tenths = np.abs(series * 10.0 - np.round(series * 10.0)) < ROUND
    known = tenths[~np.isnan(series)]
    outside = np.concatenate((tenths[: run[0]], tenths[run[1] :]))
    return bool(tenths[run[0]] and known.size and outside.size and outside.mean() < ROUND_SHARE)


def _unusual(
    times: pd.DatetimeIndex, series: Array, per_day: float, hours: float, solar: bool
) -> list[Run]:
    """Runs of so many hours or more, if they are long for this series, and at an unusual level."""
    if not (resting := _resting(series)):
        return []
    starts = local_days(times[[first for first, _ in resting]])
    lengths = pd.Series([end - first for first, end in resting]).groupby(starts).max()
    of_days = np.zeros(local_days(times).nunique())
    of_days[: len(lengths)] = lengths
    habit = float(np.quantile(of_days, HABIT_SHARE, method="lower"))
    least = max(hours * per_day / 24.0, HABIT_TIMES * habit)
    found = [(first, end) for first, end in resting if end - first >= round(least)]
    without = _without_clipping if solar else _without_usual_levels
    return without(times, series, found)


def _resting(series: Array) -> list[Run]:
    if np.unique(series[~np.isnan(series)]).size < LEAST_LEVELS:
        return []
    with np.errstate(invalid="ignore"):
        unchanged = (np.diff(series) == 0.0) & (series[1:] != 0.0)
    return [(first, end + 1) for first, end in runs(unchanged) if end - first + 1 >= LEAST_ROWS]


def _without_clipping(times: pd.DatetimeIndex, series: Array, stuck: list[Run]) -> list[Run]:
    """The runs of a PV series without those of an inverter or an export limit that clips it, and
    of its standby power at night.
    """
    highest = float(np.nanmax(series))
    at_top = local_days(times[series >= CLIPPED_SHARE * highest]).nunique()
    return [
        (first, end)
        for first, end in _without_usual_levels(times, series, stuck)
        if not (series[first] >= CLIPPED_SHARE * highest and at_top >= CLIPPED_DAYS)
    ]


def _without_usual_levels(times: pd.DatetimeIndex, series: Array, stuck: list[Run]) -> list[Run]:
    """The runs at levels that the series rests at on few days."""
    day_of = local_days(times)
    days: dict[float, set[pd.Timestamp]] = {}
    for first, _ in stuck:
        days.setdefault(float(series[first]), set()).add(day_of[first])
    return [run for run in stuck if len(days[float(series[run[0]])]) < CLIPPED_DAYS]
