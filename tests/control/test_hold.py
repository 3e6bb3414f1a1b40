"""Holds by hand: what comes before them, what after, and when they end. A tick table."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from control_cases import NOW, image, limits

from siteems.clock import ManualClock
from siteems.control import reasons
from siteems.control.cycle import ControlState, cycle
from siteems.control.decision import Drive, Release
from siteems.control.hold import Hold, Holds
from siteems.control.intent import Intent
from siteems.operations.hold_record import holds_text, recorded_holds
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

HOUR = timedelta(hours=1)


def hold(battery_kw: float, *, service: bool = False) -> Hold:
    return Hold(battery_kw, NOW + HOUR, "ops", service)


@pytest.mark.parametrize(
    ("holds", "soc", "cap_kw", "battery_c", "battery_kw", "code"),
    [
        # nothing is held: the plan asks for +3
        ((), 0.6, math.inf, 25.0, 3.0, "follow-plan"),
        # an operator's hold comes before the plan
        ((hold(0.0),), 0.6, math.inf, 25.0, 0.0, "held"),
        ((hold(-1.0),), 0.6, math.inf, 25.0, -1.0, "held"),
        ((hold(3.0),), 0.6, math.inf, 25.0, 3.0, "held"),
        # ... after a DR event, which needs a discharge at a load of 3 and 1 kW
        ((hold(0.0),), 0.6, 2.0, 25.0, "discharge", "dr-cap"),
        # ... which a service hold comes before
        ((hold(0.0, service=True),), 0.6, 2.0, 25.0, 0.0, "held"),
        ((hold(0.0, service=True), hold(2.0)), 0.6, math.inf, 25.0, 0.0, "held"),
        # safety and reserve come before both: it rests, and does not charge as the plan asks
        ((hold(-1.0),), 0.395, math.inf, 25.0, 0.0, "held"),
        ((hold(-1.0, service=True),), 0.395, math.inf, 25.0, 0.0, "held"),
        ((hold(0.0, service=True),), 0.30, math.inf, 25.0, "most", "reserve-rebuilt"),
        ((hold(2.0, service=True),), 0.6, math.inf, 60.0, 0.0, "too-hot"),
    ],
)
def test_what_comes_first(
    hangzhou: Site,
    holds,
    soc,
    cap_kw,
    battery_c,
    battery_kw,
    code: str,  # type: ignore[no-untyped-def]
) -> None:
    decision, _ = cycle(
        image(soc=soc, battery_c=battery_c),
        Intent(3.0, "plan", reasons.FOLLOW_PLAN()),
        replace(limits(dr_cap_kw=cap_kw), holds=holds),
        hangzhou,
        rectifier_curve(hangzhou),
        ControlState(),
    )
    assert isinstance(decision, Drive)
    assert decision.reason.code == code
    match battery_kw:
        case "discharge":
            assert decision.battery_kw < -1.0
        case "most":
            assert decision.battery_kw > 4.0
        case _:
            assert decision.battery_kw == battery_kw


def test_a_mains_failure_ends_every_setpoint(hangzhou: Site) -> None:
    decision, _ = cycle(
        image(mains_v=0.0),
        Intent(3.0, "plan", reasons.FOLLOW_PLAN()),
        replace(limits(), holds=(hold(-1.0, service=True),)),
        hangzhou,
        rectifier_curve(hangzhou),
        ControlState(),
    )
    assert isinstance(decision, Release)


@pytest.mark.parametrize("step", [timedelta(0), HOUR, -HOUR, timedelta(days=800)], ids=str)
def test_a_hold_lasts_as_long_as_was_asked_for_on_any_clock(step: timedelta) -> None:
    clock = ManualClock(NOW)
    holds = Holds(clock)
    holds.begin(hold(0.0))
    clock.advance(timedelta(minutes=59))
    clock.step(step)
    assert len(holds.in_force()) == 1
    clock.advance(timedelta(minutes=1))
    assert holds.in_force() == ()


def test_a_second_one_replaces_the_first_and_release_ends_all() -> None:
    holds = Holds(ManualClock(NOW))
    for each in (hold(1.0), hold(0.0), hold(0.0, service=True)):
        holds.begin(each)
    assert holds.in_force() == (hold(0.0, service=True), hold(0.0))
    assert len(holds.end()) == 2
    assert holds.in_force() == holds.end() == ()


def test_the_record_keeps_them() -> None:
    both = (hold(0.5, service=True), hold(-1.0))
    assert recorded_holds(holds_text(both), NOW) == both
    assert recorded_holds(holds_text(both), NOW + HOUR) == ()
    assert recorded_holds(holds_text(()), NOW) == recorded_holds(None, NOW) == ()


@pytest.mark.parametrize(
    "text",
    ["", "7", "[7]", "{}", "[{}]", "[" * 5000, holds_text([hold(0.0)]).replace("0.0", "null"),
     holds_text([hold(0.0)]).replace("+00:00", ""), holds_text([hold(0.0)]).replace('"ops"', "7")],
)  # fmt: skip
def test_a_damaged_fact_is_no_hold(text: str) -> None:
    assert recorded_holds(text, NOW) == ()
