"""Recorded data for a replay: holes filled by stated rules, and moved to where a tariff holds.
Nothing silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.errors import UserError
from siteems.recordings.column_map import DataMap, mapped
from siteems.recordings.gaps import fill
from siteems.recordings.profile import Profile, check_columns, profile_of
from siteems.recordings.regular import regular
from siteems.recordings.table import read_frame
from siteems.tariff.calendar import version_on
from siteems.tariff.records import TariffVersion

Array = npt.NDArray[np.float64]

YEAR = timedelta(days=364)
"""52 weeks: weekdays stay weekdays."""
MOST_YEARS = 60


@dataclass(frozen=True, eq=False)
class ReplayData:
    """A profile without holes, and in words what was done to it."""

    profile: Profile
    fills: tuple[str, ...]


def read_data(
    path: Path, zone: ZoneInfo, tariffs: Sequence[TariffVersion], mapping: DataMap | None = None
) -> ReplayData:
    """Read a recording for a replay. Raises `UserError` for what cannot be read, or has a column
    without any value.
    """
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
    negative = {
        name: int((series < 0.0).sum()) for name, series in columns.items() if series is not None
    }
    for name in ("dc_load_kw", "pv_kw", "ac_load_kw"):
        series = columns[name]
        if series is not None and negative[name]:
            columns[name] = np.maximum(series, 0.0)
            fills.append(f"{name}: {negative[name]} values below 0 taken as 0")
    profile = replace(raw, **columns)  # type: ignore[arg-type]  # those that must be there are
    return ReplayData(*_where_a_tariff_holds(profile, tuple(fills), tariffs, zone))


def between(
    profile: Profile, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime]:
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
    """Data older than every tariff is moved by whole 52 weeks, so that weekdays and seasons
    (nearly) stay.
    """
    for years in range(MOST_YEARS):
        moved = replace(profile, start=profile.start + years * YEAR)
        ends = (
            moved.start.astimezone(zone).date(),
            (moved.end - timedelta(seconds=1)).astimezone(zone).date(),
        )
        if all(version_on(tariffs, day) is not None for day in ends):
            said = f"time: moved {52 * years} weeks on, to {ends[0]} .. {ends[1]}, where the site's tariff holds"
            return moved, (*fills, said) if years else fills
    known = ", ".join(
        f"{version.name} from {version.valid_from} to {version.valid_to or 'open end'}"
        for version in tariffs
    )
    raise UserError(
        f"{profile.source}: no tariff of the site holds for its whole span; known are {known}"
    )
