"""The part of the model that stores energy: batteries, the backup reserve, a full charge."""

from __future__ import annotations

from typing import Any

from pyomo.core import ConcreteModel, Constraint, NonNegativeReals, Set, Var

from optimisation.program.numbers import number
from optimisation.program.shape import Shape


def add_batteries(m: ConcreteModel, shape: Shape) -> Any:
    """Wear segments with a state each, and the power that the chemistry accepts.

    Deeper segments wear more expensively, so the program empties and fills the shallow ones first
    without binaries (Xu, Zhao, Zheng, Litvinov, Kirschen, IEEE Trans. Power Systems 33(2), 2018).
    With stored_per_charge = step_h x charge efficiency, stored_per_discharge = step_h / discharge
    efficiency, and c the cuts of the acceptance table:

        stored[t+1,b,k] = stored[t,b,k] + stored_per_charge[t,b] charge[t,b,k]
                          - stored_per_discharge[t,b] discharge[t,b,k]
        0 <= stored[e,b,k] <= width[b],   stored[0,b,k] = stored_now[b,k]
        sum_k charge[t,b,k] <= cut_kw[b,c] + cut_kw_per_kwh[b,c] sum_k stored[t,b,k]
        sum_k charge[t,b,k] <= max_charge[b],   sum_k discharge[t,b,k] <= max_discharge[b]
    """
    batteries = range(len(shape.batteries))
    segments = [range(battery.n_segments) for battery in shape.batteries]
    m.batteries = Set(initialize=list(batteries))
    m.cells = Set(dimen=2, initialize=[(b, k) for b in batteries for k in segments[b]])
    m.charge_cost = number(m.steps, m.batteries)
    m.discharge_cost = number(m.steps, m.cells)
    m.stored_per_charge = number(m.steps, m.batteries)
    m.stored_per_discharge = number(m.steps, m.batteries)
    m.stored_now_kwh = number(m.cells)
    m.width_kwh = number(m.batteries)
    m.max_charge_kw = number(m.batteries)
    m.max_discharge_kw = number(m.batteries)

    def stored_bounds(m: ConcreteModel, e: int, b: int, k: int) -> Any:
        if e == 0:
            return (m.stored_now_kwh[b, k], m.stored_now_kwh[b, k])
        return (0, m.width_kwh[b])

    m.stored = Var(m.edges, m.cells, bounds=stored_bounds)
    m.charge = Var(m.steps, m.cells, bounds=lambda m, t, b, k: (0, m.max_charge_kw[b]))
    m.discharge = Var(m.steps, m.cells, bounds=lambda m, t, b, k: (0, m.max_discharge_kw[b]))

    def recursion(m: ConcreteModel, t: int, b: int, k: int) -> Any:
        gain = (
            m.stored_per_charge[t, b] * m.charge[t, b, k]
            - m.stored_per_discharge[t, b] * m.discharge[t, b, k]
        )
        return m.stored[t + 1, b, k] - m.stored[t, b, k] - gain == 0

    m.recursion = Constraint(m.steps, m.cells, rule=recursion)
    _add_acceptance(m, shape)
    # With one segment the bounds of its variables are the limits of the battery.
    several = [b for b in batteries if len(segments[b]) > 1]
    if several:

        def charge_limit(m: ConcreteModel, t: int, b: int) -> Any:
            return sum(m.charge[t, b, k] for k in segments[b]) <= m.max_charge_kw[b]

        def discharge_limit(m: ConcreteModel, t: int, b: int) -> Any:
            return sum(m.discharge[t, b, k] for k in segments[b]) <= m.max_discharge_kw[b]

        m.charge_limit = Constraint(m.steps, several, rule=charge_limit)
        m.discharge_limit = Constraint(m.steps, several, rule=discharge_limit)

    return sum(
        m.charge_cost[t, b] * m.charge[t, b, k] + m.discharge_cost[t, b, k] * m.discharge[t, b, k]
        for t in m.steps
        for b, k in m.cells
    )


def _add_acceptance(m: ConcreteModel, shape: Shape) -> None:
    cuts = [(b, c) for b, battery in enumerate(shape.batteries) for c in range(battery.n_cuts)]
    if not cuts:
        return
    m.cuts = Set(dimen=2, initialize=cuts)
    m.cut_kw = number(m.cuts)
    m.cut_kw_per_kwh = number(m.cuts)

    def acceptance(m: ConcreteModel, t: int, b: int, c: int) -> Any:
        taken = sum(
            m.charge[t, b, k] - m.cut_kw_per_kwh[b, c] * m.stored[t, b, k]
            for k in range(shape.batteries[b].n_segments)
        )
        return taken <= m.cut_kw[b, c]

    m.acceptance = Constraint(m.steps, m.cuts, rule=acceptance)


def add_reserve(m: ConcreteModel, n_steps: int) -> Any:
    """Energy held back for backup, and what is left at the end, in all batteries together.

    The reserve is a priced soft limit, so any measured SoC has a plan. A shortage costs by kWh and
    hour, so it is made up as soon as possible:

        sum_bk stored[t+1,b,k] + reserve_short[t] >= reserve[t]
    """
    m.reserve_kwh = number(m.steps)
    m.reserve_cost = number(m.steps)
    m.terminal_value = number()
    m.reserve_short = Var(m.steps, within=NonNegativeReals)

    def reserve(m: ConcreteModel, t: int) -> Any:
        stored = sum(m.stored[t + 1, b, k] for b, k in m.cells)
        return stored + m.reserve_short[t] >= m.reserve_kwh[t]

    m.reserve = Constraint(m.steps, rule=reserve)
    left = sum(m.stored[n_steps, b, k] for b, k in m.cells)
    return sum(m.reserve_cost[t] * m.reserve_short[t] for t in m.steps) - m.terminal_value * left


def add_full_charge(m: ConcreteModel, batteries: list[int]) -> Any:
    """These batteries are to be full at the end of one step.

    full is the capacity at that step and 0 in all others; there is a row for every step, so that
    the step may move without a change of the matrix:

        sum_k stored[t+1,b,k] + full_short[b] >= full[t,b]
    """
    m.full = Set(initialize=batteries)
    m.full_kwh = number(m.steps, m.full)
    m.full_cost = number(m.full)
    m.full_short = Var(m.full, within=NonNegativeReals)

    def full_charge(m: ConcreteModel, t: int, b: int) -> Any:
        stored = sum(m.stored[t + 1, i, k] for i, k in m.cells if i == b)
        return stored + m.full_short[b] >= m.full_kwh[t, b]

    m.full_charge = Constraint(m.steps, m.full, rule=full_charge)
    return sum(m.full_cost[b] * m.full_short[b] for b in m.full)
