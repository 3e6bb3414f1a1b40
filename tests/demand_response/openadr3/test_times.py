"""Durations and times of OpenADR 3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from siteems.demand_response.openadr3.times import (
    duration_text,
    parse_duration,
    parse_time,
    time_text,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT15M", timedelta(minutes=15)),
        ("PT1H30M", timedelta(minutes=90)),
        ("PT0S", timedelta(0)),
        ("PT1.5S", timedelta(seconds=1.5)),
        ("P1D", timedelta(days=1)),
        ("P2W", timedelta(weeks=2)),
        ("P0Y1M2DT3H4M5S", timedelta(days=32, hours=3, minutes=4, seconds=5)),
        ("P9999Y", None),
    ],
)
def test_durations(text: str, duration: timedelta | None) -> None:
    assert parse_duration(text) == duration
    if duration is not None and duration % timedelta(seconds=1) == timedelta(0):
        assert parse_duration(duration_text(duration)) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "1H", "-PT1H", "PT1H ", "PT1X", "PT" * 99])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no ISO 8601 duration"):
        parse_duration(text)


def test_times() -> None:
    noon = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
    for text in ("2026-07-15T12:00:00Z", "2026-07-15T20:00+08:00", "2026-07-15T12:00:00"):
        assert parse_time(text) == noon
    assert parse_time("0001-01-01") is None
    assert parse_time(time_text(noon)) == noon
    for text in ("noon", "", "9999-12-31T23:59:59-23:00", "2026-13-01"):
        with pytest.raises(ValueError, match="is no ISO 8601 time"):
            parse_time(text)
