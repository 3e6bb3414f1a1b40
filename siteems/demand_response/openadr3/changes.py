"""What a listing of the VTN changes in what the site knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from siteems.demand_response.event import DrEvent


def changes(
    known: Mapping[str, DrEvent], listed: Iterable[DrEvent], now: datetime
) -> tuple[DrEvent, ...]:
    """The revisions that are new, the cancellations among them.

    `known` are the latest revisions by id, cancelled ones too; `listed` is everything that the VTN
    has. An event that is missing from it was deleted, which cancels it, unless it is over. A
    cancelled event stays so until the VTN modifies it later than that.
    """
    found = {event.id: event for event in listed}
    new = [
        event
        for event in found.values()
        if event.id not in known or event.revision > known[event.id].revision
    ]
    gone = [
        replace(event, revision=event.revision + 1, cancelled=True, created=now)
        for event in known.values()
        if event.id not in found and not event.cancelled and event.end > now
    ]
    return (*new, *gone)
