"""Bills worked by hand, and bills of real calendars: every line to the cent, every hour once."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from siteems.accounting.bill import Bill
from siteems.accounting.bill_text import as_data, as_text
from siteems.accounting.billing import make_bill
from siteems.config.seeds import seed_path, seeds_folder
from siteems.site.model import GridConnection
from siteems.site.read_file import load_site
from siteems.tariff.check import tariff_errors
from siteems.tariff.gap import TariffGap
from siteems.tariff.model import Calendar, DemandTerm, SpecialDays, TariffVersion
from siteems.tariff.period_price import price_of
from siteems.tariff.schedule import TariffSchedule

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
QUARTER = timedelta(minutes=15)
SHARED = Path(__file__).parents[3] / "shared" / "data" / "cn_tou_tariffs"
FLAT = TariffVersion(
    name="flat",
    source="test",
    valid_from=date(2020, 1, 1),
    prices={"day": 0.5},
    calendars=(Calendar(months=tuple(range(1, 13)), periods={"day": ("00:00-24:00",)}),),
)
HUB = GridConnection(import_limit_kw=500, transformer_kva=400, contract_kw=200)


def billed(
    version: TariffVersion,
    kw: np.ndarray,
    start: datetime,
    step: timedelta = QUARTER,
    grid: GridConnection = HUB,
    zone: ZoneInfo = SHANGHAI,
) -> Bill:
    return make_bill(TariffSchedule([version], zone), grid, "CNY", start, step, kw)


def april(kw: float = 100.0, peak_kw: float = 0.0) -> np.ndarray:
    """April 2026 in quarter hours, with one quarter hour higher."""
    series = np.full(30 * 96, kw)
    if peak_kw:
        series[96 * 9 + 40] = peak_kw
    return series


APRIL = datetime(2026, 3, 31, 16, tzinfo=UTC)
"""Midnight in Shanghai."""


def test_measured_demand_by_hand() -> None:
    """100 kW all April, 210 kW in one quarter hour: 72,000 kWh + 110 kW x 0.25 h; demand 210 kW at
    42.
    """
    version = replace(FLAT, demand=(DemandTerm(mode="measured", price_per_kw=42.0),))
    (month,) = billed(version, april(100.0, 210.0), APRIL).months
    assert month.complete
    assert month.imported_kwh == pytest.approx(72_027.5)
    assert month.energy_amount == Decimal("36013.75")
    assert month.demand_amount == Decimal("8820.00")
    assert month.total == Decimal("44833.75")


def test_capacity_by_hand() -> None:
    """400 kVA at 26.3, whatever was drawn."""
    version = replace(FLAT, demand=(DemandTerm(mode="capacity", price_per_kw=26.3),))
    assert billed(version, april(1.0, 390.0), APRIL).demand_amount == Decimal("10520.00")


@pytest.mark.parametrize(
    ("peak_kw", "amount"),
    [
        (150.0, "8400.00"),  # below the contract: 200 kW x 42
        (210.0, "8400.00"),  # at 105 % of it: still the contract
        (230.0, "10080.00"),  # 20 kW above 210 kW count double: (200 + 2 x 20) x 42
    ],
)
def test_contract_demand_and_the_105_percent_rule_by_hand(peak_kw: float, amount: str) -> None:
    """发改办价格〔2016〕1583号: up to 105 % the contract is paid, what is above 105 % double."""
    term = DemandTerm(
        mode="contract", price_per_kw=42.0, over=((1.05, 2.0),), least_contract_share=0.4
    )
    version = replace(FLAT, demand=(term,))
    assert billed(version, april(100.0, peak_kw), APRIL).demand_amount == Decimal(amount)


def test_a_small_contract_is_billed_as_40_percent_of_the_transformer() -> None:
    term = DemandTerm(
        mode="contract", price_per_kw=42.0, over=((1.05, 2.0),), least_contract_share=0.4
    )
    small = GridConnection(import_limit_kw=500, transformer_kva=400, contract_kw=50)
    version = replace(FLAT, demand=(term,))
    assert billed(version, april(), APRIL, grid=small).demand_amount == Decimal(
        "6720.00"
    )  # 160 kW x 42


def test_two_steps_above_a_contract_by_hand() -> None:
    """Taipower: up to 10 % above the contract twice the price, beyond three times. 240 kW: (200 + 2
    x 20 + 3 x 20).
    """
    term = DemandTerm(mode="contract", price_per_kw=10.0, over=((1.0, 2.0), (1.1, 3.0)))
    assert billed(
        replace(FLAT, demand=(term,)), april(100.0, 240.0), APRIL
    ).demand_amount == Decimal("3000.00")


def test_demand_counts_only_in_its_hours_and_over_its_interval() -> None:
    """The high quarter hour is at 10:00; over an hour it is (210 + 3 x 100) / 4 = 127.5 kW."""
    evening = DemandTerm(mode="measured", price_per_kw=1.0, hours=("16:00-21:00",))
    hourly = DemandTerm(mode="measured", price_per_kw=1.0, interval_min=60, day_types=("workday",))
    other = DemandTerm(mode="measured", price_per_kw=1.0, months=(7, 8))
    (month,) = billed(
        replace(FLAT, demand=(evening, hourly, other)), april(100.0, 210.0), APRIL
    ).months
    assert [line.amount for line in month.demand] == [
        Decimal("100.00"),
        Decimal("127.50"),
        Decimal("0.00"),
    ]


def test_a_part_of_a_month_pays_its_part() -> None:
    version = replace(
        FLAT,
        charge_per_month=30.0,
        charge_per_day=0.5,
        demand=(DemandTerm(mode="measured", price_per_kw=42),),
    )
    (month,) = billed(version, april()[: 96 * 3], APRIL).months
    assert not month.complete
    assert month.standing == Decimal("3.00") + Decimal("1.50")
    assert month.demand_amount == Decimal("420.00")


def test_zhejiang_2026_to_the_last_digit() -> None:
    """domain.md 4.2: 0.5252 x ratio + 0.1551 gives the printed 0.3653, 0.6803, 1.1267; sharp
    1.2318, deep 0.2601.
    """
    version = load_site(seed_path("hangzhou-macro")).tariffs[0]
    printed = {"valley": 0.3653, "flat": 0.6803, "peak": 1.1267, "sharp": 1.2318, "deep": 0.2601}
    for period, price in printed.items():
        assert price_of(version, period) == pytest.approx(price, abs=2e-4)
    exact = {"valley": 0.36518, "flat": 0.6803, "peak": 1.12672, "sharp": 1.23176, "deep": 0.26014}
    assert {period: price_of(version, period) for period in exact} == exact
    # 1 kW through 16 July 2026: 4 h sharp, 3 h peak, 7 h flat, 10 h valley
    (month,) = billed(version, np.ones(96), datetime(2026, 7, 15, 16, tzinfo=UTC)).months
    assert {line.period: (line.kwh, line.amount) for line in month.energy} == {
        "sharp": (4.0, Decimal("4.93")),
        "peak": (3.0, Decimal("3.38")),
        "flat": (7.0, Decimal("4.76")),
        "valley": (10.0, Decimal("3.65")),
    }
    assert month.total == Decimal("16.72")


def shared(name: str) -> dict[str, object]:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{name} is not beside this project")
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_hubei_table_from_its_components() -> None:
    """Two-part rows are the sum of their components exactly; single-part ones are listed 0.0002
    below it.
    """
    table = shared("hubei_price_table_2026_01.json")
    parts = table["components"]
    for row in table["rows"]:
        floating = parts["agent_purchase_price"] + parts["line_loss_price"]
        fixed = parts["government_fund"] + parts["system_operation"] + row["td_energy"]
        version = replace(
            FLAT, prices={}, ratios={"day": 1.0}, floating_per_kwh=floating, fixed_per_kwh=fixed
        )
        off = 0.0002 if row["structure"] == "single_part" else 0.0
        assert price_of(version, "day") == pytest.approx(row["non_tou"] + off, abs=1e-9)
        for period, ratio in (("sharp", 2.0), ("valley", 0.45)):
            version = replace(version, ratios={period: ratio})
            assert price_of(version, period) == pytest.approx(row[period] + off, abs=6e-4)


def versions_of_shared_calendars() -> list[dict[str, object]]:
    path = SHARED / "cn_tou_calendars.json"
    return json.loads(path.read_text(encoding="utf-8"))["tariffs"] if path.is_file() else []


@pytest.mark.parametrize(
    "record", versions_of_shared_calendars(), ids=lambda record: record["code"]
)
@pytest.mark.parametrize(("year", "hours"), [(2026, 8760), (2028, 8784)])
def test_every_hour_of_every_shared_calendar_is_counted_once(
    record: dict, year: int, hours: int
) -> None:
    calendars = []
    for each in record["calendar"]:
        periods: dict[str, tuple[str, ...]] = {}
        for slot in each["slots"]:
            name = slot["period"].replace("_", "-")
            periods[name] = (*periods.get(name, ()), f"{slot['start']}-{slot['end']}")
        calendars.append(Calendar(months=tuple(each["months"]), periods=periods))
    holidays = {"all": (date(year, 5, 1), date(year, 10, 1))}
    special = tuple(
        SpecialDays(holidays=("all",), periods={"deep-valley": tuple(rule["ranges"].split(","))})
        for rule in record["holiday_rules"]
        if "holidays" in rule
    )
    names = {name for calendar in calendars for name in calendar.periods} | {"deep-valley"}
    version = TariffVersion(
        name=record["code"],
        source="shared",
        valid_from=date(2020, 1, 1),
        calendars=tuple(calendars),
        prices=dict.fromkeys(names, 1.0),
        special_days=special,
        holidays=holidays,
    )
    assert list(tariff_errors([version])) == []
    start = datetime(year, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
    bill = billed(version, np.ones(4 * hours), start)
    per_period: Counter[str] = Counter()
    for month in bill.months:
        for line in month.energy:
            per_period[line.period] += line.kwh
    assert sum(per_period.values()) == pytest.approx(hours)
    if special:
        assert per_period["deep-valley"] >= 8  # both days
    counted: Counter[str] = Counter()
    for each in record["calendar"]:
        for slot in each["slots"]:
            length = (
                int(slot["end"][:2])
                + int(slot["end"][3:]) / 60
                - int(slot["start"][:2])
                - int(slot["start"][3:]) / 60
            )
            days = sum(
                (date(year + m // 12, m % 12 + 1, 1) - date(year, m, 1)).days
                for m in each["months"]
            )
            counted[slot["period"].replace("_", "-")] += length * days
    if not special:
        assert per_period == pytest.approx(counted)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25)])
def test_both_days_on_which_clocks_change(day: date, hours: int) -> None:
    """The hour 02-03 is missing in March; 01-02 occurs twice in November, at the same price."""
    version = replace(
        FLAT,
        prices={"night": 0.1, "day": 0.2},
        calendars=(
            Calendar(
                months=tuple(range(1, 13)),
                periods={"night": ("00:00-06:00",), "day": ("06:00-24:00",)},
            ),
        ),
    )
    start = datetime.combine(day, datetime.min.time(), tzinfo=NEW_YORK).astimezone(UTC)
    (month,) = billed(version, np.ones(4 * hours), start, zone=NEW_YORK).months
    assert {line.period: line.kwh for line in month.energy} == {"night": hours - 18.0, "day": 18.0}


def test_the_change_of_2026_07_01_and_versions_in_one_bill() -> None:
    site_tariffs = load_site(seed_path("hangzhou-macro")).tariffs
    folder = seeds_folder() / "tariffs"
    assert {path.stem for path in folder.glob("*.toml")} >= {
        "zhejiang-1-10kv",
        "hubei-two-part-1-10kv",
    }
    versions = _shipped("zhejiang-1-10kv")
    assert versions[1].ratios == site_tariffs[0].ratios
    schedule = TariffSchedule(versions, SHANGHAI)
    start = datetime(2026, 6, 29, 16, tzinfo=UTC)
    bill = make_bill(schedule, HUB, "CNY", start, QUARTER, np.ones(96 * 2))
    june, july = bill.months
    assert {line.tariff for line in june.energy} == {"zhejiang-2024"}
    assert {line.tariff for line in july.energy} == {"zhejiang-2026"}
    assert "sharp" not in {line.period for line in june.energy}
    assert bill.total == june.total + july.total


def _shipped(name: str) -> tuple[TariffVersion, ...]:
    import tomllib

    from pydantic import TypeAdapter

    from siteems.site.read_file import _json

    data = tomllib.loads((seeds_folder() / "tariffs" / f"{name}.toml").read_text(encoding="utf-8"))
    return TypeAdapter(tuple[TariffVersion, ...]).validate_json(_json(data["tariffs"]), strict=True)


@pytest.mark.parametrize(
    "path", sorted((seeds_folder() / "tariffs").glob("*.toml")), ids=lambda path: path.stem
)
def test_shipped_tariffs_are_complete(path: Path) -> None:
    assert list(tariff_errors(_shipped(path.stem))) == []


@settings(max_examples=examples(60))
@given(st.lists(st.floats(0.0, 50.0), min_size=96, max_size=96 * 3), st.floats(0.001, 2.0))
def test_a_bill_adds_up_to_the_cent(kw: list[float], price: float) -> None:
    version = replace(FLAT, prices={"day": round(price, 6)}, charge_per_day=0.333)
    bill = billed(version, np.array(kw), APRIL)
    amounts = [line.amount for month in bill.months for line in (*month.energy, *month.demand)]
    assert bill.total == sum(amounts, Decimal(0)) + sum(
        (month.standing for month in bill.months), Decimal(0)
    )
    assert all(amount == amount.quantize(Decimal("0.01")) for amount in amounts)
    assert float(bill.total) == pytest.approx(
        price * sum(kw) / 4 + 0.333 * len(kw) / 96, abs=0.02 + 1e-6 * sum(kw)
    )
    assert json.loads(json.dumps(as_data(bill)))["total"] == str(bill.total)
    assert f"{bill.total:,.2f}" in as_text(bill)


def test_a_price_vector_with_negative_prices(tmp_path: Path) -> None:
    from siteems.tariff.model import PriceVector

    lines = ["time,price"] + [
        f"2026-04-01T{hour:02d}:00:00,{-50 if hour == 3 else 100}" for hour in range(24)
    ]
    (tmp_path / "prices.csv").write_text("\n".join(lines), encoding="utf-8")
    vector = PriceVector(
        file=str(tmp_path / "prices.csv"), column="price", per="MWh", plus_per_kwh=0.02
    )
    version = TariffVersion(name="spot", source="test", valid_from=date(2020, 1, 1), vector=vector)
    assert list(tariff_errors([version])) == []
    (month,) = billed(version, np.ones(96), APRIL).months
    assert month.energy_amount == Decimal("2.73")  # 23 x 0.12 - 0.03
    with pytest.raises(TariffGap, match="no price from 2026-04-02T00:00"):
        billed(version, np.ones(100), APRIL)


def test_unknown_power_is_not_billed() -> None:
    for bad in (np.nan, -1.0):
        with pytest.raises(ValueError, match="fill the gaps"):
            billed(FLAT, np.array([1.0, bad]), APRIL)


def test_a_year_is_billed_the_same_as_step_by_step() -> None:
    versions = _shipped("zhejiang-1-10kv")
    schedule = TariffSchedule(versions, SHANGHAI)
    start = datetime(2026, 8, 31, 16, tzinfo=UTC)
    kw = np.random.default_rng(1).uniform(0.0, 9.0, 96 * 61)
    bill = make_bill(schedule, HUB, "CNY", start, QUARTER, kw)
    slow = sum(
        schedule.price_at(start + i * QUARTER).per_kwh * float(p) / 4 for i, p in enumerate(kw)
    )
    assert float(bill.total) == pytest.approx(slow, abs=0.06)


def test_a_contract_without_a_price_for_excess_is_billed_as_contracted() -> None:
    term = DemandTerm(mode="contract", price_per_kw=42.0)
    bill = billed(replace(FLAT, demand=(term,)), april(100.0, 230.0), APRIL)
    assert bill.demand_amount == Decimal("8400.00")
