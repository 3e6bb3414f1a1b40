"""Metrics and health of a daemon: what is known is shown, what is not is left out."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from control_cases import image, limits
from plans import ISSUED, plan

from siteems.control import reasons
from siteems.control.decision import Decision, Drive, Release
from siteems.control.intent import FallbackLevel, Intent
from siteems.control.step import Step
from siteems.history.writer import RecorderHealth
from siteems.operations.cycle_times import CycleTimes
from siteems.operations.metrics import DaemonView, alive, metrics_text, ready

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
LINE = re.compile(r'siteems_[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [0-9.e+-]+')
DRIVE = Drive(-2.0, 9.0, 53.5, 3.0, 0.0, reasons.FOLLOW_PLAN())
RELEASE = Release(reasons.RELEASE_MAINS_FAILED())


def step(decision: Decision = DRIVE, level: FallbackLevel = "plan", **values: float | None) -> Step:
    intent = Intent(-2.0, level, reasons.FOLLOW_PLAN())
    return Step(image(**values), decision, intent, limits())


def view(**changed: object) -> DaemonView:
    cycles = CycleTimes(last_s=100.0)
    cycles.succeeded(98.0, 98.02, 1.0)
    cycles.succeeded(99.0, 100.5, 1.0)
    usual = DaemonView(
        site_id="hangzhou-macro",
        now=ISSUED + timedelta(minutes=5),
        now_s=101.0,
        period_s=1.0,
        step=step(),
        plan=plan(issued=ISSUED),
        cycles=cycles,
        traffic={
            "links": {"cabinet": {"requests": 7, "timeouts": 1, "units": {}, "echoes": None}},
            "writes_today": {"smu": {"writes": 12, "allowed": 200_000}},
        },
        record=RecorderHealth(0.0, "", 3, {"plans": 2}, 1),
        resident_bytes=150_000_000,
        read_only=False,
    )
    return replace(usual, **changed)  # type: ignore[arg-type]


def values(text: str) -> dict[str, float]:
    """Each line of the format is checked; by metric with its labels."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            assert LINE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in found, "each sample occurs once"
            found[name] = float(value)
    return found


def test_what_is_known_is_shown() -> None:
    shown = values(metrics_text(view(step=step(soc=0.62, battery_kw=-2.1))))
    assert shown["siteems_soc"] == 0.62
    assert shown["siteems_battery_kw"] == -2.1
    assert shown["siteems_battery_setpoint_kw"] == -2.0
    assert shown['siteems_control_level{level="plan"}'] == 1.0
    assert shown['siteems_control_level{level="release"}'] == 0.0
    assert shown["siteems_plan_age_seconds"] == 300.0
    assert shown["siteems_price_per_kwh"] == plan().prices[0]
    assert shown['siteems_link_timeouts_total{link="cabinet"}'] == 1
    assert shown['siteems_writes_today{device="smu"}'] == 12
    assert shown['siteems_record_invalid_rows{table="plans"}'] == 2
    assert shown["siteems_record_waiting"] == 3
    assert not any("alarms_standing" in name for name in shown), "not counted yet"


def test_alarms_that_stand_are_counted_by_level() -> None:
    shown = values(metrics_text(view(standing={"alarm": 2, "warning": 0})))
    assert shown['siteems_alarms_standing{level="alarm"}'] == 2
    assert shown['siteems_alarms_standing{level="warning"}'] == 0


def test_durations_of_cycles_are_a_histogram() -> None:
    shown = values(metrics_text(view()))
    assert shown['siteems_cycle_seconds_bucket{le="0.01"}'] == 0
    assert shown['siteems_cycle_seconds_bucket{le="0.025"}'] == 1
    assert shown['siteems_cycle_seconds_bucket{le="1"}'] == 1
    assert shown['siteems_cycle_seconds_bucket{le="2.5"}'] == 2
    assert shown['siteems_cycle_seconds_bucket{le="+Inf"}'] == 2
    assert shown["siteems_cycle_seconds_count"] == 2
    assert shown["siteems_cycle_seconds_sum"] == pytest.approx(1.52)
    assert shown["siteems_cycles_late_total"] == 1


def test_delays_of_cycles_are_a_histogram() -> None:
    cycles = CycleTimes(100.0)
    for delay_s in (-0.001, 0.0004, 0.03, 4.0):
        cycles.began(delay_s)
    shown = values(metrics_text(view(cycles=cycles)))
    assert shown['siteems_cycle_delay_seconds_bucket{le="0.001"}'] == 2
    assert shown['siteems_cycle_delay_seconds_bucket{le="0.05"}'] == 3
    assert shown['siteems_cycle_delay_seconds_bucket{le="+Inf"}'] == 4
    assert shown["siteems_cycle_delay_seconds_sum"] == pytest.approx(4.0304)


def test_what_is_unknown_is_left_out_and_never_zero() -> None:
    unknown = view(step=step(soc=None, pv_kw=math.nan), plan=None, resident_bytes=None)
    text = metrics_text(unknown)
    shown = values(text)
    for name in ("soc", "pv_kw", "dr_cap_kw", "price_per_kwh", "plan_age_seconds"):
        assert f"siteems_{name}" not in shown
        assert f"siteems_{name} " not in text, "no header either"
    assert not any("memory" in name for name in shown)
    before = values(metrics_text(view(step=None)))
    assert not any("control_level" in name for name in before)


def test_labels_are_escaped() -> None:
    text = metrics_text(view(site_id='a"b\\c\nd'))
    assert '{site="a\\"b\\\\c\\nd"' in text


@pytest.mark.parametrize(
    ("changed", "is_alive", "is_ready"),
    [
        ({}, True, True),
        ({"now_s": 130.0}, True, True),
        ({"now_s": 131.0}, False, False),
        ({"now_s": 131.0, "period_s": 10.0}, True, True),
        ({"read_only": True}, True, False),
        ({"step": None}, True, False),
        ({"step": step(level="rules")}, True, False),
        ({"step": step(level="last-plan")}, True, False),
        ({"step": step(RELEASE)}, True, False),
    ],
)
def test_alive_and_ready(changed: dict[str, object], is_alive: bool, is_ready: bool) -> None:
    seen = view(**changed)
    assert (alive(seen)[0], ready(seen)[0]) == (is_alive, is_ready)
    assert all(each(seen)[1] for each in (alive, ready))
