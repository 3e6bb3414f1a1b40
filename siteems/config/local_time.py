"""Local days and times of day, as people write them, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from siteems.errors import UserError


def local_time(text: str, day: date, zone: ZoneInfo) -> datetime:
    """`"14:30"` on a local day, in UTC. Raises `UserError` for anything else."""
    try:
        return datetime.combine(day, time.fromisoformat(text), tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise UserError(f"{text!r} is not a time of day; allowed: HH:MM") from error


def span_of(
    first_day: str | None, last_day: str | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """Local midnights of two days written as YYYY-MM-DD; none where none is given."""
    days = (None if text is None else date.fromisoformat(text) for text in (first_day, last_day))
    first, last = (
        None if day is None else datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        for day in days
    )
    return first, last
