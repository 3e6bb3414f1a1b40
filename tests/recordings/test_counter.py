"""Energy from a counter that fails: blips, overflow, a new start, a stand-still."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.recordings.counter import Array, counter_energy

MINUTE_H = 1.0 / 60.0
N = 24 * 60
HOURS = np.arange(N) * MINUTE_H
LOAD_KW = 3.0 + np.sin(HOURS)
TRUE_KWH = np.diff(np.concatenate(([0.0], np.cumsum(LOAD_KW[:-1] * MINUTE_H))))
LIMIT_KW = 12.0


def counter(begin_kwh: float = 98_765.4) -> Array:
    """A sound counter, to 10 Wh."""
    return np.round(begin_kwh + np.concatenate(([0.0], np.cumsum(TRUE_KWH))), 2)


def kinds(readings: Array, power_kw: Array | None = LOAD_KW) -> list[str]:
    return [each.kind for each in counter_energy(HOURS, readings, LIMIT_KW, power_kw).repairs]


def test_a_sound_counter_is_left_as_it_is() -> None:
    energy = counter_energy(HOURS, counter(), LIMIT_KW, LOAD_KW)
    assert energy.repairs == ()
    assert (energy.kwh == np.diff(counter())).all()


@pytest.mark.parametrize("begin_kwh", [0.0, 3.0, 98_765.4])
@pytest.mark.parametrize("wrong", [0.0, 4_294_967.295, 1_000_000.0, -1.0, 12.0])
@pytest.mark.parametrize("minutes", [1, 4, 300])
@pytest.mark.parametrize("measured", [True, False])
def test_a_blip_loses_no_energy(
    begin_kwh: float, wrong: float, minutes: int, measured: bool
) -> None:
    readings = counter(begin_kwh)
    blip = slice(960, 960 + minutes)
    readings[blip] = wrong
    energy = counter_energy(HOURS, readings, LIMIT_KW, LOAD_KW if measured else None)
    assert [(each.kind, each.first, each.last) for each in energy.repairs] == [
        ("blip", 959, 960 + minutes)
    ]
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum(), abs=0.02)
    within = 0.02 if measured else 0.5 * minutes * MINUTE_H + 0.02
    assert energy.kwh[:970].sum() == pytest.approx(TRUE_KWH[:970].sum(), abs=within)


def test_several_blips_in_succession() -> None:
    readings = counter()
    readings[[100, 102, 103, 105]] = 0.0, 1e6, 0.0, 5.0
    energy = counter_energy(HOURS, readings, LIMIT_KW, None)
    assert set(kinds(readings)) == {"blip"}
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum(), abs=0.02)


@pytest.mark.parametrize("size_kwh", [99_999.99 + 0.01, 1e6, 2.0**32 * 0.01, 2.0**31 * 0.001])
def test_an_overflow_goes_on(size_kwh: float) -> None:
    readings = counter(size_kwh - 20.0)
    readings = np.where(readings >= size_kwh, readings - size_kwh, readings)
    energy = counter_energy(HOURS, readings, LIMIT_KW, None)
    assert kinds(readings) == ["overflow"]
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum(), abs=0.02)


@pytest.mark.parametrize("jump_kwh", [-90_000.0, 5_000.0, 1e6, 250.0])
def test_a_counter_that_starts_anew_counts_on(jump_kwh: float) -> None:
    readings = counter()
    readings[700:] += jump_kwh
    energy = counter_energy(HOURS, readings, LIMIT_KW, LOAD_KW)
    assert kinds(readings) == ["restart"]
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum(), abs=0.02)
    unknown = counter_energy(HOURS, readings, LIMIT_KW, None)
    assert np.isnan(unknown.kwh).sum() == 1, "without power, the energy of that step is unknown"


@pytest.mark.parametrize("catches_up", [True, False])
def test_a_counter_that_stands_still(catches_up: bool) -> None:
    readings = counter()
    if catches_up:
        readings[300:420] = readings[300]
    else:
        readings[300:] = np.maximum(readings[300], readings[300:] - (readings[420] - readings[300]))
    energy = counter_energy(HOURS, readings, LIMIT_KW, LOAD_KW)
    assert kinds(readings) == ["still"]
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum(), abs=0.05)
    assert energy.kwh[:360].sum() == pytest.approx(TRUE_KWH[:360].sum(), abs=0.05)
    if catches_up:
        assert kinds(readings, None) == ["still"]


def test_a_counter_that_never_moves_is_replaced_by_measured_power() -> None:
    energy = counter_energy(HOURS, np.full(N, 5.0), LIMIT_KW, LOAD_KW)
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum())


@pytest.mark.parametrize("step_kwh", [0.1, 1.0, 6.0])
def test_a_counter_behind_transformers_moves_in_coarse_steps(step_kwh: float) -> None:
    readings = np.floor(counter() / step_kwh) * step_kwh
    assert kinds(readings) == []


def test_no_energy_in_an_outage_is_no_stand_still() -> None:
    power = LOAD_KW.copy()
    power[600:660] = 0.0
    readings = 50.0 + np.concatenate(([0.0], np.cumsum(power[:-1] * MINUTE_H)))
    assert kinds(readings, power) == []


@given(
    st.lists(st.tuples(st.integers(1, N - 40), st.integers(1, 30)), min_size=1, max_size=5),
    st.sampled_from([0.0, 1.0, 655_35.0, 1e7]),
)
def test_any_blips_leave_the_energy_of_the_day(spans: list[tuple[int, int]], wrong: float) -> None:
    readings = counter()
    for first, length in spans:
        readings[first : first + length] = wrong
    energy = counter_energy(HOURS, readings, LIMIT_KW, LOAD_KW)
    assert energy.kwh.sum() == pytest.approx(TRUE_KWH.sum(), abs=0.05)
    assert (energy.kwh >= -0.01).all()


DAYS, QUARTER_H = 10, 0.25
READ_H = np.arange(DAYS * 96) * QUARTER_H


def energy_today(kw: Array) -> Array:
    """A counter that begins at 0 at midnight, read every quarter hour."""
    total = np.concatenate(([0.0], np.cumsum(kw[:-1] * QUARTER_H)))
    midnight = np.maximum.accumulate(np.where(READ_H % 24.0 == 0.0, total, 0.0))
    return np.round(total - midnight, 3)


@pytest.mark.parametrize("kw", [0.4, 4.0, 9.99, 41.0])
def test_energy_of_today_is_no_overflow(kw: float) -> None:
    """Of 4 kW every midnight counted 5 kWh as an overflow of 100."""
    readings = energy_today(np.full(READ_H.size, kw))
    energy = counter_energy(READ_H, readings, 2.0 * kw)
    assert {each.kind for each in energy.repairs} == {"reset"}
    assert len(energy.repairs) == DAYS - 1
    assert energy.kwh.sum() == pytest.approx(959 * kw / 4.0, rel=1e-3)


def test_energy_of_today_over_a_change_of_clocks_and_a_hole() -> None:
    kw = 3.0 + np.sin(READ_H / 4.0)
    readings, hours = energy_today(kw), READ_H.copy()
    hours[READ_H >= 5 * 24.0] -= 1.0  # the counter follows the wall clock
    kept = np.ones(READ_H.size, dtype=np.bool_)
    kept[475:481] = False  # around the change
    kept[300:320] = False
    energy = counter_energy(hours[kept], readings[kept], 12.0)
    assert {each.kind for each in energy.repairs} == {"reset"}
    lost_kwh = 4 * 3.0 * QUARTER_H  # an hour that the clock left out
    assert energy.kwh.sum() == pytest.approx((kw[:-1] * QUARTER_H).sum() - lost_kwh, abs=2.0)


def test_two_days_of_the_same_are_needed_for_a_reset() -> None:
    readings = energy_today(np.full(READ_H.size, 4.0))
    energy = counter_energy(READ_H[:150], readings[:150], 12.0)
    assert [each.kind for each in energy.repairs] == ["restart"]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("more_kwh", [3.5, 9.0, 30.0])
def test_readings_that_are_too_high_are_left_out(count: int, more_kwh: float) -> None:
    """The connection could have carried it, so that only the fall afterwards shows it."""
    hours = np.arange(200.0)
    readings = 2.0 * hours
    readings[50 : 50 + count] += more_kwh
    energy = counter_energy(hours, readings, 40.0)
    assert [each.kind for each in energy.repairs] == ["blip"]
    assert energy.kwh.sum() == pytest.approx(398.0)


def test_a_counter_that_was_exchanged_is_no_reading_that_is_too_high() -> None:
    hours = np.arange(200.0)
    readings = 500.0 + 2.0 * hours
    readings[100:] = 2.0 * (hours[100:] - 100.0) + 7.0
    energy = counter_energy(hours, readings, 12.0)
    assert [each.kind for each in energy.repairs] == ["restart"]
