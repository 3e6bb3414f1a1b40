"""The neutral demand-response event: whatever the protocol, the site knows only this."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["limit-import"]


@dataclass(frozen=True)
class DrEvent:
    """One revision of a call. The highest revision of an id counts; a cancelled one is kept as a
    tombstone.
    """

    id: str
    revision: int
    kind: Kind
    limit_kw: float
    """Grid import of the whole site that must not be exceeded, AC side."""
    start: datetime
    end: datetime
    source: str
    created: datetime
    cancelled: bool = False

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"event {self.id} ends ({self.end}) before it starts ({self.start})")
        if not (math.isfinite(self.limit_kw) and self.limit_kw >= 0):
            raise ValueError(
                f"event {self.id} has a limit of {self.limit_kw} kW; allowed: 0 and above"
            )


def latest_revisions(events: Iterable[DrEvent]) -> tuple[DrEvent, ...]:
    """The valid events: one per id, its highest revision, without cancelled ones, by start time."""
    newest: dict[str, DrEvent] = {}
    for event in events:
        known = newest.get(event.id)
        if known is None or event.revision > known.revision:
            newest[event.id] = event
    return tuple(
        sorted((e for e in newest.values() if not e.cancelled), key=lambda e: (e.start, e.id))
    )


def import_cap_kw(
    events: Iterable[DrEvent], start: datetime, duration: timedelta = timedelta(0)
) -> float:
    """The tightest import cap in kW that holds at `start`, or at any time in the `duration` from
    it; inf = none.
    """
    end = start + duration
    caps = (
        e.limit_kw
        for e in events
        if e.start < max(end, start + timedelta(microseconds=1)) and e.end > start
    )
    return min(caps, default=math.inf)
