"""From the program's columns to a plan: series, true cost without tie-breaks, settlement, what is
broken and worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, highest
from optimisation.plan.plan import Plan, Settlement
from optimisation.plan.series import COMPONENT_SERIES, MARGINAL_VALUES, Series, rows_of
from optimisation.problem.components import DemandCharge, Reduction
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.compiled import CompiledLP
from optimisation.program.shape import Shape
from optimisation.solving.engine import Outcome

_NOISE = 1e-9
"""kW or kWh; what HiGHS leaves below it is rounding, and a battery that rests must not get a sign
from it.
"""
_BROKEN = 1e-6
"""kWh or K h in all; what is less is rounding."""

_ONE_COLUMN = {
    "pv": "pv_kw",
    "unserved": "unserved_kw",
    "inverter": "inverter_dc_kw",
    "cooling": "cooling_kw",
    "sleep": "sleep_kw",
    "genset": "genset_kw",
    "genset_on": "genset_on",
}
"""Series that are one column each."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the series of a plan are in the columns of one model: those in the rows `summed` are
    sums of columns.
    """

    rows: Mapping[str, slice]
    """Of the plan's block."""
    summed: slice
    place: npt.NDArray[np.intp]
    """Column of each gathered number, shape (gathered, n)."""
    sums: Floats
    """Which of them make up a row, shape (summed rows, gathered)."""
    worth: npt.NDArray[np.intp]
    """Rows of the program whose duals say what stored energy is worth, shape (segments, n)."""
    cap: slice
    """Rows whose duals say what import is worth."""
    room: slice
    """Columns of the room's temperature at the edges, where it is modelled."""


def layout_of(shape: Shape, compiled: CompiledLP) -> Layout:
    """Lay out the plans of a shape, once for all its problems."""
    n, cells = shape.n_steps, tuple(battery.n_segments for battery in shape.batteries)
    components = tuple(name for name in COMPONENT_SERIES if getattr(shape, name))
    rows = rows_of(len(cells), sum(cells), components)
    of_battery = np.eye(len(cells))[np.repeat(np.arange(len(cells)), cells)].T
    each, together = np.eye(sum(cells)), np.ones((1, sum(cells)))
    wanted: dict[str, dict[str, Floats]] = {
        "segment": {"rectifier_dc_kw": np.ones((1, 1))},
        "charge": {
            "charge_kw": together,
            "battery_charge_kw": of_battery,
            "segment_charge_kw": each,
        },
        "discharge": {
            "discharge_kw": together,
            "battery_discharge_kw": of_battery,
            "segment_discharge_kw": each,
        },
        "stored": {"stored_kwh": together, "battery_stored_kwh": of_battery},
    }
    for column, series in _ONE_COLUMN.items():
        if series in rows:
            wanted[column] = {series: np.ones((1, 1))}
    first = rows["rectifier_dc_kw"].start
    summed = slice(first, max(rows[name].stop for series in wanted.values() for name in series))
    places, sums = [], []
    for column, parts_of in wanted.items():
        of_step = np.arange(compiled.n_columns)[compiled.columns[column]]
        place = (
            of_step.reshape(n + 1, -1).T[:, 1:] if column == "stored" else of_step.reshape(n, -1).T
        )
        part = np.zeros((summed.stop - first, len(place)))
        for name, parts in parts_of.items():
            part[rows[name].start - first : rows[name].stop - first] = parts
        places.append(place)
        sums.append(part)
    return Layout(
        rows=rows,
        summed=summed,
        place=np.concatenate(places),
        sums=np.concatenate(sums, axis=1),
        worth=np.arange(compiled.n_rows)[compiled.rows["recursion"]].reshape(n, -1).T,
        cap=compiled.rows["cap"],
        room=compiled.columns.get("room", slice(0, 0)),
    )


def read_plan(problem: SiteProblem, layout: Layout, outcome: Outcome) -> Plan:
    """Return the plan that `outcome` (with columns) holds for `problem`."""
    hours, rows = problem.step_h, layout.rows
    first_worth = rows[MARGINAL_VALUES[0]].start
    block = np.empty((first_worth + len(MARGINAL_VALUES), problem.n_steps))
    found = outcome.x[layout.place]
    np.putmask(found, found <= _NOISE, 0.0)  # a NaN stays one, so that the checker finds it
    layout.sums.dot(found, out=block[layout.summed])
    series = Series(block, rows)
    grid_import, stored = series.grid_import_kw, series.stored_kwh
    _reckon_import(problem, series, grid_import)
    np.maximum(0.0, problem.reserve_kwh - stored, out=series.reserve_short_kwh)
    np.maximum(0.0, grid_import - problem.cap_kw, out=series.cap_excess_kw)
    if problem.cooling is not None:
        series["room_c"][:] = outcome.x[layout.room][1:]
    _reckon_worth(
        problem, block[first_worth:], outcome.row_dual[layout.worth], outcome.row_dual[layout.cap]
    )
    block.setflags(write=False)

    in_all = block.dot(hours)  # kWh of what is kW, kWh h of what is kWh
    broken = {
        "reserve_kwh_h": float(in_all[rows["reserve_short_kwh"].start]),
        "import_cap_kwh": float(in_all[rows["cap_excess_kw"].start]),
        "unserved_kwh": float(in_all[rows["unserved_kw"].start]),
    }
    ac_short_steps, broken["ac_unserved_kwh"] = _ac_shortage(problem, series)
    wear = _wear(tuple([battery.wear_per_kwh for battery in problem.batteries]))
    cost = {
        "energy": float((hours * problem.price_per_kwh).dot(grid_import)),
        "wear": float(wear.dot(in_all[rows["segment_discharge_kw"]])),
        "reserve": problem.reserve_penalty_per_kwh_h * broken["reserve_kwh_h"],
        "cap": problem.cap_penalty_per_kwh * broken["import_cap_kwh"],
        "unserved": problem.unserved_penalty_per_kwh * broken["unserved_kwh"],
        "terminal": -problem.terminal_value_per_kwh * float(stored[-1]),
    }
    _add_components(problem, series, cost, broken)
    peak = None
    if problem.demand is not None:
        peak = max(
            problem.demand.peak_so_far_kw, _highest_mean_kw(problem.demand, hours, grid_import)
        )
        cost["demand"] = problem.demand.price_per_kw * (peak - problem.demand.peak_so_far_kw)
    settlements: tuple[Settlement, ...] = ()
    if problem.reduction is not None:
        net = grid_import if problem.export is None else grid_import - series["grid_export_kw"]
        settlements = _settlements(problem, problem.reduction, net)
        cost["reduction"] = sum(settled.penalty - settled.pay for settled in settlements)
    return Plan(
        status=outcome.status,
        reason="; ".join(
            [
                words
                for words in (outcome.reason, _overfull(problem), _ac_words(ac_short_steps))
                if words
            ]
        ),
        objective=sum(cost.values()),
        cost_by_term=cost,
        soft_limits={name: amount for name, amount in broken.items() if amount > _BROKEN},
        block=block,
        rows=rows,
        demand_peak_kw=peak,
        settlements=settlements,
        solve_s=outcome.solve_s,
    )


@lru_cache(maxsize=64)
def _wear(wear_per_kwh: tuple[tuple[float, ...], ...]) -> Floats:
    """Wear of all segments, battery after battery."""
    return np.concatenate(wear_per_kwh)


def _highest_mean_kw(demand: DemandCharge, hours: Floats, import_kw: Floats) -> float:
    """Of the billing intervals that count; 0 where none does."""
    intervals, counts, mean = demand.interval_of_step, demand.counts, import_kw
    if intervals[-1] + 1 < len(hours):  # an interval has several steps
        mean = np.bincount(intervals, hours * import_kw) / np.bincount(intervals, hours)
    if counts is not None:
        mean = mean[np.bincount(intervals, counts) > 0]
    return highest(mean) if mean.size else 0.0


def _reckon_import(problem: SiteProblem, series: Series, grid_import: Floats) -> None:
    """Fill in import and export.

    From the curve and not from the LP: where import costs nothing the LP may fill its segments in
    any order.
    """
    np.add(
        problem.ac_base_kw,
        np.interp(series.rectifier_dc_kw, *problem.rectifier.corners()),
        out=grid_import,
    )
    if problem.cooling is not None:
        grid_import += series["cooling_kw"]
    if problem.genset is not None:
        on = series["genset_on"]
        np.round(on, out=on)
        grid_import += problem.genset_extra_kw * on - series["genset_kw"]
    if problem.export is not None:
        # The meter sees one or the other.
        grid_import -= problem.export.inverter_efficiency * series["inverter_dc_kw"]
        exported = series["grid_export_kw"]
        exported[:] = np.where(grid_import < -_NOISE, -grid_import, 0.0)
        grid_import += exported
    if problem.genset is not None or problem.export is not None:
        # Differences of sums end a rounding error below 0.
        grid_import[(grid_import < 0.0) & (grid_import > -1e-7)] = 0.0


def _reckon_worth(problem: SiteProblem, worth: Floats, recursion: Floats, cap: Floats) -> None:
    """Fill in the rows of MARGINAL_VALUES from the duals of two constraints.

    A kWh more on the right-hand side of a recursion is a kWh given; what it does to the cost is its
    value. Cap and limit are one row: up to the price of breaking the cap, its value is the cap's.
    """
    stored = worth[0]
    stored[:] = recursion[0]
    for of_segment in recursion[1:]:
        np.minimum(stored, of_segment, out=stored)
    np.subtract(0.0, stored, out=stored)
    if not np.count_nonzero(cap):  # as is usual; NaN counts
        worth[1:] = 0.0
        return
    value = np.maximum(0.0, -cap / problem.step_h)  # NaN stays NaN
    soft = problem.cap_kw < problem.import_limit_kw
    of_limit, of_cap = worth[1:]
    of_cap[:] = np.where(soft, np.minimum(value, problem.cap_penalty_per_kwh), 0.0 * value)
    np.subtract(value, of_cap, out=of_limit)


def _add_components(
    problem: SiteProblem, series: Series, cost: dict[str, float], broken: dict[str, float]
) -> None:
    """Add what components and a full charge cost, and what of theirs is broken."""
    hours = problem.step_h
    if problem.export is not None:
        cost["export"] = float(-(hours * problem.export.price_per_kwh) @ series["grid_export_kw"])
    if problem.cooling is not None:
        broken["too_warm_k_h"] = float(
            hours @ np.maximum(0.0, series["room_c"] - problem.cooling.high_c)
        )
        broken["too_cold_k_h"] = float(
            hours @ np.maximum(0.0, problem.cooling.low_c - series["room_c"])
        )
        cost["comfort"] = problem.cooling.discomfort_per_k_h * (
            broken["too_warm_k_h"] + broken["too_cold_k_h"]
        )
    if problem.sleep is not None:
        cost["sleep"] = float(problem.sleep.cost_per_kwh * (hours @ series["sleep_kw"]))
    if problem.genset is not None:
        starts = np.maximum(
            0.0, np.diff(series["genset_on"], prepend=float(problem.genset.running))
        ).sum()
        fuel = problem.genset.fuel_per_kwh * (hours @ series["genset_kw"])
        cost["genset"] = float(fuel + problem.genset.start_cost * starts)
    for b, battery in enumerate(problem.batteries):
        if battery.full_charge is not None:
            stored = float(series.battery_stored_kwh[b, battery.full_charge.by_step])
            short = max(0.0, battery.capacity_kwh - stored)
            broken["full_charge_kwh"] = broken.get("full_charge_kwh", 0.0) + short
            cost["full_charge"] = (
                cost.get("full_charge", 0.0) + battery.full_charge.penalty_per_kwh * short
            )


def _settlements(
    problem: SiteProblem, reduction: Reduction, net_import: Floats
) -> tuple[Settlement, ...]:
    settled = []
    for first, after in problem.reduction_events:
        weights = problem.step_h[first:after]
        hours = float(weights.sum())
        mean_kw = (
            float(weights @ (reduction.baseline_kw[first:after] - net_import[first:after])) / hours
        )
        # A plan that goes for the pay ends at the edge of the band, to within rounding.
        valid = mean_kw >= reduction.valid_low * reduction.bid_kw - 1e-6
        paid_kw = min(max(mean_kw, 0.0), reduction.valid_high * reduction.bid_kw) if valid else 0.0
        owed_kw = max(0.0, reduction.penalty_low * reduction.bid_kw - mean_kw)
        pay, penalty = (
            reduction.price_per_kwh * paid_kw * hours,
            reduction.penalty_per_kwh * owed_kw * hours,
        )
        settled.append(Settlement(first, after, mean_kw, pay, penalty))
    return tuple(settled)


def _ac_shortage(problem: SiteProblem, series: Series) -> tuple[int, float]:
    """AC side beyond the connection while the mains are there: steps with too little, and AC load
    not served, kWh.

    An outage is no shortage of it, and a genset that runs serves what it can.
    """
    over = problem.ac_load_kw - problem.import_limit_kw
    if highest(over) + problem.rectifier.standby_ac_kw <= 0.0:
        return 0, 0.0
    mains = problem.import_limit_kw > 0.0
    beyond = over if problem.genset is None else over - problem.genset.max_kw * series["genset_on"]
    short = np.where(mains, np.maximum(0.0, beyond), 0.0)
    steps = np.count_nonzero(
        mains & (problem.ac_load_kw + problem.rectifier.standby_ac_kw > problem.import_limit_kw)
    )
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
