"""The record: every row is read back as it was written, once, in order, in UTC; old rows are
deleted; a full disk is survived.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.demand_response.event import DrEvent, import_cap_event
from siteems.demand_response.event_log import EventLog
from siteems.errors import UserError
from siteems.history.location import history_path, state_dir
from siteems.history.records import SAMPLE_COLUMNS, AlarmRecord, Command, RecordError, Sample
from siteems.history.store import History
from siteems.messages.message import Message

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALWAYS = (NOON - 1000 * DAY, NOON + 1000 * DAY)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "deep" / "er" / "history.sqlite3")
    yield history
    history.close()


def sample(time: datetime, **values: float | None) -> Sample:
    return Sample(time, values, "plan", Message("because", {"soc": 0.5}))


def event(
    revision: int = 0, cancelled: bool = False, end: datetime = NOON + HOUR, id_: str = "a"
) -> DrEvent:
    placed = import_cap_event(id_, revision, 1.5 + revision, NOON, end, "test", NOON - HOUR)
    return replace(placed, cancelled=cancelled)


def event_rows(history: History) -> int:
    """All revisions that the record holds."""
    with closing(sqlite3.connect(history.path)) as db:
        [(count,)] = db.execute("SELECT count(*) FROM events")
    return int(count)


class TestSamples:
    def test_every_column_comes_back(self, history: History) -> None:
        full = sample(NOON, **{c: float(i) + 0.25 for i, c in enumerate(SAMPLE_COLUMNS)})
        history.add_samples([full])
        assert history.samples(*ALWAYS) == [full]
        assert history.last_sample() == full

    def test_unknown_is_absent_and_never_zero(self, history: History) -> None:
        history.add_samples([sample(NOON, soc=0.0, pv_kw=None, grid_kw=math.nan)])
        assert history.samples(*ALWAYS)[0].values == {"soc": 0.0}

    def test_span_holds_its_start_but_not_its_end_in_order(self, history: History) -> None:
        history.add_samples([sample(NOON + i * MINUTE, soc=i / 10) for i in (3, 1, 2, 0)])
        found = history.samples(NOON + MINUTE, NOON + 3 * MINUTE)
        assert [s.values["soc"] for s in found] == [0.1, 0.2]

    def test_the_same_time_twice_is_one_sample(self, history: History) -> None:
        history.add_samples([sample(NOON, soc=0.5, pv_kw=1.0)])
        history.add_samples([sample(NOON, soc=0.6)])
        assert [s.values for s in history.samples(*ALWAYS)] == [{"soc": 0.6}]

    def test_times_are_kept_to_the_millisecond_in_utc(self, history: History) -> None:
        local = datetime(2026, 7, 15, 12, 0, 0, 123000, tzinfo=ZoneInfo("Asia/Shanghai"))
        history.add_samples([sample(local, soc=0.5)])
        [kept] = history.samples(*ALWAYS)
        assert kept.time == local
        assert kept.time.utcoffset() == timedelta(0)

    def test_an_empty_record(self, history: History) -> None:
        assert (history.samples(*ALWAYS), history.last_sample()) == ([], None)


def test_naive_times_are_refused_everywhere(history: History) -> None:
    naive = NOON.replace(tzinfo=None)
    attempts = (
        lambda: history.add_samples([sample(naive, soc=0.5)]),
        lambda: history.samples(naive, NOON),
        lambda: history.add_plan(naive, "optimal", "test", dict),
        lambda: history.add_alarm(AlarmRecord(naive, "info", Message("x"))),
        lambda: history.add_commands(
            [Command(naive, "d", "p", 1.0, "o", Message("r"), "written", None)]
        ),
        lambda: EventLog(history).add(event(end=naive)),
        lambda: history.prune(naive),
    )
    for attempt in attempts:
        with pytest.raises(ValueError, match="without time zone"):
            attempt()
    assert history.samples(*ALWAYS) == []


class TestPlans:
    def test_the_newest_with_a_wanted_status(self, history: History) -> None:
        for i, status in enumerate(("optimal", "feasible", "error")):
            history.add_plan(NOON + i * MINUTE, status, "schedule", lambda i=i: {"number": i})
        assert history.last_plans(("optimal", "feasible"))[0] == {"number": 1}
        assert history.last_plans(("optimal",)) == [{"number": 0}]
        assert history.last_plans(("unbounded",)) == []
        log = history.plan_log(NOON, NOON + 2 * MINUTE)
        assert log == [(NOON, "optimal", "schedule"), (NOON + MINUTE, "feasible", "schedule")]

    def test_a_body_that_is_not_json_is_refused_and_not_recorded(self, history: History) -> None:
        with pytest.raises(ValueError, match="JSON"):
            history.add_plan(NOON, "optimal", "test", lambda: {"value": math.nan})
        assert history.plan_log(*ALWAYS) == []


def test_commands_and_alarms_come_back_in_order(history: History) -> None:
    commands = [
        Command(
            NOON + i * MINUTE,
            "smu",
            "rectifier_limit_a",
            40.0 + i,
            "siteems",
            Message("plan"),
            "mismatch",
            Message("reads-as", {"value": 3.5, "name": "é"}),
        )
        for i in range(3)
    ]
    alarms = [
        AlarmRecord(NOON + i * MINUTE, "alarm", Message("released", {"number": i}))
        for i in range(3)
    ]
    history.add_commands(commands)
    for alarm in alarms:
        history.add_alarm(alarm)
    assert history.commands(*ALWAYS) == commands
    assert history.alarms(NOON + MINUTE, NOON + 2 * MINUTE) == alarms[1:2]


def test_facts(history: History) -> None:
    assert history.fact("pid") is None
    history.set_fact("pid", "1")
    history.set_fact("pid", "2")
    assert history.fact("pid") == "2"


class TestEvents:
    def test_the_highest_revision_counts_in_whatever_order_they_come(
        self, history: History
    ) -> None:
        for revision in (1, 0, 2):
            EventLog(history).add(event(revision))
        assert [e.revision for e in EventLog(history).open(NOON)] == [2]
        assert event_rows(history) == 3

    def test_a_revision_received_twice_is_one(self, history: History) -> None:
        EventLog(history).add(event())
        EventLog(history).add(replace(event(), source="received again"))
        assert EventLog(history).open(NOON) == (event(),)
        assert event_rows(history) == 1

    def test_a_cancelled_event_stays_as_a_tombstone(self, history: History) -> None:
        """A message that arrives after the cancellation must not bring the event back."""
        EventLog(history).add(event(0))
        EventLog(history).add(event(1, cancelled=True))
        EventLog(history).add(event(0))
        assert EventLog(history).open(NOON) == ()
        assert event_rows(history) == 2

    def test_an_event_that_is_over_is_not_listed(self, history: History) -> None:
        EventLog(history).add(event())
        assert EventLog(history).open(NOON + HOUR - MINUTE) == (event(),)
        assert EventLog(history).open(NOON + HOUR) == ()

    def test_an_event_cut_short_is_over_at_its_new_end(self, history: History) -> None:
        EventLog(history).add(event(0, end=NOON + 2 * HOUR))
        EventLog(history).add(event(1, end=NOON + HOUR))
        assert EventLog(history).open(NOON + HOUR + MINUTE) == ()


class TestPrune:
    def test_old_rows_are_deleted_and_events_are_kept(self, history: History) -> None:
        for time in (NOON - 2 * DAY, NOON):
            history.add_samples([sample(time, soc=0.5)])
            history.add_plan(time, "optimal", "test", dict)
            history.add_alarm(AlarmRecord(time, "info", Message("x")))
            history.add_commands([Command(time, "d", "p", 1.0, "o", Message("r"), "written", None)])
        EventLog(history).add(event(end=NOON + MINUTE))
        assert history.prune(NOON - DAY) == 4
        assert (
            len(history.samples(*ALWAYS))
            == len(history.alarms(*ALWAYS))
            == len(history.plan_log(*ALWAYS))
            == 1
        )
        assert len(history.commands(*ALWAYS)) == 1
        assert history.prune(NOON - DAY) == 0

    def test_in_chunks_and_the_file_shrinks(self, history: History) -> None:
        history.add_samples(
            [
                Sample(NOON + i * MINUTE, {"soc": 0.5}, "plan", Message("r" * 200))
                for i in range(5000)
            ]
        )
        removed = []
        while count := history.prune(NOON + 5000 * MINUTE, chunk=700):
            removed.append(count)
        assert removed == [690] * 7 + [165], "whole quarter hours, and not the unfinished one"
        with sqlite3.connect(history.path) as db:
            pages, free = (
                db.execute(f"PRAGMA {p}").fetchone()[0] for p in ("page_count", "freelist_count")
            )
        assert pages < 100
        assert free < 10


def test_a_full_disk_fails_the_write_and_later_ones_go_on(history: History) -> None:
    history.add_samples([sample(NOON, soc=0.5)])
    pages = history._rows("PRAGMA page_count")[0][0]
    history._rows(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(RecordError, match=r"cannot be written .*full"):
        history.add_samples([sample(NOON + i * MINUTE, soc=0.6) for i in range(1, 3000)])
    history._rows("PRAGMA max_page_count = 100000")
    history.add_samples([sample(NOON + HOUR, soc=0.7)])
    assert [s.values["soc"] for s in history.samples(*ALWAYS)] == [0.5, 0.7], (
        "all samples of one add_samples or none"
    )


class TestOpening:
    def test_reading_a_record_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="no record of this site yet"):
            History(tmp_path / "none.sqlite3", read_only=True)
        assert not (tmp_path / "none.sqlite3").exists()

    @pytest.mark.parametrize("folder", ["with space", "100% sure?", "a#b"])
    def test_reading_in_folders_with_odd_names(self, folder: str, tmp_path: Path) -> None:
        path = tmp_path / folder / "history.sqlite3"
        writer = History(path)
        writer.add_samples([sample(NOON, soc=0.5)])
        reader = History(path, read_only=True)
        assert reader.last_sample() == writer.last_sample()
        with pytest.raises(RecordError, match="readonly"):
            reader.set_fact("a", "b")
        reader.close()
        writer.close()

    def test_a_record_of_another_version_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "history.sqlite3"
        History(path).close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        with pytest.raises(UserError, match="schema 99"):
            History(path)

    def test_a_file_that_is_no_record_is_refused_with_a_sentence(self, tmp_path: Path) -> None:
        path = tmp_path / "history.sqlite3"
        path.write_text("this is not a database, it is only a text " * 100, encoding="utf-8")
        with pytest.raises(RecordError, match=r"cannot be opened .*not a database"):
            History(path)
        with pytest.raises(RecordError, match="not a database"):
            History(path, read_only=True).last_sample()

    def test_opening_again_keeps_everything(self, history: History) -> None:
        history.add_samples([sample(NOON, soc=0.5)])
        again = History(history.path)
        assert again.samples(*ALWAYS) == history.samples(*ALWAYS)
        again.close()

    def test_state_folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SITEEMS_STATE", str(tmp_path))
        assert state_dir("x", None) == tmp_path / "x"
        assert state_dir("x", tmp_path / "here") == tmp_path / "here"
        monkeypatch.delenv("SITEEMS_STATE")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
        assert (
            history_path(state_dir("x", None))
            == tmp_path / "xdg" / "siteems" / "x" / "history.sqlite3"
        )
