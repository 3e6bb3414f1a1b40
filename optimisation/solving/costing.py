"""The true cost of a plan without tie-breaks, the soft limits it breaks, and its settlements."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from optimisation.arrays import Floats, highest
from optimisation.plan.plan import Settlement
from optimisation.plan.series import Series
from optimisation.problem.components import DemandCharge, Reduction
from optimisation.problem.site_problem import SiteProblem

_BROKEN = 1e-6
"""kWh or K h over the whole horizon; less is rounding."""


@dataclass
class Costing:
    """See `Plan` for the fields of the same name."""

    cost_by_term: dict[str, float]
    soft_limits: dict[str, float]
    demand_peak_kw: float | None = None
    settlements: tuple[Settlement, ...] = field(default=())
    ac_short_steps: int = 0
    """Steps in which the AC side alone draws more than the import limit, with the mains present."""


def cost_plan(problem: SiteProblem, series: Series) -> Costing:
    """Compute what the series of a plan cost, and which soft limits they break."""
    hours, rows = problem.step_h, series.rows
    over_time = series.block.dot(hours)  # kWh of what is kW, kWh h of what is kWh
    broken = {
        "reserve_kwh_h": float(over_time[rows["reserve_short_kwh"].start]),
        "import_cap_kwh": float(over_time[rows["cap_excess_kw"].start]),
        "unserved_kwh": float(over_time[rows["unserved_kw"].start]),
    }
    ac_short_steps, broken["ac_unserved_kwh"] = _ac_shortage(problem, series)
    wear = np.concatenate([battery.wear_per_kwh for battery in problem.batteries])
    energy_cost = (hours * problem.price_per_kwh).dot(series.grid_import_kw)
    cost = {
        "energy": float(energy_cost),
        "wear": float(wear.dot(over_time[rows["segment_discharge_kw"]])),
        "reserve": problem.reserve_penalty_per_kwh_h * broken["reserve_kwh_h"],
        "cap": problem.cap_penalty_per_kwh * broken["import_cap_kwh"],
        "unserved": problem.unserved_penalty_per_kwh * broken["unserved_kwh"],
        "terminal": -problem.terminal_value_per_kwh * float(series.stored_kwh[-1]),
    }
    costing = Costing(cost, broken, ac_short_steps=ac_short_steps)
    _add_components(problem, series, costing)
    _add_full_charge(problem, series, costing)
    if problem.demand is not None:
        mean_kw = _highest_mean_kw(problem.demand, hours, series.grid_import_kw)
        peak_kw = max(problem.demand.peak_so_far_kw, mean_kw)
        costing.demand_peak_kw = peak_kw
        cost["demand"] = problem.demand.price_per_kw * (peak_kw - problem.demand.peak_so_far_kw)
    if problem.reduction is not None:
        costing.settlements = _settlements(problem, problem.reduction, series)
        cost["reduction"] = sum(settled.penalty - settled.pay for settled in costing.settlements)
    costing.soft_limits = {name: amount for name, amount in broken.items() if amount > _BROKEN}
    return costing


def _ac_shortage(problem: SiteProblem, series: Series) -> tuple[int, float]:
    """Steps in which the AC side is short while the mains are present, and the AC load that is not
    served, kWh.

    A genset that runs serves what it can. An outage does not count.
    """
    over = problem.ac_load_kw - problem.import_limit_kw
    standby_kw = problem.rectifier.standby_ac_kw
    if highest(over) + standby_kw <= 0.0:
        return 0, 0.0
    mains = problem.import_limit_kw > 0.0
    steps = np.count_nonzero(mains & (problem.ac_load_kw + standby_kw > problem.import_limit_kw))
    if problem.genset is not None:
        over = over - problem.genset.max_kw * series["genset_on"]
    short_kw = np.where(mains, np.maximum(0.0, over), 0.0)
    return int(steps), float(problem.step_h @ short_kw)


def _add_components(problem: SiteProblem, series: Series, costing: Costing) -> None:
    hours, cost, broken = problem.step_h, costing.cost_by_term, costing.soft_limits
    if problem.export is not None:
        earned = (hours * problem.export.price_per_kwh) @ series["grid_export_kw"]
        cost["export"] = -float(earned)
    if problem.cooling is not None:
        cooling, room = problem.cooling, series["room_c"]
        broken["too_warm_k_h"] = float(hours @ np.maximum(0.0, room - cooling.high_c))
        broken["too_cold_k_h"] = float(hours @ np.maximum(0.0, cooling.low_c - room))
        outside = broken["too_warm_k_h"] + broken["too_cold_k_h"]
        cost["comfort"] = cooling.discomfort_per_k_h * outside
    if problem.sleep is not None:
        cost["sleep"] = float(problem.sleep.cost_per_kwh * (hours @ series["sleep_kw"]))
    if problem.genset is not None:
        changes = np.diff(series["genset_on"], prepend=float(problem.genset.running))
        starts = np.maximum(0.0, changes).sum()
        fuel = problem.genset.fuel_per_kwh * (hours @ series["genset_kw"])
        cost["genset"] = float(fuel + problem.genset.start_cost * starts)


def _add_full_charge(problem: SiteProblem, series: Series, costing: Costing) -> None:
    cost, broken = costing.cost_by_term, costing.soft_limits
    for b, battery in enumerate(problem.batteries):
        if battery.full_charge is not None:
            stored_kwh = float(series.battery_stored_kwh[b, battery.full_charge.by_step])
            short = max(0.0, battery.capacity_kwh - stored_kwh)
            penalty = battery.full_charge.penalty_per_kwh * short
            broken["full_charge_kwh"] = broken.get("full_charge_kwh", 0.0) + short
            cost["full_charge"] = cost.get("full_charge", 0.0) + penalty


def _highest_mean_kw(demand: DemandCharge, hours: Floats, import_kw: Floats) -> float:
    """The highest mean import of the billing intervals that count; 0 where none does."""
    intervals, mean_kw = demand.interval_of_step, import_kw
    if intervals[-1] + 1 < len(hours):  # an interval has several steps
        mean_kw = np.bincount(intervals, hours * import_kw) / np.bincount(intervals, hours)
    if demand.counts is not None:
        mean_kw = mean_kw[np.bincount(intervals, demand.counts) > 0]
    return highest(mean_kw) if mean_kw.size else 0.0


def _settlements(
    problem: SiteProblem, reduction: Reduction, series: Series
) -> tuple[Settlement, ...]:
    net_kw = series.grid_import_kw
    if problem.export is not None:
        net_kw = net_kw - series["grid_export_kw"]
    settled = []
    for first, after in problem.reduction_events:
        weights = problem.step_h[first:after]
        hours = float(weights.sum())
        reduced_kw = reduction.baseline_kw[first:after] - net_kw[first:after]
        mean_kw = float(weights @ reduced_kw) / hours
        # A plan that participates ends at the edge of the band, to within rounding.
        valid = mean_kw >= reduction.valid_low * reduction.bid_kw - 1e-6
        paid_kw = min(max(mean_kw, 0.0), reduction.valid_high * reduction.bid_kw) if valid else 0.0
        owed_kw = max(0.0, reduction.penalty_low * reduction.bid_kw - mean_kw)
        pay = reduction.price_per_kwh * paid_kw * hours
        penalty = reduction.penalty_per_kwh * owed_kw * hours
        settled.append(Settlement(first, after, mean_kw, pay, penalty))
    return tuple(settled)
