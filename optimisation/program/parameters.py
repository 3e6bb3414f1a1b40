"""The numbers of a problem under the names of the model's Params, with the tie-breaks that make the
plan unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, highest, lowest, read_only
from optimisation.problem.battery import charge_limit_kw, sloped_cuts
from optimisation.problem.components import (
    Cooling,
    DemandCharge,
    Export,
    Genset,
    RadioSleep,
    Reduction,
)
from optimisation.problem.rectifier import RectifierCurve
from optimisation.problem.site_problem import SiteProblem

TIE_BREAK = 1e-4
"""Size of the tie-breaks as a share of the largest price. Energy is also moved for no gain smaller
than this.
"""

BATTERY_TIE = 0.1
"""Of a tie-break, by which each further battery is dearer, so that of equal batteries the first is
used.
"""

_Params = dict[str, Any]


class _Prices:
    """What energy costs in the eyes of the program, arrays of shape (n,), currency/kWh."""

    def __init__(self, problem: SiteProblem, going: tuple[bool, ...], tie_break: float) -> None:
        price, n = problem.price_per_kwh, problem.n_steps
        least_price = lowest(price)
        wear = max([battery.wear_per_kwh[-1] for battery in problem.batteries])
        self.largest = (
            max(highest(price), -least_price, problem.terminal_value_per_kwh, wear) or 1.0
        )
        self.tie = tie_break * self.largest
        self.import_tie = self.tie * _falling(n)
        self.imported = price + self.import_tie
        # Earned by wasting a kWh; what a demand charge, a cap or a paid reduction adds to the price
        # only lowers it.
        least = self.imported
        if problem.export is not None:
            self.sold = problem.export.price_per_kwh
            least = np.minimum(least, self.sold)
            least_price = lowest(least)
        self.waste_pays = least_price < 0.0
        if self.waste_pays:
            # With the mains out nobody is paid.
            self.wasted = np.where(problem.import_limit_kw > 0.0, np.maximum(0.0, -least), 0.0)
            # Room that is made now may be filled for pay later.
            self.to_come = np.maximum.accumulate(self.wasted[::-1])[::-1]
        if problem.reduction is not None and any(going):
            self.imported = self.imported.copy()
            for goes, (first, after) in zip(going, problem.reduction_events, strict=True):
                if goes:
                    self.imported[first:after] += problem.reduction.price_per_kwh


@lru_cache(maxsize=16)
def _growing(n: int) -> Floats:
    """Tie-break that grows from step to step up to 1, shape (n,)."""
    return np.arange(1, n + 1) / n


@lru_cache(maxsize=16)
def _falling(n: int) -> Floats:
    """Tie-break that falls from step to step from 1, shape (n,)."""
    return 1.0 + 1.0 / n - _growing(n)


def parameters(
    problem: SiteProblem, going: tuple[bool, ...] = (), tie_break: float = TIE_BREAK
) -> Mapping[str, Any]:
    """Return every Param of `model.build(shape_of(problem))`, shaped as its index.

    `going` says for each event of a paid reduction whether the plan goes for the pay; empty = for
    none.

    Tie-breaks (currency/kWh), all a small multiple of the same tiny price, make the plan one:
    import gets cheaper from step to step and charging dearer twice as fast, so of equal hours the
    early ones charge and the early ones discharge. What is stored soon is there if the sun is not,
    and what is used soon cannot be left over when the dear hours end. Charging costs something even
    where energy is free; discharging costs a little, less from step to step, so that sun goes
    before wear-free storage; rectifier segments are used in order, and of equal batteries the
    first.

    Where a price (of import or export) is negative an LP would earn by wasting energy: in the
    rectifier, in the inverter, or by charging and discharging at once. So

    - every rectifier segment is paid like the least lossy one there;
    - up to the last such step each battery's discharging costs what its loop could earn, -price x ac_per_dc x
      (1 - e) / e less the wear of its shallowest segment; e is its round-trip efficiency and the price the lowest from
      that step on, since a loop earlier in the day would make room for energy that is paid for later. Energy lost on
      the way through several batteries is the sum of what each loses, so the sum of the costs covers it; the same
      goes for the loop through rectifier and inverter.
    """
    prices = _Prices(problem, going, tie_break)
    values = _supply(problem, prices) | _batteries(problem, prices)
    if problem.export is not None:
        values |= _export(problem, problem.export, prices)
    if problem.cooling is not None:
        values |= _cooling(problem, problem.cooling, prices)
    if problem.sleep is not None:
        values |= _sleep(problem, problem.sleep)
    if problem.genset is not None:
        values |= _genset(problem, problem.genset, prices)
    if problem.demand is not None:
        values |= _demand(problem, problem.demand)
    if problem.reduction is not None:
        values |= _reduction(problem, problem.reduction, going)
    return values


class _Shelf(NamedTuple):
    """The rectifier on one grid of steps, and what else of the supply stays from plan to plan."""

    slopes: Floats
    slope_h: Floats
    """Slope of each segment x length of each step, shape (n, segments), like the next."""
    order_h: Floats
    """Number of each segment x length of each step."""
    values: _Params


@lru_cache(maxsize=64)
def _shelf(
    step_h: bytes,
    rectifier: RectifierCurve,
    max_dc_kw: float,
    unserved: float,
    cap: float,
    reserve: float,
) -> _Shelf:
    """`step_h` as it lies in memory; of the three penalties see `SiteProblem`."""
    hours, widths = np.frombuffer(step_h), np.array(rectifier.segment_dc_kw)
    free = max_dc_kw - (np.cumsum(widths) - widths)
    slopes = np.array(rectifier.ac_per_dc)
    return _Shelf(
        slopes,
        np.multiply.outer(hours, slopes),
        np.multiply.outer(hours, np.arange(len(widths), dtype=np.float64)),
        {
            "unserved_cost": read_only(hours * unserved),
            "segment_kw": read_only(np.clip(free, 0.0, widths)),
            "ac_per_dc": read_only(slopes),
            "cap_cost": read_only(hours * cap),
            "reserve_cost": read_only(hours * reserve),
        },
    )


def _supply(problem: SiteProblem, prices: _Prices) -> _Params:
    hours = problem.step_h
    shelf = _shelf(
        hours.tobytes(),
        problem.rectifier,
        problem.rectifier_max_dc_kw,
        problem.unserved_penalty_per_kwh,
        problem.cap_penalty_per_kwh,
        problem.reserve_penalty_per_kwh_h,
    )
    segment_cost = prices.imported[:, None] * shelf.slope_h + prices.tie * shelf.order_h
    if prices.waste_pays:
        # With an inverter the AC side can have a surplus to be burnt at any hour before the one
        # that pays.
        lossy = prices.wasted if problem.export is None else prices.to_come
        segment_cost += np.multiply.outer(hours * lossy, shelf.slopes - shelf.slopes[0])
    cap = np.minimum(problem.cap_kw, problem.import_limit_kw)
    return {
        **shelf.values,
        "segment_cost": segment_cost,
        "dc_load_kw": problem.dc_load_kw,
        "pv_available_kw": problem.pv_kw,
        "ac_base_kw": problem.ac_base_kw,
        "import_cap_kw": cap,
        "cap_room_kw": problem.import_limit_kw - cap,
        "reserve_kwh": problem.reserve_kwh,
        "terminal_value": float(problem.terminal_value_per_kwh),
    }


class _Kind(NamedTuple):
    """What a battery is, without how full it is; see `BatteryModel`."""

    wear_per_kwh: tuple[float, ...]
    charge_efficiency: float
    discharge_efficiency: float
    capacity_kwh: float
    max_charge_kw: float
    max_discharge_kw: float
    acceptance: tuple[tuple[float, float], ...]


_fields_of_kind = attrgetter(*_Kind._fields)


class _Bank(NamedTuple):
    """All batteries on one grid of steps: what stays from plan to plan."""

    wear: Floats
    """Of a discharge of 1 kW through each step, shape (n, segments)."""
    charge_per_tie: Floats
    """What a tie-break of 1 adds to the cost of charging, shape (n, batteries)."""
    discharge_per_tie: Floats
    """Of discharging, shape (n, segments)."""
    loss_per_kwh: Floats
    """Lost on the way through each battery and back, of a kWh that comes out."""
    shallowest: Floats
    """Wear of the shallowest segment of each battery."""
    cells: tuple[int, ...]
    """Number of segments of each battery."""
    values: _Params


@lru_cache(maxsize=256)
def _bank(kinds: tuple[_Kind, ...], step_h: bytes) -> _Bank:
    """`step_h` as it lies in memory."""
    hours = np.frombuffer(step_h)[:, None]
    cells = tuple(len(kind.wear_per_kwh) for kind in kinds)
    growing = _growing(len(hours))[:, None]
    dearer = 1.0 + BATTERY_TIE * np.arange(len(kinds))
    charge_efficiency = np.array([kind.charge_efficiency for kind in kinds])
    discharge_efficiency = np.array([kind.discharge_efficiency for kind in kinds])
    round_trip = charge_efficiency * discharge_efficiency
    values: _Params = {
        "width_kwh": np.array(
            [kind.capacity_kwh / k for kind, k in zip(kinds, cells, strict=True)]
        ),
        "max_charge_kw": np.array(
            [charge_limit_kw(kind.max_charge_kw, kind.acceptance) for kind in kinds],
            dtype=np.float64,
        ),
        "max_discharge_kw": np.array([kind.max_discharge_kw for kind in kinds], dtype=np.float64),
        "stored_per_charge": hours * charge_efficiency,
        "stored_per_discharge": hours / discharge_efficiency,
    }
    cuts = [(*cut, kind.capacity_kwh) for kind in kinds for cut in sloped_cuts(kind.acceptance)]
    if cuts:
        values["cut_kw"] = np.array([at_empty for at_empty, _, _ in cuts])
        values["cut_kw_per_kwh"] = np.array(
            [(at_full - at_empty) / capacity for at_empty, at_full, capacity in cuts]
        )
    return _Bank(
        wear=hours * np.concatenate([kind.wear_per_kwh for kind in kinds]),
        charge_per_tie=2.0 * hours * growing * dearer,
        discharge_per_tie=hours
        * BATTERY_TIE
        * (2.0 - growing)
        * np.repeat(1.0 + np.arange(len(kinds)), cells),
        loss_per_kwh=(1.0 - round_trip) / round_trip,
        shallowest=np.array([kind.wear_per_kwh[0] for kind in kinds]),
        cells=cells,
        values={name: read_only(numbers) for name, numbers in values.items()},
    )


@lru_cache(maxsize=64)
def _tied(kinds: tuple[_Kind, ...], step_h: bytes, tie: float) -> tuple[_Bank, Floats, Floats]:
    """The bank, and its costs of charging and discharging with their tie-breaks."""
    bank = _bank(kinds, step_h)
    return (
        bank,
        read_only(tie * bank.charge_per_tie),
        read_only(bank.wear + tie * bank.discharge_per_tie),
    )


def _batteries(problem: SiteProblem, prices: _Prices) -> _Params:
    batteries = problem.batteries
    kinds = tuple([_Kind(*_fields_of_kind(battery)) for battery in batteries])
    bank, charge_cost, discharge_cost = _tied(kinds, problem.step_h.tobytes(), prices.tie)
    if prices.waste_pays:
        to_come = prices.to_come[:, None]
        gain = to_come * problem.rectifier.ac_per_dc[0] * bank.loss_per_kwh
        loop_cost = np.maximum(0.0, gain + TIE_BREAK * prices.largest - bank.shallowest)
        loop_cost = problem.step_h[:, None] * np.where(to_come > 0.0, loop_cost, 0.0)
        discharge_cost = discharge_cost + np.repeat(loop_cost, bank.cells, axis=1)
    values = {
        **bank.values,
        "charge_cost": charge_cost,
        "discharge_cost": discharge_cost,
        "stored_now_kwh": np.array([kwh for battery in batteries for kwh in battery.split_kwh()]),
    }
    asked = [
        (battery, battery.full_charge) for battery in batteries if battery.full_charge is not None
    ]
    if asked:
        full = np.zeros((problem.n_steps, len(asked)))
        for i, (battery, charge) in enumerate(asked):
            full[charge.by_step, i] = battery.capacity_kwh
        values["full_kwh"] = full
        values["full_cost"] = np.array([charge.penalty_per_kwh for _, charge in asked])
    return values


def _export(problem: SiteProblem, export: Export, prices: _Prices) -> _Params:
    mains = problem.import_limit_kw > 0.0
    efficiency = export.inverter_efficiency
    inverter_cost = prices.tie - efficiency * prices.imported
    if prices.waste_pays:
        inverter_cost += np.maximum(
            0.0, prices.to_come * (problem.rectifier.ac_per_dc[0] - efficiency)
        )
    limit_kw = np.where(mains, export.limit_kw, 0.0)
    values = {
        "inverter_cost": problem.step_h * inverter_cost,
        "export_cost": problem.step_h
        * (problem.price_per_kwh + prices.import_tie + prices.tie - prices.sold),
        "inverter_kw": np.where(mains, export.inverter_max_kw / efficiency, 0.0),
        "export_limit_kw": limit_kw,
        "inverter_efficiency": float(efficiency),
    }
    dear = problem.dear_export
    if dear.any():
        values["export_free_kw"] = np.where(dear, 0.0, limit_kw)
        # 1 kW above the limit, so that not the way to buy or sell binds but the limit, which has
        # its worth.
        values["buy_most_kw"] = most_kw = problem.import_limit_kw + 1.0
        values["buy_room_kw"] = np.where(dear, most_kw, 0.0)
    return values


def _cooling(problem: SiteProblem, cooling: Cooling, prices: _Prices) -> _Params:
    decay = problem.step_h * cooling.heat_loss_kw_per_k / cooling.heat_capacity_kwh_per_k
    lost = -np.expm1(-decay)
    k_per_kw = lost / cooling.heat_loss_kw_per_k
    return {
        "cooling_cost": problem.step_h * prices.imported,
        "comfort_cost": problem.step_h * cooling.discomfort_per_k_h,
        "cooling_max_kw": float(cooling.max_kw),
        "room_kept": 1.0 - lost,
        "room_drift_c": lost * cooling.outdoor_c + k_per_kw * cooling.inside_heat_kw,
        "cooling_k_per_kw": k_per_kw * cooling.cop,
        "room_now_c": float(cooling.room_now_c),
        "room_low_c": float(cooling.low_c),
        "room_high_c": float(cooling.high_c),
    }


def _sleep(problem: SiteProblem, sleep: RadioSleep) -> _Params:
    return {
        "sleep_cost": problem.step_h * sleep.cost_per_kwh,
        "sleep_available_kw": np.minimum(sleep.available_kw, problem.dc_load_kw),
    }


def _genset(problem: SiteProblem, genset: Genset, prices: _Prices) -> _Params:
    rectifier, base = problem.rectifier, problem.ac_base_kw
    ac_extra = problem.genset_extra_kw
    corners_dc, corners_ac = rectifier.corners()
    for_rectifier = problem.import_limit_kw + genset.max_kw - base - ac_extra
    carried = np.interp(for_rectifier, corners_ac, corners_dc)
    beyond = problem.dc_load_kw - np.minimum(carried, problem.rectifier_max_dc_kw) - problem.pv_kw
    discharge_total = sum(battery.max_discharge_kw for battery in problem.batteries)
    return {
        "genset_cost": problem.step_h * (genset.fuel_per_kwh - prices.imported),
        "genset_on_cost": problem.step_h * prices.imported * ac_extra,
        "genset_start_cost": float(genset.start_cost),
        "genset_min_kw": float(genset.min_kw),
        "genset_max_kw": float(genset.max_kw),
        "genset_available": genset.available.astype(np.float64),
        "genset_now": float(genset.running),
        "ac_extra_kw": ac_extra,
        "battery_rest_kw": discharge_total - np.clip(beyond, 0.0, discharge_total),
        "discharge_total_kw": float(discharge_total),
    }


class _Billing(NamedTuple):
    """Billing intervals on one grid of steps."""

    firsts: npt.NDArray[np.intp]
    """First step of each."""
    share: Floats
    """Of each step in the length of its interval."""
    nothing_free: Floats
    """A 0 for each interval."""
    several: bool
    """An interval has several steps."""


@lru_cache(maxsize=64)
def _billing(interval_of_step: bytes, step_h: bytes) -> _Billing:
    """Both as they lie in memory."""
    intervals, hours = np.frombuffer(interval_of_step, dtype=np.int64), np.frombuffer(step_h)
    firsts = np.flatnonzero(np.diff(intervals, prepend=-1))
    share = read_only(hours / np.bincount(intervals, hours)[intervals])
    return _Billing(firsts, share, read_only(np.zeros(len(firsts))), len(firsts) < len(intervals))


def _demand(problem: SiteProblem, demand: DemandCharge) -> _Params:
    billing = _billing(demand.interval_of_step.tobytes(), problem.step_h.tobytes())
    free = billing.nothing_free
    if demand.counts is not None:
        free = np.where(demand.counts[billing.firsts], 0.0, problem.import_limit_kw.max())
    values: _Params = {
        "peak_so_far_kw": float(demand.peak_so_far_kw),
        "demand_cost": float(demand.price_per_kw),
        "demand_free_kw": free,
    }
    if billing.several or problem.reduction_events:
        values["interval_share"] = billing.share
    return values


def _reduction(problem: SiteProblem, reduction: Reduction, going: tuple[bool, ...]) -> _Params:
    events = reduction.events()
    if not events:
        return {}
    event_h = np.zeros((len(events), problem.n_steps))
    for v, (first, after) in enumerate(events):
        event_h[v, first:after] = problem.step_h[first:after]
    goes = np.array(going or (False,) * len(events))
    bid_kwh = reduction.bid_kw * event_h.sum(axis=1)
    pay = reduction.price_per_kwh
    return {
        "event_h": event_h,
        "event_baseline_kwh": event_h @ reduction.baseline_kw,
        "event_most_kwh": reduction.valid_high * bid_kwh,
        "event_least_kwh": reduction.valid_low * bid_kwh,
        "event_owed_kwh": reduction.penalty_low * bid_kwh,
        "over_cost": np.where(goes, pay, 0.0),
        "under_cost": np.where(goes, problem.cap_penalty_per_kwh + pay, 0.0),
        "missing_cost": np.full(len(events), reduction.penalty_per_kwh),
    }
