"""The balance of a span, computed by hand: energy, money, wear, CO2, and what is left in store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.accounting.span import demand_cost, span_balance
from siteems.accounting.wear import wear_by_cycles, wear_by_throughput
from siteems.site.model import Site
from siteems.tariff.model import DemandTerm
from siteems.tariff.schedule import TariffSchedule

REFILL = 0.922 * 0.965
"""Charge efficiency times the rectifier's best efficiency."""


def test_money_and_energy_by_hand(hangzhou: Site) -> None:
    """6 kWh at 0.5 and 1.0; from 60 % to 50 % of 47.04 kWh: a discharge from 60 % that goes on
    from 40 to 50 % of depth, where the table made convex is a straight line from 40 to 80 %.
    """
    found = span_balance(
        hangzhou,
        import_kwh=np.array([4.0, 2.0]),
        price_per_kwh=np.array([0.5, 1.0]),
        start_soc=0.6,
        end_soc=0.5,
        wear=wear_by_cycles(hangzhou.battery, np.array([0.6, 0.55, 0.5]), 4.0),
        demand_cost=3.0,
    )
    refill_kwh = -0.1 * 47.04 / REFILL
    wear_cost = 0.10 / 0.40 * (1 / 2_000 - 1 / 4_800) * 700 * 47.04
    assert (found.import_kwh, found.energy_cost, found.demand_cost) == (6.0, 4.0, 3.0)
    assert found.full_cycles == pytest.approx(0.10)
    assert found.wear_cost == pytest.approx(wear_cost)
    assert found.stored_change_kwh == pytest.approx(-0.1 * 47.04)
    assert found.refill_kwh == pytest.approx(refill_kwh)
    assert found.stored_credit == pytest.approx(0.5 * refill_kwh)
    assert found.cost == pytest.approx(4.0 + 3.0 + wear_cost - 0.5 * refill_kwh)
    assert found.net_import_kwh == pytest.approx(6.0 - refill_kwh)
    factor = hangzhou.carbon.kg_per_kwh
    assert found.co2_kg == pytest.approx(6.0 * factor)
    assert found.net_co2_kg == pytest.approx((6.0 - refill_kwh) * factor)


def test_demand_is_charged_as_billed(hangzhou: Site) -> None:
    """One of 31 days of July at 4 kW, with one quarter hour of 8 kW."""
    term = DemandTerm(mode="measured", price_per_kw=31.0)
    site = replace(
        hangzhou, tariffs=tuple(replace(each, demand=(term,)) for each in hangzhou.tariffs)
    )
    start = datetime(2026, 7, 5, 16, tzinfo=UTC)
    import_kw = np.full(96, 4.0)
    import_kw[40] = 8.0
    for each, amount in ((site, 8.0), (hangzhou, 0.0)):
        schedule = TariffSchedule(each.tariffs, each.site.zone)
        assert demand_cost(each, schedule, start, timedelta(minutes=15), import_kw) == amount


def test_wear_by_throughput_is_the_mean_cost_of_what_was_discharged(hangzhou: Site) -> None:
    found = wear_by_throughput(hangzhou.battery, 10.0)
    assert found.cost == pytest.approx(10.0 * 0.43)
    assert found.full_cycles == pytest.approx(10.0 / 47.04)
