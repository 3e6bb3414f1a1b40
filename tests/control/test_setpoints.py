"""One decision as the setpoints of each battery command, never beyond the limits of the site."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.roles import COMMAND_POINTS, BatteryCommand
from siteems.config.seeds import seed_path
from siteems.control.cycle import LOW_BUS_V
from siteems.control.decision import Drive
from siteems.control.reasons import FOLLOW_PLAN
from siteems.control.safe_state import most_import_kw, safe_values
from siteems.control.setpoints import CABLES_V, VOLTS_PER_S, setpoints
from siteems.site.assets import rectifier_curve
from siteems.site.read_file import load_site

SITE = load_site(seed_path("rural-lfp"))
REST = Drive(0.0, 9.0, 52.0, 3.0, 0.5, FOLLOW_PLAN(), measured_kw=0.0, grid_kw=3.0)
FLOAT_V = SITE.rectifier.float_v


def sent(
    command: BatteryCommand, held_v: float | None = None, **departures: float | None
) -> dict[str, float]:
    held = {} if held_v is None else {"float_v": held_v}
    return setpoints(replace(REST, **departures), SITE, command, held, 1.0)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("command", "charging", "discharging"),
    [
        ("power_setpoint", {"battery_setpoint_kw": 2.0}, {"battery_setpoint_kw": -2.0}),
        (
            "forced_power",
            {"forced_kw": 2.0, "forced_mode": 1.0},
            {"forced_kw": 2.0, "forced_mode": 2.0},
        ),
        ("grid_setpoint", {"grid_setpoint_kw": 5.0}, {"grid_setpoint_kw": 1.0}),
        (
            "power_limits",
            {"charge_limit_kw": 2.0, "discharge_limit_kw": 0.0},
            {"charge_limit_kw": 0.0, "discharge_limit_kw": 2.0},
        ),
        ("rectifier_voltage", {"float_v": 52.0 + VOLTS_PER_S}, {"float_v": 52.0 - VOLTS_PER_S}),
    ],
)
def test_each_command(
    command: BatteryCommand, charging: dict[str, float], discharging: dict[str, float]
) -> None:
    free_a = sent(command)["rectifier_limit_a"]
    assert sent(command, battery_kw=2.0) == pytest.approx({"rectifier_limit_a": free_a} | charging)
    assert sent(command, battery_kw=-2.0) == pytest.approx(
        {"rectifier_limit_a": free_a} | discharging
    )


@pytest.mark.parametrize(
    "command", [each for each in COMMAND_POINTS if each != "rectifier_current"]
)
def test_an_import_cap_limits_the_rectifiers_with_every_battery_command(
    command: BatteryCommand,
) -> None:
    assert sent(command, rectifier_cap_kw=1.04)["rectifier_limit_a"] == pytest.approx(20.0)


def test_without_measurements_it_recharges() -> None:
    """A closed loop needs measurements. Without them the battery is recharged."""
    assert sent("rectifier_voltage", battery_kw=-2.0, measured_kw=None)["float_v"] == FLOAT_V
    for unknown in ("measured_kw", "grid_kw"):
        assert sent("grid_setpoint", battery_kw=-2.0, **{unknown: None})[
            "grid_setpoint_kw"
        ] == most_import_kw(SITE)


@pytest.mark.parametrize("measured_kw", [0.0, None])
def test_a_battery_on_the_bus_is_charged_no_faster_than_its_rating(
    measured_kw: float | None,
) -> None:
    limit_a = sent("rectifier_voltage", battery_kw=9.0, measured_kw=measured_kw)[
        "rectifier_limit_a"
    ]
    assert limit_a == pytest.approx(
        (3.0 - 0.5 + SITE.battery.max_charge_kw) * 1000.0 / 52.0, abs=0.1
    )


def test_an_import_cap_holds_also_without_measurements() -> None:
    for measured_kw in (None, 0.0):
        sent_kw = sent("grid_setpoint", battery_kw=4.0, measured_kw=measured_kw, import_cap_kw=1.5)[
            "grid_setpoint_kw"
        ]
        assert sent_kw == pytest.approx(1.5 - SITE.control.import_margin_kw)


def test_the_voltage_moves_by_the_clock_and_not_by_the_cycle() -> None:
    quick, slow = (
        setpoints(replace(REST, battery_kw=-2.0), SITE, "rectifier_voltage", {}, s)
        for s in (0.2, 60.0)
    )
    assert quick["float_v"] == pytest.approx(52.0 - 0.01)
    assert slow["float_v"] == pytest.approx(52.0 - 0.14), (
        "no further than the difference in power needs"
    )


def test_the_voltage_goes_on_from_what_was_sent_but_not_from_far_above_the_bus() -> None:
    assert sent("rectifier_voltage", 51.0, battery_kw=-2.0)["float_v"] == pytest.approx(
        51.0 - VOLTS_PER_S
    )
    # A current limit held the bus down meanwhile: when it is lifted, the voltage must not jump.
    limited = sent("rectifier_voltage", FLOAT_V, battery_kw=2.0, bus_v=50.0)["float_v"]
    assert limited == pytest.approx(50.0 + CABLES_V + VOLTS_PER_S)


kw = st.floats(-20, 20)


@given(st.sampled_from(sorted(COMMAND_POINTS)), kw, kw, kw, st.floats(40, 60), st.floats(40, 60))
def test_no_setpoint_is_ever_beyond_the_limits_of_the_site(
    command: BatteryCommand,
    battery_kw: float,
    measured_kw: float,
    grid_kw: float,
    bus_v: float,
    held_v: float,
) -> None:
    values = sent(
        command,
        held_v,
        battery_kw=battery_kw,
        measured_kw=measured_kw,
        grid_kw=grid_kw,
        bus_v=bus_v,
    )
    battery = SITE.battery
    allowed = {
        "battery_setpoint_kw": (-battery.max_discharge_kw, battery.max_charge_kw),
        "charge_limit_kw": (0.0, battery.max_charge_kw),
        "discharge_limit_kw": (0.0, battery.max_discharge_kw),
        "forced_kw": (0.0, max(battery.max_charge_kw, battery.max_discharge_kw)),
        "forced_mode": (1.0, 2.0),
        "grid_setpoint_kw": (0.0, SITE.grid.import_limit_kw),
        "rectifier_limit_a": (0.0, 1000.0 * SITE.rectifier.rated_kw / FLOAT_V),
        "charge_limit_a": (0.0, 1000.0 * battery.max_charge_kw / FLOAT_V),
        "float_v": (LOW_BUS_V, FLOAT_V),
    }
    assert set(COMMAND_POINTS[command]) <= values.keys()
    for point, value in values.items():
        least, most = allowed[point]
        assert least <= value <= most, point


def test_every_command_has_something_to_be_released_to() -> None:
    safe = safe_values(SITE, rectifier_curve(SITE))
    for points in COMMAND_POINTS.values():
        assert safe.keys() >= set(points)


@pytest.mark.parametrize("battery_kw", [-2.5, 0.0, 1.0])
def test_a_battery_on_the_bus_balances_with_the_rectifiers_at_rest(battery_kw: float) -> None:
    found = sent("rectifier_current", battery_kw=battery_kw, balance_kw=2.0)
    assert found == pytest.approx(
        {"rectifier_limit_a": 0.0, "charge_limit_a": 2000.0 / 52.0}, abs=0.1
    )


def test_the_rectifiers_give_what_a_balancing_battery_cannot() -> None:
    most_kw = SITE.battery.max_discharge_kw
    found = sent("rectifier_current", battery_kw=-most_kw, balance_kw=2.0, dc_load_kw=most_kw + 1.5)
    assert found["rectifier_limit_a"] == pytest.approx(1000.0 / 52.0, abs=0.1)
