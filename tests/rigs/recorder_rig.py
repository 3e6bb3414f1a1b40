"""A recorder with its thread, and a disk that a test can stop or fill."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from invalid_rows import NOON

from siteems.demand_response.event import import_cap_event
from siteems.history import writer
from siteems.history.record_file import Replaced
from siteems.history.recorder import Recorder
from siteems.history.records import AlarmRecord, RecordError, Sample
from siteems.history.store import History
from siteems.messages.message import Message

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALWAYS = (NOON - 1000 * HOUR, NOON + 1000 * HOUR)
PATIENCE_S = 30.0
EVENT_A = import_cap_event("a", 0, 2.0, NOON, NOON + HOUR, "test", NOON)


def sample(minute: int) -> Sample:
    return Sample(NOON + minute * MINUTE, {"soc": 0.5}, "plan", Message("r"))


def alarm(number: int) -> AlarmRecord:
    return AlarmRecord(NOON, "alarm", Message("x", {"number": number}))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


@contextmanager
def recording(path: Path) -> Iterator[Recorder]:
    recorder = Recorder(path, lambda: NOON)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close(PATIENCE_S)


def written(path: Path) -> History:
    """The record as another process reads it."""
    return History(path, read_only=True)


def replaced(recorder: Recorder) -> Replaced:
    found: list[object] = []
    wait_for(lambda: found or found.extend(recorder.take_notices()) or found)
    [notice] = found
    assert isinstance(notice, Replaced)
    return notice


@dataclass
class Disk:
    """Lets writes through, makes them wait, or makes them fail."""

    may_write: threading.Event
    full: bool = False
    tries: int = 0


@contextmanager
def stoppable_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk of every record in this process."""
    state = Disk(threading.Event())
    state.may_write.set()
    transaction = History.transaction

    @contextmanager
    def through(self: History) -> Iterator[sqlite3.Connection]:
        state.tries += 1
        state.may_write.wait(PATIENCE_S)
        if state.full:
            raise RecordError(f"{self.path}: cannot be written (database or disk is full)")
        with transaction(self) as db:
            yield db

    monkeypatch.setattr(History, "transaction", through)
    monkeypatch.setattr(writer, "RETRY_PAUSES_S", (0.01,))
    yield state
    state.may_write.set()
