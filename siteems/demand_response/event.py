"""The neutral DR event: whatever the protocol, the site knows only this."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from siteems.history.records import EVENT_KINDS
from siteems.site.demand_response import EventKind

Kind = EventKind

LARGEST_KW: Final = 1e6
"""A power station. A larger number is an error of unit or of transmission."""
LARGEST_PRICE: Final = 1e6
"""Per kWh, in any currency."""
RANGES: Final[Mapping[Kind, tuple[float, float]]] = {
    "import-cap": (0.0, LARGEST_KW),
    "export-cap": (0.0, LARGEST_KW),
    "reduction": (0.0, LARGEST_KW),
    "battery-power": (-LARGEST_KW, LARGEST_KW),
    "charge-state": (0.0, 1.0),
    "price": (-LARGEST_PRICE, LARGEST_PRICE),
    "emergency": (0.0, 0.0),
}
"""What the value of an interval may be, by kind."""
UNITS: Final[Mapping[Kind, str]] = {
    "import-cap": "kW",
    "export-cap": "kW",
    "reduction": "kW",
    "battery-power": "kW",
    "charge-state": "",
    "price": "/kWh",
    "emergency": "",
}
MOST_INTERVALS: Final = 1000
"""Of one event: ten days of quarter hours. A longer list would make planning slow."""
LOWEST_PRIORITY: Final = 1000
"""Priorities count from 0, the highest; an event without one comes after all that have one."""


@dataclass(frozen=True)
class Interval:
    """What an event asks for from `start` (inclusive) to `end` (exclusive)."""

    start: datetime
    end: datetime
    value: float
    """By the kind of the event:

    - import-cap, export-cap: highest grid import or export of the whole site, kW, AC side;
    - reduction: grid import below the baseline, kW, AC side;
    - battery-power: kW at the DC bus, + charging, - discharging;
    - charge-state: state of charge (0..1) at the end of the interval;
    - price: currency per kWh imported, in place of the tariff's;
    - emergency: 0; the site imports as little as its backup reserve allows.
    """
    baseline_kw: float | None = None
    """Of a reduction: mean grid import without the event. Fixed when the event is accepted."""

    @property
    def import_cap_kw(self) -> float:
        """The import that is left of the baseline of a reduction."""
        return math.inf if self.baseline_kw is None else max(0.0, self.baseline_kw - self.value)


@dataclass(frozen=True)
class DrEvent:
    """One revision of a DR event.

    A change or a cancellation is a higher revision of the same id, and the highest one counts.
    Raises ValueError for an event whose intervals do not last, overlap or have a value that their
    kind does not allow, and for an unknown kind.
    """

    id: str
    revision: int
    kind: Kind
    intervals: tuple[Interval, ...]
    """By start, none overlapping another; there may be gaps."""
    source: str
    """Who placed it."""
    created: datetime
    """When this revision was placed."""
    programme: str = ""
    """Under which programme; empty without one."""
    priority: int = LOWEST_PRIORITY
    """0 is the highest."""
    test: bool = False
    """A test event is recorded and shown; the site does not act on it."""
    cancelled: bool = False
    """A cancelled event is kept, so that a late message cannot bring it back."""

    def __post_init__(self) -> None:
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"event {self.id} is of the unknown kind {self.kind!r}")
        if not 0 < len(self.intervals) <= MOST_INTERVALS:
            count = len(self.intervals)
            raise ValueError(f"event {self.id} has {count} intervals; allowed: 1 to 1000")
        if not 0 <= self.priority <= LOWEST_PRIORITY:
            allowed = f"allowed: 0 to {LOWEST_PRIORITY}"
            raise ValueError(f"event {self.id} has the priority {self.priority}; {allowed}")
        for interval in self.intervals:
            self._check(interval)
        for before, after in pairwise(self.intervals):
            if after.start < before.end:
                raise ValueError(f"event {self.id} has two intervals at {after.start}")

    def _check(self, interval: Interval) -> None:
        if interval.start.tzinfo is None or interval.end.tzinfo is None:
            raise ValueError(f"event {self.id} has a time without time zone")
        if interval.end <= interval.start:
            span = f"ends ({interval.end}) before it starts ({interval.start})"
            raise ValueError(f"event {self.id} {span}")
        low, high = RANGES[self.kind]
        if not low <= interval.value <= high:  # not for NaN either
            value = f"{interval.value} {UNITS[self.kind]}".rstrip()
            allowed = f"allowed: {low:g} to {high:g}"
            raise ValueError(f"event {self.id} ({self.kind}) has the value {value}; {allowed}")
        if (self.kind == "reduction") != (interval.baseline_kw is not None):
            raise ValueError(f"event {self.id}: a reduction, and nothing else, has a baseline")
        baseline_kw = interval.baseline_kw
        if baseline_kw is not None and not -LARGEST_KW <= baseline_kw <= LARGEST_KW:
            raise ValueError(f"event {self.id} has a baseline of {baseline_kw} kW")

    @property
    def start(self) -> datetime:
        """Of the first interval."""
        return self.intervals[0].start

    @property
    def end(self) -> datetime:
        """Of the last interval: from then on the event asks for nothing."""
        return self.intervals[-1].end


def import_cap_event(
    id_: str,
    revision: int,
    cap_kw: float,
    start: datetime,
    end: datetime,
    source: str,
    created: datetime,
) -> DrEvent:
    """An import cap of one interval. Raises ValueError."""
    return DrEvent(id_, revision, "import-cap", (Interval(start, end, cap_kw),), source, created)


def latest_revisions(events: Iterable[DrEvent]) -> tuple[DrEvent, ...]:
    """The events that hold, by start time: of each id its highest revision, unless cancelled.

    The result does not depend on the order of `events`.
    """
    newest: dict[str, DrEvent] = {}
    for event in events:
        known = newest.get(event.id)
        if known is None or event.revision > known.revision:
            newest[event.id] = event
    valid = [event for event in newest.values() if not event.cancelled]
    return tuple(sorted(valid, key=lambda event: (event.start, event.id)))
