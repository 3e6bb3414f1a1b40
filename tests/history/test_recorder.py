"""The recorder: the control loop never waits for the disk, and what waited is written when it can
be.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from invalid_rows import EVENT, NOON, insert
from recorder_rig import (
    ALWAYS,
    EVENT_A,
    MINUTE,
    PATIENCE_S,
    Disk,
    alarm,
    recording,
    sample,
    stoppable_disk,
    wait_for,
    written,
)

from siteems.demand_response.event_log import EventLog
from siteems.history import waiting, writer
from siteems.history.records import Command, RecordError, Sample
from siteems.history.store import History
from siteems.history.waiting import Gap
from siteems.messages.message import Message
from siteems.site.model import Recording


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with stoppable_disk(monkeypatch) as disk:
        yield disk


def test_all_that_is_handed_over_is_on_disk_at_the_end(path: Path) -> None:
    command = Command(NOON, "d", "p", 1.0, "o", Message("r"), "written", None)
    with recording(path) as recorder:
        recorder.add_samples([sample(0), sample(1)])
        recorder.add_plan(NOON, "optimal", "test", lambda: {"number": 1})
        recorder.add_alarm(alarm(1))
        recorder.add_commands([command, command])
        recorder.set_fact("pid", "7")
        recorder.set_fact("pid", "8")
        EventLog(recorder).add(EVENT_A)
    record = written(path)
    assert record.samples(*ALWAYS) == [sample(0), sample(1)]
    assert record.last_plans(["optimal"]) == [{"number": 1}]
    assert record.alarms(*ALWAYS) == [alarm(1)]
    assert record.commands(*ALWAYS) == [command, command]
    assert record.fact("pid") == "8"
    assert EventLog(record).open(NOON) == (EVENT_A,)
    record.close()


def test_nothing_waits_for_a_disk_that_hangs(path: Path, disk: Disk) -> None:
    """Were any of these to wait, the test would not end."""
    with recording(path) as recorder:
        wait_for(lambda: recorder.read(lambda history: history.is_new).result() is False)
        disk.may_write.clear()
        for i in range(20):
            recorder.add_samples([sample(i)])
            recorder.add_alarm(alarm(i))
        EventLog(recorder).add(EVENT_A)
        assert EventLog(recorder).open(NOON) == (EVENT_A,), "it counts before it is written"
        EventLog(recorder).add(replace(EVENT_A, revision=1, cancelled=True))
        assert EventLog(recorder).open(NOON) == ()
        wait_for(lambda: recorder.health.unwritten_s > 0.0)
        assert recorder.close(0.05) > 0, "a stop does not wait either, and says what is missing"
        disk.may_write.set()


def test_while_another_process_holds_the_lock_events_are_read_and_entries_wait(path: Path) -> None:
    with recording(path) as recorder, closing(sqlite3.connect(path, isolation_level=None)) as other:
        wait_for(lambda: recorder.read(lambda history: history.is_new).result() is False)
        other.execute("BEGIN IMMEDIATE")
        recorder.add_samples([sample(0)])
        wait_for(lambda: "locked" in recorder.health.detail)
        values = ", ".join("?" * len(EVENT))
        other.execute(f"INSERT INTO events VALUES ({values})", tuple(EVENT.values()))
        assert EventLog(recorder).open(NOON) == ()
        other.execute("COMMIT")
        wait_for(lambda: EventLog(recorder).open(NOON))
        wait_for(lambda: recorder.health.unwritten_s == 0.0)
        assert recorder.take_notices() == []
    record = written(path)
    assert record.samples(*ALWAYS) == [sample(0)]
    record.close()


def test_a_full_disk_that_has_room_again_misses_nothing(path: Path, disk: Disk) -> None:
    with recording(path) as recorder:
        wait_for(lambda: recorder.read(lambda history: history.is_new).result() is False)
        disk.full = True
        for i in range(30):
            recorder.add_samples([sample(i)])
        wait_for(lambda: "full" in recorder.health.detail)
        disk.full = False
        wait_for(lambda: recorder.health.waiting == 0)
        assert recorder.health.detail == ""
        assert recorder.take_notices() == []
    record = written(path)
    assert len(record.samples(*ALWAYS)) == 30
    record.close()


def test_what_memory_cannot_hold_is_a_gap_when_writing_works_again(
    path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST", {**waiting.MOST, "samples": 10})
    monkeypatch.setattr(writer, "BATCH", 5)
    with recording(path) as recorder:
        wait_for(lambda: recorder.read(lambda history: history.is_new).result() is False)
        disk.full = True
        recorder.add_alarm(alarm(1))
        wait_for(lambda: "full" in recorder.health.detail)
        for i in range(25):
            recorder.add_samples([sample(i)])
        assert recorder.take_notices() == [], "it is not over"
        disk.full = False
        wait_for(lambda: recorder.health.unwritten_s == 0.0)
        [gap] = recorder.take_notices()
        assert isinstance(gap, Gap)
        assert gap.counts == {"samples": gap.counts["samples"]}
        assert gap.start == NOON
        lost = gap.counts["samples"]
        assert lost in range(10, 16), "of 25 there was room for 10, and for a batch at the most"
        assert gap.end == NOON + (lost - 1) * MINUTE
    record = written(path)
    assert [each.time for each in record.samples(*ALWAYS)] == [
        NOON + i * MINUTE for i in range(lost, 25)
    ]
    assert record.alarms(*ALWAYS) == [alarm(1)]
    record.close()


def test_an_entry_that_breaks_the_rules_costs_no_other_one(path: Path) -> None:
    wrong = Sample(NOON + 9 * MINUTE, {"soc": float("inf")}, "plan", Message("r"))
    with recording(path) as recorder:
        recorder.add_samples([sample(0), wrong, sample(1)])
        recorder.add_plan(NOON, "optimal", "test", lambda: {"value": float("nan")})
        recorder.add_plan(NOON, "optimal", "test", lambda: {"number": 1})
        wait_for(lambda: recorder.health.waiting == 0 and recorder.health.unwritten_s == 0.0)
        [gap] = recorder.take_notices()
        assert isinstance(gap, Gap)
        assert gap.counts == {"samples": 1, "plans": 1}
    record = written(path)
    assert record.samples(*ALWAYS) == [sample(0), sample(1)]
    assert record.last_plans(["optimal"]) == [{"number": 1}]
    record.close()


def test_a_folder_that_cannot_be_made_means_memory_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_PAUSES_S", (0.01,))
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    with recording(blocked / "history.sqlite3") as recorder:
        recorder.add_samples([sample(0)])
        reading = recorder.read(lambda history: history.is_new)
        with pytest.raises(RecordError):
            reading.result(PATIENCE_S)
        EventLog(recorder).add(EVENT_A)
        assert EventLog(recorder).open(NOON) == (EVENT_A,)
        assert recorder.health.unwritten_s > 0.0
        blocked.unlink()
        wait_for(lambda: recorder.health.waiting == 0)
    record = written(blocked / "history.sqlite3")
    assert record.samples(*ALWAYS) == [sample(0)]
    assert EventLog(record).open(NOON) == (EVENT_A,)
    record.close()


def test_a_former_record_is_read_before_it_is_migrated(path: Path) -> None:
    former = Path(__file__).parents[1] / "data" / "record-of-version-0.1.sqlite3"
    path.write_bytes(former.read_bytes())
    with recording(path) as recorder:
        reading = recorder.read(lambda history: history.samples(*ALWAYS))
        assert len(reading.result(PATIENCE_S)) == 60
        recorder.add_samples([sample(1000)])
    record = written(path)
    assert len(record.samples(*ALWAYS)) == 61
    assert record._rows("PRAGMA user_version") == [(3,)]
    record.close()
    assert list(path.parent.glob("*.before-schema-3-*"))


def test_rows_that_are_not_valid_are_counted_until_they_are_gone(path: Path) -> None:
    with recording(path) as recorder:
        wait_for(lambda: recorder.read(lambda history: history.is_new).result() is False)
        insert(path, "events", {**EVENT, "revision": -1})
        wait_for(lambda: recorder.health.invalid == {"events": 1})
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("DELETE FROM events")
        wait_for(lambda: recorder.health.invalid == {})


EVER = (NOON - timedelta(days=100), NOON + timedelta(days=1))


def test_old_rows_are_deleted_piece_by_piece(path: Path) -> None:
    history = History(path)
    history.add_samples(sample(-i) for i in (*range(5000), *range(100_000, 102_500)))
    history.close()
    with recording(path) as recorder:
        recorder.prune(Recording(keep_days=3))
        reader = written(path)
        three_days = 3 * 24 * 60 + 1
        wait_for(lambda: len(reader.samples(*EVER)) == three_days)
        reader.close()


def test_an_error_in_a_job_ends_nothing(path: Path) -> None:
    with recording(path) as recorder:
        failing = recorder.read(lambda history: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            failing.result(PATIENCE_S)
        recorder.add_samples([sample(0)])
        wait_for(lambda: recorder.health.waiting == 0)
