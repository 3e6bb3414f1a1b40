"""What waits to be written to the record: a bounded queue between the control loop and the thread
that writes.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from siteems.history.store import History

Kind = Literal["facts", "events", "alarms", "commands", "plans", "samples"]

MOST: Final[Mapping[Kind, int]] = {
    "facts": 100,
    "events": 1_000,
    "alarms": 10_000,
    "commands": 20_000,
    "plans": 192,
    "samples": 2_880,
}
"""Most entries of each kind that wait, in the order in which they are written. Beyond that the
oldest of the kind are lost. Plans and samples go first, after two days; what was commanded and
reported is kept for weeks. All of it together is about 40 MB, most of that plans.
"""


@dataclass(frozen=True)
class Entry:
    """One entry on its way to the record."""

    kind: Kind
    time: datetime
    """When it happened; bounds the gap where the entry is lost."""
    write: Callable[[History], None]
    key: str = ""
    """A fact replaces an earlier one of the same key."""
    written: Callable[[], None] | None = None
    """What is to be done once the entry is on disk."""


@dataclass(frozen=True)
class Gap:
    """Entries that were lost because they waited for too long."""

    start: datetime
    end: datetime
    """Times of the oldest and the newest of them."""
    counts: Mapping[str, int]
    """By kind."""


class Waiting:
    """The queue. Safe to use from several threads; nothing here waits for a disk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Kind, deque[Entry]] = {kind: deque() for kind in MOST}
        self._lost: Counter[str] = Counter()
        self._lost_times: list[datetime] = []
        """Of the oldest and the newest lost entry."""

    def put(self, entry: Entry) -> None:
        """Add an entry; where too many of its kind wait, the oldest one is lost."""
        with self._lock:
            queue = self._entries[entry.kind]
            if entry.key:
                for former in [each for each in queue if each.key == entry.key]:
                    queue.remove(former)
            queue.append(entry)
            if len(queue) > MOST[entry.kind]:
                self._lose(queue.popleft())

    def take(self, most: int) -> list[Entry]:
        """Remove the oldest entries, facts, events and alarms first."""
        with self._lock:
            taken: list[Entry] = []
            for queue in self._entries.values():
                while queue and len(taken) < most:
                    taken.append(queue.popleft())
            return taken

    def lose(self, entry: Entry) -> None:
        """Count an entry that can never be written."""
        with self._lock:
            self._lose(entry)

    def _lose(self, entry: Entry) -> None:
        self._lost[entry.kind] += 1
        times = [*self._lost_times, entry.time]
        self._lost_times = [min(times), max(times)]

    def take_gap(self) -> Gap | None:
        """What has been lost since the last time, if anything."""
        with self._lock:
            if not self._lost:
                return None
            gap = Gap(self._lost_times[0], self._lost_times[-1], dict(self._lost))
            self._lost.clear()
            self._lost_times = []
            return gap

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._entries.values()))
