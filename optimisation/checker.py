"""Judges a plan from the problem alone, with numpy and nothing of the model: what it misses, nothing else catches."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from optimisation.claims import COMPONENTS, ClaimTable, table_of
from optimisation.devices import Cooling, DemandCharge, Export, Genset, Reduction
from optimisation.plan import BY_BATTERY, BY_SEGMENT, Plan
from optimisation.problem import SiteProblem
from optimisation.records import Floats
from optimisation.rectifier import RectifierCurve

TOLERANCE = 1e-6
"""kW, kWh, K or currency, relative to the largest number of the site where that is above 1."""


def check(problem: SiteProblem, plan: Plan) -> tuple[str, ...]:
    """Return what is wrong with a usable plan, one sentence each; empty = nothing. A plan without series has no faults.

    Each battery is run with its *net* power, as it will be in the field, so a plan that charges and discharges at once
    does not pass; the charge limit is the acceptance table itself, the rectifier is read from its curve, wear from
    segments that are run on their own, a paid reduction is settled by its rules, and the cost is reckoned afresh,
    without tie-breaks.
    """
    if not plan.usable:
        return ()
    misfit = _misfit(problem, plan)
    if misfit:
        return (misfit,)
    judge = _Judge(problem, plan)
    unknown = judge.unknown()
    if unknown:
        return (f"not finite: {', '.join(unknown)}",)
    judge.derive()
    judge.steps()
    judge.cost()
    return tuple(judge.faults)


def _misfit(problem: SiteProblem, plan: Plan) -> str:
    """What does not belong to the other of problem and plan."""
    n, batteries = problem.n_steps, problem.batteries
    if plan.stored_kwh.shape != (n,):
        return f"the plan has {plan.stored_kwh.size} steps, the problem {n}"
    segments = sum([len(battery.wear_per_kwh) for battery in batteries])
    for names, count in ((BY_BATTERY, len(batteries)), (BY_SEGMENT, segments)):
        for name in names:
            if getattr(plan, name).shape != (count, n):
                return f"{name} has shape {getattr(plan, name).shape}, the problem ({count}, {n})"
    for component, series in COMPONENTS.items():
        for name in series:
            if (getattr(problem, component) is None) != (getattr(plan, name) is None):
                return f"{name} and {component} are not both there"
    if (plan.demand_peak_kw is None) != (problem.demand is None):
        return "demand_peak_kw and demand are not both there"
    return ""


@lru_cache(maxsize=64)
def _curve(rectifier: RectifierCurve) -> tuple[Floats, Floats]:
    """Corners of the curve: DC output and AC input above standby, kW."""
    steps_ac = [width * slope for width, slope in zip(rectifier.segment_dc_kw, rectifier.ac_per_dc, strict=True)]
    return np.cumsum((0.0, *rectifier.segment_dc_kw)), np.cumsum((0.0, *steps_ac))


@lru_cache(maxsize=64)
def _acceptance(points: tuple[tuple[float, float], ...]) -> tuple[Floats, Floats]:
    """SoC and kW of an acceptance table."""
    soc, kw = np.array(points, dtype=np.float64).T
    return soc, kw


class _Judge:
    """One plan before one problem; collects the faults."""

    def __init__(self, problem: SiteProblem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.table: ClaimTable = table_of(problem)
        self.faults: list[str] = []
        self.costs: list[float] = []
        """Terms of the cost that are only there with their component."""
        self.block = np.empty((self.table.n_rows, problem.n_steps))
        given = [getattr(plan, name).ravel() for name in self.table.plan_series]
        given += [problem.dc_load_kw, problem.pv_kw, problem.ac_load_kw, problem.import_limit_kw]
        self.given = self.block[: self.table.problem_rows.stop]
        np.concatenate(given, out=self.given.reshape(-1))
        batteries = problem.batteries
        self.now_kwh = [min(battery.stored_kwh, battery.capacity_kwh) for battery in batteries]

    def rows(self, name: str) -> Floats:
        """The rows of a series in the block, shape (rows, n)."""
        return self.block[self.table.rows[name]]

    def unknown(self) -> list[str]:
        """Names of what is not finite, so that looking any further is useless; what is below 0 is a fault."""
        plan = self.plan
        numbers = {"objective": plan.objective, "demand_peak_kw": plan.demand_peak_kw or 0.0, **plan.soft_limits}
        names = [name for name, value in numbers.items() if not math.isfinite(value)]
        if self.given.min() >= 0.0 and self.given.max() < math.inf:  # both False for NaN
            return names
        for name in self.table.plan_series:
            rows = self.rows(name).min(axis=0)
            if not np.isfinite(self.rows(name)).all():
                names.append(name)
            elif name != "room_c" and rows.min() < 0.0:
                self.faults.append(f"{name} is below 0 in step {int(rows.argmin())} by {-rows.min():.3g}")
        return names

    def derive(self) -> None:
        """Reckon from the problem what the plan is held against."""
        problem, plan, rows = self.problem, self.plan, self.rows
        wanted = problem.ac_load_kw + problem.rectifier.standby_ac_kw
        rows("conversion")[0] = np.interp(plan.rectifier_dc_kw, *_curve(problem.rectifier))
        np.minimum(wanted, problem.import_limit_kw, out=rows("ac_base")[0])
        missing, beyond = rows("reserve_missing")[0], rows("cap_beyond")[0]
        np.maximum(0.0, problem.reserve_kwh - plan.stored_kwh, out=missing)
        np.maximum(0.0, plan.grid_import_kw - problem.cap_kw, out=beyond)
        self._run_batteries()
        if problem.export is not None:
            self._export(problem.export)
        if problem.sleep is not None:
            rows("sleep_available")[0] = problem.sleep.available_kw
        if problem.genset is not None:
            self._genset(problem.genset, wanted)
        self.room_tolerance = self._cooling(problem.cooling) if problem.cooling is not None else 0.0

    def _run_batteries(self) -> None:
        """Each battery by its net power, and each wear segment as a store of its own."""
        problem, table, rows, batteries = self.problem, self.table, self.rows, self.problem.batteries
        b = len(batteries)
        charge, discharge, stored = (rows(name) for name in BY_BATTERY)
        np.minimum(charge, discharge, out=rows("at_once"))
        kw_in, kw_out = (rows(name) for name in BY_SEGMENT)
        gain = np.empty((b + len(kw_in), problem.n_steps))
        net = charge - discharge
        # What goes in loses, what comes out takes more than it gives: so of both readings the lower is true.
        np.minimum(net * table.charge_efficiency[:b], net * table.kwh_out_per_kwh[:b], out=gain[:b])
        np.subtract(kw_in * table.charge_efficiency[b:], kw_out * table.kwh_out_per_kwh[b:], out=gain[b:])
        gain *= problem.step_h
        # Where the cycles so far are not known, a battery lacks what its shallow segments hold.
        start = [*self.now_kwh]
        for battery, now in zip(batteries, self.now_kwh, strict=True):
            k = len(battery.wear_per_kwh)
            width = battery.capacity_kwh / k
            start += battery.segment_kwh or [min(width, max(0.0, now - width * (k - 1 - j))) for j in range(k)]
        gain[:, 0] += start
        gain.cumsum(axis=1, out=self.block[table.rows["run"].start : table.rows["held"].stop])
        accepted = rows("accepted")
        for i, battery in enumerate(batteries):
            if battery.acceptance:
                soc = np.empty(problem.n_steps)
                soc[0], soc[1:] = self.now_kwh[i] / battery.capacity_kwh, stored[i, :-1] / battery.capacity_kwh
                accepted[i] = np.interp(soc, *_acceptance(battery.acceptance))
            else:
                accepted[i] = 0.0  # no claim is made of it

    def _export(self, export: Export) -> None:
        mains, rows, plan = self.problem.import_limit_kw > 0.0, self.rows, self.plan
        rows("export_limit")[0] = np.where(mains, export.limit_kw, 0.0)
        rows("inverter_limit")[0] = np.where(mains, export.inverter_max_kw, 0.0)
        sold, inverter = rows("grid_export_kw")[0], rows("inverter_dc_kw")[0]
        np.minimum(plan.grid_import_kw, sold, out=rows("both_ways")[0])
        np.minimum(plan.rectifier_dc_kw, inverter, out=rows("loop")[0])
        self.costs.append(-float((self.problem.step_h * export.price_per_kwh) @ sold))

    def _genset(self, genset: Genset, wanted: Floats) -> None:
        rows, on = self.rows, self.rows("genset_on")[0]
        unserved = np.minimum(np.maximum(0.0, wanted - self.problem.import_limit_kw), genset.max_kw)
        rows("genset_extra")[0] = on * unserved
        rows("genset_between")[0] = np.minimum(on, np.abs(1.0 - on))
        rows("genset_available")[0] = genset.available
        starts = int(np.count_nonzero(np.diff(on, prepend=float(genset.running)) > 0.5))
        fuel = genset.fuel_per_kwh * float(self.problem.step_h @ rows("genset_kw")[0])
        self.costs.append(genset.start_cost * starts + fuel)

    def _cooling(self, cooling: Cooling) -> float:
        """Returns how far off a room may be, K."""
        room, power, hours = self.rows("room_c")[0], self.rows("cooling_kw")[0], self.problem.step_h
        before = np.concatenate(([cooling.room_now_c], room[:-1]))
        heat = cooling.inside_heat_kw - cooling.cop * power
        settled = cooling.outdoor_c + heat / cooling.heat_loss_kw_per_k  # where the room would end with time
        left = np.exp(-hours * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k)
        self.rows("room_expected")[0] = settled + (before - settled) * left
        warm = float(hours @ np.maximum(0.0, room - cooling.high_c))
        cold = float(hours @ np.maximum(0.0, cooling.low_c - room))
        self.outside_band = {"too_warm_k_h": warm, "too_cold_k_h": cold}
        self.costs.append(cooling.discomfort_per_k_h * (warm + cold))
        return TOLERANCE * max(1.0, float(np.abs(settled).max()))

    def steps(self) -> None:
        """Judge what is claimed of every step."""
        problem, start = self.problem, self.table.problem_rows.start
        size = max(1.0, float(self.block[start : start + 3].max()))  # load, sun and AC load
        for battery in problem.batteries:
            size = max(size, battery.max_charge_kw, battery.max_discharge_kw)
        self.kw = TOLERANCE * size
        self.kwh = TOLERANCE * max(size * float(problem.step_h.max()), problem.capacity_kwh, 1.0)
        self.faults += self.table.broken(self.block, self.kw, self.kwh, self.room_tolerance)

    def number(self, what: str, value: float, expected: float, tolerance: float) -> None:
        if abs(value - expected) > tolerance:
            self.faults.append(f"{what}: {value:.6g} instead of {expected:.6g}")

    def cost(self) -> None:
        """Reckon what the plan costs and breaks in all, and hold it against what it says."""
        problem, plan, hours, price = self.problem, self.plan, self.problem.step_h, self.problem.price_per_kwh
        summed, rows = self.block @ hours, self.table.rows  # kWh of what is kW, kWh h of what is kWh

        def in_all(name: str) -> float:
            return float(summed[rows[name].start])

        broken = {
            "reserve_kwh_h": in_all("reserve_missing"),
            "import_cap_kwh": in_all("cap_beyond"),
            "unserved_kwh": in_all("unserved_kw"),
        }
        costs = self.costs
        costs += [
            problem.reserve_penalty_per_kwh_h * in_all("reserve_short_kwh"),
            problem.cap_penalty_per_kwh * in_all("cap_excess_kw"),
            problem.unserved_penalty_per_kwh * in_all("unserved_kw"),
            -problem.terminal_value_per_kwh * float(plan.stored_kwh[-1]),
        ]
        wear = [cost for battery in problem.batteries for cost in battery.wear_per_kwh]
        costs.append(float(summed[rows["segment_discharge_kw"]] @ wear))
        missing = 0.0
        for battery, stored in zip(problem.batteries, plan.battery_stored_kwh, strict=True):
            if battery.full_charge is not None:
                short = max(0.0, battery.capacity_kwh - float(stored[battery.full_charge.by_step]))
                costs.append(battery.full_charge.penalty_per_kwh * short)
                missing += short
        broken["full_charge_kwh"] = missing
        if problem.cooling is not None:
            broken |= self.outside_band
        if problem.sleep is not None:
            costs.append(problem.sleep.cost_per_kwh * in_all("sleep_kw"))
        if problem.demand is not None:
            self._demand(problem.demand)
        if problem.reduction is not None:
            self._settle(problem.reduction)

        tolerance = 10.0 * self.kwh * max(1.0, float(hours.sum()))
        for name, amount in broken.items():
            self.number(f"{name} is misstated", plan.soft_limits.get(name, 0.0), amount, tolerance)

        energy = hours * plan.grid_import_kw
        cost = float(price @ energy) + sum(costs)
        scale = max(1.0, float(np.abs(price) @ energy) + sum(map(abs, costs)))
        if abs(cost - plan.objective) > TOLERANCE * scale:
            self.faults.append(f"the plan costs {cost:.6g} and says {plan.objective:.6g}")
        elif abs(sum(plan.cost_by_term.values()) - plan.objective) > TOLERANCE * scale:
            self.faults.append("the terms of the cost do not add up to it")

    def _demand(self, demand: DemandCharge) -> None:
        mean, hours = self.plan.grid_import_kw, self.problem.step_h
        if demand.interval_of_step[-1] + 1 < self.problem.n_steps:  # an interval has several steps
            ends = np.flatnonzero(np.diff(demand.interval_of_step, append=-1)) + 1
            length = np.diff(np.concatenate(([0.0], np.cumsum(hours)[ends - 1])))
            energy = np.diff(np.concatenate(([0.0], np.cumsum(hours * mean)[ends - 1])))
            mean = energy / length
        billed = mean if demand.counts is None else mean[demand.counts[np.unique(demand.interval_of_step, True)[1]]]
        peak = max(demand.peak_so_far_kw, float(billed.max(initial=0.0)))
        self.number("the billing peak is misstated", self.plan.demand_peak_kw or 0.0, peak, 10.0 * self.kw)
        self.costs.append(demand.price_per_kw * (peak - demand.peak_so_far_kw))

    def _settle(self, reduction: Reduction) -> None:
        net = self.plan.grid_import_kw
        if self.plan.grid_export_kw is not None:
            net = net - self.plan.grid_export_kw
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
