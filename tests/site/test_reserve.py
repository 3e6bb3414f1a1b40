"""The backup reserve: figures from the formula of the standard, and properties that hold for any
battery and load.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siteems.site.model import Backup, Battery, Chemistry, Load
from siteems.site.reserve import (
    discharge_factor,
    free_kwh,
    hours_left,
    promise_kwh,
    required_ah,
    reserve_kwh,
    reserve_soc,
    temperature_factor,
    worst_load_kw,
)

CHEMISTRIES: tuple[Chemistry, ...] = ("lead-carbon", "lfp")


def battery(**changes: Any) -> Battery:
    given: dict[str, Any] = {
        "chemistry": "lead-carbon",
        "rated_ah": 1000,
        "charge_efficiency": 0.922,
        "discharge_efficiency": 0.922,
        "max_charge_kw": 9.6,
        "max_discharge_kw": 12,
        "wear_per_kwh": 0.43,
    }
    return Battery(**(given | changes))


def backup(**changes: Any) -> Backup:
    given: dict[str, Any] = {"hours": 3, "coldest_c": 15, "soc_margin": 0.0}
    return Backup(**(given | changes))


@pytest.mark.parametrize(
    ("load_kw", "hours", "temp_c", "k", "ah"),
    [
        (4, 3, 15, 1.25, 453),
        (4, 3, 5, 1.25, 496),
        (4, 3, 25, 1 / 0.95, 351),
        (2, 3, 15, 1.25, 226),
        (3, 4, 5, 1.25, 471),
        (4, 8, 15, 1.25, 964),
        (6, 8, 5, 1.25, 1583),
        (6, 4, 25, 1 / 0.95, 666),
    ],
)
def test_golden_ampere_hours(
    load_kw: float, hours: float, temp_c: float, k: float, ah: float
) -> None:
    assert required_ah(load_kw, hours, temp_c, k) == pytest.approx(ah, abs=0.6)


def test_reserve_in_actual_energy_is_the_standard_with_measured_health() -> None:
    """K = 1/SoH cancels out against actual capacity; applied again, it would count twice."""
    aged = battery(state_of_health=0.8)
    rated_kwh = required_ah(4, 3, 15, 1 / 0.8) * 48 / 1000
    assert reserve_soc(aged, backup(), 4) == pytest.approx(rated_kwh / aged.rated_kwh)
    assert reserve_kwh(aged, backup(), 4) == pytest.approx(rated_kwh * 0.8)


def test_margin_is_a_share_of_the_actual_capacity() -> None:
    aged = battery(state_of_health=0.9)
    bare, with_margin = (
        reserve_kwh(aged, backup(), 3),
        reserve_kwh(aged, backup(soc_margin=0.05), 3),
    )
    assert with_margin - bare == pytest.approx(0.05 * 48 * 0.9)


def test_energy_below_min_soc_and_discharge_losses_do_not_count() -> None:
    lithium = battery(chemistry="lfp", min_soc=0.2, discharge_efficiency=0.96)
    assert promise_kwh(lithium, 4, 2, 25) == pytest.approx(0.2 * 48 + 8 / 0.96)


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_unknown_temperature_is_the_coldest(unknown: float | None) -> None:
    bank = battery(min_soc=0)
    assert reserve_kwh(bank, backup(), 4, unknown) == reserve_kwh(bank, backup(), 4, 15.0)
    assert reserve_kwh(bank, backup(), 4, unknown) > reserve_kwh(bank, backup(), 4, 25.0)


@pytest.mark.parametrize(
    ("hours", "share"), [(0.1, 0.40), (0.5, 0.40), (1, 0.45), (3, 0.75), (10, 1.0), (48, 1.0)]
)
def test_lead_discharge_table(hours: float, share: float) -> None:
    assert discharge_factor("lead-carbon", hours) == pytest.approx(share)


def test_discharge_factor_is_linear_in_the_logarithm() -> None:
    middle = math.sqrt(4 * 6)
    assert discharge_factor("lead-carbon", middle) == pytest.approx((0.79 + 0.88) / 2)
    assert discharge_factor("lfp", 3) == 0.95


@pytest.mark.parametrize(
    ("hours", "temp_c", "factor"),
    [(0.5, 15, 0.90), (3, 15, 0.92), (3, 5, 0.84), (3, -30, 0.84), (3, 40, 1.0), (10, 15, 0.94)],
)
def test_lead_temperature_factor(hours: float, temp_c: float, factor: float) -> None:
    assert temperature_factor(hours, temp_c, "lead-carbon") == pytest.approx(factor)


def test_lithium_keeps_losing_below_freezing() -> None:
    assert [temperature_factor(3, t, "lfp") for t in (-40, -20, 0, 25, 45)] == pytest.approx(
        [0.5, 0.5, 0.8, 1.0, 1.0]
    )


def test_shortfall_is_above_one_and_leaves_nothing_free() -> None:
    small = battery(rated_ah=300)
    assert reserve_soc(small, backup(), 4) > 1
    assert free_kwh(small, backup(), 4) == 0


def test_worst_load_is_the_highest_mean_of_consecutive_hours_also_over_midnight() -> None:
    dc = (4.0, 3.0, *[1.0] * 21, 5.0)
    load = Load(typical_dc_kw=dc, typical_ac_kw=(0.0,) * 24)
    assert worst_load_kw(load, backup(load_margin=0.10)) == pytest.approx(4.0 * 1.1)
    assert worst_load_kw(load, backup(hours=0.5, load_margin=0.0)) == pytest.approx(5.0)
    assert worst_load_kw(load, backup(hours=72, load_margin=0.0)) == pytest.approx(33 / 24)


def test_hours_left_without_load_or_charge() -> None:
    assert hours_left(battery(), 0.0, 0.5, 25) == math.inf
    assert hours_left(battery(), 4.0, 0.10, 25) == pytest.approx(0, abs=1e-9)
    assert hours_left(battery(), 4.0, 0.05, 25) == 0


banks = st.builds(
    battery,
    chemistry=st.sampled_from(CHEMISTRIES),
    rated_ah=st.floats(50, 3000),
    state_of_health=st.floats(0.5, 1.0),
    discharge_efficiency=st.floats(0.8, 1.0),
    min_soc=st.floats(0.0, 0.4),
)
loads = st.floats(0.2, 12.0)
durations = st.floats(0.5, 24.0)
temperatures = st.floats(-20.0, 45.0)


@given(banks, loads, durations, temperatures)
@example(
    battery(min_soc=0.0, discharge_efficiency=1.0), 4.0, 10.0, 5.0
)  # the formula's step at 10 h
def test_hours_left_inverts_the_promise(
    bank: Battery, load_kw: float, hours: float, temp_c: float
) -> None:
    soc = promise_kwh(bank, hours, load_kw, temp_c) / bank.capacity_kwh
    left = hours_left(bank, load_kw, soc * (1 + 1e-9), temp_c)
    assert left >= hours * (1 - 1e-6)
    assert promise_kwh(bank, left, load_kw, temp_c) <= soc * (1 + 1e-8) * bank.capacity_kwh


@given(banks, loads, st.floats(0.0, 1.0), st.floats(0.0, 1.0), temperatures)
def test_more_charge_never_lasts_shorter(
    bank: Battery, load_kw: float, a: float, b: float, temp_c: float
) -> None:
    low, high = sorted((a, b))
    assert hours_left(bank, load_kw, low, temp_c) <= hours_left(bank, load_kw, high, temp_c) + 1e-9


@given(banks, loads, loads, durations, temperatures)
def test_reserve_grows_with_load_and_cold(
    bank: Battery, a: float, b: float, hours: float, temp_c: float
) -> None:
    promise = backup(hours=hours, coldest_c=-20)
    low, high = sorted((a, b))
    assert reserve_kwh(bank, promise, low, temp_c) <= reserve_kwh(bank, promise, high, temp_c)
    assert reserve_kwh(bank, promise, low, temp_c) <= reserve_kwh(bank, promise, low) + 1e-9
    assert reserve_kwh(bank, promise, low, temp_c) >= low * hours


@given(banks, loads, durations, temperatures)
def test_free_and_reserve_fill_the_battery(
    bank: Battery, load_kw: float, hours: float, temp_c: float
) -> None:
    promise = backup(hours=hours)
    free, reserve = (
        free_kwh(bank, promise, load_kw, temp_c),
        reserve_kwh(bank, promise, load_kw, temp_c),
    )
    assert free >= 0
    assert free + min(reserve, bank.capacity_kwh) == pytest.approx(bank.capacity_kwh)
