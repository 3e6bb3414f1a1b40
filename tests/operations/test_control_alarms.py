"""Each alarm of the control cycle: raised when its condition has lasted, cleared when it ends."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from control_cases import image, limits

from siteems.control import reasons
from siteems.control.decision import Decision, Drive, Release
from siteems.control.intent import FallbackLevel, Intent
from siteems.control.step import Step
from siteems.demand_response.timeline import BatteryRequest
from siteems.estimation.process_image import UNKNOWN
from siteems.history.records import AlarmRecord
from siteems.operations.control_alarms import ControlAlarms

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MAINS = 230.0
NOT_MEASURED = Release(reasons.RELEASE_NOT_MEASURED(missing=(reasons.STATE_OF_CHARGE(),)))
FAILED = Release(reasons.RELEASE_MAINS_FAILED())


def drive(battery_kw: float = 0.0) -> Drive:
    return Drive(battery_kw, 9.0, 53.5, 3.0, 0.0, reasons.FOLLOW_PLAN())


class Bench:
    """Control alarms on a clock of one minute per cycle."""

    def __init__(self, *, drives: bool = True) -> None:
        self.now = NOON
        self.reported: list[AlarmRecord] = []
        self.alarms = ControlAlarms(self.reported.append, drives=drives)

    def cycle(
        self,
        decision: Decision,
        count: int = 1,
        *,
        level: FallbackLevel = "plan",
        cap_kw: float = math.inf,
        mains_v: float | None = MAINS,
        silent: bool = False,
        asked: BatteryRequest | None = None,
        **values: float | None,
    ) -> list[str]:
        """The codes that `count` equal cycles report; `silent`: a battery that does not answer."""
        before = len(self.reported)
        intent = Intent(0.0, level, reasons.FOLLOW_LAST_PLAN(age_min=30.0))
        seen = image(mains_v=mains_v, **values)
        if silent:
            seen = replace(seen, measured={**seen.measured, "soc": UNKNOWN})
        for _ in range(count):
            step = Step(seen, decision, intent, replace(limits(dr_cap_kw=cap_kw), dr_battery=asked))
            self.alarms.update(step, self.now)
            self.now += MINUTE
        return [alarm.code for alarm in self.reported[before:]]


def test_a_power_that_an_event_asks_for_and_does_not_get() -> None:
    bench = Bench()
    asked = BatteryRequest("e1", NOON + timedelta(hours=1), battery_kw=-3.0)
    assert bench.cycle(drive(-3.0), 3, asked=asked, battery_kw=-2.9) == []
    assert bench.cycle(drive(-1.0), 3, asked=asked, battery_kw=-1.0) == ["dr-partly-delivered"]
    assert bench.reported[-1].message.values["event"] == "e1"
    assert bench.cycle(drive(-1.0), 5, asked=asked, battery_kw=-1.0) == [], "once"
    assert bench.cycle(drive(-3.0), 2, asked=asked, battery_kw=-3.0) == ["dr-fully-delivered"]
    bench.cycle(drive(-1.0), 3, asked=asked, battery_kw=-1.0)
    assert bench.cycle(drive(), 1, battery_kw=0.0) == ["dr-fully-delivered"], "it is over"
    unknown = bench.cycle(drive(-3.0), 5, asked=asked, battery_kw=None)
    assert "dr-partly-delivered" not in unknown


def test_mains() -> None:
    bench = Bench()
    assert bench.cycle(drive()) == []
    assert bench.cycle(FAILED, 3, mains_v=0.0) == ["mains-failed"]
    assert bench.alarms.mains_failed
    assert bench.cycle(NOT_MEASURED, 2, mains_v=None) == ["released"]
    assert bench.alarms.mains_failed, "unknown does not end it"
    assert bench.cycle(drive()) == ["mains-returned", "driving"]
    assert not bench.alarms.mains_failed


def test_a_release_because_of_the_mains_is_one_alarm() -> None:
    bench = Bench()
    bench.cycle(drive())
    assert bench.cycle(FAILED, 3, mains_v=0.0) == ["mains-failed"]
    assert bench.cycle(drive(), 3) == ["mains-returned"]


def test_a_release_that_a_mains_failure_interrupts_ends_with_the_first_drive() -> None:
    bench = Bench()
    assert bench.cycle(NOT_MEASURED) == ["released"]
    assert bench.cycle(FAILED, mains_v=0.0) == ["mains-failed"]
    assert bench.cycle(drive()) == ["mains-returned", "driving"]


def test_read_only_it_reports_measurements_and_no_deviations() -> None:
    bench = Bench(drives=False)
    assert bench.cycle(NOT_MEASURED, silent=True) == ["not-measured"]
    assert bench.cycle(drive()) == ["measured"]
    assert bench.cycle(NOT_MEASURED, 5, soc=None) == [], "no device measures it"
    assert bench.cycle(drive(-2.0), 5, battery_kw=3.0, grid_kw=9.0, cap_kw=1.0) == []


def test_a_fallback_is_reported_when_it_has_lasted_and_the_plan_at_once() -> None:
    bench = Bench()
    assert bench.cycle(drive(), 3) == []
    assert bench.cycle(drive(), 2, level="last-plan") == []
    assert bench.cycle(drive()) == [], "it did not last"
    assert bench.cycle(drive(), 5, level="last-plan") == ["fallback-last-plan"]
    assert bench.cycle(drive(), 5, level="rules") == ["fallback-rules"]
    assert bench.cycle(drive()) == ["fallback-plan"]


def test_levels_that_alternate_are_reported_too() -> None:
    bench = Bench()
    bench.cycle(drive())
    codes = []
    for _ in range(4):
        codes += bench.cycle(drive(), level="last-plan") + bench.cycle(drive(), level="rules")
    assert "fallback-last-plan" in codes


def test_a_start_on_the_rules_is_reported() -> None:
    bench = Bench()
    assert bench.cycle(drive(), 2, level="rules") == []
    assert bench.cycle(drive(), 1, level="rules") == ["fallback-rules"]


def test_a_cap_is_reported_once_however_often_it_is_exceeded() -> None:
    bench = Bench()
    assert bench.cycle(drive(), 3, cap_kw=2.0, grid_kw=2.01) == [], "within the meter's error"
    assert bench.cycle(drive(), 2, cap_kw=2.0, grid_kw=2.5) == []
    assert bench.cycle(drive(), 1, cap_kw=2.0, grid_kw=2.5) == ["cap-exceeded"]
    for _ in range(3):
        assert bench.cycle(drive(), 5, cap_kw=2.0, grid_kw=1.0) == []
        assert bench.cycle(drive(), 5, cap_kw=2.0, grid_kw=2.5) == []
    assert bench.cycle(drive(), 5, cap_kw=1.5, grid_kw=2.5) == ["cap-exceeded"], "another cap"
    assert bench.cycle(drive(), 5, grid_kw=2.5) == ["cap-over"]
    assert bench.cycle(drive(), 5, cap_kw=1.5, grid_kw=2.5) == ["cap-exceeded"], "another event"
    assert bench.cycle(drive(), 5, cap_kw=1.5, grid_kw=1.0) == [], "it was missed all the same"


def test_planning_that_fails_and_succeeds_again() -> None:
    bench = Bench()
    bench.alarms.planned(NOON)
    for _ in range(2):
        bench.alarms.planning_failed(NOON, "infeasible", reasons.NO_PLAN_YET())
    bench.alarms.planned(NOON)
    bench.alarms.planned(NOON)
    codes = [alarm.code for alarm in bench.reported]
    assert codes == ["plan-infeasible", "plan-infeasible", "planned"]


def test_a_cap_that_is_revised_again_and_again_is_reported_each_time_it_is_missed() -> None:
    bench = Bench()
    assert bench.cycle(drive(), 2, cap_kw=3.0, grid_kw=5.0) == []
    assert bench.cycle(drive(), 1, cap_kw=2.5, grid_kw=5.0) == ["cap-exceeded"]
    assert bench.cycle(drive(), 1, cap_kw=2.0, grid_kw=5.0) == ["cap-exceeded"]
    assert bench.cycle(drive(), 3, cap_kw=2.0, grid_kw=5.0) == []


def test_a_battery_that_does_not_follow_its_setpoint() -> None:
    bench = Bench()
    assert bench.cycle(drive(-2.0), 2, battery_kw=0.0, rectifier_dc_kw=5.0) == []
    assert bench.cycle(drive(-2.0), 2, battery_kw=0.0, rectifier_dc_kw=5.0) == [
        "battery-not-following"
    ]
    assert bench.cycle(drive(-2.0), 2, battery_kw=-2.1) == []
    assert bench.cycle(drive(-2.0), 2, battery_kw=0.0, rectifier_dc_kw=5.0) == [], "not followed"
    assert bench.cycle(drive(-2.0), 3, battery_kw=-2.1) == ["battery-following"]
    assert bench.cycle(drive(-2.0), battery_kw=-2.1) == []
    assert bench.cycle(drive(-2.0), 3, battery_kw=-2.6) == ["battery-not-following"]


def test_less_charging_is_chemistry_and_less_discharging_beside_pv_is_right() -> None:
    bench = Bench()
    assert bench.cycle(drive(5.0), 5, battery_kw=1.0) == []
    assert bench.cycle(drive(-2.0), 5, battery_kw=0.0, rectifier_dc_kw=0.0) == []
    assert bench.cycle(drive(-2.0), 5, battery_kw=None) == []


def test_a_release_neither_ends_nor_proves_a_deviation() -> None:
    bench = Bench()
    assert bench.cycle(drive(), 3, battery_kw=3.0) == ["battery-not-following"]
    bench.cycle(NOT_MEASURED, battery_kw=None)
    assert "battery-not-following" not in bench.cycle(drive(), 5, battery_kw=3.0)
