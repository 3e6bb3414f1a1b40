"""The parts of the model that are billed over several steps: demand charge and paid reductions."""

from __future__ import annotations

from typing import Any

from pyomo.core import ConcreteModel, Constraint, NonNegativeReals, RangeSet, Reals, Var

from optimisation.program.numbers import number


def add_demand_charge(
    m: ConcreteModel, steps_of_interval: tuple[int, ...], *, metered: bool
) -> Any:
    """The highest mean import of a billing interval that counts, from the peak so far.

    demand_free is 0 where interval i counts; where it does not, it is the largest import possible,
    so that the row never binds:

        sum_t interval_share[t] grid_import[t] - peak <= demand_free[i]
    """
    m.peak_so_far_kw = number()
    m.demand_cost = number()
    m.intervals = RangeSet(0, len(steps_of_interval) - 1)
    m.demand_free_kw = number(m.intervals)
    m.peak = Var(bounds=(m.peak_so_far_kw, None))
    if metered:
        m.interval_share = number(m.steps)
    interval_of_step = [i for i, steps in enumerate(steps_of_interval) for _ in range(steps)]

    def demand(m: ConcreteModel, i: int) -> Any:
        if metered:
            steps = [t for t in m.steps if interval_of_step[t] == i]
            mean = sum(m.interval_share[t] * m.metered[t] for t in steps)
        else:  # every step is an interval
            mean = m.grid_import[i]
        return mean - m.peak <= m.demand_free_kw[i]

    m.demand = Constraint(m.intervals, rule=demand)
    return m.demand_cost * m.peak


def add_reductions(m: ConcreteModel, n_events: int, export: bool) -> Any:
    """Paid reductions; reduced[v] is the energy in event v below the baseline, kWh.

    event_h[v,t] is step_h within the event and 0 outside:

        reduced[v] = baseline[v] - sum_t event_h[v,t] (metered[t] - grid_export[t])
        over[v] >= reduced[v] - most[v]
        under[v] >= least[v] - reduced[v]
        missing[v] >= owed[v] - reduced[v]

    The pay for `reduced` is part of the price of import. Here it is taken back above the valid
    band, energy below the band is made expensive for a plan that participates, and the penalty is
    added.
    """
    m.events = RangeSet(0, n_events - 1)
    m.event_h = number(m.events, m.steps)
    m.event_baseline_kwh = number(m.events)
    m.event_most_kwh = number(m.events)
    m.event_least_kwh = number(m.events)
    m.event_owed_kwh = number(m.events)
    m.over_cost = number(m.events)
    m.under_cost = number(m.events)
    m.missing_cost = number(m.events)
    m.reduced = Var(m.events, within=Reals)
    m.over = Var(m.events, within=NonNegativeReals)
    m.under = Var(m.events, within=NonNegativeReals)
    m.missing = Var(m.events, within=NonNegativeReals)

    def settle(m: ConcreteModel, v: int) -> Any:
        drawn = sum(m.event_h[v, t] * m.metered[t] for t in m.steps)
        if export:
            drawn -= sum(m.event_h[v, t] * m.grid_export[t] for t in m.steps)
        return m.reduced[v] + drawn == m.event_baseline_kwh[v]

    def over(m: ConcreteModel, v: int) -> Any:
        return m.reduced[v] - m.over[v] <= m.event_most_kwh[v]

    def under(m: ConcreteModel, v: int) -> Any:
        return m.reduced[v] + m.under[v] >= m.event_least_kwh[v]

    def owed(m: ConcreteModel, v: int) -> Any:
        return m.reduced[v] + m.missing[v] >= m.event_owed_kwh[v]

    m.settle = Constraint(m.events, rule=settle)
    m.band_over = Constraint(m.events, rule=over)
    m.band_under = Constraint(m.events, rule=under)
    m.band_owed = Constraint(m.events, rule=owed)
    return sum(
        m.over_cost[v] * m.over[v] + m.under_cost[v] * m.under[v] + m.missing_cost[v] * m.missing[v]
        for v in m.events
    )
