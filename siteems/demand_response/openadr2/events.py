"""From an OpenADR 2.0b event to neutral events.

One event becomes one neutral event for each signal that a site can follow:

| signal | type | kind | value |
|---|---|---|---|
| SIMPLE | level | import-cap | the cap that the site file gives for the level; level 0 is none |
| LOAD_DISPATCH | setpoint | battery-power | consumption of the battery, so + charging; W by scale |
| LOAD_DISPATCH | delta | reduction | change of the consumption; only below 0; W by scale |
| ELECTRICITY_PRICE | price | price | per kWh, in the site's currency, by scale |
| CHARGE_STATE | setpoint | charge-state | Wh by scale, of the battery's capacity |

An event whose signals all ask for something else is refused, so that the operator hears of it.
Events come as plain dictionaries, as `openleadr` reads them after the check of their XML schema.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from siteems.demand_response.event import (
    LOWEST_PRIORITY,
    MOST_INTERVALS,
    DrEvent,
    Interval,
    Kind,
)
from siteems.demand_response.listing import EventRefused
from siteems.history.valid_rows import EARLIEST, LATEST

SOURCE: Final = "openadr2"
KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("simple", "level"): "import-cap",
    ("load_dispatch", "setpoint"): "battery-power",
    ("load_dispatch", "delta"): "reduction",
    ("electricity_price", "price"): "price",
    ("charge_state", "setpoint"): "charge-state",
}
SCALES: Final[Mapping[str, float]] = {
    "none": 1.0, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3, "M": 1e6, "G": 1e9,
}  # fmt: skip
"""SI prefixes, as the standard codes them."""
LONGEST: Final = timedelta(days=20 * 366)
CANCELLED: Final = "cancelled"
PRICE_PER_KWH: Final = "currencyPerKWh"
"""What a price is; a measurement of another name is per kW, per therm, or an amount."""
NO_END: Final = timedelta(0)
"""A duration of zero means "until further notice"."""

BaselineOf = Callable[[datetime, datetime], float | None]
"""Mean grid import in kW that a span would have without an event; None where it is not known."""


@dataclass(frozen=True)
class Participation:
    """What a VEN knows for reading events."""

    ven_name: str
    currency: str
    programmes: frozenset[str] = frozenset()
    """Market contexts that the site takes part in; empty = all."""
    simple_caps_kw: Sequence[float] = ()
    capacity_kwh: float = 0.0
    """Of the battery."""
    targets: frozenset[str] = frozenset()
    """Groups, resources and other labels of this site; empty = the VTN decides which are."""
    ven_id: str | None = None
    """What the VTN calls this VEN."""


def event_id_of(event: Mapping[str, Any]) -> str:
    """The VTN's id of an event. Raises `EventRefused`."""
    id_ = _dict(event, "event_descriptor").get("event_id")
    if not isinstance(id_, str) or not 0 < len(id_) <= 128:
        raise EventRefused("an event without an id")
    return id_


def revision_of(event: Mapping[str, Any]) -> int:
    """Two for each modification, so that a withdrawal that is seen in a listing comes between this
    one and the next. Raises `EventRefused`.
    """
    number = _dict(event, "event_descriptor").get("modification_number")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 10**9:
        raise EventRefused(f"event {event_id_of(event)}: modification number {str(number)[:40]!r}")
    return 2 * number


def is_cancelled(event: Mapping[str, Any]) -> bool:
    """Whether the VTN has cancelled it."""
    return _dict(event, "event_descriptor").get("event_status") == CANCELLED


def is_for(event: Mapping[str, Any], ven: Participation) -> bool:
    """Whether an event is for this site: of one of its programmes, and for all VENs, for this one,
    or for one of its groups or resources.
    """
    programme = _programme(_dict(event, "event_descriptor"))
    if ven.programmes and programme not in ven.programmes:
        return False
    vens, labels = _targets(event)
    if not vens and not labels:
        return True
    if vens & {ven.ven_id, ven.ven_name} or labels & ven.targets:
        return True
    return bool(labels) and not vens and not ven.targets


def _programme(descriptor: Mapping[str, Any]) -> str:
    return str(descriptor.get("market_context") or "")[:128]


def _targets(event: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Ids of VENs, and all other labels, that an event is for."""
    vens: set[str] = set()
    labels: set[str] = set()
    stated = event.get("targets")
    for target in stated if isinstance(stated, list | tuple) else ():
        for name, value in target.items() if isinstance(target, Mapping) else ():
            if isinstance(value, str) and value:
                (vens if name == "ven_id" else labels).add(value)
    return vens, labels


def neutral_events(
    event: Mapping[str, Any], ven: Participation, baseline: BaselineOf
) -> tuple[DrEvent, ...]:
    """The neutral events of an event, none where it is not for this site. Raises `EventRefused`."""
    id_, descriptor = event_id_of(event), _dict(event, "event_descriptor")
    if not is_for(event, ven):
        return ()
    programme, revision = _programme(descriptor), revision_of(event)
    period = _dict(event, "active_period")
    found: list[DrEvent] = []
    others: list[str] = []
    signals = _list(event, "event_signals")
    for number, signal in enumerate(signals):
        name, type_ = (str(signal.get(key, "")) for key in ("signal_name", "signal_type"))
        kind = KINDS.get((name.lower(), type_))
        if kind is None:
            others.append(f"{name} {type_}"[:80])
            continue
        intervals = tuple(_intervals(id_, signal, kind, period, ven, baseline))
        if intervals:
            found.append(_event(id_, number, kind, intervals, descriptor, programme, revision))
    if len(others) == len(signals):
        raise EventRefused(f"event {id_}: no signal that a site can follow: {', '.join(others)}")
    return tuple(found)


def _event(
    id_: str,
    number: int,
    kind: Kind,
    intervals: tuple[Interval, ...],
    descriptor: Mapping[str, Any],
    programme: str,
    revision: int,
) -> DrEvent:
    created = descriptor.get("created_date_time")
    try:
        return DrEvent(
            id=f"{SOURCE}:{id_}:{number}",
            revision=revision,
            kind=kind,
            intervals=intervals,
            source=SOURCE,
            created=_utc(created) if isinstance(created, datetime) else intervals[0].start,
            programme=programme,
            priority=_priority(descriptor.get("priority")),
            test=descriptor.get("test_event") not in (False, None, "", "false"),
            cancelled=descriptor.get("event_status") == CANCELLED,
        )
    except ValueError as error:
        raise EventRefused(str(error)) from error


def _priority(stated: object) -> int:
    """In 2.0b, 1 is the highest and 0 means none."""
    if isinstance(stated, bool) or not isinstance(stated, int) or stated <= 0:
        return LOWEST_PRIORITY
    return min(stated, LOWEST_PRIORITY - 1)


def _intervals(
    id_: str,
    signal: Mapping[str, Any],
    kind: Kind,
    period: Mapping[str, Any],
    ven: Participation,
    baseline: BaselineOf,
) -> list[Interval]:
    """Intervals follow each other from the start of the active period, unless they state theirs."""
    wire = _list(signal, "intervals")
    if not 0 < len(wire) <= MOST_INTERVALS:
        raise EventRefused(f"event {id_}: {len(wire)} intervals; allowed: 1 to {MOST_INTERVALS}")
    at = _time(id_, period.get("dtstart"))
    offset = _random_offset(id_, period, ven.ven_name)
    found = []
    for each in wire:
        start = at if each.get("dtstart") is None else _time(id_, each["dtstart"])
        end = start + _duration(id_, each.get("duration"))
        value = _value(id_, signal, kind, each.get("signal_payload"), ven)
        at = end
        if value is None:
            continue
        base = None
        start, end = start + offset, end + offset
        if kind == "reduction":
            base = baseline(start, end)
            if base is None:
                raise EventRefused(f"event {id_}: a reduction, and no baseline is known yet")
        found.append(_interval(id_, start, end, value, base))
    return found


def _interval(
    id_: str, start: datetime, end: datetime, value: float, base: float | None
) -> Interval:
    if not EARLIEST <= start < LATEST:
        raise EventRefused(f"event {id_}: an interval in the year {start.year}")
    return Interval(start, end, value, base)


def _value(
    id_: str, signal: Mapping[str, Any], kind: Kind, payload: object, ven: Participation
) -> float | None:
    """The value of an interval in the unit of its kind; None for a level that asks nothing."""
    if isinstance(payload, bool) or not isinstance(payload, int | float):
        raise EventRefused(f"event {id_}: {str(payload)[:40]!r} is no number")
    if not abs(payload) <= 1e12:  # nor NaN
        raise EventRefused(f"event {id_}: a value of {str(payload)[:40]}")
    if kind == "import-cap":
        return _cap_kw(id_, float(payload), ven)
    measurement = signal.get("measurement") or {}
    unit, scale = str(measurement.get("unit") or ""), str(measurement.get("scale") or "none")
    if scale not in SCALES:
        raise EventRefused(f"event {id_}: the scale {scale[:20]!r}; allowed: {', '.join(SCALES)}")
    base = float(payload) * SCALES[scale]
    if kind == "price":
        name = str(measurement.get("name") or PRICE_PER_KWH)
        if name != PRICE_PER_KWH or unit not in ("", ven.currency):
            stated = f"{name[:20]} in {unit[:20]!r}"
            allowed = f"{PRICE_PER_KWH} in {ven.currency}"
            raise EventRefused(f"event {id_}: ELECTRICITY_PRICE as {stated}; allowed: {allowed}")
        return base
    if kind == "charge-state":
        if unit != "Wh" or ven.capacity_kwh <= 0.0:
            raise EventRefused(f"event {id_}: CHARGE_STATE in {unit[:20]!r}; allowed: Wh")
        return base / 1000.0 / ven.capacity_kwh
    if unit not in ("W", ""):
        raise EventRefused(f"event {id_}: LOAD_DISPATCH in {unit[:20]!r}; allowed: W")
    kilowatts = base / 1000.0
    if kind == "reduction":
        if kilowatts > 0.0:
            raise EventRefused(f"event {id_}: a change of {kilowatts:+g} kW; allowed: below 0")
        return -kilowatts
    return kilowatts


def _cap_kw(id_: str, level: float, ven: Participation) -> float | None:
    if level == 0.0:
        return None
    if level not in (1.0, 2.0, 3.0) or level > len(ven.simple_caps_kw):
        known = f"openadr.simple_caps_kw has {len(ven.simple_caps_kw)} levels"
        raise EventRefused(f"event {id_}: SIMPLE level {level:g}; {known}")
    return ven.simple_caps_kw[int(level) - 1]


def _random_offset(id_: str, period: Mapping[str, Any], ven_name: str) -> timedelta:
    """Between 0 and `startafter`, the same at each poll, and spread over the VENs."""
    tolerance = period.get("tolerance") or {}
    inner = tolerance.get("tolerate") if isinstance(tolerance, Mapping) else None
    most = inner.get("startafter") if isinstance(inner, Mapping) else None
    if most is None or most == timedelta(0):
        return timedelta(0)
    share = Random(f"{ven_name}/{id_}").random()
    return timedelta(seconds=math.floor(share * _duration(id_, most).total_seconds()))


def _time(id_: str, value: object) -> datetime:
    if not isinstance(value, datetime):
        raise EventRefused(f"event {id_}: {str(value)[:40]!r} is no time")
    try:
        when = _utc(value)
    except OverflowError as error:
        raise EventRefused(f"event {id_}: a time in the year {value.year}") from error
    if not EARLIEST <= when < LATEST:
        raise EventRefused(f"event {id_}: a time in the year {when.year}")
    return when


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _duration(id_: str, value: object) -> timedelta:
    if not isinstance(value, timedelta):
        raise EventRefused(f"event {id_}: {str(value)[:40]!r} is no duration")
    if value == NO_END:
        raise EventRefused(f"event {id_}: an interval without an end")
    if not timedelta(0) < value <= LONGEST:
        raise EventRefused(f"event {id_}: a duration of {value}")
    return value


def _dict(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(value, Mapping):
        raise EventRefused(f"an event without {name}")
    return value


def _list(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = data.get(name)
    if not isinstance(value, list | tuple) or not all(isinstance(v, Mapping) for v in value):
        raise EventRefused(f"an event without {name}")
    return list(value)
