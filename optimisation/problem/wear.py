"""From a manufacturer's cycle table to the cost of a kWh discharged, by depth segment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats
from optimisation.problem.validation import ProblemError, number


class WearMode(StrEnum):
    """How much of the wear is a cost in the plan."""

    CYCLE = "cycle"
    """All wear by the cycle table."""
    CALENDAR_NETTED = "calendar-netted"
    """Only wear that ends the life of the battery before its calendar life ends."""
    OFF = "off"


@dataclass(frozen=True)
class CycleLife:
    """A manufacturer's cycle table, made convex: (depth 0..1, cycles to end of life), rising.

    A cycle of depth d uses the share Phi(d) = 1 / cycles(d) of a life. Between the table's points
    Phi is linear; where its slope falls (as in many tables between the two deepest points) slopes
    are pooled to their mean, weighted by width, which is isotonic regression of the slopes. Convex,
    so that the shallow part of a battery wears least and a linear program uses it first. Raises
    `ProblemError` for a table that is empty, out of order or out of range.
    """

    table: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.table:
            raise ProblemError("cycle table is empty; allowed is 1 point or more")
        for i, (depth, cycles) in enumerate(self.table):
            number(
                f"cycle table depth [{i}]",
                depth,
                above=self.table[i - 1][0] if i else 0.0,
                high=1.0,
            )
            number(f"cycle table cycles [{i}]", cycles, above=0.0)
            if i and cycles > self.table[i - 1][1]:
                raise ProblemError(
                    f"cycle table cycles [{i}] is {cycles}; "
                    f"allowed is at most {self.table[i - 1][1]}"
                )

    def stress(self, depth: npt.ArrayLike) -> Floats:
        """Share of a life that one cycle of `depth` (0..1, any shape) uses.

        Beyond the table its last slope continues.
        """
        depths = np.array([0.0, *(point[0] for point in self.table)])
        used = np.array([0.0, *(1.0 / point[1] for point in self.table)])
        widths = np.diff(depths)
        slopes = _rising(np.diff(used) / widths, widths)
        edges = np.append(depths[:-1], 1.0)  # the last part continues to full depth
        values = np.concatenate(([0.0], np.cumsum(slopes * np.diff(edges))))
        stress: Floats = np.interp(np.asarray(depth, dtype=np.float64), edges, values)
        return stress

    def wear_per_kwh(
        self,
        *,
        replacement_per_kwh: float,
        discharge_efficiency: float,
        segments: int,
        mode: WearMode = WearMode.CYCLE,
        calendar_years: float | None = None,
        cycles_per_day: float = 1.0,
    ) -> tuple[float, ...]:
        """Return the cost of a kWh discharged at the bus from each of `segments` equal segments.

        c_j = replacement_per_kwh / discharge_efficiency x J x (Phi(j/J) - Phi((j-1)/J)),
        in currency/kWh, the shallowest first, never falling (Xu et al., IEEE Trans. Power Systems
        33(2), 2018).

        Calendar-netted: for a battery that reaches the end of its calendar life after
        `calendar_years`, cycles are free down to the depth that `cycles_per_day` would just use up
        by then. So Phi is replaced by max(0, Phi - 1 / (365 x years x cycles_per_day)), which is
        still convex. Off: one segment that costs nothing.
        """
        if mode is WearMode.OFF:
            return (0.0,)
        number("replacement_per_kwh", replacement_per_kwh, low=0.0)
        number("discharge_efficiency", discharge_efficiency, above=0.0, high=1.0)
        number("segments", segments, low=1.0, high=100.0)
        used = self.stress(np.linspace(0.0, 1.0, segments + 1))
        if mode is WearMode.CALENDAR_NETTED:
            number("calendar_years", calendar_years, above=0.0)
            number("cycles_per_day", cycles_per_day, above=0.0)
            used = np.maximum(
                0.0, used - 1.0 / (365.0 * float(calendar_years or 0.0) * cycles_per_day)
            )
        costs = replacement_per_kwh / discharge_efficiency * segments * np.diff(used)
        return tuple(np.maximum.accumulate(costs).tolist())  # no fall by rounding


def _rising(values: Floats, weights: Floats) -> Floats:
    """Closest never falling series (weighted least squares), by pooling adjacent violators."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        length = 1
        while pools and pools[-1][0] > value:
            mean, before, count = pools.pop()
            value = (mean * before + value * weight) / (before + weight)
            weight, length = before + weight, length + count
        pools.append((value, weight, length))
    return np.array([mean for mean, _, length in pools for _ in range(length)])
