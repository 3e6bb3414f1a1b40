"""Tariffs that come with siteems against the public records that they were taken from, hour by
hour.
"""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import TypeAdapter

from siteems.accounting.billing import make_bill
from siteems.config.seeds import seeds_folder
from siteems.site.model import GridConnection
from siteems.tariff.check import tariff_errors
from siteems.tariff.files import known_tariffs
from siteems.tariff.model import TariffVersion
from siteems.tariff.schedule import TariffSchedule

SHARED = Path(__file__).parents[3] / "shared" / "data"
HOUR = timedelta(hours=1)


def tariff(name: str) -> tuple[TariffVersion, ...]:
    record = tomllib.loads(
        (seeds_folder() / "tariffs" / f"{name}.toml").read_text(encoding="utf-8")
    )
    return TypeAdapter(tuple[TariffVersion, ...]).validate_python(record["tariffs"])


def shared(*parts: str) -> Any:
    path = SHARED.joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside this project")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", known_tariffs())
def test_it_is_a_tariff_without_errors(name: str) -> None:
    assert list(tariff_errors(tariff(name))) == []


def test_every_hour_of_pacific_gas_and_electric() -> None:
    [record] = shared("us_tariffs_urdb", "pge_b19_secondary_2020.json")
    schedule = TariffSchedule(tariff("pge-b19-2020"), ZoneInfo("America/Los_Angeles"))
    for day in (date(2020, 1, 1) + timedelta(days=i) for i in range(366)):
        hours = record["energyweekdayschedule" if day.weekday() < 5 else "energyweekendschedule"]
        for hour in range(24):
            rate = record["energyratestructure"][hours[day.month - 1][hour]][0]["rate"]
            when = datetime(day.year, day.month, day.day, hour, 30, tzinfo=schedule.zone)
            assert schedule.price_at(when).per_kwh == rate, when


def test_the_demand_charges_of_a_summer_month_of_pacific_gas_and_electric() -> None:
    """5 kW always, 7 kW once at 15:00, 8 kW once at 18:00, 9 kW once at 03:00: the highest of each
    charge's hours.
    """
    [record] = shared("us_tariffs_urdb", "pge_b19_secondary_2020.json")
    schedule = TariffSchedule(tariff("pge-b19-2020"), ZoneInfo("America/Los_Angeles"))
    start = datetime(2020, 7, 1, tzinfo=schedule.zone).astimezone(UTC)
    kw = np.full(31 * 96, 5.0)
    for quarter, power in ((15 * 4, 7.0), (18 * 4, 8.0), (3 * 4, 9.0)):
        kw[quarter] = power
    (month,) = make_bill(
        schedule, GridConnection(import_limit_kw=20.0), "USD", start, HOUR / 4, kw
    ).months
    rates = [
        record["flatdemandstructure"][1][0]["rate"],
        *(record["demandratestructure"][i][0]["rate"] for i in (2, 3)),
    ]
    wanted = dict(zip(("any time", "summer part-peak", "summer peak"), rates, strict=True))
    found = {
        line.name: (line.measured_kw, line.price_per_kw, float(line.amount))
        for line in month.demand
    }
    for name, power in (("any time", 9.0), ("summer part-peak", 7.0), ("summer peak", 8.0)):
        assert found[name] == (power, wanted[name], pytest.approx(power * wanted[name], abs=0.005))
    assert found["winter peak"][2] == 0.0
    assert float(month.standing) == pytest.approx(31 * record["fixedchargefirstmeter"], abs=0.005)


@pytest.mark.parametrize("season", ["summer", "non_summer"])
def test_every_hour_of_taiwan_power(season: str) -> None:
    plans = shared("tw_tariffs_taipower", "plans.json")["plans"]
    [plan] = [plan for plan in plans if plan["id"] == "high_voltage_2_tier"]
    schedule = TariffSchedule(tariff("taipower-high-voltage"), ZoneInfo("Asia/Taipei"))
    costs = {
        (rate["day_type"], rate["period"]): rate["cost"]
        for rate in plan["rates"]
        if rate["season"] == season
    }
    first, last = (
        (date(2026, 5, 16), date(2026, 10, 16))
        if season == "summer"
        else (date(2025, 10, 16), date(2026, 5, 16))
    )
    for day in (first + timedelta(days=i) for i in range((last - first).days)):
        kind = ("weekday", "saturday", "sunday_holiday")[max(0, day.weekday() - 4)]
        for slot in plan["schedules"]:
            if (slot["season"], slot["day_type"]) != (season, kind):
                continue
            begin, end = (int(slot[edge].split(":")[0]) for edge in ("start", "end"))
            for hour in range(begin, end):
                when = datetime(day.year, day.month, day.day, hour, 15, tzinfo=schedule.zone)
                assert schedule.price_at(when).per_kwh == costs[kind, slot["period"]], when


def test_power_beyond_the_contract_in_taiwan() -> None:
    """100 kW contracted, 115 measured: 10 kW doubled and 5 kW three times the price, beside the
    contract.
    """
    schedule = TariffSchedule(tariff("taipower-high-voltage"), ZoneInfo("Asia/Taipei"))
    start = datetime(2026, 7, 1, tzinfo=schedule.zone).astimezone(UTC)
    kw = np.full(31 * 96, 50.0)
    kw[40] = 115.0
    (month,) = make_bill(
        schedule,
        GridConnection(import_limit_kw=200.0, contract_kw=100.0),
        "TWD",
        start,
        HOUR / 4,
        kw,
    ).months
    assert float(month.demand_amount) == pytest.approx(223.6 * (100 + 2 * 10 + 3 * 5), abs=0.005)
