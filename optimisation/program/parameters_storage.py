"""The Params of batteries and of a full charge."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimisation.problem.battery import charge_limit_kw, sloped_cuts
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.prices import TIE_BREAK, Prices

BATTERY_TIE = 0.1
"""Share of the tie-break by which each further battery is more expensive, so that of equal
batteries the first is used. Large enough for the tolerances of the solver, small enough to keep the
order of the other tie-breaks.
"""


def battery_parameters(problem: SiteProblem, prices: Prices) -> dict[str, Any]:
    """Params of `model_storage.add_batteries` and `add_full_charge`."""
    batteries, hours = problem.batteries, problem.step_h[:, None]
    order = np.arange(len(batteries))
    n_segments = [len(battery.wear_per_kwh) for battery in batteries]
    growing = prices.growing[:, None]
    wear = np.concatenate([battery.wear_per_kwh for battery in batteries])
    charge_efficiency = np.array([battery.charge_efficiency for battery in batteries])
    discharge_efficiency = np.array([battery.discharge_efficiency for battery in batteries])

    charge_tie = 2.0 * hours * growing * (1.0 + BATTERY_TIE * order)
    discharge_tie = hours * BATTERY_TIE * (2.0 - growing) * np.repeat(1.0 + order, n_segments)
    discharge_cost = hours * wear + prices.tie * discharge_tie
    if prices.waste_pays:
        round_trip = charge_efficiency * discharge_efficiency
        lost_per_kwh = (1.0 - round_trip) / round_trip
        shallowest = np.array([battery.wear_per_kwh[0] for battery in batteries])
        earned = prices.wasted_later[:, None]
        gain = earned * problem.rectifier.ac_per_dc[0] * lost_per_kwh
        loop_cost = np.maximum(0.0, gain + TIE_BREAK * prices.largest - shallowest)
        loop_cost = hours * np.where(earned > 0.0, loop_cost, 0.0)
        discharge_cost = discharge_cost + np.repeat(loop_cost, n_segments, axis=1)
    values = {
        "charge_cost": prices.tie * charge_tie,
        "discharge_cost": discharge_cost,
        "stored_per_charge": hours * charge_efficiency,
        "stored_per_discharge": hours / discharge_efficiency,
        "stored_now_kwh": np.concatenate([battery.split_kwh() for battery in batteries]),
        "width_kwh": np.array(
            [battery.capacity_kwh / len(battery.wear_per_kwh) for battery in batteries]
        ),
        "max_charge_kw": np.array(
            [charge_limit_kw(battery.max_charge_kw, battery.acceptance) for battery in batteries],
            dtype=np.float64,
        ),
        "max_discharge_kw": np.array(
            [battery.max_discharge_kw for battery in batteries], dtype=np.float64
        ),
    }
    return values | _acceptance(problem) | _full_charge(problem)


def _acceptance(problem: SiteProblem) -> dict[str, Any]:
    at_empty, per_kwh = [], []
    for battery in problem.batteries:
        for kw_at_empty, kw_at_full in sloped_cuts(battery.acceptance):
            at_empty.append(kw_at_empty)
            per_kwh.append((kw_at_full - kw_at_empty) / battery.capacity_kwh)
    if not at_empty:
        return {}
    return {"cut_kw": np.array(at_empty), "cut_kw_per_kwh": np.array(per_kwh)}


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
