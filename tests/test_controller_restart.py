"""The controller and its record: what a restart takes up again, and what a full disk stops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from controller_cases import HOUR, NOON, Weather, run
from replay_rig import Rig

from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import place_import_limit
from siteems.messages.message import MessageType
from siteems.planning.reasons import SCHEDULE
from siteems.site.model import Site
from siteems.tariff.model import DemandTerm

COMPARE = MessageType("compare", "for a comparison")


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def rig(hangzhou: Site, weather: Weather, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig.make(hangzhou, weather, NOON, 0.6, tmp_path)
    yield rig
    rig.history.close()


async def test_a_restart_resumes_the_plan_the_dr_events_and_what_was_learned(
    rig: Rig, weather: Weather
) -> None:
    """After two hours of a load a third above the typical one, a new controller plans as the old
    one would.
    """
    weather.now = replace(weather.now, dc_load_kw=4.7)
    await rig.begin()
    place_import_limit(EventLog(rig.history), 2.0, NOON + 5 * HOUR, HOUR, NOON, "test")
    await run(rig, 125)
    before = rig.controller
    rig.clock.advance(timedelta(seconds=1))
    await before.observe()
    await before.make_plan(COMPARE)
    expected = before.plan
    assert expected is not None

    rig.restart()
    rig.resume()
    resumed = rig.controller.plan
    assert resumed is not None
    assert (resumed.issued, resumed.trigger) == (expected.issued, COMPARE.code)
    assert rig.controller.events == before.events
    await rig.controller.observe()
    await rig.controller.make_plan(COMPARE)
    assert rig.controller.plan is not None
    for name in ("grid_import_kw", "battery_kw", "stored_kwh"):
        assert rig.controller.plan.series[name] == pytest.approx(expected.series[name], abs=1e-3), (
            name
        )
    await run(rig, 1)
    assert rig.steps[-1].intent.level == "plan"


async def test_a_restart_with_a_dead_solver_follows_the_last_plan(rig: Rig) -> None:
    await rig.begin()
    await run(rig, 30)
    rig.restart()
    rig.solver.broken = "no solver"
    await rig.begin()
    await run(rig, 30)
    assert rig.steps[-1].intent.level == "last-plan"


async def test_a_full_disk_stops_the_record_and_not_the_control(rig: Rig) -> None:
    await rig.begin()
    await run(rig, 5)
    rig.history._rows(f"PRAGMA max_page_count = {rig.history._rows('PRAGMA page_count')[0][0]}")
    await run(rig, 60)
    assert {s.intent.level for s in rig.steps} == {"plan"}
    kept = len(rig.history.samples(NOON, NOON + 2 * HOUR))
    assert 5 <= kept < 65
    rig.history._rows("PRAGMA max_page_count = 100000")
    await run(rig, 5)
    assert len(rig.history.samples(NOON, NOON + 2 * HOUR)) == kept + 5


async def test_the_month_s_peak_is_planned_for_and_survives_a_restart(rig: Rig) -> None:
    term = DemandTerm(mode="measured", price_per_kw=42.0)
    rig.site = replace(
        rig.site, tariffs=tuple(replace(version, demand=(term,)) for version in rig.site.tariffs)
    )
    rig.restart()
    await rig.begin()
    assert rig.controller.plan is not None
    assert rig.controller.plan.month_peak_kw == 0.0
    assert rig.controller.plan.cost_by_term["demand"] > 0.0
    await run(rig, 65)
    await rig.controller.make_plan(COMPARE)
    measured_kw = rig.controller.plan.month_peak_kw
    assert measured_kw == pytest.approx(rig.controller.plan.series["grid_import_kw"][0], abs=1.5)
    assert measured_kw is not None
    assert measured_kw > 1.0

    rig.restart()
    rig.resume()
    await rig.controller.observe()
    await rig.controller.make_plan(SCHEDULE)
    assert rig.controller.plan.month_peak_kw == pytest.approx(measured_kw, abs=1e-4), (
        "as rounded in the record"
    )


async def test_a_recorded_plan_of_another_version_is_passed_over(rig: Rig) -> None:
    rig.history.add_plan(NOON, "optimal", "test", lambda: {"something": "else"})
    rig.resume()
    assert rig.controller.plan is None


async def test_what_was_learned_live_is_restored_from_the_record(rig: Rig) -> None:
    """A new controller has the state and the forecasts of the old one, because both learn from the
    recorded samples. What happens between two samples (a minute) neither of them learns.
    """
    term = DemandTerm(mode="measured", price_per_kw=42.0)
    rig.site = replace(
        rig.site, tariffs=tuple(replace(version, demand=(term,)) for version in rig.site.tariffs)
    )
    rig.restart()
    rig.plant.soc = 0.99
    await rig.begin()
    await run(rig, 185)
    live = rig.controller
    await live.make_plan(COMPARE)
    rig.clock.advance(timedelta(seconds=1))
    rig.restart()
    rig.resume()
    restored = rig.controller
    now = rig.clock.now()
    for each in (live, restored):
        await each.observe()
    known, again = (each._estimator.state(each.image, now) for each in (live, restored))
    assert known is not None
    assert again is not None
    assert known.last_full is not None
    assert known == replace(again, month_peak_kw=known.month_peak_kw)
    assert again.month_peak_kw == pytest.approx(known.month_peak_kw, abs=1e-6)
    hours = rig.site.backup.hours
    assert live.forecaster.peak_load_kw(now, hours) == restored.forecaster.peak_load_kw(now, hours)
