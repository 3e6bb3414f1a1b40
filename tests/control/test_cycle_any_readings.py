"""Whatever numbers devices deliver, NaN and infinity among them, the cycle decides, and every
setpoint that follows is a number within the ratings.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import get_args

import pytest
from control_cases import MAX_AGE, NOW, limits
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cycle_properties import SITES, all_limits, wishes

from drivers.points import Point, Quality, Reading
from drivers.roles import BatteryCommand
from siteems.control.cycle import ControlState, Limits, cycle
from siteems.control.decision import Drive, Release
from siteems.control.intent import Intent
from siteems.control.reasons import FOLLOW_PLAN
from siteems.control.setpoints import setpoints
from siteems.estimation.image_builder import ImageBuilder
from siteems.estimation.point_fields import IMAGE_POINTS
from siteems.site.assets import rectifier_curve
from siteems.site.ratings import plausible_ranges

USUAL = {
    "active_power_kw": 4.0,
    "mains_v": 226.0,
    "bus_v": 53.5,
    "rectifier_a": 60.0,
    "dc_load_a": 55.0,
    "battery_a": 5.0,
    "soc": 0.7,
    "battery_c": 25.0,
    "pv_kw": 1.0,
}
numbers = st.one_of(
    st.floats(),  # any of them
    st.floats(-100.0, 400.0),
    st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e308, 5e-324, 32767.0, -3276.8]),
)
qualities = st.sampled_from(Quality)
points = st.builds(
    lambda value, quality: Point(value if quality is Quality.GOOD else None, quality),
    numbers,
    st.one_of(st.just(Quality.GOOD), qualities),
)
readings = st.dictionaries(st.sampled_from(sorted(IMAGE_POINTS)), points).map(
    lambda changed: Reading(
        "all", NOW, {name: Point(value, Quality.GOOD) for name, value in USUAL.items()} | changed
    )
)


@pytest.mark.parametrize("soc", [math.nan, math.inf, -math.inf, 1e308, -1.0, 5.0])
def test_no_state_of_charge_that_cannot_be_allows_to_discharge(soc: float) -> None:
    site = SITES["hangzhou-macro"]
    builder = ImageBuilder(rectifier_curve(site), MAX_AGE, plausible_ranges(site))
    given = {name: Point(value, Quality.GOOD) for name, value in (USUAL | {"soc": soc}).items()}
    image = builder.next(builder.first(NOW), [Reading("all", NOW, given)], NOW)
    intent = Intent(-3.0, "plan", FOLLOW_PLAN())
    decision, _ = cycle(image, intent, limits(), site, rectifier_curve(site), ControlState())
    assert isinstance(decision, Release)


@settings(max_examples=examples(200))
@given(
    st.lists(readings, min_size=1, max_size=3),
    wishes,
    all_limits,
    st.sampled_from(sorted(SITES)),
    st.sampled_from(get_args(BatteryCommand)),
)
def test_every_setpoint_is_a_number_within_the_ratings(
    read: list[Reading], intent: Intent, some_limits: Limits, name: str, command: BatteryCommand
) -> None:
    site = SITES[name]
    curve, battery = rectifier_curve(site), site.battery
    builder = ImageBuilder(curve, MAX_AGE, plausible_ranges(site))
    image, state, held = builder.first(NOW), ControlState(), {}
    for number, reading in enumerate(read):
        now = NOW + number * timedelta(seconds=1)
        image = builder.next(image, [reading], now)
        decision, state = cycle(
            image, intent, some_limits, site, curve, state, on_bus=command == "rectifier_current"
        )
        if not isinstance(decision, Drive):
            held = {}
            continue
        assert -battery.max_discharge_kw <= decision.battery_kw <= battery.max_charge_kw
        held = setpoints(decision, site, command, held, 1.0)
        assert held
        for point, value in held.items():
            assert math.isfinite(value), (point, value)
            if point == "battery_setpoint_kw":
                assert -battery.max_discharge_kw <= value <= battery.max_charge_kw
            if point.endswith("limit_a"):
                assert 0.0 <= value <= 1.0 + site.rectifier.rated_kw * 1000.0 / 48.0
            if point == "float_v":
                assert 40.0 <= value <= site.rectifier.float_v
