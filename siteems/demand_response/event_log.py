"""The DR events of a site, kept in its record. Revisions are added, never changed or removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from itertools import islice
from typing import Final, Protocol, cast

from siteems.demand_response.event import DrEvent, Kind, latest_revisions
from siteems.history.records import EventRow

MOST_OPEN: Final = 100
"""Open events of one site that are followed, those that begin first. A grid operator plans days
ahead, with a few events a day; a thousand would make planning slow.
"""


class EventStore(Protocol):
    """What keeps events: the recorder of a daemon, or the historian itself."""

    def add_event_row(self, event: EventRow) -> None:
        """Keep a revision; the same revision twice is the same row."""
        ...

    def open_event_rows(self, now: datetime, limit: int) -> Sequence[EventRow]:
        """The first open events by start; more revisions may be among them."""
        ...


class EventLog:
    """The events in a site's record. Methods raise `RecordError` when it cannot be used."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def add(self, event: DrEvent) -> None:
        """Record a revision; one that is already recorded stays as it is."""
        self._store.add_event_row(EventRow(*astuple(event)))

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are active or still to come, by start time; at most `MOST_OPEN`."""
        events = (_event(row) for row in self._store.open_event_rows(now, MOST_OPEN))
        still_open = (event for event in latest_revisions(events) if event.end > now)
        return tuple(islice(still_open, MOST_OPEN))


def _event(row: EventRow) -> DrEvent:
    return DrEvent(**row._asdict() | {"kind": cast("Kind", row.kind)})
