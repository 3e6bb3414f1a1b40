"""DR events placed by hand: everything about them is checked before they are recorded in the site's
event log.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from siteems.demand_response.event import LARGEST_KW, DrEvent, import_cap_event
from siteems.demand_response.event_log import MOST_OPEN, EventLog
from siteems.errors import UserError
from siteems.history.valid_rows import LONGEST_ID
from siteems.site.demand_response import DemandResponse

LATEST_START: Final = timedelta(days=366)
"""Events are announced days ahead; a year ahead is an error in the date."""
LONGEST: Final = timedelta(days=366)
HOUR: Final = timedelta(hours=1)


def doubts_about(limit_kw: float, duration: timedelta, allowed: DemandResponse) -> tuple[str, ...]:
    """Why an event needs a confirmation of the operator; none where the site file allows it."""
    doubts = []
    if limit_kw < allowed.lowest_limit_kw:
        lowest = f"demand_response.lowest_limit_kw is {allowed.lowest_limit_kw:g}"
        doubts.append(f"a limit of {limit_kw:g} kW leaves the site almost nothing ({lowest})")
    if duration > allowed.longest_h * HOUR:
        longest = f"demand_response.longest_h is {allowed.longest_h:g}"
        doubts.append(f"an event of {duration / HOUR:g} h is very long ({longest})")
    return tuple(doubts)


def confirm(doubts: tuple[str, ...]) -> None:
    """Raises `UserError` where there are doubts."""
    if doubts:
        raise UserError(*doubts, "add --yes if that is meant, or allow it in the site file")


def place_import_limit(
    events: EventLog,
    limit_kw: float,
    start: datetime,
    duration: timedelta,
    now: datetime,
    source: str,
) -> DrEvent:
    """Record an import limit as a new event. Raises `UserError` for one that is not valid, would
    already be over, or would be one too many.
    """
    if not (math.isfinite(limit_kw) and 0.0 <= limit_kw <= LARGEST_KW):
        allowed = f"allowed: 0 to {LARGEST_KW:g}"
        raise UserError(f"the limit is {limit_kw:g} kW; {allowed}")
    if not timedelta(0) < duration <= LONGEST:
        raise UserError(f"the event lasts {duration / HOUR:g} h; allowed: above 0, up to a year")
    if start > now + LATEST_START:
        raise UserError(f"the event begins at {start:%Y-%m-%d %H:%M} UTC; allowed: within a year")
    if start + duration <= now:
        times = f"it ends at {start + duration:%Y-%m-%d %H:%M} UTC, now is {now:%Y-%m-%d %H:%M} UTC"
        raise UserError(f"the event would already be over: {times}; give --from with a date")
    if not 0 < len(source) <= LONGEST_ID:
        raise UserError(f"who placed the event needs 1 to {LONGEST_ID} characters")
    if len(events.open(now)) >= MOST_OPEN:
        raise UserError(f"{MOST_OPEN} events are open, and a site follows no more; cancel some")
    id_ = uuid4().hex[:8]
    event = import_cap_event(id_, 0, limit_kw, start, start + duration, source, now)
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
