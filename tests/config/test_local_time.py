"""Local dates and times of day in UTC, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from siteems.config.local_time import local_time, utc_span
from siteems.errors import UserError

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_local_time_of_day_in_utc() -> None:
    day = date(2026, 7, 15)
    assert local_time("14:30", day, SHANGHAI) == datetime(2026, 7, 15, 6, 30, tzinfo=UTC)
    with pytest.raises(UserError, match="is not a time of day; allowed: HH:MM"):
        local_time("25:00", day, SHANGHAI)


def test_a_span_of_local_days_is_as_long_as_the_day_is() -> None:
    start, end = utc_span(date(2026, 3, 29), date(2026, 3, 30), BERLIN)
    assert start == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert end == datetime(2026, 3, 29, 22, tzinfo=UTC)  # 23 hours, in spring


def test_a_span_may_be_open() -> None:
    assert utc_span(None, None, SHANGHAI) == (None, None)
    start, end = utc_span(date(2026, 7, 15), None, SHANGHAI)
    assert (start, end) == (datetime(2026, 7, 14, 16, tzinfo=UTC), None)
