"""Paid reductions, settled by their rules and compared with the settlements of the plan."""

from __future__ import annotations

from optimisation.arrays import Floats
from optimisation.checking.tolerances import Tolerances
from optimisation.checking.violations import (
    SettlementViolation,
    Total,
    TotalViolation,
    Violation,
)
from optimisation.plan.plan import Plan, Settlement
from optimisation.problem.components import Reduction
from optimisation.problem.site_problem import SiteProblem

ROUNDING_KW = 2e-6
"""A plan that participates ends at the edge of the valid band, to within rounding."""


def settlement_violations(
    problem: SiteProblem, reduction: Reduction, plan: Plan, tolerances: Tolerances
) -> tuple[list[float], list[Violation]]:
    """Return penalty less pay of each event, and the violations."""
    net_kw = plan.grid_import_kw
    if plan.grid_export_kw is not None:
        net_kw = net_kw - plan.grid_export_kw
    stated = {settled.first: settled for settled in plan.settlements}
    costs: list[float] = []
    found: list[Violation] = []
    for expected in _settled(problem, reduction, net_kw):
        costs.append(expected.penalty - expected.pay)
        given = stated.pop(expected.first, None)
        if given is None or given.after != expected.after:
            found.append(SettlementViolation(expected.first, expected.after, settled=False))
            continue
        money = tolerances.cost(max(expected.pay, expected.penalty))
        for total, stated_as, wanted, tolerance in (
            (Total.REDUCTION, given.reduction_kw, expected.reduction_kw, 10.0 * tolerances.kw),
            (Total.PAY, given.pay, expected.pay, money),
            (Total.PENALTY, given.penalty, expected.penalty, money),
        ):
            if not abs(stated_as - wanted) <= tolerance:
                found.append(TotalViolation(total, stated_as, wanted, event=expected.first))
    for settled in stated.values():
        found.append(SettlementViolation(settled.first, settled.after, settled=True))
    return costs, found


def _settled(problem: SiteProblem, reduction: Reduction, net_kw: Floats) -> list[Settlement]:
    """Settle each run of event steps by its mean."""
    settled, t, n = [], 0, problem.n_steps
    while t < n:
        if not reduction.in_event[t]:
            t += 1
            continue
        first = t
        while t < n and reduction.in_event[t]:
            t += 1
        hours = problem.step_h[first:t]
        length_h = float(hours.sum())
        reduced_kwh = float(hours @ (reduction.baseline_kw[first:t] - net_kw[first:t]))
        settled.append(_settle(reduction, first, t, reduced_kwh / length_h, length_h))
    return settled


def _settle(
    reduction: Reduction, first: int, after: int, mean_kw: float, length_h: float
) -> Settlement:
    paid_kw = min(max(mean_kw, 0.0), reduction.valid_high * reduction.bid_kw)
    if mean_kw < reduction.valid_low * reduction.bid_kw - ROUNDING_KW:
        paid_kw = 0.0
    missing_kw = max(0.0, reduction.penalty_low * reduction.bid_kw - mean_kw)
    return Settlement(
        first,
        after,
        mean_kw,
        pay=reduction.price_per_kwh * length_h * paid_kw,
        penalty=reduction.penalty_per_kwh * length_h * missing_kw,
    )
