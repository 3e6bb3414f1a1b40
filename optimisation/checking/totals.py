"""What a plan costs and which soft limits it breaks, compared with what it states."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from optimisation.arrays import Floats, highest
from optimisation.checking.settlement import settlement_violations
from optimisation.checking.tolerances import TOLERANCE, Tolerances
from optimisation.checking.violations import Total, TotalViolation, Violation
from optimisation.plan.plan import Plan
from optimisation.problem.components import Cooling, DemandCharge, Genset
from optimisation.problem.site_problem import SiteProblem


def total_violations(problem: SiteProblem, plan: Plan, tolerances: Tolerances) -> list[Violation]:
    """Judge the totals of a plan that has the right form and is finite."""
    found: list[Violation] = []
    broken = _broken_soft_limits(problem, plan)
    costs = _costs(problem, plan, broken)
    if problem.demand is not None:
        peak_kw = _billing_peak_kw(problem, problem.demand, plan.grid_import_kw)
        above_kw = peak_kw - problem.demand.peak_so_far_kw
        costs.append(problem.demand.price_per_kw * above_kw)
        stated_kw = plan.demand_peak_kw or 0.0
        if not abs(stated_kw - peak_kw) <= 10.0 * tolerances.kw:
            found.append(TotalViolation(Total.BILLING_PEAK, stated_kw, peak_kw))
    if problem.reduction is not None:
        reduction_costs, violations = settlement_violations(
            problem, problem.reduction, plan, tolerances
        )
        costs += reduction_costs
        found += violations
    found += _soft_limit_violations(problem, plan.soft_limits, broken, tolerances)

    cost = sum(costs)
    tolerance = tolerances.cost(sum(map(abs, costs)))
    stated_terms = sum(plan.cost_by_term.values())
    if not abs(cost - plan.objective) <= tolerance:
        found.append(TotalViolation(Total.COST, plan.objective, cost))
    elif not abs(stated_terms - plan.objective) <= tolerance:  # also where it is NaN
        found.append(TotalViolation(Total.COST_TERMS, stated_terms, plan.objective))
    return found


def _broken_soft_limits(problem: SiteProblem, plan: Plan) -> dict[Total, float]:
    """By how much the soft limits are broken over the whole horizon; the unit ends the name."""
    hours = problem.step_h
    # The three series are checked step by step in `steps.py`.
    broken = {
        Total.RESERVE: float(hours.dot(plan.reserve_short_kwh)),
        Total.IMPORT_CAP: float(hours.dot(plan.cap_excess_kw)),
        Total.UNSERVED: float(hours.dot(plan.unserved_kw)),
        Total.AC_UNSERVED: _ac_unserved_kwh(problem, plan),
    }
    to_be_full = _short_of_full_kwh(problem, plan)
    if to_be_full:
        broken[Total.FULL_CHARGE] = sum(missing_kwh for missing_kwh, _ in to_be_full)
    if problem.cooling is not None:
        room = plan["room_c"]
        too_warm = np.maximum(0.0, room - problem.cooling.high_c)
        too_cold = np.maximum(0.0, problem.cooling.low_c - room)
        broken[Total.TOO_WARM] = float(hours.dot(too_warm))
        broken[Total.TOO_COLD] = float(hours.dot(too_cold))
    return broken


def _ac_unserved_kwh(problem: SiteProblem, plan: Plan) -> float:
    """AC load beyond the connection, and beyond the genset where that runs.

    While the mains are out no AC load counts as unserved.
    """
    over_kw = problem.ac_load_kw - problem.import_limit_kw
    if highest(over_kw) <= 0.0:
        return 0.0
    if problem.genset is not None:
        over_kw = over_kw - problem.genset.max_kw * plan["genset_on"]
    short_kw = np.where(problem.import_limit_kw > 0.0, np.maximum(0.0, over_kw), 0.0)
    return float(problem.step_h.dot(short_kw))


def _short_of_full_kwh(problem: SiteProblem, plan: Plan) -> list[tuple[float, float]]:
    """For each battery that should be full at some step: the energy missing then, kWh, and its
    price.
    """
    short = []
    for b, battery in enumerate(problem.batteries):
        asked = battery.full_charge
        if asked is not None:
            stored_kwh = float(plan.battery_stored_kwh[b, asked.by_step])
            missing_kwh = max(0.0, battery.capacity_kwh - stored_kwh)
            short.append((missing_kwh, asked.penalty_per_kwh))
    return short


def _costs(problem: SiteProblem, plan: Plan, broken: Mapping[Total, float]) -> list[float]:
    """Terms of the cost, but for demand charge and paid reductions."""
    hours = problem.step_h
    wear = [cost for battery in problem.batteries for cost in battery.wear_per_kwh]
    costs = [
        float((hours * problem.price_per_kwh).dot(plan.grid_import_kw)),
        float(plan.segment_discharge_kw.dot(hours).dot(wear)),
        problem.reserve_penalty_per_kwh_h * broken[Total.RESERVE],
        problem.cap_penalty_per_kwh * broken[Total.IMPORT_CAP],
        problem.unserved_penalty_per_kwh * broken[Total.UNSERVED],
        -problem.terminal_value_per_kwh * float(plan.stored_kwh[-1]),
    ]
    for missing_kwh, penalty_per_kwh in _short_of_full_kwh(problem, plan):
        costs.append(penalty_per_kwh * missing_kwh)
    if problem.export is not None:
        costs.append(-float((hours * problem.export.price_per_kwh).dot(plan["grid_export_kw"])))
    if problem.cooling is not None:
        costs.append(_discomfort(problem.cooling, broken))
    if problem.sleep is not None:
        costs.append(problem.sleep.cost_per_kwh * float(hours.dot(plan["sleep_kw"])))
    if problem.genset is not None:
        costs += _genset_costs(problem.genset, hours, plan)
    return costs


def _discomfort(cooling: Cooling, broken: Mapping[Total, float]) -> float:
    return cooling.discomfort_per_k_h * (broken[Total.TOO_WARM] + broken[Total.TOO_COLD])


def _genset_costs(genset: Genset, hours: Floats, plan: Plan) -> list[float]:
    """Cost of the starts, and of the fuel."""
    changes = np.diff(plan["genset_on"], prepend=float(genset.running))
    starts = int(np.count_nonzero(changes > 0.5))
    return [
        genset.start_cost * starts,
        genset.fuel_per_kwh * float(hours.dot(plan["genset_kw"])),
    ]


def _billing_peak_kw(problem: SiteProblem, demand: DemandCharge, import_kw: Floats) -> float:
    """The highest mean import of the billing intervals that count, not below the peak so far."""
    hours, intervals = problem.step_h, demand.interval_of_step
    mean_kw, firsts = import_kw, np.arange(problem.n_steps)
    if intervals[-1] + 1 < problem.n_steps:  # an interval has several steps
        firsts = np.flatnonzero(np.diff(intervals, prepend=-1))
        energy = np.add.reduceat(hours * import_kw, firsts)
        mean_kw = energy / np.add.reduceat(hours, firsts)
    if demand.counts is not None:
        mean_kw = mean_kw[demand.counts[firsts]]
    return max(demand.peak_so_far_kw, highest(mean_kw) if mean_kw.size else 0.0)


def _soft_limit_violations(
    problem: SiteProblem,
    stated: Mapping[str, float],
    broken: Mapping[Total, float],
    tolerances: Tolerances,
) -> list[TotalViolation]:
    """Soft limits that are stated otherwise than they are broken."""
    if not stated and max(broken.values()) <= TOLERANCE:
        return []
    tolerance = 10.0 * tolerances.kwh * max(1.0, float(problem.step_h.sum()))
    found = []
    for total, amount in broken.items():
        named = stated.get(total, 0.0)
        if not abs(named - amount) <= tolerance:
            found.append(TotalViolation(total, named, amount))
    for name in stated.keys() - broken.keys():
        if not abs(stated[name]) <= tolerance:
            found.append(TotalViolation(Total.OTHER_SOFT_LIMIT, stated[name], 0.0))
    return found
