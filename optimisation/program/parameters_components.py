"""The Params of the parts that only some sites have: export, cooling, radio sleep, genset."""

from __future__ import annotations

from typing import Any

import numpy as np

from optimisation.problem.components import Cooling, Export, Genset, RadioSleep
from optimisation.problem.site_problem import SiteProblem
from optimisation.program.prices import Prices


def export_parameters(problem: SiteProblem, export: Export, prices: Prices) -> dict[str, Any]:
    """Params of `model_components.add_export`."""
    hours, mains = problem.step_h, problem.import_limit_kw > 0.0
    efficiency = export.inverter_efficiency
    inverter_cost = prices.tie - efficiency * prices.imported
    if prices.waste_pays:
        lost = problem.rectifier.ac_per_dc[0] - efficiency
        inverter_cost += np.maximum(0.0, prices.wasted_later * lost)
    # Export raises import in the balance of the AC side, where it is priced like import; so that
    # price is taken back here.
    export_cost = problem.price_per_kwh + prices.import_tie + prices.tie - export.price_per_kwh
    limit_kw = np.where(mains, export.limit_kw, 0.0)
    values = {
        "inverter_cost": hours * inverter_cost,
        "export_cost": hours * export_cost,
        "inverter_kw": np.where(mains, export.inverter_max_kw / efficiency, 0.0),
        "export_limit_kw": limit_kw,
        "inverter_efficiency": float(efficiency),
    }
    pays_more = problem.export_pays_more
    if pays_more.any():
        # 1 kW above the limit: the row of the limit binds and not this one, so that the marginal
        # value of the limit is found in one place.
        most_kw = problem.import_limit_kw + 1.0
        values["export_free_kw"] = np.where(pays_more, 0.0, limit_kw)
        values["buy_most_kw"] = most_kw
        values["buy_room_kw"] = np.where(pays_more, most_kw, 0.0)
    return values


def cooling_parameters(problem: SiteProblem, cooling: Cooling, prices: Prices) -> dict[str, Any]:
    """Params of `model_components.add_cooling`."""
    hours = problem.step_h
    decay = hours * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k
    lost = -np.expm1(-decay)
    k_per_kw = lost / cooling.heat_loss_kw_per_k
    return {
        "cooling_cost": hours * prices.imported,
        "comfort_cost": hours * cooling.discomfort_per_k_h,
        "cooling_max_kw": float(cooling.max_kw),
        "room_kept": 1.0 - lost,
        "room_drift_c": lost * cooling.outdoor_c + k_per_kw * cooling.inside_heat_kw,
        "cooling_k_per_kw": k_per_kw * cooling.cop,
        "room_now_c": float(cooling.room_now_c),
        "room_low_c": float(cooling.low_c),
        "room_high_c": float(cooling.high_c),
    }


def sleep_parameters(problem: SiteProblem, sleep: RadioSleep) -> dict[str, Any]:
    """Params of `model_components.add_sleep`."""
    return {
        "sleep_cost": problem.step_h * sleep.cost_per_kwh,
        "sleep_available_kw": np.minimum(sleep.available_kw, problem.dc_load_kw),
    }


def genset_parameters(problem: SiteProblem, genset: Genset, prices: Prices) -> dict[str, Any]:
    """Params of `model_components.add_genset`."""
    hours, base_kw, extra_kw = problem.step_h, problem.ac_base_kw, problem.genset_extra_kw
    # The DC load beyond what rectifier (fed by grid and genset) and PV can carry is left to the
    # batteries.
    corners_dc, corners_ac = problem.rectifier.corners()
    ac_for_rectifier = problem.import_limit_kw + genset.max_kw - base_kw - extra_kw
    carried_kw = np.interp(ac_for_rectifier, corners_ac, corners_dc)
    carried_kw = np.minimum(carried_kw, problem.rectifier_max_dc_kw)
    beyond_kw = problem.dc_load_kw - carried_kw - problem.pv_kw
    discharge_kw = sum(battery.max_discharge_kw for battery in problem.batteries)
    return {
        "genset_cost": hours * (genset.fuel_per_kwh - prices.imported),
        "genset_on_cost": hours * prices.imported * extra_kw,
        "genset_start_cost": float(genset.start_cost),
        "genset_min_kw": float(genset.min_kw),
        "genset_max_kw": float(genset.max_kw),
        "genset_available": genset.available.astype(np.float64),
        "genset_now": float(genset.running),
        "ac_extra_kw": extra_kw,
        "battery_rest_kw": discharge_kw - np.clip(beyond_kw, 0.0, discharge_kw),
        "discharge_total_kw": float(discharge_kw),
    }
