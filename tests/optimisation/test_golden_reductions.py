"""Paid reductions that can be computed by hand, on the plain site of `test_golden_days`."""

from dataclasses import replace

import pytest
from site_cases import plain_battery, plain_problem

from optimisation.problem.site_problem import (
    Reduction,
)
from optimisation.solving.solver import PlanSolver


@pytest.fixture(scope="module")
def solver():
    return PlanSolver()


def reduction(event, baseline_kw, price, **changes):
    fields = {
        "baseline_kw": [baseline_kw] * 3,
        "in_event": event,
        "price_per_kwh": price,
        "bid_kw": 2.0,
    }
    return Reduction(**(fields | changes))


@pytest.mark.parametrize(
    ("price", "battery_kw", "pay"), [(0.1, [0.0, -2.0, 0.0], 0.0), (1.0, [-2.0, 0.0, 0.0], 2.0)]
)
def test_a_reduction_is_given_where_it_earns_more_than_arbitrage(price, battery_kw, pay, solver):
    # 2 kWh can come out once: in the event for 0.5 + price, or at 1.2. The event is the first hour.
    problem = plain_problem(
        price_per_kwh=[0.5, 1.2, 0.5],
        batteries=(plain_battery(stored_kwh=2 / 0.9, max_charge_kw=0.0),),
        reduction=reduction([1, 0, 0], 2.1, price),
    )
    plan = solver.solve(problem)
    assert plan.battery_kw == pytest.approx(battery_kw, abs=1e-6)
    assert plan.settlements[0].pay == pytest.approx(pay, abs=1e-6)
    assert plan.cost_by_term["reduction"] == pytest.approx(-pay, abs=1e-6)


def test_a_reduction_from_an_emptied_baseline_pays_nothing_and_changes_nothing(solver):
    # The usual plan runs the peak on the battery, so the baseline there is the standby alone: R =
    # 0.1 - 0.1 = 0.
    usual = plain_problem()
    plan = solver.solve(replace(usual, reduction=reduction([0, 1, 0], 0.1, 3.0)))
    assert plan.battery_kw == pytest.approx(solver.solve(usual).battery_kw)
    assert plan.settlements[0].pay == 0.0
    assert plan.cost_by_term["reduction"] == 0.0


def test_energy_is_not_spent_on_a_reduction_that_stays_below_the_valid_band(solver):
    # 1 kW is half of the bid and is not paid, so the kWh is kept for the hour at 1.0; 3 x 1 would
    # tempt an LP.
    problem = plain_problem(
        price_per_kwh=[0.3, 1.0, 0.3],
        batteries=(plain_battery(stored_kwh=1 / 0.9, max_charge_kw=0.0),),
        reduction=reduction([1, 0, 0], 2.1, 3.0),
    )
    plan = solver.solve(problem)
    assert plan.battery_kw == pytest.approx([0.0, -1.0, 0.0], abs=1e-6)
    assert plan.settlements[0].pay == 0.0


def test_above_the_band_a_reduction_is_paid_no_more_and_gets_no_more(solver):
    # A bid of 1 is paid up to 1.2; of the 2 kWh the other 0.8 save 0.5 in the event and 1.0
    # after it.
    problem = plain_problem(
        price_per_kwh=[0.5, 1.0, 0.5],
        batteries=(plain_battery(stored_kwh=2 / 0.9, max_charge_kw=0.0),),
        reduction=reduction([1, 0, 0], 2.1, 3.0, bid_kw=1.0),
    )
    plan = solver.solve(problem)
    assert plan.battery_kw == pytest.approx([-1.2, -0.8, 0.0])
    assert plan.settlements[0].pay == pytest.approx(3.6)


def test_far_below_the_bid_a_reduction_costs(solver):
    # A bid of 5 with a load of 2: half of it is owed, 2.5 - 2 kW are missing.
    full = plain_battery(stored_kwh=10.0, max_charge_kw=0.0)
    owed = reduction([0, 1, 0], 2.1, 3.0, bid_kw=5.0, penalty_per_kwh=2.0)
    plan = solver.solve(plain_problem(batteries=(full,), reduction=owed))
    assert plan.settlements[0].reduction_kw == pytest.approx(2.0)
    assert plan.cost_by_term["reduction"] == pytest.approx(2.0 * (2.5 - 2.0))
