"""Times and durations as OpenADR 3 writes them (ISO 8601), with the values that mean "now" and
"without end".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

ENDLESS: Final = "P9999Y"
"""A duration without end (OpenADR 3.1 user guide)."""
NOW_YEAR: Final = 1
"""A start in the year 1 means now (OpenADR 3.1 user guide)."""
DURATION: Final = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})W)?(?:(\d{1,5})D)?"
    r"(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?"
)
YEAR, MONTH = timedelta(days=365), timedelta(days=30)
"""Calendar lengths depend on the date; events last hours, so that a mean will do."""


def parse_duration(text: str) -> timedelta | None:
    """A duration; None for one without end. Raises ValueError."""
    if text == ENDLESS:
        return None
    match = DURATION.fullmatch(text)
    if match is None or text in ("P", "PT") or text.endswith("T"):
        raise ValueError(f"{text[:40]!r} is no ISO 8601 duration such as PT15M")
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in match.groups()[:6])
    return (
        years * YEAR
        + months * MONTH
        + timedelta(
            weeks=weeks,
            days=days,
            hours=hours,
            minutes=minutes,
            seconds=float(match.group(7) or 0.0),
        )
    )


def parse_time(text: str) -> datetime | None:
    """A time in UTC; one without an offset is UTC. None means now. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
        if time.year <= NOW_YEAR:
            return None
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is no ISO 8601 time such as 2026-07-15T10:00Z") from error


def duration_text(duration: timedelta) -> str:
    """A duration in whole seconds."""
    return f"PT{round(duration.total_seconds())}S"


def time_text(time: datetime) -> str:
    """A time in UTC, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
