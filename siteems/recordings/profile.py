"""What a day brings: load, sun, temperature and mains over time, from a recorded or a made profile."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.config.timed_csv import read_timed_csv
from siteems.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dc_load_kw", "pv_kw", "outdoor_temp_c")
"""Columns that a profile must have; `ac_load_kw` and `mains_available` are used where they are
there.
"""

KNOWN = f"a profile has time, {', '.join(COLUMNS)}, and may have ac_load_kw, mains_available"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Instant:
    """What surrounds the site at one moment."""

    dc_load_kw: float
    pv_available_kw: float
    ac_load_kw: float | None
    """AC side without the rectifier; none = the simulated air conditioner decides."""
    outdoor_c: float
    mains_ok: bool


@dataclass(frozen=True, eq=False)
class Profile:
    """Series of equal steps, each value a mean over its step; read between the steps by linear
    interpolation.
    """

    start: datetime
    step: timedelta
    dc_load_kw: Array
    pv_kw: Array
    outdoor_c: Array
    ac_load_kw: Array | None
    mains_ok: npt.NDArray[np.bool_]
    source: str

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.start + self.step * len(self.dc_load_kw)

    def at(self, when: datetime) -> Instant:
        """The surroundings at a time; before the start and after the end, the first and the last
        value hold.
        """
        position = (when - self.start) / self.step
        last = len(self.dc_load_kw) - 1
        middle = min(
            max(position - 0.5, 0.0), float(last)
        )  # a mean stands for the middle of its step
        left = int(middle)
        right, share = min(left + 1, last), middle - left
        step = min(max(int(position), 0), last)

        def between(series: array[float]) -> float:
            return series[left] * (1.0 - share) + series[right] * share

        dc_load_kw, pv_kw, outdoor_c, ac_load_kw = self._plain
        return Instant(
            dc_load_kw=between(dc_load_kw),
            pv_available_kw=between(pv_kw),
            ac_load_kw=None if ac_load_kw is None else between(ac_load_kw),
            outdoor_c=between(outdoor_c),
            mains_ok=bool(self.mains_ok[step]),
        )

    @cached_property
    def _plain(self) -> tuple[array[float], array[float], array[float], array[float] | None]:
        """The series as plain numbers: numpy's take several times as long where they are wanted one
        by one.
        """
        dc_load_kw, pv_kw, outdoor_c = (
            array("d", series) for series in (self.dc_load_kw, self.pv_kw, self.outdoor_c)
        )
        return (
            dc_load_kw,
            pv_kw,
            outdoor_c,
            None if self.ac_load_kw is None else array("d", self.ac_load_kw),
        )

    def moved_to(self, day: date, zone: ZoneInfo) -> Profile:
        """The same series with its first step on another local day."""
        old = self.start.astimezone(zone)
        return replace(self, start=datetime.combine(day, old.time(), tzinfo=zone).astimezone(UTC))


def read_profile(
    path: Path, zone: ZoneInfo, day: date | None = None, *, keep_holes: bool = False
) -> Profile:
    """Read a profile file (CSV, gzip too), all of it or one local day. Times without offset are
    local to `zone`.

    Empty cells are refused, or kept as NaN with `keep_holes`: whoever only learns from a profile
    can pass them over.

    Raises `UserError` for a missing column, an uneven step, or a day that is absent or has holes;
    nothing is filled in.
    """
    frame, times = read_timed_csv(path, zone, COLUMNS, expected=KNOWN)
    if day is not None:
        keep = (times.dt.date == day).to_numpy()
        if not keep.any():
            raise UserError(
                f"{path}: has no data for {day}; it spans {times.iloc[0]:%Y-%m-%d} to {times.iloc[-1]:%Y-%m-%d}"
            )
        frame, times = frame[keep], times[keep]
    return profile_of(frame.assign(time=times), path, day, keep_holes=keep_holes)


def check_columns(columns: Iterable[str], source: str) -> None:
    """Raise `UserError` when a profile lacks a column that it must have."""
    missing = [c for c in ("time", *COLUMNS) if c not in columns]
    if missing:
        raise UserError(f"{source}: no column {', '.join(missing)}; {KNOWN}")


def profile_of(
    frame: pd.DataFrame, path: Path, day: date | None = None, *, keep_holes: bool = False
) -> Profile:
    """The profile in a table whose column `time` holds aware times in order. Raises `UserError` as
    `read_profile`.
    """
    import pandas as pd

    times = frame["time"]
    steps_s = times.diff().dropna().dt.total_seconds().unique()
    if len(steps_s) != 1 or steps_s[0] <= 0:
        where = "" if day is None else f" on {day}"
        found = ", ".join(f"{s:g} s" for s in steps_s[:4])
        raise UserError(f"{path}: the time steps are not equal{where}: {found}")

    def series(column: str) -> Array:
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
        holes = int(np.isnan(values).sum())
        if holes and not keep_holes:
            where = times.iloc[int(np.flatnonzero(np.isnan(values))[0])]
            found = f"{holes} empty or unreadable cells, the first at {where:%Y-%m-%d %H:%M}"
            raise UserError(f"{path}: column {column} has {found}; choose another day")
        return values

    return Profile(
        start=times.iloc[0].to_pydatetime().astimezone(UTC),
        step=timedelta(seconds=float(steps_s[0])),
        dc_load_kw=series("dc_load_kw"),
        pv_kw=series("pv_kw"),
        outdoor_c=series("outdoor_temp_c"),
        ac_load_kw=series("ac_load_kw") if "ac_load_kw" in frame else None,
        mains_ok=series("mains_available") > 0.5
        if "mains_available" in frame
        else np.ones(len(frame), dtype=np.bool_),
        source=f"{path.name}{'' if day is None else f', {day}'}",
    )
