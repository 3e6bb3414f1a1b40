"""From the program's columns to a plan: series, true cost without tie-breaks, settlement, what is broken and worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from optimisation.compiled import CompiledLP
from optimisation.devices import DemandCharge, Reduction
from optimisation.engine import Outcome
from optimisation.plan import BY_BATTERY, BY_SEGMENT, COMPONENT_SERIES, SERIES, Plan, Settlement
from optimisation.problem import SiteProblem
from optimisation.records import Floats
from optimisation.rectifier import RectifierCurve

_NOISE = 1e-9
_BROKEN = 1e-6
"""kWh or K h in all; what is less is rounding."""

_RECKONED = ("grid_import_kw", "reserve_short_kwh", "cap_excess_kw")
"""Series that are not sums of columns."""


@dataclass(frozen=True, eq=False)
class _Layout:
    """Where the series of a plan are in the columns of one model: a sum of gathered columns each."""

    place: npt.NDArray[np.intp]
    """Column of each gathered number, shape (gathered, n)."""
    sums: Floats
    """Which of them make up a series, shape (series, gathered)."""
    rows: Mapping[str, slice]
    """Rows of each series, those of `_RECKONED` last."""
    n_rows: int


@lru_cache(maxsize=8)
def _layout(compiled: CompiledLP, n: int, cells: tuple[int, ...]) -> _Layout:
    """Lay out a model of `n` steps whose batteries have `cells` wear segments."""
    b_of_cell = np.repeat(np.arange(len(cells)), cells)
    each, of_battery, all_cells = np.eye(len(b_of_cell)), np.eye(len(cells))[b_of_cell].T, np.ones((1, len(b_of_cell)))
    wanted: list[tuple[str, dict[str, Floats | None]]] = [
        ("segment", {"rectifier_dc_kw": None}),
        ("pv", {"pv_kw": None}),
        ("unserved", {"unserved_kw": None}),
        ("charge", {"charge_kw": all_cells, "battery_charge_kw": of_battery, "segment_charge_kw": each}),
        ("discharge", {"discharge_kw": all_cells, "battery_discharge_kw": of_battery, "segment_discharge_kw": each}),
        ("stored", {"stored_kwh": all_cells, "battery_stored_kwh": of_battery}),
    ]
    wanted += [
        (column, {series: None})
        for column, series in (
            ("inverter", "inverter_dc_kw"),
            ("cooling", "cooling_kw"),
            ("sleep", "sleep_kw"),
            ("genset", "genset_kw"),
            ("genset_on", "genset_on"),
        )
        if column in compiled.columns
    ]
    places, sums, rows, end, width = [], [], {}, 0, 0
    for column, series in wanted:
        of_step = np.arange(compiled.n_columns)[compiled.columns[column]]
        place = of_step.reshape(n + 1, -1).T[:, 1:] if column == "stored" else of_step.reshape(n, -1).T
        for name, parts in series.items():
            parts = np.ones((1, len(place))) if parts is None else parts
            rows[name] = slice(end, end + len(parts))
            end += len(parts)
            sums.append((width, parts))
        places.append(place)
        width += len(place)
    matrix = np.zeros((end, width))
    for (first, parts), where in zip(sums, rows.values(), strict=True):
        matrix[where, first : first + parts.shape[1]] = parts
    for name in _RECKONED:
        rows[name] = slice(end, end + 1)
        end += 1
    return _Layout(np.concatenate(places), matrix, rows, end)


def read_plan(problem: SiteProblem, compiled: CompiledLP, outcome: Outcome) -> Plan:
    """Return the plan that `outcome` (with columns) holds for `problem`."""
    n, hours = problem.n_steps, problem.step_h
    layout = _layout(compiled, n, tuple([len(battery.wear_per_kwh) for battery in problem.batteries]))
    found = outcome.x[layout.place]
    block = np.empty((layout.n_rows, n))
    np.matmul(layout.sums, np.where(found > _NOISE, found, 0.0), out=block[: len(layout.sums)])
    series = {name: block[rows] for name, rows in layout.rows.items()}
    parts = {name: series[name][0] for name in COMPONENT_SERIES if name in series}
    grid_import, reserve_short, cap_excess = (series[name][0] for name in _RECKONED)
    stored = series["stored_kwh"][0]

    # From the curve and not from the LP: where import costs nothing the LP may fill its segments in any order.
    ac_base = problem.ac_base_kw
    np.add(ac_base, np.interp(series["rectifier_dc_kw"][0], *_curve(problem.rectifier)), out=grid_import)
    if problem.cooling is not None:
        parts["room_c"] = outcome.x[compiled.columns["room"]][1:]
        grid_import += parts["cooling_kw"]
    if problem.genset is not None:
        parts["genset_on"] = np.round(parts["genset_on"])
        outside = np.minimum(problem.ac_load_kw + problem.rectifier.standby_ac_kw - ac_base, problem.genset.max_kw)
        grid_import += outside * parts["genset_on"] - parts["genset_kw"]
    if problem.export is not None:
        # The meter sees one or the other.
        grid_import -= problem.export.inverter_efficiency * parts["inverter_dc_kw"]
        parts["grid_export_kw"] = np.where(grid_import < -_NOISE, -grid_import, 0.0)
        grid_import += parts["grid_export_kw"]
    if problem.genset is not None or problem.export is not None:
        # Differences of sums end a rounding error below 0.
        grid_import[(grid_import < 0.0) & (grid_import > -1e-7)] = 0.0
    np.maximum(0.0, problem.reserve_kwh - stored, out=reserve_short)
    np.maximum(0.0, grid_import - problem.cap_kw, out=cap_excess)
    block.flags.writeable = False

    summed = block @ hours  # kWh of what is kW, kWh h of what is kWh
    in_all = {name: float(summed[layout.rows[name].start]) for name in ("unserved_kw", *_RECKONED)}
    broken = {
        "reserve_kwh_h": in_all["reserve_short_kwh"],
        "import_cap_kwh": in_all["cap_excess_kw"],
        "unserved_kwh": in_all["unserved_kw"],
    }
    ac_short_steps, broken["ac_unserved_kwh"] = _ac_shortage(problem, parts)
    wear = _wear(tuple([battery.wear_per_kwh for battery in problem.batteries]))
    cost = {
        "energy": float((hours * problem.price_per_kwh) @ grid_import),
        "wear": float(wear @ summed[layout.rows["segment_discharge_kw"]]),
        "reserve": problem.reserve_penalty_per_kwh_h * broken["reserve_kwh_h"],
        "cap": problem.cap_penalty_per_kwh * broken["import_cap_kwh"],
        "unserved": problem.unserved_penalty_per_kwh * broken["unserved_kwh"],
        "terminal": -problem.terminal_value_per_kwh * float(stored[-1]),
    }
    cost |= _component_costs(problem, parts)
    peak = None
    if problem.demand is not None:
        peak = max(problem.demand.peak_so_far_kw, _highest_mean_kw(problem.demand, hours, grid_import))
        cost["demand"] = problem.demand.price_per_kw * (peak - problem.demand.peak_so_far_kw)
    settlements: tuple[Settlement, ...] = ()
    if problem.reduction is not None:
        settlements = _settlements(problem, problem.reduction, grid_import - parts.get("grid_export_kw", 0.0))
        cost["reduction"] = sum(settled.penalty - settled.pay for settled in settlements)
    for battery, energy in zip(problem.batteries, series["battery_stored_kwh"], strict=True):
        if battery.full_charge is not None:
            short = max(0.0, battery.capacity_kwh - float(energy[battery.full_charge.by_step]))
            broken["full_charge_kwh"] = broken.get("full_charge_kwh", 0.0) + short
            cost["full_charge"] = cost.get("full_charge", 0.0) + battery.full_charge.penalty_per_kwh * short
    if problem.cooling is not None:
        broken["too_warm_k_h"] = float(hours @ np.maximum(0.0, parts["room_c"] - problem.cooling.high_c))
        broken["too_cold_k_h"] = float(hours @ np.maximum(0.0, problem.cooling.low_c - parts["room_c"]))
    limit_value, cap_value = _import_values(problem, outcome.row_dual[compiled.rows["cap"]])
    rows = layout.rows
    return Plan(
        status=outcome.status,
        reason="; ".join(filter(None, (outcome.reason, _overfull(problem), _ac_words(ac_short_steps)))),
        objective=sum(cost.values()),
        cost_by_term=cost,
        soft_limits={name: amount for name, amount in broken.items() if amount > _BROKEN},
        # A kWh more on the right-hand side of a recursion is a kWh given; what it does to the cost is its value.
        stored_value_per_kwh=-outcome.row_dual[compiled.rows["recursion"]].reshape(n, -1).min(axis=1),
        import_limit_value_per_kwh=limit_value,
        import_cap_value_per_kwh=cap_value,
        demand_peak_kw=peak,
        settlements=settlements,
        solve_s=outcome.solve_s,
        **{name: block[rows[name].start] for name in SERIES},
        **{name: block[rows[name]] for name in (*BY_BATTERY, *BY_SEGMENT)},
        **parts,
    )


@lru_cache(maxsize=64)
def _wear(wear_per_kwh: tuple[tuple[float, ...], ...]) -> Floats:
    """Wear of all segments, battery after battery."""
    return np.concatenate(wear_per_kwh)


@lru_cache(maxsize=64)
def _curve(rectifier: RectifierCurve) -> tuple[Floats, Floats]:
    """Corners of the curve: DC output and AC input above standby, kW."""
    dc = np.cumsum((0.0, *rectifier.segment_dc_kw), dtype=np.float64)
    return dc, rectifier.ac_kw(dc) - rectifier.standby_ac_kw


def _highest_mean_kw(demand: DemandCharge, hours: Floats, import_kw: Floats) -> float:
    """Of the billing intervals that count; 0 where none does."""
    intervals, counts, mean = demand.interval_of_step, demand.counts, import_kw
    if intervals[-1] + 1 < len(hours):  # an interval has several steps
        mean = np.bincount(intervals, hours * import_kw) / np.bincount(intervals, hours)
    if counts is not None:
        mean = mean[np.bincount(intervals, counts) > 0]
    return float(mean.max(initial=0.0))


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
    if not dual.any():
        return dual, dual
    value = np.maximum(0.0, -dual / problem.step_h)  # NaN stays NaN
    soft = problem.cap_kw < problem.import_limit_kw
    cap_value = np.where(soft, np.minimum(value, problem.cap_penalty_per_kwh), 0.0 * value)
    return value - cap_value, cap_value


def _ac_shortage(problem: SiteProblem, parts: Mapping[str, Floats]) -> tuple[int, float]:
    """AC side beyond the connection while the mains are there: steps with too little, and AC load not served, kWh.

    An outage is no shortage of it, and while a genset runs it serves the load.
    """
    over = problem.ac_load_kw - problem.import_limit_kw
    if over.max() + problem.rectifier.standby_ac_kw <= 0.0:
        return 0, 0.0
    mains = problem.import_limit_kw > 0.0
    short = np.where(mains, np.maximum(0.0, over), 0.0) * (1.0 - parts.get("genset_on", 0.0))
    steps = np.count_nonzero(mains & (problem.ac_load_kw + problem.rectifier.standby_ac_kw > problem.import_limit_kw))
    return int(steps), float(problem.step_h @ short)


def _ac_words(steps: int) -> str:
    return f"the AC side alone draws more than the import limit in {steps} steps" if steps else ""


def _overfull(problem: SiteProblem) -> str:
    over = [
        f"battery {b} is measured at {battery.stored_kwh / battery.capacity_kwh:.3g} of its capacity, counted as full"
        for b, battery in enumerate(problem.batteries)
        if battery.stored_kwh > battery.capacity_kwh
    ]
    return "; ".join(over)
