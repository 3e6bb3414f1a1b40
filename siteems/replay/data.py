"""Recorded data for a replay: holes filled by stated rules, and moved to where a tariff holds. Nothing silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.errors import UserError
from siteems.inspection.table import read_frame
from siteems.replay.mapping import DataMap, mapped
from siteems.replay.regular import regular
from siteems.simulation.profile import Profile, check_columns, profile_of
from siteems.tariff.calendar import version_on
from siteems.tariff.records import TariffVersion

Array = npt.NDArray[np.float64]

SHORT_GAP = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=364)
"""52 weeks: weekdays stay weekdays."""
MOST_YEARS = 60

RULES = {
    "short": "up to an hour: straight line between its neighbours",
    "day": "longer: the same time of the nearest day that has it, the day before first",
}


@dataclass(frozen=True, eq=False)
class ReplayData:
    """A profile without holes, and in words what was done to it."""

    profile: Profile
    fills: tuple[str, ...]


def read_data(
    path: Path, zone: ZoneInfo, tariffs: Sequence[TariffVersion], mapping: DataMap | None = None
) -> ReplayData:
    """Read a recording for a replay. Raises `UserError` for what cannot be read, or has a column without any value."""
    frame = read_frame(path)
    if mapping is not None:
        frame = mapped(frame, mapping, path)
    check_columns(frame.columns, str(path))
    even, said = regular(frame, path, zone)
    raw = profile_of(even, path, keep_holes=True)
    fills = list(said)
    columns: dict[str, Array | None] = {
        name: getattr(raw, name) for name in ("dc_load_kw", "pv_kw", "outdoor_c", "ac_load_kw")
    }
    for name, series in columns.items():
        if series is not None:
            columns[name], said = fill(series, raw.step)
            if columns[name] is None:
                raise UserError(f"{path}: column of {name} has no value at all")
            fills += [f"{name}: {each}" for each in said]
    negative = {name: int((series < 0.0).sum()) for name, series in columns.items() if series is not None}
    for name in ("dc_load_kw", "pv_kw", "ac_load_kw"):
        series = columns[name]
        if series is not None and negative[name]:
            columns[name] = np.maximum(series, 0.0)
            fills.append(f"{name}: {negative[name]} values below 0 taken as 0")
    profile = replace(raw, **columns)  # type: ignore[arg-type]  # those that must be there are
    return ReplayData(*_where_a_tariff_holds(profile, tuple(fills), tariffs, zone))


def fill(series: Array, step: timedelta) -> tuple[Array | None, tuple[str, ...]]:
    """The series (shape (n,)) without NaN, and a sentence for each kind of hole; None where there is no value at all.

    A gap of up to an hour is bridged by a straight line, a longer one by the same time of the nearest day that has it.
    """
    holes = np.isnan(series)
    if not holes.any():
        return series, ()
    if holes.all():
        return None, ()
    filled, per_day = series.copy(), round(DAY / step)
    edges = np.flatnonzero(np.diff(holes.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    most = max(1, round(SHORT_GAP / step))
    known = np.flatnonzero(~holes)
    short = [(first, after) for first, after in edges if after - first <= most and first > 0 and after < len(series)]
    for first, after in short:
        filled[first:after] = np.interp(np.arange(first, after), known, series[known])
    longer = int(np.isnan(filled).sum())
    left = np.flatnonzero(np.isnan(filled))
    for days in range(1, len(series) // per_day + 2):
        for sign in (-1, 1):
            source = left + sign * days * per_day
            there = (source >= 0) & (source < len(series))
            usable = there.copy()
            usable[there] = ~holes[source[there]]
            filled[left[usable]] = series[source[usable]]
            left = left[~usable]
        if not left.size:
            break
    filled[left] = np.interp(left, known, series[known])  # less than a day of data
    said = []
    if short:
        said.append(f"{sum(after - first for first, after in short)} values in {len(short)} gaps {RULES['short']}")
    if longer:
        said.append(f"{longer} values in {len(edges) - len(short)} gaps {RULES['day']}")
    return filled, tuple(said)


def between(profile: Profile, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """The span of a replay within a profile. Raises `UserError` when nothing is left of it."""
    first = profile.start if start is None else max(start, profile.start)
    last = profile.end if end is None else min(end, profile.end)
    if last <= first:
        raise UserError(
            f"{profile.source}: has no data from {start} to {end}; it spans {profile.start} to {profile.end}"
        )
    return first, last


def _where_a_tariff_holds(
    profile: Profile, fills: tuple[str, ...], tariffs: Sequence[TariffVersion], zone: ZoneInfo
) -> tuple[Profile, tuple[str, ...]]:
    """Data older than every tariff is moved by whole 52 weeks, so that weekdays and seasons (nearly) stay."""
    for years in range(MOST_YEARS):
        moved = replace(profile, start=profile.start + years * YEAR)
        ends = (moved.start.astimezone(zone).date(), (moved.end - timedelta(seconds=1)).astimezone(zone).date())
        if all(version_on(tariffs, day) is not None for day in ends):
            said = f"time: moved {52 * years} weeks on, to {ends[0]} .. {ends[1]}, where the site's tariff holds"
            return moved, (*fills, said) if years else fills
    known = ", ".join(
        f"{version.name} from {version.valid_from} to {version.valid_to or 'open end'}" for version in tariffs
    )
    raise UserError(f"{profile.source}: no tariff of the site holds for its whole span; known are {known}")
