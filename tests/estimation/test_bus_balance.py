"""The balance of the DC bus: what is estimated from it, and which power is found to be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from control_cases import image
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.points import Point, Quality, Reading
from optimisation.problem.site_problem import RectifierCurve
from siteems.estimation.bus_balance import (
    LASTED,
    SIGN_IN_BALANCE,
    BusGuard,
    Imbalance,
    estimate,
    tolerance_kw,
)
from siteems.estimation.image_builder import ImageBuilder

START = datetime(2026, 7, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CURVE = RectifierCurve(0.1, (5.0, 7.0), (1.04, 1.07))
RANGES = {"dc_load_kw": (-0.1, 20.0), "pv_kw": (-0.1, 8.0)}

kw = st.floats(0.0, 10.0)


@settings(max_examples=examples(300))
@given(rectifier_kw=kw, pv_kw=kw, battery_kw=st.floats(-5.0, 5.0))
def test_a_missing_power_is_what_the_others_leave(
    rectifier_kw: float, pv_kw: float, battery_kw: float
) -> None:
    load_kw = rectifier_kw + pv_kw - battery_kw
    powers = {
        "rectifier_dc_kw": rectifier_kw,
        "pv_kw": pv_kw,
        "dc_load_kw": load_kw,
        "battery_kw": battery_kw,
    }
    for missing in ("dc_load_kw", "pv_kw"):
        others = {name: value for name, value in powers.items() if name != missing}
        found = estimate(others, missing, has_pv=True)
        if powers[missing] >= 0.0:
            assert found is not None
            assert found.kw == pytest.approx(powers[missing], abs=1e-9)
        for another in others:
            two_less = {name: value for name, value in others.items() if name != another}
            assert estimate(two_less, missing, has_pv=True) is None


def test_a_negative_power_beyond_the_error_is_no_estimate() -> None:
    powers = {"rectifier_dc_kw": 1.0, "pv_kw": 0.0, "battery_kw": 1.2}
    found = estimate(powers, "dc_load_kw", has_pv=True)
    assert found is not None
    assert (found.kw, found.error_kw) == (0.0, pytest.approx(0.37))
    assert estimate(powers | {"battery_kw": 1.4}, "dc_load_kw", has_pv=True) is None


class Guarded:
    """The guard on a clock of one second."""

    def __init__(self, *, has_pv: bool = True) -> None:
        self.guard, self.now = BusGuard(has_pv=has_pv), START

    def run(self, seconds: int, **powers: float | None) -> Imbalance | None:
        for second in range(seconds):
            # Live sensors differ in their last digit.
            noisy = {
                name: value
                if value in (None, 0.0) or name == "stuck"
                else value + 1e-3 * (second % 3)
                for name, value in powers.items()
            }
            stuck = noisy.pop("stuck", None)
            if stuck is not None:
                noisy["battery_kw"] = stuck
            self.now += SECOND
            self.guard.update(image(self.now, **noisy))
        return self.guard.imbalance


SOUND = {"rectifier_dc_kw": 4.0, "pv_kw": 1.0, "dc_load_kw": 3.0, "battery_kw": 2.0}
DELAY_S = LASTED // SECOND


@pytest.mark.parametrize(
    ("changed", "suspect", "why"),
    [
        pytest.param({"battery_kw": -2.0}, "battery_kw", "reversed", id="sign of the battery"),
        pytest.param({"dc_load_kw": 0.0}, "dc_load_kw", "zero", id="shunt of the load is lost"),
        pytest.param({"pv_kw": 0.0}, "pv_kw", "zero", id="PV reads nothing"),
        pytest.param(
            {"rectifier_dc_kw": 0.0, "battery_kw": 1.0},
            "rectifier_dc_kw",
            "zero",
            id="rectifiers at 0",
        ),
        pytest.param({"dc_load_kw": 5.0}, "", "unknown", id="something is wrong"),
    ],
)
def test_which_power_is_wrong(changed: dict[str, float], suspect: str, why: str) -> None:
    guarded = Guarded()
    assert guarded.run(600, **SOUND) is None
    assert guarded.run(DELAY_S, **SOUND | changed) is None, "it has to last"
    found = guarded.run(2, **SOUND | changed)
    assert found is not None
    assert (found.suspect, found.why) == (suspect, why)
    assert guarded.run(DELAY_S, **SOUND) == found
    assert guarded.run(2, **SOUND) is None


def test_a_power_that_is_stuck_while_the_others_move() -> None:
    guarded = Guarded()
    assert guarded.run(600, **SOUND, stuck=2.0) is None, "a steady one may read the same"
    moved = SOUND | {"rectifier_dc_kw": 1.0}
    found = guarded.run(DELAY_S + 2, **moved, stuck=2.0)
    assert found is not None
    assert (found.suspect, found.why) == ("battery_kw", "stuck")
    assert found.excess_kw == pytest.approx(-3.0, abs=0.01)


def test_what_is_not_measured_says_nothing() -> None:
    guarded = Guarded()
    wrong = SOUND | {"dc_load_kw": 0.0}
    for _ in range(5):
        assert guarded.run(DELAY_S - 1, **wrong) is None
        assert guarded.run(1, **wrong | {"battery_kw": None}) is None, "the delay starts again"
    for second in range(300):
        seen = image(guarded.now + second * SECOND, **wrong)
        guarded.guard.update(replace(seen, estimated={"dc_load_kw": 0.5}))
    assert guarded.guard.imbalance is None


def test_a_site_without_pv_needs_none() -> None:
    guarded = Guarded(has_pv=False)
    assert guarded.run(300, rectifier_dc_kw=5.0, dc_load_kw=3.0, battery_kw=2.0, pv_kw=None) is None
    found = guarded.run(300, rectifier_dc_kw=5.0, dc_load_kw=0.0, battery_kw=2.0, pv_kw=None)
    assert found is not None
    assert found.suspect == "dc_load_kw"


@settings(max_examples=examples(100))
@given(
    steps=st.lists(
        st.tuples(
            kw, kw, st.floats(-5.0, 5.0), st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_sound_sensors_raise_nothing(
    steps: list[tuple[float, float, float, list[float]]],
) -> None:
    """Each with an error of up to 2.5 % and 60 W."""
    guarded = Guarded()
    for rectifier_kw, pv_kw, battery_kw, errors in steps:
        load_kw = rectifier_kw + pv_kw - battery_kw
        if load_kw < 0.0:
            continue
        true = dict(zip(SIGN_IN_BALANCE, (rectifier_kw, pv_kw, load_kw, battery_kw), strict=True))
        read = {
            name: value + error * (0.06 + 0.025 * abs(value))
            for (name, value), error in zip(true.items(), errors, strict=True)
        }
        assert abs(sum(SIGN_IN_BALANCE[n] * v for n, v in read.items())) <= tolerance_kw(
            read, list(read)
        )
        assert guarded.run(200, **read) is None


def reading(**values: float | None) -> Reading:
    points = {
        name: Point(None, Quality.MISSING) if value is None else Point(value, Quality.GOOD)
        for name, value in values.items()
    }
    return Reading("smu", START, points)


ALL = {"rectifier_kw": 4.0, "pv_kw": 1.0, "dc_load_kw": 3.0, "battery_kw": 2.0}


@pytest.mark.parametrize("missing", ["dc_load_kw", "pv_kw"])
def test_an_image_has_the_estimate_with_its_error(missing: str) -> None:
    builder = ImageBuilder(CURVE, timedelta(seconds=5), RANGES)
    before = builder.next(builder.first(START), [reading(**ALL)], START)
    assert before.estimated == {}
    after = builder.next(before, [reading(**ALL | {missing: None, "rectifier_kw": 4.5})], START)
    shift = 0.5 if missing == "dc_load_kw" else -0.5
    assert after.value(missing) == pytest.approx(ALL[missing] + shift)
    assert after.estimated == {missing: pytest.approx(0.25 + 0.1 * 4.5)}
    assert after.measured[missing].quality is Quality.MISSING
    assert builder.next(after, [reading(**ALL)], START).estimated == {}


def test_without_two_of_them_the_last_value_holds_until_it_is_too_old() -> None:
    builder = ImageBuilder(CURVE, timedelta(seconds=5), RANGES)
    before = builder.next(builder.first(START), [reading(**ALL)], START)
    half = ALL | {"dc_load_kw": None, "battery_kw": None}
    after = builder.next(before, [reading(**half)], START + 3 * SECOND)
    assert (after.value("dc_load_kw"), after.estimated) == (3.0, {})
    assert builder.next(after, [reading(**half)], START + 6 * SECOND).value("dc_load_kw") is None


def test_an_estimate_beyond_the_ratings_is_none() -> None:
    builder = ImageBuilder(CURVE, timedelta(seconds=5), RANGES | {"dc_load_kw": (-0.1, 2.0)})
    image_ = builder.next(builder.first(START), [reading(**ALL | {"dc_load_kw": None})], START)
    assert image_.value("dc_load_kw") is None
