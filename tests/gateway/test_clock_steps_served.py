"""A clock that is set, at a served site: setpoints stay, leases are refreshed in time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from served_rig import START, ServedRig

from siteems.control.decision import Drive
from siteems.history.records import Command
from siteems.site.model import Site

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def limits(rig: ServedRig) -> list[Command]:
    """The writes of the rectifiers' current limit, in order."""
    ever = (START - 1000 * DAY, START + 1000 * DAY)
    return [each for each in rig.history.commands(*ever) if each.point == "rectifier_limit_a"]


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(minutes=-40), 800 * DAY], ids=str)
async def test_setpoints_and_leases_do_not_follow_a_step(
    hangzhou: Site, tmp_path: Path, by: timedelta
) -> None:
    """The lease is 60 s, so a held setpoint is refreshed every 30 s of the time that passes."""
    rig = ServedRig(hangzhou, tmp_path)
    await rig.start()
    try:
        await rig.drive(-1.0, 5)
        begin = rig.clock.now()
        before = len(limits(rig))
        rig.clock.step(by)
        image = await rig.drive(-1.0, 70)
        assert image.value("battery_kw") == pytest.approx(-1.0, abs=0.1)
        written = [command.time - by for command in limits(rig)[before:]]
        times = [begin, *written, rig.clock.now() - by]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert max(gaps) <= timedelta(seconds=31)
        assert len(written) <= 3, "no write because of the step alone"

        rig.clock.step(-by)
        step = await rig.control(3)
        assert isinstance(step.decision, Drive)
        assert "device-restarted" not in rig.codes()
    finally:
        await rig.stop()
