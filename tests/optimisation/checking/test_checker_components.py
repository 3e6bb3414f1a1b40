"""The checker knows every component: a plan with all of them passes, and each way to corrupt it is
caught.
"""

from dataclasses import replace

import numpy as np
import pytest
from changed_plans import of_site, with_series
from component_cases import COMPONENTS, component_problem, components
from site_cases import lead_carbon

from optimisation.checking.checker import check
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
    "export above the limit": (moved("grid_export_kw", 7, 5.0), "export is above its limit"),
    "export without mains": (moved("grid_export_kw", OUT, 0.1), "export is above its limit"),
    "inverter too small": (moved("inverter_dc_kw", 7, 5.0), "the inverter is above its limit"),
    "inverter without mains": (
        moved("inverter_dc_kw", OUT, 0.1),
        "the inverter is above its limit",
    ),
    "inverter off the bus": (moved("inverter_dc_kw", 7, -0.1), "the DC bus is out of balance"),
    "import and export": (
        together(moved("grid_import_kw", 7, 0.5), moved("grid_export_kw", 7, 0.5)),
        "import and export at once",
    ),
    "loop": (moved("inverter_dc_kw", 0, 0.5), "rectifier and inverter at once"),
    "sleeping more than may": (moved("sleep_kw", 7, 0.6), "more sleeps than may"),
    "asleep and unserved": (
        moved("unserved_kw", 8, 5.9),
        "unserved load is above the load",
    ),
    "cooling too strong": (moved("cooling_kw", 0, 5.0), "cooling is above its maximum"),
    "cooling for free": (moved("cooling_kw", 0, -0.1), "the AC side is out of balance"),
    "room colder than cooled": (moved("room_c", 3, -0.1), "the room does not follow from its heat"),
    "genset half on": (moved("genset_on", OUT, -0.5), "the genset is neither on nor off"),
    "genset where it may not": (moved("genset_on", 2, 1.0), "the genset runs where it may not"),
    "genset above its maximum": (moved("genset_kw", OUT, 9.0), "the genset is above its maximum"),
    "genset while off": (moved("genset_kw", 2, 1.0), "the genset is above its maximum"),
    "genset below its minimum": (moved("genset_kw", OUT, -6.0), "the genset is below its minimum"),
    "genset off the bus": (moved("genset_kw", OUT, 0.1), "the AC side is out of balance"),
    "peak hidden": (
        lambda p: replace(p, demand_peak_kw=p.demand_peak_kw - 0.1),
        "the billing peak is misstated",
    ),
    "pay invented": (settled(pay=99.0), "the pay of step 8 is misstated"),
    "penalty hidden": (settled(penalty=0.5), "the penalty of step 8 is misstated"),
    "reduction misstated": (settled(reduction_kw=9.0), "the reduction of step 8 is misstated"),
    "another event": (
        settled(first=1, after=3),
        "a reduction from step 1 is settled and was not asked for",
    ),
    "event forgotten": (
        lambda p: replace(p, settlements=()),
        "the reduction from step 8 to 10 is not settled",
    ),
    "wear of a cheaper segment": (all_of_segment("segment_discharge_kw", 5, 4), "the plan costs"),
    "energy of an empty segment": (
        all_of_segment("segment_discharge_kw", 4, 5),
        "a wear segment is emptied below 0",
    ),
    "room of a full segment": (
        all_of_segment("segment_charge_kw", 4, 5),
        "a wear segment is filled above its size",
    ),
    "battery off the total": (
        moved("battery_charge_kw", 0, 0.1, row=1),
        "charge_kw is not the sum of the batteries",
    ),
    "energy from nowhere": (
        together(moved("battery_stored_kwh", 3, 0.1, row=1), moved("stored_kwh", 3, 0.1)),
        "stored energy does not follow",
    ),
    "not full and silent": (misstated("soft_limits"), "full_charge_kwh is misstated"),
    "too warm and silent": (misstated("soft_limits"), "too_warm_k_h is misstated"),
    "rebound and silent": (misstated("soft_limits"), "import_cap_kwh is misstated"),
    "unknown room": (moved("room_c", 3, np.nan), "not finite: room_c"),
    "component forgotten": (without_cooling, "of another site: cooling_kw, room_c"),
    "cost too low": (lambda p: replace(p, objective=p.objective - 0.1), "the plan costs"),
}


def test_the_plan_that_is_corrupted_below_is_sound_and_uses_everything(problem, plan):
    assert plan.usable, plan.reason
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
    corrupt, words = CORRUPTIONS[name]
    faults = check(problem, corrupt(plan))
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize(
    "names", [(name,) for name in COMPONENTS] + [COMPONENTS[:5] + COMPONENTS[6:], COMPONENTS]
)
def test_sound_plans_of_every_component_pass(names):
    solver = PlanSolver()
    for seed in range(6):
        problem = component_problem(seed, N, names)
        plan = solver.solve(problem)
        assert plan.usable, plan.reason
        assert check(problem, plan) == ()


def test_wear_segments_of_the_second_battery_are_run_on_their_own(problem, plan):
    other = replace(
        problem, batteries=(problem.batteries[0], lead_carbon(20.0, wear_per_kwh=(0.04, 0.06)))
    )
    assert any("does not follow" in fault for fault in check(other, plan))
