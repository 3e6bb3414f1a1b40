"""The controller when things go wrong: silent devices, a broken solver, restarts, DR events that
cannot be followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from replay_rig import TIMING, Rig

from drivers.points import Point, Quality, Reading
from siteems.control.decision import Drive, Release
from siteems.control.reasons import RELEASE_LOW_BUS
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import cancel_event, place_import_limit
from siteems.messages.message import MessageType
from siteems.operations.message_text import ENGLISH
from siteems.planning.reasons import NO_PLAN_HOLDS, SCHEDULE, START
from siteems.recordings.profile import Instant
from siteems.site.model import Site
from siteems.site.reserve import reserve_soc
from siteems.tariff.model import DemandTerm

COMPARE = MessageType("compare", "for a comparison")

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
"""Noon at the site, in the valley hours."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Weather:
    """Surroundings that a test sets."""

    def __init__(self) -> None:
        self.now = Instant(3.0, 0.0, None, 30.0, True)

    def __call__(self, when: datetime) -> Instant:
        return self.now

    def mains(self, ok: bool) -> None:
        self.now = replace(self.now, mains_ok=ok)


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def rig(hangzhou: Site, weather: Weather, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig.make(hangzhou, weather, NOON, 0.6, tmp_path)
    yield rig
    rig.history.close()


async def run(rig: Rig, minutes: int) -> None:
    await rig.run_until(rig.clock.now() + minutes * MINUTE)


def codes(rig: Rig) -> list[str]:
    alarms = rig.history.alarms(NOON - HOUR, NOON + 100 * HOUR)
    for alarm in alarms:
        assert not ENGLISH.text(alarm.message).startswith(f"{alarm.code}:"), "it has its text"
    return [alarm.code for alarm in alarms]


async def test_before_the_first_reading_nothing_is_planned(rig: Rig) -> None:
    await rig.controller.make_plan(START)
    assert rig.controller.plan is None
    assert rig.history.plan_log(NOON, NOON + HOUR) == [(NOON, "error", "start")]
    assert codes(rig) == ["plan-error"]


async def test_a_silent_monitoring_unit_is_bridged_then_released_then_driven_again(
    rig: Rig,
) -> None:
    await rig.begin()
    await run(rig, 5)
    rig.devices.silent = {"smu"}
    await run(rig, 6)
    assert [type(s.decision) for s in rig.steps[-6:]] == [Drive] * 3 + [Release] * 3
    assert rig.steps[-1].decision.reason.code == "release-not-measured"
    rig.devices.silent = set()
    await run(rig, 1)
    assert isinstance(rig.steps[-1].decision, Drive)
    assert codes(rig) == ["released", "driving"]


async def test_read_only_reports_what_is_not_measured_and_no_release(
    rig: Rig,
) -> None:
    rig.controller = Controller(rig.site, rig.ports, TIMING, drives=False)
    await rig.begin()
    await run(rig, 5)
    rig.devices.silent = {"smu"}
    await run(rig, 6)
    rig.devices.silent = set()
    await run(rig, 1)
    alarms = rig.history.alarms(NOON - HOUR, NOON + 100 * HOUR)
    assert [(each.level, each.code) for each in alarms] == [
        ("warning", "not-measured"),
        ("info", "measured"),
    ]
    values = rig.history.samples(NOON + 10 * MINUTE, NOON + 11 * MINUTE)[0].values
    assert "soc" not in values, "unknown is recorded as nothing"


async def test_without_the_meter_it_goes_on(rig: Rig) -> None:
    await rig.begin()
    rig.devices.silent = {"grid-meter"}
    await run(rig, 10)
    assert {type(s.decision) for s in rig.steps} == {Drive}


async def test_a_failure_with_a_gap_in_the_measurements_is_one_failure(
    rig: Rig, weather: Weather
) -> None:
    """The mains fail and so does the link to the cabinet; when both are back, a plan is made."""
    await rig.begin()
    await run(rig, 2)
    weather.mains(False)
    await run(rig, 2)
    rig.devices.silent = {"smu", "grid-meter", "mppt"}
    await run(rig, 6)
    assert rig.steps[-1].image.mains_ok is None
    weather.mains(True)
    rig.devices.silent = set()
    await run(rig, 1)
    assert [c for c in codes(rig) if c.startswith("mains")] == ["mains-failed", "mains-returned"]
    assert rig.history.plan_log(rig.clock.now(), NOON + HOUR)[-1][2] == "mains-return"
    weather.mains(False)
    await run(rig, 1)
    assert codes(rig).count("mains-failed") == 2, "another failure is another alarm"


async def test_no_plan_is_made_while_the_mains_are_out(rig: Rig, weather: Weather) -> None:
    await rig.begin()
    weather.mains(False)
    await run(rig, 40)
    assert len(rig.history.plan_log(NOON, NOON + HOUR)) == 1
    assert rig.plant.flows.battery_kw == pytest.approx(-3.0)


async def test_a_broken_solver_means_lower_fallback_levels_and_each_change_is_reported(
    rig: Rig,
) -> None:
    await rig.begin()
    await run(rig, 10)
    rig.solver.broken = "solver process died"
    await run(rig, 20)
    assert [s.intent.level for s in rig.steps[10:]] == ["plan"] * 10 + ["last-plan"] * 10
    failed = rig.history.plan_log(NOON + 10 * MINUTE, NOON + HOUR)
    assert [status for _, status, _ in failed] == ["error", "error"]
    rig.solver.broken = ""
    await run(rig, 16)
    assert rig.steps[-1].intent.level == "plan"
    assert [c for c in codes(rig) if c.startswith("fallback")] == [
        "fallback-last-plan",
        "fallback-plan",
    ]
    assert "plan-error" in codes(rig)


async def test_without_any_plan_the_rules_charge_in_cheap_hours(rig: Rig) -> None:
    rig.solver.broken = "solver did not start"
    await rig.begin()
    await run(rig, 5)
    assert rig.steps[-1].intent.level == "rules"
    assert rig.plant.flows.battery_kw > 3
    assert "fallback-rules" in codes(rig)


async def test_a_tariff_that_has_ended_is_reported_and_the_battery_holds(
    hangzhou: Site, tmp_path: Path
) -> None:
    ended = replace(hangzhou, tariffs=(replace(hangzhou.tariffs[0], valid_to=date(2026, 7, 10)),))
    rig = Rig.make(ended, Weather(), NOON, 0.6, tmp_path)
    await rig.begin()
    await run(rig, 3)
    assert rig.controller.plan is None
    alarms = rig.history.alarms(NOON, NOON + HOUR)
    assert alarms[0].code == "plan-error"
    assert "no tariff holds on 2026-07-15" in ENGLISH.text(alarms[0].message)
    assert rig.steps[-1].decision.battery_kw == 0.0
    assert "price_per_kwh" not in rig.history.samples(NOON, NOON + HOUR)[0].values
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
    rig.controller.resume()
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


async def test_a_dr_event_that_cannot_be_followed_is_reported_once_and_so_is_the_next(
    rig: Rig,
) -> None:
    """A cap of zero: the air conditioner and the rectifiers' standby stay on the grid."""
    await rig.begin()
    for start in (NOON + 10 * MINUTE, NOON + 60 * MINUTE):
        place_import_limit(EventLog(rig.history), 0.0, start, 20 * MINUTE, NOON, "test")
    await run(rig, 50)
    assert codes(rig).count("cap-exceeded") == 1
    await run(rig, 50)
    assert codes(rig).count("cap-exceeded") == 2
    [alarm, _] = [i for i in rig.history.alarms(NOON, NOON + 2 * HOUR) if i.code == "cap-exceeded"]
    text = ENGLISH.text(alarm.message)
    assert text.startswith("grid import is ")
    assert "the DR event allows 0 kW" in text


async def test_a_cancelled_dr_event_ends_at_once(rig: Rig) -> None:
    await rig.begin()
    event = place_import_limit(EventLog(rig.history), 1.5, NOON + 5 * MINUTE, HOUR, NOON, "test")
    await run(rig, 10)
    assert rig.steps[-1].limits.dr_cap_kw == 1.5
    assert rig.plant.flows.grid_import_kw <= 1.5
    cancel_event(EventLog(rig.history), event.id, rig.clock.now())
    await run(rig, 2)
    assert rig.steps[-1].limits.dr_cap_kw == float("inf")
    triggers = [trigger for _, _, trigger in rig.history.plan_log(NOON, NOON + HOUR)]
    assert triggers.count("dr-event-changed") == 2


async def test_below_the_reserve_the_battery_is_charged_also_during_a_dr_event(rig: Rig) -> None:
    rig.plant.soc = 0.25
    await rig.begin()
    place_import_limit(EventLog(rig.history), 1.0, NOON, HOUR, NOON, "test")
    await run(rig, 5)
    assert rig.plant.flows.battery_kw > 3
    assert rig.steps[-1].limits.dr_cap_kw == 1.0
    assert rig.steps[-1].decision.rectifier_cap_kw > 5


async def test_a_jump_of_the_measured_charge_asks_for_a_plan(rig: Rig) -> None:
    await rig.begin()
    await run(rig, 3)
    rig.plant.soc += 0.1
    await run(rig, 2)
    log = rig.history.plan_log(NOON, NOON + HOUR)
    assert [trigger for _, _, trigger in log] == ["start", "soc-deviation"]


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


async def test_a_clock_set_back_makes_old_readings_unknown(rig: Rig) -> None:
    await rig.begin()
    await run(rig, 5)
    rig.clock.advance(-HOUR)
    rig.devices.silent = {"smu"}
    await rig.controller.step()
    assert rig.controller.image.value("soc") is None
    rig.devices.silent = set()
    await run(rig, 1)
    assert isinstance(rig.steps[-1].decision, Drive)


async def test_when_no_plan_holds_a_plan_is_requested(rig: Rig) -> None:
    await rig.begin()
    await run(rig, 2)
    rig.controller.plan = None
    rig.controller.replan.clear()
    await rig.controller.step()
    assert rig.controller.replan.is_set()
    assert rig.controller.replan.trigger == NO_PLAN_HOLDS


async def test_a_step_in_the_load_reaches_the_reserve_within_minutes(
    rig: Rig, weather: Weather
) -> None:
    await rig.begin()
    await run(rig, 60)
    weather.now = replace(weather.now, dc_load_kw=5.0)
    await run(rig, 15)
    site, temp_c = rig.site, rig.steps[-1].image.value("battery_c")
    needed = reserve_soc(site.battery, site.backup, 5.0 * (1 + site.backup.load_margin), temp_c)
    assert rig.steps[-1].limits.reserve_soc >= 0.95 * needed


async def test_a_battery_that_takes_more_than_decided_is_an_alarm(rig: Rig) -> None:
    await rig.begin()
    place_import_limit(EventLog(rig.history), 2.5, NOON, HOUR, NOON, "test")
    rig.controller.refresh_events()
    await run(rig, 3)
    drive = rig.devices.drive

    async def deaf(decision: object) -> None:
        rig.plant.setpoints.charge_limit_a = rig.plant.setpoints.rectifier_limit_a = 150.0

    rig.devices.drive = deaf  # type: ignore[method-assign]  # the unit is in local mode
    await run(rig, 5)
    rig.devices.drive = drive  # type: ignore[method-assign]
    assert "battery-not-following" in codes(rig)
    assert "cap-exceeded" in codes(rig)


async def test_a_bus_that_falls_frees_the_rectifiers(rig: Rig, weather: Weather) -> None:
    await rig.begin()
    await run(rig, 2)
    read = rig.devices.read

    async def sagging() -> list[Reading]:
        low = Point(45.0, Quality.GOOD)
        return [
            replace(r, points={**r.points, "bus_v": low} if "bus_v" in r.points else r.points)
            for r in await read()
        ]

    rig.devices.read = sagging  # type: ignore[method-assign]
    step = await rig.controller.step()
    assert isinstance(step.decision, Release)
    assert step.decision.reason == RELEASE_LOW_BUS(bus_v=45.0)


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
    rig.controller.resume()
    await rig.controller.observe()
    await rig.controller.make_plan(SCHEDULE)
    assert rig.controller.plan.month_peak_kw == pytest.approx(measured_kw, abs=1e-4), (
        "as rounded in the record"
    )


async def test_a_recorded_plan_of_another_version_is_passed_over(rig: Rig) -> None:
    rig.history.add_plan(NOON, "optimal", "test", lambda: {"something": "else"})
    rig.controller.resume()
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
    rig.plant.soc = 0.97
    await rig.begin()
    await run(rig, 185)
    live = rig.controller
    await live.make_plan(COMPARE)
    rig.clock.advance(timedelta(seconds=1))
    rig.restart()
    rig.controller.resume()
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
    assert live._forecaster.peak_load_kw(now, hours) == restored._forecaster.peak_load_kw(
        now, hours
    )
