"""The state of health that counts: the lowest of site file, battery and discharges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from siteems.estimation.battery_health import REPORTS, BatteryHealth, Health
from siteems.site.model import Battery, Site

START = datetime(2026, 7, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def battery(hangzhou: Site) -> Battery:
    return replace(hangzhou.battery, state_of_health=1.0)


def discharge(
    health: BatteryHealth,
    battery: Battery,
    start: datetime,
    *,
    actual: float,
    from_soc: float = 0.9,
    to_soc: float = 0.6,
    kw: float = 4.0,
) -> None:
    """Show one discharge of a battery that actually holds this share of its rated capacity."""
    capacity_kwh = actual * battery.rated_kwh
    per_minute = kw / 60.0 / battery.discharge_efficiency / capacity_kwh
    time, soc = start, from_soc
    health.learn(time - MINUTE, {"soc": soc, "battery_kw": 0.0})
    while soc > to_soc:
        health.learn(time, {"soc": soc, "battery_kw": -kw})
        time, soc = time + MINUTE, soc - per_minute
    health.learn(time, {"soc": soc, "battery_kw": 0.0})


def daily(health: BatteryHealth, battery: Battery, actual: Iterable[float]) -> None:
    for day, share in enumerate(actual):
        discharge(health, battery, START + day * DAY, actual=share)


def test_the_site_file_counts_where_nothing_contradicts_it(battery: Battery) -> None:
    health = BatteryHealth(battery)
    daily(health, battery, [1.0, 1.02, 0.99, 1.01, 0.98, 1.0])
    for minute in range(REPORTS):
        health.learn(START + 9 * DAY + minute * MINUTE, {"soh": 1.0})
    assert health.counted == Health(1.0, "site-file")
    assert health.learned is None


def test_a_lower_report_of_the_battery_counts_and_single_wrong_ones_do_not(
    battery: Battery,
) -> None:
    health = BatteryHealth(battery)
    reports = [0.9, 0.9, 0.9, 0.01, 0.5, 0.9, 0.9, 0.9, 0.9]  # 0.01 is no state of health
    for minute, soh in enumerate(reports):
        health.learn(START + minute * MINUTE, {"soh": soh})
    assert health.counted == Health(1.0, "site-file"), "not yet enough of them"
    health.learn(START + 9 * MINUTE, {"soh": 0.9})
    assert health.counted == Health(0.9, "battery")
    for minute in range(REPORTS):
        health.learn(START + DAY + minute * MINUTE, {"soh": 1.2})
    assert health.counted == Health(1.0, "site-file"), "never more than the site file states"


def test_discharges_of_a_weaker_battery_lower_it(battery: Battery) -> None:
    health = BatteryHealth(battery)
    daily(health, battery, [0.9] * 4)
    assert health.counted.share == 1.0, "four discharges are too few"
    daily(health, battery, [0.9] * 5)
    assert health.counted.source == "discharges"
    assert health.counted.share == pytest.approx(0.9, abs=0.005)


def test_it_falls_by_a_tenth_a_month_at_most(battery: Battery) -> None:
    health = BatteryHealth(battery)
    daily(health, battery, [0.6] * 29)
    assert health.counted.share == pytest.approx(0.9)
    daily(health, battery, [0.6] * 40)
    assert health.counted.share == pytest.approx(0.8)


def test_it_rises_only_with_a_discharge_from_full(battery: Battery) -> None:
    health = BatteryHealth(battery)
    health.recall(0.8)
    daily(health, battery, [1.0] * 10)
    assert health.counted.share == pytest.approx(0.8)
    discharge(health, battery, START + 20 * DAY, actual=0.95, from_soc=1.0, to_soc=0.3)
    assert health.counted.share == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize(
    ("from_soc", "to_soc"), [(0.9, 0.8), (0.9, 0.77)], ids=["10 % deep", "13 % deep"]
)
def test_shallow_discharges_show_nothing(battery: Battery, from_soc: float, to_soc: float) -> None:
    health = BatteryHealth(battery)
    for day in range(9):
        start = START + day * DAY
        discharge(health, battery, start, actual=0.7, from_soc=from_soc, to_soc=to_soc)
    assert health.learned is None


def test_unknown_values_and_gaps_end_a_discharge(battery: Battery) -> None:
    health = BatteryHealth(battery)
    for day in range(9):
        for minute in range(200):
            known = minute % 30
            values = {"soc": 0.9 - 0.002 * minute, "battery_kw": -4.0 if known else None}
            health.learn(START + day * DAY + minute * MINUTE, values)
    assert health.learned is None, "thirty minutes are 6 % deep"
    for day in range(20, 29):
        for half_hour in range(8):
            time = START + day * DAY + half_hour * 30 * MINUTE
            health.learn(time, {"soc": 0.9 - 0.05 * half_hour, "battery_kw": -4.0})
    assert health.learned is None, "what happened between is unknown"
