"""Prices by time: golden values of the example tariffs, versions, listed days and both DST days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.accounting.price_spread import shift_benefit
from siteems.config.seeds import seed_path
from siteems.site.read_file import load_site
from siteems.tariff.gap import TariffGap
from siteems.tariff.model import Calendar, TariffVersion
from siteems.tariff.schedule import Price, TariffSchedule

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
ALL_MONTHS = tuple(range(1, 13))


def seed_schedule(name: str) -> TariffSchedule:
    site = load_site(seed_path(name))
    return TariffSchedule(site.tariffs, site.site.zone)


@pytest.fixture(scope="module")
def zhejiang() -> TariffSchedule:
    return seed_schedule("hangzhou-macro")


def two_part(name: str, start: date, end: date | None, price: float) -> TariffVersion:
    return TariffVersion(
        name=name,
        source="test",
        valid_from=start,
        valid_to=end,
        prices={"day": price, "night": price / 2},
        calendars=(
            Calendar(
                months=ALL_MONTHS,
                periods={"day": ("06:00-22:00",), "night": ("00:00-06:00", "22:00-24:00")},
            ),
        ),
    )


def hours_by_period(schedule: TariffSchedule, day: date) -> dict[str, float]:
    hours: Counter[str] = Counter()
    for slot in schedule.day(day):
        hours[slot.period] += slot.end_min - slot.start_min
    return {period: minutes / 60 for period, minutes in hours.items()}


def test_golden_zhejiang_prices(zhejiang: TariffSchedule) -> None:
    summer = {slot.period: slot.price for slot in zhejiang.day(date(2026, 7, 15))}
    holiday = {slot.period: slot.price for slot in zhejiang.day(date(2026, 10, 1))}
    golden = {"valley": 0.3652, "flat": 0.6803, "peak": 1.1267, "sharp": 1.2318}
    assert summer == pytest.approx(golden, abs=2e-4)
    assert holiday["deep"] == pytest.approx(0.2601, abs=2e-4)


@pytest.mark.parametrize("month", ALL_MONTHS)
def test_golden_zhejiang_hours(zhejiang: TariffSchedule, month: int) -> None:
    day = date(2026 if month > 6 else 2027, month, 15)
    hot_or_cold = {"sharp": 4, "peak": 3, "flat": 7, "valley": 10}
    between = {"peak": 7, "flat": 7, "valley": 10}
    assert hours_by_period(zhejiang, day) == (hot_or_cold if month in (1, 7, 8, 12) else between)


def test_listed_days_come_before_months(zhejiang: TariffSchedule) -> None:
    assert hours_by_period(zhejiang, date(2026, 10, 3)) == {
        "valley": 9,
        "deep": 6,
        "flat": 2,
        "peak": 7,
    }
    assert "deep" not in hours_by_period(zhejiang, date(2026, 10, 4))


def test_noon_is_valley_and_evening_sharp(zhejiang: TariffSchedule) -> None:
    def period(hour: int, minute: int = 0) -> str:
        return zhejiang.price_at(datetime(2026, 7, 15, hour, minute, tzinfo=SHANGHAI)).period

    assert [
        period(6, 59),
        period(7),
        period(12),
        period(17, 59),
        period(18),
        period(21, 59),
        period(22),
    ] == [
        "valley",
        "flat",
        "valley",
        "peak",
        "sharp",
        "sharp",
        "peak",
    ]


def test_guangdong_prices_are_as_listed() -> None:
    schedule = seed_schedule("rural-lfp")
    assert schedule.price_at(datetime(2026, 8, 12, 15, tzinfo=SHANGHAI)).per_kwh == 1.3465
    assert schedule.price_at(datetime(2026, 5, 12, 15, tzinfo=SHANGHAI)).per_kwh == 1.0827
    assert hours_by_period(schedule, date(2026, 8, 12)) == {
        "valley": 8,
        "flat": 9,
        "peak": 4,
        "sharp": 3,
    }
    assert hours_by_period(schedule, date(2026, 1, 12)) == {"valley": 8, "flat": 9, "peak": 7}


@pytest.mark.parametrize(
    ("low", "high", "round_trip", "benefit"),
    [
        ("valley", "peak", 0.85, 0.734),
        ("valley", "peak", 0.92, 0.768),
        ("valley", "sharp", 0.85, 0.844),
        ("valley", "sharp", 0.92, 0.879),
        ("valley", "flat", 0.85, 0.264),
        ("valley", "flat", 0.92, 0.298),
    ],
)
def test_golden_benefit_of_shifting(
    zhejiang: TariffSchedule, low: str, high: str, round_trip: float, benefit: float
) -> None:
    price = {slot.period: slot.price for slot in zhejiang.day(date(2026, 7, 15))}
    assert shift_benefit(price[low], price[high], round_trip, 0.95) == pytest.approx(
        benefit, abs=6e-4
    )


def test_time_zone_decides_the_hour(zhejiang: TariffSchedule) -> None:
    local = zhejiang.price_at(datetime(2026, 7, 15, 18, 30, tzinfo=SHANGHAI))
    assert zhejiang.price_at(datetime(2026, 7, 15, 10, 30, tzinfo=UTC)) == local
    assert local.period == "sharp"
    assert local.version == "zhejiang-2026"


def test_versions_change_at_local_midnight() -> None:
    old, new = (
        two_part("old", date(2025, 1, 1), date(2026, 7, 1), 1.0),
        two_part("new", date(2026, 7, 1), None, 2.0),
    )
    schedule = TariffSchedule((new, old), SHANGHAI)
    midnight = datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert schedule.price_at(midnight - timedelta(seconds=1)) == Price(0.5, "night", "old")
    assert schedule.price_at(midnight) == Price(1.0, "night", "new")


def test_no_version_is_a_gap_that_lists_the_known_ones() -> None:
    schedule = TariffSchedule((two_part("old", date(2025, 1, 1), date(2026, 7, 1), 1.0),), SHANGHAI)
    with pytest.raises(
        TariffGap,
        match="no tariff is valid on 2026-07-01; known are old from 2025-01-01 to 2026-07-01",
    ):
        schedule.price_at(datetime(2026, 7, 1, tzinfo=SHANGHAI))
    with pytest.raises(TariffGap):
        schedule.day(date(2024, 12, 31))


def test_naive_time_is_refused(zhejiang: TariffSchedule) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zhejiang.price_at(datetime(2026, 7, 15, 12))  # noqa: DTZ001 - the point of the test


def quarter_hours(day: date, zone: ZoneInfo) -> list[datetime]:
    start = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)
    return [
        start + timedelta(minutes=15 * step)
        for step in range(round((end - start) / timedelta(minutes=15)))
    ]


@pytest.mark.parametrize(
    ("day", "steps", "night_steps"),
    [(date(2026, 3, 29), 92, 28), (date(2026, 10, 25), 100, 36), (date(2026, 6, 1), 96, 32)],
)
def test_dst_days_keep_the_wall_clock(day: date, steps: int, night_steps: int) -> None:
    schedule = TariffSchedule((two_part("one", date(2026, 1, 1), None, 2.0),), BERLIN)
    starts = quarter_hours(day, BERLIN)
    prices, periods = schedule.price_series(starts)
    assert prices.shape == (steps,)
    assert periods.count("night") == night_steps
    first_day = periods.index("day")
    assert starts[first_day].astimezone(BERLIN).hour == 6
    assert np.array_equal(prices, np.where(np.array(periods) == "day", 2.0, 1.0))


def test_empty_series(zhejiang: TariffSchedule) -> None:
    prices, periods = zhejiang.price_series([])
    assert prices.shape == (0,)
    assert prices.dtype == np.float64
    assert periods == ()


@given(st.datetimes(datetime(2026, 7, 2), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds
def test_price_is_that_of_the_slot_around_it(when: datetime) -> None:
    schedule = SCHEDULE
    local = when.astimezone(SHANGHAI)
    minute = local.hour * 60 + local.minute
    (slot,) = (
        slot for slot in schedule.day(local.date()) if slot.start_min <= minute < slot.end_min
    )
    assert schedule.price_at(when) == Price(slot.price, slot.period, "zhejiang-2026")
    assert [s.start_min for s in schedule.day(local.date())][1:] == [
        s.end_min for s in schedule.day(local.date())
    ][:-1]


SCHEDULE = seed_schedule("hangzhou-macro")
