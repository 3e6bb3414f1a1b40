"""The control cycle by tick tables: what is measured, wished and allowed in a tick, and the
decision that must follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from control_cases import MAX_AGE, NOW, image, limits

from siteems.control.cycle import ControlState, Limits, cycle
from siteems.control.decision import Drive, Release
from siteems.control.intent import Intent
from siteems.control.pv_surplus import FIRST_STEP_KW
from siteems.control.reasons import FOLLOW_PLAN
from siteems.estimation.process_image import Image
from siteems.operations.english import ENGLISH
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

FREE = ControlState()


@dataclass(frozen=True)
class Tick:
    """One row: the difference from a normal image, the wish of the plan and the limits; then the
    decision, with part of its reason.
    """

    name: str
    battery_kw: float | str
    reason: str
    wanted_kw: float = 0.0
    measured: dict[str, float | None] = field(default_factory=dict)
    limits: Limits = field(default_factory=limits)
    released: bool = False


def measured_pv(
    pv_kw: float, battery_kw: float | None, rectifier_dc_kw: float | None
) -> dict[str, float | None]:
    return {"pv_kw": pv_kw, "battery_kw": battery_kw, "rectifier_dc_kw": rectifier_dc_kw}


PLAIN = (
    Tick("the plan charges", 2.0, "plan", wanted_kw=2.0),
    Tick("the plan discharges", -2.0, "plan", wanted_kw=-2.0),
    Tick(
        "charge rating",
        9.6,
        "device limit",
        wanted_kw=20.0,
        measured={"dc_load_kw": 1.0, "ac_load_kw": 0.0},
    ),
    Tick("discharge rating", -12.0, "device limit", wanted_kw=-20.0),
    Tick(
        "own minimum",
        0.0,
        "own minimum",
        wanted_kw=-2.0,
        measured={"soc": 0.10},
        limits=limits(0.05),
    ),
    Tick("too cold to charge", 0.0, "too cold", wanted_kw=2.0, measured={"battery_c": -1.0}),
    Tick(
        "too cold, yet it may discharge", -2.0, "plan", wanted_kw=-2.0, measured={"battery_c": -1.0}
    ),
    Tick("too hot to charge", 0.0, "too hot", wanted_kw=2.0, measured={"battery_c": 51.0}),
    Tick("too hot to discharge", 0.0, "too hot", wanted_kw=-2.0, measured={"battery_c": 51.0}),
    Tick("grid connection", "grid", "grid connection", wanted_kw=9.0),
    Tick("reserve", 0.0, "backup reserve 40.0% reached", wanted_kw=-2.0, measured={"soc": 0.40}),
    Tick(
        "a little below the reserve", 0.0, "backup reserve", wanted_kw=-2.0, measured={"soc": 0.385}
    ),
    Tick("charging at the reserve", 2.0, "plan", wanted_kw=2.0, measured={"soc": 0.40}),
    Tick(
        "rebuild",
        9.6,
        "being rebuilt",
        wanted_kw=-2.0,
        measured={"soc": 0.30, "dc_load_kw": 1.0, "ac_load_kw": 0.0},
    ),
    Tick(
        "event", "event", "demand-response cap of 2 kW", wanted_kw=0.0, limits=limits(dr_cap_kw=2.0)
    ),
    Tick(
        "event that allows no import",
        -3.0,
        "demand-response",
        wanted_kw=0.0,
        limits=limits(dr_cap_kw=0.0),
    ),
    Tick(
        "event that the plan holds already",
        -2.9,
        "plan",
        wanted_kw=-2.9,
        limits=limits(dr_cap_kw=2.0),
    ),
)

CONFLICTS = (
    Tick("safety over rebuild: cold", 0.0, "too cold", 2.0, {"soc": 0.30, "battery_c": -1.0}),
    Tick("safety over rebuild: hot", 0.0, "too hot", 2.0, {"soc": 0.30, "battery_c": 51.0}),
    Tick(
        "safety over event: hot", 0.0, "too hot", -2.0, {"battery_c": 51.0}, limits(dr_cap_kw=1.0)
    ),
    Tick(
        "safety over event: empty",
        0.0,
        "own minimum",
        -2.0,
        {"soc": 0.1},
        limits(0.05, dr_cap_kw=1.0),
    ),
    Tick(
        "safety over grid: hot",
        0.0,
        "too hot",
        -2.0,
        {"battery_c": 51.0},
        limits(grid_limit_kw=2.0),
    ),
    Tick("device over grid: load beyond both", -12.0, "grid connection", 0.0, {"dc_load_kw": 30.0}),
    Tick(
        "grid over reserve",
        "grid",
        "grid connection",
        0.0,
        {"soc": 0.40},
        limits(grid_limit_kw=2.0),
    ),
    Tick("grid over rebuild", "grid", "rebuilt", 0.0, {"soc": 0.30}, limits(grid_limit_kw=6.0)),
    Tick(
        "grid over event",
        "grid",
        "grid connection",
        0.0,
        {},
        limits(grid_limit_kw=2.0, dr_cap_kw=3.0),
    ),
    Tick("grid over plan", "grid", "grid connection", 9.0),
    Tick("reserve over event", 0.0, "backup reserve", -1.0, {"soc": 0.40}, limits(dr_cap_kw=1.0)),
    Tick("rebuild over event", "grid", "rebuilt", 0.0, {"soc": 0.30}, limits(dr_cap_kw=1.0)),
    Tick("reserve over plan", 0.0, "backup reserve", -3.0, {"soc": 0.40}),
    Tick("rebuild over plan", "grid", "rebuilt", -3.0, {"soc": 0.30}),
    Tick(
        "event tighter than grid",
        "event",
        "demand",
        0.0,
        {},
        limits(grid_limit_kw=3.0, dr_cap_kw=2.0),
    ),
    Tick("event over plan", "event", "demand", 5.0, {}, limits(dr_cap_kw=6.0)),
)

UNKNOWN = (
    Tick("mains failed", 0.0, "mains failed", 2.0, {"mains_v": 0.0}, released=True),
    Tick("mains sag", 0.0, "mains failed", 2.0, {"mains_v": 149.0}, released=True),
    Tick(
        "mains failed, all else unknown",
        0.0,
        "mains failed",
        2.0,
        {"mains_v": 0.0, "soc": None},
        released=True,
    ),
    Tick("mains unknown", 0.0, "mains voltage", 2.0, {"mains_v": None}, released=True),
    Tick("charge unknown", 0.0, "state of charge", 2.0, {"soc": None}, released=True),
    Tick("load unknown", 0.0, "telecom load", 2.0, {"dc_load_kw": None}, released=True),
    Tick(
        "two unknown",
        0.0,
        "state of charge, telecom load",
        2.0,
        {"soc": None, "dc_load_kw": None},
        released=True,
    ),
    Tick(
        "PV unknown counts as none",
        "event",
        "demand",
        0.0,
        {"pv_kw": None},
        limits(dr_cap_kw=2.0),
    ),
    Tick(
        "cooling unknown counts at its rating",
        "event",
        "demand",
        0.0,
        {"ac_load_kw": None},
        limits(dr_cap_kw=5.0),
    ),
    Tick("temperature unknown in a room that stays warm", 2.0, "plan", 2.0, {"battery_c": None}),
)

PV = (
    Tick(
        "surplus is stored, and a step looks for more",
        1.5 + FIRST_STEP_KW,
        "surplus",
        0.0,
        measured_pv(5.0, 1.5, 0.0),
    ),
    Tick(
        "all of it is found once the rectifiers give something",
        1.85,
        "surplus",
        0.0,
        measured_pv(5.0, 2.0, 0.15),
    ),
    Tick(
        "a falling surplus is followed down",
        1.0,
        "surplus",
        0.0,
        measured_pv(4.0, 2.0, 1.0),
    ),
    Tick("the plan stores more than the surplus", 4.0, "plan", 4.0, measured_pv(5.0, 4.0, 2.0)),
    Tick("no surplus, the plan holds", 0.0, "plan", 0.0, measured_pv(1.0, 0.0, 2.0)),
    Tick("no PV, no surplus", 0.0, "plan", 0.0, measured_pv(0.0, 0.0, 0.0)),
    Tick(
        "a discharge that carries the load stays", -2.0, "plan", -2.0, measured_pv(1.0, -2.0, 0.0)
    ),
    Tick("a discharge begins beside some PV", -1.0, "plan", -1.0, measured_pv(1.0, 0.0, 2.0)),
    Tick(
        "PV that carries the load ends a planned discharge",
        FIRST_STEP_KW,
        "surplus",
        -2.0,
        measured_pv(3.0, 0.0, 0.0),
    ),
    Tick(
        "surplus in an event",
        1.5 + FIRST_STEP_KW,
        "surplus",
        0.0,
        measured_pv(5.0, 1.5, 0.0),
        limits(dr_cap_kw=0.0),
    ),
    Tick(
        "surplus, but the battery is too cold",
        0.0,
        "cold",
        0.0,
        measured_pv(5.0, 1.5, 0.0) | {"battery_c": -5.0},
    ),
    Tick(
        "rectifiers unknown: no surplus is assumed", 0.0, "plan", 0.0, measured_pv(5.0, 1.5, None)
    ),
    Tick(
        "battery power unknown: no surplus is assumed",
        0.0,
        "plan",
        0.0,
        measured_pv(5.0, None, 0.0),
    ),
)


@pytest.mark.parametrize("tick", [*PLAIN, *CONFLICTS, *UNKNOWN, *PV], ids=lambda t: t.name)
def test_tick(tick: Tick, hangzhou: Site) -> None:
    curve = rectifier_curve(hangzhou)
    seen = image(**tick.measured)
    intent = Intent(tick.wanted_kw, "plan", FOLLOW_PLAN())
    decision, _ = cycle(seen, intent, tick.limits, hangzhou, curve, FREE)
    assert tick.reason in ENGLISH.text(decision.reason)
    assert isinstance(decision, Release) == tick.released
    if isinstance(decision, Drive):
        assert decision.battery_kw == pytest.approx(expected_kw(tick, seen, hangzhou))


def test_charging_is_allowed_again_a_degree_inside_the_limits(hangzhou: Site) -> None:
    """So the noise of a sensor near a limit does not rewrite the safe values again and again."""
    curve, state = rectifier_curve(hangzhou), FREE
    ticks = (
        (0.1, True), (-0.1, False), (0.9, False), (None, False), (1.0, True), (0.5, True),
        (None, True), (50.1, False), (49.5, False), (48.9, True),
    )  # fmt: skip
    for battery_c, allowed in ticks:
        seen = image(battery_c=battery_c, mains_v=0.0)
        intent = Intent(0.0, "plan", FOLLOW_PLAN())
        decision, state = cycle(seen, intent, limits(), hangzhou, curve, state)
        assert decision.charging.now == allowed, battery_c


def driven(*arguments: Any) -> Drive:
    """The decision of a cycle that drives."""
    decision, _ = cycle(*arguments)
    assert isinstance(decision, Drive)
    return decision


@pytest.mark.parametrize(
    ("battery_c", "allowed"),
    [(None, True), (-1.0, False), (0.0, True), (50.0, True), (51.0, False)],
)
def test_the_safe_values_must_not_charge_a_battery_too_cold_or_too_hot(
    hangzhou: Site, battery_c: float | None, allowed: bool
) -> None:
    curve, intent = rectifier_curve(hangzhou), Intent(0.0, "plan", FOLLOW_PLAN())
    for mains_v, kind in ((0.0, Release), (225.0, Drive)):
        seen = image(battery_c=battery_c, mains_v=mains_v)
        decision, _ = cycle(seen, intent, limits(), hangzhou, curve, FREE)
        assert (type(decision), decision.charging.now) == (kind, allowed)


def expected_kw(tick: Tick, seen: Image, site: Site) -> float:
    """A number, or what an import cap leaves: the rectifiers' output under it, plus PV, less the
    load.
    """
    if not isinstance(tick.battery_kw, str):
        return tick.battery_kw
    cap_kw = tick.limits.grid_limit_kw if tick.battery_kw == "grid" else tick.limits.dr_cap_kw
    ac_load_kw = seen.value("ac_load_kw")
    room_kw = cap_kw - 0.05 - (2.5 + 0.57 if ac_load_kw is None else ac_load_kw)
    load_kw = seen.value("dc_load_kw") or 0.0
    return rectifier_curve(site).dc_kw(room_kw) + (seen.value("pv_kw") or 0.0) - load_kw


def test_cold_room_without_sensor_does_not_charge_lithium(rural: Site) -> None:
    cold = replace(rural, backup=replace(rural.backup, coldest_c=-10.0))
    seen = image(battery_c=None)
    for site, expected_kw, reason in (
        (rural, 2.0, "current plan"),
        (cold, 0.0, "battery temperature unknown: no charging"),
    ):
        intent = Intent(2.0, "plan", FOLLOW_PLAN())
        decision = driven(seen, intent, limits(), site, rectifier_curve(site), FREE)
        assert (decision.battery_kw, ENGLISH.text(decision.reason)) == (expected_kw, reason)


def test_a_site_without_air_conditioner_assumes_its_largest_typical_ac_load(rural: Site) -> None:
    curve = rectifier_curve(rural)
    seen = image(ac_load_kw=None)
    decision = driven(
        seen, Intent(0.0, "plan", FOLLOW_PLAN()), limits(dr_cap_kw=2.0), rural, curve, FREE
    )
    assert decision.battery_kw == pytest.approx(curve.dc_kw(2.0 - 0.05 - 0.32) - 3.0)


def test_a_stale_measurement_is_unknown(hangzhou: Site) -> None:
    curve, intent = rectifier_curve(hangzhou), Intent(-2.0, "plan", FOLLOW_PLAN())
    for age, kind in ((MAX_AGE, Drive), (MAX_AGE + timedelta(seconds=1), Release)):
        fresh = image()
        soc = fresh.measured["soc"]._replace(time=NOW - age)
        seen = replace(fresh, measured={**fresh.measured, "soc": soc})
        decision, _ = cycle(seen, intent, limits(), hangzhou, curve, FREE)
        assert isinstance(decision, kind)


def test_an_event_overruled_by_the_reserve_does_not_limit_the_rectifiers(hangzhou: Site) -> None:
    curve = rectifier_curve(hangzhou)
    event = limits(dr_cap_kw=1.5)
    plan = Intent(0.0, "plan", FOLLOW_PLAN())
    holding = driven(image(soc=0.70), plan, event, hangzhou, curve, FREE)
    overruled = driven(image(soc=0.40), plan, event, hangzhou, curve, FREE)
    assert (holding.import_cap_kw, overruled.import_cap_kw) == (1.5, math.inf)
    assert holding.rectifier_cap_kw == pytest.approx(curve.dc_kw(1.5 - 0.05 - 1.0))
    assert overruled.rectifier_cap_kw == pytest.approx(curve.dc_kw(12.0 - 0.05 - 1.0))


def test_reserve_has_hysteresis(hangzhou: Site) -> None:
    """Discharge stops at 40 % and goes on at 41 %; in between it depends on the state before."""
    curve, state = rectifier_curve(hangzhou), FREE
    ticks = [
        (0.45, -2),
        (0.405, -2),
        (0.40, 0),
        (0.405, 0),
        (0.4099, 0),
        (0.4101, -2),
        (0.405, -2),
        (0.399, 0),
    ]
    for soc, expected_kw in ticks:
        intent = Intent(-2.0, "plan", FOLLOW_PLAN())
        decision, state = cycle(image(soc=soc), intent, limits(), hangzhou, curve, state)
        assert isinstance(decision, Drive)
        assert decision.battery_kw == expected_kw, f"at {soc}"


def test_hysteresis_outlasts_a_gap_in_the_measurements(hangzhou: Site) -> None:
    curve, intent = rectifier_curve(hangzhou), Intent(-2.0, "plan", FOLLOW_PLAN())
    _, held = cycle(image(soc=0.40), intent, limits(), hangzhou, curve, FREE)
    _, blind = cycle(image(soc=None), intent, limits(), hangzhou, curve, held)
    assert driven(image(soc=0.405), intent, limits(), hangzhou, curve, blind).battery_kw == 0.0
