"""A DR event as a line of text and as data for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from siteems.config.local_time import doubled_offset
from siteems.demand_response.event import DrEvent


def event_text(event: DrEvent, zone: ZoneInfo) -> str:
    """An event on one line, with times local to the site."""
    start, end = event.start.astimezone(zone), event.end.astimezone(zone)
    begins = f"{start:%Y-%m-%d %H:%M}{doubled_offset(start, zone)}"
    span = f"{begins} to {end:%m-%d %H:%M}{doubled_offset(end, zone)}"
    return f"{event.id}: import at most {event.limit_kw:g} kW, {span}, from {event.source}"


def event_from_dict(data: Mapping[str, Any]) -> DrEvent:
    """The inverse of `event_dict`."""
    times = {name: datetime.fromisoformat(data[name]) for name in ("start", "end", "created")}
    return DrEvent(**{**data, **times})


def event_dict(event: DrEvent) -> dict[str, Any]:
    """An event for programs: times ISO 8601 UTC."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(event).items()
    }
