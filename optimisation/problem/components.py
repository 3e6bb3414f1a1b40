"""Optional components of a planning problem: what only some sites or tariffs have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, Record
from optimisation.problem.validation import LARGEST, ProblemError, flags, number, series

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class DemandCharge(Record):
    """Price on the highest mean import of a billing interval: the maximum demand of a two-part
    tariff.
    """

    price_per_kw: float
    """Currency per kW above the peak so far."""
    peak_so_far_kw: float
    """Highest so far this month: already billed, so free to reach again."""
    interval_of_step: npt.NDArray[np.int64]
    """Number of the billing interval of each step, shape (n,), from 0, rising by 0 or 1 from step
    to step.

    The mean over the steps of an interval is billed. A step that is longer than the interval counts
    as one interval.
    """
    counts: Flags | None = None
    """Shape (n,): whether import in the step is billed, the same for all steps of an interval.

    None = always.
    """

    def __post_init__(self) -> None:
        number("demand.price_per_kw", self.price_per_kw, low=0.0)
        number("demand.peak_so_far_kw", self.peak_so_far_kw, low=0.0)
        given = series("demand.interval_of_step", self.interval_of_step, 0.0, LARGEST)
        wrong = ~np.isin(np.diff(given, prepend=0.0), (0.0, 1.0))
        wrong[:1] = given[:1] != 0.0
        if wrong.any():
            i = int(wrong.argmax())
            allowed = f"{given[i - 1]:g} or {given[i - 1] + 1:g}" if i else "0"
            raise ProblemError(
                f"demand.interval_of_step[{i}] is {given[i]:g}; allowed is {allowed}"
            )
        intervals = given.astype(np.int64)
        intervals.flags.writeable = False
        object.__setattr__(self, "interval_of_step", intervals)
        if self.counts is not None:
            counts = flags("demand.counts", self.counts)
            object.__setattr__(self, "counts", counts)
            torn = (
                (np.diff(intervals) == 0) & (counts[1:] != counts[:-1])
                if len(counts) == len(intervals)
                else ()
            )
            if np.any(torn):
                i = int(np.argmax(torn)) + 1
                raise ProblemError(
                    f"demand.counts[{i}] is {counts[i]}; "
                    "allowed is the same within a billing interval"
                )


@dataclass(frozen=True, kw_only=True, eq=False)
class Export(Record):
    """Export to the grid, and supply of the AC load, by a grid-tied inverter from the DC bus.

    A grid-tied inverter is off while the mains are out.
    """

    price_per_kwh: Floats
    """Currency earned per kWh exported, shape (n,); may be negative."""
    limit_kw: Floats
    """At the meter, shape (n,)."""
    inverter_efficiency: float
    """AC out over DC in, 0..1."""
    inverter_max_kw: float
    """AC output."""

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "price_per_kwh",
            series("export.price_per_kwh", self.price_per_kwh, -LARGEST, LARGEST),
        )
        object.__setattr__(self, "limit_kw", series("export.limit_kw", self.limit_kw, 0.0, LARGEST))
        number("export.inverter_efficiency", self.inverter_efficiency, above=0.0, high=1.0)
        number("export.inverter_max_kw", self.inverter_max_kw, low=0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduction(Record):
    """Paid demand response, settled against a given baseline; each event by its mean.

    Let R be the mean of baseline minus net import (kW) over an event of H hours. R below
    `valid_low` x bid is not paid; otherwise the pay is price x min(R, `valid_high` x bid) x H. The
    energy missing from `penalty_low` x bid x H costs `penalty_per_kwh`. The default thresholds are
    those of the Chinese provincial programmes.
    """

    baseline_kw: Floats
    """Net import without the reduction, shape (n,)."""
    in_event: Flags
    """Shape (n,); each run of consecutive steps is one event."""
    price_per_kwh: float
    bid_kw: float
    valid_low: float = 0.8
    valid_high: float = 1.2
    penalty_low: float = 0.5
    penalty_per_kwh: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "baseline_kw",
            series("reduction.baseline_kw", self.baseline_kw, -LARGEST, LARGEST),
        )
        object.__setattr__(self, "in_event", flags("reduction.in_event", self.in_event))
        number("reduction.price_per_kwh", self.price_per_kwh, low=0.0)
        number("reduction.bid_kw", self.bid_kw, low=0.0)
        number("reduction.valid_low", self.valid_low, low=0.0)
        number("reduction.valid_high", self.valid_high, low=self.valid_low)
        number("reduction.penalty_low", self.penalty_low, low=0.0, high=self.valid_low)
        number("reduction.penalty_per_kwh", self.penalty_per_kwh, low=0.0)

    def events(self) -> tuple[tuple[int, int], ...]:
        """Return (first step, step after the last) of each event, in order."""
        edges = np.flatnonzero(np.diff(self.in_event.astype(np.int8), prepend=0, append=0))
        return tuple((int(first), int(after)) for first, after in edges.reshape(-1, 2))


@dataclass(frozen=True, kw_only=True, eq=False)
class Cooling(Record):
    """Air conditioner and the room it cools: one thermal mass, one loss to the outside (1R1C)."""

    max_kw: float
    """Electric power at the AC side; anything from 0 to this, as a mean over its duty cycle."""
    cop: float
    """Heat moved per kWh electric."""
    heat_capacity_kwh_per_k: float
    heat_loss_kw_per_k: float
    room_now_c: float
    low_c: float
    high_c: float
    """The band is a soft limit, so that a room outside it has a plan too."""
    outdoor_c: Floats
    """Shape (n,)."""
    inside_heat_kw: Floats
    """Heat of the equipment, shape (n,)."""
    discomfort_per_k_h: float
    """Currency per K outside the band for an hour."""
    rebound_cap_kw: float | None = None
    """Soft cap on import in the step after a DR event, priced like any import cap; None = none."""

    def __post_init__(self) -> None:
        number("cooling.max_kw", self.max_kw, low=0.0)
        number("cooling.cop", self.cop, above=0.0)
        number("cooling.heat_capacity_kwh_per_k", self.heat_capacity_kwh_per_k, above=0.0)
        number("cooling.heat_loss_kw_per_k", self.heat_loss_kw_per_k, above=0.0)
        number("cooling.room_now_c", self.room_now_c, low=-100.0, high=200.0)
        number("cooling.low_c", self.low_c, low=-100.0, high=200.0)
        number("cooling.high_c", self.high_c, low=self.low_c, high=200.0)
        object.__setattr__(
            self, "outdoor_c", series("cooling.outdoor_c", self.outdoor_c, -100.0, 200.0)
        )
        object.__setattr__(
            self,
            "inside_heat_kw",
            series("cooling.inside_heat_kw", self.inside_heat_kw, 0.0, LARGEST),
        )
        number("cooling.discomfort_per_k_h", self.discomfort_per_k_h, low=0.0)
        if self.rebound_cap_kw is not None:
            number("cooling.rebound_cap_kw", self.rebound_cap_kw, low=0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class RadioSleep(Record):
    """Radio capacity layers that may sleep: DC load that need not be served, at a price."""

    available_kw: Floats
    """Shape (n,); above the load it is cut to the load."""
    cost_per_kwh: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "available_kw", series("sleep.available_kw", self.available_kw, 0.0, LARGEST)
        )
        number("sleep.cost_per_kwh", self.cost_per_kwh, low=0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Genset(Record):
    """A generator on the AC side: off, or between its minimum load and its maximum.

    It makes the program a MILP.
    """

    max_kw: float
    min_kw: float
    fuel_per_kwh: float
    """Currency per kWh generated."""
    start_cost: float
    """Currency per start."""
    available: Flags
    """Shape (n,): whether it may run in the step."""
    running: bool = False
    """Whether it runs now, so that it needs no start to keep running."""

    def __post_init__(self) -> None:
        number("genset.max_kw", self.max_kw, low=0.0)
        number("genset.min_kw", self.min_kw, low=0.0, high=self.max_kw)
        number("genset.fuel_per_kwh", self.fuel_per_kwh, low=0.0)
        number("genset.start_cost", self.start_cost, low=0.0)
        object.__setattr__(self, "available", flags("genset.available", self.available))
