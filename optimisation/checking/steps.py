"""The constraints that must hold in every step.

Each is written as an excess that may be at most 0; the excesses of all constraints are then judged
at once.

After a run of HiGHS the processor's caches are cold, so the time of a check depends on how many
different kinds of calls it makes. That is why sums and extremes are taken by `reduce` alone, and
products by `dot`.
"""

from __future__ import annotations

from collections.abc import Iterator
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

Excess = tuple[Constraint, Floats, float, int | None]
"""A constraint, its excess in each step, shape (n,), the excess that is tolerated, and the index of
the battery where it is a constraint of one battery.
"""


def step_violations(
    problem: SiteProblem, plan: Plan, tolerances: Tolerances
) -> list[StepViolation]:
    """Judge every step of a plan that has the right form and is finite."""
    excesses = [
        *_buses(problem, plan, tolerances.kw),
        *_supply(problem, plan, tolerances.kw),
        *_totals_of_batteries(problem, plan, tolerances.kwh),
    ]
    first = 0
    for b, battery in enumerate(problem.batteries):
        after = first + len(battery.wear_per_kwh)
        excesses += _battery(problem, b, slice(first, after), plan, tolerances)
        first = after
    if problem.export is not None:
        excesses += _export(problem, problem.export, plan, tolerances.kw)
    if problem.sleep is not None:
        excesses += _sleep(problem.sleep, plan, tolerances.kw)
    if problem.genset is not None:
        excesses += _genset(problem.genset, plan, tolerances.kw)
    if problem.cooling is not None:
        excesses += _cooling(problem, problem.cooling, plan, tolerances)
    return _violations(excesses)


def _violations(excesses: list[Excess]) -> list[StepViolation]:
    """The constraints that are exceeded by more than their tolerance."""
    together = np.concatenate([excess for _, excess, _, _ in excesses])
    largest = np.maximum.reduce(together.reshape(len(excesses), -1), axis=1).tolist()
    found = []
    for (constraint, excess, tolerance, battery), beyond in zip(excesses, largest, strict=True):
        if not beyond <= tolerance:  # also where it is NaN
            step = int(excess.argmax())
            found.append(StepViolation(constraint, step, beyond, battery))
    return found


def _buses(problem: SiteProblem, plan: Plan, kw: float) -> Iterator[Excess]:
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
    yield Constraint.DC_BALANCE, np.abs(dc_kw), kw, None
    yield Constraint.AC_BALANCE, np.abs(ac_kw), kw, None


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


def _supply(problem: SiteProblem, plan: Plan, kw: float) -> Iterator[Excess]:
    yield Constraint.PV_AVAILABLE, plan.pv_kw - problem.pv_kw, kw, None
    not_served = plan.unserved_kw - problem.dc_load_kw
    if problem.sleep is not None:
        not_served = not_served + plan["sleep_kw"]
    yield Constraint.UNSERVED_LOAD, not_served, kw, None
    grid_import = plan.grid_import_kw
    yield Constraint.IMPORT_LIMIT, grid_import - problem.import_limit_kw, kw, None
    most_kw = min(problem.rectifier_max_dc_kw, sum(problem.rectifier.segment_dc_kw))
    yield Constraint.RECTIFIER_LIMIT, plan.rectifier_dc_kw - most_kw, kw, None
    above_cap = np.maximum(0.0, grid_import - problem.cap_kw)
    yield Constraint.CAP_EXCESS, np.abs(plan.cap_excess_kw - above_cap), kw, None


def _totals_of_batteries(problem: SiteProblem, plan: Plan, kwh: float) -> Iterator[Excess]:
    for constraint, total, parts in (
        (Constraint.CHARGE_TOTAL, plan.charge_kw, plan.battery_charge_kw),
        (Constraint.DISCHARGE_TOTAL, plan.discharge_kw, plan.battery_discharge_kw),
        (Constraint.STORED_TOTAL, plan.stored_kwh, plan.battery_stored_kwh),
    ):
        for part in parts:
            total = total - part
        yield constraint, np.abs(total), kwh, None
    missing = np.maximum(0.0, problem.reserve_kwh - plan.stored_kwh)
    yield Constraint.RESERVE_SHORTAGE, np.abs(plan.reserve_short_kwh - missing), kwh, None


def _battery(
    problem: SiteProblem, b: int, segments: slice, plan: Plan, tolerances: Tolerances
) -> Iterator[Excess]:
    """Battery `b`, run with its net power; `segments` are its rows among all wear segments."""
    battery, kw, kwh = problem.batteries[b], tolerances.kw, tolerances.kwh
    charge, discharge = plan.battery_charge_kw[b], plan.battery_discharge_kw[b]
    stored = plan.battery_stored_kwh[b]
    now_kwh = min(battery.stored_kwh, battery.capacity_kwh)
    yield Constraint.CHARGE_LIMIT, charge - battery.max_charge_kw, kw, b
    yield Constraint.DISCHARGE_LIMIT, discharge - battery.max_discharge_kw, kw, b
    yield Constraint.ONE_DIRECTION, np.minimum(charge, discharge), kw, b
    yield Constraint.CAPACITY, stored - battery.capacity_kwh, kwh, b
    followed = now_kwh + _gain_kwh(battery, charge - discharge, problem.step_h).cumsum()
    yield Constraint.STORED_ENERGY, np.abs(stored - followed), kwh, b
    if battery.acceptance:
        # By the energy at the start of each step, the first of which is now.
        before = np.concatenate(([now_kwh], stored[:-1]))
        accepted = np.interp(before, *_acceptance(battery.acceptance, battery.capacity_kwh))
        yield Constraint.ACCEPTANCE, charge - accepted, tolerances.acceptance_kw, b

    segment_charge = plan.segment_charge_kw[segments]
    segment_discharge = plan.segment_discharge_kw[segments]
    yield Constraint.SEGMENT_CHARGE, np.abs(charge - np.add.reduce(segment_charge)), kw, b
    yield Constraint.SEGMENT_DISCHARGE, np.abs(discharge - np.add.reduce(segment_discharge)), kw, b
    n_segments = len(battery.wear_per_kwh)
    if n_segments > 1:
        # Each wear segment is a store of its own.
        now = np.array(battery.segment_kwh or _after_one_discharge(battery))
        gain = _gain_kwh(battery, segment_charge - segment_discharge, problem.step_h)
        held = now[:, None] + gain.cumsum(axis=1)
        yield Constraint.SEGMENT_EMPTY, -np.minimum.reduce(held), kwh, b
        size_kwh = battery.capacity_kwh / n_segments
        yield Constraint.SEGMENT_FULL, np.maximum.reduce(held) - size_kwh, kwh, b


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


def _export(problem: SiteProblem, export: Export, plan: Plan, kw: float) -> Iterator[Excess]:
    mains = problem.import_limit_kw > 0.0
    sold, inverter_dc = plan["grid_export_kw"], plan["inverter_dc_kw"]
    limit = np.where(mains, export.limit_kw, 0.0)
    yield Constraint.EXPORT_LIMIT, sold - limit, kw, None
    limit = np.where(mains, export.inverter_max_kw, 0.0)
    yield Constraint.INVERTER_LIMIT, export.inverter_efficiency * inverter_dc - limit, kw, None
    yield Constraint.IMPORT_OR_EXPORT, np.minimum(plan.grid_import_kw, sold), kw, None
    both = np.minimum(plan.rectifier_dc_kw, inverter_dc)
    yield Constraint.RECTIFIER_OR_INVERTER, both, kw, None


def _sleep(sleep: RadioSleep, plan: Plan, kw: float) -> Iterator[Excess]:
    yield Constraint.SLEEP_AVAILABLE, plan["sleep_kw"] - sleep.available_kw, kw, None


def _genset(genset: Genset, plan: Plan, kw: float) -> Iterator[Excess]:
    on, output = plan["genset_on"], plan["genset_kw"]
    yield Constraint.GENSET_ON_OR_OFF, np.minimum(on, np.abs(1.0 - on)), 0.0, None
    yield Constraint.GENSET_AVAILABLE, on - genset.available, 0.0, None
    yield Constraint.GENSET_MAXIMUM, output - genset.max_kw * on, kw, None
    yield Constraint.GENSET_MINIMUM, genset.min_kw * on - output, kw, None


def _cooling(
    problem: SiteProblem, cooling: Cooling, plan: Plan, tolerances: Tolerances
) -> Iterator[Excess]:
    """The room follows the exact solution of its heat balance over each step."""
    power, room, hours = plan["cooling_kw"], plan["room_c"], problem.step_h
    yield Constraint.COOLING_MAXIMUM, power - cooling.max_kw, tolerances.kw, None
    before = np.concatenate(([cooling.room_now_c], room[:-1]))
    heat_kw = cooling.inside_heat_kw - cooling.cop * power
    settled = cooling.outdoor_c + heat_kw / cooling.heat_loss_kw_per_k
    kept = np.exp(-hours * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k)
    followed = settled + (before - settled) * kept
    tolerance_k = tolerances.temperature_k(settled)
    yield Constraint.ROOM_TEMPERATURE, np.abs(room - followed), tolerance_k, None
