"""What one control cycle decides: drive the devices at a battery power, or release them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from siteems.control.charging_permit import CHARGING_PERMITTED, ChargingPermit
from siteems.messages.message import Message


@dataclass(frozen=True, slots=True)
class Drive:
    """Drive the devices until the next cycle."""

    battery_kw: float
    """+ charging, - discharging."""
    rectifier_cap_kw: float
    """Ceiling for the DC output of all rectifiers."""
    bus_v: float
    dc_load_kw: float
    pv_kw: float
    """Bus voltage, telecom load and PV that the decision rests on; current limits are computed
    from them. PV that is not measured counts as 0.
    """
    reason: Message
    measured_kw: float | None = None
    grid_kw: float | None = None
    """Battery and grid power as measured, where known. A battery command that is a closed loop
    (grid setpoint, rectifier voltage) corrects by the difference.
    """
    import_cap_kw: float = math.inf
    """Import cap of the DR events in force, AC side, where the backup reserve has not overruled
    it; infinite without one.
    """
    balance_kw: float | None = None
    """None where the battery has the power above. A number: it takes what PV leaves over, up to so
    many kW, and gives what is missing, with the rectifiers at rest.
    """
    probing: bool = False
    """A step is under way that finds out whether there is more PV; it should be short."""
    charging: ChargingPermit = CHARGING_PERMITTED
    """Whether the safe values may charge the battery, should a device be released before the next
    decision, or lose its controller.
    """


@dataclass(frozen=True, slots=True)
class Release:
    """No economic setpoint: the devices hold their safe values, float and stand by for backup."""

    reason: Message
    charging: ChargingPermit = CHARGING_PERMITTED
    """Whether the safe values may charge the battery: not while it is too cold or too hot."""


Decision = Drive | Release
