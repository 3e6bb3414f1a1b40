"""The DR events that a running daemon knows: those last read from the record, and those that were
added since and may not be written yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Final

from siteems.history.records import EventRow

MOST: Final = 1_000
"""Events that are held in memory, those that begin first; far more than are followed."""


class KnownEvents:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: tuple[EventRow, ...] = ()
        self._added: dict[tuple[str, int], EventRow] = {}
        self._written: set[tuple[str, int]] = set()
        """Of `_added`: in the record by now, so that the next read will show them."""

    @property
    def stale(self) -> bool:
        """Whether events were written since the last read."""
        return bool(self._written)

    def add(self, event: EventRow) -> None:
        """Another revision, which counts from now on. Those that are over are forgotten."""
        with self._lock:
            over = [key for key, each in self._added.items() if each.end <= event.created]
            for key in over:
                del self._added[key]
            self._added[event.id, event.revision] = event

    def written(self, event: EventRow) -> None:
        """A revision that was added is in the record now."""
        with self._lock:
            self._written.add((event.id, event.revision))

    def read(self, rows: Callable[[int], list[EventRow]]) -> None:
        """Take what the record holds. Raises what `rows` raises; then nothing changes."""
        with self._lock:
            written = set(self._written)
        found = tuple(rows(MOST))
        with self._lock:
            self._read = found
            for key in written:
                self._added.pop(key, None)
            self._written -= written

    def start_over(self) -> list[EventRow]:
        """Another record takes the place of the one before: all events, which the caller adds to
        it.
        """
        with self._lock:
            known = [*self._read, *self._added.values()]
            self._read, self._written = (), set()
            self._added = {(event.id, event.revision): event for event in known}
            return known

    def count(self, now: datetime) -> int:
        """How many events that were read are not over."""
        with self._lock:
            return len({event.id for event in self._read if event.end > now})

    def rows(self, now: datetime, limit: int) -> list[EventRow]:
        """All revisions of the first `limit` events that were read and are not over, and all that
        were added.
        """
        with self._lock:
            still_open = dict.fromkeys(event.id for event in self._read if event.end > now)
            first = set(islice(still_open, limit))
            return [*(event for event in self._read if event.id in first), *self._added.values()]
