"""What people type: powers, durations and times of day, read strictly."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from siteems.errors import UserError

_POWER = re.compile(r"(\d{1,12}(?:\.\d+)?)\s*(W|w|kW|kw|KW|MW)")  # not mW: nobody means a milliwatt
_KW_PER_UNIT = {"w": 0.001, "kw": 1.0, "mw": 1000.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
_LONGEST = timedelta(days=366)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def parse_power_kw(text: str) -> float:
    """`1.5kW`, `1500 W` in kW. The unit is required: a bare number is how 1500 W becomes 1500 kW."""
    match = _POWER.fullmatch(text.strip())
    if match is None:
        raise UserError(
            f"{text!r} is not a power; allowed: a number with W, kW or MW, such as 1.5kW"
        )
    return float(match[1]) * _KW_PER_UNIT[match[2].lower()]


def parse_duration(text: str) -> timedelta:
    """`1h`, `90min`, `30s`; longer than nothing, at most a year."""
    match = _DURATION.fullmatch(text.strip().lower())
    seconds = 0.0 if match is None else float(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise UserError(
            f"{text!r} is not a duration; allowed: up to a year, a number with s, min, h or d, such as 1h or 90min"
        )
    return timedelta(seconds=seconds)


def parse_when(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """`now`, `18:00` (today, local to the site) or an ISO time, in UTC."""
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
            f"{text!r} is not a time; allowed: now, HH:MM (local to the site) or YYYY-MM-DDTHH:MM"
        ) from error
