"""An exact dynamic program for one battery of one wear segment: the optimum without a solver and
without the model.

The value of stored energy is convex and piecewise linear, so a step of the Bellman recursion is an
infimal convolution, which merges two lists of slopes in order (Rockafellar, Convex Analysis, 1970,
section 16). All is exact up to rounding. Holds for prices of 0 or more; acceptance tables and
optional components other than the demand charge are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimisation.arrays import Floats
from optimisation.problem.site_problem import SiteProblem

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class Convex:
    """A convex piecewise linear function on [start, start + sum(widths)]: value at the start,
    slopes in order.
    """

    start: float
    value: float
    widths: Floats
    slopes: Floats

    @property
    def corners(self) -> Floats:
        """Where the pieces begin and end, one more than pieces."""
        return self.start + np.concatenate(([0.0], np.cumsum(self.widths)))

    def at(self, x: float) -> float:
        """Value at `x` of the domain."""
        lengths = np.clip(x - self.corners[:-1], 0.0, self.widths)
        return self.value + float(lengths @ self.slopes)

    def between(self, low: float, high: float) -> Convex:
        """The same function on the part of its domain that lies in low..high."""
        edges = np.clip(self.corners, low, high)
        widths = np.diff(edges)
        some = widths > 0.0
        return Convex(float(edges[0]), self.at(float(edges[0])), widths[some], self.slopes[some])

    def convolved(self, other: Convex) -> Convex:
        """Least of self(y) + other(x - y) over y: the cheapest pieces of both come first."""
        slopes = np.concatenate((self.slopes, other.slopes))
        order = np.argsort(slopes, kind="stable")
        widths = np.concatenate((self.widths, other.widths))
        return Convex(
            self.start + other.start, self.value + other.value, widths[order], slopes[order]
        )

    def with_shortage(self, wanted: float, cost: float) -> Convex:
        """The same plus cost x max(0, wanted - x)."""
        left, right = self.between(-np.inf, wanted), self.between(wanted, np.inf)
        below = max(0.0, wanted - self.start)
        return Convex(
            self.start,
            self.value + cost * below,
            np.concatenate((left.widths, right.widths)),
            np.concatenate((left.slopes - cost, right.slopes)),
        )


def optimum(problem: SiteProblem) -> float:
    """Return the least cost of `problem` in currency, as `Plan.objective` counts it.

    Raises ValueError for a problem that the recursion does not hold for.
    """
    battery = problem.batteries[0]
    others = (
        problem.export,
        problem.reduction,
        problem.cooling,
        problem.sleep,
        problem.genset,
        battery.full_charge,
    )
    if (
        len(problem.batteries) > 1
        or len(battery.wear_per_kwh) > 1
        or battery.acceptance
        or any(others)
    ):
        raise ValueError(
            "the oracle takes one battery of one segment, without acceptance table and components"
        )
    if problem.price_per_kwh.min() < 0.0:
        raise ValueError("the oracle takes prices of 0 or more")
    if problem.demand is None:
        return _value(problem)
    if np.unique(problem.demand.interval_of_step).size < problem.n_steps:
        raise ValueError("the oracle takes a demand charge on single steps")
    return _with_demand_charge(problem)


def _with_demand_charge(problem: SiteProblem) -> float:
    """Golden-section search over the billing peak: the cost is convex in it."""
    demand = problem.demand
    assert demand is not None
    known = np.minimum(problem.ac_base_kw, problem.import_limit_kw)
    low = max(demand.peak_so_far_kw, float(known.max()))
    high = max(low, float(problem.import_limit_kw.max()))

    def cost(peak: float) -> float:
        held = replace(
            problem, import_limit_kw=np.minimum(problem.import_limit_kw, peak), demand=None
        )
        return demand.price_per_kw * (peak - demand.peak_so_far_kw) + _value(held)

    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    costs = [cost(peak) for peak in inner]
    best = min(cost(low), cost(high), *costs)
    while high - low > 1e-10 * max(1.0, high):
        if costs[0] <= costs[1]:
            high = inner[1]
            inner, costs = [high - GOLDEN * (high - low), inner[0]], [np.nan, costs[0]]
            costs[0] = cost(inner[0])
        else:
            low = inner[0]
            inner, costs = [inner[1], low + GOLDEN * (high - low)], [costs[1], np.nan]
            costs[1] = cost(inner[1])
        best = min(best, *costs)
    return best


def _value(problem: SiteProblem) -> float:
    """Bellman's recursion from the last step to the first, in stored energy."""
    battery = problem.batteries[0]
    capacity = battery.capacity_kwh
    value = Convex(0.0, 0.0, np.array([capacity]), np.array([-problem.terminal_value_per_kwh]))
    for t in reversed(range(problem.n_steps)):
        penalty = problem.reserve_penalty_per_kwh_h * float(problem.step_h[t])
        value = value.with_shortage(float(problem.reserve_kwh[t]), penalty)
        value = value.convolved(_given_up(problem, t)).between(0.0, capacity)
    return value.at(battery.counted_kwh)


def _given_up(problem: SiteProblem, t: int) -> Convex:
    """Cost of step t over the stored energy that it takes out, kWh; negative = put in.

    The bus takes q = load + charge - discharge from PV, rectifier and load not served, the
    cheapest first, so its cost rises ever faster in q; and energy out at q below the load, energy
    in above it.
    """
    battery, hours, load = (
        problem.batteries[0],
        float(problem.step_h[t]),
        float(problem.dc_load_kw[t]),
    )
    supply = _supply(problem, t)
    most = float(supply.corners[-1])
    into = supply.between(load, min(load + battery.max_charge_kw, most))
    out = supply.between(max(0.0, load - battery.max_discharge_kw), load)
    # Put in: from the most to nothing, so the pieces come in turned order with turned sign.
    stored_per_kw, taken_per_kw = (
        hours * battery.charge_efficiency,
        hours / battery.discharge_efficiency,
    )
    widths = np.concatenate((into.widths[::-1] * stored_per_kw, out.widths[::-1] * taken_per_kw))
    slopes = np.concatenate(
        (
            -into.slopes[::-1] / stored_per_kw,
            (battery.wear_per_kwh[0] * hours - out.slopes[::-1]) / taken_per_kw,
        )
    )
    start = -float(into.widths.sum()) * stored_per_kw
    return Convex(start, supply.at(float(into.corners[-1])), widths, slopes)


def _supply(problem: SiteProblem, t: int) -> Convex:
    """Cost of step t over the DC power that is supplied without the battery; at 0 only the AC side
    is paid for.
    """
    rectifier, hours = problem.rectifier, float(problem.step_h[t])
    limit = float(problem.import_limit_kw[t])
    cap = min(float(problem.import_cap_kw[t]), limit)
    base = min(float(problem.ac_load_kw[t]) + rectifier.standby_ac_kw, limit)
    price, excess = float(problem.price_per_kwh[t]), problem.cap_penalty_per_kwh
    widths = [float(problem.pv_kw[t]), float(problem.dc_load_kw[t])]
    slopes = [0.0, problem.unserved_penalty_per_kwh * hours]
    left, dc_left = limit - base, problem.rectifier_max_dc_kw
    under_cap = max(0.0, cap - base)
    for dc, ac_per_dc in zip(rectifier.segment_dc_kw, rectifier.ac_per_dc, strict=True):
        part = min(dc, dc_left, left / ac_per_dc)
        cheap = min(part, under_cap / ac_per_dc)
        widths += [cheap, part - cheap]
        slopes += [price * ac_per_dc * hours, (price + excess) * ac_per_dc * hours]
        left, dc_left, under_cap = (
            left - part * ac_per_dc,
            dc_left - part,
            under_cap - cheap * ac_per_dc,
        )
    order = np.argsort(slopes, kind="stable")
    fixed = hours * (price * base + excess * max(0.0, base - cap))
    return Convex(0.0, fixed, np.array(widths)[order], np.array(slopes)[order])
