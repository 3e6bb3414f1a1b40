"""The battery commands in amperes, kilowatts and volts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE, FORCED_OFF
from siteems.control.battery_commands import (
    BusState,
    CommandLimits,
    VoltageLimits,
    forced_power,
    grid_setpoint,
    power_limits,
    power_setpoint,
    rectifier_current,
    rectifier_voltage,
)

BUS = BusState(bus_v=50.0, dc_load_kw=3.0, pv_kw=1.0)
LIMITS = CommandLimits(
    rectifier_max_a=200.0, charge_max_a=60.0, charge_max_kw=4.0, discharge_max_kw=5.0
)
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
def test_rectifier_current(row: tuple[str, float, float, float, float]) -> None:
    _, battery_kw, cap_kw, rectifier_a, charge_a = row
    expected = {"rectifier_limit_a": rectifier_a, "charge_limit_a": charge_a}
    assert rectifier_current(battery_kw, cap_kw, BUS, LIMITS) == pytest.approx(expected)


def test_whole_steps_are_not_lost_to_binary_fractions() -> None:
    assert rectifier_current(0.144, INF, BusState(48.0, 3.0, 0.0), LIMITS)["charge_limit_a"] == 3.0


def test_limits_in_kilowatts() -> None:
    tight = CommandLimits(
        rectifier_max_a=200.0, charge_max_a=500.0, charge_max_kw=2.0, discharge_max_kw=0.5
    )
    assert rectifier_current(9.0, INF, BUS, tight)["charge_limit_a"] == pytest.approx(40.0)
    assert rectifier_current(-9.0, INF, BUS, tight)["rectifier_limit_a"] == pytest.approx(30.0)


@pytest.mark.parametrize(("asked", "given_kw"), [(1.0, 1.0), (9.0, 4.0), (-9.0, -5.0), (0.0, 0.0)])
def test_power_setpoint(asked: float, given_kw: float) -> None:
    assert power_setpoint(asked, LIMITS) == {"battery_setpoint_kw": given_kw}


@pytest.mark.parametrize("bad", [math.nan, INF, -INF])
def test_an_unknown_input_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        rectifier_current(bad, INF, BUS, LIMITS)
    with pytest.raises(ValueError, match="finite"):
        rectifier_current(0.0, INF, BusState(50.0, bad, 0.0), LIMITS)
    with pytest.raises(ValueError, match="finite"):
        power_setpoint(bad, LIMITS)
    if bad != INF:
        with pytest.raises(ValueError, match="rectifier_cap_kw"):
            rectifier_current(0.0, bad, BUS, LIMITS)


def test_dead_bus() -> None:
    with pytest.raises(ValueError, match="bus_v must be above 0"):
        rectifier_current(0.0, INF, BusState(0.0, 1.0, 0.0), LIMITS)


@given(
    st.floats(-20, 20),
    st.one_of(st.just(INF), st.floats(-5, 30)),
    st.builds(BusState, st.floats(40, 60), st.floats(0, 15), st.floats(0, 15)),
)
def test_always_within_limits_and_cap(battery_kw: float, cap_kw: float, bus: BusState) -> None:
    limits = rectifier_current(battery_kw, cap_kw, bus, LIMITS)
    assert 0.0 <= limits["charge_limit_a"] <= LIMITS.charge_max_a
    assert 0.0 <= limits["rectifier_limit_a"] <= LIMITS.rectifier_max_a
    assert limits["rectifier_limit_a"] * bus.bus_v / 1000.0 <= max(0.0, cap_kw) + 1e-5
    if battery_kw <= 0:
        assert limits["charge_limit_a"] == 0.0


@pytest.mark.parametrize(
    ("asked", "kw", "mode"),
    [
        (1.0, 1.0, FORCED_CHARGE),
        (9.0, 4.0, FORCED_CHARGE),
        (-9.0, 5.0, FORCED_DISCHARGE),
        (0.0, 0.0, FORCED_DISCHARGE),
    ],
)
def test_forced_power(asked: float, kw: float, mode: float) -> None:
    assert forced_power(asked, LIMITS) == {"forced_kw": kw, "forced_mode": mode}
    assert mode != FORCED_OFF, "a battery that is to rest is still under command"


@pytest.mark.parametrize(
    ("asked", "charge_kw", "discharge_kw"),
    [(1.0, 1.0, 0.0), (9.0, 4.0, 0.0), (-1.0, 0.0, 1.0), (-9.0, 0.0, 5.0), (0.0, 0.0, 0.0)],
)
def test_power_limits(asked: float, charge_kw: float, discharge_kw: float) -> None:
    assert power_limits(asked, LIMITS) == {
        "charge_limit_kw": charge_kw,
        "discharge_limit_kw": discharge_kw,
    }


@pytest.mark.parametrize(
    ("asked", "measured", "grid", "setpoint"),
    [
        (0.0, 0.0, 3.0, 3.0),
        (2.0, 0.0, 3.0, 5.0),
        (-2.0, 0.0, 3.0, 1.0),
        (-2.0, -2.0, 1.0, 1.0),  # it is at its setpoint already
        (-5.0, 0.0, 3.0, 0.0),  # nothing is exported
        (4.0, 0.0, 7.0, 8.0),  # as much as the connection carries
        (9.0, 0.0, 1.0, 5.0),  # as much as the battery takes
    ],
)
def test_grid_setpoint(asked: float, measured: float, grid: float, setpoint: float) -> None:
    assert grid_setpoint(asked, measured, grid, 8.0, LIMITS)["grid_setpoint_kw"] == pytest.approx(
        setpoint
    )


kw = st.floats(-50, 50)


@given(kw)
def test_converters_never_get_more_than_their_limits(battery_kw: float) -> None:
    forced, pair = forced_power(battery_kw, LIMITS), power_limits(battery_kw, LIMITS)
    most = {FORCED_CHARGE: LIMITS.charge_max_kw, FORCED_DISCHARGE: LIMITS.discharge_max_kw}
    assert 0.0 <= forced["forced_kw"] <= most[forced["forced_mode"]]
    assert 0.0 <= pair["charge_limit_kw"] <= LIMITS.charge_max_kw
    assert 0.0 <= pair["discharge_limit_kw"] <= LIMITS.discharge_max_kw
    assert 0.0 in pair.values(), "one direction is always at zero"


@given(kw, kw, st.floats(-5, 20), st.floats(0, 12))
def test_the_grid_setpoint_stays_within_its_limit(
    asked: float, measured: float, grid: float, most: float
) -> None:
    assert 0.0 <= grid_setpoint(asked, measured, grid, most, LIMITS)["grid_setpoint_kw"] <= most


VOLTS = VoltageLimits(low_v=47.0, float_v=53.5, volts_per_kw=0.05, step_v=0.05)


@given(st.floats(20, 80), kw, kw)
def test_the_voltage_stays_within_its_limits_and_moves_the_right_way(
    v: float, asked: float, measured: float
) -> None:
    """From any voltage, also from outside the limits."""
    after = rectifier_voltage(v, asked, measured, VOLTS)["float_v"]
    assert VOLTS.low_v <= after <= VOLTS.float_v
    within = min(max(v, VOLTS.low_v), VOLTS.float_v)
    assert abs(after - within) <= VOLTS.step_v + 0.005
    if asked > measured:
        assert after >= within - 0.005
    if asked < measured:
        assert after <= within + 0.005


@given(st.floats(0.02, 1.0), st.floats(48.0, 52.0), st.floats(-4, 4))
def test_the_voltage_settles_at_the_commanded_power(
    ohms_per_v: float, rest_v: float, asked: float
) -> None:
    """For any rest voltage and resistance, the battery is brought to the commanded power, or to the
    nearest one that the voltage limits allow.
    """
    volts_per_kw = max(ohms_per_v, VOLTS.volts_per_kw)
    volts, power = VOLTS.float_v, 0.0
    for _ in range(3000):
        power = (volts - rest_v) / volts_per_kw
        volts = rectifier_voltage(volts, asked, power, VOLTS)["float_v"]
    reachable = max(
        (VOLTS.low_v - rest_v) / volts_per_kw, min(asked, (VOLTS.float_v - rest_v) / volts_per_kw)
    )
    assert power == pytest.approx(reachable, abs=0.12)


def test_a_change_below_the_resolution_of_the_rectifiers_is_not_made() -> None:
    assert rectifier_voltage(50.0, 1.0, 0.95, VOLTS) == {"float_v": 50.0}


@pytest.mark.parametrize("bad", [math.nan, INF, -INF])
def test_an_unknown_input_of_a_converter_is_refused(bad: float) -> None:
    for make in (
        lambda: forced_power(bad, LIMITS),
        lambda: power_limits(bad, LIMITS),
        lambda: grid_setpoint(0.0, bad, 1.0, 5.0, LIMITS),
        lambda: rectifier_voltage(bad, 0.0, 0.0, VOLTS),
    ):
        with pytest.raises(ValueError, match="finite"):
            make()


def test_voltage_limits_the_wrong_way_round() -> None:
    with pytest.raises(ValueError, match="low_v <= float_v"):
        rectifier_voltage(50.0, 0.0, 0.0, VoltageLimits(54.0, 53.0, 0.05, 0.05))
