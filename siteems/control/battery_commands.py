"""The neutral command `battery_kw` (+ charging, - discharging) in the setpoints that a device
really has. Pure.

A -48 V site seldom takes watts: the battery carries whatever the rectifiers are not allowed to
give. So a discharge is a rectifier current limit below the load, a charge is a charge current
limit, and in between the battery floats because the rectifiers hold the bus above it. Where there
is no current limit the rectifiers' voltage is moved instead, and where the battery has a converter
of its own, what that takes. docs/battery-commands.md says how each is released.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE

CURRENT_STEP_A: Final = 0.1
"""Currents are rounded down to this, so that a limit is never exceeded by rounding."""
VOLTAGE_STEP_V: Final = 0.01
"""What rectifiers can tell apart."""


@dataclass(frozen=True, slots=True)
class BusState:
    """The DC bus as measured: voltage, telecom load and solar power at the bus."""

    bus_v: float
    dc_load_kw: float
    pv_kw: float


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """What the devices may be asked for; all of them positive or zero."""

    rectifier_max_a: float
    charge_max_a: float
    charge_max_kw: float
    discharge_max_kw: float


def rectifier_current(
    battery_kw: float, rectifier_cap_kw: float, bus: BusState, limits: CommandLimits
) -> dict[str, float]:
    """`rectifier_limit_a` and `charge_limit_a` that make the battery charge or discharge at
    `battery_kw`.

    `rectifier_cap_kw` caps the rectifiers' DC output, whatever the battery is to do; infinity means
    no cap. With power P and bus voltage V a current is P / V. Discharging at X leaves load - PV - X
    to the rectifiers. Both results are within the limits and at least 0. Raises ValueError when a
    number is not finite (the cap may be +infinity) or the bus voltage is not positive.
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
    """`battery_setpoint_kw`, clipped to the limits. Raises ValueError when a number is not finite."""
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    return {
        "battery_setpoint_kw": max(-limits.discharge_max_kw, min(battery_kw, limits.charge_max_kw))
    }


def forced_power(battery_kw: float, limits: CommandLimits) -> dict[str, float]:
    """`forced_kw` and `forced_mode` of a converter that is told a direction and how much.

    At rest it is a discharge of 0 kW: with no command at all the device would do as it likes.
    Raises ValueError when a number is not finite.
    """
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    if battery_kw > 0:
        return {"forced_kw": min(battery_kw, limits.charge_max_kw), "forced_mode": FORCED_CHARGE}
    return {"forced_kw": min(-battery_kw, limits.discharge_max_kw), "forced_mode": FORCED_DISCHARGE}


def power_limits(battery_kw: float, limits: CommandLimits) -> dict[str, float]:
    """`charge_limit_kw` and `discharge_limit_kw` of a battery that goes its own way between them.

    The other direction is closed, so that it charges or discharges at `battery_kw` at most, and
    rests between two zeros. What it has nothing to charge from, or no load to carry with, it does
    not do: less than asked, never more. Raises ValueError when a number is not finite.
    """
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    return {
        "charge_limit_kw": max(0.0, min(battery_kw, limits.charge_max_kw)),
        "discharge_limit_kw": max(0.0, min(-battery_kw, limits.discharge_max_kw)),
    }


def grid_setpoint(
    battery_kw: float, measured_kw: float, grid_kw: float, most_kw: float, limits: CommandLimits
) -> dict[str, float]:
    """`grid_setpoint_kw` for a converter that holds the power of the grid connection.

    All that is not the battery stays as it is: the grid gives what it gives now, and what the
    battery is to take more than `measured_kw`. The converter's losses are made good in the next
    cycle. The result is within 0..`most_kw`: nothing is fed in. Raises ValueError when a number is
    not finite.
    """
    _finite(
        battery_kw, measured_kw, grid_kw, most_kw, limits.charge_max_kw, limits.discharge_max_kw
    )
    wanted_kw = max(-limits.discharge_max_kw, min(battery_kw, limits.charge_max_kw))
    return {"grid_setpoint_kw": max(0.0, min(grid_kw + wanted_kw - measured_kw, most_kw))}


@dataclass(frozen=True, slots=True)
class VoltageLimits:
    """How far and how fast the rectifiers' voltage may be moved."""

    low_v: float
    """The rectifiers never stand below it: what pulls the bus down so far, they carry."""
    float_v: float
    """They never stand above it."""
    volts_per_kw: float
    """How much the battery's voltage moves with its power; too little only makes it slower, too
    much makes it swing.
    """
    step_v: float
    """Most that is changed at once."""


def rectifier_voltage(
    previous_v: float, battery_kw: float, measured_kw: float, limits: VoltageLimits
) -> dict[str, float]:
    """`float_v` that brings a battery on the bus nearer to `battery_kw`: one bounded step from
    `previous_v`.

    A bus below the battery's own voltage makes it discharge, one above charges it; how much, only
    its current tells, so this is called again and again with what was measured. A difference that
    is worth less than a step of the rectifiers changes nothing. The result is within
    `low_v`..`float_v`. Raises ValueError when a number is not finite or the limits are the wrong
    way round.
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
        raise ValueError(f"levers need finite numbers, not {numbers}")


def _down(amps: float) -> float:
    """Rounded down to the step; a hair is forgiven so that 30.0 does not become 29.9."""
    return max(0.0, round(math.floor(amps / CURRENT_STEP_A + 1e-6) * CURRENT_STEP_A, 6))
