"""What a server's listing of its events changes in what the site knows and follows.

A listing has everything that the server has. So a restart of either side needs no more than the
next listing, and an event that is missing from it was withdrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from siteems.demand_response.event import DrEvent

MOST_REFUSED: Final = 2000
"""Refusals that are remembered, so that each is reported once: as many as a listing can have."""

Refuse = Callable[[DrEvent, Iterable[DrEvent], datetime], str | None]
"""Why an event is refused, given the other open events of this source; None for one that is not."""


class EventRefused(ValueError):
    """An event that cannot be followed; the text says why."""


class Added(Protocol):
    """Where revisions go."""

    def add(self, event: DrEvent) -> None:
        """Record a revision."""
        ...


@dataclass(frozen=True)
class Poll:
    """What one listing has changed."""

    added: tuple[DrEvent, ...]
    """New revisions, cancellations among them."""
    refused: tuple[str, ...]
    """Why events are refused that were not refused before, one sentence each."""


class Followed:
    """The events of one server: known, followed, refused. Not for several tasks at once."""

    def __init__(self, events: Added, refuse: Refuse, known: Iterable[DrEvent]) -> None:
        """`known` are the newest revisions that the record has, cancelled ones too."""
        self._events, self._refuse = events, refuse
        self.known = {event.id: event for event in known}
        """The latest revisions by id."""
        self.refused: dict[str, str] = {}
        """Of the last listing: why, by id."""

    def take(self, listed: Iterable[DrEvent], refused: Mapping[str, str], now: datetime) -> Poll:
        """Record what a listing changes. `refused` are its events that cannot be read, by id."""
        why = dict(refused)
        added: list[DrEvent] = []
        for change in changes(self.known, listed, now):
            event = replace(change, created=now)  # the server's clock may be wrong
            no = None if event.cancelled else self._refuse(event, self.open(now), now)
            if no is None:
                self._add(event)
                added.append(event)
                continue
            why[event.id] = f"event {event.id}: {no}"
            before = self.known.get(event.id)
            if before is not None and not before.cancelled:
                # The operator no longer asks for what it was before.
                ended = replace(before, revision=event.revision, cancelled=True, created=now)
                self._add(ended)
                added.append(ended)
        new = tuple(text for id_, text in why.items() if self.refused.get(id_) != text)
        self.refused = dict(list(why.items())[:MOST_REFUSED])
        return Poll(tuple(added), new)

    def open(self, now: datetime) -> list[DrEvent]:
        """The events that are followed and not over."""
        return [e for e in self.known.values() if not e.cancelled and e.end > now]

    def _add(self, event: DrEvent) -> None:
        self._events.add(event)
        self.known[event.id] = event


def changes(
    known: Mapping[str, DrEvent], listed: Iterable[DrEvent], now: datetime
) -> tuple[DrEvent, ...]:
    """The revisions that are new, the cancellations among them.

    `known` are the latest revisions by id, cancelled ones too; `listed` is everything that the
    server has. An event that is missing from it was withdrawn, which cancels it, unless it is over.
    A cancelled event stays so until the server modifies it later than that.
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
