"""What a site may have besides load, sun and batteries: each is a component of the problem, or
None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, Record
from optimisation.problem.validation import LARGEST, ProblemError, flags, number, series

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class DemandCharge(Record):
    """Price on the highest mean import of a billing interval (a month's maximum demand in a
    two-part tariff).
    """

    price_per_kw: float
    """Currency per kW above the peak so far."""
    peak_so_far_kw: float
    """Already billed this month, so free to reach again."""
    interval_of_step: npt.NDArray[np.int64]
    """Number of the billing interval of each step, shape (n,), from 0, up by 0 or 1 from step to
    step.

    The mean over the steps of an interval counts; a step longer than the interval counts by its own
    mean.
    """
    counts: Flags | None = None
    """Shape (n,): what is imported then is billed; the same for all steps of an interval. None =
    always.
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
                    f"demand.counts[{i}] is {counts[i]}; allowed is the same within a billing interval"
                )


@dataclass(frozen=True, kw_only=True, eq=False)
class Export(Record):
    """Selling to the grid, and serving the AC load, through a grid-tied inverter from the DC bus.

    Grid-tied: with the mains out it gives nothing.
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
    """Demand response that is settled against a given baseline, each run of event steps by its
    mean.

    With R = mean of baseline minus net import (kW) and H the hours of the event: R below
    `valid_low` x bid is not paid; else price x min(R, `valid_high` x bid) x H is; and what is
    missing from `penalty_low` x bid costs `penalty_per_kwh`. Thresholds as in the Chinese
    provincial programmes (0.8, 1.2, 0.5).
    """

    baseline_kw: Floats
    """Net import that would have been, shape (n,)."""
    in_event: Flags
    """Shape (n,); steps of an event follow one another, two events have a step between them."""
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
        """(first step, step after the last) of each event, in order."""
        edges = np.flatnonzero(np.diff(self.in_event.astype(np.int8), prepend=0, append=0))
        return tuple((int(first), int(after)) for first, after in edges.reshape(-1, 2))


@dataclass(frozen=True, kw_only=True, eq=False)
class Cooling(Record):
    """The air conditioner and the room it cools: one thermal mass, one loss to the outside (1R1C)."""

    max_kw: float
    """Electric, AC side; 0 up to this, as a duty."""
    cop: float
    """Heat moved per kWh electric."""
    heat_capacity_kwh_per_k: float
    heat_loss_kw_per_k: float
    room_now_c: float
    low_c: float
    high_c: float
    """The band is soft: a room outside it has a plan too."""
    outdoor_c: Floats
    """Shape (n,)."""
    inside_heat_kw: Floats
    """Shape (n,), of the equipment."""
    discomfort_per_k_h: float
    """Currency per K outside the band for an hour."""
    rebound_cap_kw: float | None = None
    """Import in the step after a paid event or a capped time, at most; soft, priced like any import
    cap.
    """

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
    """Capacity layers that may sleep: DC load that need not be served, for its price. Only where
    enrolled.
    """

    available_kw: Floats
    """Shape (n,); what is above the load does not count."""
    cost_per_kwh: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "available_kw", series("sleep.available_kw", self.available_kw, 0.0, LARGEST)
        )
        number("sleep.cost_per_kwh", self.cost_per_kwh, low=0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Genset(Record):
    """A generator on the AC side: off, or between its minimum load and its maximum. Makes the
    program a MILP.
    """

    max_kw: float
    min_kw: float
    fuel_per_kwh: float
    """Currency per kWh generated."""
    start_cost: float
    """Currency per start."""
    available: Flags
    """Shape (n,): may run in the step."""
    running: bool = False
    """Now, so that going on needs no start."""

    def __post_init__(self) -> None:
        number("genset.max_kw", self.max_kw, low=0.0)
        number("genset.min_kw", self.min_kw, low=0.0, high=self.max_kw)
        number("genset.fuel_per_kwh", self.fuel_per_kwh, low=0.0)
        number("genset.start_cost", self.start_cost, low=0.0)
        object.__setattr__(self, "available", flags("genset.available", self.available))
