"""The checker knows every component: a plan with all of them passes, and each way to corrupt it is
caught.
"""

from dataclasses import replace

import numpy as np
import pytest
from changed_plans import of_site, reports, with_series
from component_cases import COMPONENTS, component_problem, components
from site_cases import lead_carbon

from optimisation.checking.checker import check
from optimisation.checking.violations import Constraint, Total
from optimisation.problem.site_problem import FullCharge, Genset
from optimisation.solving.solver import PlanSolver

N = 12
OUT = 5
"""The step without mains, in which only the genset and the batteries feed the site."""


@pytest.fixture(scope="module")
def problem():
    cold = components(3, N, COMPONENTS)
    limit = np.full(N, 20.0)
    limit[OUT] = 0.0
    event = np.zeros(N, dtype=bool)
    event[8:10] = True
    reduction = replace(
        cold["reduction"],
        in_event=event,
        baseline_kw=np.full(N, 6.0),
        bid_kw=3.0,
        price_per_kwh=3.0,
        penalty_per_kwh=1.0,
    )
    first, second = cold["batteries"]
    may_run = np.zeros(N, dtype=bool)
    may_run[OUT] = True
    return component_problem(
        3,
        N,
        COMPONENTS,
        price_per_kwh=np.where(np.arange(N) < 6, 0.3, 1.2),
        dc_load_kw=np.full(N, 6.0),
        pv_kw=np.where(np.arange(N) == 7, 30.0, 1.0),
        import_limit_kw=limit,
        import_cap_kw=np.full(N, np.inf),
        reserve_kwh=np.full(N, 45.0),
        cooling=replace(cold["cooling"], room_now_c=33.0, max_kw=0.8, rebound_cap_kw=0.5),
        export=replace(cold["export"], price_per_kwh=np.where(np.arange(N) == 7, 0.9, 0.1)),
        reduction=reduction,
        sleep=replace(cold["sleep"], cost_per_kwh=0.5, available_kw=np.full(N, 0.5)),
        genset=Genset(max_kw=9.0, min_kw=2.0, fuel_per_kwh=2.5, start_cost=1.0, available=may_run),
        batteries=(
            replace(first, stored_kwh=20.0, max_discharge_kw=2.0, full_charge=FullCharge(0, 2.0)),
            replace(second, stored_kwh=3.0, max_discharge_kw=2.0),
        ),
    )


@pytest.fixture(scope="module")
def plan(problem):
    return PlanSolver().solve(problem)


def moved(name, step, by, row=None):
    def corrupt(plan):
        series = np.array(getattr(plan, name))
        series[(step,) if row is None else (row, step)] += by
        return with_series(plan, **{name: series})

    return corrupt


def together(*corruptions):
    def corrupt(plan):
        for corruption in corruptions:
            plan = corruption(plan)
        return plan

    return corrupt


def all_of_segment(name, taken, given):
    """What one wear segment does is put down to another of the same battery."""

    def corrupt(plan):
        series = np.array(getattr(plan, name))
        series[given] += series[taken]
        series[taken] = 0.0
        return with_series(plan, **{name: series})

    return corrupt


def without_cooling(plan):
    batteries, segments = len(plan.battery_stored_kwh), len(plan.segment_charge_kw)
    return of_site(plan, batteries, segments, ("export", "sleep", "genset"))


def misstated(field, **changes):
    return lambda plan: replace(plan, **{field: changes})


def settled(**changes):
    return lambda plan: replace(plan, settlements=(replace(plan.settlements[0], **changes),))


CORRUPTIONS = {
    "export above the limit": (moved("grid_export_kw", 7, 5.0), Constraint.EXPORT_LIMIT),
    "export without mains": (moved("grid_export_kw", OUT, 0.1), Constraint.EXPORT_LIMIT),
    "inverter too small": (moved("inverter_dc_kw", 7, 5.0), Constraint.INVERTER_LIMIT),
    "inverter without mains": (
        moved("inverter_dc_kw", OUT, 0.1),
        Constraint.INVERTER_LIMIT,
    ),
    "inverter off the bus": (moved("inverter_dc_kw", 7, -0.1), Constraint.DC_BALANCE),
    "import and export": (
        together(moved("grid_import_kw", 7, 0.5), moved("grid_export_kw", 7, 0.5)),
        Constraint.IMPORT_OR_EXPORT,
    ),
    "loop": (moved("inverter_dc_kw", 0, 0.5), Constraint.RECTIFIER_OR_INVERTER),
    "more load asleep than may": (moved("sleep_kw", 7, 0.6), Constraint.SLEEP_AVAILABLE),
    "asleep and unserved": (
        moved("unserved_kw", 8, 5.9),
        Constraint.UNSERVED_LOAD,
    ),
    "cooling too strong": (moved("cooling_kw", 0, 5.0), Constraint.COOLING_MAXIMUM),
    "cooling for free": (moved("cooling_kw", 0, -0.1), Constraint.AC_BALANCE),
    "room colder than cooled": (moved("room_c", 3, -0.1), Constraint.ROOM_TEMPERATURE),
    "genset half on": (moved("genset_on", OUT, -0.5), Constraint.GENSET_ON_OR_OFF),
    "genset where it may not": (moved("genset_on", 2, 1.0), Constraint.GENSET_AVAILABLE),
    "genset above its maximum": (moved("genset_kw", OUT, 9.0), Constraint.GENSET_MAXIMUM),
    "genset while off": (moved("genset_kw", 2, 1.0), Constraint.GENSET_MAXIMUM),
    "genset below its minimum": (moved("genset_kw", OUT, -6.0), Constraint.GENSET_MINIMUM),
    "genset off the bus": (moved("genset_kw", OUT, 0.1), Constraint.AC_BALANCE),
    "peak hidden": (
        lambda p: replace(p, demand_peak_kw=p.demand_peak_kw - 0.1),
        Total.BILLING_PEAK,
    ),
    "pay invented": (settled(pay=99.0), Total.PAY),
    "penalty hidden": (settled(penalty=0.5), Total.PENALTY),
    "reduction misstated": (settled(reduction_kw=9.0), Total.REDUCTION),
    "another event": (
        settled(first=1, after=3),
        "the reduction of steps 1 to 2 is settled without an event",
    ),
    "event forgotten": (
        lambda p: replace(p, settlements=()),
        "the reduction of steps 8 to 9 is not settled",
    ),
    "wear of a cheaper segment": (all_of_segment("segment_discharge_kw", 5, 4), Total.COST),
    "energy of an empty segment": (
        all_of_segment("segment_discharge_kw", 4, 5),
        Constraint.SEGMENT_EMPTY,
    ),
    "room of a full segment": (
        all_of_segment("segment_charge_kw", 4, 5),
        Constraint.SEGMENT_FULL,
    ),
    "battery off the total": (
        moved("battery_charge_kw", 0, 0.1, row=1),
        Constraint.CHARGE_TOTAL,
    ),
    "energy from nowhere": (
        together(moved("battery_stored_kwh", 3, 0.1, row=1), moved("stored_kwh", 3, 0.1)),
        Constraint.STORED_ENERGY,
    ),
    "not full and silent": (misstated("soft_limits"), Total.FULL_CHARGE),
    "too warm and silent": (misstated("soft_limits"), Total.TOO_WARM),
    "rebound and silent": (misstated("soft_limits"), Total.IMPORT_CAP),
    "unknown room": (moved("room_c", 3, np.nan), "not finite: room_c"),
    "component forgotten": (without_cooling, "of another site: cooling_kw, room_c"),
    "cost too low": (lambda p: replace(p, objective=p.objective - 0.1), Total.COST),
}


def test_the_plan_that_is_corrupted_below_is_sound_and_uses_everything(problem, plan):
    assert plan.usable, plan.remarks
    assert check(problem, plan) == ()
    assert plan.grid_export_kw[7] > 0.1
    assert plan.genset_on[OUT] == 1.0
    assert plan.sleep_kw.max() > 0.1
    assert plan.cooling_kw.max() > 0.1
    assert plan.settlements[0].pay > 1.0
    assert plan.segment_discharge_kw[:4].sum(axis=1).max() > 0.5
    assert {"full_charge_kwh", "too_warm_k_h", "import_cap_kwh"} <= plan.soft_limits.keys(), (
        plan.soft_limits
    )


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corrupted_components_are_caught(name, problem, plan):
    corrupt, expected = CORRUPTIONS[name]
    violations = check(problem, corrupt(plan))
    assert any(reports(violation, expected) for violation in violations), violations


@pytest.mark.parametrize(
    "names", [(name,) for name in COMPONENTS] + [COMPONENTS[:5] + COMPONENTS[6:], COMPONENTS]
)
def test_sound_plans_of_every_component_pass(names):
    solver = PlanSolver()
    for seed in range(6):
        problem = component_problem(seed, N, names)
        plan = solver.solve(problem)
        assert plan.usable, plan.remarks
        assert check(problem, plan) == ()


def test_wear_segments_of_the_second_battery_are_run_on_their_own(problem, plan):
    other = replace(
        problem, batteries=(problem.batteries[0], lead_carbon(20.0, wear_per_kwh=(0.04, 0.06)))
    )
    violations = check(other, plan)
    assert any(reports(violation, Constraint.STORED_ENERGY) for violation in violations)
