"""What a site can give, through its controller."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from controller_cases import HOUR, MINUTE, NOON, Weather, run
from replay_rig import Rig

from siteems.errors import UserError
from siteems.site.model import Site
from siteems.vpp.site_availability import as_data, as_text


@pytest.fixture
def rig(hangzhou: Site, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig.make(hangzhou, Weather(), NOON, 0.7, tmp_path)
    yield rig
    rig.history.close()


async def test_the_site_gives_what_it_promised(rig: Rig) -> None:
    """In the cheap hours of noon, when the load is as forecast: a cap at the planned import less
    what was promised with 95 % is held.
    """
    await rig.begin()
    await run(rig, 30)
    found = rig.controller.availability(NOON + HOUR, HOUR)
    promised_kw = found.reduction_kw[0.95]
    assert promised_kw > 1.0
    assert found.planned_import_kw > promised_kw
    from siteems.demand_response.event_log import EventLog
    from siteems.demand_response.manual import place_import_limit

    cap_kw = found.planned_import_kw - promised_kw
    log = EventLog(rig.history)
    place_import_limit(log, cap_kw, NOON + HOUR, HOUR, rig.clock.now(), "test")
    await run(rig, 31)
    for _ in range(58):
        await run(rig, 1)
        assert rig.plant.flows.grid_import_kw <= cap_kw * 1.01
    assert rig.plant.soc >= rig.steps[-1].limits.reserve_soc - 0.005


async def test_beyond_the_plan_nothing_is_known(rig: Rig) -> None:
    with pytest.raises(UserError, match="there is no plan yet"):
        rig.controller.availability(NOON, HOUR)
    await rig.begin()
    await run(rig, 5)
    now = rig.clock.now()
    for start, duration in (
        (now + 40 * HOUR, HOUR),
        (now - HOUR, HOUR),
        (now, timedelta(0)),
        (now, 13 * HOUR),
    ):
        with pytest.raises(UserError, match="the span"):
            rig.controller.availability(start, duration)
    assert rig.controller.availability(now - MINUTE / 2, HOUR).start == now


async def test_text_and_data(rig: Rig) -> None:
    await rig.begin()
    await run(rig, 5)
    data = as_data(rig.controller.availability(rig.clock.now(), HOUR))
    text = as_text(data, ZoneInfo("Asia/Shanghai"))
    assert text.splitlines()[0].startswith("2026-07-15 12:0")
    assert len(text.splitlines()) == 2 + len(data["reduction_kw"])
    assert "95%" in text
