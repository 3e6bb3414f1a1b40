"""The constraints that must hold in every step.

Each is written as an excess that may be at most 0; the excesses of all constraints are then judged
at once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from optimisation.arrays import Floats
from optimisation.checking.tolerances import Tolerances
from optimisation.checking.violations import Constraint, StepViolation
from optimisation.plan.plan import Plan
from optimisation.problem.battery import BatteryModel
from optimisation.problem.components import Cooling, Export, Genset, RadioSleep
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem


def step_violations(
    problem: SiteProblem, plan: Plan, tolerances: Tolerances
) -> list[StepViolation]:
    """Judge every step of a plan that has the right form and is finite."""
    excesses = _Excesses(problem.n_steps, tolerances)
    _buses(problem, plan, excesses)
    _supply(problem, plan, excesses)
    _totals_of_batteries(problem, plan, excesses)
    first = 0
    for b, battery in enumerate(problem.batteries):
        after = first + len(battery.wear_per_kwh)
        _battery(problem, b, slice(first, after), plan, excesses)
        first = after
    if problem.export is not None:
        _export(problem, problem.export, plan, excesses)
    if problem.sleep is not None:
        _sleep(problem.sleep, plan, excesses)
    if problem.genset is not None:
        _genset(problem.genset, plan, excesses)
    if problem.cooling is not None:
        _cooling(problem, problem.cooling, plan, excesses)
    return excesses.violations()


class _Excesses:
    """Collects how far constraints are exceeded, in each step."""

    def __init__(self, n_steps: int, tolerances: Tolerances) -> None:
        self.tolerances = tolerances
        self._n_steps = n_steps
        self._constraints: list[tuple[Constraint, float, int | None]] = []
        """Each with its tolerance and, where it is of one battery, the index of that."""
        self._excess: list[Floats] = []

    def at_most_0(
        self, constraint: Constraint, excess: Floats, tolerance: float, battery: int | None = None
    ) -> None:
        """`excess` has shape (n,), in the unit of `tolerance`."""
        self._constraints.append((constraint, tolerance, battery))
        self._excess.append(excess)

    def is_0(
        self,
        constraint: Constraint,
        difference: Floats,
        tolerance: float,
        battery: int | None = None,
    ) -> None:
        """Like `at_most_0`, in both directions."""
        self.at_most_0(constraint, np.abs(difference), tolerance, battery)

    def violations(self) -> list[StepViolation]:
        """The constraints that are exceeded by more than their tolerance."""
        excess = np.concatenate(self._excess).reshape(-1, self._n_steps)
        largest = excess.max(axis=1).tolist()
        found = []
        for i, (constraint, tolerance, battery) in enumerate(self._constraints):
            if not largest[i] <= tolerance:  # also where it is NaN
                step = int(excess[i].argmax())
                found.append(StepViolation(constraint, step, largest[i], battery))
        return found


def _buses(problem: SiteProblem, plan: Plan, excesses: _Excesses) -> None:
    """What is fed into the DC bus and the AC side is what is taken from it."""
    dc_kw = plan.rectifier_dc_kw + plan.pv_kw + plan.discharge_kw + plan.unserved_kw
    dc_kw -= problem.dc_load_kw + plan.charge_kw
    ac_kw = plan.grid_import_kw - _served_ac_kw(problem)
    ac_kw -= np.interp(plan.rectifier_dc_kw, *_rectifier_corners(problem.rectifier))
    if problem.sleep is not None:
        dc_kw += plan["sleep_kw"]
    if problem.export is not None:
        dc_kw -= plan["inverter_dc_kw"]
        ac_kw += problem.export.inverter_efficiency * plan["inverter_dc_kw"]
        ac_kw -= plan["grid_export_kw"]
    if problem.genset is not None:
        # A running genset also serves AC load that the grid does not.
        unserved_kw = _wanted_ac_kw(problem) - _served_ac_kw(problem)
        extra_kw = np.minimum(unserved_kw, problem.genset.max_kw)
        ac_kw += plan["genset_kw"] - plan["genset_on"] * extra_kw
    if problem.cooling is not None:
        ac_kw -= plan["cooling_kw"]
    excesses.is_0(Constraint.DC_BALANCE, dc_kw, excesses.tolerances.kw)
    excesses.is_0(Constraint.AC_BALANCE, ac_kw, excesses.tolerances.kw)


def _wanted_ac_kw(problem: SiteProblem) -> Floats:
    """AC load and standby of the rectifier, shape (n,), kW."""
    return problem.ac_load_kw + problem.rectifier.standby_ac_kw


def _served_ac_kw(problem: SiteProblem) -> Floats:
    """The part of it that the grid serves, shape (n,), kW: nothing while the mains are out."""
    return np.minimum(_wanted_ac_kw(problem), problem.import_limit_kw)


@lru_cache(maxsize=64)
def _rectifier_corners(rectifier: RectifierCurve) -> tuple[Floats, Floats]:
    """DC output and AC input above standby at the corners of the curve, kW."""
    widths_dc, slopes = np.array(rectifier.segment_dc_kw), np.array(rectifier.ac_per_dc)
    dc_kw, ac_kw = np.cumsum(widths_dc), np.cumsum(widths_dc * slopes)
    return np.concatenate(([0.0], dc_kw)), np.concatenate(([0.0], ac_kw))


def _supply(problem: SiteProblem, plan: Plan, excesses: _Excesses) -> None:
    kw = excesses.tolerances.kw
    excesses.at_most_0(Constraint.PV_AVAILABLE, plan.pv_kw - problem.pv_kw, kw)
    not_served = plan.unserved_kw - problem.dc_load_kw
    if problem.sleep is not None:
        not_served = not_served + plan["sleep_kw"]
    excesses.at_most_0(Constraint.UNSERVED_LOAD, not_served, kw)
    grid_import = plan.grid_import_kw
    excesses.at_most_0(Constraint.IMPORT_LIMIT, grid_import - problem.import_limit_kw, kw)
    most_kw = min(problem.rectifier_max_dc_kw, sum(problem.rectifier.segment_dc_kw))
    excesses.at_most_0(Constraint.RECTIFIER_LIMIT, plan.rectifier_dc_kw - most_kw, kw)
    above_cap = np.maximum(0.0, grid_import - problem.cap_kw)
    excesses.is_0(Constraint.CAP_EXCESS, plan.cap_excess_kw - above_cap, kw)


def _totals_of_batteries(problem: SiteProblem, plan: Plan, excesses: _Excesses) -> None:
    kwh = excesses.tolerances.kwh
    for constraint, total, parts in (
        (Constraint.CHARGE_TOTAL, plan.charge_kw, plan.battery_charge_kw),
        (Constraint.DISCHARGE_TOTAL, plan.discharge_kw, plan.battery_discharge_kw),
        (Constraint.STORED_TOTAL, plan.stored_kwh, plan.battery_stored_kwh),
    ):
        for part in parts:
            total = total - part
        excesses.is_0(constraint, total, kwh)
    missing = np.maximum(0.0, problem.reserve_kwh - plan.stored_kwh)
    excesses.is_0(Constraint.RESERVE_SHORTAGE, plan.reserve_short_kwh - missing, kwh)


def _battery(
    problem: SiteProblem, b: int, segments: slice, plan: Plan, excesses: _Excesses
) -> None:
    """Battery `b`, run with its net power; `segments` are its rows among all wear segments."""
    battery, kw, kwh = problem.batteries[b], excesses.tolerances.kw, excesses.tolerances.kwh
    charge, discharge = plan.battery_charge_kw[b], plan.battery_discharge_kw[b]
    stored = plan.battery_stored_kwh[b]
    now_kwh = min(battery.stored_kwh, battery.capacity_kwh)
    excesses.at_most_0(Constraint.CHARGE_LIMIT, charge - battery.max_charge_kw, kw, b)
    excesses.at_most_0(Constraint.DISCHARGE_LIMIT, discharge - battery.max_discharge_kw, kw, b)
    excesses.at_most_0(Constraint.ONE_DIRECTION, np.minimum(charge, discharge), kw, b)
    excesses.at_most_0(Constraint.CAPACITY, stored - battery.capacity_kwh, kwh, b)
    followed = now_kwh + np.cumsum(_gain_kwh(battery, charge - discharge, problem.step_h))
    excesses.is_0(Constraint.STORED_ENERGY, stored - followed, kwh, b)
    if battery.acceptance:
        # By the energy at the start of each step, the first of which is now.
        before = np.concatenate(([now_kwh], stored[:-1]))
        accepted = np.interp(before, *_acceptance(battery.acceptance, battery.capacity_kwh))
        tolerance = excesses.tolerances.acceptance_kw
        excesses.at_most_0(Constraint.ACCEPTANCE, charge - accepted, tolerance, b)

    by_segment = plan.segment_charge_kw[segments], plan.segment_discharge_kw[segments]
    excesses.is_0(Constraint.SEGMENT_CHARGE, charge - by_segment[0].sum(axis=0), kw, b)
    excesses.is_0(Constraint.SEGMENT_DISCHARGE, discharge - by_segment[1].sum(axis=0), kw, b)
    if len(battery.wear_per_kwh) > 1:
        _wear_segments(battery, b, by_segment[0] - by_segment[1], problem.step_h, excesses)


def _wear_segments(
    battery: BatteryModel, b: int, net_kw: Floats, step_h: Floats, excesses: _Excesses
) -> None:
    """Each wear segment is a store of its own, with a net power; `net_kw` has shape (k, n)."""
    kwh = excesses.tolerances.kwh
    now_kwh = np.array(battery.segment_kwh or _after_one_discharge(battery))
    held = now_kwh[:, None] + np.cumsum(_gain_kwh(battery, net_kw, step_h), axis=1)
    size_kwh = battery.capacity_kwh / len(battery.wear_per_kwh)
    excesses.at_most_0(Constraint.SEGMENT_EMPTY, -held.min(axis=0), kwh, b)
    excesses.at_most_0(Constraint.SEGMENT_FULL, held.max(axis=0) - size_kwh, kwh, b)


def _gain_kwh(battery: BatteryModel, net_kw: Floats, step_h: Floats) -> Floats:
    """Stored energy gained in each step with a net power, + charging.

    Of energy put in, less arrives; for energy taken out, more leaves: the lower number applies.
    """
    net_kwh = net_kw * step_h
    return np.minimum(net_kwh * battery.charge_efficiency, net_kwh / battery.discharge_efficiency)


@lru_cache(maxsize=64)
def _acceptance(
    points: tuple[tuple[float, float], ...], capacity_kwh: float
) -> tuple[Floats, Floats]:
    """Stored energy, kWh, and power, kW, of an acceptance table."""
    soc, kw = np.array(points, dtype=np.float64).T
    return soc * capacity_kwh, kw.copy()


def _after_one_discharge(battery: BatteryModel) -> list[float]:
    """Energy by segment of a battery that was full and then discharged to what it holds now.

    A battery whose cycles so far are not known counts as such: its shallow segments are empty.
    """
    n_segments = len(battery.wear_per_kwh)
    size = battery.capacity_kwh / n_segments
    now = min(battery.stored_kwh, battery.capacity_kwh)
    deeper = [size * (n_segments - 1 - k) for k in range(n_segments)]
    return [min(size, max(0.0, now - below)) for below in deeper]


def _export(problem: SiteProblem, export: Export, plan: Plan, excesses: _Excesses) -> None:
    kw, mains = excesses.tolerances.kw, problem.import_limit_kw > 0.0
    sold, inverter_dc = plan["grid_export_kw"], plan["inverter_dc_kw"]
    limit = np.where(mains, export.limit_kw, 0.0)
    excesses.at_most_0(Constraint.EXPORT_LIMIT, sold - limit, kw)
    inverter_limit = np.where(mains, export.inverter_max_kw, 0.0)
    inverter_ac = export.inverter_efficiency * inverter_dc
    excesses.at_most_0(Constraint.INVERTER_LIMIT, inverter_ac - inverter_limit, kw)
    both = np.minimum(plan.grid_import_kw, sold)
    excesses.at_most_0(Constraint.IMPORT_OR_EXPORT, both, kw)
    both = np.minimum(plan.rectifier_dc_kw, inverter_dc)
    excesses.at_most_0(Constraint.RECTIFIER_OR_INVERTER, both, kw)


def _sleep(sleep: RadioSleep, plan: Plan, excesses: _Excesses) -> None:
    beyond = plan["sleep_kw"] - sleep.available_kw
    excesses.at_most_0(Constraint.SLEEP_AVAILABLE, beyond, excesses.tolerances.kw)


def _genset(genset: Genset, plan: Plan, excesses: _Excesses) -> None:
    kw, on, output = excesses.tolerances.kw, plan["genset_on"], plan["genset_kw"]
    between = np.minimum(on, np.abs(1.0 - on))
    excesses.at_most_0(Constraint.GENSET_ON_OR_OFF, between, 0.0)
    excesses.at_most_0(Constraint.GENSET_AVAILABLE, on - genset.available, 0.0)
    excesses.at_most_0(Constraint.GENSET_MAXIMUM, output - genset.max_kw * on, kw)
    excesses.at_most_0(Constraint.GENSET_MINIMUM, genset.min_kw * on - output, kw)


def _cooling(problem: SiteProblem, cooling: Cooling, plan: Plan, excesses: _Excesses) -> None:
    """The room follows the exact solution of its heat balance over each step."""
    power, room, hours = plan["cooling_kw"], plan["room_c"], problem.step_h
    beyond = power - cooling.max_kw
    excesses.at_most_0(Constraint.COOLING_MAXIMUM, beyond, excesses.tolerances.kw)
    before = np.concatenate(([cooling.room_now_c], room[:-1]))
    heat_kw = cooling.inside_heat_kw - cooling.cop * power
    settled = cooling.outdoor_c + heat_kw / cooling.heat_loss_kw_per_k
    kept = np.exp(-hours * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k)
    followed = settled + (before - settled) * kept
    tolerance = excesses.tolerances.temperature_k(settled)
    excesses.is_0(Constraint.ROOM_TEMPERATURE, room - followed, tolerance)
