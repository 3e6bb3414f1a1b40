"""The demand-response events of a site, kept in its record: every revision, none is ever changed."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime
from typing import cast

from siteems.demand_response.event import DrEvent, Kind, latest_revisions
from siteems.history.records import EventRow
from siteems.history.store import History


class EventLog:
    """The events in a site's record. Every call raises `RecordError` when the record cannot be
    used.
    """

    def __init__(self, history: History) -> None:
        self._history = history

    def add(self, event: DrEvent) -> None:
        """Record a revision; the same revision twice is recorded once."""
        self._history.add_event_row(EventRow(*astuple(event)))

    def revisions(self, ending_after: datetime) -> list[DrEvent]:
        """All revisions, cancelled ones too, of the events of which one revision ends later."""
        return [_event(row) for row in self._history.event_rows(ending_after)]

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are in force or to come."""
        return tuple(e for e in latest_revisions(self.revisions(now)) if e.end > now)


def _event(row: EventRow) -> DrEvent:
    return DrEvent(**row._asdict() | {"kind": cast("Kind", row.kind)})
