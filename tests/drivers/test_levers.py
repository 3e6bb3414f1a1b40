"""The neutral battery command in amperes and kilowatts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.levers import BusState, LeverLimits, power_setpoint, rectifier_levers

BUS = BusState(bus_v=50.0, dc_load_kw=3.0, pv_kw=1.0)
LIMITS = LeverLimits(rectifier_max_a=200.0, charge_max_a=60.0, charge_max_kw=4.0, discharge_max_kw=5.0)
INF = math.inf

TABLE = [
    # case, battery_kw, cap_kw, rectifier_a, charge_a
    ("rest", 0.0, INF, 200.0, 0.0),
    ("rest under a cap", 0.0, 1.5, 30.0, 0.0),
    ("cap above the shelf", 0.0, 50.0, 200.0, 0.0),
    ("discharge", -1.0, INF, 20.0, 0.0),
    ("discharge all of the load", -2.0, INF, 0.0, 0.0),
    ("discharge more than the load", -4.0, INF, 0.0, 0.0),
    ("discharge, cap lower still", -0.5, 1.0, 20.0, 0.0),
    ("charge", 1.0, INF, 200.0, 20.0),
    ("charge under a cap", 1.0, 3.0, 60.0, 20.0),
    ("charge beyond the ampere limit", 3.5, INF, 200.0, 60.0),
    ("no grid at all", 0.0, 0.0, 0.0, 0.0),
    ("a cap below nothing", 0.0, -1.0, 0.0, 0.0),
    ("rounded down", 0.333, 1.2345, 24.6, 6.6),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_rectifier_levers(row: tuple[str, float, float, float, float]) -> None:
    _, battery_kw, cap_kw, rectifier_a, charge_a = row
    expected = {"rectifier_limit_a": rectifier_a, "charge_limit_a": charge_a}
    assert rectifier_levers(battery_kw, cap_kw, BUS, LIMITS) == pytest.approx(expected)


def test_whole_steps_are_not_lost_to_binary_fractions() -> None:
    assert rectifier_levers(0.144, INF, BusState(48.0, 3.0, 0.0), LIMITS)["charge_limit_a"] == 3.0


def test_limits_in_kilowatts() -> None:
    tight = LeverLimits(rectifier_max_a=200.0, charge_max_a=500.0, charge_max_kw=2.0, discharge_max_kw=0.5)
    assert rectifier_levers(9.0, INF, BUS, tight)["charge_limit_a"] == pytest.approx(40.0)
    assert rectifier_levers(-9.0, INF, BUS, tight)["rectifier_limit_a"] == pytest.approx(30.0)


@pytest.mark.parametrize(("asked", "given_kw"), [(1.0, 1.0), (9.0, 4.0), (-9.0, -5.0), (0.0, 0.0)])
def test_power_setpoint(asked: float, given_kw: float) -> None:
    assert power_setpoint(asked, LIMITS) == {"battery_setpoint_kw": given_kw}


@pytest.mark.parametrize("bad", [math.nan, INF, -INF])
def test_unknown_is_never_a_lever(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        rectifier_levers(bad, INF, BUS, LIMITS)
    with pytest.raises(ValueError, match="finite"):
        rectifier_levers(0.0, INF, BusState(50.0, bad, 0.0), LIMITS)
    with pytest.raises(ValueError, match="finite"):
        power_setpoint(bad, LIMITS)
    if bad != INF:
        with pytest.raises(ValueError, match="rectifier_cap_kw"):
            rectifier_levers(0.0, bad, BUS, LIMITS)


def test_dead_bus() -> None:
    with pytest.raises(ValueError, match="bus_v must be above 0"):
        rectifier_levers(0.0, INF, BusState(0.0, 1.0, 0.0), LIMITS)


@given(
    st.floats(-20, 20),
    st.one_of(st.just(INF), st.floats(-5, 30)),
    st.builds(BusState, st.floats(40, 60), st.floats(0, 15), st.floats(0, 15)),
)
def test_always_within_limits_and_cap(battery_kw: float, cap_kw: float, bus: BusState) -> None:
    levers = rectifier_levers(battery_kw, cap_kw, bus, LIMITS)
    assert 0.0 <= levers["charge_limit_a"] <= LIMITS.charge_max_a
    assert 0.0 <= levers["rectifier_limit_a"] <= LIMITS.rectifier_max_a
    assert levers["rectifier_limit_a"] * bus.bus_v / 1000.0 <= max(0.0, cap_kw) + 1e-5
    if battery_kw <= 0:
        assert levers["charge_limit_a"] == 0.0
