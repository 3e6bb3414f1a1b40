"""What stored energy saves: how the cost of the best plan changes with a little more or less of it.

The duals of the linear program are no such values. Where a plan has several sets of them, as with
an empty or full wear segment, the solver gives any: 1.25 where the cost changes by 0.61 per kWh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimisation.plan.plan import Plan
from optimisation.problem.battery import BatteryModel, follow
from optimisation.problem.site_problem import SiteProblem
from optimisation.solving.solver import PlanSolver

STEP_SHARE = 2e-4
"""Of the capacity: far above the solver's tolerance, and so small that it passes no step of the
cost but by chance.
"""


@dataclass(frozen=True)
class StoredValue:
    """Changes of the plan's cost, in currency per kWh stored now."""

    more: float | None
    """What the cost falls by with more stored energy; None where the battery is full."""
    less: float | None
    """What the cost rises by with less; None where the battery is empty."""


def stored_value(
    problem: SiteProblem, plan: Plan, solver: PlanSolver, limit_s: float
) -> StoredValue:
    """The value of stored energy in a plan, by making it again with more and with less of it."""
    step_kwh = STEP_SHARE * problem.batteries[0].capacity_kwh
    more = _changed(problem, plan, step_kwh, solver, limit_s)
    less = _changed(problem, plan, -step_kwh, solver, limit_s)
    return StoredValue(_per_kwh(plan, more, step_kwh), _per_kwh(plan, less, -step_kwh))


def _per_kwh(plan: Plan, changed: Plan | None, change_kwh: float) -> float | None:
    return None if changed is None else (plan.objective - changed.objective) / change_kwh


def _changed(
    problem: SiteProblem, plan: Plan, change_kwh: float, solver: PlanSolver, limit_s: float
) -> Plan | None:
    """The plan with so much more in the first battery; None where that is not possible."""
    first, *others = problem.batteries
    stored_kwh = first.counted_kwh + change_kwh
    if not plan.usable or not 0.0 <= stored_kwh <= first.capacity_kwh:
        return None
    changed = replace(problem, batteries=(_holding(first, stored_kwh), *others))
    made = solver.solve(changed, limit_s)
    return made if made.usable else None


def _holding(battery: BatteryModel, stored_kwh: float) -> BatteryModel:
    segment_kwh = battery.segment_kwh
    if segment_kwh:
        segment_kwh = follow(segment_kwh, stored_kwh, battery.capacity_kwh)
    return replace(battery, stored_kwh=stored_kwh, segment_kwh=segment_kwh)
