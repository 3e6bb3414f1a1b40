"""What a trace of the state of charge wore: cycles counted by rainflow, each priced by the maker's
table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import rainflow

from optimisation.problem.wear import CycleLife
from siteems.site.model import Battery


@dataclass(frozen=True)
class Worn:
    """Cost in the site's currency; equivalent full cycles."""

    cost: float
    full_cycles: float


def worn(battery: Battery, soc: npt.NDArray[np.float64], discharged_kwh: float) -> Worn:
    """Wear of a trace of SoC, shape (n,), counted by rainflow (ASTM E1049-85).

    With a cycle table: the share of a life that each cycle uses, times the price of a new battery;
    without one: the site's mean cost per kWh discharged.
    """
    cycles = [(depth, count) for depth, _, count, _, _ in rainflow.extract_cycles(soc)]
    full_cycles = sum(depth * count for depth, count in cycles)
    if battery.wear is None:
        return Worn(battery.wear_per_kwh * discharged_kwh, full_cycles)
    depths, counts = np.array(cycles).T if cycles else (np.zeros(0), np.zeros(0))
    used = float(counts @ CycleLife(battery.wear.cycles).stress(depths))
    return Worn(used * battery.wear.replacement_per_kwh * battery.capacity_kwh, full_cycles)
