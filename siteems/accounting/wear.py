"""Battery wear of a span of time: by cycles for spans of days and more, by throughput for shorter.

Plans follow the same cycles while they happen, segment by segment (`optimisation.problem.battery`);
this is the count afterwards, and the one that money is reported from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import rainflow

from optimisation.problem.wear import CycleLife
from siteems.site.model import Battery


@dataclass(frozen=True)
class Wear:
    """The wear of a battery."""

    cost: float
    """In the site's currency."""
    full_cycles: float
    """Equivalent full cycles."""


def wear_by_cycles(battery: Battery, soc: npt.NDArray[np.float64], discharged_kwh: float) -> Wear:
    """Wear of a trace of SoC, shape (n,), counted by rainflow (ASTM E1049-85).

    With the maker's cycle table, each cycle costs the share of a life that it uses, times the price
    of a new battery. Without one, the site's mean cost per kWh discharged applies.

    The battery counts as full some time before the trace and some time after it, and the discharge
    to its first SoC as one before it. So a discharge is paid for when it happens, as in a plan
    (`optimisation.problem.battery.follow`); a trace alone would leave half cycles at its ends.
    """
    full = np.ones(1)
    of_all, of_before = (
        [(depth, count) for depth, _, count, _, _ in rainflow.extract_cycles(trace)]
        for trace in (np.concatenate((full, soc, full)), np.concatenate((full, soc[:1], full)))
    )
    cycles = of_all + [(depth, -count) for depth, count in of_before]
    full_cycles = sum(depth * count for depth, count in cycles)
    if battery.wear is None:
        return Wear(battery.wear_per_kwh * discharged_kwh, full_cycles)
    depths, counts = np.array(cycles).T if cycles else (np.zeros(0), np.zeros(0))
    lives = float(counts @ CycleLife(battery.wear.cycles).stress(depths))
    return Wear(lives * battery.wear.replacement_per_kwh * battery.capacity_kwh, full_cycles)


def wear_by_throughput(battery: Battery, discharged_kwh: float) -> Wear:
    """Wear of the energy discharged, at the site's mean cost per kWh.

    For a span of about a day: rainflow counts the open ends of a trace as half cycles, so that
    charging a battery once would count as half of its discharge, which was on another day.
    """
    return Wear(battery.wear_per_kwh * discharged_kwh, discharged_kwh / battery.capacity_kwh)
