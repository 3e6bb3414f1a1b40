"""Registers that decide how another one is read: a state that has the direction, a scale factor, a
register that shows whether a 0 is a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.catalogue import load_map
from drivers.modbus.companions import ScaleFactor, SignBy
from drivers.modbus.decoding import point_in
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.point_map import PointMap
from drivers.points import Quality
from drivers.simulated.companion_words import companion_words, point_words

GOOD, MISSING, UNREACHABLE = Quality.GOOD, Quality.MISSING, Quality.UNREACHABLE
AMPS = -1234 & 0xFFFF


def point(map_name: str, name: str) -> PointMap:
    device_map = load_map(map_name)
    assert isinstance(device_map, DeviceMap)
    return device_map.points[name]


@pytest.mark.parametrize(
    ("words", "amps", "quality"),
    [
        ({2: 1234, 10: 0}, 12.34, GOOD),
        ({2: 1234, 10: 1}, -12.34, GOOD),
        ({2: AMPS, 10: 0}, 12.34, GOOD),  # firmware whose current has a sign of its own
        ({2: AMPS, 10: 1}, -12.34, GOOD),
        ({2: 0, 10: 1}, 0.0, GOOD),
        ({2: 50, 10: 2}, 0.0, GOOD),  # full
        ({2: 50, 10: 3}, 0.0, GOOD),  # idle
        ({2: 3000, 10: 3}, None, MISSING),  # 30 A while idle: one of them is wrong
        ({2: 1234, 10: 9}, None, MISSING),  # a state that is not documented
        ({2: 0x7FFF, 10: 0}, None, MISSING),
        ({2: 1234}, None, UNREACHABLE),
    ],
)
def test_the_current_of_an_esm_has_the_direction_of_its_state(
    words: Mapping[int, int], amps: float | None, quality: Quality
) -> None:
    read = point_in(words, point("huawei-esm48100", "battery_a"))
    assert (read.value, read.quality) == (pytest.approx(amps) if amps else amps, quality)


@pytest.mark.parametrize(
    ("name", "words", "known"),
    [
        ("mains_v", {3: 2301, 29: 0}, True),
        ("mains_v", {3: 0, 29: 240}, True),  # the mains have failed
        ("mains_v", {3: 0, 29: 0}, False),  # no input is named: the Multi is off
        ("mains_v", {3: 0, 29: 1}, False),
        ("frequency_hz", {9: 0, 29: 240}, True),
        ("frequency_hz", {9: 0, 29: 0}, False),
        ("active_power_kw", {12: 0, 13: 0, 14: 0, 3: 2301, 29: 0}, True),
        ("active_power_kw", {12: 0, 13: 0, 14: 0, 3: 0, 29: 240}, True),
        ("active_power_kw", {12: 0, 13: 0, 14: 0, 3: 0, 29: 0}, False),
    ],
)
def test_a_zero_of_a_multi(name: str, words: Mapping[int, int], known: bool) -> None:
    read = point_in(words, point("victron-multi", name))
    assert read.quality is (GOOD if known else MISSING)


@pytest.mark.parametrize(
    ("name", "words", "known"),
    [
        ("battery_a", {841: 0, 840: 528}, True),  # at rest
        ("battery_a", {841: 0, 840: 0}, False),
        ("battery_a", {841: 55, 840: 0}, True),
        ("pv_kw", {850: 0, 840: 528}, True),  # at night
        ("pv_kw", {850: 0, 840: 0}, False),
        ("rectifier_kw", {866: 0, 826: 1}, True),
        ("rectifier_kw", {866: 0, 826: 240}, True),  # not connected, and idle
        ("rectifier_kw", {866: 0, 826: 0}, False),
    ],
)
def test_a_zero_of_a_gx(name: str, words: Mapping[int, int], known: bool) -> None:
    read = point_in(words, point("victron-gx", name))
    assert read.quality is (GOOD if known else MISSING)


def scaled(**more: object) -> PointMap:
    return PointMap.model_validate(
        {
            "space": "holding", "address": 4, "type": "i16", "scale": 0.01, "nan": 0x8000,
            "scale_factor": {"address": 9, "usual": -2}, "min": -500, "max": 500,
        } | more
    )  # fmt: skip


@pytest.mark.parametrize(
    ("factor", "raw", "value"),
    [
        (-2, 1234, 12.34),
        (-1, 123, 12.3),
        (0, 12, 12.0),
        (1, 30, 300.0),
        (2, 30, None),  # 3000 is not plausible
        (0x8000, 1234, None),  # the factor is not implemented
        (11, 1, None),
        (-2, 0x8000, None),
    ],
)
def test_a_scale_factor_that_moves(factor: int, raw: int, value: float | None) -> None:
    read = point_in({4: raw, 9: factor & 0xFFFF}, scaled())
    assert read.value == (None if value is None else pytest.approx(value))


def test_a_register_that_must_hold_a_word_loses_only_its_own_point() -> None:
    share = scaled(fixed={20: 4000})
    words = {4: 100, 9: 0xFFFE, 20: 4000}
    assert point_in(words, share).value == pytest.approx(1.0)
    assert point_in(words | {20: 8000}, share).quality is Quality.IMPLAUSIBLE
    assert point_in(words | {20: 8000}, scaled()).value == pytest.approx(1.0)


@given(st.integers(-30_000, 30_000), st.integers(-6, 3))
def test_a_value_is_the_same_by_any_scale_factor_that_holds_it(raw: int, factor: int) -> None:
    one = scaled(min=-1e9, max=1e9)
    read = point_in({4: raw & 0xFFFF, 9: factor & 0xFFFF}, one)
    assert read.value == pytest.approx(raw * 10.0**factor, abs=1e-9)


@given(st.sampled_from([1, -1]), st.floats(0, 150), st.integers(0, 3))
def test_a_sign_is_that_of_the_state_whatever_the_register_has(
    own: int, size: float, state: int
) -> None:
    signs = SignBy(address=1, signs={0: 1, 1: -1, 2: 0, 3: 0})
    applied = signs.applied(own * size, state, 200.0)
    assert applied == {0: size, 1: -size}.get(state, 0.0 if size <= 2.0 else None)
    assert ScaleFactor(address=1, usual=-1).shift(0xFFFE) == -1


@pytest.mark.parametrize("name", ["huawei-esm48100", "victron-multi", "victron-gx"])
@pytest.mark.parametrize("share", [0.0, 0.4, -0.3, None])
def test_what_a_simulated_unit_holds_reads_back(name: str, share: float | None) -> None:
    device_map = load_map(name)
    assert isinstance(device_map, DeviceMap)
    points = {n: p for n, p in device_map.points.items() if p.companions}
    for one, spec in points.items():
        value = None if share is None else round(share * spec.max, 1)
        if value is not None and value < spec.min:
            continue
        words = companion_words(device_map, spec.space, dict.fromkeys(points, value))
        words |= dict.fromkeys(spec.companions - words.keys(), 0 if value is None else 500)
        for first, _ in spec.register_ranges:
            part = value if first == spec.address else 0.0
            words |= dict(enumerate(point_words(spec, part), first))
        read = point_in(words, spec)
        assert read.value == (None if value is None else pytest.approx(value)), one
