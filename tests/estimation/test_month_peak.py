"""The month's peak as the bill measures it, and what a plan pays for going above it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from siteems.estimation.month_peak import MonthPeak
from siteems.estimation.site_state import SiteState
from siteems.planning import demand_charge as planned
from siteems.planning.time_grid import TimeGrid, time_grid
from siteems.site.model import GridConnection
from siteems.tariff.model import Calendar, DemandTerm, TariffVersion
from siteems.tariff.schedule import TariffSchedule

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
JUNE = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)  # the first of June there

MEASURED = DemandTerm(mode="measured", price_per_kw=42.0)
CONTRACT = DemandTerm(
    mode="contract", price_per_kw=42.0, over=((1.05, 2.0),), least_contract_share=0.4
)
EVENING = DemandTerm(mode="measured", name="evening", price_per_kw=10.0, hours=("18:00-20:00",))
CAPACITY = DemandTerm(mode="capacity", price_per_kw=26.3)


class Meter(MonthPeak):
    """The peak of a site with these demand charges, and what a plan pays for raising it."""

    def __init__(self, *terms: DemandTerm, **connection: Any) -> None:
        day = Calendar(months=tuple(range(1, 13)), periods={"flat": ("00:00-24:00",)})
        tariff = TariffVersion(
            name="two-part",
            source="made",
            valid_from=date(2026, 1, 1),
            prices={"flat": 0.6},
            calendars=(day,),
            demand=terms,
        )
        self.schedule = TariffSchedule((tariff,), ZONE)
        self.connection = GridConnection(import_limit_kw=20.0, **connection)
        super().__init__(self.schedule, self.connection)


def demand_charge(peak: Meter, now: datetime, grid: TimeGrid) -> Any:
    state = SiteState(now, 0.6, month_peak_kw=peak.peak_kw(now))
    return planned.demand_charge(peak.schedule, peak.connection, state, grid)


def feed(peak: Meter, start: datetime, *quarters: float | None) -> datetime:
    """Five samples per quarter hour, each of the three minutes before it; returns the end."""
    for i, kw in enumerate(quarters):
        for j in range(5):
            peak.learn(start + 15 * i * MINUTE + 3 * (j + 1) * MINUTE, kw)
    return start + 15 * len(quarters) * MINUTE


def test_the_highest_mean_of_a_finished_interval_is_the_peak():
    peak = Meter(MEASURED)
    now = feed(peak, JUNE, 2.0, 6.0, 3.0, 9.0)
    assert peak.peak_kw(now - MINUTE) == 6.0  # the last interval is not over
    feed(peak, now, 1.0)
    assert peak.peak_kw(now) == 9.0


def test_means_count_and_not_moments_and_what_is_unknown_or_exported_adds_nothing():
    peak = Meter(MEASURED)
    for minute, kw in ((0, 99.0), (3, 12.0), (6, 0.0), (9, None), (12, -5.0), (15, 0.0)):
        peak.learn(JUNE + minute * MINUTE, kw)
    feed(peak, JUNE + 15 * MINUTE, 1.0, 1.0)
    assert peak.peak_kw(JUNE + timedelta(hours=1)) == pytest.approx(12.0 / 5)


def test_an_interval_of_which_little_is_known_is_no_peak():
    peak = Meter(MEASURED)
    for minute, kw in ((9, 1.0), (12, 9.0), (15, 9.0), (18, 2.0), (40, 8.0), (42, 2.0)):
        peak.learn(JUNE + minute * MINUTE, kw)
    feed(peak, JUNE + 45 * MINUTE, 1.0, 1.0)
    assert peak.peak_kw(JUNE + timedelta(hours=2)) == 1.0


def test_a_month_begins_at_local_midnight_and_the_interval_before_belongs_to_the_old_one():
    peak = Meter(MEASURED)
    last_quarter = JUNE + timedelta(days=30) - 15 * MINUTE
    july = feed(peak, last_quarter, 8.0)
    assert peak.peak_kw(july) == 0.0
    after = feed(peak, july, 3.0, 1.0)
    assert peak.peak_kw(after) == 3.0


def test_a_recalled_peak_counts_within_its_month():
    peak = Meter(MEASURED)
    peak.recall(JUNE + timedelta(days=3), 7.5)
    assert peak.peak_kw(JUNE + timedelta(days=4)) == 7.5
    feed(peak, JUNE + timedelta(days=31), 2.0, 2.0)
    peak.recall(JUNE + timedelta(days=3), 7.5)
    assert peak.peak_kw(JUNE + timedelta(days=32)) == 2.0


def test_the_price_is_that_part_of_the_month_that_the_plan_sees():
    peak, grid = Meter(MEASURED), time_grid(JUNE, 15, 36, 6)
    assert demand_charge(peak, JUNE, grid).price_per_kw == pytest.approx(42.0 * 36 / 720)
    later = JUNE + timedelta(days=28, hours=12)
    assert demand_charge(peak, later, time_grid(later, 15, 36, 6)).price_per_kw == pytest.approx(
        42.0
    )


def test_steps_of_the_next_month_do_not_count():
    now = JUNE + timedelta(days=29)
    grid = time_grid(now, 15, 36, 6)
    charge = demand_charge(Meter(MEASURED), now, grid)
    assert charge.price_per_kw == pytest.approx(42.0)
    counted = [start for start, counts in zip(grid.starts, charge.counts, strict=True) if counts]
    assert counted[-1] == JUNE + timedelta(days=30, hours=-1)
    assert not charge.counts.all()


def test_only_the_hours_of_the_charge_count():
    now = JUNE + timedelta(days=2, hours=16)
    grid = time_grid(now, 15, 12, 6)
    charge = demand_charge(Meter(EVENING), now, grid)
    hours = [
        start.astimezone(ZONE).hour
        for start, counts in zip(grid.starts, charge.counts, strict=True)
        if counts
    ]
    assert sorted(set(hours)) == [18, 19]
    peak = Meter(EVENING)
    end = feed(peak, now, 9.0, 9.0, *(1.0,) * 6, 4.0, 1.0)  # 16:00 to 18:30
    assert peak.peak_kw(end) == 4.0


def test_up_to_the_contract_and_its_tolerance_power_is_paid_for():
    charge = demand_charge(Meter(CONTRACT, contract_kw=10.0), JUNE, time_grid(JUNE, 15, 36, 6))
    assert charge.peak_so_far_kw == pytest.approx(10.5)
    assert charge.price_per_kw == pytest.approx(84.0 * 36 / 720)
    small = demand_charge(
        Meter(CONTRACT, contract_kw=10.0, transformer_kva=50.0), JUNE, time_grid(JUNE, 15, 36, 6)
    )
    assert small.peak_so_far_kw == pytest.approx(1.05 * 0.4 * 50.0)


def test_the_most_expensive_charge_that_a_plan_can_influence_is_planned_for():
    grid = time_grid(JUNE, 15, 36, 6)
    assert demand_charge(Meter(CAPACITY, transformer_kva=30.0), JUNE, grid) is None
    assert demand_charge(Meter(), JUNE, grid) is None
    assert demand_charge(Meter(EVENING, MEASURED), JUNE, grid).price_per_kw == pytest.approx(
        42.0 * 36 / 720
    )


def test_billing_intervals_of_two_steps_are_kept_together():
    half_hourly = replace(MEASURED, interval_min=30)
    now = (
        JUNE + 20 * MINUTE
    )  # the first step is the rest of a quarter hour, and of the first interval
    grid = time_grid(now, 15, 3, 2)
    charge = demand_charge(Meter(half_hourly), now, grid)
    minutes = [(start - JUNE) // (30 * MINUTE) for start in grid.starts]
    assert np.array_equal(charge.interval_of_step, np.unique(minutes, return_inverse=True)[1])
    assert list(charge.interval_of_step[:3]) == [0, 1, 1]
