"""Spans that were not measured: copied days and frozen sensors are taken as missing.

`siteems inspect` finds both as `copied` and `stuck`, by wider rules; here only what no working
sensor and no typical day explains is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.recordings.copied_days import CopiedDay, copied_days, pasted_days
from siteems.recordings.equal_steps import Recording
from siteems.recordings.finding import duration, share
from siteems.recordings.local_days import local_days
from siteems.recordings.stuck_runs import FROZEN_H, Run, frozen_runs

DAY = timedelta(days=1)
LEAST_PER_DAY = 24
"""Steps of a day; daily and longer ones have no course to compare."""

Array = npt.NDArray[np.float64]


def without_unsound_spans(
    recording: Recording, zone: ZoneInfo, counted: Collection[str] = ()
) -> Recording:
    """The recording without copied days and frozen runs, with a note for each column.

    Columns that are `counted` come from a counter, whose repairs may be even for days.
    """
    per_day = DAY / recording.step
    if per_day < LEAST_PER_DAY:
        return recording
    names = [name for name in FROZEN_H if name in recording.series]
    if not names:
        return recording
    count = len(recording.series[names[0]])
    times = pd.date_range(recording.start, periods=count, freq=recording.step).tz_convert(zone)
    series, notes = dict(recording.series), list(recording.notes)
    for name in names:
        values = series[name].copy()
        frozen = [] if name in counted else frozen_runs(times, values, per_day, name)
        copies = copied_days(times, values, round(per_day))
        pasted = pasted_days(copies, local_days(times).nunique())
        if frozen:
            notes.append(_frozen_note(name, times, values, frozen, per_day))
        if pasted:
            notes.append(_pasted_note(name, times, pasted))
        for first, end in frozen:
            values[first:end] = np.nan
        values[np.asarray(local_days(times).isin([copy.day for copy in pasted]))] = np.nan
        series[name] = values
    return replace(recording, series=series, notes=tuple(notes))


def _frozen_note(
    name: str, times: pd.DatetimeIndex, values: Array, frozen: list[Run], per_day: float
) -> str:
    mask = np.zeros(values.shape, dtype=np.bool_)
    for first, end in frozen:
        mask[first:end] = True
    first, end = max(frozen, key=lambda run: run[1] - run[0])
    return (
        f"{name}: {share(mask)} of a frozen sensor, the longest for "
        f"{duration((end - first) / per_day)} at {values[first]:g} from "
        f"{times[first]:%Y-%m-%d %H:%M}, taken as missing"
    )


def _pasted_note(name: str, times: pd.DatetimeIndex, pasted: list[CopiedDay]) -> str:
    days = local_days(times).nunique()
    plural = "s" if len(pasted) > 1 else ""
    return (
        f"{name}: {len(pasted)} day{plural} ({len(pasted) / days:.1%}) equal an earlier one in "
        f"every value, such as {pasted[0].day:%Y-%m-%d} and {pasted[0].original:%Y-%m-%d}, taken "
        "as missing"
    )
