"""From an event on the wire to neutral events.

One wire event becomes one neutral event for each payload type that a site can follow:

| payload type | kind | value |
|---|---|---|
| IMPORT_CAPACITY_LIMIT, EXPORT_CAPACITY_LIMIT | import-cap, export-cap | kW (W, MW by units) |
| DISPATCH_SETPOINT | battery-power | consumption of the battery, so + charging; kW |
| DISPATCH_SETPOINT_RELATIVE | reduction | change of the consumption; only below 0; kW |
| CHARGE_STATE_SETPOINT | charge-state | percent |
| SIMPLE | import-cap | the cap that the site file gives for the level; level 0 is none |
| PRICE | price | per kWh, in the site's currency |
| ALERT_GRID_EMERGENCY | emergency | any text |

Other types, such as GHG or EXPORT_PRICE, ask nothing of a site and are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from siteems.demand_response.event import (
    LOWEST_PRIORITY,
    DrEvent,
    Interval,
    Kind,
)
from siteems.demand_response.listing import EventRefused
from siteems.demand_response.openadr3.schedule import modified, spans
from siteems.demand_response.openadr3.wire import PayloadDescriptor, WireEvent

SOURCE: Final = "openadr"
KINDS: Final[Mapping[str, Kind]] = {
    "IMPORT_CAPACITY_LIMIT": "import-cap",
    "EXPORT_CAPACITY_LIMIT": "export-cap",
    "DISPATCH_SETPOINT": "battery-power",
    "DISPATCH_SETPOINT_RELATIVE": "reduction",
    "CHARGE_STATE_SETPOINT": "charge-state",
    "SIMPLE": "import-cap",
    "PRICE": "price",
    "ALERT_GRID_EMERGENCY": "emergency",
}
PER_KW: Final[Mapping[str, float]] = {"KW": 1.0, "W": 0.001, "MW": 1000.0}
PER_KWH: Final[Mapping[str, float]] = {"KWH": 1.0, "MWH": 0.001}
"""What a price per such a unit is per kWh."""
LARGEST_NUMBER: Final = 1e12
"""Of any payload, in any unit. The limits of each kind are far below it."""
PERCENT: Final = ("PERCENT", "PERCENTAGE")

BaselineOf = Callable[[datetime, datetime], float | None]
"""Mean grid import in kW that a span would have without an event; None where it is not known."""


@dataclass(frozen=True)
class Participation:
    """What a VEN knows for reading events."""

    ven_name: str
    currency: str
    programmes: Mapping[str, str]
    """Name by id, of those that the site takes part in."""
    targets: frozenset[str] = frozenset()
    """An event for other targets is not for this site; empty = those without targets and all
    others, because a VTN of version 3.1 shows a VEN only its own.
    """
    simple_caps_kw: tuple[float, ...] = ()
    """Import caps of the levels 1, 2, 3 of SIMPLE."""
    descriptors: Mapping[str, Sequence[PayloadDescriptor]] | None = None
    """Of the programmes, by id."""


def neutral_events(
    event: WireEvent, ven: Participation, baseline: BaselineOf
) -> tuple[DrEvent, ...]:
    """The neutral events of a wire event; none where it asks nothing of this site. Raises
    `EventRefused`.
    """
    programme = ven.programmes.get(event.programID)
    if programme is None:
        return ()
    targets = frozenset(event.targets or ())
    if targets and ven.targets and not targets & ven.targets:
        return ()
    found: dict[str, list[Interval]] = {}
    for start, end, index in spans(event, ven.ven_name):
        intervals = event.intervals or ()
        for payload in intervals[index].payloads:
            if payload.type not in KINDS:
                continue
            value = _number(event, payload.type, payload.values)
            interval = _interval(event, payload.type, value, start, end, ven, baseline)
            if interval is not None:
                found.setdefault(payload.type, []).append(interval)
    return tuple(
        _event(event, kind, tuple(intervals), programme) for kind, intervals in found.items()
    )


def revision_of(event: WireEvent) -> int:
    """OpenADR 3 numbers no modifications; a later one has a later time. Raises `EventRefused`."""
    return round(modified(event).timestamp() * 1000.0)


def _event(
    event: WireEvent,
    payload_type: str,
    intervals: tuple[Interval, ...],
    programme: str,
) -> DrEvent:
    try:
        return DrEvent(
            id=f"{SOURCE}:{event.id}:{payload_type}",
            revision=revision_of(event),
            kind=KINDS[payload_type],
            intervals=intervals,
            source=SOURCE,
            created=modified(event),
            programme=programme,
            priority=_priority(event),
        )
    except ValueError as error:
        raise EventRefused(str(error)) from error


def _priority(event: WireEvent) -> int:
    """Any number that is stated comes before an event without one."""
    return LOWEST_PRIORITY if event.priority is None else min(event.priority, LOWEST_PRIORITY - 1)


def _interval(
    event: WireEvent,
    payload_type: str,
    value: float,
    start: datetime,
    end: datetime,
    ven: Participation,
    baseline: BaselineOf,
) -> Interval | None:
    match payload_type:
        case "SIMPLE":
            return _simple(event, value, start, end, ven)
        case "PRICE":
            return Interval(start, end, value * _price_factor(event, ven))
        case "CHARGE_STATE_SETPOINT":
            units = _descriptor(event, payload_type, ven).units or "PERCENT"
            if units.upper() not in PERCENT:
                raise EventRefused(f"event {event.id}: {payload_type} in {units}; allowed: PERCENT")
            return Interval(start, end, value / 100.0)
        case "ALERT_GRID_EMERGENCY":
            return Interval(start, end, 0.0)
    kw = value * _kw_factor(event, payload_type, ven)
    if payload_type != "DISPATCH_SETPOINT_RELATIVE":
        return Interval(start, end, kw)
    if kw > 0.0:
        raise EventRefused(f"event {event.id}: asks for {kw:g} kW more; a site can only take less")
    if kw == 0.0:
        return None
    baseline_kw = baseline(start, end)
    if baseline_kw is None:
        raise EventRefused(f"event {event.id}: no baseline is known for a reduction of {-kw:g} kW")
    return Interval(start, end, -kw, baseline_kw)


def _simple(
    event: WireEvent, level: float, start: datetime, end: datetime, ven: Participation
) -> Interval | None:
    if level not in (0, 1, 2, 3):
        raise EventRefused(f"event {event.id}: SIMPLE level {level:g}; allowed: 0, 1, 2, 3")
    if level == 0:
        return None
    if level > len(ven.simple_caps_kw):
        raise EventRefused(
            f"event {event.id}: SIMPLE level {level:g}, for which openadr.simple_caps_kw of the "
            "site file has no import cap"
        )
    return Interval(start, end, ven.simple_caps_kw[int(level) - 1])


def _number(event: WireEvent, payload_type: str, values: Sequence[object]) -> float:
    """The one value of a payload."""
    if payload_type == "ALERT_GRID_EMERGENCY":
        return 0.0  # a text for people
    value = values[0] if len(values) == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventRefused(f"event {event.id}: {payload_type} needs one number")
    if not abs(value) <= LARGEST_NUMBER:  # nor NaN
        shown = f"{value:g}" if isinstance(value, float) else "more than 13 digits"
        raise EventRefused(f"event {event.id}: {payload_type} of {shown}")
    return float(value)


def _kw_factor(event: WireEvent, payload_type: str, ven: Participation) -> float:
    units = _descriptor(event, payload_type, ven).units or "KW"
    if (factor := PER_KW.get(units.upper())) is None:
        allowed = f"allowed: {', '.join(PER_KW)}"
        raise EventRefused(f"event {event.id}: {payload_type} in {units}; {allowed}")
    return factor


def _price_factor(event: WireEvent, ven: Participation) -> float:
    descriptor = _descriptor(event, "PRICE", ven)
    currency, units = descriptor.currency or ven.currency, descriptor.units or "KWH"
    if currency != ven.currency:
        raise EventRefused(
            f"event {event.id}: PRICE in {currency}; the site's currency is {ven.currency}"
        )
    if (factor := PER_KWH.get(units.upper())) is None:
        allowed = f"allowed: {', '.join(PER_KWH)}"
        raise EventRefused(f"event {event.id}: PRICE per {units}; {allowed}")
    return factor


def _descriptor(event: WireEvent, payload_type: str, ven: Participation) -> PayloadDescriptor:
    """Of the event, else of its programme, else one that states nothing."""
    of_programme = (ven.descriptors or {}).get(event.programID, ())
    for each in (*(event.payloadDescriptors or ()), *of_programme):
        if each.payloadType == payload_type:
            return each
    return PayloadDescriptor(payloadType=payload_type)
