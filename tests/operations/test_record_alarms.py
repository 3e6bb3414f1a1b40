"""The alarms about the record: each once when it begins, once when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from siteems.history.record_file import Replaced
from siteems.history.records import AlarmRecord
from siteems.history.waiting import Gap
from siteems.history.writer import RecorderHealth
from siteems.operations.english import ENGLISH
from siteems.operations.record_alarms import RecordAlarms

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
GOOD = RecorderHealth(0.0, "", 0, {}, 0)


def test_each_is_raised_once_and_cleared_once() -> None:
    """A tick table: seconds without a write, invalid rows, open events, what is reported."""
    reported: list[AlarmRecord] = []
    alarms = RecordAlarms(reported.append)
    for unwritten_s, invalid, events, expected in (
        (0.0, {}, 0, []),
        (59.0, {}, 100, []),
        (61.0, {}, 0, ["record-not-written"]),
        (900.0, {}, 0, []),
        (0.0, {}, 0, ["record-written"]),
        (0.2, {"events": 1}, 0, ["record-invalid"]),
        (0.0, {"events": 2, "samples": 1}, 101, ["dr-events-left-out"]),
        (0.0, {}, 1000, ["record-valid"]),
        (0.0, {}, 100, ["dr-events-followed"]),
    ):
        reported.clear()
        health = RecorderHealth(unwritten_s, "disk full", 3, invalid, events)
        alarms.update(health, [], NOON)
        assert [each.code for each in reported] == expected


def test_what_happened_has_a_sentence() -> None:
    reported: list[AlarmRecord] = []
    gap = Gap(NOON, NOON + timedelta(hours=2), {"samples": 120, "events": 1})
    replaced = Replaced("history.sqlite3: not a database", "history.sqlite3.set-aside-1")
    RecordAlarms(reported.append).update(GOOD, [gap, replaced], NOON)
    texts = [ENGLISH.text(each.message) for each in reported]
    assert texts == [
        "not recorded from 2026-07-15T04:00:00+00:00 to 2026-07-15T06:00:00+00:00: "
        "120 samples, 1 DR events",
        "history.sqlite3: not a database; the record goes on in a new file, what was there is kept "
        "as history.sqlite3.set-aside-1",
    ]


def test_without_a_known_reason_a_write_takes_long() -> None:
    reported: list[AlarmRecord] = []
    RecordAlarms(reported.append).update(RecorderHealth(70.0, "", 3, {}, 0), [], NOON)
    assert ENGLISH.text(reported[0].message).endswith("a write takes very long")
