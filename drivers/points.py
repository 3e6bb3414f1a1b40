"""The fixed vocabulary of measurements and setpoints, and one reading of a device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

POINTS: Final[Mapping[str, tuple[str, str]]] = {
    # AC side
    "active_power_kw": ("kW", "active power of all phases, + import, - export"),
    "mains_v": ("V", "mains voltage, phase to neutral"),
    "frequency_hz": ("Hz", "mains frequency"),
    "energy_import_kwh": ("kWh", "energy imported, counted since manufacture"),
    "energy_export_kwh": ("kWh", "energy exported, counted since manufacture"),
    # DC bus and rectifier shelf
    "bus_v": ("V", "DC bus voltage, magnitude"),
    "rectifier_a": ("A", "current of all rectifiers into the bus"),
    "dc_load_a": ("A", "current of the telecom load"),
    "rectifier_kw": (
        "kW",
        "power of all rectifiers into the bus, of devices that report no current",
    ),
    "dc_load_kw": ("kW", "power of the telecom load, of devices that report no current"),
    "rectifier_modules": ("1", "rectifier modules in operation"),
    # battery
    "battery_v": ("V", "battery voltage, magnitude"),
    "battery_a": ("A", "battery current, + charging, - discharging"),
    "battery_kw": (
        "kW",
        "battery power, + charging, - discharging, of devices that report no current",
    ),
    "soc": ("1", "state of charge, 0..1 of actual capacity"),
    "soh": ("1", "state of health, 0..1 of rated capacity"),
    "battery_c": ("degC", "battery temperature"),
    # photovoltaics, at the bus
    "pv_kw": ("kW", "power of the solar charger into the bus"),
    "pv_v": ("V", "panel voltage"),
    "pv_energy_kwh": ("kWh", "solar energy, counted since manufacture"),
    # genset
    "genset_kw": ("kW", "power of the genset, AC side"),
    "genset_running": ("1", "1 = running, 0 = at rest"),
    "fuel_share": ("1", "fuel level, 0..1 of the tank"),
    # climate
    "room_c": ("degC", "shelter temperature"),
    "outdoor_c": ("degC", "outdoor temperature"),
    # active setpoints
    "rectifier_limit_a": ("A", "current limit of the whole rectifier shelf"),
    "charge_limit_a": ("A", "charge current limit of the battery"),
    "float_v": ("V", "float voltage of the rectifiers"),
    "battery_setpoint_kw": ("kW", "battery power at the bus, + charging, - discharging"),
    "charge_limit_kw": ("kW", "charging power limit of the battery, 0 = no charging"),
    "discharge_limit_kw": ("kW", "discharging power limit of the battery, 0 = no discharging"),
    "forced_kw": ("kW", "power of a forced charge or discharge"),
    "forced_mode": ("1", "0 = the device decides, 1 = forced charge, 2 = forced discharge"),
    "grid_setpoint_kw": ("kW", "grid power that the device holds with its battery, + import"),
    "pv_limit_kw": ("kW", "power limit of the solar charger"),
    # what the device falls back to by itself, and when
    "safe_rectifier_limit_a": (
        "A",
        "persistent rectifier current limit, used when the lease has lapsed",
    ),
    "safe_charge_limit_a": ("A", "persistent charge current limit, used when the lease has lapsed"),
    "safe_battery_setpoint_kw": ("kW", "persistent battery power, used when the lease has lapsed"),
    "safe_grid_setpoint_kw": ("kW", "persistent grid power, used while there is no other setpoint"),
    "comm_timeout_s": (
        "s",
        "the lease: without a setpoint write for this long the device uses its safe values",
    ),
}
"""Name to (unit, description). The unit is also in the name; shares have the unit "1"."""


TRANSFORMED_UNITS: Final = ("kW", "kWh")
"""Units of what a meter behind instrument transformers shows too small: the value is its reading
times the ratio of the transformers.
"""


class Quality(StrEnum):
    """Why a point has a value or none. Only a good point has one."""

    GOOD = "good"
    MISSING = "missing"
    """The device itself reports that it has no value."""
    IMPLAUSIBLE = "implausible"
    """The device gave a value outside the limits of its map."""
    UNREACHABLE = "unreachable"
    """The registers could not be read."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value with its quality; `value` is None unless the quality is good."""

    value: float | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one device: every point that was asked for, each with its quality.

    `time` (UTC, aware) is when the reading began, so no value in it is older than that. `faults`
    has the error messages of the registers that could not be read.
    """

    device: str
    time: datetime
    points: Mapping[str, Point]
    faults: tuple[str, ...] = ()

    def value(self, name: str) -> float | None:
        """The value of a good point; None for every other quality and for points that the device
        does not have.
        """
        point = self.points.get(name)
        return None if point is None else point.value


FORCED_OFF, FORCED_CHARGE, FORCED_DISCHARGE = 0.0, 1.0, 2.0
"""Values of `forced_mode`. With FORCED_OFF the device decides itself."""

PHYSICAL: Final[Mapping[str, tuple[float, float]]] = {
    "active_power_kw": (-10_000.0, 10_000.0),
    "mains_v": (0.0, 500.0),
    "frequency_hz": (0.0, 75.0),
    "energy_import_kwh": (0.0, 1e12),
    "energy_export_kwh": (0.0, 1e12),
    "bus_v": (10.0, 80.0),
    "rectifier_a": (-10_000.0, 10_000.0),
    "dc_load_a": (-100.0, 10_000.0),
    "rectifier_kw": (-1000.0, 1000.0),
    "dc_load_kw": (-10.0, 1000.0),
    "rectifier_modules": (0.0, 1000.0),
    "battery_v": (10.0, 1500.0),
    "battery_a": (-10_000.0, 10_000.0),
    "battery_kw": (-1000.0, 1000.0),
    "soc": (0.0, 1.05),
    "soh": (0.01, 1.2),
    "battery_c": (-60.0, 100.0),
    "pv_kw": (-100.0, 1000.0),
    "pv_v": (0.0, 2000.0),
    "pv_energy_kwh": (0.0, 1e12),
    "genset_kw": (-100.0, 10_000.0),
    "genset_running": (0.0, 1.0),
    "fuel_share": (0.0, 1.05),
    "room_c": (-60.0, 100.0),
    "outdoor_c": (-70.0, 80.0),
}
"""Lowest and highest value that any device can measure, whatever its map allows. A battery or bus
that is connected never has 0 V, and no battery has a health of 0: there, 0 means "unknown".
"""
BATTERY_SIGNS: Final = ("battery_v", "battery_a", "battery_kw")


def physical(name: str, point: Point) -> Point:
    """The point, or an implausible one without value where nothing can measure that value."""
    low, high = PHYSICAL.get(name, (-math.inf, math.inf))
    if point.value is None or low <= point.value <= high:
        return point
    return Point(None, Quality.IMPLAUSIBLE)


def known(points: Mapping[str, Point]) -> dict[str, Point]:
    """The points of one device, with a state of charge of 0 only where the battery is seen.

    Some gateways answer 0 for what they do not know. An empty battery still has a voltage; where
    none is read, its current or power is not 0 for long, because it is charged.
    """
    soc = points.get("soc")
    signs = [points[name].value for name in BATTERY_SIGNS if name in points]
    if soc is None or soc.value != 0.0 or not signs or any(signs):
        return dict(points)
    return {**points, "soc": Point(None, Quality.MISSING)}
