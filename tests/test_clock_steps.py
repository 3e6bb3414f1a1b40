"""A clock that is set: the controller goes on, plans at once, and takes nothing of a wrong time for
the present. Each table is one rule; all clocks are injected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from controller_cases import HOUR, MINUTE, NOON, Weather, codes, run
from replay_rig import Rig

from siteems.clock import ClockSteps, ManualClock
from siteems.control.decision import Drive
from siteems.control.reasons import FOLLOW_PLAN
from siteems.estimation.site_state import FULL_SOC
from siteems.history.records import Sample
from siteems.site.model import Site

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
YEARS_10 = 3650 * DAY
STEPS = [HOUR, -HOUR, -40 * MINUTE, 800 * DAY, -800 * DAY, YEARS_10, -8000 * DAY]


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def rig(hangzhou: Site, weather: Weather, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig.make(hangzhou, weather, NOON, 0.6, tmp_path)
    yield rig
    rig.history.close()


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (timedelta(seconds=4.9), False),
        (timedelta(seconds=-4.9), False),
        (timedelta(seconds=5), True),
        (timedelta(seconds=-5), True),
        (HOUR, True),
        (-800 * DAY, True),
    ],
)
def test_a_step_is_found_once(by: timedelta, found: bool) -> None:
    clock = ManualClock(NOON)
    steps = ClockSteps(clock)
    clock.advance(HOUR)
    assert steps.take() is None, "time that passes is no step"
    assert not steps.stepped_within(DAY)
    clock.step(by)
    assert steps.take() == (by if found else None)
    assert steps.take() is None
    assert steps.stepped_within(DAY) is found
    clock.advance(DAY)
    assert not steps.stepped_within(DAY)


def test_a_clock_that_is_slewed_is_never_found() -> None:
    clock = ManualClock(NOON)
    steps = ClockSteps(clock)
    for _ in range(10_000):
        clock.advance(SECOND)
        clock.step(timedelta(milliseconds=1))
        assert steps.take() is None


@pytest.mark.parametrize("by", STEPS, ids=str)
async def test_a_step_releases_nothing_and_asks_for_a_plan(rig: Rig, by: timedelta) -> None:
    """Set between two cycles, and between reading and deciding."""
    await rig.begin()
    await run(rig, 5)
    for between_reading_and_deciding in (False, True):
        rig.controller.replan.clear()
        rig.clock.advance(SECOND)
        if between_reading_and_deciding:
            read = rig.devices.read

            async def read_then_step(read=read):  # type: ignore[no-untyped-def]
                readings = await read()
                rig.clock.step(by)
                return readings

            rig.devices.read = read_then_step  # type: ignore[method-assign]
        else:
            rig.clock.step(by)
        step = await rig.controller.step()
        assert isinstance(step.decision, Drive), step.decision
        assert step.image.time == rig.clock.now()
        assert rig.controller.replan.is_set()
        if between_reading_and_deciding:
            rig.devices.read = read  # type: ignore[method-assign]
        rig.clock.step(-by)
        await rig.controller.step()
    all_codes = [a.code for a in rig.history.alarms(NOON - 9000 * DAY, NOON + 5000 * DAY)]
    assert all_codes.count("clock-set") == 4
    assert "released" not in all_codes


@pytest.mark.parametrize("by", [HOUR, -HOUR, -40 * MINUTE, 30 * DAY], ids=str)
async def test_after_a_step_a_fresh_plan_of_the_new_time_is_followed(
    rig: Rig, by: timedelta
) -> None:
    await rig.begin()
    await run(rig, 20)
    rig.clock.step(by)
    await run(rig, 2)
    plan = rig.controller.plan
    assert plan is not None
    assert abs(plan.issued - rig.clock.now()) <= 2 * MINUTE
    assert rig.steps[-1].intent.level == "plan"


async def test_a_sample_of_2036_is_not_the_present(rig: Rig) -> None:
    """It is reported, and neither its full charge nor its plan counts."""
    future = datetime(2036, 1, 1, tzinfo=UTC)
    rig.history.add_samples([Sample(NOON - DAY, {"soc": 1.0}, "plan", FOLLOW_PLAN())])
    rig.history.add_samples([Sample(future, {"soc": 1.0}, "plan", FOLLOW_PLAN())])
    await rig.begin()
    plan = rig.controller.plan
    assert plan is not None
    rig.history.add_plan(future, "optimal", "test", replace(plan, issued=future).to_dict)
    rig.restart()
    rig.resume()
    assert rig.controller.plan is not None
    assert rig.controller.plan.issued == plan.issued
    await rig.controller.observe()
    state = rig.controller._estimator.state(rig.controller.image, rig.clock.now())
    assert state is not None
    assert state.last_full == NOON - DAY
    assert codes(rig).count("record-ahead") == 2


async def test_a_full_charge_seen_on_a_clock_that_was_ahead_does_not_count(
    rig: Rig, weather: Weather
) -> None:
    """Live, without a restart: ahead for a while, full meanwhile, then set right."""
    await rig.begin()
    await run(rig, 3)
    rig.clock.step(YEARS_10)
    rig.plant.soc = 1.0
    await run(rig, 3)
    assert rig.steps[-1].image.value("soc") >= FULL_SOC  # type: ignore[operator]
    rig.clock.step(-YEARS_10)
    rig.plant.soc = 0.7
    await run(rig, 3)
    rig.controller._estimator.recall(last_full=None, month_peak=None)
    state = rig.controller._estimator.state(rig.controller.image, rig.clock.now())
    assert state is not None
    assert state.last_full is None, "unknown, so it is due, and not in ten years"


async def test_a_gateway_that_starts_before_its_clock_is_set_learns_its_past_then(
    rig: Rig, weather: Weather
) -> None:
    """Without a battery-backed clock it starts in 1970 and knows nothing of the record."""
    weather.now = replace(weather.now, dc_load_kw=4.7)
    await rig.begin()
    await run(rig, 125)
    hours = rig.site.backup.hours
    known = rig.controller.forecaster.peak_load_kw(rig.clock.now(), hours)
    right = rig.clock.now() - datetime(1970, 1, 1, tzinfo=UTC)
    rig.clock.step(-right)
    rig.restart()
    rig.resume()
    unknown = rig.controller.forecaster.peak_load_kw(rig.clock.now(), hours)
    await run(rig, 2)
    rig.clock.step(right)
    await run(rig, 2)
    again = rig.controller.forecaster.peak_load_kw(rig.clock.now(), hours)
    assert again == pytest.approx(known, rel=0.05)
    assert abs(unknown - known) > 0.1 * known
