"""Rows that are not valid are skipped, counted, and never written by us; valid ones beside them
count as before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from invalid_rows import (
    EVENT,
    EVENTS,
    FORMER_EVENT,
    NOON,
    NOON_MS,
    PLAN_BODIES,
    SAMPLE,
    SAMPLES,
    event_body,
    insert,
    insert_plan,
)
from plans import plan

from siteems.demand_response.event import import_cap_event
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import cancel_event
from siteems.errors import UserError
from siteems.history.records import AlarmRecord, RefusedEntry, Sample
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.operations.daemon_state import daemon_clock, daemon_state, recorded_traffic
from siteems.operations.recall import recall
from siteems.operations.status import read_status
from siteems.operations.status_json import as_data
from siteems.operations.status_text import as_text
from siteems.site.model import Site

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GOOD = import_cap_event("good", 0, 2.0, NOON, NOON + HOUR, "test", NOON)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite3")
    yield history
    history.close()


@pytest.mark.parametrize("wrong", EVENTS)
def test_an_event_that_is_not_valid_is_skipped(history: History, wrong: str) -> None:
    events = EventLog(history)
    events.add(GOOD)
    insert(history.path, "events", {**EVENT, **EVENTS[wrong]})
    assert events.open(NOON) == (GOOD,)
    assert history.invalid_rows(NOON - HOUR).get("events", 0) + events.invalid == 1
    with pytest.raises(UserError, match="open: good"):
        cancel_event(EventLog(history), "bad", NOON)


def test_a_revision_that_is_not_valid_does_not_replace_a_valid_one(history: History) -> None:
    EventLog(history).add(GOOD)
    body = event_body(id="good", revision=1, value=-1.0)
    insert(history.path, "events", {**EVENT, "id": "good", "revision": 1, "body": body})
    assert EventLog(history).open(NOON) == (GOOD,)


@pytest.mark.parametrize("wrong", SAMPLES)
def test_a_sample_that_is_not_valid_is_skipped(
    history: History, hangzhou: Site, wrong: str
) -> None:
    good = Sample(NOON - HOUR, {"soc": 0.5}, "plan", Message("r"))
    history.add_samples([good])
    insert(history.path, "samples", {**SAMPLE, **SAMPLES[wrong]})
    assert history.samples(NOON - 10 * HOUR, NOON) == [good]
    assert history.last_sample() == good
    assert history.last_time_at("soc", 0.6) is None
    assert recall(history, hangzhou, NOON).samples == [good]


@pytest.mark.parametrize("wrong", PLAN_BODIES)
def test_a_plan_that_cannot_be_read_gives_way_to_the_one_before(
    history: History, hangzhou: Site, wrong: str
) -> None:
    history.add_plan(NOON - HOUR, "optimal", "test", plan().to_dict)
    insert_plan(history.path, PLAN_BODIES[wrong])
    assert recall(history, hangzhou, NOON).plan == plan()
    assert read_status(hangzhou, history).plan == plan()


def test_of_a_sample_only_values_that_the_site_can_have_are_learned(
    history: History, hangzhou: Site
) -> None:
    values = {"soc": 50.0, "dc_load_kw": 1e9, "ac_load_kw": -1e9, "pv_kw": 1.0}
    history.add_samples([Sample(NOON - HOUR, values, "plan", Message("r"))])
    recalled = recall(history, hangzhou, NOON)
    assert [sample.values for sample in recalled.samples] == [{"pv_kw": 1.0}]
    assert recalled.last_full is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE incidents SET level = 'loud'",
        "UPDATE incidents SET text = x'ff00ff'",
        "UPDATE incidents SET ts = 'noon'",
        "UPDATE incidents SET code = NULL",
    ],
)
def test_an_alarm_that_is_not_valid_is_skipped(history: History, damage: str) -> None:
    history.add_alarm(AlarmRecord(NOON, "alarm", Message("x")))
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        if "NULL" in damage:
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(damage)
            return
        db.execute(damage)
    assert history.alarms(NOON - HOUR, NOON + HOUR) == []
    assert history.invalid_rows(NOON - HOUR) == {"incidents": 1}


def test_text_that_is_no_utf8_is_shown_as_far_as_it_can_be(history: History) -> None:
    history.add_alarm(AlarmRecord(NOON, "alarm", Message("x")))
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("UPDATE incidents SET text = CAST(x'61ff62' AS TEXT)")
    [alarm] = history.alarms(NOON - HOUR, NOON + HOUR)
    assert alarm.message.values == {"recorded_text": "a\ufffdb"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pid", "many"),
        ("pid", "9" * 5000),
        ("stopped", "yesterday"),
        ("stopped", "2026-07-15T04:00:00"),
        ("clock_file", "/dev/null"),
        ("clock_file", "a\0b"),
        ("traffic", "{"),
        ("traffic", "[]"),
        ("traffic", '{"links": {"a": {"requests": "many"}}, "writes_today": {}}'),
        ("traffic", '{"links": {}, "writes_today": {"smu": 3}}'),
        ("traffic", "[" * 100_000),
    ],
)
def test_facts_that_cannot_be_read_are_unknown(
    history: History, hangzhou: Site, key: str, value: str
) -> None:
    history.set_fact("pid", "1")
    history.set_fact(key, value)
    assert daemon_state(history).state == "dead"
    assert daemon_clock(history).now().tzinfo is not None
    assert recorded_traffic(history) is None
    status = read_status(hangzhou, history)
    assert "dead" in as_text(status, hangzhou.site.zone)
    assert as_data(status)["traffic"] is None


def test_what_we_write_keeps_the_constraints(history: History) -> None:
    wrong_alarm = AlarmRecord(NOON, "loud", Message("x"))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(RefusedEntry, match="CHECK constraint"):
        history.add_alarm(wrong_alarm)
    with pytest.raises(RefusedEntry, match="CHECK constraint"):
        history.add_samples([Sample(NOON, {"soc": float("inf")}, "plan", Message("r"))])
    with pytest.raises(RefusedEntry, match="CHECK constraint"):
        EventLog(history).add(
            import_cap_event("late", 0, 2.0, NOON, NOON.replace(year=9999), "test", NOON)
        )
    with pytest.raises(RefusedEntry):
        EventLog(history).add(replace(GOOD, revision=2**70))
    EventLog(history).add(GOOD)
    assert EventLog(history).open(NOON) == (GOOD,)
    assert history.invalid_rows(NOON - HOUR) == {}


def test_a_former_record_is_migrated_after_it_was_copied(tmp_path: Path) -> None:
    """Rows that break a constraint stay in the copy."""
    former = Path(__file__).parents[1] / "data" / "record-of-version-0.1.sqlite3"
    path = tmp_path / "history.sqlite3"
    path.write_bytes(former.read_bytes())
    insert(path, "events", {**FORMER_EVENT, "limit_kw": -1.0})
    insert(path, "samples", {**SAMPLE, "ts": NOON_MS + 123, "soc": "full"})
    before = History(path, read_only=True)
    samples = before.samples(NOON - 10 * HOUR, NOON + 10 * HOUR)
    events = EventLog(before).open(NOON)
    assert before.invalid_rows(NOON - HOUR) == {"events": 1, "samples": 1}
    before.close()

    history = History(path)
    assert history.samples(NOON - 10 * HOUR, NOON + 10 * HOUR) == samples
    assert EventLog(history).open(NOON) == events
    assert history.invalid_rows(NOON - HOUR) == {}
    history.close()
    [copy] = tmp_path.glob("history.sqlite3.before-schema-3-*Z")
    with closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT count(*) FROM events WHERE limit_kw < 0").fetchone() == (1,)
        assert kept.execute("SELECT count(*) FROM samples WHERE soc = 'full'").fetchone() == (1,)
    History(path).close()
    assert len(list(tmp_path.glob("history.sqlite3.before-schema-3-*Z"))) == 1, "only once"


def test_a_migration_that_cannot_be_copied_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = Path(__file__).parents[1] / "data" / "record-of-version-0.1.sqlite3"
    path = tmp_path / "history.sqlite3"
    path.write_bytes(former.read_bytes())

    def no_room(db: sqlite3.Connection, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("siteems.history.connection.copy", no_room)
    with pytest.raises(UserError, match="No space left"):
        History(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    monkeypatch.undo()
    history = History(path)
    assert len(history.samples(NOON - 10 * HOUR, NOON + 10 * HOUR)) == 60
    history.close()


def test_ten_thousand_open_events_are_read_as_the_first_hundred(history: History) -> None:
    with closing(sqlite3.connect(history.path)) as db, db:
        for i in range(10_000):
            start, end = NOON + timedelta(seconds=i), NOON + timedelta(seconds=10**5)
            body = event_body(id=f"e{i}", start=start.isoformat(), end=end.isoformat())
            row = {**EVENT, "id": f"e{i}", "start": NOON_MS + 1000 * i, "end": NOON_MS + 10**8}
            values = tuple((row | {"body": body}).values())
            db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        plan_rows = db.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM events WHERE end > 0 AND start < end"
        ).fetchall()
    assert "events_end" in plan_rows[0][-1]
    opened = EventLog(history).open(NOON)
    assert [event.id for event in opened] == [f"e{i}" for i in range(100)]
