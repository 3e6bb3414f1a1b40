"""What all events together ask of the site at a time: one timeline, merged by priority.

Caps do not contradict each other: the tightest one holds. One battery can follow only one request
for its power: that of the highest priority; of two with the same priority, the one that was placed
first. The others are overruled, which is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from siteems.demand_response.event import DrEvent, Interval

BATTERY_KINDS = ("battery-power", "charge-state")
CAP_KINDS = ("import-cap", "reduction", "emergency")


@dataclass(frozen=True, slots=True)
class BatteryRequest:
    """What the battery is asked for: a power, or a state of charge at the end of an interval."""

    event: str
    """Its id."""
    end: datetime
    battery_kw: float | None = None
    """+ charging, - discharging."""
    soc: float | None = None
    before_caps: bool = False
    """It has a higher priority than the tightest import cap."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What the events in force ask for."""

    import_cap_kw: float = math.inf
    """AC side; infinite without a cap."""
    export_cap_kw: float = math.inf
    battery: BatteryRequest | None = None
    price_per_kwh: float | None = None
    """In place of the tariff's; None without an event."""
    overruled: tuple[str, ...] = ()
    """Ids of events whose request for the battery another one has overruled."""


NO_REQUESTS = Requests()


def requests_at(
    events: Iterable[DrEvent], start: datetime, duration: timedelta = timedelta(0)
) -> Requests:
    """What is asked for at `start`, or at any time within `duration` from it. Where an interval
    follows another, the one in force at `start` counts for what only one can have.
    """
    active = [
        (event, interval)
        for event in sorted(events, key=_rank)
        if not event.test
        for interval in touching(event, start, duration)
    ]
    if not active:
        return NO_REQUESTS
    caps = [
        (_import_cap_kw(event, interval), event)
        for event, interval in active
        if event.kind in CAP_KINDS
    ]
    cap_kw, capping = min(caps, key=lambda each: each[0], default=(math.inf, None))
    exports = [interval.value for event, interval in active if event.kind == "export-cap"]
    prices = [interval.value for event, interval in active if event.kind == "price"]
    wishes = [(event, interval) for event, interval in active if event.kind in BATTERY_KINDS]
    battery: BatteryRequest | None = None
    overruled: tuple[str, ...] = ()
    if wishes:
        (event, interval), *others = wishes
        overruled = tuple(dict.fromkeys(each.id for each, _ in others if each.id != event.id))
        is_power = event.kind == "battery-power"
        battery = BatteryRequest(
            event.id,
            interval.end,
            battery_kw=interval.value if is_power else None,
            soc=None if is_power else interval.value,
            before_caps=capping is None or event.priority < capping.priority,
        )
    return Requests(
        import_cap_kw=cap_kw,
        export_cap_kw=min(exports, default=math.inf),
        battery=battery,
        price_per_kwh=prices[0] if prices else None,
        overruled=overruled,
    )


def import_cap_kw(
    events: Iterable[DrEvent], start: datetime, duration: timedelta = timedelta(0)
) -> float:
    """The tightest import cap in kW that is in force at `start`, or at any time within `duration`
    from it; infinity when none is.
    """
    return requests_at(events, start, duration).import_cap_kw


def tightest_cap_kw(event: DrEvent) -> float:
    """The lowest import cap of all intervals of an event; infinite for one that caps no import."""
    if event.kind not in CAP_KINDS:
        return math.inf
    return min(_import_cap_kw(event, interval) for interval in event.intervals)


def touching(event: DrEvent, start: datetime, duration: timedelta) -> Iterator[Interval]:
    """The intervals of an event that are in force at any time of a span, in order."""
    end = max(start + duration, start + timedelta.resolution)  # a moment is a very short span
    return (each for each in event.intervals if each.start < end and each.end > start)


def _import_cap_kw(event: DrEvent, interval: Interval) -> float:
    match event.kind:
        case "import-cap":
            return interval.value
        case "reduction":
            return interval.import_cap_kw
        case _:
            return 0.0


def _rank(event: DrEvent) -> tuple[int, datetime, str]:
    return event.priority, event.created, event.id
