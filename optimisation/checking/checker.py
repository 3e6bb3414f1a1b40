"""Checks a plan against its problem with numpy alone: what is missed here, nothing else catches."""

from __future__ import annotations

import math

import numpy as np

from optimisation.arrays import highest, lowest
from optimisation.checking.steps import step_violations
from optimisation.checking.tolerances import Tolerances
from optimisation.checking.totals import total_violations
from optimisation.checking.violations import (
    Constraint,
    Form,
    FormViolation,
    StepViolation,
    Violation,
)
from optimisation.plan.plan import Plan
from optimisation.plan.series import COMPONENT_SERIES, MARGINAL_VALUES, SIGNED_SERIES, rows_of
from optimisation.problem.site_problem import SiteProblem


def check(problem: SiteProblem, plan: Plan) -> tuple[Violation, ...]:
    """Return the violations of a usable plan; empty for a sound plan and for one without series.

    The plan is judged as it will be carried out. Each battery is run with its *net* power, so a
    plan that charges and discharges at once does not pass. The charge limit is the acceptance table
    itself, the rectifier is read from its curve, each wear segment is run as a store of its own, a
    paid reduction is settled by its rules, and the cost is computed anew, without tie-breaks.
    """
    if not plan.usable:
        return ()
    if violation := _form(problem, plan) or _not_finite(plan):
        return (violation,)
    tolerances = Tolerances(problem)
    return (
        *_negative(plan),
        *step_violations(problem, plan, tolerances),
        *total_violations(problem, plan, tolerances),
    )


def _form(problem: SiteProblem, plan: Plan) -> FormViolation | None:
    if plan.block.shape[1:] != (problem.n_steps,):
        steps = f"{plan.stored_kwh.size} instead of {problem.n_steps}"
        return FormViolation(Form.STEPS, (steps,))
    wanted = rows_of(
        n_batteries=len(problem.batteries),
        n_segments=sum(len(battery.wear_per_kwh) for battery in problem.batteries),
        components=tuple([name for name in COMPONENT_SERIES if getattr(problem, name) is not None]),
    )
    if plan.rows is not wanted and plan.rows != wanted:
        names = plan.rows.keys() | wanted.keys()
        differing = [name for name in names if plan.rows.get(name) != wanted.get(name)]
        missing = plan.rows.keys() ^ wanted.keys()
        return FormViolation(Form.SERIES, tuple(sorted(missing or differing)))
    if len(plan.block) != wanted[MARGINAL_VALUES[-1]].stop:
        return FormViolation(Form.ROWS)
    if (plan.demand_peak_kw is None) != (problem.demand is None):
        return FormViolation(Form.DEMAND_PEAK)
    return None


def _not_finite(plan: Plan) -> FormViolation | None:
    names = [name for name, value in plan.soft_limits.items() if not math.isfinite(value)]
    if not math.isfinite(plan.objective):
        names.append("objective")
    if plan.demand_peak_kw is not None and not math.isfinite(plan.demand_peak_kw):
        names.append("demand_peak_kw")
    quantities = plan.quantities
    if not (lowest(quantities) > -math.inf and highest(quantities) < math.inf):  # or NaN
        for name in plan.quantity_names:
            if not np.isfinite(plan.block[plan.rows[name]]).all():
                names.append(name)
    return FormViolation(Form.NOT_FINITE, tuple(names)) if names else None


def _negative(plan: Plan) -> list[StepViolation]:
    """Quantities below 0, which only a signed series may be."""
    if lowest(plan.quantities) >= 0.0:
        return []
    found = []
    for name in plan.quantity_names:
        in_step = plan.block[plan.rows[name]].min(axis=0)
        if name not in SIGNED_SERIES and lowest(in_step) < 0.0:
            step = int(in_step.argmin())
            beyond = -float(in_step[step])
            found.append(StepViolation(Constraint.NOT_NEGATIVE, step, beyond, series=name))
    return found
