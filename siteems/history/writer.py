"""The thread that writes the record. While nothing can be written, entries wait in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from drivers.backoff import Backoff, growing_pauses
from siteems.history.known_events import KnownEvents
from siteems.history.record_file import RecordFile, Replaced
from siteems.history.records import RecordError, RefusedEntry, UnusableRecord
from siteems.history.retention import Retention, prune_old
from siteems.history.store import History
from siteems.history.waiting import Entry, Gap, Waiting

log = structlog.get_logger()

POLL_S: Final = 0.1
"""How often the thread looks for DR events that another process has placed: a tenth of the usual
cycle, and a look costs some 50 microseconds.
"""
BATCH: Final = 500
"""Most entries of one transaction."""
RETRY_PAUSES_S: Final = growing_pauses(1.0, 30.0)
"""Before a file that could not be written is tried again: soon, because a lock is short, then
seldom, because a full disk lasts.
"""
CHECKED_SPAN: Final = timedelta(days=14)
"""How far back rows are checked: as far as they are used."""

T = TypeVar("T")


@dataclass(frozen=True)
class RecorderHealth:
    """How the recorder does at one moment."""

    unwritten_s: float
    """For how long nothing could be written although something waits; 0 = all is written."""
    detail: str
    """Why, as far as it is known."""
    waiting: int
    """Entries in memory."""
    invalid: Mapping[str, int]
    """Rows of the record that are skipped because they are not valid, by table."""
    open_events: int
    """DR events in the record that are not over, as far as they are held in memory."""


class RecordWriter:
    """Owns the file. All methods but those with an underscore are for other threads."""

    def __init__(
        self,
        path: Path,
        now: Callable[[], datetime],
        waiting: Waiting,
        events: KnownEvents,
        new_file: Callable[[], None],
    ) -> None:
        """`new_file` is called when a new file has replaced the one before."""
        self._now, self._waiting, self._events, self._new_file = now, waiting, events, new_file
        self._notices: list[Replaced] = []
        self._file = RecordFile(path, now, self._notices.append)
        self._number = 0
        """Of the file that was used last."""
        self._batch: list[Entry] = []
        """Taken from the queue and not written yet."""
        self._jobs: list[tuple[Callable[[History], Any], Future[Any]]] = []
        self._change: int | None = None
        """Of the record by other processes, as seen last; None = all is to be read again."""
        self.keep: Retention | None = None
        """What is older is to be deleted now; None = nothing."""
        self._invalid: Mapping[str, int] = {}
        self._retry = Backoff(RETRY_PAUSES_S)
        self._written_at = time.monotonic()
        """When there was last nothing left to write."""
        self._detail = ""
        self._wake = threading.Event()
        self._end_by: float | None = None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Open the record and begin to write."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def submit(self, job: Callable[[History], T]) -> Future[T]:
        """Run a job; it fails with `RecordError` where the record cannot be opened."""
        future: Future[T] = Future()
        self._jobs.append((job, future))
        self.wake()
        return future

    @property
    def health(self) -> RecorderHealth:
        """How it does now."""
        unwritten_s = 0.0 if self._all_is_well else time.monotonic() - self._written_at
        events = self._events.count(self._now())
        return RecorderHealth(unwritten_s, self._detail, self._unwritten, self._invalid, events)

    @property
    def _all_is_well(self) -> bool:
        return not self._detail and not self._unwritten

    @property
    def _unwritten(self) -> int:
        return len(self._batch) + len(self._waiting)

    def take_notices(self) -> list[Replaced | Gap]:
        """What has happened since the last time. A gap is among it when writing works again."""
        notices: list[Replaced | Gap] = list(self._notices)
        del self._notices[: len(notices)]
        if self._all_is_well and (gap := self._waiting.take_gap()) is not None:
            notices.append(gap)
        return notices

    def close(self, limit_s: float) -> int:
        """Write what waits, for at most so long; returns how many entries could not be written."""
        self._end_by = time.monotonic() + limit_s
        self.wake()
        self._thread.join(limit_s)
        return self.health.waiting

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended():
            self._wake.wait(POLL_S)
            self._wake.clear()
            try:
                self._turn()
            except Exception:
                log.exception("recorder-failed")  # the thread goes on, as the control loop does
                self._retry.failed(time.monotonic())
        self._file.close()

    def _ended(self) -> bool:
        """Whether it was closed, and all is written or its time is over."""
        if self._end_by is None:
            return False
        return not self._unwritten or time.monotonic() >= self._end_by

    def _turn(self) -> None:
        """Read, and write all that waits. While writing fails, reading goes on."""
        closing = self._end_by is not None
        resting = not closing and self._retry.resting(time.monotonic())
        if resting and not self._file.is_open:
            return
        try:
            history = self._file.open()
            self._use(history)
            if not resting:
                self._write(history)
                if not closing:
                    self._prune(history)
        except UnusableRecord as error:
            self._failed(error)
            self._set_aside(error)
        except RecordError as error:
            if not resting:
                self._failed(error)
        else:
            if not resting:
                self._retry.succeeded()
                self._written_at, self._detail = time.monotonic(), ""

    def _set_aside(self, error: UnusableRecord) -> None:
        try:
            self._file.set_aside(error)
        except RecordError as refused:
            self._detail = str(refused)
        else:
            self._retry.succeeded()
            self.wake()

    def _failed(self, error: RecordError) -> None:
        self._detail = str(error)
        if self._retry.failures == 0:
            log.error("record-failed", error=str(error))
        self._retry.failed(time.monotonic())
        for _, future in self._take_jobs():
            future.set_exception(error)

    def _use(self, history: History) -> None:
        """Read what others have changed, and run the jobs. A damaged file is read as far as it can
        be, before it is set aside. Raises `RecordError`.
        """
        if self._file.number != self._number:
            if history.is_new:
                history.migrate(self._now())
            if self._number:
                self._new_file()
            self._number, self._change = self._file.number, None
        with suppress(UnusableRecord):
            self._read_events(history)
        for job, future in self._take_jobs():
            _run_job(job, future, history)
        if history.damage is not None:
            raise history.damage

    def _read_events(self, history: History) -> None:
        change = history.changes_of_others()
        if change == self._change and not self._events.stale:
            return
        self._events.read(lambda limit: history.open_event_rows(self._now(), limit))
        if change != self._change:
            self._invalid = history.invalid_rows(self._now() - CHECKED_SPAN)
        self._change = change

    def _write(self, history: History) -> None:
        if copy := history.migrate(self._now()):
            log.info("record-migrated", copy=copy.name)
        while True:
            self._batch = self._batch or self._waiting.take(BATCH)
            if not self._batch:
                return
            try:
                with history.transaction():
                    for entry in self._batch:
                        entry.write(history)
            except (RefusedEntry, ValueError, TypeError):
                self._write_one_by_one(history)
            for entry in self._batch:
                if entry.written is not None:
                    entry.written()
            self._batch = []

    def _write_one_by_one(self, history: History) -> None:
        """One entry of the batch cannot be written, whatever the disk does: it is lost."""
        while self._batch:
            entry = self._batch[0]
            try:
                entry.write(history)
                if entry.written is not None:
                    entry.written()
            except (RefusedEntry, ValueError, TypeError) as error:
                log.error("record-entry-refused", kind=entry.kind, error=str(error))
                self._waiting.lose(entry)
            del self._batch[0]

    def _prune(self, history: History) -> None:
        if self.keep is None:
            return
        if removed := prune_old(history, self._now(), self.keep):
            log.info("housekeeping", rows_removed=removed)
            self.wake()
        else:
            self.keep, self._change = None, None  # the rows are checked again

    def _take_jobs(self) -> list[tuple[Callable[[History], Any], Future[Any]]]:
        jobs = list(self._jobs)
        del self._jobs[: len(jobs)]
        return jobs


def _run_job(job: Callable[[History], T], future: Future[T], history: History) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job(history))
    except Exception as error:
        future.set_exception(error)
