"""The numbers of a problem under the names of the model's Params, with the tie-breaks that make the plan unique."""

from __future__ import annotations

import numpy as np

from optimisation.problem import SiteProblem
from optimisation.records import Floats

TIE_BREAK = 1e-4
"""Size of the tie-breaks as a share of the largest price. Energy is also moved for no gain smaller than this."""

Cuts = tuple[tuple[float, float], ...]


def parameters(problem: SiteProblem, cuts: Cuts, tie_break: float = TIE_BREAK) -> dict[str, Floats | float]:
    """Return every Param of `model.build`, shaped as its index; `cuts` are (kW at SoC 0, kW at SoC 1).

    Tie-breaks (currency/kWh), all a small multiple of the same tiny price: import and charging get dearer from step to
    step, so of equal hours the early ones charge, the late ones discharge, and the plan is one; charging costs
    something even where energy is free; rectifier segments are used in order.

    Where the price is negative an LP would earn by wasting energy, in the rectifier or by charging and discharging at
    once. So every segment is paid like the least lossy one there, and up to the last such step discharging costs what
    the loop could earn: -price x ac_per_dc x (1 - e) / e, e being the battery's round-trip efficiency and the price the
    lowest from that step on, since a loop earlier in the day would make room for energy that is paid for later.
    """
    battery, rectifier = problem.battery, problem.rectifier
    hours, price = problem.step_h, problem.price_per_kwh
    largest = max(float(np.abs(price).max()), problem.terminal_value_per_kwh, battery.wear_per_kwh) or 1.0
    tie = tie_break * largest
    growing_tie = tie * np.arange(1, problem.n_steps + 1) / problem.n_steps

    slopes = np.array(rectifier.ac_per_dc)
    wasted = np.maximum(0.0, -(price + growing_tie))
    round_trip = battery.charge_efficiency * battery.discharge_efficiency
    to_come = np.maximum.accumulate(wasted[::-1])[::-1]
    loop_gain = to_come * slopes[0] * (1.0 - round_trip) / round_trip
    loop_cost = np.where(to_come > 0.0, np.maximum(0.0, loop_gain + TIE_BREAK * largest - battery.wear_per_kwh), 0.0)

    widths = np.array(rectifier.segment_dc_kw)
    free = problem.rectifier_max_dc_kw - (np.cumsum(widths) - widths)
    at_empty, at_full = np.array(cuts).reshape(-1, 2).T

    return {
        "energy_cost": hours * (price + growing_tie),
        "charge_cost": hours * growing_tie,
        "discharge_cost": hours * (battery.wear_per_kwh + loop_cost),
        "segment_cost": hours[:, None] * (tie * np.arange(len(slopes)) + wasted[:, None] * (slopes - slopes[0])),
        "reserve_cost": hours * problem.reserve_penalty_per_kwh_h,
        "cap_cost": hours * problem.cap_penalty_per_kwh,
        "unserved_cost": hours * problem.unserved_penalty_per_kwh,
        "terminal_value": problem.terminal_value_per_kwh,
        "dc_load_kw": problem.dc_load_kw,
        "ac_base_kw": problem.ac_base_kw,
        "pv_available_kw": problem.pv_kw,
        "import_limit_kw": problem.import_limit_kw,
        # A cap above the limit says nothing, and the solver needs no infinity.
        "import_cap_kw": np.minimum(problem.import_cap_kw, problem.import_limit_kw),
        "reserve_kwh": problem.reserve_kwh,
        "stored_per_charge": hours * battery.charge_efficiency,
        "stored_per_discharge": hours / battery.discharge_efficiency,
        "stored_now_kwh": problem.stored_kwh,
        "capacity_kwh": battery.capacity_kwh,
        "max_charge_kw": battery.max_charge_kw,
        "max_discharge_kw": battery.max_discharge_kw,
        "segment_kw": np.clip(free, 0.0, widths),
        "ac_per_dc": slopes,
        "cut_kw": at_empty,
        "cut_kw_per_kwh": (at_full - at_empty) / battery.capacity_kwh,
    }
