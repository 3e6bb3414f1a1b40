"""A DR event as a line of text and as data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from siteems.config.local_time import doubled_offset
from siteems.demand_response.event import UNITS, DrEvent, Interval

TIMES = ("start", "end", "created")


def event_text(event: DrEvent, zone: ZoneInfo) -> str:
    """An event on one line, with times local to the site."""
    start, end = event.start.astimezone(zone), event.end.astimezone(zone)
    begins = f"{start:%Y-%m-%d %H:%M}{doubled_offset(start, zone)}"
    span = f"{begins} to {end:%m-%d %H:%M}{doubled_offset(end, zone)}"
    marks = ", a test" if event.test else ""
    programme = f", programme {event.programme}" if event.programme else ""
    return f"{event.id}: {_asked(event)}, {span}, from {event.source}{programme}{marks}"


def _asked(event: DrEvent) -> str:
    """What an event asks for, with the range of its values where they differ."""
    if event.kind == "emergency":
        return "grid emergency: import as little as the reserve allows"
    values = [interval.value for interval in event.intervals]
    shown = [
        f"{100 * each:.0f} %" if event.kind == "charge-state" else f"{each:g}"
        for each in (min(values), max(values))
    ]
    value = shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"
    unit = UNITS[event.kind]
    value = f"{value} {unit}" if unit == "kW" else f"{value}{unit}"
    phrases = {
        "import-cap": f"import at most {value}",
        "export-cap": f"export at most {value}",
        "reduction": f"import {value} below the baseline",
        "battery-power": f"battery at {value} (+ charging)",
        "charge-state": f"state of charge {value} at the end",
        "price": f"price of {value}",
    }
    return phrases[event.kind]


def event_from_dict(data: Mapping[str, Any]) -> DrEvent:
    """The inverse of `event_dict`. Raises ValueError for data that is none."""
    try:
        intervals = tuple(Interval(**_with_times(each)) for each in data["intervals"])
        fields = {key: value for key, value in data.items() if key not in ("start", "end")}
        event = DrEvent(**{**_with_times(fields), "intervals": intervals})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a DR event: {error}") from error
    _check_types(event)
    return event


def event_dict(event: DrEvent) -> dict[str, Any]:
    """An event for programs: times ISO 8601 UTC; with its start and end, which follow from the
    intervals.
    """
    data = asdict(event)
    intervals = [_without_times(each) for each in data["intervals"]]
    span = {"start": event.start, "end": event.end}
    return _without_times({**data, "intervals": intervals, **span})


def _with_times(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: datetime.fromisoformat(value) if key in TIMES else value for key, value in data.items()
    }


def _without_times(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in data.items()
    }


def _check_types(event: DrEvent) -> None:
    """Raises ValueError where JSON had another type in a field."""
    texts = (event.id, event.source, event.programme)
    numbers = (event.revision, event.priority)
    flags = (event.test, event.cancelled)
    right = (
        all(isinstance(each, str) for each in texts)
        and all(isinstance(each, int) and not isinstance(each, bool) for each in numbers)
        and all(isinstance(each, bool) for each in flags)
        and event.revision >= 0
        and event.created.tzinfo is not None
    )
    if not right:
        raise ValueError(f"event {event.id!r}: a field has the wrong type")
