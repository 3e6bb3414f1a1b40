"""The controller when things go wrong: silent devices, a broken solver, restarts, DR events that
cannot be followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from controller_cases import HOUR, MINUTE, NOON, Weather, codes, run
from replay_rig import TIMING, Rig

from drivers.points import Point, Quality, Reading
from siteems.control.decision import Drive, Release
from siteems.control.reasons import RELEASE_LOW_BUS
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.manual import cancel_event, place_import_limit
from siteems.operations.english import ENGLISH
from siteems.planning.reasons import NO_PLAN_HOLDS, START
from siteems.site.model import Site
from siteems.site.reserve import reserve_soc


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def rig(hangzhou: Site, weather: Weather, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig.make(hangzhou, weather, NOON, 0.6, tmp_path)
    yield rig
    rig.history.close()


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
    alarm = next(a for a in rig.history.alarms(NOON, NOON + HOUR) if a.code == "plan-error")
    reason = alarm.message.values["reason"]
    assert reason.code == "not-solved"
    assert [each.code for each in reason.values["detail"]] == ["solver-error"]
    assert ENGLISH.text(alarm.message) == "solver process died"
    failed = rig.history.plan_log(NOON + 10 * MINUTE, NOON + HOUR)
    assert [status for _, status, _ in failed] == ["error", "error"]
    rig.solver.broken = ""
    await run(rig, 16)
    assert rig.steps[-1].intent.level == "plan"
    assert [c for c in codes(rig) if c.startswith("fallback")] == [
        "fallback-last-plan",
        "fallback-plan",
    ]
    assert [c for c in codes(rig) if c.startswith("plan")] == ["plan-error"] * 2 + ["planned"]


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
    refused = alarms[0].message.values["reason"]
    assert refused.code == "input-refused"
    assert (refused.values["detail"].code, refused.values["detail"].values["day"]) == (
        "no-tariff",
        "2026-07-15",
    )
    assert "no tariff is valid on 2026-07-15" in ENGLISH.text(alarms[0].message)
    assert rig.steps[-1].decision.battery_kw == 0.0
    assert "price_per_kwh" not in rig.history.samples(NOON, NOON + HOUR)[0].values
    rig.history.close()


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


async def test_a_cap_below_the_ac_load_is_an_alarm_at_once(rig: Rig) -> None:
    """Long before it begins: the battery cannot carry the AC side."""
    await rig.begin()
    place_import_limit(EventLog(rig.history), 0.2, NOON + 5 * HOUR, HOUR, NOON, "test")
    place_import_limit(EventLog(rig.history), 1.5, NOON + 7 * HOUR, HOUR, NOON, "test")
    await run(rig, 5)
    [alarm] = [i for i in rig.history.alarms(NOON, NOON + HOUR) if i.code == "cap-below-ac-load"]
    assert "allows 0.2 kW, but the AC side alone draws" in ENGLISH.text(alarm.message)


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


async def test_a_counter_that_reads_0_is_alarmed_repaired_and_costs_nothing(rig: Rig) -> None:
    """And a restart raises no alarm again."""
    await rig.begin()
    await run(rig, 30)
    read, wrong = rig.devices.read, False

    async def misread() -> list[Reading]:
        zero = {"energy_import_kwh": Point(0.0, Quality.GOOD)} if wrong else {}
        return [
            replace(
                each, points={**each.points, **zero} if each.device == "grid-meter" else each.points
            )
            for each in await read()
        ]

    rig.devices.read = misread  # type: ignore[method-assign]
    await run(rig, 5)
    wrong = True
    await run(rig, 4)
    wrong = False
    await run(rig, 10)
    assert codes(rig) == ["counter-implausible", "counter-repaired"]
    failed, repaired = rig.history.alarms(NOON, NOON + HOUR)
    assert failed.time == NOON + 36 * MINUTE
    assert repaired.time == NOON + 40 * MINUTE
    assert repaired.message.values["kind"] == "blip"
    rig.restart()
    await rig.begin()
    await run(rig, 5)
    assert len(codes(rig)) == 2
