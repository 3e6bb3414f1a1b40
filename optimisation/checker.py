"""Judges a plan from the problem alone, with numpy and nothing of the model: what it misses, nothing else catches."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from optimisation.battery import BatteryModel
from optimisation.devices import Reduction
from optimisation.plan import BY_BATTERY, BY_SEGMENT, COMPONENT_SERIES, SERIES, Plan
from optimisation.problem import SiteProblem
from optimisation.records import Floats
from optimisation.rectifier import RectifierCurve

TOLERANCE = 1e-6
"""kW, kWh, K or currency, relative to the largest number of the site where that is above 1."""

_OWNER = {
    "grid_export_kw": "export",
    "inverter_dc_kw": "export",
    "cooling_kw": "cooling",
    "room_c": "cooling",
    "sleep_kw": "sleep",
    "genset_kw": "genset",
    "genset_on": "genset",
}


def check(problem: SiteProblem, plan: Plan) -> tuple[str, ...]:
    """Return what is wrong with a usable plan, one sentence each; empty = nothing. A plan without series has no faults.

    Each battery is run with its *net* power, as it will be in the field, so a plan that charges and discharges at once
    does not pass; the charge limit is the acceptance table itself, the rectifier is read from its curve, wear from
    segments that are run on their own, a paid reduction is settled by its rules, and the cost is reckoned afresh,
    without tie-breaks.
    """
    if not plan.usable:
        return ()
    unsound, least = _unsound(problem, plan)
    if unsound:
        return unsound
    judge = _Judge(problem, plan)
    judge.sums()
    if least < 0.0:
        judge.signs()
    judge.buses()
    for b in range(len(problem.batteries)):
        judge.battery(b)
    judge.components()
    judge.soft_limits()
    judge.cost()
    judge.steps()
    return tuple(judge.faults)


def _unsound(problem: SiteProblem, plan: Plan) -> tuple[tuple[str, ...], float]:
    """What makes looking any further useless, and the least number of all series."""
    n, b = problem.n_steps, len(problem.batteries)
    if plan.stored_kwh.shape != (n,):
        return (f"the plan has {plan.stored_kwh.size} steps, the problem {n}",), math.nan
    segments = sum(len(battery.wear_per_kwh) for battery in problem.batteries)
    rows = dict.fromkeys(BY_BATTERY, b) | dict.fromkeys(BY_SEGMENT, segments)
    names = [*SERIES, *rows]
    for name, count in rows.items():
        if getattr(plan, name).shape != (count, n):
            return (f"{name} has shape {getattr(plan, name).shape}, the problem ({count}, {n})",), math.nan
    for name in COMPONENT_SERIES:
        if (getattr(problem, _OWNER[name]) is None) != (getattr(plan, name) is None):
            return (f"{name} and {_OWNER[name]} are not both there",), math.nan
        if getattr(plan, name) is not None:
            names.append(name)
    if (plan.demand_peak_kw is None) != (problem.demand is None):
        return ("demand_peak_kw and demand are not both there",), math.nan
    numbers = {"objective": plan.objective, "demand_peak_kw": plan.demand_peak_kw or 0.0} | dict(plan.soft_limits)
    unsound = []
    every = np.concatenate([getattr(plan, name).ravel() for name in names])
    if not np.isfinite(every).all():
        unsound = [name for name in names if not np.isfinite(getattr(plan, name)).all()]
    unsound += [name for name, value in numbers.items() if not math.isfinite(value)]
    return (f"not finite: {', '.join(unsound)}",) if unsound else (), float(every.min())


@lru_cache(maxsize=64)
def _curve(rectifier: RectifierCurve) -> tuple[Floats, Floats]:
    """Corners of the curve: DC output and AC input above standby, kW."""
    steps_ac = [width * slope for width, slope in zip(rectifier.segment_dc_kw, rectifier.ac_per_dc, strict=True)]
    return np.cumsum((0.0, *rectifier.segment_dc_kw)), np.cumsum((0.0, *steps_ac))


@lru_cache(maxsize=64)
def _table(points: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    """SoC and kW of an acceptance table."""
    soc, kw = np.array(points, dtype=np.float64).T
    return soc, kw


class _Judge:
    """One plan before one problem; collects the faults."""

    def __init__(self, problem: SiteProblem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.faults: list[str] = []
        self.claims: list[tuple[str, Floats, float]] = []
        """What is claimed, by how much each step is beyond it, and how much it may be."""
        size = max(1.0, *(float(a.max()) for a in (problem.dc_load_kw, problem.pv_kw, problem.ac_load_kw)))
        for battery in problem.batteries:
            size = max(size, battery.max_charge_kw, battery.max_discharge_kw)
        self.kw = TOLERANCE * size
        self.kwh = TOLERANCE * max(size * float(problem.step_h.max()), problem.capacity_kwh, 1.0)
        self.costs: list[float] = []
        nothing = np.zeros(problem.n_steps)
        self.export, self.inverter, self.cooling, self.sleep, self.genset, self.genset_on = (
            nothing if series is None else series
            for series in (
                plan.grid_export_kw,
                plan.inverter_dc_kw,
                plan.cooling_kw,
                plan.sleep_kw,
                plan.genset_kw,
                plan.genset_on,
            )
        )

    def at_most(self, what: str, values: Floats, limit: Floats | float, tolerance: float) -> None:
        self.claims.append((what, values - limit, tolerance))

    def steps(self) -> None:
        """Judge all claims at once: one array is many times quicker than one by one."""
        beyond = np.concatenate([by for _, by, _ in self.claims]).reshape(len(self.claims), -1)
        allowed = np.array([tolerance for _, _, tolerance in self.claims])
        for i in np.flatnonzero(beyond.max(axis=1) > allowed).tolist():
            t = int(beyond[i].argmax())
            self.faults.append(f"{self.claims[i][0]} in step {t} by {beyond[i, t]:.3g}")

    def equal(self, what: str, values: Floats, expected: Floats, tolerance: float) -> None:
        self.claims.append((what, np.abs(values - expected), tolerance))

    def number(self, what: str, value: float, expected: float, tolerance: float) -> None:
        if abs(value - expected) > tolerance:
            self.faults.append(f"{what}: {value:.6g} instead of {expected:.6g}")

    def signs(self) -> None:
        """Name by name; a room may be below 0 degC."""
        plan = self.plan
        for name in (*SERIES, *COMPONENT_SERIES):
            series = getattr(plan, name)
            if series is not None and name != "room_c":
                self.at_most(f"{name} is below 0", -series, 0.0, 0.0)
        for name in (*BY_BATTERY, *BY_SEGMENT):
            self.at_most(f"{name} is below 0", -getattr(plan, name).min(axis=0), 0.0, 0.0)

    def sums(self) -> None:
        plan = self.plan
        for name, rows in (
            ("charge_kw", plan.battery_charge_kw),
            ("discharge_kw", plan.battery_discharge_kw),
            ("stored_kwh", plan.battery_stored_kwh),
        ):
            self.equal(f"{name} is not the sum of the batteries", getattr(plan, name), rows.sum(axis=0), self.kwh)

    def buses(self) -> None:
        problem, plan, kw = self.problem, self.plan, self.kw
        rectifier, rectifier_dc = problem.rectifier, plan.rectifier_dc_kw
        self.at_most("PV is above what is available", plan.pv_kw, problem.pv_kw, kw)
        self.at_most("unserved load is above the load", plan.unserved_kw + self.sleep, problem.dc_load_kw, kw)
        self.at_most("import is above the connection's limit", plan.grid_import_kw, problem.import_limit_kw, kw)
        curve_kw, curve_ac_kw = _curve(rectifier)
        limit = min(problem.rectifier_max_dc_kw, float(curve_kw[-1]))
        self.at_most("the rectifier is above its limit", rectifier_dc, limit, kw)

        supply = rectifier_dc + plan.pv_kw + plan.discharge_kw + plan.unserved_kw + self.sleep
        taken = problem.dc_load_kw + plan.charge_kw + self.inverter
        self.equal("the DC bus is out of balance", supply, taken, kw)

        conversion = np.interp(rectifier_dc, curve_kw, curve_ac_kw)
        wanted = problem.ac_load_kw + rectifier.standby_ac_kw
        drawn = np.minimum(wanted, problem.import_limit_kw) + conversion + self.cooling + self.export
        fed = plan.grid_import_kw
        if problem.genset is not None:
            beyond = np.minimum(np.maximum(0.0, wanted - problem.import_limit_kw), problem.genset.max_kw)
            drawn = drawn + self.genset_on * beyond
            fed = fed + self.genset
        if problem.export is not None:
            fed = fed + problem.export.inverter_efficiency * self.inverter
        self.equal("the AC side is out of balance", fed, drawn, kw)

    def battery(self, b: int) -> None:
        problem, kw, kwh = self.problem, self.kw, self.kwh
        battery = problem.batteries[b]
        charge, discharge, stored = (getattr(self.plan, name)[b] for name in BY_BATTERY)
        self.at_most("charging is above its limit", charge, battery.max_charge_kw, kw)
        self.at_most("discharging is above its limit", discharge, battery.max_discharge_kw, kw)
        self.claims.append(("charging and discharging at once", np.minimum(charge, discharge), kw))
        net = charge - discharge
        gained = np.where(net > 0.0, net * battery.charge_efficiency, net / battery.discharge_efficiency)
        now = min(battery.stored_kwh, battery.capacity_kwh)
        self.equal(
            "stored energy does not follow from net power", stored, now + (gained * problem.step_h).cumsum(), kwh
        )
        self.at_most("stored energy is above the capacity", stored, battery.capacity_kwh, kwh)
        if battery.acceptance:
            soc = np.concatenate(([now], stored[:-1])) / battery.capacity_kwh
            accepted = np.interp(soc, *_table(battery.acceptance))
            # The SoC itself is only good to the tolerance, and the table may be steep.
            self.at_most("charging is above what the battery accepts", charge, accepted, 10.0 * kw + kwh)
        if battery.full_charge is not None:
            short = battery.capacity_kwh - float(stored[battery.full_charge.by_step])
            self.costs.append(battery.full_charge.penalty_per_kwh * max(0.0, short))
        self._segments(b, battery, charge, discharge, now)

    def _segments(self, b: int, battery: BatteryModel, charge: Floats, discharge: Floats, now: float) -> None:
        """Each wear segment on its own: a store of equal size, the deep ones filled first at the start."""
        before = sum(len(other.wear_per_kwh) for other in self.problem.batteries[:b])
        k = len(battery.wear_per_kwh)
        charged = self.plan.segment_charge_kw[before : before + k]
        discharged = self.plan.segment_discharge_kw[before : before + k]
        self.equal("charging is not the sum of the segments", charged.sum(axis=0), charge, self.kw)
        self.equal("discharging is not the sum of the segments", discharged.sum(axis=0), discharge, self.kw)
        if k > 1:
            width = battery.capacity_kwh / k
            start = np.array([min(width, max(0.0, now - width * (k - 1 - j))) for j in range(k)])
            gain = charged * battery.charge_efficiency - discharged / battery.discharge_efficiency
            held = start[:, None] + (gain * self.problem.step_h).cumsum(axis=1)
            self.claims.append(("a wear segment is emptied below 0", -held.min(axis=0), self.kwh))
            self.at_most("a wear segment is filled above its size", held.max(axis=0), width, self.kwh)
        self.costs.append(float(battery.wear_per_kwh @ (discharged @ self.problem.step_h)))

    def components(self) -> None:
        problem, plan, kw, hours = self.problem, self.plan, self.kw, self.problem.step_h
        if problem.export is not None:
            mains = problem.import_limit_kw > 0.0
            given = problem.export.inverter_efficiency * self.inverter
            self.at_most("export is above its limit", self.export, np.where(mains, problem.export.limit_kw, 0.0), kw)
            limit = np.where(mains, problem.export.inverter_max_kw, 0.0)
            self.at_most("the inverter is above its limit", given, limit, kw)
            self.at_most("import and export at once", np.minimum(plan.grid_import_kw, self.export), 0.0, kw)
            self.at_most("rectifier and inverter at once", np.minimum(plan.rectifier_dc_kw, self.inverter), 0.0, kw)
            self.costs.append(-float((hours * problem.export.price_per_kwh) @ self.export))
        if problem.sleep is not None:
            self.at_most("more sleeps than may", self.sleep, problem.sleep.available_kw, kw)
            self.costs.append(problem.sleep.cost_per_kwh * float(hours @ self.sleep))
        if problem.cooling is not None:
            self._cooling()
        if problem.genset is not None:
            genset, on = problem.genset, self.genset_on
            self.at_most("the genset is neither on nor off", np.minimum(on, np.abs(1.0 - on)), 0.0, 0.0)
            self.at_most("the genset runs where it may not", on, genset.available.astype(np.float64), 0.0)
            self.at_most("the genset is above its maximum", self.genset, on * genset.max_kw, kw)
            self.at_most("the genset is below its minimum", on * genset.min_kw, self.genset, kw)
            starts = int(np.count_nonzero(np.diff(np.concatenate(([float(genset.running)], on))) > 0.5))
            self.costs.append(genset.start_cost * starts + genset.fuel_per_kwh * float(hours @ self.genset))
        if problem.demand is not None and plan.demand_peak_kw is not None:
            demand = problem.demand
            mean = plan.grid_import_kw
            if demand.interval_of_step[-1] + 1 < problem.n_steps:  # an interval has several steps
                ends = np.flatnonzero(np.diff(demand.interval_of_step, append=-1)) + 1
                length = np.diff(np.concatenate(([0.0], np.cumsum(hours)[ends - 1])))
                energy = np.diff(np.concatenate(([0.0], np.cumsum(hours * plan.grid_import_kw)[ends - 1])))
                mean = energy / length
            peak = max(demand.peak_so_far_kw, float(mean.max()))
            self.number("the billing peak is misstated", plan.demand_peak_kw, peak, 10.0 * kw)
            self.costs.append(demand.price_per_kw * (peak - demand.peak_so_far_kw))
        if problem.reduction is not None:
            self._settle(problem.reduction)

    def _cooling(self) -> None:
        cooling, room, hours = self.problem.cooling, self.plan.room_c, self.problem.step_h
        assert cooling is not None
        assert room is not None
        self.at_most("cooling is above its maximum", self.cooling, cooling.max_kw, self.kw)
        before = np.concatenate(([cooling.room_now_c], room[:-1]))
        heat = cooling.inside_heat_kw - cooling.cop * self.cooling
        settled = cooling.outdoor_c + heat / cooling.heat_loss_kw_per_k  # where the room would end with time
        left = np.exp(-hours * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k)
        tolerance = TOLERANCE * max(1.0, float(np.abs(settled).max()))
        self.equal("the room does not follow from its heat", room, settled + (before - settled) * left, tolerance)
        outside = np.maximum(0.0, room - cooling.high_c) + np.maximum(0.0, cooling.low_c - room)
        self.costs.append(cooling.discomfort_per_k_h * float(hours @ outside))

    def _settle(self, reduction: Reduction) -> None:
        net = self.plan.grid_import_kw - self.export
        stated = {settled.first: settled for settled in self.plan.settlements}
        t, n = 0, self.problem.n_steps
        while t < n:
            if not reduction.in_event[t]:
                t += 1
                continue
            first = t
            while t < n and reduction.in_event[t]:
                t += 1
            hours = self.problem.step_h[first:t]
            length = float(hours.sum())
            mean = float(hours @ (reduction.baseline_kw[first:t] - net[first:t])) / length
            bid = reduction.bid_kw
            pay = reduction.price_per_kwh * length * min(max(mean, 0.0), reduction.valid_high * bid)
            if mean < reduction.valid_low * bid - 2e-6:
                pay = 0.0
            penalty = reduction.penalty_per_kwh * length * max(0.0, reduction.penalty_low * bid - mean)
            self.costs.append(penalty - pay)
            settled = stated.pop(first, None)
            if settled is None or settled.after != t:
                self.faults.append(f"the reduction from step {first} to {t} is not settled")
                continue
            scale = TOLERANCE * max(1.0, pay, penalty)
            self.number(f"the reduction of step {first} is misstated", settled.reduction_kw, mean, 10.0 * self.kw)
            self.number(f"the pay of step {first} is misstated", settled.pay, pay, scale)
            self.number(f"the penalty of step {first} is misstated", settled.penalty, penalty, scale)
        self.faults += [f"a reduction from step {first} is settled and was not asked for" for first in stated]

    def soft_limits(self) -> None:
        problem, plan, hours = self.problem, self.plan, self.problem.step_h
        short = np.maximum(0.0, problem.reserve_kwh - plan.stored_kwh)
        self.equal("reserve shortage is misstated", plan.reserve_short_kwh, short, self.kwh)
        excess = np.maximum(0.0, plan.grid_import_kw - problem.cap_kw)
        self.equal("excess over the cap is misstated", plan.cap_excess_kw, excess, self.kw)
        broken = {
            "reserve_kwh_h": float(hours @ short),
            "import_cap_kwh": float(hours @ excess),
            "unserved_kwh": float(hours @ plan.unserved_kw),
        }
        asked = [(b, battery.full_charge) for b, battery in enumerate(problem.batteries) if battery.full_charge]
        broken["full_charge_kwh"] = sum(
            max(0.0, problem.batteries[b].capacity_kwh - float(plan.battery_stored_kwh[b, full.by_step]))
            for b, full in asked
        )
        if problem.cooling is not None and plan.room_c is not None:
            broken["too_warm_k_h"] = float(hours @ np.maximum(0.0, plan.room_c - problem.cooling.high_c))
            broken["too_cold_k_h"] = float(hours @ np.maximum(0.0, problem.cooling.low_c - plan.room_c))
        tolerance = 10.0 * self.kwh * max(1.0, float(hours.sum()))
        for name, amount in broken.items():
            self.number(f"{name} is misstated", plan.soft_limits.get(name, 0.0), amount, tolerance)

    def cost(self) -> None:
        problem, plan = self.problem, self.plan
        hours, price = problem.step_h, problem.price_per_kwh
        energy = hours * plan.grid_import_kw
        soft = (
            problem.reserve_penalty_per_kwh_h * float(hours @ plan.reserve_short_kwh)
            + problem.cap_penalty_per_kwh * float(hours @ plan.cap_excess_kw)
            + problem.unserved_penalty_per_kwh * float(hours @ plan.unserved_kw)
        )
        left = problem.terminal_value_per_kwh * float(plan.stored_kwh[-1])
        cost = float(price @ energy) + soft + sum(self.costs) - left
        scale = max(1.0, float(np.abs(price) @ energy) + soft + sum(map(abs, self.costs)), left)
        if abs(cost - plan.objective) > TOLERANCE * scale:
            self.faults.append(f"the plan costs {cost:.6g} and says {plan.objective:.6g}")
        elif abs(sum(plan.cost_by_term.values()) - plan.objective) > TOLERANCE * scale:
            self.faults.append("the terms of the cost do not add up to it")
