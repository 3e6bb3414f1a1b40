"""What a simulated site consists of at a moment: setpoints and leases of its devices, power flows,
meters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass
class Setpoints:
    """What the devices hold; the names are those of the register maps' points."""

    rectifier_limit_a: float
    charge_limit_a: float
    float_v: float
    battery_setpoint_kw: float
    """A battery converter follows this, or one of the next five, while mains are present. In a
    mains failure it carries the bus.
    """
    charge_limit_kw: float
    discharge_limit_kw: float
    forced_kw: float
    forced_mode: float
    grid_setpoint_kw: float
    pv_limit_kw: float = math.inf


@dataclass
class Lease:
    """The lease of a device's setpoints: they fall back to safe values when it is not refreshed for
    `timeout_s`. A timeout of 0 never runs out.
    """

    points: tuple[str, ...]
    timeout_s: float = 0.0
    refreshed: datetime | None = None
    """Last refresh; None = the devices hold their safe values."""

    def expired(self, now: datetime) -> bool:
        """Whether the setpoints must fall back now."""
        return (
            self.timeout_s > 0
            and self.refreshed is not None
            and (now - self.refreshed).total_seconds() > self.timeout_s
        )


@dataclass(frozen=True)
class Flows:
    """Power flows at one moment, kW, directions in the names; and what goes with them."""

    dc_load_kw: float
    unserved_kw: float
    pv_kw: float
    pv_available_kw: float
    rectifier_dc_kw: float
    rectifier_ac_kw: float
    battery_kw: float
    ac_load_kw: float
    grid_import_kw: float
    genset_kw: float
    bus_v: float
    outdoor_c: float
    mains_ok: bool


@dataclass
class Meters:
    """Counters that only go up: energies in kWh and times. Battery energies are at the bus."""

    import_kwh: float = 0.0
    pv_kwh: float = 0.0
    pv_available_kwh: float = 0.0
    charged_kwh: float = 0.0
    discharged_kwh: float = 0.0
    dc_load_kwh: float = 0.0
    ac_load_kwh: float = 0.0
    mains_h: float = 0.0
    unserved_kwh: float = 0.0
    fallbacks: int = 0
    """How often a lease expired."""

    def add(self, flows: Flows, hours: float) -> None:
        """Count constant flows over a time."""
        self.import_kwh += flows.grid_import_kw * hours
        self.pv_kwh += flows.pv_kw * hours
        self.pv_available_kwh += flows.pv_available_kw * hours
        self.charged_kwh += max(0.0, flows.battery_kw) * hours
        self.discharged_kwh += max(0.0, -flows.battery_kw) * hours
        self.dc_load_kwh += flows.dc_load_kw * hours
        self.ac_load_kwh += flows.ac_load_kw * hours
        self.mains_h += hours * flows.mains_ok
        self.unserved_kwh += flows.unserved_kw * hours
