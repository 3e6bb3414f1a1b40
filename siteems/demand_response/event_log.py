"""The DR events of a site, kept in its record. Revisions are added, never changed or removed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from siteems.demand_response.event import DrEvent, latest_revisions
from siteems.demand_response.event_text import event_dict, event_from_dict
from siteems.history.records import EventRow

MOST_OPEN: Final = 100
"""Open events of one site that are followed, those that begin first. A grid operator plans days
ahead, with a few events a day; a thousand would make planning slow.
"""

RESOLUTION: Final = timedelta(milliseconds=1)
"""Of times in the record."""


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
        self.invalid = 0
        """Rows of the last `open` that are no events; they are skipped."""

    def add(self, event: DrEvent) -> None:
        """Record a revision; one that is already recorded stays as it is."""
        body = json.dumps(event_dict(event), separators=(",", ":"), allow_nan=False)
        row = EventRow(
            event.id, event.revision, event.start, event.end, event.created, event.cancelled, body
        )
        self._store.add_event_row(row)

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are active or still to come, by start time; at most `MOST_OPEN`."""
        self.invalid = 0
        events = self._events(self._store.open_event_rows(now, MOST_OPEN))
        still_open = (event for event in latest_revisions(events) if event.end > now)
        return tuple(islice(still_open, MOST_OPEN))

    def events_of(self, rows: Iterable[EventRow]) -> tuple[DrEvent, ...]:
        """The events of rows; those that are none are left out."""
        return tuple(self._events(rows))

    def _events(self, rows: Iterable[EventRow]) -> Iterator[DrEvent]:
        for row in rows:
            try:
                event = event_from_dict(json.loads(row.body))
            except (ValueError, RecursionError):
                self.invalid += 1
                continue
            if _is_of(row, event):
                yield event
            else:
                self.invalid += 1


def _is_of(row: EventRow, event: DrEvent) -> bool:
    """Whether the columns of a row, by which it is found, are those of the event in its body."""
    keys = ((each.id, each.revision, each.cancelled) for each in (row, event))
    times = ((row.start, event.start), (row.end, event.end))
    return len(set(keys)) == 1 and all(abs(a - b) <= RESOLUTION for a, b in times)
