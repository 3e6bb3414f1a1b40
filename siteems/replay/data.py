"""The recorded data of a replay: without gaps, and moved to days on which a tariff is valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from siteems.errors import UserError
from siteems.recordings.column_map import ColumnMap
from siteems.recordings.hole_limits import WHOLE, Span
from siteems.recordings.profile import Profile
from siteems.recordings.read import read_filled_profile
from siteems.tariff.calendar import version_on
from siteems.tariff.model import TariffVersion

YEAR = timedelta(weeks=52)
"""Whole weeks, so that a workday stays a workday."""
MOST_YEARS = 60


@dataclass(frozen=True, eq=False)
class ReplayData:
    """What a replay runs on."""

    profile: Profile
    notes: tuple[str, ...]
    """A sentence for each rule that was applied to the data."""
    moved: timedelta
    """How much later than recorded it is."""

    def between(self, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
        """The span of the moved data that was recorded from `start` to `end`, cut to the recording.

        Raises `UserError` when it is empty.
        """
        recorded = replace(self.profile, start=self.profile.start - self.moved)
        first, last = between(recorded, start, end)
        return first + self.moved, last + self.moved


def read_replay_data(
    path: Path,
    zone: ZoneInfo,
    tariffs: Sequence[TariffVersion],
    column_map: ColumnMap | None = None,
    used: Span = WHOLE,
) -> ReplayData:
    """Read a recording for a replay of the span that is `used`.

    Data older than every tariff is moved by whole years of 52 weeks, so that weekdays and, nearly,
    seasons stay. Raises `UserError` for what cannot be read, for a column without any value, and
    when no move brings the whole span into the tariffs.
    """
    recorded = read_filled_profile(path, zone, column_map, used)
    for years in range(MOST_YEARS):
        moved = replace(recorded.profile, start=recorded.profile.start + years * YEAR)
        first = moved.start.astimezone(zone).date()
        last = (moved.end - timedelta(seconds=1)).astimezone(zone).date()
        if version_on(tariffs, first) is None or version_on(tariffs, last) is None:
            continue
        if not years:
            return ReplayData(recorded.profile, recorded.notes, timedelta(0))
        note = (
            f"time: moved {52 * years} weeks on, to {first} .. {last}, "
            "where the site's tariff is valid"
        )
        return ReplayData(moved, (*recorded.notes, note), years * YEAR)
    known = ", ".join(
        f"{version.name} from {version.valid_from} to {version.valid_to or 'open end'}"
        for version in tariffs
    )
    raise UserError(
        f"{recorded.profile.source}: no tariff of the site holds for its whole span; "
        f"known are {known}"
    )


def between(
    profile: Profile, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime]:
    """The span from `start` to `end`, cut to the profile. Raises `UserError` when it is empty."""
    first = profile.start if start is None else max(start, profile.start)
    last = profile.end if end is None else min(end, profile.end)
    if last <= first:
        raise UserError(
            f"{profile.source}: has no data from {start} to {end}; "
            f"it spans {profile.start} to {profile.end}"
        )
    return first, last
