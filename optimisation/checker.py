"""Judges a plan from the problem alone, with numpy and nothing of the model: what it misses, nothing else catches."""

from __future__ import annotations

import numpy as np

from optimisation.plan import SERIES, Plan
from optimisation.problem import SiteProblem
from optimisation.records import Floats

TOLERANCE = 1e-6
"""kW, kWh or currency, relative to the largest number of the site where that is above 1."""


def check(problem: SiteProblem, plan: Plan) -> tuple[str, ...]:
    """Return what is wrong with a usable plan, one sentence each; empty = nothing. A plan without series has no faults.

    The battery is run with its *net* power, as it will be in the field, so a plan that charges and discharges at once
    does not pass; the charge limit is the acceptance table itself, the rectifier is read from its curve, and the cost
    is reckoned afresh, without tie-breaks.
    """
    if not plan.usable:
        return ()
    n = problem.n_steps
    if plan.stored_kwh.shape != (n,):
        return (f"the plan has {plan.stored_kwh.size} steps, the problem {n}",)
    unsound = [name for name in SERIES[:-1] if not np.isfinite(getattr(plan, name)).all()]
    if unsound or not np.isfinite(plan.objective):
        return (f"not finite: {', '.join(unsound) or 'objective'}",)

    faults: list[str] = []
    battery = problem.battery
    size = max(1.0, float(problem.dc_load_kw.max()), float(problem.pv_kw.max()), battery.max_charge_kw)
    size = max(size, battery.max_discharge_kw, float(problem.ac_load_kw.max()))
    kw = TOLERANCE * size
    kwh = TOLERANCE * max(size * float(problem.step_h.max()), battery.capacity_kwh, 1.0)

    def at_most(what: str, values: Floats, limit: Floats | float, tolerance: float) -> None:
        beyond = np.subtract(values, limit)
        t = int(beyond.argmax())
        if beyond[t] > tolerance:
            faults.append(f"{what} in step {t} by {beyond[t]:.3g}")

    def equal(what: str, values: Floats, expected: Floats, tolerance: float) -> None:
        at_most(what, np.abs(values - expected), 0.0, tolerance)

    for name in SERIES[:-1]:
        at_most(f"{name} is below 0", -getattr(plan, name), 0.0, 0.0)
    at_most("PV is above what is available", plan.pv_kw, problem.pv_kw, kw)
    at_most("unserved load is above the load", plan.unserved_kw, problem.dc_load_kw, kw)
    at_most("charging is above its limit", plan.charge_kw, battery.max_charge_kw, kw)
    at_most("discharging is above its limit", plan.discharge_kw, battery.max_discharge_kw, kw)
    at_most("import is above the connection's limit", plan.grid_import_kw, problem.import_limit_kw, kw)
    curve_kw = np.cumsum((0.0, *problem.rectifier.segment_dc_kw))
    rectifier_limit = min(problem.rectifier_max_dc_kw, float(curve_kw[-1]))
    at_most("the rectifier is above its limit", plan.rectifier_dc_kw, rectifier_limit, kw)
    at_most("charging and discharging at once", np.minimum(plan.charge_kw, plan.discharge_kw), 0.0, kw)

    supply = plan.rectifier_dc_kw + plan.pv_kw + plan.discharge_kw + plan.unserved_kw
    equal("the DC bus is out of balance", supply, problem.dc_load_kw + plan.charge_kw, kw)
    steps_ac = np.multiply(problem.rectifier.segment_dc_kw, problem.rectifier.ac_per_dc)
    conversion = np.interp(plan.rectifier_dc_kw, curve_kw, np.cumsum((0.0, *steps_ac)))
    others = np.minimum(problem.ac_load_kw + problem.rectifier.standby_ac_kw, problem.import_limit_kw)
    equal("the AC side is out of balance", plan.grid_import_kw, conversion + others, kw)

    net = plan.charge_kw - plan.discharge_kw
    gained = np.where(net > 0.0, net * battery.charge_efficiency, net / battery.discharge_efficiency)
    run = problem.stored_kwh + np.cumsum(gained * problem.step_h)
    equal("stored energy does not follow from net power", plan.stored_kwh, run, kwh)
    at_most("stored energy is above the capacity", plan.stored_kwh, battery.capacity_kwh, kwh)
    if battery.acceptance:
        soc = np.concatenate(([problem.stored_kwh], plan.stored_kwh[:-1])) / battery.capacity_kwh
        accepted = np.interp(soc, *np.array(battery.acceptance).T)
        # The SoC itself is only good to the tolerance, and the table may be steep.
        at_most("charging is above what the battery accepts", plan.charge_kw, accepted, 10.0 * kw + kwh)

    equal(
        "reserve shortage is misstated",
        plan.reserve_short_kwh,
        np.maximum(0.0, problem.reserve_kwh - plan.stored_kwh),
        kwh,
    )
    cap_excess = np.maximum(0.0, plan.grid_import_kw - problem.import_cap_kw)
    equal("excess over the cap is misstated", plan.cap_excess_kw, cap_excess, kw)

    faults += _cost_faults(problem, plan)
    return tuple(faults)


def _cost_faults(problem: SiteProblem, plan: Plan) -> list[str]:
    per_step = (
        problem.price_per_kwh * plan.grid_import_kw
        + problem.battery.wear_per_kwh * plan.discharge_kw
        + problem.reserve_penalty_per_kwh_h * plan.reserve_short_kwh
        + problem.cap_penalty_per_kwh * plan.cap_excess_kw
        + problem.unserved_penalty_per_kwh * plan.unserved_kw
    ) * problem.step_h
    left = problem.terminal_value_per_kwh * float(plan.stored_kwh[-1])
    cost = float(per_step.sum()) - left
    scale = max(1.0, float(np.abs(per_step).sum()), left)
    if abs(cost - plan.objective) > TOLERANCE * scale:
        return [f"the plan costs {cost:.6g} and says {plan.objective:.6g}"]
    if abs(sum(plan.cost_by_term.values()) - plan.objective) > TOLERANCE * scale:
        return ["the terms of the cost do not add up to it"]
    return []
