"""DR events of every kind through the controller: planned, followed, handed back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from controller_cases import HOUR, MINUTE, NOON, Weather, codes, run
from replay_rig import Rig

from siteems.demand_response.event import DrEvent, Interval, Kind
from siteems.demand_response.event_log import EventLog
from siteems.site.model import Site


@pytest.fixture
def rig(hangzhou: Site, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig.make(hangzhou, Weather(), NOON, 0.7, tmp_path)
    yield rig
    rig.history.close()


def placed(
    rig: Rig,
    kind: Kind,
    value: float,
    *,
    id_: str = "e",
    after: timedelta = 5 * MINUTE,
    lasts: timedelta = 20 * MINUTE,
    baseline_kw: float | None = None,
    priority: int = 5,
    test: bool = False,
) -> DrEvent:
    start = rig.clock.now() + after
    interval = Interval(start, start + lasts, value, baseline_kw)
    event = DrEvent(id_, 0, kind, (interval,), "test", rig.clock.now(), "p", priority, test)
    EventLog(rig.history).add(event)
    return event


@pytest.mark.parametrize("battery_kw", [-1.5, 0.0, 2.0])
async def test_a_battery_power_is_followed_and_handed_back(rig: Rig, battery_kw: float) -> None:
    await rig.begin()
    placed(rig, "battery-power", battery_kw)
    await run(rig, 3)
    assert rig.steps[-1].limits.dr_battery is None
    await run(rig, 7)
    assert rig.plant.flows.battery_kw == pytest.approx(battery_kw, abs=0.1)
    assert rig.steps[-1].decision.reason.code == "dr-battery"
    await run(rig, 20)
    assert rig.steps[-1].limits.dr_battery is None
    assert rig.steps[-1].decision.reason.code != "dr-battery"


@pytest.mark.parametrize("soc", [0.66, 0.74])
async def test_a_state_of_charge_is_reached_at_the_end(rig: Rig, soc: float) -> None:
    await rig.begin()
    placed(rig, "charge-state", soc, after=MINUTE, lasts=HOUR)
    await run(rig, 61)
    assert rig.plant.soc == pytest.approx(soc, abs=0.004)


async def test_a_plan_prepares_a_state_of_charge(rig: Rig) -> None:
    await rig.begin()
    placed(rig, "charge-state", 0.95, after=4 * HOUR, lasts=15 * MINUTE)
    await run(rig, 2)
    plan = rig.controller.plan
    assert plan is not None
    planned = plan.soc(NOON + 4 * HOUR + 19 * MINUTE)
    assert planned is not None
    assert planned >= 0.94


async def test_an_emergency_leaves_the_reserve(rig: Rig) -> None:
    await rig.begin()
    placed(rig, "emergency", 0.0, lasts=3 * HOUR)
    await run(rig, 10)
    flows = rig.plant.flows
    assert flows.rectifier_dc_kw == pytest.approx(0.0, abs=0.1), "the battery carries the DC load"
    await run(rig, 170)
    assert rig.plant.soc >= rig.steps[-1].limits.reserve_soc - 0.01


async def test_a_reduction_is_a_cap_below_its_baseline(rig: Rig) -> None:
    await rig.begin()
    placed(rig, "reduction", 1.5, baseline_kw=4.0)
    await run(rig, 10)
    assert rig.steps[-1].limits.dr_cap_kw == 2.5
    assert rig.plant.flows.grid_import_kw <= 2.5


async def test_a_price_of_an_event_is_planned_with(rig: Rig) -> None:
    """At noon energy is cheap; with a price of 9 the battery carries the load."""
    await rig.begin()
    placed(rig, "price", 9.0, lasts=30 * MINUTE)
    await run(rig, 10)
    assert rig.plant.flows.battery_kw < -1.0
    await run(rig, 40)
    assert rig.plant.flows.battery_kw > -0.1


async def test_a_test_event_changes_nothing(rig: Rig) -> None:
    await rig.begin()
    placed(rig, "battery-power", -2.0, test=True)
    plans = len(rig.history.plan_log(NOON - HOUR, NOON + HOUR))
    await run(rig, 8)
    assert rig.steps[-1].limits.dr_battery is None
    assert rig.controller.events[0].test
    assert len(rig.history.plan_log(NOON - HOUR, NOON + HOUR)) <= plans + 1


async def test_of_two_the_higher_priority_is_followed_and_the_other_reported(rig: Rig) -> None:
    await rig.begin()
    placed(rig, "battery-power", 2.0, id_="low", priority=7)
    placed(rig, "battery-power", -1.0, id_="high", priority=2)
    await run(rig, 10)
    assert rig.plant.flows.battery_kw == pytest.approx(-1.0, abs=0.1)
    assert codes(rig).count("dr-event-overruled") == 1


async def test_a_revision_replaces_the_one_before(rig: Rig) -> None:
    await rig.begin()
    event = placed(rig, "battery-power", -1.0, lasts=HOUR)
    await run(rig, 10)
    cancelled = DrEvent(
        event.id, 1, event.kind, event.intervals, "test", rig.clock.now(), "p", 5, cancelled=True
    )
    EventLog(rig.history).add(cancelled)
    await run(rig, 1)
    assert rig.steps[-1].limits.dr_battery is None
    EventLog(rig.history).add(event)
    await run(rig, 1)
    assert rig.steps[-1].limits.dr_battery is None, "a late copy does not bring it back"
