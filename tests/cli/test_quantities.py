"""Powers, durations, days and times as text: tables of what is accepted and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from siteems.cli.quantities import parse_day, parse_duration, parse_power_kw, parse_when
from siteems.errors import UserError

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 7, 15, 4, 30, 20, tzinfo=UTC)
"""12:30:20 at the site."""


@pytest.mark.parametrize(
    ("text", "kw"),
    [
        ("1.5kW", 1.5),
        ("1.5 kw", 1.5),
        (" 1500 W ", 1.5),
        ("1500w", 1.5),
        ("2MW", 2000.0),
        ("0kW", 0.0),
        ("0.05kW", 0.05),
    ],
)
def test_power(text: str, kw: float) -> None:
    assert parse_power_kw(text) == pytest.approx(kw)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.5",
        "1500",
        "kW",
        "-1kW",
        "+1kW",
        "1,5kW",
        "1.5kWh",
        "1e3W",
        ".5kW",
        "nan kW",
        "inf kW",
        "9" * 400 + "W",
        "5mW",
    ],
)
def test_no_power(text: str) -> None:
    with pytest.raises(UserError, match="is not a power; allowed: a number with W, kW or MW"):
        parse_power_kw(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("1h", 60),
        ("90min", 90),
        ("90 m", 90),
        ("30s", 0.5),
        ("1.5H", 90),
        ("2d", 2880),
        (" 1h ", 60),
        ("366d", 366 * 1440),
    ],
)
def test_duration(text: str, minutes: float) -> None:
    assert parse_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text",
    ["", "1", "0h", "0.0min", "-1h", "1 hour", "1h30", "h", "367d", "9999999999d", "9" * 400 + "d"],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(UserError, match="is not a duration; allowed"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "hour_utc"),
    [
        ("now", NOW),
        ("18:00", datetime(2026, 7, 15, 10, 0, tzinfo=UTC)),
        ("0:05", datetime(2026, 7, 14, 16, 5, tzinfo=UTC)),
        ("2026-07-16T08:00", datetime(2026, 7, 16, 0, 0, tzinfo=UTC)),
        ("2026-07-16 08:00", datetime(2026, 7, 16, 0, 0, tzinfo=UTC)),
        ("2026-07-16T08:00Z", datetime(2026, 7, 16, 8, 0, tzinfo=UTC)),
        ("2026-07-16T08:00+02:00", datetime(2026, 7, 16, 6, 0, tzinfo=UTC)),
        ("2026-07-16", datetime(2026, 7, 15, 16, 0, tzinfo=UTC)),
    ],
)
def test_when(text: str, hour_utc: datetime) -> None:
    when = parse_when(text, NOW, ZONE)
    assert when == hour_utc
    assert when.utcoffset() == timedelta(0)


def test_today_is_the_day_at_the_site() -> None:
    late = datetime(2026, 7, 15, 17, 0, tzinfo=UTC)  # the 16th at the site
    assert parse_when("09:00", late, ZONE) == datetime(2026, 7, 16, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "24:00", "12:60", "noon", "18", "18:00:00:00", "2026-13-01", "0001-01-01T00:00", "18h"],
)
def test_no_time(text: str) -> None:
    with pytest.raises(UserError, match="is not a time; allowed: now, HH:MM"):
        parse_when(text, NOW, ZONE)


def test_day() -> None:
    assert parse_day("2026-07-15") == date(2026, 7, 15)


@pytest.mark.parametrize("text", ["", "2026-02-30", "15.07.2026", "yesterday", "2026-07-15T00:00"])
def test_no_day(text: str) -> None:
    with pytest.raises(UserError, match="is not a date; allowed: YYYY-MM-DD"):
        parse_day(text)
