"""The checker passes sound plans and catches each of a list of corrupted ones."""

from dataclasses import replace

import numpy as np
import pytest
from changed_plans import of_site, reports, with_series
from site_cases import lead_carbon, random_problem, site_problem

from optimisation.checking.checker import check
from optimisation.checking.tolerances import TOLERANCE
from optimisation.checking.violations import (
    Constraint,
    Form,
    FormViolation,
    StepViolation,
    Total,
)
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.solving.solver import PlanSolver

SEGMENTS = len(lead_carbon().wear_per_kwh)


@pytest.fixture(scope="module")
def problem():
    cap = np.full(96, np.inf)
    cap[0:4] = 1.0
    return site_problem(import_cap_kw=cap, batteries=(lead_carbon(stored_kwh=8.0),))


@pytest.fixture(scope="module")
def plan(problem):
    return PlanSolver().solve(problem)


def moved(name, step, by):
    def corrupt(plan):
        series = np.array(getattr(plan, name))
        series[..., step] += by
        return with_series(plan, **{name: series})

    return corrupt


def charged(step, charge, discharge=0.0):
    """Move the battery, its one segment and the total alike, so that only the battery's own rules
    can object.
    """

    def corrupt(plan):
        for kind, by in (("charge_kw", charge), ("discharge_kw", discharge)):
            for name in (kind, f"battery_{kind}", f"segment_{kind}"):
                plan = moved(name, step, by)(plan)
        return plan

    return corrupt


def stored(step, by):
    return lambda plan: moved("battery_stored_kwh", step, by)(moved("stored_kwh", step, by)(plan))


CORRUPTIONS = {
    "rectifier makes more than the bus takes": (
        moved("rectifier_dc_kw", 10, 0.1),
        Constraint.DC_BALANCE,
    ),
    "load forgotten": (moved("unserved_kw", 10, 0.1), Constraint.DC_BALANCE),
    "import without use": (moved("grid_import_kw", 10, 0.1), Constraint.AC_BALANCE),
    "import above the limit": (
        moved("grid_import_kw", 10, 20.0),
        Constraint.IMPORT_LIMIT,
    ),
    "negative import": (moved("grid_import_kw", 10, -20.0), "grid_import_kw is below 0"),
    "more PV than is available": (moved("pv_kw", 0, 1.0), Constraint.PV_AVAILABLE),
    "more unserved than load": (moved("unserved_kw", 10, 9.0), Constraint.UNSERVED_LOAD),
    "charging too fast": (charged(10, 20.0), Constraint.CHARGE_LIMIT),
    "charging a nearly full battery": (
        charged(40, 5.0),
        Constraint.ACCEPTANCE,
    ),
    "discharging too fast": (charged(70, 0.0, 20.0), Constraint.DISCHARGE_LIMIT),
    "rectifier too small": (moved("rectifier_dc_kw", 10, 20.0), Constraint.RECTIFIER_LIMIT),
    "energy from nowhere": (stored(30, 0.1), Constraint.STORED_ENERGY),
    "battery overfull": (stored(30, 60.0), Constraint.CAPACITY),
    "both ways": (charged(50, 1.0, 1.0), Constraint.ONE_DIRECTION),
    "shortage hidden": (
        lambda p: with_series(p, reserve_short_kwh=0.0 * p.stored_kwh),
        Constraint.RESERVE_SHORTAGE,
    ),
    "excess hidden": (
        lambda p: with_series(p, cap_excess_kw=0.0 * p.stored_kwh),
        Constraint.CAP_EXCESS,
    ),
    "cost too low": (lambda p: replace(p, objective=p.objective - 0.1), Total.COST),
    "terms that do not add up": (
        lambda p: replace(p, cost_by_term={**p.cost_by_term, "wear": 99.0}),
        Total.COST_TERMS,
    ),
    "terms that are unknown": (
        lambda p: replace(p, cost_by_term={**p.cost_by_term, "wear": float("nan")}),
        Total.COST_TERMS,
    ),
    "rows that are not there": (
        lambda p: replace(p, block=p.block[:1]),
        Form.ROWS,
    ),
    "one row too many": (
        lambda p: replace(p, block=np.vstack([p.block, p.block[:1]])),
        Form.ROWS,
    ),
    "total that is not the sum": (
        moved("charge_kw", 3, 0.1),
        Constraint.CHARGE_TOTAL,
    ),
    "segments that are not the sum": (
        moved("segment_charge_kw", 3, 0.1),
        Constraint.SEGMENT_CHARGE,
    ),
    "soft limit hidden": (lambda p: replace(p, soft_limits={}), Total.RESERVE),
    "soft limit unknown": (
        lambda p: replace(p, soft_limits={"reserve_kwh_h": float("nan")}),
        "not finite: reserve_kwh_h",
    ),
    "component from nowhere": (
        lambda p: of_site(p, 1, SEGMENTS, ("sleep",)),
        "of another site: sleep_kw",
    ),
    "peak from nowhere": (
        lambda p: replace(p, demand_peak_kw=3.0),
        Form.DEMAND_PEAK,
    ),
    "battery from nowhere": (
        lambda p: of_site(p, 2, SEGMENTS, ()),
        "of another site: battery_charge_kw, battery_discharge_kw",
    ),
    "unknown number": (moved("charge_kw", 3, np.nan), "not finite: charge_kw"),
    "unknown cost": (lambda p: replace(p, objective=float("nan")), "not finite: objective"),
}


def test_the_plan_that_is_corrupted_below_is_sound(problem, plan):
    assert plan.usable
    assert check(problem, plan) == ()
    # else two of the corruptions would change nothing
    assert plan.reserve_short_kwh.max() > 0.1
    assert plan.cap_excess_kw.max() > 0.1


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corrupted_plans_are_caught(name, problem, plan):
    corrupt, expected = CORRUPTIONS[name]
    violations = check(problem, corrupt(plan))
    assert any(reports(violation, expected) for violation in violations), violations


@pytest.mark.parametrize(("times", "caught"), [(0.9, False), (1.1, True)])
@pytest.mark.parametrize("series", ["unserved_kw", "reserve_short_kwh"])
def test_a_violation_counts_from_the_tolerance_of_its_unit(series, times, caught, problem, plan):
    battery = problem.batteries[0]
    kw = max(
        1.0,
        battery.max_charge_kw,
        battery.max_discharge_kw,
        problem.dc_load_kw.max(),
        problem.pv_kw.max(),
    )
    kwh = max(0.25 * kw, battery.capacity_kwh)
    beyond = TOLERANCE * times * (kw if series == "unserved_kw" else kwh)
    violations = check(problem, moved(series, 10, beyond)(plan))
    found = {
        violation.constraint for violation in violations if isinstance(violation, StepViolation)
    }
    assert bool(found & {Constraint.DC_BALANCE, Constraint.RESERVE_SHORTAGE}) is caught, violations


def test_ac_load_beyond_the_connection_is_stated_as_it_is():
    """4 kW of AC load on a connection of 2.5 kW for an hour, then two hours of outage, which are no
    shortage of it.
    """
    limit, ac_load = np.full(96, 20.0), np.zeros(96)
    limit[8:12], ac_load[8:12] = 2.5, 4.0
    limit[20:28], ac_load[20:28] = 0.0, 1.0
    problem = site_problem(import_limit_kw=limit, ac_load_kw=ac_load)
    plan = PlanSolver().solve(problem)
    assert plan.soft_limits["ac_unserved_kwh"] == pytest.approx(1.5)
    assert check(problem, plan) == ()
    for stated in ({}, {"ac_unserved_kwh": 1.4}, {"ac_unserved_kwh": 3.5}):
        others = {
            name: amount for name, amount in plan.soft_limits.items() if name != "ac_unserved_kwh"
        }
        (violation,) = check(problem, replace(plan, soft_limits=others | stated))
        assert violation.total is Total.AC_UNSERVED
        assert violation.expected == pytest.approx(1.5)
        assert violation.stated == stated.get("ac_unserved_kwh", 0.0)
    with_enough = site_problem(ac_load_kw=ac_load)
    sound = PlanSolver().solve(with_enough)
    violations = check(
        with_enough, replace(sound, soft_limits={**sound.soft_limits, "ac_unserved_kwh": 1.0})
    )
    assert [violation.total for violation in violations] == [Total.AC_UNSERVED]


def test_a_plan_for_another_horizon_is_caught(plan):
    (violation,) = check(site_problem(48), plan)
    assert violation == FormViolation(Form.STEPS, ("96 instead of 48",))


def test_a_plan_without_series_has_no_violations(problem):
    assert check(problem, Plan(PlanStatus.INFEASIBLE)) == ()


def test_sound_plans_pass():
    solver = PlanSolver()
    for seed in range(10):
        problem = random_problem(seed)
        assert check(problem, solver.solve(problem)) == ()


def test_a_violation_gives_constraint_step_battery_and_amount(problem, plan):
    (violation,) = [
        violation
        for violation in check(problem, charged(70, 0.0, 20.0)(plan))
        if isinstance(violation, StepViolation)
        and violation.constraint is Constraint.DISCHARGE_LIMIT
    ]
    limit_kw = problem.batteries[0].max_discharge_kw
    assert (violation.step, violation.battery) == (70, 0)
    assert violation.beyond == pytest.approx(plan.discharge_kw[70] + 20.0 - limit_kw)
    assert str(violation).startswith("discharging is above its limit (battery 0) in step 70 by ")


def test_a_soft_limit_that_the_checker_does_not_know_is_caught(problem, plan):
    violations = check(problem, replace(plan, soft_limits={**plan.soft_limits, "other_kwh": 2.0}))
    assert [violation.total for violation in violations] == [Total.OTHER_SOFT_LIMIT]
