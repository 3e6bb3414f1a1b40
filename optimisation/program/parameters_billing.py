"""The Params of what is billed over several steps: demand charge and paid reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimisation.problem.components import DemandCharge, Reduction
from optimisation.problem.site_problem import SiteProblem


def demand_parameters(problem: SiteProblem, demand: DemandCharge) -> dict[str, Any]:
    """Params of `model_billing.add_demand_charge`."""
    intervals, hours = demand.interval_of_step, problem.step_h
    n_intervals = int(intervals[-1]) + 1
    free_kw = np.zeros(n_intervals)
    if demand.counts is not None:
        firsts = np.flatnonzero(np.diff(intervals, prepend=-1))
        free_kw = np.where(demand.counts[firsts], 0.0, problem.import_limit_kw.max())
    values: dict[str, Any] = {
        "peak_so_far_kw": float(demand.peak_so_far_kw),
        "demand_cost": float(demand.price_per_kw),
        "demand_free_kw": free_kw,
    }
    if n_intervals < problem.n_steps or problem.reduction_events:
        values["interval_share"] = hours / np.bincount(intervals, hours)[intervals]
    return values


def reduction_parameters(
    problem: SiteProblem, reduction: Reduction, participating: tuple[bool, ...]
) -> dict[str, Any]:
    """Params of `model_billing.add_reductions`."""
    events = reduction.events()
    if not events:
        return {}
    event_h = np.zeros((len(events), problem.n_steps))
    for v, (first, after) in enumerate(events):
        event_h[v, first:after] = problem.step_h[first:after]
    participates = np.array(participating or (False,) * len(events))
    bid_kwh = reduction.bid_kw * event_h.sum(axis=1)
    pay = reduction.price_per_kwh
    return {
        "event_h": event_h,
        "event_baseline_kwh": event_h @ reduction.baseline_kw,
        "event_most_kwh": reduction.valid_high * bid_kwh,
        "event_least_kwh": reduction.valid_low * bid_kwh,
        "event_owed_kwh": reduction.penalty_low * bid_kwh,
        "over_cost": np.where(participates, pay, 0.0),
        "under_cost": np.where(participates, problem.cap_penalty_per_kwh + pay, 0.0),
        "missing_cost": np.full(len(events), reduction.penalty_per_kwh),
    }
