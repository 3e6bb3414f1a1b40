"""Calls placed by hand: from the words of an operator to an event in the site's record, where the
daemon finds it.
"""

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
    """Record a new import limit. Raises `UserError` when it would already be over."""
    if start + duration <= now:
        ends, today = f"{start + duration:%Y-%m-%d %H:%M} UTC", f"{now:%Y-%m-%d %H:%M} UTC"
        raise UserError(
            f"the call would already be over: it ends at {ends}, now is {today}; give --from with a date"
        )
    event = DrEvent(
        uuid4().hex[:8], 0, "limit-import", limit_kw, start, start + duration, source, now
    )
    events.add(event)
    return event


def cancel_event(events: EventLog, event_id: str, now: datetime) -> DrEvent:
    """Record the cancellation of a call as its next revision. Raises `UserError` for an id that is
    not in force.
    """
    known = {e.id: e for e in events.open(now)}
    if event_id not in known:
        open_ids = ", ".join(sorted(known)) or "none"
        raise UserError(f"no call {event_id!r} is open; open: {open_ids}")
    event = replace(
        known[event_id], revision=known[event_id].revision + 1, cancelled=True, created=now
    )
    events.add(event)
    return event
