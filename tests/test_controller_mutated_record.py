"""However the record is damaged, the controller starts on it, drives, and records again.

With SITEEMS_LONG=1 200 damages instead of 30, and the longest time from start to drive is printed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from controller_cases import HOUR, MINUTE, NOON, Weather, run
from mutated_records import mutate
from replay_rig import CYCLE, TIMING, Rig

from siteems.control.decision import Drive
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.history.recorder import Recorder
from siteems.history.store import History
from siteems.operations import alarm_catalogue as alarms
from siteems.operations.alarm_log import AlarmLog
from siteems.operations.daemon_state import note_started, note_traffic
from siteems.operations.recall import recall
from siteems.operations.status import read_status
from siteems.operations.status_json import as_data
from siteems.operations.status_text import as_text
from siteems.planning.reasons import START
from siteems.ports import Ports
from siteems.site.model import Site

MUTATIONS = 200 if os.environ.get("SITEEMS_LONG") else 30
FORMER = Path(__file__).parent / "data" / "record-of-version-0.1.sqlite3"


@pytest.fixture(scope="module")
def sound(hangzhou: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of 100 minutes, with samples, plans, DR events, an alarm and facts."""
    folder = tmp_path_factory.mktemp("sound")
    rig = Rig.make(hangzhou, Weather(), NOON - 2 * HOUR, 0.6, folder)
    rig.history.set_fact("pid", "1")
    note_traffic(rig.history, {"links": {}, "writes_today": {}})
    for hours in (1, 3, 30):
        begin = NOON + hours * HOUR
        place_import_limit(EventLog(rig.history), 1.5, begin, HOUR, NOON, "test")
    AlarmLog(rig.history).report(alarms.MAINS_FAILED.at(NOON - 2 * HOUR))

    async def day() -> None:
        await rig.begin()
        await run(rig, 100)

    asyncio.run(day())
    rig.history.close()
    return rig.history.path


async def drives(rig: Rig, path: Path) -> float:
    """Start a controller on the record as the daemon does; seconds until its first cycle is over.

    Then two more cycles, and all that waits is written.
    """
    begin = time.monotonic()
    recorder = Recorder(path, rig.clock.now)
    recorder.start()
    note_started(recorder, rig.site.site.id, os.getpid(), rig.clock)
    now = rig.clock.now()
    recalling = recorder.read(lambda history: recall(history, rig.site, now))
    ports = Ports(rig.clock, rig.devices, rig.solver, recorder, EventLog(recorder))
    controller = Controller(rig.site, ports, TIMING)
    controller.resume(await asyncio.wrap_future(recalling))
    controller.refresh_events()
    await controller.observe()
    await controller.make_plan(START)
    took_s = 0.0
    for _ in range(3):
        rig.clock.advance(CYCLE)
        controller.refresh_events()
        step = await controller.step()
        took_s = took_s or time.monotonic() - begin
        assert isinstance(step.decision, Drive)
    assert recorder.close(30.0) == 0
    return took_s


@pytest.mark.timeout(1200)
async def test_it_drives_on_a_damaged_record(hangzhou: Site, sound: Path, tmp_path: Path) -> None:
    took_s = []
    for seed in range(MUTATIONS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        rig = Rig.make(hangzhou, Weather(), NOON, 0.6, folder)
        rig.history.close()
        path = folder / "history.sqlite3"
        shutil.copy(FORMER if seed % 4 == 3 else sound, path)
        how = mutate(path, Random(seed))
        try:
            took_s.append(await drives(rig, path))
            history = History(path, read_only=True)
            status = read_status(hangzhou, history)
            as_text(status, hangzhou.site.zone)
            as_data(status)
            now = rig.clock.now()
            assert len(history.samples(now - 5 * MINUTE, now + timedelta(seconds=1))) >= 3
            history.close()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {how}") from error
    print(f"{MUTATIONS} damages, longest start {max(took_s):.2f} s, first cycle included")
