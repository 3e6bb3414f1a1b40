"""The record of a running daemon: the control loop hands over what is to be recorded, and a thread
writes it, so that no cycle waits for a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from siteems.history.known_events import KnownEvents
from siteems.history.record_file import Replaced
from siteems.history.records import AlarmRecord, Command, EventRow, Sample
from siteems.history.retention import Retention
from siteems.history.store import History
from siteems.history.waiting import Entry, Gap, Kind, Waiting
from siteems.history.writer import RecorderHealth, RecordWriter
from siteems.site.model import Recording

T = TypeVar("T")


class Recorder:
    """Every method but `close` returns at once and never raises."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self._now = now
        self._waiting, self._events = Waiting(), KnownEvents()
        self._facts: dict[str, str] = {}
        self._writer = RecordWriter(path, now, self._waiting, self._events, self._add_again)

    def start(self) -> None:
        """Open the record and begin to write."""
        self._writer.start()

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Record samples."""
        for sample in samples:
            self._put("samples", sample.time, partial(History.add_samples, samples=[sample]))

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Record a planning run; the thread makes its body."""
        write = partial(History.add_plan, time=time, status=status, trigger=trigger, body=body)
        self._put("plans", time, write)

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Record an alarm, or its end."""
        self._put("alarms", alarm.time, partial(History.add_alarm, alarm=alarm))

    def add_commands(self, commands: Sequence[Command]) -> None:
        """Record what the write gate did."""
        for command in commands:
            self._put("commands", command.time, partial(History.add_commands, commands=[command]))

    def add_event_row(self, event: EventRow) -> None:
        """Record a revision of a DR event; it counts from now on, written or not."""
        self._events.add(event)
        write = partial(History.add_event_row, event=event)
        self._put("events", event.created, write, written=partial(self._events.written, event))

    def open_event_rows(self, now: datetime, limit: int) -> list[EventRow]:
        """Open DR events as last read, and the revisions that were added since. Cancelled and
        former revisions may be among them.
        """
        return self._events.rows(now, limit)

    def set_fact(self, key: str, value: str) -> None:
        """Keep a short text under a key, in place of an earlier one."""
        self._facts[key] = value
        self._put("facts", self._now(), partial(History.set_fact, key=key, value=value), key=key)

    def prune(self, recording: Recording) -> None:
        """Roll up and delete what is older than the site file says, piece by piece while nothing
        else is to be done.
        """
        self._writer.keep = Retention(recording.keep_days, recording.keep_rollup_years)

    def read(self, job: Callable[[History], T]) -> Future[T]:
        """Run a job on the record in the thread; where there is none, it fails (`RecordError`)."""
        return self._writer.submit(job)

    @property
    def health(self) -> RecorderHealth:
        """How it does now."""
        return self._writer.health

    def take_notices(self) -> list[Replaced | Gap]:
        """What has happened since the last time. A gap is among it when writing works again."""
        return self._writer.take_notices()

    def close(self, limit_s: float) -> int:
        """Write what waits, for at most so long; returns how many entries could not be written."""
        return self._writer.close(limit_s)

    def _add_again(self) -> None:
        """What a new file needs from the former one: facts of the daemon and open DR events."""
        for key, value in list(self._facts.items()):
            self.set_fact(key, value)
        for event in self._events.start_over():
            self.add_event_row(event)

    def _put(
        self,
        kind: Kind,
        time: datetime,
        write: Callable[[History], None],
        *,
        key: str = "",
        written: Callable[[], None] | None = None,
    ) -> None:
        self._waiting.put(Entry(kind, time, write, key, written))
        self._writer.wake()
