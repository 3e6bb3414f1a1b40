"""What a plan pays for raising the peak of the month."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from demand_meter import (
    CAPACITY,
    CONTRACT,
    EVENING,
    JUNE,
    MEASURED,
    MINUTE,
    ZONE,
    DemandMeter,
    feed,
)

from siteems.estimation.site_state import SiteState
from siteems.planning import demand_charge as planned
from siteems.planning.time_grid import TimeGrid, time_grid


def demand_charge(peak: DemandMeter, now: datetime, grid: TimeGrid) -> Any:
    state = SiteState(now, 0.6, month_peak_kw=peak.peak_kw(now))
    return planned.demand_charge(peak.schedule, peak.connection, state, grid)


def test_a_peak_that_is_paid_for_already_is_free():
    peak, now = DemandMeter(MEASURED), JUNE + timedelta(hours=1)
    feed(peak, JUNE, 6.0, 2.0, 2.0, 2.0)
    charge = demand_charge(peak, now, time_grid(now, 15, 36, 6))
    assert charge.peak_so_far_kw == 6.0


def test_without_a_tracked_peak_there_is_no_charge():
    peak = DemandMeter(MEASURED)
    state, grid = SiteState(JUNE, 0.6, month_peak_kw=None), time_grid(JUNE, 15, 36, 6)
    assert planned.demand_charge(peak.schedule, peak.connection, state, grid) is None


def test_a_kw_has_its_full_price_whatever_of_the_month_is_left():
    peak = DemandMeter(MEASURED)
    for days in (0.0, 10.0, 28.5):
        now = JUNE + timedelta(days=days)
        charge = demand_charge(peak, now, time_grid(now, 15, 36, 6))
        assert charge.price_per_kw == pytest.approx(42.0)


def test_steps_of_the_next_month_do_not_count():
    now = JUNE + timedelta(days=29)
    grid = time_grid(now, 15, 36, 6)
    charge = demand_charge(DemandMeter(MEASURED), now, grid)
    assert charge.price_per_kw == pytest.approx(42.0)
    counted = [start for start, counts in zip(grid.starts, charge.counts, strict=True) if counts]
    assert counted[-1] == JUNE + timedelta(days=30, hours=-1)
    assert not charge.counts.all()


def test_only_the_hours_of_the_charge_count():
    now = JUNE + timedelta(days=2, hours=16)
    grid = time_grid(now, 15, 12, 6)
    charge = demand_charge(DemandMeter(EVENING), now, grid)
    hours = [
        start.astimezone(ZONE).hour
        for start, counts in zip(grid.starts, charge.counts, strict=True)
        if counts
    ]
    assert sorted(set(hours)) == [18, 19]


def test_up_to_the_contract_and_its_tolerance_power_is_paid_for():
    charge = demand_charge(
        DemandMeter(CONTRACT, contract_kw=10.0), JUNE, time_grid(JUNE, 15, 36, 6)
    )
    assert charge.peak_so_far_kw == pytest.approx(10.5)
    assert charge.price_per_kw == pytest.approx(84.0)
    small = demand_charge(
        DemandMeter(CONTRACT, contract_kw=10.0, transformer_kva=50.0),
        JUNE,
        time_grid(JUNE, 15, 36, 6),
    )
    assert small.peak_so_far_kw == pytest.approx(1.05 * 0.4 * 50.0)


def test_the_most_expensive_charge_that_a_plan_can_influence_is_planned_for():
    grid = time_grid(JUNE, 15, 36, 6)
    assert demand_charge(DemandMeter(CAPACITY, transformer_kva=30.0), JUNE, grid) is None
    assert demand_charge(DemandMeter(), JUNE, grid) is None
    assert demand_charge(DemandMeter(EVENING, MEASURED), JUNE, grid).price_per_kw == pytest.approx(
        42.0
    )


def test_billing_intervals_of_two_steps_are_kept_together():
    half_hourly = replace(MEASURED, interval_min=30)
    now = (
        JUNE + 20 * MINUTE
    )  # the first step is the rest of a quarter hour, and of the first interval
    grid = time_grid(now, 15, 3, 2)
    charge = demand_charge(DemandMeter(half_hourly), now, grid)
    minutes = [(start - JUNE) // (30 * MINUTE) for start in grid.starts]
    assert np.array_equal(charge.interval_of_step, np.unique(minutes, return_inverse=True)[1])
    assert list(charge.interval_of_step[:3]) == [0, 1, 1]
