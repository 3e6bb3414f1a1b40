"""THE linear program of a site. Everything else in this package feeds it, solves it or checks what came out."""

from __future__ import annotations

from pyomo.common.gc_manager import PauseGC
from pyomo.core import ConcreteModel, Constraint, NonNegativeReals, Objective, Param, RangeSet, Reals, Var, minimize


def build(n_steps: int, n_rectifier_segments: int, n_cuts: int) -> ConcreteModel:
    """Build the model of one shape. Every number that changes is a mutable Param; `parameters.py` fills them.

    Sets: t steps 0..n-1, s rectifier segments, c acceptance cuts. Powers kW, energies kWh; a cost Param already holds
    the length of its step, so it is currency per kW (or per kWh short) held through step t.

    Battery, stored[0] = now, stored[t+1] = end of step t (kWh), a+ = step_h x charge efficiency, a- = step_h /
    discharge efficiency (kWh stored per kW at the bus):

        stored[t+1] = stored[t] + a+[t] charge[t] - a-[t] discharge[t],      0 <= stored <= capacity
        charge[t] <= cut_kw[c] + cut_kw_per_kwh[c] stored[t]

    -48 V bus and AC side (kW); with no mains the import limit and the base are 0, and so is the rectifier:

        sum_s segment[t,s] + pv[t] + discharge[t] + unserved[t] = dc_load[t] + charge[t]
        grid_import[t] = ac_base[t] + sum_s ac_per_dc[s] segment[t,s],       grid_import[t] <= import_limit[t]

    Preferences are priced, so any measured SoC has a plan. The shortage costs by kWh and hour, so it is best made up at
    once; PV may be curtailed at no cost:

        stored[t+1] + reserve_short[t] >= reserve[t],     grid_import[t] - cap_excess[t] <= import_cap[t]

    Cost (currency), no equality and no bound on the energy left at the end, only its price:

        sum_t energy_cost grid_import + charge_cost charge + discharge_cost discharge + sum_s segment_cost segment
            + reserve_cost reserve_short + cap_cost cap_excess + unserved_cost unserved  -  terminal_value stored[n]
    """
    with PauseGC():
        return _build(n_steps, n_rectifier_segments, n_cuts)


def _build(n_steps: int, n_segments: int, n_cuts: int) -> ConcreteModel:
    m = ConcreteModel()
    m.steps = RangeSet(0, n_steps - 1)
    m.edges = RangeSet(0, n_steps)
    m.segments = RangeSet(0, n_segments - 1)
    m.cuts = RangeSet(0, n_cuts - 1)

    def number(*index: RangeSet) -> Param:
        return Param(*index, mutable=True, within=Reals, initialize=1.0)

    m.energy_cost, m.charge_cost, m.discharge_cost = number(m.steps), number(m.steps), number(m.steps)
    m.reserve_cost, m.cap_cost, m.unserved_cost = number(m.steps), number(m.steps), number(m.steps)
    m.segment_cost = number(m.steps, m.segments)
    m.terminal_value = number()
    m.dc_load_kw, m.ac_base_kw, m.pv_available_kw = number(m.steps), number(m.steps), number(m.steps)
    m.import_limit_kw, m.import_cap_kw, m.reserve_kwh = number(m.steps), number(m.steps), number(m.steps)
    m.stored_per_charge, m.stored_per_discharge = number(m.steps), number(m.steps)
    m.stored_now_kwh, m.capacity_kwh, m.max_charge_kw, m.max_discharge_kw = number(), number(), number(), number()
    m.segment_kw, m.ac_per_dc = number(m.segments), number(m.segments)
    m.cut_kw, m.cut_kw_per_kwh = number(m.cuts), number(m.cuts)

    m.grid_import = Var(m.steps, bounds=lambda m, t: (0, m.import_limit_kw[t]))
    m.segment = Var(m.steps, m.segments, bounds=lambda m, t, s: (0, m.segment_kw[s]))
    m.pv = Var(m.steps, bounds=lambda m, t: (0, m.pv_available_kw[t]))
    m.charge = Var(m.steps, bounds=lambda m, t: (0, m.max_charge_kw))
    m.discharge = Var(m.steps, bounds=lambda m, t: (0, m.max_discharge_kw))
    m.unserved = Var(m.steps, bounds=lambda m, t: (0, m.dc_load_kw[t]))
    m.stored = Var(m.edges, bounds=lambda m, e: (0, m.capacity_kwh) if e else (m.stored_now_kwh, m.stored_now_kwh))
    m.reserve_short = Var(m.steps, within=NonNegativeReals)
    m.cap_excess = Var(m.steps, within=NonNegativeReals)

    @m.Constraint(m.steps)  # type: ignore[untyped-decorator]
    def recursion(m: ConcreteModel, t: int) -> Constraint:
        gain = m.stored_per_charge[t] * m.charge[t] - m.stored_per_discharge[t] * m.discharge[t]
        return m.stored[t + 1] - m.stored[t] - gain == 0

    @m.Constraint(m.steps, m.cuts)  # type: ignore[untyped-decorator]
    def acceptance(m: ConcreteModel, t: int, c: int) -> Constraint:
        return m.charge[t] - m.cut_kw_per_kwh[c] * m.stored[t] <= m.cut_kw[c]

    @m.Constraint(m.steps)  # type: ignore[untyped-decorator]
    def dc_balance(m: ConcreteModel, t: int) -> Constraint:
        rectifier = sum(m.segment[t, s] for s in m.segments)
        return rectifier + m.pv[t] + m.discharge[t] + m.unserved[t] - m.charge[t] == m.dc_load_kw[t]

    @m.Constraint(m.steps)  # type: ignore[untyped-decorator]
    def ac_balance(m: ConcreteModel, t: int) -> Constraint:
        conversion = sum(m.ac_per_dc[s] * m.segment[t, s] for s in m.segments)
        return m.grid_import[t] - conversion == m.ac_base_kw[t]

    @m.Constraint(m.steps)  # type: ignore[untyped-decorator]
    def reserve(m: ConcreteModel, t: int) -> Constraint:
        return m.stored[t + 1] + m.reserve_short[t] >= m.reserve_kwh[t]

    @m.Constraint(m.steps)  # type: ignore[untyped-decorator]
    def cap(m: ConcreteModel, t: int) -> Constraint:
        return m.grid_import[t] - m.cap_excess[t] <= m.import_cap_kw[t]

    m.cost = Objective(
        sense=minimize,
        expr=sum(
            m.energy_cost[t] * m.grid_import[t]
            + m.charge_cost[t] * m.charge[t]
            + m.discharge_cost[t] * m.discharge[t]
            + sum(m.segment_cost[t, s] * m.segment[t, s] for s in m.segments)
            + m.reserve_cost[t] * m.reserve_short[t]
            + m.cap_cost[t] * m.cap_excess[t]
            + m.unserved_cost[t] * m.unserved[t]
            for t in m.steps
        )
        - m.terminal_value * m.stored[n_steps],
    )
    return m
