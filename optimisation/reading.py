"""From the program's columns to a plan: series, true cost without tie-breaks, settlement, what is broken and worth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from optimisation.compiled import CompiledLP
from optimisation.devices import Reduction
from optimisation.engine import Outcome
from optimisation.plan import Plan, Settlement
from optimisation.problem import SiteProblem
from optimisation.records import Floats
from optimisation.rectifier import RectifierCurve

_NOISE = 1e-9
_BROKEN = 1e-6
"""kWh or K h in all; what is less is rounding."""


def read_plan(problem: SiteProblem, compiled: CompiledLP, outcome: Outcome) -> Plan:
    """Return the plan that `outcome` (with columns) holds for `problem`."""
    n, hours = problem.n_steps, problem.step_h

    x = np.where(outcome.x > _NOISE, outcome.x, 0.0)

    def found(name: str) -> Floats:
        return x[compiled.columns[name]]

    standby = problem.rectifier.standby_ac_kw
    rectifier_dc = found("segment").reshape(n, -1).sum(axis=1)
    segment_charge, segment_discharge = (found(name).reshape(n, -1).T for name in ("charge", "discharge"))
    wear, first_cells = _cells(tuple([battery.wear_per_kwh for battery in problem.batteries]))
    charge, discharge = (np.add.reduceat(rows, first_cells, axis=0) for rows in (segment_charge, segment_discharge))
    stored = np.add.reduceat(found("stored").reshape(n + 1, -1).T[:, 1:], first_cells, axis=0)
    unserved, stored_in_all = found("unserved"), stored.sum(axis=0)
    parts: dict[str, Floats] = {}

    # From the curve and not from the LP: where import costs nothing the LP may fill its segments in any order.
    base = problem.ac_base_kw
    grid_import = base + np.interp(rectifier_dc, *_curve(problem.rectifier))
    if problem.cooling is not None:
        parts["cooling_kw"] = found("cooling")
        parts["room_c"] = outcome.x[compiled.columns["room"]][1:]
        grid_import = grid_import + parts["cooling_kw"]
    if problem.sleep is not None:
        parts["sleep_kw"] = found("sleep")
    if problem.genset is not None:
        parts["genset_kw"], parts["genset_on"] = found("genset"), np.round(found("genset_on"))
        outside = np.minimum(problem.ac_load_kw + standby - base, problem.genset.max_kw)
        grid_import = grid_import + outside * parts["genset_on"] - parts["genset_kw"]
    if problem.export is not None:
        parts["inverter_dc_kw"] = found("inverter")
        # The meter sees one or the other.
        net = grid_import - problem.export.inverter_efficiency * parts["inverter_dc_kw"]
        parts["grid_export_kw"] = np.where(net < -_NOISE, -net, 0.0)
        grid_import = net + parts["grid_export_kw"]
    if problem.genset is not None or problem.export is not None:
        # Differences of sums end a rounding error below 0.
        grid_import = np.where((grid_import < 0.0) & (grid_import > -1e-7), 0.0, grid_import)

    reserve_short = np.maximum(0.0, problem.reserve_kwh - stored_in_all)
    cap_excess = np.maximum(0.0, grid_import - problem.cap_kw)
    broken = {
        "reserve_kwh_h": float(hours @ reserve_short),
        "import_cap_kwh": float(hours @ cap_excess),
        "unserved_kwh": float(hours @ unserved),
        "ac_unserved_kwh": float(hours @ _ac_unserved_kw(problem, parts)),
    }
    cost = {
        "energy": float((hours * problem.price_per_kwh) @ grid_import),
        "wear": float(wear @ (segment_discharge @ hours)),
        "reserve": problem.reserve_penalty_per_kwh_h * broken["reserve_kwh_h"],
        "cap": problem.cap_penalty_per_kwh * broken["import_cap_kwh"],
        "unserved": problem.unserved_penalty_per_kwh * broken["unserved_kwh"],
        "terminal": -problem.terminal_value_per_kwh * float(stored_in_all[-1]),
    }
    cost |= _component_costs(problem, parts)
    peak = None
    if problem.demand is not None:
        mean, intervals = grid_import, problem.demand.interval_of_step
        if intervals[-1] + 1 < n:  # an interval has several steps
            mean = np.bincount(intervals, hours * grid_import) / np.bincount(intervals, hours)
        peak = max(problem.demand.peak_so_far_kw, float(mean.max()))
        cost["demand"] = problem.demand.price_per_kw * (peak - problem.demand.peak_so_far_kw)
    settlements: tuple[Settlement, ...] = ()
    if problem.reduction is not None:
        settlements = _settlements(problem, problem.reduction, grid_import - parts.get("grid_export_kw", 0.0))
        cost["reduction"] = sum(settled.penalty - settled.pay for settled in settlements)
    for battery, energy in zip(problem.batteries, stored, strict=True):
        if battery.full_charge is not None:
            short = max(0.0, battery.capacity_kwh - float(energy[battery.full_charge.by_step]))
            broken["full_charge_kwh"] = broken.get("full_charge_kwh", 0.0) + short
            cost["full_charge"] = cost.get("full_charge", 0.0) + battery.full_charge.penalty_per_kwh * short
    if problem.cooling is not None:
        broken["too_warm_k_h"] = float(hours @ np.maximum(0.0, parts["room_c"] - problem.cooling.high_c))
        broken["too_cold_k_h"] = float(hours @ np.maximum(0.0, problem.cooling.low_c - parts["room_c"]))
    limit_value, cap_value = _import_values(problem, outcome.row_dual[compiled.rows["cap"]])
    return Plan(
        status=outcome.status,
        reason="; ".join(filter(None, (outcome.reason, _overfull(problem), _ac_shortage(problem)))),
        objective=sum(cost.values()),
        cost_by_term=cost,
        soft_limits={name: amount for name, amount in broken.items() if amount > _BROKEN},
        grid_import_kw=grid_import,
        rectifier_dc_kw=rectifier_dc,
        pv_kw=found("pv"),
        charge_kw=charge.sum(axis=0),
        discharge_kw=discharge.sum(axis=0),
        stored_kwh=stored_in_all,
        reserve_short_kwh=reserve_short,
        cap_excess_kw=cap_excess,
        unserved_kw=unserved,
        # A kWh more on the right-hand side of a recursion is a kWh given; what it does to the cost is its value.
        stored_value_per_kwh=(-outcome.row_dual[compiled.rows["recursion"]]).reshape(n, -1).max(axis=1),
        import_limit_value_per_kwh=limit_value,
        import_cap_value_per_kwh=cap_value,
        battery_charge_kw=charge,
        battery_discharge_kw=discharge,
        battery_stored_kwh=stored,
        segment_charge_kw=segment_charge,
        segment_discharge_kw=segment_discharge,
        demand_peak_kw=peak,
        settlements=settlements,
        solve_s=outcome.solve_s,
        **parts,
    )


@lru_cache(maxsize=64)
def _cells(wear_per_kwh: tuple[tuple[float, ...], ...]) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Wear of all segments, battery after battery, and the place of the first of each battery."""
    return np.concatenate(wear_per_kwh), np.cumsum([0, *(len(wear) for wear in wear_per_kwh[:-1])])


@lru_cache(maxsize=64)
def _curve(rectifier: RectifierCurve) -> tuple[Floats, Floats]:
    """Corners of the curve: DC output and AC input above standby, kW."""
    dc = np.cumsum((0.0, *rectifier.segment_dc_kw), dtype=np.float64)
    return dc, rectifier.ac_kw(dc) - rectifier.standby_ac_kw


def _component_costs(problem: SiteProblem, parts: dict[str, Floats]) -> dict[str, float]:
    hours = problem.step_h
    cost: dict[str, float] = {}
    if problem.export is not None:
        cost["export"] = float(-(hours * problem.export.price_per_kwh) @ parts["grid_export_kw"])
    if problem.cooling is not None:
        room = parts["room_c"]
        outside = np.maximum(0.0, room - problem.cooling.high_c) + np.maximum(0.0, problem.cooling.low_c - room)
        cost["comfort"] = float(problem.cooling.discomfort_per_k_h * (hours @ outside))
    if problem.sleep is not None:
        cost["sleep"] = float(problem.sleep.cost_per_kwh * (hours @ parts["sleep_kw"]))
    if problem.genset is not None:
        starts = np.maximum(0.0, np.diff(parts["genset_on"], prepend=float(problem.genset.running))).sum()
        fuel = problem.genset.fuel_per_kwh * (hours @ parts["genset_kw"])
        cost["genset"] = float(fuel + problem.genset.start_cost * starts)
    return cost


def _settlements(problem: SiteProblem, reduction: Reduction, net_import: Floats) -> tuple[Settlement, ...]:
    settled = []
    for first, after in problem.reduction_events:
        weights = problem.step_h[first:after]
        hours = float(weights.sum())
        mean_kw = float(weights @ (reduction.baseline_kw[first:after] - net_import[first:after])) / hours
        # A plan that goes for the pay ends at the edge of the band, to within rounding.
        valid = mean_kw >= reduction.valid_low * reduction.bid_kw - 1e-6
        paid_kw = min(max(mean_kw, 0.0), reduction.valid_high * reduction.bid_kw) if valid else 0.0
        owed_kw = max(0.0, reduction.penalty_low * reduction.bid_kw - mean_kw)
        pay, penalty = reduction.price_per_kwh * paid_kw * hours, reduction.penalty_per_kwh * owed_kw * hours
        settled.append(Settlement(first, after, mean_kw, pay, penalty))
    return tuple(settled)


def _import_values(problem: SiteProblem, dual: Floats) -> tuple[Floats, Floats]:
    """Split the value of the one row that is cap and limit: up to the price of breaking it, it is the cap's."""
    value = np.maximum(0.0, -dual) / problem.step_h  # NaN stays NaN
    soft = problem.cap_kw < problem.import_limit_kw
    cap_value = np.where(soft, np.minimum(value, problem.cap_penalty_per_kwh), 0.0 * value)
    return value - cap_value, cap_value


def _ac_unserved_kw(problem: SiteProblem, parts: dict[str, Floats]) -> Floats:
    """AC load beyond the connection while the mains are there and no genset runs; an outage is no shortage of it."""
    short = np.maximum(0.0, problem.ac_load_kw - problem.import_limit_kw)
    off = 1.0 - parts["genset_on"] if "genset_on" in parts else 1.0
    served: Floats = np.where(problem.import_limit_kw > 0.0, short * off, 0.0)
    return served


def _ac_shortage(problem: SiteProblem) -> str:
    short = problem.ac_load_kw + problem.rectifier.standby_ac_kw > problem.import_limit_kw
    steps = int(np.count_nonzero(short & (problem.import_limit_kw > 0.0)))
    return f"the AC side alone draws more than the import limit in {steps} steps" if steps else ""


def _overfull(problem: SiteProblem) -> str:
    over = [
        f"battery {b} is measured at {battery.stored_kwh / battery.capacity_kwh:.3g} of its capacity, counted as full"
        for b, battery in enumerate(problem.batteries)
        if battery.stored_kwh > battery.capacity_kwh
    ]
    return "; ".join(over)
