"""The numbers of a problem under the names of the model's Params."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from optimisation.arrays import Floats, read_only
from optimisation.problem.future import Future
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.parameters_billing import demand_parameters, reduction_parameters
from optimisation.program.parameters_components import (
    cooling_parameters,
    export_parameters,
    genset_parameters,
    sleep_parameters,
)
from optimisation.program.parameters_storage import battery_parameters
from optimisation.program.prices import TIE_BREAK, Prices


def parameters(
    problem: SiteProblem, participating: tuple[bool, ...] = (), tie_break: float = TIE_BREAK
) -> dict[str, Any]:
    """Return every Param of `model.build(shape_of(problem))`, shaped as its index.

    `participating` says for each event of a paid reduction whether the plan earns the pay;
    empty = in none. `tie_break` is the size of the tie-breaks as a share of the largest price.

    **Tie-breaks** make the plan unique. All are small multiples of the same tiny price
    (currency/kWh). Import gets cheaper from step to step, and charging gets more expensive half as
    fast. So of several hours of equal price the late ones buy, when more is known of the PV to
    come; and the early ones discharge, so that energy is not left over when the expensive hours
    end. PV beyond the load is stored early. Charging costs something even where energy is free.
    Discharging costs a little, less from step to step, so that PV is used before storage without
    wear. Rectifier segments are used in order, and of equal batteries the first.

    **Negative prices.** Where a price (of import or export) is negative, an LP would earn by
    wasting energy: in the rectifier, in the inverter, or by charging and discharging at once.
    Therefore

    - every rectifier segment costs as much as the least lossy one;
    - up to the last such step, the discharging of each battery costs what its loop could earn,
      -price x ac_per_dc x (1 - e) / e, less the wear of its shallowest segment. Here e is its
      round-trip efficiency, and the price is the lowest from that step on, since a loop earlier in
      the day would make room for energy that is paid for later. Energy lost on the way through
      several batteries is the sum of what each loses, so the sum of these costs covers it; the same
      is true of the loop through rectifier and inverter.
    """
    prices = Prices(problem, participating, tie_break)
    values = _supply(problem, prices) | battery_parameters(problem, prices)
    if problem.export is not None:
        values |= export_parameters(problem, problem.export, prices)
    if problem.cooling is not None:
        values |= cooling_parameters(problem, problem.cooling, prices)
    if problem.sleep is not None:
        values |= sleep_parameters(problem, problem.sleep)
    if problem.genset is not None:
        values |= genset_parameters(problem, problem.genset, prices)
    if problem.demand is not None:
        values |= demand_parameters(problem, problem.demand)
    if problem.reduction is not None:
        values |= reduction_parameters(problem, problem.reduction, participating)
    return values


def future_parameters(
    problem: SiteProblem, values: dict[str, Any], future: Future, tie_break: float = TIE_BREAK
) -> dict[str, Any]:
    """Every Param of a problem in another future; `values` are those of the problem itself."""
    if problem.sleep is not None or problem.genset is not None:  # these depend on the load
        changed = replace(problem, dc_load_kw=future.dc_load_kw, pv_kw=future.pv_kw)
        return parameters(changed, (), tie_break)
    return values | {"dc_load_kw": future.dc_load_kw, "pv_available_kw": future.pv_kw}


def _supply(problem: SiteProblem, prices: Prices) -> dict[str, Any]:
    """The buses, the connection, the rectifier and the reserve."""
    hours, by_step = problem.step_h, problem.step_h[:, None]
    slopes, segment_kw, order = _rectifier(problem.rectifier, problem.rectifier_max_dc_kw)
    segment_cost = prices.imported[:, None] * (by_step * slopes) + prices.tie * (by_step * order)
    if prices.waste_pays:
        # With an inverter the AC side can have a surplus to be burnt in any step before the one
        # that pays.
        lossy = prices.wasted if problem.export is None else prices.wasted_later
        segment_cost += (hours * lossy)[:, None] * (slopes - slopes[0])
    cap = np.minimum(problem.cap_kw, problem.import_limit_kw)
    return {
        "segment_cost": segment_cost,
        "segment_kw": segment_kw,
        "ac_per_dc": slopes,
        "unserved_cost": hours * problem.unserved_penalty_per_kwh,
        "cap_cost": hours * problem.cap_penalty_per_kwh,
        "reserve_cost": hours * problem.reserve_penalty_per_kwh_h,
        "dc_load_kw": problem.dc_load_kw,
        "pv_available_kw": problem.pv_kw,
        "ac_base_kw": problem.ac_base_kw,
        "import_cap_kw": cap,
        "cap_room_kw": problem.import_limit_kw - cap,
        "reserve_kwh": problem.reserve_kwh,
        "terminal_value": float(problem.terminal_value_per_kwh),
    }


@lru_cache(maxsize=64)
def _rectifier(curve: RectifierCurve, max_dc_kw: float) -> tuple[Floats, Floats, Floats]:
    """Slope, size within the limit of the shelf (kW), and number of each segment."""
    widths = np.array(curve.segment_dc_kw)
    left_kw = max_dc_kw - (np.cumsum(widths) - widths)
    sizes_kw = np.clip(left_kw, 0.0, widths)
    return read_only(curve.ac_per_dc), read_only(sizes_kw), read_only(np.arange(len(widths)))
