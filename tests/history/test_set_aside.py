"""A record that cannot be used, or was deleted or replaced while in use, is set aside or written
again; nothing of it is deleted.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from invalid_rows import NOON
from recorder_rig import (
    ALWAYS,
    EVENT_A,
    PATIENCE_S,
    alarm,
    recording,
    replaced,
    sample,
    wait_for,
    written,
)

from siteems.demand_response.event_log import EventLog
from siteems.history.records import RecordError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def _garbage(path: Path) -> None:
    path.write_bytes(b"no record at all" * 1000)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 3 * 4096 + 100])


def _torn_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(data)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def _other_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE samples (a, b)")


def _no_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE incidents")


UNUSABLE = (_garbage, _truncated, _torn_page, _newer, _other_program, _no_table)


@pytest.mark.parametrize("damage", UNUSABLE, ids=lambda each: each.__name__)
def test_a_record_that_cannot_be_used_is_set_aside(
    path: Path, damage: Callable[[Path], None]
) -> None:
    with recording(path) as recorder:
        recorder.add_samples([sample(i) for i in range(-3000, 0)])
    for side in path.parent.glob("history.sqlite3-*"):
        side.unlink()
    damage(path)
    before = path.read_bytes()
    with recording(path) as recorder:
        recorder.add_samples([sample(1)])
        recorder.read(lambda history: history.samples(*ALWAYS))
        notice = replaced(recorder)
        assert notice.kept == "history.sqlite3.set-aside-20260715T040000Z"
        wait_for(lambda: recorder.health.waiting == 0)
    assert path.with_name(notice.kept).read_bytes() == before
    record = written(path)
    assert record.samples(*ALWAYS) == [sample(1)]
    record.close()


def test_a_damaged_record_hands_over_what_can_be_read(path: Path) -> None:
    """The samples are torn, the DR events are not."""
    with recording(path) as recorder:
        recorder.add_samples([sample(i) for i in range(-3000, 0)])
        EventLog(recorder).add(EVENT_A)
        recorder.set_fact("pid", "7")
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'samples'").fetchone()[0]
    data = bytearray(path.read_bytes())
    data[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    with recording(path) as recorder:
        reading = recorder.read(lambda history: history.samples(*ALWAYS))
        with pytest.raises(RecordError):
            reading.result(PATIENCE_S)
        replaced(recorder)
        recorder.set_fact("pid", "8")
        wait_for(lambda: recorder.health.waiting == 0)
        assert EventLog(recorder).open(NOON) == (EVENT_A,)
    record = written(path)
    assert EventLog(record).open(NOON) == (EVENT_A,)
    assert record.fact("pid") == "8"
    record.close()


def test_a_card_that_damages_every_file_does_not_fill_up(path: Path) -> None:
    _garbage(path)
    with recording(path) as recorder:
        replaced(recorder)
        recorder.add_samples([sample(0)])
        wait_for(lambda: recorder.health.waiting == 0)
        _no_table(path)
        recorder.add_alarm(alarm(1))
        wait_for(lambda: "no such table" in recorder.health.detail)
        assert len(list(path.parent.glob("*.set-aside-*Z"))) == 1
        assert recorder.close(0.01) == 1


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_record_that_is_deleted_while_in_use_is_written_again(tmp_path: Path, what: str) -> None:
    path = tmp_path / "state" / "history.sqlite3"
    with recording(path) as recorder:
        recorder.add_samples([sample(0)])
        EventLog(recorder).add(EVENT_A)
        recorder.set_fact("pid", "7")
        wait_for(lambda: recorder.health.waiting == 0)
        if what == "file":
            path.unlink()
        else:
            shutil.rmtree(path.parent)
        recorder.add_samples([sample(1)])
        assert replaced(recorder).kept == "history.sqlite3"
        wait_for(lambda: recorder.health.waiting == 0)
    record = written(path)
    assert record.samples(*ALWAYS) == [sample(0), sample(1)]
    assert EventLog(record).open(NOON) == (EVENT_A,)
    assert record.fact("pid") == "7"
    record.close()


def test_a_record_that_is_replaced_while_in_use_is_kept_beside(tmp_path: Path) -> None:
    path, other = tmp_path / "history.sqlite3", tmp_path / "other.sqlite3"
    with recording(other) as recorder:
        recorder.add_samples([sample(100)])
    with recording(path) as recorder:
        recorder.add_samples([sample(0)])
        EventLog(recorder).add(EVENT_A)
        wait_for(lambda: recorder.health.waiting == 0)
        other.rename(path)
        notice = replaced(recorder)
        recorder.add_samples([sample(1)])
        wait_for(lambda: recorder.health.waiting == 0)
        assert EventLog(recorder).open(NOON) == (EVENT_A,)
    record, kept = written(path), written(path.with_name(notice.kept))
    assert record.samples(*ALWAYS) == [sample(1), sample(100)]
    assert EventLog(record).open(NOON) == (EVENT_A,)
    assert kept.samples(*ALWAYS) == [sample(0)]
    record.close()
    kept.close()
