"""A demand-response event as text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from siteems.demand_response.event import DrEvent


def event_text(event: DrEvent, zone: ZoneInfo) -> str:
    """A call on one line, in the site's local time."""
    span = (
        f"{event.start.astimezone(zone):%Y-%m-%d %H:%M} to {event.end.astimezone(zone):%m-%d %H:%M}"
    )
    return f"{event.id}: import at most {event.limit_kw:g} kW, {span}, from {event.source}"


def event_dict(event: DrEvent) -> dict[str, Any]:
    """A call for programs: times ISO 8601 UTC."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(event).items()
    }
