"""Judges a plan from the problem alone, with numpy and nothing of the model: what it misses,
nothing else catches.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from operator import mul

import numpy as np

from optimisation.arrays import Floats, highest, lowest
from optimisation.checking.constraints import ConstraintTable, table_of
from optimisation.plan.plan import Plan
from optimisation.problem.battery import BatteryModel
from optimisation.problem.components import Cooling, DemandCharge, Export, Genset, Reduction
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem

TOLERANCE = 1e-6
"""kW, kWh, K or currency, relative to the largest number of the site where that is above 1."""


def check(problem: SiteProblem, plan: Plan) -> tuple[str, ...]:
    """Return what is wrong with a usable plan, one sentence each; empty = nothing. A plan without
    series has no faults.

    Each battery is run with its *net* power, as it will be in the field, so a plan that charges and
    discharges at once does not pass; the charge limit is the acceptance table itself, the rectifier
    is read from its curve, wear from segments that are run on their own, a paid reduction is
    settled by its rules, and the cost is reckoned afresh, without tie-breaks.
    """
    if not plan.usable:
        return ()
    table = table_of(problem)
    if plan.block.shape[1:] != (problem.n_steps,):
        return (f"the plan has {plan.stored_kwh.size} steps, the problem {problem.n_steps}",)
    if plan.rows is not table.plan_rows and plan.rows != table.plan_rows:
        series = (
            ", ".join(sorted(plan.rows.keys() ^ table.plan_rows.keys()))
            or "a series has another number of rows"
        )
        return (f"the plan is of another site: {series}",)
    if len(plan.block) != table.n_plan_rows:
        return (f"the plan has {len(plan.block)} rows of series, its site {table.n_plan_rows}",)
    if (plan.demand_peak_kw is None) != (problem.demand is None):
        return ("demand_peak_kw and demand are not both there",)
    judge = _Judge(problem, plan, table)
    unknown = judge.unknown()
    if unknown:
        return (f"not finite: {', '.join(unknown)}",)
    judge.derive()
    judge.steps()
    judge.cost()
    return tuple(judge.faults)


@lru_cache(maxsize=64)
def _curve(rectifier: RectifierCurve) -> tuple[Floats, Floats]:
    """Corners of the curve: DC output and AC input above standby, kW."""
    steps_ac = [
        width * slope
        for width, slope in zip(rectifier.segment_dc_kw, rectifier.ac_per_dc, strict=True)
    ]
    return np.cumsum((0.0, *rectifier.segment_dc_kw)), np.cumsum((0.0, *steps_ac))


@lru_cache(maxsize=64)
def _acceptance(
    points: tuple[tuple[float, float], ...], capacity_kwh: float
) -> tuple[Floats, Floats]:
    """Stored energy, kWh, and power, kW, of an acceptance table."""
    soc, kw = np.array(points, dtype=np.float64).T
    return soc * capacity_kwh, kw.copy()


def _as_after_one_discharge(battery: BatteryModel, now_kwh: float) -> list[float]:
    """Where the cycles so far are not known, a battery lacks what its shallow segments hold."""
    k = len(battery.wear_per_kwh)
    width = battery.capacity_kwh / k
    return [min(width, max(0.0, now_kwh - width * (k - 1 - j))) for j in range(k)]


class _Judge:
    """One plan before one problem; collects the faults."""

    def __init__(self, problem: SiteProblem, plan: Plan, table: ConstraintTable) -> None:
        self.problem, self.plan, self.table, self.first_row = problem, plan, table, table.first_row
        self.faults: list[str] = []
        self.costs: list[float] = []
        """Terms of the cost that are only there with their component."""
        self.block = block = np.empty((table.n_rows, problem.n_steps))
        first, self.given = table.problem_rows.start, block[: table.problem_rows.stop]
        block[:first] = plan.block[:first]
        block[first], block[first + 1] = problem.dc_load_kw, problem.pv_kw
        block[first + 2], block[first + 3] = problem.ac_load_kw, problem.import_limit_kw
        block[self.first_row["one"]] = 1.0

    def row(self, name: str) -> Floats:
        """The row of a series in the block, shape (n,)."""
        row: Floats = self.block[self.first_row[name]]
        return row

    def unknown(self) -> list[str]:
        """Names of what is not finite, so that looking any further is useless; what is below 0 is a
        fault.
        """
        plan = self.plan
        names = [name for name, value in plan.soft_limits.items() if not math.isfinite(value)]
        if not math.isfinite(plan.objective):
            names.append("objective")
        if plan.demand_peak_kw is not None and not math.isfinite(plan.demand_peak_kw):
            names.append("demand_peak_kw")
        if lowest(self.given) >= 0.0:  # False for NaN; infinity breaks the balances
            return names
        for name, place in self.table.rows.items():
            if place.start >= self.table.problem_rows.start:
                break
            rows = self.block[place]
            if not np.isfinite(rows).all():
                names.append(name)
            elif name != "room_c" and rows.min() < 0.0:
                t = int(rows.min(axis=0).argmin())
                self.faults.append(f"{name} is below 0 in step {t} by {-rows.min():.3g}")
        return names

    def derive(self) -> None:
        """Reckon from the problem what the plan is held against."""
        problem, row = self.problem, self.row
        wanted = problem.ac_load_kw + problem.rectifier.standby_ac_kw
        np.minimum(wanted, problem.import_limit_kw, out=row("ac_base"))
        row("conversion")[:] = np.interp(row("rectifier_dc_kw"), *_curve(problem.rectifier))
        np.maximum(0.0, problem.reserve_kwh - row("stored_kwh"), out=row("reserve_missing"))
        np.maximum(0.0, row("grid_import_kw") - problem.cap_kw, out=row("cap_beyond"))
        self._run_batteries()
        if problem.export is not None:
            self._export(problem.export)
        if problem.sleep is not None:
            row("sleep_available")[:] = problem.sleep.available_kw
        if problem.genset is not None:
            self._genset(problem.genset, wanted)
        self.room_tolerance = (
            TOLERANCE if problem.cooling is None else self._cooling(problem.cooling)
        )

    def _run_batteries(self) -> None:
        """Each battery by its net power, and each wear segment as a store of its own."""
        table, block, places, batteries = (
            self.table,
            self.block,
            self.table.rows,
            self.problem.batteries,
        )
        charge = block[places["battery_charge_kw"].start : places["segment_charge_kw"].stop]
        discharge = block[
            places["battery_discharge_kw"].start : places["segment_discharge_kw"].stop
        ]
        np.minimum(
            charge[: len(batteries)], discharge[: len(batteries)], out=block[places["at_once"]]
        )
        net_kwh = (charge - discharge) * self.problem.step_h
        # What goes in loses, what comes out takes more than it gives: so of both readings the lower
        # is true.
        gain_kwh = np.minimum(net_kwh * table.charge_efficiency, net_kwh * table.kwh_out_per_kwh)
        now_kwh = [min(battery.stored_kwh, battery.capacity_kwh) for battery in batteries]
        start_kwh = now_kwh.copy()
        for battery, now in zip(batteries, now_kwh, strict=True):
            start_kwh += battery.segment_kwh or _as_after_one_discharge(battery, now)
        gain_kwh[:, 0] += start_kwh
        np.add.accumulate(gain_kwh, axis=1, out=block[places["run"].start : places["held"].stop])
        stored = block[places["battery_stored_kwh"]]
        for i, (battery, accepted) in enumerate(
            zip(batteries, block[places["accepted"]], strict=True)
        ):
            if battery.acceptance:
                # By what is stored at the start of each step, the first of which is now.
                accepted[0], accepted[1:] = now_kwh[i], stored[i, :-1]
                accepted[:] = np.interp(
                    accepted, *_acceptance(battery.acceptance, battery.capacity_kwh)
                )
            else:
                accepted[:] = 0.0  # no claim is made of it

    def _export(self, export: Export) -> None:
        mains, row = self.problem.import_limit_kw > 0.0, self.row
        row("export_limit")[:] = np.where(mains, export.limit_kw, 0.0)
        row("inverter_limit")[:] = np.where(mains, export.inverter_max_kw, 0.0)
        sold = row("grid_export_kw")
        np.minimum(row("grid_import_kw"), sold, out=row("both_ways"))
        np.minimum(row("rectifier_dc_kw"), row("inverter_dc_kw"), out=row("loop"))
        self.costs.append(-float((self.problem.step_h * export.price_per_kwh) @ sold))

    def _genset(self, genset: Genset, wanted: Floats) -> None:
        row, on = self.row, self.row("genset_on")
        unserved = np.minimum(np.maximum(0.0, wanted - self.problem.import_limit_kw), genset.max_kw)
        row("genset_extra")[:] = on * unserved
        row("genset_between")[:] = np.minimum(on, np.abs(1.0 - on))
        row("genset_available")[:] = genset.available
        starts = int(np.count_nonzero(np.diff(on, prepend=float(genset.running)) > 0.5))
        fuel = genset.fuel_per_kwh * float(self.problem.step_h @ row("genset_kw"))
        self.costs.append(genset.start_cost * starts + fuel)

    def _cooling(self, cooling: Cooling) -> float:
        """Returns how far off a room may be, K."""
        room, power, hours = self.row("room_c"), self.row("cooling_kw"), self.problem.step_h
        before = np.concatenate(([cooling.room_now_c], room[:-1]))
        heat = cooling.inside_heat_kw - cooling.cop * power
        settled = (
            cooling.outdoor_c + heat / cooling.heat_loss_kw_per_k
        )  # where the room would end with time
        left = np.exp(-hours * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k)
        self.row("room_expected")[:] = settled + (before - settled) * left
        warm = float(hours @ np.maximum(0.0, room - cooling.high_c))
        cold = float(hours @ np.maximum(0.0, cooling.low_c - room))
        self.outside_band = {"too_warm_k_h": warm, "too_cold_k_h": cold}
        self.costs.append(cooling.discomfort_per_k_h * (warm + cold))
        return TOLERANCE * max(1.0, float(np.abs(settled).max()))

    def steps(self) -> None:
        """Judge what is claimed of every step."""
        beyond = self.table.beyond(self.block)
        # What is within the tolerance of the smallest site needs no closer look. False for NaN.
        if not highest(beyond) <= self.table.least_tolerance * TOLERANCE:
            self.faults += self.table.broken(beyond, self.kw, self.kwh, self.room_tolerance)

    @cached_property
    def kw(self) -> float:
        """Tolerance of a power."""
        return TOLERANCE * self._size_kw

    @cached_property
    def kwh(self) -> float:
        """Tolerance of an energy."""
        longest_h = float(self.problem.step_h.max())
        return TOLERANCE * max(self._size_kw * longest_h, self.problem.capacity_kwh, 1.0)

    @cached_property
    def _size_kw(self) -> float:
        problem = self.problem
        given = (problem.dc_load_kw, problem.pv_kw, problem.ac_load_kw)
        limits = [
            kw
            for battery in problem.batteries
            for kw in (battery.max_charge_kw, battery.max_discharge_kw)
        ]
        return max(1.0, *(float(series.max()) for series in given), *limits)

    def number(self, what: str, value: float, expected: float, tolerance: float) -> None:
        if not abs(value - expected) <= tolerance:  # also where it is NaN
            self.faults.append(f"{what}: {value:.6g} instead of {expected:.6g}")

    def cost(self) -> None:
        """Reckon what the plan costs and breaks in all, and hold it against what it says."""
        problem, plan, hours, rows = self.problem, self.plan, self.problem.step_h, self.table.rows
        first = self.first_row
        in_all = self.block.dot(hours).tolist()  # kWh of what is kW, kWh h of what is kWh
        broken = {
            "reserve_kwh_h": in_all[first["reserve_missing"]],
            "import_cap_kwh": in_all[first["cap_beyond"]],
            "unserved_kwh": in_all[first["unserved_kw"]],
        }
        over_kw = problem.ac_load_kw - problem.import_limit_kw
        if highest(over_kw) > 0.0:
            broken["ac_unserved_kwh"] = self._ac_unserved_kwh(over_kw)
        wear = [cost for battery in problem.batteries for cost in battery.wear_per_kwh]
        costs = [
            *self.costs,
            problem.reserve_penalty_per_kwh_h * in_all[first["reserve_short_kwh"]],
            problem.cap_penalty_per_kwh * in_all[first["cap_excess_kw"]],
            problem.unserved_penalty_per_kwh * broken["unserved_kwh"],
            -problem.terminal_value_per_kwh * float(self.row("stored_kwh")[-1]),
            *map(mul, wear, in_all[rows["segment_discharge_kw"]]),
        ]
        for b, battery in enumerate(problem.batteries):
            if battery.full_charge is not None:
                stored_kwh = float(
                    self.block[rows["battery_stored_kwh"].start + b, battery.full_charge.by_step]
                )
                missing = max(0.0, battery.capacity_kwh - stored_kwh)
                broken["full_charge_kwh"] = broken.get("full_charge_kwh", 0.0) + missing
                costs.append(battery.full_charge.penalty_per_kwh * missing)
        if problem.cooling is not None:
            broken |= self.outside_band
        if problem.sleep is not None:
            costs.append(problem.sleep.cost_per_kwh * in_all[first["sleep_kw"]])
        if problem.demand is not None:
            costs.append(self._demand(problem.demand))
        if problem.reduction is not None:
            costs += self._settle(problem.reduction)

        if plan.soft_limits or max(broken.values()) > TOLERANCE:
            tolerance = 10.0 * self.kwh * max(1.0, float(hours.sum()))
            for name in broken.keys() | plan.soft_limits.keys():
                self.number(
                    f"{name} is misstated",
                    plan.soft_limits.get(name, 0.0),
                    broken.get(name, 0.0),
                    tolerance,
                )

        costs.append(float((problem.price_per_kwh * hours).dot(self.row("grid_import_kw"))))
        cost, scale = sum(costs), max(1.0, sum(map(abs, costs)))
        if abs(cost - plan.objective) > TOLERANCE * scale:
            self.faults.append(f"the plan costs {cost:.6g} and says {plan.objective:.6g}")
        elif (
            not abs(sum(plan.cost_by_term.values()) - plan.objective) <= TOLERANCE * scale
        ):  # also where it is NaN
            self.faults.append("the terms of the cost do not add up to it")

    def _ac_unserved_kwh(self, over_kw: Floats) -> float:
        """AC load beyond the connection and the genset, where that runs; an outage is no shortage
        of it.
        """
        if self.problem.genset is not None:
            over_kw = over_kw - self.problem.genset.max_kw * self.row("genset_on")
        short_kw = np.where(self.problem.import_limit_kw > 0.0, np.maximum(0.0, over_kw), 0.0)
        return float(short_kw.dot(self.problem.step_h))

    def _demand(self, demand: DemandCharge) -> float:
        """Returns what the peak costs."""
        mean, hours = self.plan.grid_import_kw, self.problem.step_h
        if demand.interval_of_step[-1] + 1 < self.problem.n_steps:  # an interval has several steps
            ends = np.flatnonzero(np.diff(demand.interval_of_step, append=-1)) + 1
            length = np.diff(np.concatenate(([0.0], np.cumsum(hours)[ends - 1])))
            energy = np.diff(np.concatenate(([0.0], np.cumsum(hours * mean)[ends - 1])))
            mean = energy / length
        billed = (
            mean
            if demand.counts is None
            else mean[demand.counts[np.unique(demand.interval_of_step, True)[1]]]
        )
        peak = max(demand.peak_so_far_kw, highest(billed) if billed.size else 0.0)
        stated = self.plan.demand_peak_kw or 0.0
        if not abs(stated - peak) <= TOLERANCE:
            self.number("the billing peak is misstated", stated, peak, 10.0 * self.kw)
        return demand.price_per_kw * (peak - demand.peak_so_far_kw)

    def _settle(self, reduction: Reduction) -> list[float]:
        """Returns penalty less pay of each event."""
        costs = []
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
            penalty = (
                reduction.penalty_per_kwh * length * max(0.0, reduction.penalty_low * bid - mean)
            )
            costs.append(penalty - pay)
            settled = stated.pop(first, None)
            if settled is None or settled.after != t:
                self.faults.append(f"the reduction from step {first} to {t} is not settled")
                continue
            scale = TOLERANCE * max(1.0, pay, penalty)
            self.number(
                f"the reduction of step {first} is misstated",
                settled.reduction_kw,
                mean,
                10.0 * self.kw,
            )
            self.number(f"the pay of step {first} is misstated", settled.pay, pay, scale)
            self.number(
                f"the penalty of step {first} is misstated", settled.penalty, penalty, scale
            )
        self.faults += [
            f"a reduction from step {first} is settled and was not asked for" for first in stated
        ]
        return costs
