"""The battery commands: the neutral `battery_kw` (+ charging, - discharging) as setpoints that a
device takes. Pure.

Few -48 V sites have a power setpoint for the battery. There the battery carries the load that the
rectifiers are not allowed to carry. To discharge, the rectifier current limit is set below the
load; to charge, the charge current limit is raised; otherwise the rectifiers hold the bus above the
battery's voltage and it floats. Without a current limit the voltage of the rectifiers is moved
instead. A battery with a converter of its own gets the setpoints of that converter.
docs/battery-commands.md describes each command and its release.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE

CURRENT_STEP_A: Final = 0.1
"""Currents are rounded down to this, so that rounding never exceeds a limit."""
VOLTAGE_STEP_V: Final = 0.01
"""Resolution of a rectifier's voltage setpoint."""


@dataclass(frozen=True, slots=True)
class BusState:
    """The DC bus as measured: voltage, telecom load and PV power at the bus."""

    bus_v: float
    dc_load_kw: float
    pv_kw: float


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """The most that the devices may be asked for; none is negative."""

    rectifier_max_a: float
    charge_max_a: float
    charge_max_kw: float
    discharge_max_kw: float


def rectifier_current(
    battery_kw: float, rectifier_cap_kw: float, bus: BusState, limits: CommandLimits
) -> dict[str, float]:
    """`rectifier_limit_a` and `charge_limit_a` that make the battery charge or discharge at
    `battery_kw`.

    `rectifier_cap_kw` caps the DC output of the rectifiers, whatever the battery is to do; infinity
    means no cap. A current is power over bus voltage. A discharge of X leaves load - PV - X to the
    rectifiers. Both results are within the limits and at least 0. Raises ValueError when a number
    is not finite (the cap may be +infinity) or the bus voltage is not positive.
    """
    _finite(battery_kw, bus.bus_v, bus.dc_load_kw, bus.pv_kw)
    _finite(
        limits.rectifier_max_a, limits.charge_max_a, limits.charge_max_kw, limits.discharge_max_kw
    )
    if math.isnan(rectifier_cap_kw) or rectifier_cap_kw == -math.inf:
        raise ValueError(f"rectifier_cap_kw must be a number or +infinity, not {rectifier_cap_kw}")
    if bus.bus_v <= 0:
        raise ValueError(f"bus_v must be above 0, not {bus.bus_v:g}")
    amps_per_kw = 1000.0 / bus.bus_v
    rectifier_a = min(limits.rectifier_max_a, rectifier_cap_kw * amps_per_kw)
    charge_a = 0.0
    if battery_kw < 0:
        discharge_kw = min(-battery_kw, limits.discharge_max_kw)
        rectifier_a = min(rectifier_a, (bus.dc_load_kw - bus.pv_kw - discharge_kw) * amps_per_kw)
    elif battery_kw > 0:
        charge_a = min(limits.charge_max_a, min(battery_kw, limits.charge_max_kw) * amps_per_kw)
    return {"rectifier_limit_a": _down(rectifier_a), "charge_limit_a": _down(charge_a)}


def power_setpoint(battery_kw: float, limits: CommandLimits) -> dict[str, float]:
    """`battery_setpoint_kw`, within the limits. Raises ValueError when a number is not finite."""
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    return {
        "battery_setpoint_kw": max(-limits.discharge_max_kw, min(battery_kw, limits.charge_max_kw))
    }


def forced_power(battery_kw: float, limits: CommandLimits) -> dict[str, float]:
    """`forced_kw` and `forced_mode` of a converter that takes a direction and a power.

    At rest the battery is forced to discharge at 0 kW, because without a forced mode the converter
    would follow its own rules. Raises ValueError when a number is not finite.
    """
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    if battery_kw > 0:
        return {"forced_kw": min(battery_kw, limits.charge_max_kw), "forced_mode": FORCED_CHARGE}
    return {"forced_kw": min(-battery_kw, limits.discharge_max_kw), "forced_mode": FORCED_DISCHARGE}


def power_limits(battery_kw: float, limits: CommandLimits) -> dict[str, float]:
    """`charge_limit_kw` and `discharge_limit_kw` of a converter that decides by itself within them.

    The limit of the other direction is 0, so the battery charges or discharges at most at
    `battery_kw`, and rests when both are 0. It may do less than commanded, when there is no surplus
    to charge from or no load to carry, but never more. Raises ValueError when a number is not
    finite.
    """
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    return {
        "charge_limit_kw": max(0.0, min(battery_kw, limits.charge_max_kw)),
        "discharge_limit_kw": max(0.0, min(-battery_kw, limits.discharge_max_kw)),
    }


def grid_setpoint(
    battery_kw: float, measured_kw: float, grid_kw: float, most_kw: float, limits: CommandLimits
) -> dict[str, float]:
    """`grid_setpoint_kw` for a converter that controls the power at the grid connection.

    With all other flows unchanged, the grid power changes by as much as the battery power does:
    from `grid_kw` by `battery_kw` - `measured_kw`. The losses of the converter are corrected in the
    next cycle. The result is within 0..`most_kw`, so nothing is exported. Raises ValueError when a
    number is not finite.
    """
    _finite(
        battery_kw, measured_kw, grid_kw, most_kw, limits.charge_max_kw, limits.discharge_max_kw
    )
    wanted_kw = max(-limits.discharge_max_kw, min(battery_kw, limits.charge_max_kw))
    return {"grid_setpoint_kw": max(0.0, min(grid_kw + wanted_kw - measured_kw, most_kw))}


@dataclass(frozen=True, slots=True)
class VoltageLimits:
    """How far and how fast the voltage of the rectifiers may be moved."""

    low_v: float
    """Lowest setpoint: when the bus falls to it, the rectifiers carry the load."""
    float_v: float
    """Highest setpoint."""
    volts_per_kw: float
    """Change of the battery's voltage with its power. Too low a value makes the loop slow, too high
    a value makes it oscillate.
    """
    step_v: float
    """Largest change in one step."""


def rectifier_voltage(
    previous_v: float, battery_kw: float, measured_kw: float, limits: VoltageLimits
) -> dict[str, float]:
    """`float_v` that brings a battery on the bus nearer to `battery_kw`: one limited step from
    `previous_v`.

    A bus below the battery's own voltage discharges it, a bus above charges it. By how much shows
    only in the measured power, so this is a closed loop: it is called in every cycle with
    `measured_kw`. A correction of less than half a `VOLTAGE_STEP_V` changes nothing. The result is
    within `low_v`..`float_v`. Raises ValueError when a number is not finite or the limits
    contradict each other.
    """
    _finite(
        previous_v,
        battery_kw,
        measured_kw,
        limits.low_v,
        limits.float_v,
        limits.volts_per_kw,
        limits.step_v,
    )
    if limits.low_v > limits.float_v or limits.step_v < 0 or limits.volts_per_kw < 0:
        raise ValueError(
            f"voltage limits must be low_v <= float_v and steps of 0 or more, not {limits}"
        )
    change_v = (battery_kw - measured_kw) * limits.volts_per_kw
    if abs(change_v) < VOLTAGE_STEP_V / 2:
        change_v = 0.0
    change_v = max(-limits.step_v, min(change_v, limits.step_v))
    steps = round((previous_v + change_v) / VOLTAGE_STEP_V)
    return {"float_v": max(limits.low_v, min(round(steps * VOLTAGE_STEP_V, 6), limits.float_v))}


def _finite(*numbers: float) -> None:
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"battery commands need finite numbers, not {numbers}")


def _down(amps: float) -> float:
    """Rounded down to the step. A float error below 1e-6 steps does not turn 30.0 into 29.9."""
    return max(0.0, round(math.floor(amps / CURRENT_STEP_A + 1e-6) * CURRENT_STEP_A, 6))
