"""The DR events of a site, kept in its record. Revisions are added, never changed or removed."""

from __future__ import annotations

from dataclasses import astuple
from datetime import datetime
from typing import Final, cast

from siteems.demand_response.event import DrEvent, Kind
from siteems.history.records import EventRow
from siteems.history.store import History

MOST_OPEN: Final = 100
"""Open events of one site that are followed, those that begin first. A grid operator plans days
ahead, with a few events a day; a thousand would make planning slow.
"""


class EventLog:
    """The events in a site's record. Methods raise `RecordError` when it cannot be used."""

    def __init__(self, history: History) -> None:
        self._history = history

    def add(self, event: DrEvent) -> None:
        """Record a revision; one that is already recorded stays as it is."""
        self._history.add_event_row(EventRow(*astuple(event)))

    def open(self, now: datetime) -> tuple[DrEvent, ...]:
        """The events that are active or still to come, by start time; at most `MOST_OPEN`."""
        return tuple(_event(row) for row in self._history.open_event_rows(now, MOST_OPEN))


def _event(row: EventRow) -> DrEvent:
    return DrEvent(**row._asdict() | {"kind": cast("Kind", row.kind)})
