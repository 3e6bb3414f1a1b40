"""The DR events of a site, kept in its record. Revisions are added, never changed or removed."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime
from typing import cast

from siteems.demand_response.event import DrEvent, Kind, latest_revisions
from siteems.history.records import EventRow
from siteems.history.store import History


class EventLog:
    """The events in a site's record. Methods raise `RecordError` when it cannot be used."""

    def __init__(self, history: History) -> None:
        self._history = history

    def add(self, event: DrEvent) -> None:
        """Record a revision; one that is already recorded stays as it is."""
        self._history.add_event_row(EventRow(*astuple(event)))

    def revisions(self, ending_after: datetime) -> list[DrEvent]:
        """All revisions, cancelled ones too, of the events of which any revision ends later.

        All of them are needed: one that ends early may be the one that counts.
        """
        return [_event(row) for row in self._history.event_rows(ending_after)]

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are active or still to come, by start time."""
        return tuple(e for e in latest_revisions(self.revisions(now)) if e.end > now)


def _event(row: EventRow) -> DrEvent:
    return DrEvent(**row._asdict() | {"kind": cast("Kind", row.kind)})
