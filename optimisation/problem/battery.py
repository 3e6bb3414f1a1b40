"""A battery in a planning problem: size, losses, limits, charge acceptance, cost of wear."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from optimisation.problem.validation import ProblemError, number

Cuts = tuple[tuple[float, float], ...]
"""Lines in SoC, each by its kW at SoC 0 and at SoC 1."""

OVERFULL = 1.05
"""Highest SoC that a gauge may read; energy above the capacity is not counted."""


@dataclass(frozen=True)
class FullCharge:
    """The battery should be full at the end of step `by_step` (0 = the first).

    A priced soft limit, so that any measured SoC has a plan.
    """

    by_step: int
    penalty_per_kwh: float
    """Currency per kWh missing at that time."""

    def __post_init__(self) -> None:
        number("full_charge.by_step", self.by_step, low=0.0)
        if int(self.by_step) != self.by_step:
            raise ProblemError(
                f"full_charge.by_step is {self.by_step}; allowed is the whole number of a step"
            )
        number("full_charge.penalty_per_kwh", self.penalty_per_kwh, low=0.0)


@dataclass(frozen=True, kw_only=True)
class BatteryModel:
    """One battery, measured at the DC bus. `capacity_kwh` is the energy at an SoC of 1 today.

    Raises `ProblemError` for a number that is missing, not finite, of the wrong sign or out of
    order.
    """

    capacity_kwh: float
    stored_kwh: float
    """Stored now: 0 to 1.05 of the capacity, also below the reserve; above the capacity the battery
    counts as full.
    """
    charge_efficiency: float
    discharge_efficiency: float
    max_charge_kw: float
    max_discharge_kw: float
    wear_per_kwh: tuple[float, ...]
    """Currency per kWh discharged from each of K segments of equal energy, the shallowest first.

    Must not fall with depth. A cycle of depth d runs through the first d K segments, so the sum
    over them is the cost of its depth (Xu, Zhao, Zheng, Litvinov, Kirschen, IEEE Trans. Power
    Systems 33(2), 2018). With one number, wear depends on energy alone.
    """
    acceptance: tuple[tuple[float, float], ...] = ()
    """(SoC, kW) of the highest charging power that the chemistry accepts, rising in SoC, constant
    outside the table; empty = no limit but `max_charge_kw`.
    """
    full_charge: FullCharge | None = None
    segment_kwh: tuple[float, ...] = ()
    """Stored energy by wear segment as the cycles so far left it, see `follow`.

    Empty = as after one discharge from full.
    """

    def __post_init__(self) -> None:
        number("capacity_kwh", self.capacity_kwh, above=0.0)
        number("stored_kwh", self.stored_kwh, low=0.0, high=OVERFULL * self.capacity_kwh)
        number("charge_efficiency", self.charge_efficiency, above=0.0, high=1.0)
        number("discharge_efficiency", self.discharge_efficiency, above=0.0, high=1.0)
        number("max_charge_kw", self.max_charge_kw, low=0.0)
        number("max_discharge_kw", self.max_discharge_kw, low=0.0)
        if not self.wear_per_kwh:
            raise ProblemError(
                "wear_per_kwh is empty; allowed is one cost per depth segment, at least 1"
            )
        for k, cost in enumerate(self.wear_per_kwh):
            number(f"wear_per_kwh[{k}]", cost, low=0.0)
            if k and cost < self.wear_per_kwh[k - 1]:
                raise ProblemError(
                    f"wear_per_kwh[{k}] is {cost}; allowed is at least {self.wear_per_kwh[k - 1]}"
                )
        if self.segment_kwh:
            self._check_segments()
        for i, (soc, kw) in enumerate(self.acceptance):
            number(f"acceptance[{i}] SoC", soc, low=0.0, high=1.0)
            number(f"acceptance[{i}] kW", kw, low=0.0)
            if i and soc <= self.acceptance[i - 1][0]:
                raise ProblemError(
                    f"acceptance[{i}] SoC is {soc}; allowed is above {self.acceptance[i - 1][0]}"
                )

    def _check_segments(self) -> None:
        segments, width = len(self.wear_per_kwh), self.capacity_kwh / len(self.wear_per_kwh)
        if len(self.segment_kwh) != segments:
            raise ProblemError(
                f"segment_kwh has {len(self.segment_kwh)} segments; allowed is {segments}"
            )
        for k, kwh in enumerate(self.segment_kwh):
            number(f"segment_kwh[{k}]", kwh, low=0.0, high=width * (1.0 + 1e-9))
        if abs(sum(self.segment_kwh) - self.counted_kwh) > 1e-6 * self.capacity_kwh:
            raise ProblemError(
                f"segment_kwh is {sum(self.segment_kwh)} in all; allowed is {self.counted_kwh}"
            )

    @property
    def counted_kwh(self) -> float:
        """Stored energy that a plan counts on: the measured energy, at most the capacity."""
        return min(self.stored_kwh, self.capacity_kwh)

    def split_kwh(self) -> tuple[float, ...]:
        """Stored energy by wear segment, K numbers, shallowest first."""
        return self.segment_kwh or after_one_discharge(
            self.counted_kwh, self.capacity_kwh, segments=len(self.wear_per_kwh)
        )


def after_one_discharge(stored_kwh: float, capacity_kwh: float, segments: int) -> tuple[float, ...]:
    """Stored energy by wear segment, shallowest first, of a battery that was full and then
    discharged: the shallow segments are empty, so the next kWh comes from a deeper one.
    """
    width = capacity_kwh / segments
    # The energy above what the deeper segments hold.
    return tuple(
        [
            min(width, max(0.0, stored_kwh - width * deeper))
            for deeper in range(segments - 1, -1, -1)
        ]
    )


def follow(
    segment_kwh: tuple[float, ...], stored_kwh: float, capacity_kwh: float
) -> tuple[float, ...]:
    """Stored energy by wear segment after the battery has charged or discharged to `stored_kwh`.

    The shallow segments are emptied first and filled first. So the depth of a discharge counts from
    the last turning point, and from an earlier one as soon as it passes the depth of that, as in
    rainflow counting (Xu et al. 2018, section III).
    """
    width, change = capacity_kwh / len(segment_kwh), stored_kwh - sum(segment_kwh)
    moved = []
    for kwh in segment_kwh:
        after = min(width, max(0.0, kwh + change))
        change -= after - kwh
        moved.append(after)
    return tuple(moved)


@lru_cache(maxsize=256)
def acceptance_cuts(acceptance: tuple[tuple[float, float], ...]) -> Cuts:
    """Return lines (kW at SoC 0, kW at SoC 1) whose minimum is never above the table and never
    below 0.

    They run through consecutive points of the table. A line that would fall below 0 within SoC
    0..1, and so make an SoC infeasible that can be measured, is turned about its outer point until
    it ends at 0. Lines that never bind are dropped.
    """
    if not acceptance:
        return ()
    points = list(acceptance)
    if points[0][0] > 0.0:
        points.insert(0, (0.0, points[0][1]))
    if points[-1][0] < 1.0:
        points.append((1.0, points[-1][1]))
    lines: list[tuple[float, float]] = []
    for (soc0, kw0), (soc1, kw1) in pairwise(points):
        slope = (kw1 - kw0) / (soc1 - soc0)
        at_empty, at_full = kw0 - slope * soc0, kw1 + slope * (1.0 - soc1)
        if at_full < 0.0:
            at_empty, at_full = kw1 / (1.0 - soc1) if soc1 < 1.0 else at_empty, 0.0
        elif at_empty < 0.0:
            at_empty, at_full = 0.0, kw0 / soc0 if soc0 > 0.0 else at_full
        lines.append((at_empty, at_full))
    return _binding(lines)


def sloped_cuts(acceptance: tuple[tuple[float, float], ...]) -> Cuts:
    """The acceptance cuts that vary with SoC."""
    return tuple([cut for cut in acceptance_cuts(acceptance) if cut[0] != cut[1]])


def charge_limit_kw(max_charge_kw: float, acceptance: tuple[tuple[float, float], ...]) -> float:
    """Charging power that is not exceeded at any SoC: `max_charge_kw`, or the constant part of the
    acceptance table where that is less.
    """
    return min(
        [
            max_charge_kw,
            *(at_empty for at_empty, at_full in acceptance_cuts(acceptance) if at_empty == at_full),
        ]
    )


def _binding(lines: list[tuple[float, float]]) -> Cuts:
    """Keep the lines, given by their values at 0 and 1, that are the lowest somewhere between."""
    ends = np.array(lines)
    start, rise = ends[:, 0], ends[:, 1] - ends[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = (start[:, None] - start) / (rise - rise[:, None])
    edges = np.unique(
        np.concatenate(([0.0, 1.0], crossings[(crossings > 0.0) & (crossings < 1.0)]))
    )
    middles = (edges[1:] + edges[:-1]) / 2
    wide = np.diff(edges) > 1e-9  # equal lines cross anywhere, by rounding
    lowest = np.unique(np.argmin(start[:, None] + rise[:, None] * middles[wide], axis=0))
    return tuple(lines[i] for i in lowest)
