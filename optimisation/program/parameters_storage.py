"""The Params of batteries and of a full charge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from optimisation.arrays import Floats, read_only
from optimisation.problem.battery import BatteryModel, charge_limit_kw, sloped_cuts
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.prices import TIE_BREAK, Prices

BATTERY_TIE = 0.1
"""Share of the tie-break by which each further battery is more expensive, so that of equal
batteries the first is used. Large enough for the tolerances of the solver, small enough to keep the
order of the other tie-breaks.
"""


def battery_parameters(problem: SiteProblem, prices: Prices) -> dict[str, Any]:
    """Params of `model_storage.add_batteries` and `add_full_charge`."""
    batteries = problem.batteries
    kinds = tuple([_kind_of(battery) for battery in batteries])
    values = dict(_constant(kinds, problem.step_h.tobytes(), prices.tie))
    values["stored_now_kwh"] = np.concatenate([battery.split_kwh() for battery in batteries])
    if prices.waste_pays:
        values["discharge_cost"] = values["discharge_cost"] + _loop_cost(problem, prices)
    return values | _full_charge(problem)


class _Kind(NamedTuple):
    """What of a battery stays the same from plan to plan; see `BatteryModel`."""

    wear_per_kwh: tuple[float, ...]
    charge_efficiency: float
    discharge_efficiency: float
    capacity_kwh: float
    max_charge_kw: float
    max_discharge_kw: float
    acceptance: tuple[tuple[float, float], ...]


_fields = attrgetter(*_Kind._fields)


def _kind_of(battery: BatteryModel) -> _Kind:
    return _Kind._make(_fields(battery))


@lru_cache(maxsize=64)
def _constant(kinds: tuple[_Kind, ...], step_h: bytes, tie: float) -> Mapping[str, Floats]:
    """The Params that depend on these arguments alone; `step_h` as it lies in memory.

    Remembered, since computing them for every plan would take 0.03 ms, 2 % of the run of HiGHS.
    """
    hours = np.frombuffer(step_h)[:, None]
    n_steps, order = len(hours), np.arange(len(kinds))
    growing = (np.arange(1, n_steps + 1) / n_steps)[:, None]
    n_segments = [len(kind.wear_per_kwh) for kind in kinds]
    wear = np.concatenate([kind.wear_per_kwh for kind in kinds])
    charge_tie = hours * growing * (1.0 + BATTERY_TIE * order)
    discharge_tie = hours * BATTERY_TIE * (2.0 - growing) * np.repeat(1.0 + order, n_segments)
    max_charge_kw = [charge_limit_kw(kind.max_charge_kw, kind.acceptance) for kind in kinds]
    widths_kwh = [kind.capacity_kwh / len(kind.wear_per_kwh) for kind in kinds]
    values = {
        "charge_cost": tie * charge_tie,
        "discharge_cost": hours * wear + tie * discharge_tie,
        "stored_per_charge": hours * np.array([kind.charge_efficiency for kind in kinds]),
        "stored_per_discharge": hours / np.array([kind.discharge_efficiency for kind in kinds]),
        "width_kwh": widths_kwh,
        "max_charge_kw": max_charge_kw,
        "max_discharge_kw": [kind.max_discharge_kw for kind in kinds],
    }
    cuts = [(*cut, kind.capacity_kwh) for kind in kinds for cut in sloped_cuts(kind.acceptance)]
    if cuts:
        values["cut_kw"] = [at_empty for at_empty, _, _ in cuts]
        values["cut_kw_per_kwh"] = [
            (at_full - at_empty) / capacity_kwh for at_empty, at_full, capacity_kwh in cuts
        ]
    return {name: read_only(numbers) for name, numbers in values.items()}


def _loop_cost(problem: SiteProblem, prices: Prices) -> Floats:
    """What a kW of discharge costs so that charging and discharging at once does not pay, shape
    (n, segments); see `parameters`.
    """
    batteries = problem.batteries
    round_trip = np.array(
        [battery.charge_efficiency * battery.discharge_efficiency for battery in batteries]
    )
    lost_per_kwh = (1.0 - round_trip) / round_trip
    shallowest = np.array([battery.wear_per_kwh[0] for battery in batteries])
    earned = prices.wasted_later[:, None]
    gain = earned * problem.rectifier.ac_per_dc[0] * lost_per_kwh
    cost = np.maximum(0.0, gain + TIE_BREAK * prices.largest - shallowest)
    cost = problem.step_h[:, None] * np.where(earned > 0.0, cost, 0.0)
    return np.repeat(cost, [len(battery.wear_per_kwh) for battery in batteries], axis=1)


def _full_charge(problem: SiteProblem) -> dict[str, Any]:
    asked = [
        (battery.capacity_kwh, battery.full_charge)
        for battery in problem.batteries
        if battery.full_charge is not None
    ]
    if not asked:
        return {}
    full_kwh = np.zeros((problem.n_steps, len(asked)))
    for i, (capacity_kwh, full_charge) in enumerate(asked):
        full_kwh[full_charge.by_step, i] = capacity_kwh
    cost = np.array([full_charge.penalty_per_kwh for _, full_charge in asked])
    return {"full_kwh": full_kwh, "full_cost": cost}
