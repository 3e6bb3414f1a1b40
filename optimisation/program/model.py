"""THE program of a site. Everything else in this package feeds it, solves it or checks what came
out.
"""

from __future__ import annotations

from typing import Any

from pyomo.common.gc_manager import PauseGC
from pyomo.core import (
    Binary,
    ConcreteModel,
    Constraint,
    Expression,
    NonNegativeReals,
    Objective,
    Param,
    RangeSet,
    Reals,
    Set,
    Var,
    minimize,
)

from optimisation.program.shape import Shape


def build(shape: Shape) -> ConcreteModel:
    """Build the model of one shape. Every number that changes is a mutable Param; `parameters.py`
    fills them.

    Sets: t steps 0..n-1, e edges 0..n (edge t+1 ends step t), s rectifier segments, (b, k) wear
    segment k of battery b. Powers kW, energies kWh, temperatures degC. A cost Param already holds
    the length of its step, so it is currency per kW held through step t, and the tie-breaks. Import
    has no variable: it is priced where it is drawn.

    -48 V bus:

        sum_s segment[t,s] + pv[t] + sum_bk discharge[t,b,k] + unserved[t] + sleep[t]
            = dc_load[t] + sum_bk charge[t,b,k] + inverter[t]

    AC side and connection; cap_excess has the room between the soft cap and the hard limit, so one
    row is both; with the mains out limit, cap and base are 0. Import is 0 or more by itself unless
    an inverter or a genset feeds in:

        grid_import[t] = ac_base[t] + sum_s ac_per_dc[s] segment[t,s] + cooling[t]
                         + grid_export[t] - inverter_efficiency inverter[t] + ac_extra[t] genset_on[t] - genset[t]
        grid_import[t] - cap_excess[t] <= import_cap[t],     0 <= cap_excess[t] <= cap_room[t],     grid_import[t] >= 0

    Each function below adds a part with its variables and rows, and returns its cost, if it has
    one.
    """
    with PauseGC():
        m = ConcreteModel()
        m.steps = RangeSet(0, shape.n_steps - 1)
        m.edges = RangeSet(0, shape.n_steps)
        costs = [
            _supply(m, shape.n_rectifier_segments),
            _batteries(m, shape),
            _reserve(m, shape.n_steps),
        ]
        if any(battery.full_charge for battery in shape.batteries):
            costs.append(
                _full_charge(
                    m, [b for b, battery in enumerate(shape.batteries) if battery.full_charge]
                )
            )
        if shape.export:
            costs.append(_export(m, shape.dear_export))
        if shape.cooling:
            costs.append(_cooling(m))
        if shape.sleep:
            costs.append(_sleep(m))
        if shape.genset:
            costs.append(_genset(m, shape.export))
        _buses(m, shape)
        if shape.metered:
            m.metered = Var(m.steps, within=NonNegativeReals)
            m.meter = Constraint(m.steps, rule=lambda m, t: m.grid_import[t] - m.metered[t] == 0)
        if shape.demand_intervals is not None:
            costs.append(_demand(m, shape))
        if shape.n_events:
            costs.append(_reduction(m, shape))
        m.cost = Objective(sense=minimize, expr=sum(costs))
    return m


def _number(*index: Any) -> Param:
    return Param(*index, mutable=True, within=Reals, initialize=1.0)


def _supply(m: ConcreteModel, n_segments: int) -> Any:
    """Rectifier, sun, load, import above the cap.

    segment_cost is the price of import times ac_per_dc; the slopes rise, so s fill in order.

        0 <= segment[t,s] <= segment_kw[s],   0 <= pv[t] <= pv_available[t] (curtailing is free)
        0 <= unserved[t] <= dc_load[t],       0 <= cap_excess[t] <= cap_room[t]
    """
    m.segments = RangeSet(0, n_segments - 1)
    m.segment_cost, m.unserved_cost, m.cap_cost = (
        _number(m.steps, m.segments),
        _number(m.steps),
        _number(m.steps),
    )
    m.dc_load_kw, m.pv_available_kw, m.cap_room_kw = (
        _number(m.steps),
        _number(m.steps),
        _number(m.steps),
    )
    m.segment_kw, m.ac_per_dc = _number(m.segments), _number(m.segments)
    m.segment = Var(m.steps, m.segments, bounds=lambda m, t, s: (0, m.segment_kw[s]))
    m.pv = Var(m.steps, bounds=lambda m, t: (0, m.pv_available_kw[t]))
    m.unserved = Var(m.steps, bounds=lambda m, t: (0, m.dc_load_kw[t]))
    m.cap_excess = Var(m.steps, bounds=lambda m, t: (0, m.cap_room_kw[t]))
    rectifier = sum(m.segment_cost[t, s] * m.segment[t, s] for t in m.steps for s in m.segments)
    return rectifier + sum(
        m.unserved_cost[t] * m.unserved[t] + m.cap_cost[t] * m.cap_excess[t] for t in m.steps
    )


def _batteries(m: ConcreteModel, shape: Shape) -> Any:
    """Wear segments with a state each, and what the chemistry takes.

    stored_per_charge = step_h x charge efficiency, stored_per_discharge = step_h / discharge
    efficiency. Deeper segments wear dearer, so the program empties and fills the shallow ones first
    without binaries (Xu, Zhao, Zheng, Litvinov, Kirschen, IEEE Trans. Power Systems 33(2), 2018):

        stored[t+1,b,k] = stored[t,b,k] + stored_per_charge[t,b] charge[t,b,k]
                          - stored_per_discharge[t,b] discharge[t,b,k],   0 <= stored <= width[b],   stored[0] = now
        sum_k charge[t,b,k] <= cut_kw[b,c] + cut_kw_per_kwh[b,c] sum_k stored[t,b,k]     (c: cuts of the acceptance)
        sum_k charge[t,b,k] <= max_charge[b],   sum_k discharge[t,b,k] <= max_discharge[b]
    """
    batteries = range(len(shape.batteries))
    segments = [range(battery.n_segments) for battery in shape.batteries]
    m.batteries = Set(initialize=list(batteries))
    m.cells = Set(dimen=2, initialize=[(b, k) for b in batteries for k in segments[b]])
    m.charge_cost, m.discharge_cost = _number(m.steps, m.batteries), _number(m.steps, m.cells)
    m.stored_per_charge, m.stored_per_discharge = (
        _number(m.steps, m.batteries),
        _number(m.steps, m.batteries),
    )
    m.stored_now_kwh, m.width_kwh = _number(m.cells), _number(m.batteries)
    m.max_charge_kw, m.max_discharge_kw = _number(m.batteries), _number(m.batteries)

    def stored_bounds(m: ConcreteModel, e: int, b: int, k: int) -> Any:
        return (0, m.width_kwh[b]) if e else (m.stored_now_kwh[b, k], m.stored_now_kwh[b, k])

    # First what is stored, so that what differs from plan to plan lies together and goes to the
    # solver in one piece.
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

    cuts = [(b, c) for b, battery in enumerate(shape.batteries) for c in range(battery.n_cuts)]
    if cuts:
        m.cuts = Set(dimen=2, initialize=cuts)
        m.cut_kw, m.cut_kw_per_kwh = _number(m.cuts), _number(m.cuts)

        def acceptance(m: ConcreteModel, t: int, b: int, c: int) -> Any:
            taken = sum(
                m.charge[t, b, k] - m.cut_kw_per_kwh[b, c] * m.stored[t, b, k] for k in segments[b]
            )
            return taken <= m.cut_kw[b, c]

        m.acceptance = Constraint(m.steps, m.cuts, rule=acceptance)

    several = [
        b for b in batteries if len(segments[b]) > 1
    ]  # with one segment the bounds of its variables do it
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


def _reserve(m: ConcreteModel, n_steps: int) -> Any:
    """Energy held back, and what is left at the end, in all batteries together.

    The reserve is priced and not demanded, so any measured SoC has a plan; it costs by kWh and
    hour, so a shortage is best made up at once: sum_bk stored[t+1,b,k] + reserve_short[t] >=
    reserve[t]
    """
    m.reserve_kwh, m.reserve_cost, m.terminal_value = _number(m.steps), _number(m.steps), _number()
    m.reserve_short = Var(m.steps, within=NonNegativeReals)

    def reserve(m: ConcreteModel, t: int) -> Any:
        return (
            sum(m.stored[t + 1, b, k] for b, k in m.cells) + m.reserve_short[t] >= m.reserve_kwh[t]
        )

    m.reserve = Constraint(m.steps, rule=reserve)
    left = sum(m.stored[n_steps, b, k] for b, k in m.cells)
    return sum(m.reserve_cost[t] * m.reserve_short[t] for t in m.steps) - m.terminal_value * left


def _full_charge(m: ConcreteModel, asked: list[int]) -> Any:
    """Full at the end of one step: sum_k stored[t+1,b,k] + full_short[b] >= full[t,b], 0 in every
    other step.

    A row for each step, so that the step may move without a change of the matrix.
    """
    m.full = Set(initialize=asked)
    m.full_kwh, m.full_cost = _number(m.steps, m.full), _number(m.full)
    m.full_short = Var(m.full, within=NonNegativeReals)

    def full_charge(m: ConcreteModel, t: int, b: int) -> Any:
        return (
            sum(m.stored[t + 1, i, k] for i, k in m.cells if i == b) + m.full_short[b]
            >= m.full_kwh[t, b]
        )

    m.full_charge = Constraint(m.steps, m.full, rule=full_charge)
    return sum(m.full_cost[b] * m.full_short[b] for b in m.full)


def _export(m: ConcreteModel, dear: bool) -> Any:
    """DC power through an inverter to the AC side, and from there to the grid.

    The meter nets both ways. Where a kWh earns more than it costs, a program without whole numbers
    would buy and sell at once, so a site sells there, or it buys: buy_room is buy_most. Elsewhere
    it is 0, and free is export_limit:

        grid_export[t] <= export_limit[t] sells[t] + free[t],   grid_import[t] <= buy_most[t] -
        buy_room[t] sells[t]

    buy_most is above the import limit, so that what the limit is worth is found in the row `cap`
    and nowhere else.
    """
    m.inverter_cost, m.export_cost = _number(m.steps), _number(m.steps)
    m.inverter_kw, m.export_limit_kw, m.inverter_efficiency = (
        _number(m.steps),
        _number(m.steps),
        _number(),
    )
    m.inverter = Var(m.steps, bounds=lambda m, t: (0, m.inverter_kw[t]))
    m.grid_export = Var(m.steps, bounds=lambda m, t: (0, m.export_limit_kw[t]))
    if dear:
        m.export_free_kw, m.buy_room_kw, m.buy_most_kw = (_number(m.steps) for _ in range(3))
        m.sells = Var(m.steps, within=Binary)
        m.selling = Constraint(
            m.steps,
            rule=lambda m, t: (
                m.grid_export[t] - m.export_limit_kw[t] * m.sells[t] <= m.export_free_kw[t]
            ),
        )
    return sum(
        m.inverter_cost[t] * m.inverter[t] + m.export_cost[t] * m.grid_export[t] for t in m.steps
    )


def _cooling(m: ConcreteModel) -> Any:
    """Air conditioner and room, one thermal mass with one loss, exact for power constant over a
    step.

    With C kWh/K, UA kW/K: room_kept = exp(-UA step_h / C), and cooling_k_per_kw, room_drift from
    the exact solution of C dT/dt = UA (outdoor - T) + heat - cop x cooling. The band is soft:

        room[t+1] = room_kept[t] room[t] + room_drift[t] - cooling_k_per_kw[t] cooling[t]
        room_low - too_cold[t] <= room[t+1] <= room_high + too_warm[t]
    """
    m.cooling_cost, m.comfort_cost, m.cooling_max_kw = _number(m.steps), _number(m.steps), _number()
    m.room_kept, m.room_drift_c, m.cooling_k_per_kw = (
        _number(m.steps),
        _number(m.steps),
        _number(m.steps),
    )
    m.room_now_c, m.room_low_c, m.room_high_c = _number(), _number(), _number()
    m.cooling = Var(m.steps, bounds=lambda m, t: (0, m.cooling_max_kw))
    m.room = Var(m.edges, bounds=lambda m, e: (None, None) if e else (m.room_now_c, m.room_now_c))
    m.too_warm, m.too_cold = (
        Var(m.steps, within=NonNegativeReals),
        Var(m.steps, within=NonNegativeReals),
    )

    def warmth(m: ConcreteModel, t: int) -> Any:
        cooled = m.room[t + 1] - m.room_kept[t] * m.room[t] + m.cooling_k_per_kw[t] * m.cooling[t]
        return cooled == m.room_drift_c[t]

    m.warmth = Constraint(m.steps, rule=warmth)
    m.warmest = Constraint(
        m.steps, rule=lambda m, t: m.room[t + 1] - m.too_warm[t] <= m.room_high_c
    )
    m.coldest = Constraint(m.steps, rule=lambda m, t: m.room[t + 1] + m.too_cold[t] >= m.room_low_c)
    return sum(
        m.cooling_cost[t] * m.cooling[t] + m.comfort_cost[t] * (m.too_warm[t] + m.too_cold[t])
        for t in m.steps
    )


def _sleep(m: ConcreteModel) -> Any:
    """DC load that sleeps for its price: 0 <= sleep[t] <= sleep_available[t], sleep[t] +
    unserved[t] <= dc_load[t].
    """
    m.sleep_cost, m.sleep_available_kw = _number(m.steps), _number(m.steps)
    m.sleep = Var(m.steps, bounds=lambda m, t: (0, m.sleep_available_kw[t]))
    m.awake = Constraint(m.steps, rule=lambda m, t: m.sleep[t] + m.unserved[t] <= m.dc_load_kw[t])
    return sum(m.sleep_cost[t] * m.sleep[t] for t in m.steps)


def _genset(m: ConcreteModel, export: bool) -> Any:
    """A generator that is off, or runs between its limits.

    While it runs it carries the site: the AC load that the grid does not serve is added, the
    batteries rest unless the load is more than it can carry (battery_rest), and nothing goes back
    through the inverter. Otherwise energy would be burnt in the losses to reach the minimum load.

        genset_min genset_on[t] <= genset[t] <= genset_max genset_on[t],   genset_on[t] <= genset_available[t]
        genset_start[t] >= genset_on[t] - genset_on[t-1],   genset_on[-1] = now
        sum_bk discharge[t,b,k] + battery_rest[t] genset_on[t] <= discharge_total
        (genset_min - ac_extra[t]) genset_on[t]
            <= ac_base[t] + ac_per_dc[0] sum_s segment[t,s] + cooling[t] + grid_export[t]
    """
    m.genset_cost, m.genset_on_cost, m.genset_start_cost = (
        _number(m.steps),
        _number(m.steps),
        _number(),
    )
    m.genset_min_kw, m.genset_max_kw, m.genset_available = _number(), _number(), _number(m.steps)
    m.genset_now, m.ac_extra_kw = _number(), _number(m.steps)
    m.battery_rest_kw, m.discharge_total_kw = _number(m.steps), _number()
    m.genset = Var(m.steps, within=NonNegativeReals)
    m.genset_on = Var(m.steps, within=Binary)
    m.genset_start = Var(m.steps, within=NonNegativeReals)
    on = m.genset_on

    def starts(m: ConcreteModel, t: int) -> Any:
        return (
            m.genset_start[t] - on[t] >= -m.genset_now
            if t == 0
            else m.genset_start[t] - on[t] + on[t - 1] >= 0
        )

    def rests(m: ConcreteModel, t: int) -> Any:
        discharge = sum(m.discharge[t, b, k] for b, k in m.cells)
        return discharge + m.battery_rest_kw[t] * on[t] <= m.discharge_total_kw

    m.genset_starts = Constraint(m.steps, rule=starts)
    m.genset_most = Constraint(
        m.steps, rule=lambda m, t: m.genset[t] - m.genset_max_kw * on[t] <= 0
    )
    m.genset_least = Constraint(
        m.steps, rule=lambda m, t: m.genset[t] - m.genset_min_kw * on[t] >= 0
    )
    m.genset_allowed = Constraint(m.steps, rule=lambda m, t: on[t] <= m.genset_available[t])
    m.genset_rest = Constraint(m.steps, rule=rests)
    if export:
        m.inverter_rest = Constraint(
            m.steps, rule=lambda m, t: m.inverter[t] + m.inverter_kw[t] * on[t] <= m.inverter_kw[t]
        )
    return sum(
        m.genset_cost[t] * m.genset[t]
        + m.genset_on_cost[t] * on[t]
        + m.genset_start_cost * m.genset_start[t]
        for t in m.steps
    )


def _buses(m: ConcreteModel, shape: Shape) -> None:
    """The two buses and the connection, as in `build`."""
    m.ac_base_kw, m.import_cap_kw = _number(m.steps), _number(m.steps)

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

    m.dc_balance = Constraint(m.steps, rule=dc_balance)
    m.grid_import = Expression(m.steps, rule=grid_import)
    m.cap = Constraint(
        m.steps, rule=lambda m, t: m.grid_import[t] - m.cap_excess[t] <= m.import_cap_kw[t]
    )
    if shape.genset:

        def genset_fits(m: ConcreteModel, t: int) -> Any:
            taken = m.ac_per_dc[0] * sum(m.segment[t, s] for s in m.segments)
            if shape.cooling:
                taken += m.cooling[t]
            if shape.export:
                taken += m.grid_export[t]
            return (m.genset_min_kw - m.ac_extra_kw[t]) * m.genset_on[t] - taken <= m.ac_base_kw[t]

        # Else what the minimum load leaves over would be burnt in the lossy segments, out of order.
        m.genset_fits = Constraint(m.steps, rule=genset_fits)
    if shape.dear_export:
        m.buying = Constraint(
            m.steps,
            rule=lambda m, t: m.grid_import[t] + m.buy_room_kw[t] * m.sells[t] <= m.buy_most_kw[t],
        )
    if (shape.export or shape.genset) and not shape.metered:  # a metered import has its bound
        m.no_backfeed = Constraint(m.steps, rule=lambda m, t: m.grid_import[t] >= 0)


def _demand(m: ConcreteModel, shape: Shape) -> Any:
    """The highest mean import of a billing interval that counts, from the peak so far.

        sum_t share[t] grid_import[t] - peak <= free[i]

    free is 0 where interval i counts, and where it does not the largest import there is, so that
    the row says nothing.
    """
    assert shape.demand_intervals is not None
    m.peak_so_far_kw, m.demand_cost = _number(), _number()
    m.intervals = RangeSet(0, len(shape.demand_intervals) - 1)
    m.demand_free_kw = _number(m.intervals)
    m.peak = Var(bounds=(m.peak_so_far_kw, None))
    if not shape.metered:  # every step is an interval
        m.demand = Constraint(
            m.intervals, rule=lambda m, t: m.grid_import[t] - m.peak <= m.demand_free_kw[t]
        )
        return m.demand_cost * m.peak
    m.interval_share = _number(m.steps)
    interval_of_step = [i for i, steps in enumerate(shape.demand_intervals) for _ in range(steps)]

    def demand(m: ConcreteModel, i: int) -> Any:
        mean = sum(m.interval_share[t] * m.metered[t] for t in m.steps if interval_of_step[t] == i)
        return mean - m.peak <= m.demand_free_kw[i]

    m.demand = Constraint(m.intervals, rule=demand)
    return m.demand_cost * m.peak


def _reduction(m: ConcreteModel, shape: Shape) -> Any:
    """Paid reductions, event v: reduced[v] = kWh below the baseline; event_h[v,t] is step_h within
    the event, else 0.

        reduced[v] = baseline[v] - sum_t event_h[v,t] (metered[t] - grid_export[t]) over[v] >=
        reduced[v] - most[v],   under[v] >= least[v] - reduced[v],   missing[v] >= owed[v] -
        reduced[v]

    The pay for `reduced` is in the prices of import; here it is taken back above the valid band,
    what is under the band is made dear for a plan that goes for the pay, and the penalty is paid.
    """
    m.events = RangeSet(0, shape.n_events - 1)
    m.event_h, m.event_baseline_kwh = _number(m.events, m.steps), _number(m.events)
    m.event_most_kwh, m.event_least_kwh, m.event_owed_kwh = (_number(m.events) for _ in range(3))
    m.over_cost, m.under_cost, m.missing_cost = (_number(m.events) for _ in range(3))
    m.reduced = Var(m.events, within=Reals)
    m.over, m.under, m.missing = (Var(m.events, within=NonNegativeReals) for _ in range(3))

    def settle(m: ConcreteModel, v: int) -> Any:
        drawn = sum(m.event_h[v, t] * m.metered[t] for t in m.steps)
        if shape.export:
            drawn -= sum(m.event_h[v, t] * m.grid_export[t] for t in m.steps)
        return m.reduced[v] + drawn == m.event_baseline_kwh[v]

    m.settle = Constraint(m.events, rule=settle)
    m.band_over = Constraint(
        m.events, rule=lambda m, v: m.reduced[v] - m.over[v] <= m.event_most_kwh[v]
    )
    m.band_under = Constraint(
        m.events, rule=lambda m, v: m.reduced[v] + m.under[v] >= m.event_least_kwh[v]
    )
    m.band_owed = Constraint(
        m.events, rule=lambda m, v: m.reduced[v] + m.missing[v] >= m.event_owed_kwh[v]
    )
    return sum(
        m.over_cost[v] * m.over[v] + m.under_cost[v] * m.under[v] + m.missing_cost[v] * m.missing[v]
        for v in m.events
    )
