"""Powers, durations, days and times as people type them. Everything here raises `UserError`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from siteems.errors import UserError

# mW is refused: it is almost certainly a mistyped MW.
_POWER = re.compile(r"(\d{1,12}(?:\.\d+)?)\s*(W|w|kW|kw|KW|MW)")
_KW_PER_UNIT = {"w": 0.001, "kw": 1.0, "mw": 1000.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
_LONGEST = timedelta(days=366)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse_power_kw(text: str) -> float:
    """Power in kW from text such as `1.5kW` or `1500 W`.

    The unit is required, because a bare 1500 that is meant in W would be taken for 1500 kW.
    """
    match = _POWER.fullmatch(text.strip())
    if match is None:
        raise UserError(
            f"{text!r} is not a power; allowed: a number with W, kW or MW, such as 1.5kW"
        )
    return float(match[1]) * _KW_PER_UNIT[match[2].lower()]


def parse_signed_power_kw(text: str) -> float:
    """The same with a sign: + or none is charging, - is discharging."""
    unsigned = text.strip()
    sign = -1.0 if unsigned.startswith("-") else 1.0
    return sign * parse_power_kw(unsigned.lstrip("+-") if unsigned[:1] in "+-" else unsigned)


def parse_duration(text: str) -> timedelta:
    """Duration from text such as `1h`, `90min` or `30s`: more than zero, at most a year."""
    match = _DURATION.fullmatch(text.strip().lower())
    seconds = 0.0 if match is None else float(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise UserError(
            f"{text!r} is not a duration; allowed: a number with s, min, h or d, such as 1h or "
            "90min, up to a year"
        )
    return timedelta(seconds=seconds)


def parse_when(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Time in UTC from `now`, `18:00` (today, site local time) or an ISO 8601 time."""
    if text == "now":
        return now
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            hour, minute = (int(part) for part in text.split(":"))
            return (
                now.astimezone(zone)
                .replace(hour=hour, minute=minute, second=0, microsecond=0)
                .astimezone(UTC)
            )
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{text!r} is not a time; allowed: now, HH:MM (site local time) or YYYY-MM-DDTHH:MM"
        ) from error


def parse_day(text: str) -> date:
    """Date from `YYYY-MM-DD`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"{text!r} is not a date; allowed: YYYY-MM-DD") from error
