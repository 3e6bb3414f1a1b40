"""The status of a site as it is read from the record, as text and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from plans import plan
from structlog.testing import capture_logs

from drivers.counters import Counters
from siteems.clock import FileClock
from siteems.control import reasons
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.history.location import lock
from siteems.history.records import AlarmRecord, RecordError, Sample
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.operations import alarm_catalogue as alarms
from siteems.operations.alarm_log import AlarmLog
from siteems.operations.daemon_alarms import STOPPED_READ_ONLY
from siteems.operations.daemon_state import (
    DaemonState,
    daemon_clock,
    daemon_state,
    note_started,
    note_stopped,
    note_traffic,
)
from siteems.operations.english import ENGLISH
from siteems.operations.status import Status, exit_code, read_status
from siteems.operations.status_json import as_data
from siteems.operations.status_text import as_text
from siteems.site.model import Site

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "history.sqlite3")
    yield history
    history.close()


@pytest.fixture
def clock(tmp_path: Path) -> FileClock:
    """Stands at noon."""
    return FileClock.create(tmp_path / "clock.json", NOON, 60.0)


def lines(status: Status, site: Site) -> dict[str, str]:
    """The lines of the text by their first word; of several the last."""
    split = (line.split(maxsplit=1) for line in as_text(status, site.site.zone).splitlines())
    return dict(split)


@pytest.mark.parametrize(
    ("source", "reason", "text"),
    [
        ("plan", reasons.FOLLOW_PLAN(), "current plan"),
        ("last-plan", reasons.FOLLOW_LAST_PLAN(age_min=24.0), "last plan: plan issued 24 min ago"),
        ("release", reasons.RELEASE_NOT_MEASURED(missing="bus"), "released: no fresh measurement"),
    ],
)
def test_what_controls_the_site(
    history: History, hangzhou: Site, source: str, reason: Message, text: str
) -> None:
    history.add_samples([Sample(NOON, {"soc": 0.6}, source, reason)])
    units = {"1": {"timeouts": 3}, "2": {"timeouts": 5}, "3": {"timeouts": 0}}
    link = dict.fromkeys(("late", "bad", "refused"), 0)
    link |= {"requests": 20, "timeouts": 8, "reconnects": 8}
    links = {"cabinet": link | {"units": units}}
    note_traffic(history, {"links": links, "writes_today": {}})
    shown = lines(read_status(hangzhou, history), hangzhou)
    assert shown["control"].startswith(f"none; last: {text}"), "no daemon runs"
    running = replace(read_status(hangzhou, history), daemon=DaemonState("running", 1))
    assert lines(running, hangzhou)["control"].startswith(text)
    assert shown["link"] == "cabinet: 20 requests, 8 timeouts (units 1 and 2), 8 reconnects"


def test_what_did_not_fit_on_a_line(history: History, hangzhou: Site) -> None:
    link = asdict(Counters(requests=20, foreign=3, repeated=1, noise_bytes=2))
    links = {"cabinet": link | {"echoes": True, "units": {}}}
    note_traffic(history, {"links": links, "writes_today": {}})
    shown = lines(read_status(hangzhou, history), hangzhou)
    voices = "1 repeated, 3 foreign, 2 noise bytes"
    assert shown["link"] == f"cabinet: 20 requests, {voices}, repeats each request"


class TestDaemon:
    def test_from_never_started_to_a_clean_stop(self, history: History, clock: FileClock) -> None:
        assert daemon_state(history) == DaemonState("never-started")
        held = lock(history.path.parent)
        assert held is not None
        note_started(history, "site", os.getpid(), clock)
        state = daemon_state(history)
        assert (state, state.running) == (
            DaemonState("running", os.getpid(), started=NOON),
            True,
        )
        assert daemon_clock(history).now() == NOON
        note_stopped(history, NOON)
        held.close()
        assert daemon_state(history) == DaemonState("stopped", os.getpid(), NOON, NOON)

    def test_one_that_is_read_only_controls_nothing(
        self, history: History, hangzhou: Site, clock: FileClock
    ) -> None:
        with lock(history.path.parent) or pytest.fail("locked"):
            note_started(history, hangzhou.site.id, 4242, clock, read_only=True)
            history.add_samples([Sample(NOON, {"soc": 0.5}, "plan", reasons.FOLLOW_PLAN())])
            status = read_status(hangzhou, history)
            shown = lines(status, hangzhou)
        assert shown["daemon"] == "running read-only, no device is written to (process 4242)"
        assert shown["control"].startswith("none; would be: current plan")
        assert as_data(status)["daemon"]["read_only"] is True
        assert exit_code(status, hangzhou) == 5
        note_started(history, hangzhou.site.id, 4242, clock)
        assert not daemon_state(history).read_only, "the next run may drive"

    def test_one_that_holds_no_lock_is_dead(self, history: History, clock: FileClock) -> None:
        """Even where its process id is used again, here by this very process."""
        note_started(history, "site", os.getpid(), clock)
        state = daemon_state(history)
        assert (state, state.running) == (
            DaemonState("dead", os.getpid(), started=NOON),
            False,
        )


def test_an_empty_record(history: History, hangzhou: Site) -> None:
    status = read_status(hangzhou, history)
    shown = lines(status, hangzhou)
    assert (shown["daemon"], shown["measured"]) == ("never started", "nothing yet")
    assert shown["plan"] == "none"
    data = as_data(status)
    assert (data["sample"], data["plan"], data["dr_events"], data["alarms"]) == (None, None, [], [])


def test_a_full_record(history: History, hangzhou: Site, clock: FileClock) -> None:
    note_started(history, hangzhou.site.id, 4242, clock)
    values = {"grid_kw": 2.5, "battery_kw": -1.0, "soc": 0.62, "reserve_soc": 0.4, "pv_kw": 0.3}
    reason = reasons.RESERVE_REACHED(reserve_soc=0.4)
    history.add_samples([Sample(NOON - 20 * SECOND, values, "plan", reason)])
    published = plan(trigger="dr-event-changed")
    history.add_plan(NOON, "optimal", "dr-event-changed", published.to_dict)
    place_import_limit(EventLog(history), 1.5, NOON + HOUR, HOUR, NOON, "operator")
    history.add_alarm(alarms.MAINS_FAILED.at(NOON - 25 * HOUR))
    history.add_alarm(alarms.FALLBACK_RULES.at(NOON - HOUR, reason=reasons.NO_PLAN_YET()))
    for i in range(7):
        history.add_alarm(alarms.MAINS_RETURNED.at(NOON - i * SECOND))
    counters = {"requests": 9, "timeouts": 2, "late": 0, "bad": 0, "refused": 0, "reconnects": 1}
    link = counters | {"units": {"2": counters}}
    writes = {"smu": {"writes": 3, "allowed": 500}}
    note_traffic(history, {"links": {"cabinet": link}, "writes_today": writes})

    status = read_status(hangzhou, history)
    shown = lines(status, hangzhou)
    assert shown["daemon"].startswith("dead without a clean stop (was process 4242)")
    assert shown["measured"] == "20 s ago"
    assert shown["grid"] == "2.50 kW    load unknown DC, unknown AC    PV 0.30 kW"
    assert shown["battery"] == "-1.00 kW (discharging)    SoC 62.0%, reserve 40.0%"
    assert shown["control"] == "none; last: plan: backup reserve 40.0% reached"
    assert "(DR event)" in shown["plan"]
    assert "marginal value" not in shown["plan"], "its duals are not what the cost changes by"
    assert "import at most 1.5 kW" in shown["DR"]
    assert shown["link"] == "cabinet: 9 requests, 2 timeouts (unit 2), 1 reconnect"
    assert shown["writes"] == "today: smu 3 of 500"
    assert shown["stands"] == "alarm fallback-rules since 07-15 11:00"
    assert "alarms` shows what to do" in as_text(status, hangzhou.site.zone)
    assert shown["alarm"] == "11:00:00 fallback-rules: no plan yet"

    data = json.loads(json.dumps(as_data(status), allow_nan=False))
    assert data["daemon"] == {"state": "dead", "pid": 4242, "stopped": None, "read_only": False}
    assert data["sample"]["reason"] == {
        "code": "reserve-reached",
        "values": {"reserve_soc": 0.4},
        "text": "backup reserve 40.0% reached",
    }
    assert data["plan"]["trigger"] == "dr-event-changed"
    assert [event["intervals"][0]["value"] for event in data["dr_events"]] == [1.5]
    (standing,) = data["standing_alarms"]
    assert (standing["code"], standing["state"]) == ("fallback-rules", "raised")
    assert len(data["alarms"]) == 8
    assert data["alarms"][0] == {
        "time": (NOON - HOUR).isoformat(),
        "level": "alarm",
        "code": "fallback-rules",
        "values": {"reason": {"code": "no-plan-yet"}},
        "text": "no plan yet",
    }


class TestAlarmLog:
    def test_an_alarm_is_recorded_and_logged_with_its_values(self, history: History) -> None:
        with capture_logs() as logged:
            AlarmLog(history).report(alarms.DEVICE_FOLLOWING.at(NOON, device="smu"))
        assert [alarm.code for alarm in history.alarms(NOON, NOON + HOUR)] == ["device-following"]
        [line] = logged
        assert (line["event"], line["log_level"]) == ("device-following", "info")
        assert line["values"] == {"device": "smu"}
        assert line["text"] == "smu takes its setpoints again"

    def test_a_full_disk_is_logged_and_not_raised(self) -> None:
        class FullDisk:
            def add_alarm(self, alarm: AlarmRecord) -> None:
                raise RecordError("disk full")

        with capture_logs() as logged:
            AlarmLog(FullDisk()).report(alarms.MAINS_FAILED.at(NOON))
        assert [line["event"] for line in logged] == ["record-failed", "mains-failed"]
        assert logged[1]["log_level"] == "warning"


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (-5 * SECOND, "0 s ago"),
        (59 * SECOND, "59 s ago"),
        (119 * SECOND, "119 s ago"),
        (120 * SECOND, "2 min ago"),
        (3 * HOUR, "3 h ago"),
        (80 * HOUR, "3 days ago"),
    ],
)
def test_the_age_of_the_measurements(
    history: History, hangzhou: Site, clock: FileClock, age: timedelta, text: str
) -> None:
    note_started(history, hangzhou.site.id, 4242, clock)
    history.add_samples([Sample(NOON - age, {"soc": 0.6}, "plan", reasons.FOLLOW_PLAN())])
    status = read_status(hangzhou, history)
    assert lines(status, hangzhou)["measured"] == text
    assert as_data(status)["sample"]["age_s"] == age.total_seconds()


def test_what_an_earlier_run_was_is_not_shown(
    history: History, hangzhou: Site, clock: FileClock
) -> None:
    """An earlier run was read-only; a mains failure of that time is still of interest."""
    for minutes, alarm in (
        (30, alarms.DEVICE_READ_ONLY.at(NOON - HOUR / 2, device="smu")),
        (20, alarms.MAINS_FAILED.at(NOON - HOUR / 3)),
        (10, STOPPED_READ_ONLY.at(NOON - HOUR / 6)),
        (0, alarms.DEVICE_READ_ONLY.at(NOON, device="mppt")),
    ):
        assert alarm.time == NOON - minutes * 60 * SECOND
        history.add_alarm(alarm)
    note_started(history, hangzhou.site.id, 4242, clock)
    shown = [ENGLISH.text(each.message) for each in read_status(hangzhou, history).alarms]
    assert shown == [
        "the mains have failed; the battery carries the site",
        "mppt is monitored only",
    ]
