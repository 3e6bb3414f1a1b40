"""Local dates and times of day, as people write them, converted to UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from siteems.errors import UserError


def local_time(text: str, day: date, zone: ZoneInfo) -> datetime:
    """UTC time of `text`, a local time of day such as "14:30", on the local date `day`.

    Raises `UserError` if `text` is not a time of day.
    """
    try:
        return datetime.combine(day, time.fromisoformat(text), tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise UserError(f"{text!r} is not a time of day; allowed: HH:MM") from error


def utc_span(
    first_day: date | None, end_day: date | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """From local midnight of `first_day` to local midnight of `end_day`, in UTC.

    `end_day` is the day after the last one. None stays None: the span is open at that end.
    """
    start, end = (
        None if day is None else datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        for day in (first_day, end_day)
    )
    return start, end


def doubled_offset(when: datetime, zone: ZoneInfo) -> str:
    """The offset from UTC of an instant, such as " +02:00", where its local time occurs twice; else
    nothing.
    """
    local = when.astimezone(zone)
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return ""
    text = f"{local:%z}"
    return f" {text[:3]}:{text[3:5]}"
