"""From the columns of a solution to the series of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats
from optimisation.plan.plan import Plan
from optimisation.plan.remark import Remark, remark
from optimisation.plan.series import COMPONENT_SERIES, MARGINAL_VALUES, Series, rows_of
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.compiled import CompiledLP
from optimisation.program.shape import Shape
from optimisation.solving.costing import Costing, cost_plan
from optimisation.solving.engine import Outcome

_NOISE = 1e-9
"""kW or kWh: the feasibility tolerance of the solver. Smaller numbers are rounding, and a battery
at rest must not get a direction from it.
"""

_ONE_COLUMN = {
    "pv": "pv_kw",
    "unserved": "unserved_kw",
    "inverter": "inverter_dc_kw",
    "cooling": "cooling_kw",
    "sleep": "sleep_kw",
    "genset": "genset_kw",
    "genset_on": "genset_on",
}
"""Variables of the model that are one series each."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the series of a plan are in the columns of one model.

    The rows `summed` of the plan's block are sums of columns: block[summed] = sums x[gathered].
    """

    rows: Mapping[str, slice]
    """Rows of each series in the plan's block."""
    summed: slice
    gathered: npt.NDArray[np.intp]
    """Columns of the model, shape (gathered, n)."""
    sums: Floats
    """Which of them make up a row, shape (summed rows, gathered)."""
    recursion: npt.NDArray[np.intp]
    """Rows of the model whose duals give the value of stored energy, shape (segments, n)."""
    cap: slice
    """Rows of the model whose duals give the value of import."""
    room: slice
    """Columns of the room's temperature at the edges; empty where it is not modelled."""


def layout_of(shape: Shape, compiled: CompiledLP) -> Layout:
    """Lay out the plans of a shape, once for all its problems."""
    n = shape.n_steps
    n_segments = [battery.n_segments for battery in shape.batteries]
    components = tuple([name for name in COMPONENT_SERIES if getattr(shape, name)])
    rows = rows_of(len(n_segments), sum(n_segments), components)
    of_battery = np.eye(len(n_segments))[np.repeat(np.arange(len(n_segments)), n_segments)].T
    of_segment, total = np.eye(sum(n_segments)), np.ones((1, sum(n_segments)))

    # For each variable, the series that are sums of its columns in a step.
    series_of: dict[str, dict[str, Floats]] = {
        "segment": {"rectifier_dc_kw": np.ones((1, shape.n_rectifier_segments))},
        "charge": {
            "charge_kw": total,
            "battery_charge_kw": of_battery,
            "segment_charge_kw": of_segment,
        },
        "discharge": {
            "discharge_kw": total,
            "battery_discharge_kw": of_battery,
            "segment_discharge_kw": of_segment,
        },
        "stored": {"stored_kwh": total, "battery_stored_kwh": of_battery},
    }
    for variable, name in _ONE_COLUMN.items():
        if name in rows:
            series_of[variable] = {name: np.ones((1, 1))}

    named = [rows[name] for series in series_of.values() for name in series]
    summed = slice(min(part.start for part in named), max(part.stop for part in named))
    gathered, sums = [], []
    for variable, series in series_of.items():
        columns = np.arange(compiled.n_columns)[compiled.columns[variable]]
        if variable == "stored":
            columns = columns[sum(n_segments) :]  # without the first edge, which is measured
        by_step = columns.reshape(n, -1).T
        part = np.zeros((summed.stop - summed.start, len(by_step)))
        for name, coefficients in series.items():
            part[rows[name].start - summed.start : rows[name].stop - summed.start] = coefficients
        gathered.append(by_step)
        sums.append(part)
    return Layout(
        rows=rows,
        summed=summed,
        gathered=np.concatenate(gathered),
        sums=np.concatenate(sums, axis=1),
        recursion=np.arange(compiled.n_rows)[compiled.rows["recursion"]].reshape(n, -1).T,
        cap=compiled.rows["cap"],
        room=compiled.columns.get("room", slice(0, 0)),
    )


def read_plan(problem: SiteProblem, layout: Layout, outcome: Outcome) -> Plan:
    """Return the plan that `outcome`, which has a solution, holds for `problem`."""
    rows = layout.rows
    values = rows[MARGINAL_VALUES[0]].start
    block = np.empty((values + len(MARGINAL_VALUES), problem.n_steps))
    x = outcome.x[layout.gathered]
    np.putmask(x, x <= _NOISE, 0.0)  # NaN stays, so that the checker finds it
    layout.sums.dot(x, out=block[layout.summed])
    series = Series(block, rows)
    _fill_import_and_export(problem, series)
    grid_import = series.grid_import_kw
    np.maximum(0.0, problem.reserve_kwh - series.stored_kwh, out=series.reserve_short_kwh)
    np.maximum(0.0, grid_import - problem.cap_kw, out=series.cap_excess_kw)
    if problem.cooling is not None:
        series["room_c"][:] = outcome.x[layout.room][1:]
    in_segments = segment_values(layout, outcome)
    _fill_marginal_values(problem, block[values:], in_segments, outcome.row_dual[layout.cap])
    block.setflags(write=False)

    costing = cost_plan(problem, series)
    return Plan(
        status=outcome.status,
        remarks=_remarks(problem, outcome, costing),
        objective=sum(costing.cost_by_term.values()),
        cost_by_term=costing.cost_by_term,
        soft_limits=costing.soft_limits,
        block=block,
        rows=rows,
        segment_value_per_kwh=in_segments,
        demand_peak_kw=costing.demand_peak_kw,
        settlements=costing.settlements,
        solve_s=outcome.solve_s,
    )


def segment_values(layout: Layout, outcome: Outcome) -> Floats:
    """What the cost falls by with a kWh more in a wear segment at the end of a step, shape
    (segments, n): a kWh more on the right-hand side of the recursion is given for free.
    """
    values: Floats = np.subtract(0.0, outcome.row_dual[layout.recursion])
    return values


def _fill_import_and_export(problem: SiteProblem, series: Series) -> None:
    """Compute import and export from the rectifier's curve.

    Not from the LP: where import costs nothing, the LP may fill the segments in any order.
    """
    grid_import = series.grid_import_kw
    conversion_kw = np.interp(series.rectifier_dc_kw, *problem.rectifier.corners())
    np.add(problem.ac_base_kw, conversion_kw, out=grid_import)
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
        # A difference of sums may be below 0 by rounding.
        grid_import[(grid_import < 0.0) & (grid_import > -1e-7)] = 0.0


def _fill_marginal_values(
    problem: SiteProblem, values: Floats, in_segments: Floats, of_cap: Floats
) -> None:
    """Compute the rows of MARGINAL_VALUES from the values by segment and the duals of the cap.

    Soft cap and hard limit are one row of the model: up to the price of
    breaking the cap its value belongs to the cap, and above it to the limit.
    """
    stored, limit, cap = values
    np.maximum.reduce(in_segments, out=stored)
    if not np.count_nonzero(of_cap):  # the usual case; NaN counts as not zero
        limit[:] = cap[:] = 0.0
        return
    value = np.maximum(0.0, -of_cap / problem.step_h)  # NaN stays NaN
    soft = problem.cap_kw < problem.import_limit_kw
    cap[:] = np.where(soft, np.minimum(value, problem.cap_penalty_per_kwh), 0.0 * value)
    np.subtract(value, cap, out=limit)


def _remarks(problem: SiteProblem, outcome: Outcome, costing: Costing) -> tuple[Remark, ...]:
    """What a reader of the plan should know: how the solver ended, and what could not be met."""
    remarks = list(outcome.remarks)
    for b, battery in enumerate(problem.batteries):
        if battery.stored_kwh > battery.capacity_kwh:
            soc = battery.stored_kwh / battery.capacity_kwh
            remarks.append(remark("counted-as-full", battery=b, soc=soc))
    if costing.ac_short_steps:
        remarks.append(remark("ac-side-alone", steps=costing.ac_short_steps))
    return tuple(remarks)
