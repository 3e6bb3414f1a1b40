"""The neutral command `battery_kw` (+ charging, - discharging) in the setpoints that a device really has. Pure.

A -48 V site seldom takes watts: the battery carries whatever the rectifiers are not allowed to give. So a discharge is
a rectifier current limit below the load, a charge is a charge current limit, and in between the battery floats because
the rectifiers hold the bus above it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

CURRENT_STEP_A: Final = 0.1
"""Currents are rounded down to this, so that a limit is never exceeded by rounding."""


@dataclass(frozen=True, slots=True)
class BusState:
    """The DC bus as measured: voltage, telecom load and solar power at the bus."""

    bus_v: float
    dc_load_kw: float
    pv_kw: float


@dataclass(frozen=True, slots=True)
class LeverLimits:
    """What the devices may be asked for; all of them positive or zero."""

    rectifier_max_a: float
    charge_max_a: float
    charge_max_kw: float
    discharge_max_kw: float


def rectifier_levers(
    battery_kw: float, rectifier_cap_kw: float, bus: BusState, limits: LeverLimits
) -> dict[str, float]:
    """`rectifier_limit_a` and `charge_limit_a` that make the battery charge or discharge at `battery_kw`.

    `rectifier_cap_kw` caps the rectifiers' DC output, whatever the battery is to do; infinity means no cap.
    With power P and bus voltage V a current is P / V. Discharging at X leaves load - PV - X to the rectifiers.
    Both results are within the limits and at least 0.
    Raises ValueError when a number is not finite (the cap may be +infinity) or the bus voltage is not positive.
    """
    _finite(battery_kw, bus.bus_v, bus.dc_load_kw, bus.pv_kw)
    _finite(limits.rectifier_max_a, limits.charge_max_a, limits.charge_max_kw, limits.discharge_max_kw)
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


def power_setpoint(battery_kw: float, limits: LeverLimits) -> dict[str, float]:
    """`battery_setpoint_kw`, clipped to the limits. Raises ValueError when a number is not finite."""
    _finite(battery_kw, limits.charge_max_kw, limits.discharge_max_kw)
    return {"battery_setpoint_kw": max(-limits.discharge_max_kw, min(battery_kw, limits.charge_max_kw))}


def _finite(*numbers: float) -> None:
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"levers need finite numbers, not {numbers}")


def _down(amps: float) -> float:
    """Rounded down to the step; a hair is forgiven so that 30.0 does not become 29.9."""
    return max(0.0, round(math.floor(amps / CURRENT_STEP_A + 1e-6) * CURRENT_STEP_A, 6))
