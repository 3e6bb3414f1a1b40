"""Interval data by local day: steps of every length, days of 23 and 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from siteems.demand_response.baseline.days import STEPS, metered_days

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("step_min", [1, 5, 15, 30, 60])
def test_steps_become_quarter_hours(step_min: int) -> None:
    start = datetime(2026, 7, 1, tzinfo=BERLIN).astimezone(UTC)
    hours = np.arange(0.0, 48.0, step_min / 60.0)
    days = metered_days(start, step_min * MINUTE, np.floor(hours), BERLIN)
    assert sorted(days.kw) == [date(2026, 7, 1), date(2026, 7, 2)]
    assert days.kw[date(2026, 7, 1)].tolist() == [float(n // 4) for n in range(STEPS)]


def test_a_quarter_hour_with_a_missing_minute_is_not_known() -> None:
    start = datetime(2026, 7, 1, tzinfo=BERLIN)
    values = np.ones(1440)
    values[20] = np.nan
    days = metered_days(start, MINUTE, values, BERLIN)
    assert np.flatnonzero(np.isnan(days.kw[date(2026, 7, 1)])).tolist() == [1]
    short = metered_days(start, MINUTE, np.ones(40), BERLIN)
    assert np.isnan(short.kw[date(2026, 7, 1)][2:]).all(), "the third quarter has ten minutes"


def test_changes_of_clocks() -> None:
    spring = datetime(2026, 3, 29, tzinfo=BERLIN).astimezone(UTC)
    days = metered_days(spring, 15 * MINUTE, np.ones(92), BERLIN)
    day = days.kw[date(2026, 3, 29)]
    assert np.flatnonzero(np.isnan(day)).tolist() == [8, 9, 10, 11]
    autumn = datetime(2026, 10, 25, tzinfo=BERLIN).astimezone(UTC)
    values = np.zeros(100)
    values[8:12], values[12:16] = 2.0, 4.0
    day = metered_days(autumn, 15 * MINUTE, values, BERLIN).kw[date(2026, 10, 25)]
    assert day[8:12].tolist() == [3.0] * 4
    assert not np.isnan(day).any()


def test_a_zone_of_half_hours() -> None:
    start = datetime(2026, 7, 1, tzinfo=KOLKATA)
    days = metered_days(start, 15 * MINUTE, np.arange(96.0), KOLKATA)
    assert days.at(start + 90 * MINUTE) == 6.0
    assert np.isnan(days.at(start - MINUTE))


@pytest.mark.parametrize("step", [7 * MINUTE, 40 * MINUTE, 10 * MINUTE])
def test_steps_that_fit_no_quarter_hour(step: timedelta) -> None:
    with pytest.raises(ValueError, match="fit no quarter hour"):
        metered_days(datetime(2026, 7, 1, tzinfo=UTC), step, np.ones(9), BERLIN)
