"""The parts of the model that only some sites have: export, cooling, radio sleep, genset."""

from __future__ import annotations

from typing import Any

from pyomo.core import Binary, ConcreteModel, Constraint, NonNegativeReals, Var

from optimisation.program.numbers import number


def add_export(m: ConcreteModel, pays_more: bool) -> Any:
    """DC power through an inverter to the AC side, and from there to the grid.

    The meter nets both directions. Where a kWh exported earns more than a kWh imported costs
    (`pays_more`: in some step), a program without whole numbers would import and export at once. So
    in such a step the site either sells or buys, with buy_room = buy_most and export_free = 0. In
    all other steps buy_room is 0 and export_free the limit, so that the rows never bind:

        grid_export[t] <= export_limit[t] sells[t] + export_free[t]
        grid_import[t] <= buy_most[t] - buy_room[t] sells[t]

    buy_most is above the import limit, so that the marginal value of the limit is found in the row
    `cap` alone. The second row is added with the buses.
    """
    m.inverter_cost = number(m.steps)
    m.export_cost = number(m.steps)
    m.inverter_kw = number(m.steps)
    m.export_limit_kw = number(m.steps)
    m.inverter_efficiency = number()
    m.inverter = Var(m.steps, bounds=lambda m, t: (0, m.inverter_kw[t]))
    m.grid_export = Var(m.steps, bounds=lambda m, t: (0, m.export_limit_kw[t]))
    if pays_more:
        m.export_free_kw = number(m.steps)
        m.buy_room_kw = number(m.steps)
        m.buy_most_kw = number(m.steps)
        m.sells = Var(m.steps, within=Binary)

        def selling(m: ConcreteModel, t: int) -> Any:
            return m.grid_export[t] - m.export_limit_kw[t] * m.sells[t] <= m.export_free_kw[t]

        m.selling = Constraint(m.steps, rule=selling)
    return sum(
        m.inverter_cost[t] * m.inverter[t] + m.export_cost[t] * m.grid_export[t] for t in m.steps
    )


def add_cooling(m: ConcreteModel) -> Any:
    """Air conditioner and room: one thermal mass with one loss, exact for power constant over a
    step.

    With C kWh/K and UA kW/K, room_kept = exp(-UA step_h / C); room_drift and cooling_k_per_kw
    follow from the exact solution of C dT/dt = UA (outdoor - T) + heat - cop x cooling. The band is
    soft:

        room[t+1] = room_kept[t] room[t] + room_drift[t] - cooling_k_per_kw[t] cooling[t]
        room_low - too_cold[t] <= room[t+1] <= room_high + too_warm[t]
    """
    m.cooling_cost = number(m.steps)
    m.comfort_cost = number(m.steps)
    m.cooling_max_kw = number()
    m.room_kept = number(m.steps)
    m.room_drift_c = number(m.steps)
    m.cooling_k_per_kw = number(m.steps)
    m.room_now_c = number()
    m.room_low_c = number()
    m.room_high_c = number()

    def room_bounds(m: ConcreteModel, e: int) -> Any:
        return (m.room_now_c, m.room_now_c) if e == 0 else (None, None)

    m.cooling = Var(m.steps, bounds=lambda m, t: (0, m.cooling_max_kw))
    m.room = Var(m.edges, bounds=room_bounds)
    m.too_warm = Var(m.steps, within=NonNegativeReals)
    m.too_cold = Var(m.steps, within=NonNegativeReals)

    def warmth(m: ConcreteModel, t: int) -> Any:
        kept = m.room_kept[t] * m.room[t]
        return m.room[t + 1] - kept + m.cooling_k_per_kw[t] * m.cooling[t] == m.room_drift_c[t]

    def warmest(m: ConcreteModel, t: int) -> Any:
        return m.room[t + 1] - m.too_warm[t] <= m.room_high_c

    def coldest(m: ConcreteModel, t: int) -> Any:
        return m.room[t + 1] + m.too_cold[t] >= m.room_low_c

    m.warmth = Constraint(m.steps, rule=warmth)
    m.warmest = Constraint(m.steps, rule=warmest)
    m.coldest = Constraint(m.steps, rule=coldest)
    return sum(
        m.cooling_cost[t] * m.cooling[t] + m.comfort_cost[t] * (m.too_warm[t] + m.too_cold[t])
        for t in m.steps
    )


def add_sleep(m: ConcreteModel) -> Any:
    """DC load of radio layers that sleep, at a price:

    0 <= sleep[t] <= sleep_available[t],   sleep[t] + unserved[t] <= dc_load[t]
    """
    m.sleep_cost = number(m.steps)
    m.sleep_available_kw = number(m.steps)
    m.sleep = Var(m.steps, bounds=lambda m, t: (0, m.sleep_available_kw[t]))
    m.awake = Constraint(m.steps, rule=lambda m, t: m.sleep[t] + m.unserved[t] <= m.dc_load_kw[t])
    return sum(m.sleep_cost[t] * m.sleep[t] for t in m.steps)


def add_genset(m: ConcreteModel, export: bool) -> Any:
    """A generator that is off, or runs between its limits.

    While it runs it carries the site: the AC load that the grid does not serve is added, the
    batteries rest unless the load is more than the genset can carry (battery_rest), and nothing
    goes back through the inverter. Otherwise energy would be burnt in the losses to reach the
    minimum load:

        genset_min genset_on[t] <= genset[t] <= genset_max genset_on[t]
        genset_on[t] <= genset_available[t]
        genset_start[t] >= genset_on[t] - genset_on[t-1],   genset_on[-1] = genset_now
        sum_bk discharge[t,b,k] + battery_rest[t] genset_on[t] <= discharge_total
        inverter[t] + inverter_kw[t] genset_on[t] <= inverter_kw[t]

    Added with the buses:

        (genset_min - ac_extra[t]) genset_on[t]
            <= ac_base[t] + ac_per_dc[0] sum_s segment[t,s] + cooling[t] + grid_export[t]
    """
    m.genset_cost = number(m.steps)
    m.genset_on_cost = number(m.steps)
    m.genset_start_cost = number()
    m.genset_min_kw = number()
    m.genset_max_kw = number()
    m.genset_available = number(m.steps)
    m.genset_now = number()
    m.ac_extra_kw = number(m.steps)
    m.battery_rest_kw = number(m.steps)
    m.discharge_total_kw = number()
    m.genset = Var(m.steps, within=NonNegativeReals)
    m.genset_on = Var(m.steps, within=Binary)
    m.genset_start = Var(m.steps, within=NonNegativeReals)
    on = m.genset_on

    def starts(m: ConcreteModel, t: int) -> Any:
        if t == 0:
            return m.genset_start[t] - on[t] >= -m.genset_now
        return m.genset_start[t] - on[t] + on[t - 1] >= 0

    def most(m: ConcreteModel, t: int) -> Any:
        return m.genset[t] - m.genset_max_kw * on[t] <= 0

    def least(m: ConcreteModel, t: int) -> Any:
        return m.genset[t] - m.genset_min_kw * on[t] >= 0

    def allowed(m: ConcreteModel, t: int) -> Any:
        return on[t] <= m.genset_available[t]

    def batteries_rest(m: ConcreteModel, t: int) -> Any:
        discharge = sum(m.discharge[t, b, k] for b, k in m.cells)
        return discharge + m.battery_rest_kw[t] * on[t] <= m.discharge_total_kw

    def inverter_rests(m: ConcreteModel, t: int) -> Any:
        return m.inverter[t] + m.inverter_kw[t] * on[t] <= m.inverter_kw[t]

    m.genset_starts = Constraint(m.steps, rule=starts)
    m.genset_most = Constraint(m.steps, rule=most)
    m.genset_least = Constraint(m.steps, rule=least)
    m.genset_allowed = Constraint(m.steps, rule=allowed)
    m.genset_rest = Constraint(m.steps, rule=batteries_rest)
    if export:
        m.inverter_rest = Constraint(m.steps, rule=inverter_rests)
    return sum(
        m.genset_cost[t] * m.genset[t]
        + m.genset_on_cost[t] * on[t]
        + m.genset_start_cost * m.genset_start[t]
        for t in m.steps
    )
