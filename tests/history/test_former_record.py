"""A record written before messages had codes opens, and the controller takes it up.

`tests/data/record-of-version-0.1.sqlite3` was written by the version before (commit bf176f5):
device alarms over Modbus, then 60 minutes of control at the hangzhou site with failing plans, DR
events, a silent device, a mains failure and a battery that does not follow.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from replay_rig import Rig

from siteems.history.location import history_path
from siteems.history.store import History
from siteems.operations.alarm_catalogue import ALARMS
from siteems.operations.english import ENGLISH
from siteems.operations.status import read_status
from siteems.operations.status_json import as_data
from siteems.operations.status_text import as_text
from siteems.planning.reasons import PLANNING_REASONS
from siteems.planning.recorded_plan import newest_plan
from siteems.recordings.profile import Instant
from siteems.site.model import Site

WRITTEN = Path(__file__).parents[1] / "data" / "record-of-version-0.1.sqlite3"
NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALWAYS = (NOON - DAY, NOON + DAY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(WRITTEN, history_path(tmp_path))
    return tmp_path


@pytest.mark.parametrize("read_only", [True, False])
def test_every_table_is_read(folder: Path, *, read_only: bool) -> None:
    history = History(history_path(folder), read_only=read_only)
    samples, commands = history.samples(*ALWAYS), history.commands(*ALWAYS)
    assert len(samples) == 60
    assert all(0.0 < sample.values["soc"] < 1.0 for sample in samples if "soc" in sample.values)
    texts = {ENGLISH.text(sample.reason) for sample in samples}
    assert "no fresh measurement of state of charge, telecom load" in texts
    assert len(commands) == 39
    assert "claimed: release first" in {ENGLISH.text(command.reason) for command in commands}
    history.close()
    with closing(sqlite3.connect(history.path)) as db:
        cancelled = Counter(
            cancelled for (cancelled,) in db.execute("SELECT cancelled FROM events")
        )
    assert cancelled == {False: 3, True: 1}


def test_former_alarm_codes_are_translated(folder: Path) -> None:
    history = History(history_path(folder), read_only=True)
    alarms = history.alarms(*ALWAYS)
    counts = Counter(alarm.code for alarm in alarms)
    assert counts == {
        "device-not-following": 1,
        "device-following": 1,
        "device-not-acquired": 1,
        "plan-error": 6,
        "fallback-rules": 1,
        "fallback-last-plan": 1,
        "fallback-plan": 2,
        "cap-exceeded": 2,
        "released": 1,
        "driving": 2,
        "mains-failed": 1,
        "mains-returned": 1,
        "battery-not-following": 1,
    }
    assert counts.keys() <= {alarm.code for alarm in ALARMS}
    texts = {alarm.code: ENGLISH.text(alarm.message) for alarm in alarms}
    assert texts["fallback-plan"] == "a fresh plan holds again"
    assert texts["device-not-following"].startswith("smu does not take its setpoints: ")
    history.close()


def test_former_plan_triggers_are_translated(folder: Path) -> None:
    history = History(history_path(folder), read_only=True)
    known = {each.code for each in PLANNING_REASONS}
    log = history.plan_log(*ALWAYS)
    assert {trigger for _, _, trigger in log} <= known
    assert "mains-return" in {trigger for _, _, trigger in log}
    plan = newest_plan(history.last_plans(("optimal", "feasible")))
    assert plan is not None
    assert plan.trigger == "schedule"
    history.close()


def test_a_former_reason_of_the_newest_plan_is_translated(folder: Path) -> None:
    history = History(history_path(folder))
    history.add_plan(NOON + HOUR, "optimal", "x", lambda: {"trigger": "demand response"})
    body = history.last_plans(("optimal",))[0]
    assert body["trigger"] == "dr-event-changed"
    history.close()


def test_status_shows_it(folder: Path, hangzhou: Site) -> None:
    history = History(history_path(folder), read_only=True)
    status = read_status(hangzhou, history)
    assert "measured" in as_text(status, hangzhou.site.zone)
    assert as_data(status)["sample"]["reason"]["code"] == "recorded-text"
    history.close()


async def test_the_controller_resumes_from_it(folder: Path, hangzhou: Site) -> None:
    instant = Instant(3.0, 0.0, None, 30.0, True)
    rig = Rig.make(hangzhou, lambda when: instant, NOON + 65 * MINUTE, 0.6, folder)
    rig.resume()
    plan = rig.controller.plan
    assert plan is not None
    assert plan.issued >= NOON + 40 * MINUTE
    assert [event.intervals[0].value for event in rig.controller.events] == [1.5]
    await rig.begin()
    await rig.run_until(NOON + 70 * MINUTE)
    assert rig.steps[-1].intent.level == "plan"
    assert rig.history.last_sample() is not None
    rig.history.close()
