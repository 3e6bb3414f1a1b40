"""The battery in the program of the bound: wear as it is accounted for, and charge acceptance as a
mean over an interval.
"""

from __future__ import annotations

import numpy as np

from optimisation.problem.battery import BatteryModel, acceptance_cuts
from optimisation.problem.wear import CycleLife
from siteems.replay.policy_run import CYCLE
from siteems.replay.window import INTERVAL, INTERVAL_H
from siteems.site.assets import wear_costs
from siteems.site.model import Battery

MOST_SEGMENTS = 20
"""Wear segments where the cycle table fits no coarser division of the capacity."""


def bound_battery(
    battery: Battery, wear_per_kwh: tuple[float, ...], segment_kwh: tuple[float, ...]
) -> BatteryModel:
    """The battery with so much energy in its wear segments."""
    return BatteryModel(
        capacity_kwh=battery.capacity_kwh,
        stored_kwh=sum(segment_kwh),
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        max_charge_kw=battery.max_charge_kw,
        max_discharge_kw=battery.max_discharge_kw,
        wear_per_kwh=wear_per_kwh,
        acceptance=mean_acceptance(battery),
        segment_kwh=segment_kwh,
    )


def wear_by_segment(battery: Battery) -> tuple[float, ...]:
    """Cost of wear by depth, in so many segments that each point of the cycle table is the edge of
    one: then the program counts what rainflow counts (`siteems.accounting.wear`).
    """
    if battery.wear is None:
        return wear_costs(battery)
    depths = np.array([depth for depth, _ in battery.wear.cycles])
    for count in range(1, MOST_SEGMENTS + 1):
        if np.allclose(depths * count, np.round(depths * count), atol=1e-6):
            break
    return CycleLife(battery.wear.cycles).wear_per_kwh(
        replacement_per_kwh=battery.wear.replacement_per_kwh,
        discharge_efficiency=battery.discharge_efficiency,
        segments=count,
    )


def mean_acceptance(battery: Battery) -> tuple[tuple[float, float], ...]:
    """(SoC at the start of an interval, highest mean charge power over it, kW).

    The program limits a step by the state of charge at its start. In the simulated site the limit
    falls while the battery charges, from control cycle to control cycle: a limit that falls by b kW
    per kWh allows over n cycles of h hours the share (1 - (1 - x)^n) / (n x) of its first value,
    with x = b h times the charge efficiency. A table that is not concave counts as its hull.
    """
    cycles = INTERVAL // CYCLE
    lines = []
    for at_empty, at_full in acceptance_cuts(_concave_hull(battery.acceptance)):
        fall = (at_empty - at_full) / battery.capacity_kwh * battery.charge_efficiency
        x = min(1.0, fall * INTERVAL_H / cycles)
        share = (1.0 - (1.0 - x) ** cycles) / (cycles * x) if x > 0.0 else 1.0
        lines.append((share * at_empty, share * at_full))
    ends = np.array(lines)
    start, rise = ends[:, 0], ends[:, 1] - ends[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = ((start[:, None] - start) / (rise - rise[:, None])).ravel()
    inside = crossings[(crossings > 0.0) & (crossings < 1.0)]
    socs = np.unique(np.concatenate(([0.0, 1.0], inside)).round(12))
    lowest_kw = (start + socs[:, None] * rise).min(axis=1)
    return tuple(zip(socs.tolist(), lowest_kw.tolist(), strict=True))


def _concave_hull(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """The corners of the least concave curve above points that rise in their first number."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) >= 2:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x1) > (y - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return tuple(hull)
