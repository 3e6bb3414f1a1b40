"""The telecom load rises by 2 kW during an import cap: below the cap again, and no swing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from served_rig import START, ServedRig

from siteems.control.hold import Hold
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.planning import reasons
from siteems.site.model import Site

CAP_KW = 2.2


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["hangzhou", "rural"])
async def test_the_cap_holds_within_three_cycles(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    site: Site = request.getfixturevalue(name)
    site = replace(site, backup=replace(site.backup, hours=1.0))
    rig = ServedRig(site, tmp_path, soc=0.99)
    await rig.start()
    try:
        await rig.control(20)
        await rig.controller.make_plan(reasons.START)
        events = EventLog(rig.history)
        place_import_limit(events, CAP_KW, START, timedelta(hours=1), START, "test")
        rig.controller.refresh_events()
        hold = Hold(1.0, START + timedelta(hours=1), "test", service=False)
        rig.controller.holds.begin(hold)  # it would import more
        kept = 0
        for load_kw in (2.5, 4.5, 2.5, 5.0, 3.0):
            rig.surroundings = replace(rig.surroundings, dc_load_kw=load_kw, pv_available_kw=0.0)
            await rig.control(3)
            powers = []
            for _ in range(20):
                step = await rig.control(1)
                grid_kw, battery_kw = step.image.value("grid_kw"), step.image.value("battery_kw")
                assert grid_kw is not None
                assert battery_kw is not None
                assert step.limits.dr_cap_kw == CAP_KW
                assert grid_kw <= CAP_KW
                kept += grid_kw > 0.8 * CAP_KW
                powers.append(battery_kw)
            assert max(powers) - min(powers) < 0.1, "it does not swing"
        assert kept > 50, "the cap is used, too"
    finally:
        await rig.stop()
