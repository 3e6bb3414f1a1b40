"""The balance of a day, on small records computed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from day_samples import MINUTE, NOON, sample

from siteems.demo.day_balance import day_balance
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.tariff.model import Calendar, DemandTerm, TariffVersion
from siteems.tariff.schedule import TariffSchedule

TARIFF = TariffVersion(
    name="two",
    source="test",
    valid_from=date(2026, 1, 1),
    prices={"low": 0.5, "high": 1.0},
    calendars=(
        Calendar(
            months=tuple(range(1, 13)),
            periods={"low": ("00:00-13:00",), "high": ("13:00-24:00",)},
        ),
    ),
)


def schedule(site: Site) -> TariffSchedule:
    """0.50 until 13:00 at the site, 1.00 from then on."""
    return TariffSchedule((TARIFF,), site.site.zone)


def test_by_counter_price_and_wear(hangzhou: Site) -> None:
    """Two hours, a reading each half: 2 kWh at 0.50, 6 kWh at 1.00; 4 kW of discharge for half
    an hour.
    """
    record = [
        sample(0, energy_import_kwh=1000.0, soc=0.50, battery_kw=0.0, pv_kw=2.0),
        sample(5, energy_import_kwh=1001.0, soc=0.50, battery_kw=-4.0, pv_kw=2.0),
        sample(10, energy_import_kwh=1002.0, soc=0.49, battery_kw=3.0, pv_kw=0.0),
        sample(60, energy_import_kwh=1002.0, soc=0.49, battery_kw=0.0, pv_kw=0.0),
        sample(95, energy_import_kwh=1008.0, soc=0.52, battery_kw=0.0, pv_kw=0.0),
    ]
    day = day_balance(record, hangzhou, schedule(hangzhou))
    assert day.span.import_kwh == 8.0
    assert day.span.energy_cost == pytest.approx(2 * 0.5 + 6 * 1.0)
    wear_cost = 4.0 * 5 / 60 * 0.43
    assert day.span.wear_cost == pytest.approx(wear_cost)
    assert day.pv_kwh == pytest.approx(2.0 * 10 / 60)
    assert day.span.stored_change_kwh == pytest.approx(0.02 * 47.04)
    credit_kwh = 0.02 * 47.04 / (0.922 * 0.965)
    assert day.span.refill_kwh == pytest.approx(credit_kwh)
    assert day.span.stored_credit == pytest.approx(credit_kwh * 0.5), (
        "at the cheapest price of the day"
    )
    assert day.span.cost == pytest.approx(7.0 + wear_cost - credit_kwh * 0.5)
    assert day.span.net_import_kwh == pytest.approx(8.0 - credit_kwh)


def test_charging_a_battery_that_was_emptied_before_wears_nothing(hangzhou: Site) -> None:
    record = [
        sample(5 * i, energy_import_kwh=10.0, soc=0.5 + i / 10, battery_kw=4.0) for i in range(3)
    ]
    assert day_balance(record, hangzhou, schedule(hangzhou)).span.wear_cost == 0.0


def test_a_gap_is_reported_and_its_energy_still_counted(hangzhou: Site) -> None:
    """The counter runs on over a gap; powers in it are unknown and count as nothing."""
    record = [
        sample(0, energy_import_kwh=10.0, soc=0.5, pv_kw=3.0),
        sample(10, energy_import_kwh=11.0, soc=0.5, pv_kw=3.0),
        sample(40, energy_import_kwh=14.0, soc=0.5, pv_kw=3.0),
    ]
    day = day_balance(record, hangzhou, schedule(hangzhou))
    assert day.gaps == ((NOON + 10 * MINUTE, NOON + 40 * MINUTE),)
    assert day.span.import_kwh == 4.0
    assert day.pv_kwh == pytest.approx(0.5)


def test_an_unread_meter_is_a_gap_too(hangzhou: Site) -> None:
    record = [
        sample(5 * i, energy_import_kwh=None if 0 < i < 4 else 10.0 + i, soc=0.5) for i in range(6)
    ]
    assert day_balance(record, hangzhou, schedule(hangzhou)).gaps == ((NOON, NOON + 20 * MINUTE),)


def test_a_battery_that_ends_emptier_costs(hangzhou: Site) -> None:
    record = [sample(5 * i, energy_import_kwh=10.0, soc=0.6 - i / 10) for i in range(2)]
    day = day_balance(record, hangzhou, schedule(hangzhou))
    assert day.span.stored_credit < 0
    assert day.span.cost == pytest.approx(0.1 * 47.04 / (0.922 * 0.965) * 0.5)


@pytest.mark.parametrize(
    "record",
    [
        [],
        [sample(0, energy_import_kwh=1.0, soc=0.5)],
        [sample(i, energy_import_kwh=1.0) for i in range(3)],
    ],
)
def test_too_little_to_judge(record: list[Sample], hangzhou: Site) -> None:
    with pytest.raises(ValueError, match="too few readings"):
        day_balance(record, hangzhou, schedule(hangzhou))


@pytest.mark.parametrize("wrong", [0.0, 9_999_999.0])
def test_a_counter_that_shows_a_wrong_value_over_a_change_of_price(
    wrong: float, hangzhou: Site
) -> None:
    """6 kW from 12:50 to 13:10; the price doubles at 13:00 and the counter fails around it."""
    sound = [
        sample(i, energy_import_kwh=5000.0 + i / 10, grid_kw=6.0, soc=0.5, battery_kw=0.0)
        for i in range(50, 71)
    ]
    failed = [
        replace(row, values={**row.values, "energy_import_kwh": wrong}) if 8 <= i < 12 else row
        for i, row in enumerate(sound)
    ]
    expected = day_balance(sound, hangzhou, schedule(hangzhou))
    day = day_balance(failed, hangzhou, schedule(hangzhou))
    assert expected.repairs == ()
    assert expected.span.energy_cost == pytest.approx(1.0 * 0.5 + 1.0 * 1.0)
    assert day.span.energy_cost == pytest.approx(expected.span.energy_cost)
    (repair,) = day.repairs
    assert (repair.kind, repair.start, repair.end) == (
        "blip",
        NOON + 57 * MINUTE,
        NOON + 62 * MINUTE,
    )
    assert repair.kwh == pytest.approx(0.5)


def test_a_failed_counter_without_measured_power_is_refused(hangzhou: Site) -> None:
    """A meter that was exchanged: what it drew in between is not known."""
    record = [
        sample(i, energy_import_kwh=(5000.0 if i < 5 else 0.0) + i / 10, soc=0.5) for i in range(9)
    ]
    with pytest.raises(ValueError, match="its power was not measured"):
        day_balance(record, hangzhou, schedule(hangzhou))


def with_demand(site: Site, *terms: DemandTerm) -> tuple[Site, TariffSchedule]:
    tariffs = (replace(TARIFF, demand=terms),)
    return replace(site, tariffs=tariffs), TariffSchedule(tariffs, site.site.zone)


def rows(power_kw: list[float | None], minutes: float = 5.0) -> list[Sample]:
    """Samples of these powers, each for so long, and the counter that belongs to them."""
    counter, made = 100.0, []
    for number, kw in enumerate([*power_kw, 0.0]):
        made.append(sample(number * minutes, energy_import_kwh=counter, grid_kw=kw, soc=0.5))
        counter += (6.0 if kw is None else max(0.0, kw)) * minutes / 60.0
    return made


@pytest.mark.parametrize(
    ("mode", "charged_kw"),
    [
        (DemandTerm(mode="measured", price_per_kw=31.0), 7.0),
        (DemandTerm(mode="measured", price_per_kw=31.0, interval_min=30), 4.5),
        (DemandTerm(mode="measured", price_per_kw=31.0, hours=("12:00-12:15",)), 2.0),
        (DemandTerm(mode="contract", price_per_kw=31.0, over=((1.05, 2.0),)), 5.0 + 2 * 1.75),
        (DemandTerm(mode="capacity", price_per_kw=31.0), 50.0),
    ],
)
def test_demand_is_charged_for_the_part_of_the_month(
    mode: DemandTerm, charged_kw: float, hangzhou: Site
) -> None:
    """Half an hour of July: quarter hours of 2 kW and, with an unread power of 6 kW, of 7 kW."""
    grid = replace(hangzhou.grid, contract_kw=5.0, transformer_kva=50.0)
    site, tariff = with_demand(replace(hangzhou, grid=grid), mode)
    day = day_balance(rows([2.0, 2.0, 2.0, 7.0, None, 8.0]), site, tariff)
    assert day.span.demand_cost == pytest.approx(charged_kw / 48.0, abs=0.006)
    assert day.span.cost - day.span.energy_cost == pytest.approx(charged_kw / 48.0, abs=0.006)


def test_a_tariff_without_demand_charges_none(hangzhou: Site) -> None:
    assert day_balance(rows([2.0] * 6), hangzhou, schedule(hangzhou)).span.demand_cost == 0.0
