"""The neutral DR event: whatever the protocol, the site knows only this."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from siteems.history.records import EVENT_KINDS

Kind = Literal["limit-import"]


@dataclass(frozen=True)
class DrEvent:
    """One revision of a DR event.

    A change or a cancellation is a higher revision of the same id, and the highest one counts.
    Raises ValueError for an event that does not last, has no valid limit or is of no known kind.
    """

    id: str
    revision: int
    kind: Kind
    limit_kw: float
    """Import limit: grid import of the whole site that must not be exceeded, AC side."""
    start: datetime
    end: datetime
    """The event is active while start <= time < end."""
    source: str
    """Who placed it."""
    created: datetime
    """When this revision was placed."""
    cancelled: bool = False
    """A cancelled event is kept, so that a late message cannot bring it back."""

    def __post_init__(self) -> None:
        if self.kind not in EVENT_KINDS:
            raise ValueError(f"event {self.id} is of the unknown kind {self.kind!r}")
        if self.end <= self.start:
            raise ValueError(f"event {self.id} ends ({self.end}) before it starts ({self.start})")
        if not (math.isfinite(self.limit_kw) and self.limit_kw >= 0):
            raise ValueError(
                f"event {self.id} has a limit of {self.limit_kw} kW; allowed: 0 and above"
            )


def latest_revisions(events: Iterable[DrEvent]) -> tuple[DrEvent, ...]:
    """The events that hold, by start time: of each id its highest revision, unless cancelled.

    The result does not depend on the order of `events`.
    """
    newest: dict[str, DrEvent] = {}
    for event in events:
        known = newest.get(event.id)
        if known is None or event.revision > known.revision:
            newest[event.id] = event
    valid = [event for event in newest.values() if not event.cancelled]
    return tuple(sorted(valid, key=lambda event: (event.start, event.id)))


def import_cap_kw(
    events: Iterable[DrEvent], start: datetime, duration: timedelta = timedelta(0)
) -> float:
    """The tightest import limit in kW that is active at `start`, or at any time within `duration`
    from it; infinity when none is.
    """
    end = max(start + duration, start + timedelta.resolution)  # a moment is a very short span
    limits = (event.limit_kw for event in events if event.start < end and event.end > start)
    return min(limits, default=math.inf)
