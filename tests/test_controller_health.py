"""A battery that is weaker than the site file states: the controller counts on what it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from replay_rig import TIMING, Rig

from siteems.controller import Controller
from siteems.recordings.profile import Instant
from siteems.replay.simulated_devices import SimulatedDevices
from siteems.simulation.plant import make_plant
from siteems.site.model import Site

START = datetime(2026, 8, 2, 16, 0, tzinfo=UTC)


def surroundings(_: datetime) -> Instant:
    return Instant(
        dc_load_kw=4.0, pv_available_kw=0.0, outdoor_c=25.0, mains_ok=True, ac_load_kw=0.3
    )


def weaker_rig(site: Site, folder: Path, actual: float) -> Rig:
    """The site, whose battery actually holds this share of its rated capacity."""
    rig = Rig.make(site, surroundings, START, 0.9, folder)
    weaker = replace(site, battery=replace(site.battery, state_of_health=actual))
    rig.plant = make_plant(weaker, surroundings, START, 0.9)
    rig.devices = SimulatedDevices(site, rig.plant, rig.clock, TIMING)
    rig.controller = Controller(site, rig.ports, TIMING)
    return rig


async def test_what_the_battery_reports_counts_and_raises_an_alarm(
    hangzhou: Site, tmp_path: Path
) -> None:
    rig = weaker_rig(hangzhou, tmp_path, actual=hangzhou.battery.state_of_health - 0.1)
    await rig.begin()
    before = rig.controller.site.battery.capacity_kwh
    await rig.run_until(START + timedelta(hours=1))
    assert rig.controller.site.battery.capacity_kwh < before
    share = hangzhou.battery.state_of_health - 0.1
    assert rig.controller.site.battery.state_of_health == pytest.approx(share)
    last = rig.steps[-1].limits.reserve_soc
    assert last > rig.steps[0].limits.reserve_soc, "the same hours need more of a smaller battery"
    assert rig.controller.plan is not None
    assert rig.controller.plan.capacity_kwh == pytest.approx(
        rig.controller.site.battery.capacity_kwh
    )
    alarms = rig.history.alarms(START, rig.clock.now())
    assert [alarm.code for alarm in alarms].count("battery-reports-weaker") == 1


async def test_what_discharges_have_shown_survives_a_restart(
    hangzhou: Site, tmp_path: Path
) -> None:
    rig = weaker_rig(hangzhou, tmp_path, actual=hangzhou.battery.state_of_health)
    await rig.begin()
    assert rig.controller.plan is not None
    plan = replace(rig.controller.plan, learned_health=0.7)
    rig.history.add_plan(rig.clock.now(), plan.status, plan.trigger, plan.to_dict)
    rig.restart()
    rig.resume()
    assert rig.controller.site.battery.state_of_health == pytest.approx(0.7)
