"""A profile that must be complete as recorded: for a demo day or a simulated site."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.equal_steps import plausible_only
from siteems.recordings.profile import COLUMNS, Profile
from siteems.recordings.read import PROFILE_NEEDS, rows_of
from siteems.recordings.table import read_table

Array = npt.NDArray[np.float64]


def read_complete_profile(path: Path, zone: ZoneInfo, day: date | None = None) -> Profile:
    """The profile of a whole file, or of one local day, exactly as it was recorded.

    For a demo or a simulated site, which show no notes: a missing column, unequal steps, an absent
    day, missing values and sentinels raise `UserError` instead of being mended.
    """
    rows = rows_of(
        read_table(path),
        zone,
        needed=COLUMNS,
        expected=PROFILE_NEEDS,
        refuse_odd_times=True,
    )
    times = rows.times.tz_convert(zone)
    source, on_day, keep = path.name, "", np.ones(len(times), dtype=np.bool_)
    if day is not None:
        source, on_day = f"{path.name}, {day}", f" on {day}"
        keep = np.asarray(times.date == day)
        if not keep.any():
            span = f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}"
            raise UserError(f"{path}: has no data for {day}; it spans {span}")
    times = times[keep]
    steps_s = pd.Series(times).diff().dropna().dt.total_seconds().unique()
    if len(steps_s) != 1 or steps_s[0] <= 0:
        found = ", ".join(f"{s:g} s" for s in steps_s[:4])
        raise UserError(f"{path}: the time steps are not equal{on_day}: {found}")

    def series(name: str) -> Array:
        values = plausible_only(name, rows.values[name].to_numpy())[0][keep]
        missing = np.flatnonzero(np.isnan(values))
        if missing.size:
            first = f"{times[missing[0]]:%Y-%m-%d %H:%M}"
            found = f"{missing.size} empty or unreadable cells, the first at {first}"
            raise UserError(f"{path}: column {name} has {found}; choose another day")
        return values

    has_mains = "mains_available" in rows.values
    return Profile(
        start=times[0].to_pydatetime().astimezone(UTC),
        step=timedelta(seconds=float(steps_s[0])),
        dc_load_kw=series("dc_load_kw"),
        pv_kw=series("pv_kw"),
        outdoor_c=series("outdoor_temp_c"),
        ac_load_kw=series("ac_load_kw") if "ac_load_kw" in rows.values else None,
        mains_ok=series("mains_available") > 0.5 if has_mains else np.ones(len(times), np.bool_),
        source=source,
    )
