"""The one reader of time columns: from the cells of a file to instants in UTC.

Recordings, price vectors and `siteems inspect` all read their times here, so that a file means the
same to every command.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from siteems.errors import UserError


@dataclass(frozen=True, eq=False)
class Timestamps:
    """The times of a file in the order of its rows, duplicates kept.

    `times` is aware where the file gives offsets from UTC: in the file's offset where all rows have
    the same one, else in UTC. Without offsets it is naive.
    """

    source: str
    """File and column, for messages."""
    times: pd.DatetimeIndex

    @property
    def has_offset(self) -> bool:
        """Whether the file gives offsets from UTC."""
        return self.times.tz is not None

    def moved_by(self, shift: pd.Timedelta) -> Timestamps:
        """The same times, earlier or later."""
        return Timestamps(self.source, self.times + shift)


def parse_timestamps(
    cells: pd.Series, path: Path, column: str, *, iso_only: bool = True
) -> Timestamps:
    """Parse the cells of a time column. Raises `UserError`.

    ISO 8601 is always understood. Other notations are guessed by pandas from the first row; as day
    and month may be swapped in such a guess, `iso_only` refuses them.
    """
    first = str(cells.iloc[0]) if len(cells) else ""
    notation = "ISO8601" if iso_only or first[4:5] == "-" else None
    try:
        aware = pd.DatetimeIndex(pd.to_datetime(cells.iloc[:1], format=notation)).tz is not None
        to_utc = aware and _offsets_differ(cells)
        times = pd.DatetimeIndex(pd.to_datetime(cells, format=notation, utc=to_utc))
    except (ValueError, TypeError) as error:
        expected = "ISO 8601" if notation else "a time that can be read"
        raise UserError(f"{path}: column {column} is not {expected} ({error})") from error
    return Timestamps(f"{path}: column {column}", times)


def in_utc(
    stamps: Timestamps, zone: ZoneInfo, *, refuse_standard_time: bool = False
) -> tuple[pd.DatetimeIndex, tuple[str, ...]]:
    """The times in UTC, and a note where a rule had to be applied to get there.

    Times without offset are local to `zone`; in the hour that occurs twice in autumn, the order
    of the rows decides. Where they do not fit the zone's changes of clocks, they are taken as
    standard time all year, which is noted. A use that shows no notes sets `refuse_standard_time`:
    then such times raise `UserError`.
    """
    if stamps.has_offset:
        return stamps.times.tz_convert("UTC"), ()
    try:
        return stamps.times.tz_localize(zone, ambiguous="infer").tz_convert("UTC"), ()
    except ValueError as error:
        if refuse_standard_time:
            raise UserError(
                f"{stamps.source}: the times do not fit the changes of clocks in {zone} ({error}); "
                "write them with their offset from UTC"
            ) from error
    note = (
        f"time: the stamps run evenly through the change of clocks in {zone}: "
        "standard time all year"
    )
    return (stamps.times - _standard_offset(zone, stamps.times.min().year)).tz_localize("UTC"), (
        note,
    )


def usual_step(times: pd.DatetimeIndex) -> pd.Timedelta:
    """The most frequent distance between two successive times; zero for a single one."""
    steps = pd.Series(times.sort_values().unique()).diff().dropna()
    return pd.Timedelta(0) if steps.empty else pd.Timedelta(steps.mode().iloc[0])


def _offsets_differ(cells: pd.Series) -> bool:
    """Whether the offset changes within the column, as in local time written with its offset."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return False
    offsets = cells.astype(str).str.extract(r"(Z|[+-]\d\d:?(?:\d\d)?)$", expand=False)
    return bool(offsets.nunique() > 1)


def _standard_offset(zone: ZoneInfo, year: int) -> pd.Timedelta:
    """The smaller of a zone's winter and summer offsets from UTC in a year."""
    offsets = [datetime(year, month, 1, 12, tzinfo=zone).utcoffset() for month in (1, 7)]
    return pd.Timedelta(min(offset for offset in offsets if offset is not None))
