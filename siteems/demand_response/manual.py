"""DR events placed by hand: recorded in the site's event log, where the daemon finds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.errors import UserError


def place_import_limit(
    events: EventLog,
    limit_kw: float,
    start: datetime,
    duration: timedelta,
    now: datetime,
    source: str,
) -> DrEvent:
    """Record an import limit as a new event. Raises `UserError` when it would already be over."""
    end = start + duration
    if end <= now:
        times = f"it ends at {end:%Y-%m-%d %H:%M} UTC, now is {now:%Y-%m-%d %H:%M} UTC"
        raise UserError(f"the event would already be over: {times}; give --from with a date")
    id_ = uuid4().hex[:8]
    event = DrEvent(id_, 0, "limit-import", limit_kw, start, end, source, now)
    events.add(event)
    return event


def cancel_event(events: EventLog, event_id: str, now: datetime) -> DrEvent:
    """Record the cancellation of an event as its next revision.

    Raises `UserError` for an id that is neither active nor still to come.
    """
    known = {event.id: event for event in events.open(now)}
    if event_id not in known:
        open_ids = ", ".join(sorted(known)) or "none"
        raise UserError(f"no event {event_id!r} is open; open: {open_ids}")
    event = known[event_id]
    cancelled = replace(event, revision=event.revision + 1, cancelled=True, created=now)
    events.add(cancelled)
    return cancelled
