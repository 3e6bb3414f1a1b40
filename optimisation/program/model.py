"""THE program of a site: all the rest of this package feeds it, solves it or checks its plans."""

from __future__ import annotations

from typing import Any

from pyomo.common.gc_manager import PauseGC
from pyomo.core import (
    ConcreteModel,
    Constraint,
    Expression,
    NonNegativeReals,
    Objective,
    RangeSet,
    Var,
    minimize,
)

from optimisation.program.model_billing import add_demand_charge, add_reductions
from optimisation.program.model_components import add_cooling, add_export, add_genset, add_sleep
from optimisation.program.model_storage import add_batteries, add_full_charge, add_reserve
from optimisation.program.numbers import number
from optimisation.program.shape import Shape


def build(shape: Shape) -> ConcreteModel:
    """Build the model of one shape. Every number that changes is a mutable Param; `parameters.py`
    computes them.

    Sets: t steps 0..n-1, e edges 0..n (edge t+1 ends step t), s rectifier segments, (b, k) wear
    segment k of battery b. Powers in kW, energies in kWh, temperatures in degC. A cost Param
    already contains the length of its step and the tie-breaks, so its unit is currency per kW held
    through step t. Import has no variable: it is priced where power is drawn.

    -48 V bus:

        sum_s segment[t,s] + pv[t] + sum_bk discharge[t,b,k] + unserved[t] + sleep[t]
            = dc_load[t] + sum_bk charge[t,b,k] + inverter[t]

    AC side and connection. cap_excess reaches from the soft cap to the hard limit, so one row is
    both; with the mains out, limit, cap and base are 0:

        grid_import[t] = ac_base[t] + sum_s ac_per_dc[s] segment[t,s] + cooling[t] + grid_export[t]
                         - inverter_efficiency inverter[t] + ac_extra[t] genset_on[t] - genset[t]
        grid_import[t] - cap_excess[t] <= import_cap[t],   0 <= cap_excess[t] <= cap_room[t]
        grid_import[t] >= 0   (a row only where an inverter or a genset feeds in)

    Each function adds one part with its variables and rows, and returns its cost, if it has one.
    """
    with PauseGC():
        m = ConcreteModel()
        m.steps = RangeSet(0, shape.n_steps - 1)
        m.edges = RangeSet(0, shape.n_steps)
        costs = [
            _add_supply(m, shape.n_rectifier_segments),
            add_batteries(m, shape),
            add_reserve(m, shape.n_steps),
        ]
        to_be_full = [b for b, battery in enumerate(shape.batteries) if battery.full_charge]
        if to_be_full:
            costs.append(add_full_charge(m, to_be_full))
        if shape.export:
            costs.append(add_export(m, shape.export_pays_more))
        if shape.cooling:
            costs.append(add_cooling(m))
        if shape.sleep:
            costs.append(add_sleep(m))
        if shape.genset:
            costs.append(add_genset(m, shape.export))
        _add_buses(m, shape)
        if shape.metered:
            m.metered = Var(m.steps, within=NonNegativeReals)
            m.meter = Constraint(m.steps, rule=lambda m, t: m.grid_import[t] - m.metered[t] == 0)
        if shape.demand_intervals is not None:
            costs.append(add_demand_charge(m, shape.demand_intervals, metered=shape.metered))
        if shape.n_events:
            costs.append(add_reductions(m, shape.n_events, shape.export))
        m.cost = Objective(sense=minimize, expr=sum(costs))
    return m


def _add_supply(m: ConcreteModel, n_segments: int) -> Any:
    """Rectifier, PV, unserved load, import above the cap.

    segment_cost is the price of import times ac_per_dc; the slopes rise, so the segments fill in
    order. Curtailing PV is free:

        0 <= segment[t,s] <= segment_kw[s],   0 <= pv[t] <= pv_available[t]
        0 <= unserved[t] <= dc_load[t],       0 <= cap_excess[t] <= cap_room[t]
    """
    m.segments = RangeSet(0, n_segments - 1)
    m.segment_cost = number(m.steps, m.segments)
    m.unserved_cost = number(m.steps)
    m.cap_cost = number(m.steps)
    m.dc_load_kw = number(m.steps)
    m.pv_available_kw = number(m.steps)
    m.cap_room_kw = number(m.steps)
    m.segment_kw = number(m.segments)
    m.ac_per_dc = number(m.segments)

    m.segment = Var(m.steps, m.segments, bounds=lambda m, t, s: (0, m.segment_kw[s]))
    m.pv = Var(m.steps, bounds=lambda m, t: (0, m.pv_available_kw[t]))
    m.unserved = Var(m.steps, bounds=lambda m, t: (0, m.dc_load_kw[t]))
    m.cap_excess = Var(m.steps, bounds=lambda m, t: (0, m.cap_room_kw[t]))

    rectifier = sum(m.segment_cost[t, s] * m.segment[t, s] for t in m.steps for s in m.segments)
    return rectifier + sum(
        m.unserved_cost[t] * m.unserved[t] + m.cap_cost[t] * m.cap_excess[t] for t in m.steps
    )


def _add_buses(m: ConcreteModel, shape: Shape) -> None:
    """The two buses and the connection, as in `build`."""
    m.ac_base_kw = number(m.steps)
    m.import_cap_kw = number(m.steps)

    def dc_balance(m: ConcreteModel, t: int) -> Any:
        supply = sum(m.segment[t, s] for s in m.segments) + m.pv[t] + m.unserved[t]
        supply += sum(m.discharge[t, b, k] - m.charge[t, b, k] for b, k in m.cells)
        if shape.sleep:
            supply += m.sleep[t]
        if shape.export:
            supply -= m.inverter[t]
        return supply == m.dc_load_kw[t]

    def grid_import(m: ConcreteModel, t: int) -> Any:
        drawn = sum(m.ac_per_dc[s] * m.segment[t, s] for s in m.segments) + m.ac_base_kw[t]
        if shape.cooling:
            drawn += m.cooling[t]
        if shape.export:
            drawn += m.grid_export[t] - m.inverter_efficiency * m.inverter[t]
        if shape.genset:
            drawn += m.ac_extra_kw[t] * m.genset_on[t] - m.genset[t]
        return drawn

    def cap(m: ConcreteModel, t: int) -> Any:
        return m.grid_import[t] - m.cap_excess[t] <= m.import_cap_kw[t]

    m.dc_balance = Constraint(m.steps, rule=dc_balance)
    m.grid_import = Expression(m.steps, rule=grid_import)
    m.cap = Constraint(m.steps, rule=cap)
    if shape.genset:
        _add_genset_fits(m, shape)
    if shape.export_pays_more:

        def buying(m: ConcreteModel, t: int) -> Any:
            return m.grid_import[t] + m.buy_room_kw[t] * m.sells[t] <= m.buy_most_kw[t]

        m.buying = Constraint(m.steps, rule=buying)
    # A metered import is bounded as a variable.
    if (shape.export or shape.genset) and not shape.metered:
        m.no_backfeed = Constraint(m.steps, rule=lambda m, t: m.grid_import[t] >= 0)


def _add_genset_fits(m: ConcreteModel, shape: Shape) -> None:
    """A genset runs only where its minimum load can be used at the best rectifier efficiency.

    Otherwise what the minimum load leaves over would be burnt in the lossy segments, out of order.
    """

    def genset_fits(m: ConcreteModel, t: int) -> Any:
        taken = m.ac_per_dc[0] * sum(m.segment[t, s] for s in m.segments)
        if shape.cooling:
            taken += m.cooling[t]
        if shape.export:
            taken += m.grid_export[t]
        return (m.genset_min_kw - m.ac_extra_kw[t]) * m.genset_on[t] - taken <= m.ac_base_kw[t]

    m.genset_fits = Constraint(m.steps, rule=genset_fits)
