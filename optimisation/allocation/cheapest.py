"""The cheapest split that keeps the rest of a request feasible.

Merit order alone empties the cheap sites first, and then the fleet cannot hold its power. Here the
rest of the request is a constant power P' for h' hours more. A site can give min(p, e' / h') of it,
so that its energy above p * h' is free to be used now, and each kWh below it costs the rest 1 / h'
kW. The rest stays feasible while the tied energy that is used does not exceed

    B = h' * (sum_i min(p_i, e_i / h') - P')

which leaves a linear program with two coupling constraints: the request of the step, and B. Its
optimum is a merit order by cost + lambda on tied energy, mixed of the two orders on either side of
the best lambda, which is found by bisection.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from optimisation.allocation.fleet import Array, Fleet, Split
from optimisation.allocation.time_to_go import check_request, split

PASSES: Final = 60
"""Halvings of the range of lambda."""


def split_cheapest(
    fleet: Fleet,
    cost_per_kwh: Array,
    request_kw: float,
    step_h: float,
    rest_kw: float,
    rest_h: float,
) -> Split:
    """Split a request for a step so that the fleet can give `rest_kw` for `rest_h` afterwards, at
    the least cost, `cost_per_kwh` of shape (n,). Where no split can, the one that holds longest.

    Raises ValueError as `split` does.
    """
    check_request(request_kw, step_h)
    free_kw = _now_kw(fleet, step_h, np.maximum(fleet.energy_kwh - fleet.power_kw * rest_h, 0.0))
    tied_kw = _now_kw(fleet, step_h, fleet.energy_kwh) - free_kw
    spare_kwh = np.inf
    if rest_h > 0.0 and rest_kw > 0.0:
        can_kw = float(np.minimum(fleet.power_kw, fleet.energy_kwh / rest_h).sum())
        spare_kwh = rest_h * (can_kw - rest_kw)
    longest = split(fleet, request_kw, step_h)
    tied_by_longest = float(np.maximum(longest.power_kw - free_kw, 0.0).sum()) * step_h
    if longest.missing_kw > 0.0 or tied_by_longest > spare_kwh * (1.0 + 1e-12):
        return longest

    def tied_kwh(power_kw: Array) -> float:
        return float(np.maximum(power_kw - free_kw, 0.0).sum()) * step_h

    def ordered(penalty: float) -> Array:
        costs = np.concatenate((cost_per_kwh, cost_per_kwh + penalty))
        amounts = np.concatenate((free_kw, tied_kw))
        free, tied = _merit_order(costs, amounts, request_kw).reshape(2, -1)
        given: Array = free + tied
        return given

    cheap = ordered(0.0)
    if tied_kwh(cheap) <= spare_kwh:
        return Split(cheap, 0.0)
    low, high = 0.0, float(np.ptp(cost_per_kwh)) + 1.0
    over, under = cheap, ordered(high)
    for _ in range(PASSES):
        middle = 0.5 * (low + high)
        power_kw = ordered(middle)
        if tied_kwh(power_kw) > spare_kwh:
            low, over = middle, power_kw
        else:
            high, under = middle, power_kw
    if tied_kwh(under) > spare_kwh:
        return longest
    range_kwh = tied_kwh(over) - tied_kwh(under)
    share = (spare_kwh - tied_kwh(under)) / range_kwh if range_kwh > 0.0 else 0.0
    return Split(under + share * (over - under), 0.0)


def split_by_merit(fleet: Fleet, cost_per_kwh: Array, request_kw: float, step_h: float) -> Split:
    """The cheapest sites first, whatever comes later. For comparison."""
    check_request(request_kw, step_h)
    most_kw = _now_kw(fleet, step_h, fleet.energy_kwh)
    power_kw = _merit_order(cost_per_kwh, most_kw, request_kw)
    return Split(power_kw, max(0.0, request_kw - float(most_kw.sum())))


def split_proportionally(fleet: Fleet, request_kw: float, step_h: float) -> Split:
    """Each site by its power, those that are empty left out. For comparison."""
    check_request(request_kw, step_h)
    most_kw = _now_kw(fleet, step_h, fleet.energy_kwh)
    left_kw, power_kw = request_kw, np.zeros_like(most_kw)
    while left_kw > 1e-12 * max(1.0, request_kw):
        open_kw = np.where(power_kw < most_kw, fleet.power_kw, 0.0)
        total_kw = float(open_kw.sum())
        if total_kw <= 0.0:
            break
        more_kw = np.minimum(open_kw * left_kw / total_kw, most_kw - power_kw)
        power_kw = power_kw + more_kw
        left_kw -= float(more_kw.sum())
    return Split(power_kw, max(0.0, left_kw))


def _now_kw(fleet: Fleet, step_h: float, energy_kwh: Array) -> Array:
    """What each site can give in a step of some energy."""
    return np.minimum(fleet.power_kw, energy_kwh / step_h)


def _merit_order(cost: Array, amount_kw: Array, request_kw: float) -> Array:
    """The amounts by rising cost until the request is met; equal costs by their index."""
    order = np.argsort(cost, kind="stable")
    before_kw = np.concatenate(([0.0], np.cumsum(amount_kw[order])[:-1]))
    taken_kw = np.clip(request_kw - before_kw, 0.0, amount_kw[order])
    result = np.empty_like(amount_kw)
    result[order] = taken_kw
    return result
