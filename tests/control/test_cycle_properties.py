"""Properties for any image, wish and limit: the nesting of the bounds, and the guarantees of the
control cycle.
"""

from __future__ import annotations

import math
from datetime import timedelta

from control_cases import NOW, image
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from siteems.config.seeds import seed_path
from siteems.control.bounds import Bound, nest
from siteems.control.cycle import ControlState, Limits, cycle
from siteems.control.decision import Drive, Release
from siteems.control.intent import Intent
from siteems.control.reasons import FOLLOW_PLAN, REASONS
from siteems.demand_response.timeline import BatteryRequest
from siteems.estimation.process_image import Image
from siteems.messages.message import Message
from siteems.operations.english import ENGLISH
from siteems.site.assets import rectifier_curve
from siteems.site.read_file import load_site

SITES = {name: load_site(seed_path(name)) for name in ("hangzhou-macro", "rural-lfp")}
powers = st.floats(-40, 40)
pairs = st.tuples(powers, powers).map(sorted)
bounds = st.one_of(
    pairs.map(lambda e: Bound("safety", e[0], e[1], Message("a bound"))),
    powers.map(lambda kw: Bound("safety", -math.inf, kw, Message("a ceiling"))),
    powers.map(lambda kw: Bound("safety", kw, math.inf, Message("a floor"))),
)
nested = st.lists(bounds, min_size=1, max_size=5).map(tuple)


@given(powers, nested)
def test_result_is_within_the_first_bound(wanted_kw: float, each: tuple[Bound, ...]) -> None:
    assert each[0].low_kw <= nest(each).nearest(wanted_kw)[0] <= each[0].high_kw


@given(nested, bounds)
def test_a_lower_bound_never_widens(higher: tuple[Bound, ...], lower: Bound) -> None:
    outer, inner = nest(higher), nest((*higher, lower))
    assert outer.low_kw <= inner.low_kw <= inner.high_kw <= outer.high_kw


@given(powers, nested)
def test_bounds_that_agree_may_come_in_any_order(wanted_kw: float, each: tuple[Bound, ...]) -> None:
    low, high = max(b.low_kw for b in each), min(b.high_kw for b in each)
    if low <= high:
        expected_kw = min(max(wanted_kw, low), high)
        assert nest(each).nearest(wanted_kw)[0] == expected_kw
        assert nest(each[::-1]).nearest(wanted_kw)[0] == expected_kw


@given(powers, powers, st.floats(0.1, 40), st.floats(0.1, 40))
def test_of_two_that_conflict_the_first_wins_and_the_second_comes_as_near_as_it_may(
    wanted_kw: float, middle: float, gap: float, width: float
) -> None:
    upper = Bound("safety", middle + gap, middle + gap + width, Message("up"))
    lower = Bound("dr-event", middle - gap - width, middle - gap, Message("down"))
    assert nest((upper, lower)).nearest(wanted_kw)[0] == upper.low_kw
    assert nest((lower, upper)).nearest(wanted_kw)[0] == lower.high_kw


@given(powers, nested)
def test_a_bound_is_named_when_it_changed_the_value_and_only_then(
    wanted_kw: float, each: tuple[Bound, ...]
) -> None:
    value_kw, limited_by = nest(each).nearest(wanted_kw)
    assert (limited_by is None) == (value_kw == wanted_kw)


def test_the_range_names_the_bound_that_set_each_end() -> None:
    safety = Bound("safety", -8.0, 8.0, Message("device limit"))
    reserve = Bound("backup-reserve", 0.0, math.inf, Message("reserve"))
    event = Bound("dr-event", -math.inf, -2.0, Message("cap"))
    left = nest((safety, reserve, event))
    assert (left.low_kw, left.high_kw) == (0.0, 0.0)
    assert (left.low_set_by, left.high_set_by) == (reserve, event)


def maybe(low: float, high: float) -> st.SearchStrategy[float | None]:
    return st.one_of(st.none(), st.floats(low, high))


images = st.builds(
    image,
    mains_v=st.one_of(st.none(), st.sampled_from([0.0, 149.9, 150.0, 225.0])),
    soc=maybe(0, 1),
    dc_load_kw=maybe(0, 25),
    ac_load_kw=maybe(0, 15),
    pv_kw=maybe(0, 25),
    rectifier_dc_kw=maybe(0, 12),
    battery_kw=maybe(-12, 12),
    battery_c=maybe(-30, 70),
)
all_limits = st.builds(
    Limits,
    st.floats(0, 1),
    st.floats(0, 25),
    st.one_of(st.just(math.inf), st.just(0.0), st.floats(0, 25)),
    st.one_of(st.just(math.inf), st.floats(0, 25)),
    st.just(()),
    st.one_of(
        st.none(),
        st.builds(
            BatteryRequest,
            st.just("e"),
            st.floats(-1.0, 100.0).map(lambda hours: NOW + timedelta(hours=hours)),
            battery_kw=st.floats(-40, 40),
            before_caps=st.booleans(),
        ),
        st.builds(
            BatteryRequest,
            st.just("e"),
            st.floats(-1.0, 100.0).map(lambda hours: NOW + timedelta(hours=hours)),
            soc=st.floats(0, 1),
            before_caps=st.booleans(),
        ),
    ),
)
wishes = st.floats(-50, 50).map(lambda kw: Intent(kw, "plan", FOLLOW_PLAN()))


@settings(max_examples=examples(400))
@given(images, wishes, all_limits, st.sampled_from(sorted(SITES)), st.booleans())
def test_guarantees_of_the_cycle(
    image: Image, intent: Intent, limits: Limits, name: str, held: bool
) -> None:
    site = SITES[name]
    curve, battery = rectifier_curve(site), site.battery
    decision, _ = cycle(image, intent, limits, site, curve, ControlState(held))
    soc, load_kw, pv_kw = image.value("soc"), image.value("dc_load_kw"), image.value("pv_kw") or 0.0
    assert decision.reason.code in {each.code for each in REASONS}
    assert Message.from_record(decision.reason.to_record()) == decision.reason
    assert not ENGLISH.text(decision.reason).startswith(decision.reason.code), "it has its text"
    bus_v = image.value("bus_v")
    fallen = bus_v is not None and bus_v < 46.0
    if not image.mains_ok or soc is None or load_kw is None or fallen:
        assert isinstance(decision, Release)
        return
    assert isinstance(decision, Drive)
    assert -battery.max_discharge_kw <= decision.battery_kw <= battery.max_charge_kw

    ac_load_kw = image.value("ac_load_kw")
    if ac_load_kw is None:
        usual = site.load.typical_ac_kw
        ac_load_kw = (
            site.air_conditioner.rated_kw + min(usual) if site.air_conditioner else max(usual)
        )

    def import_kw(rectifier_kw: float) -> float:
        return float(curve.ac_kw(rectifier_kw)) + ac_load_kw

    cap_kw = decision.rectifier_cap_kw
    assert 0.0 <= cap_kw <= site.rectifier.rated_kw
    assert cap_kw == 0.0 or import_kw(cap_kw) <= limits.grid_limit_kw
    grid_leaves_kw = (
        curve.dc_kw(limits.grid_limit_kw - site.control.import_margin_kw - ac_load_kw)
        + pv_kw
        - load_kw
    )

    # Only a connection that cannot carry the load may draw on the reserve, and no more than it
    # lacks.
    if soc <= limits.reserve_soc and decision.battery_kw < 0:
        assert decision.battery_kw >= grid_leaves_kw - 1e-9
    if soc <= battery.min_soc:
        assert decision.battery_kw >= 0.0
    temp_c = image.value("battery_c")
    if temp_c is not None and temp_c < battery.min_charge_temp_c:
        assert decision.battery_kw <= 0.0
    if temp_c is not None and temp_c > battery.max_temp_c:
        assert decision.battery_kw == 0.0

    if limits.dr_battery is not None and limits.dr_battery.before_caps:
        return
    # The DR cap holds, unless the battery has no more to give or must not give it.
    cap_held = cap_kw == 0.0 or import_kw(cap_kw) <= limits.dr_cap_kw
    reserved = soc <= max(limits.reserve_soc + site.control.reserve_recovery_soc, battery.min_soc)
    hot = temp_c is not None and temp_c > battery.max_temp_c
    assert cap_held or reserved or hot or decision.battery_kw == -battery.max_discharge_kw
