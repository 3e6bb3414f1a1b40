"""What must hold for any site, any day and any state: 60 random problems, or 500 with
SITEEMS_LONG=1.
"""

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from pyomo.contrib.appsi.solvers.highs import Highs
from pyomo.core import ConcreteModel
from random_problems import random_site, sites

from optimisation.checking.checker import check
from optimisation.plan.plan import Plan, PlanStatus
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.model import build
from optimisation.program.model_source import compile_shape
from optimisation.program.parameters import parameters
from optimisation.program.prices import TIE_BREAK
from optimisation.program.shape import shape_of
from optimisation.solving.engine import Engine
from optimisation.solving.solution import layout_of, read_plan
from optimisation.solving.solver import PlanSolver

LONG = os.environ.get("SITEEMS_LONG") == "1"
SEEDS = (*range(500 if LONG else 60), 3236)
"""The last: a genset whose minimum load is more than the site takes, so that burning it in the
rectifier would pay.
"""


def searched(problem: SiteProblem) -> bool:
    """Whether the program has whole numbers."""
    return problem.genset is not None or shape_of(problem).export_pays_more


SOLVER, FINE = PlanSolver(), PlanSolver(tie_break=0.01 * TIE_BREAK)
GAP = 1e-4
"""Of the cost, which holds what `optimisation.solver.GAP` is a share of."""

MONEY = (
    "price_per_kwh",
    "terminal_value_per_kwh",
    "reserve_penalty_per_kwh_h",
    "cap_penalty_per_kwh",
    "unserved_penalty_per_kwh",
    "wear_per_kwh",
    "penalty_per_kwh",
    "price_per_kw",
    "discomfort_per_k_h",
    "cost_per_kwh",
    "fuel_per_kwh",
    "start_cost",
)


@pytest.fixture(scope="module")
def plans() -> Mapping[int, Plan]:
    """One solver for all, so that each problem is solved after unrelated ones of its shape and
    others.
    """
    return {seed: SOLVER.solve(random_site(seed)) for seed in SEEDS}


def turnover(plan: Plan) -> float:
    """All costs and earnings of a plan, currency: what a relative error is relative to."""
    return max(1.0, sum(abs(cost) for cost in plan.cost_by_term.values()))


def tie_cost(problem: SiteProblem) -> float:
    """More than the tie-breaks can have cost, currency."""
    wear = max(battery.wear_per_kwh[-1] for battery in problem.batteries)
    largest = (
        max(float(np.abs(problem.price_per_kwh).max()), problem.terminal_value_per_kwh, wear) or 1.0
    )
    kw = problem.import_limit_kw + sum(
        battery.max_charge_kw + battery.max_discharge_kw for battery in problem.batteries
    )
    kw = kw + (problem.export.inverter_max_kw if problem.export is not None else 0.0)
    return TIE_BREAK * largest * (1 + len(problem.rectifier.ac_per_dc)) * float(problem.step_h @ kw)


def test_the_problems_have_every_feature_together_with_every_other():
    problems = [random_site(seed) for seed in range(500)]
    has = {
        name: np.array([getattr(p, name) is not None for p in problems])
        for name in ("demand", "export", "reduction", "cooling", "sleep", "genset")
    }
    has["acceptance"] = np.array([any(b.acceptance for b in p.batteries) for p in problems])
    has["full charge"] = np.array([any(b.full_charge for b in p.batteries) for p in problems])
    has["outage"] = np.array([p.import_limit_kw.min() == 0.0 for p in problems])
    has["cap"] = np.array([np.isfinite(p.import_cap_kw).any() for p in problems])
    has["negative"] = np.array([p.price_per_kwh.min() < 0.0 for p in problems])
    has["over 1"] = np.array(
        [any(b.stored_kwh > b.capacity_kwh for b in p.batteries) for p in problems]
    )
    has["reserve too large"] = np.array([p.reserve_kwh.max() > p.capacity_kwh for p in problems])
    for one, other in product(has, has):
        assert (has[one] & has[other]).sum() >= 5, (one, other)
    assert {len(p.batteries) for p in problems} == {1, 2, 3}
    assert {len(b.wear_per_kwh) for p in problems for b in p.batteries} == {1, 2, 3, 4}


def test_every_problem_has_an_optimal_plan_that_the_checker_passes(plans):
    for seed, plan in plans.items():
        assert plan.status is PlanStatus.OPTIMAL, (seed, plan.remarks)
        assert check(random_site(seed), plan) == ()


def test_no_battery_charges_and_discharges_at_once(plans):
    for seed, plan in plans.items():
        assert np.minimum(plan.battery_charge_kw, plan.battery_discharge_kw).max() <= 1e-6, seed


@settings(max_examples=examples(300 if LONG else 30), derandomize=not LONG)
@given(problem=sites())
def test_any_problem_that_hypothesis_finds_has_a_plan(problem):
    plan = SOLVER.solve(problem)
    assert plan.status is PlanStatus.OPTIMAL, plan.remarks
    assert np.minimum(plan.battery_charge_kw, plan.battery_discharge_kw).max() <= 1e-6


def filled(model: ConcreteModel, values: Mapping[str, Any]) -> ConcreteModel:
    for name, numbers in values.items():
        param = getattr(model, name)
        for index, number in zip(param.index_set(), np.ravel(numbers), strict=True):
            param[index] = float(number)
    return model


def on_another_day(problem: SiteProblem) -> SiteProblem:
    """The same structure with other prices, load, PV and energy."""
    batteries = tuple(
        replace(battery, stored_kwh=0.5 * battery.capacity_kwh) for battery in problem.batteries
    )
    export = problem.export
    return replace(
        problem,
        price_per_kwh=problem.price_per_kwh[::-1],
        export=export and replace(export, price_per_kwh=export.price_per_kwh[::-1]),
        dc_load_kw=0.5 * problem.dc_load_kw[::-1],
        pv_kw=0.5 * problem.pv_kw[::-1],
        reserve_kwh=0.5 * problem.reserve_kwh,
        batteries=batteries,
    )


def test_the_compiled_path_costs_what_the_solver_of_pyomo_finds():
    for seed in SEEDS[:: 1 if LONG else 2]:
        problem = random_site(seed)
        shape = shape_of(problem)
        participating = (bool(seed % 2),) * len(problem.reduction_events)
        values = parameters(problem, participating)
        engine = Engine(compile_shape(shape))
        engine.solve(parameters(on_another_day(problem), participating), 10.0)
        outcome = engine.solve(values, 10.0)  # warm, from the numbers of the other day
        assert outcome.status is PlanStatus.OPTIMAL, (seed, outcome.remarks)
        model = filled(build(shape), values)
        pyomo = Highs()
        pyomo.highs_options = {
            "threads": 1,
            "primal_feasibility_tolerance": 1e-9,
            "dual_feasibility_tolerance": 1e-9,
            "mip_rel_gap": 1e-9,
        }
        found = pyomo.solve(model).best_feasible_objective
        costs = outcome.x * engine.compiled.numbers(engine.compiled.theta(values)).cost
        scale = max(1.0, abs(found), float(np.abs(costs).sum()))
        if searched(problem):
            # The search may stop at its gap; with the whole numbers as it found them the costs are
            # the same.
            assert outcome.objective - found <= GAP * scale, seed
            for name in {"genset_on", "sells"} & engine.compiled.columns.keys():
                for t, whole in enumerate(
                    np.round(outcome.x[engine.compiled.columns[name]]).tolist()
                ):
                    getattr(model, name)[t].fix(whole)
            found = pyomo.solve(model).best_feasible_objective
        assert abs(outcome.objective - found) <= 1e-8 * scale, seed


def test_the_first_setpoint_of_each_battery_is_the_same_cold_and_warm():
    for seed in SEEDS[:: 1 if LONG else 2]:
        problem = random_site(seed)
        if searched(problem):  # a search stops at the first plan within its gap
            continue
        shape = shape_of(problem)
        compiled, participating = compile_shape(shape), (True,) * len(problem.reduction_events)
        layout, warm, values = (
            layout_of(shape, compiled),
            Engine(compiled),
            parameters(problem, participating),
        )
        warm.solve(parameters(on_another_day(problem), participating), 10.0)
        first = [
            (plan.battery_charge_kw - plan.battery_discharge_kw)[:, 0]
            for plan in (
                read_plan(problem, layout, engine.solve(values, 10.0))
                for engine in (warm, Engine(compiled))
            )
        ]
        assert np.abs(first[0] - first[1]).max() <= 1e-6, seed


def idle_cost(problem: SiteProblem) -> float:
    """Currency, of a site that does nothing: batteries rest, PV first, then the rectifier, and
    what is left is not served.

    With negative prices what the rectifier loses beyond its best segment is counted as if it earned
    nothing, which is how the program is kept from earning by waste.
    """
    hours, rectifier = problem.step_h, problem.rectifier
    pv = np.minimum(problem.pv_kw, problem.dc_load_kw)
    curve_dc = np.concatenate(([0.0], np.cumsum(rectifier.segment_dc_kw)))
    curve_ac = rectifier.ac_kw(curve_dc) - rectifier.standby_ac_kw
    room = np.interp(problem.import_limit_kw - problem.ac_base_kw, curve_ac, curve_dc)
    dc = np.minimum(problem.dc_load_kw - pv, np.minimum(room, problem.rectifier_max_dc_kw))
    grid = problem.ac_base_kw + np.interp(dc, curve_dc, curve_ac)
    stored = problem.stored_kwh
    least = problem.ac_base_kw + dc * rectifier.ac_per_dc[0]
    cost = hours * np.where(
        problem.price_per_kwh > 0.0, problem.price_per_kwh * grid, problem.price_per_kwh * least
    )
    cost += (
        hours * problem.reserve_penalty_per_kwh_h * np.maximum(0.0, problem.reserve_kwh - stored)
    )
    cost += hours * problem.cap_penalty_per_kwh * np.maximum(0.0, grid - problem.cap_kw)
    cost += hours * problem.unserved_penalty_per_kwh * (problem.dc_load_kw - pv - dc)
    total = float(cost.sum()) - problem.terminal_value_per_kwh * stored
    for battery in problem.batteries:
        if battery.full_charge is not None:
            total += battery.full_charge.penalty_per_kwh * (
                battery.capacity_kwh - battery.counted_kwh
            )
    if problem.demand is not None:
        intervals = problem.demand.interval_of_step
        mean = np.bincount(intervals, hours * grid) / np.bincount(intervals, hours)
        total += problem.demand.price_per_kw * max(
            0.0, float(mean.max()) - problem.demand.peak_so_far_kw
        )
    if problem.cooling is not None:
        room_c = problem.cooling.room_now_c
        for t in range(problem.n_steps):
            cooling = problem.cooling
            end = cooling.outdoor_c[t] + cooling.inside_heat_kw[t] / cooling.heat_loss_kw_per_k
            kept = np.exp(-hours[t] * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k)
            room_c = end + (room_c - end) * kept
            outside = max(0.0, room_c - cooling.high_c, cooling.low_c - room_c)
            total += cooling.discomfort_per_k_h * hours[t] * outside
    reduction = problem.reduction
    for first, after in problem.reduction_events:
        assert reduction is not None
        length = float(hours[first:after].sum())
        mean_kw = float(hours[first:after] @ (reduction.baseline_kw - grid)[first:after]) / length
        if mean_kw >= reduction.valid_low * reduction.bid_kw:
            paid_kw = min(max(0.0, mean_kw), reduction.valid_high * reduction.bid_kw)
            total -= reduction.price_per_kwh * length * paid_kw
        owed_kw = max(0.0, reduction.penalty_low * reduction.bid_kw - mean_kw)
        total += reduction.penalty_per_kwh * length * owed_kw
    return total


def test_a_plan_never_costs_more_than_doing_nothing(plans):
    for seed, plan in plans.items():
        problem = random_site(seed)
        slack = tie_cost(problem) + (GAP if searched(problem) else 1e-7) * turnover(plan)
        assert plan.objective <= idle_cost(problem) + slack, seed


def in_other_money(record: Any, factor: float) -> Any:
    """The same problem with every amount of money times `factor`."""
    changes: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in MONEY:
            changes[field.name] = (
                tuple(factor * x for x in value) if isinstance(value, tuple) else factor * value
            )
        elif field.name == "batteries":
            changes[field.name] = tuple(in_other_money(battery, factor) for battery in value)
        elif is_dataclass(value) and field.name != "rectifier":
            changes[field.name] = in_other_money(value, factor)
    return replace(record, **changes)


def test_in_another_currency_the_cost_is_that_many_times_as_much(plans):
    for seed, plan in plans.items():
        problem = random_site(seed)
        other = SOLVER.solve(in_other_money(problem, 7.0))
        exactness = GAP if searched(problem) else 1e-7
        slack = 7.0 * (exactness * turnover(plan) + tie_cost(problem))
        assert other.status is PlanStatus.OPTIMAL, (seed, other.remarks)
        assert abs(other.objective - 7.0 * plan.objective) <= slack, seed


def without_restrictions(problem: SiteProblem) -> dict[str, SiteProblem]:
    n = problem.n_steps
    batteries, cooling = problem.batteries, problem.cooling
    # The end of a cap brings the rebound cap, and a paid event that a cap outlasted would now end.
    free = cooling if cooling is None else replace(cooling, rebound_cap_kw=None)
    return {
        "cap": replace(problem, import_cap_kw=np.full(n, np.inf), cooling=free),
        "reserve": replace(problem, reserve_kwh=np.zeros(n)),
        "acceptance": replace(
            problem, batteries=tuple(replace(battery, acceptance=()) for battery in batteries)
        ),
        "full charge": replace(
            problem, batteries=tuple(replace(battery, full_charge=None) for battery in batteries)
        ),
        "demand charge": replace(problem, demand=None),
        "charge limit": replace(
            problem, batteries=tuple(replace(battery, max_charge_kw=100.0) for battery in batteries)
        ),
        "wear": replace(
            problem,
            batteries=tuple(
                replace(b, wear_per_kwh=tuple(0.5 * wear for wear in b.wear_per_kwh))
                for b in batteries
            ),
        ),
    }


def without_waste(problem: SiteProblem) -> SiteProblem:
    """Prices of 0 or more: else the program's prices are not the true ones."""
    price, export = np.maximum(0.0, problem.price_per_kwh), problem.export
    if export is not None:
        export = replace(export, price_per_kwh=np.maximum(0.0, export.price_per_kwh))
    return replace(problem, price_per_kwh=price, export=export)


def test_taking_a_restriction_away_never_costs_more():
    for seed in SEEDS[:: 1 if LONG else 4]:
        problem = without_waste(random_site(seed))
        plan = FINE.solve(problem)
        assert plan.status is PlanStatus.OPTIMAL, (seed, plan.remarks)
        for name, freed in without_restrictions(problem).items():
            other = FINE.solve(freed)
            assert other.status is PlanStatus.OPTIMAL, (seed, name, other.remarks)
            # Two searches, and in each the gap is of a cost that holds the baseline's pay too.
            exactness = 4.0 * GAP if searched(problem) else 1e-7
            slack = exactness * turnover(plan) + 0.01 * tie_cost(problem)
            assert other.objective <= plan.objective + slack, (seed, name)
