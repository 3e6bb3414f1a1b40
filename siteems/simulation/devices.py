"""The simulated site's devices: what each role's points read from the plant, and what a write does
to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from drivers.dlt645.meter_map import MeterMap
from drivers.modbus.device_map import DeviceMap
from siteems.simulation.plant import MAINS_V, Lease, Plant


@dataclass
class PlantDevice:
    """One device of the simulated site; it serves whatever points its map has."""

    name: str
    device_map: DeviceMap | MeterMap
    plant: Plant
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        points = tuple(
            n
            for n, p in self.device_map.points.items()
            if p.writable and hasattr(self.plant.setpoints, n)
        )
        self._renewing, own_s = set(points), 0.0
        """The points of which a write renews the lease: where a time goes with some of them, only
        those.
        """
        if isinstance(self.device_map, DeviceMap):
            lease = self.device_map.lease
            own_s = lease.min_s if lease is not None and lease.timeout_point is None else 0.0
            self._renewing = {
                n for n in points if self.device_map.points[n].before
            } or self._renewing
        self._lease = self.plant.leases.setdefault(self.name, Lease(points, own_s))

    def read_points(self) -> Mapping[str, float | None]:
        """Values of all points of the map at this moment; none = the device has no such sensor."""
        self.plant.advance_to(self.now())
        values = readings(self.plant) | {"comm_timeout_s": self._lease.timeout_s}
        return {name: values.get(name) for name in self.device_map.points}

    def write_point(self, name: str, value: float) -> None:
        """Take a setpoint, a safe value or a lease time. Raises `ValueError` for what this device
        does not take.
        """
        self.plant.advance_to(self.now())
        if name == "comm_timeout_s":
            self._lease.timeout_s = value
        elif name in SAFE_POINTS:
            setattr(self.plant.safe, name.removeprefix("safe_"), value)
        elif name in self._lease.points:
            setattr(self.plant.setpoints, name, value)
            if name in self._renewing:
                self._lease.refreshed = self.plant.time
        else:
            raise ValueError(f"{self.name} takes no {name}")

    def restart(self) -> None:
        """The setpoints of this device are what it falls back to; nobody holds it any more."""
        self.plant.advance_to(self.now())
        for name in self._lease.points:
            setattr(self.plant.setpoints, name, getattr(self.plant.safe, name))
        self._lease.refreshed = None


SAFE_POINTS = (
    "safe_rectifier_limit_a",
    "safe_charge_limit_a",
    "safe_battery_setpoint_kw",
    "safe_grid_setpoint_kw",
)


def readings(plant: Plant) -> dict[str, float | None]:
    """Every point of the vocabulary that the plant can answer."""
    flows, battery = plant.flows, plant.site.battery
    mains_v = MAINS_V if flows.mains_ok else 0.0
    amps = 1000.0 / flows.bus_v
    return {
        "active_power_kw": flows.grid_import_kw,
        "mains_v": mains_v,
        "frequency_hz": 50.0 if flows.mains_ok else 0.0,
        "energy_import_kwh": plant.meters.import_kwh,
        "energy_export_kwh": 0.0,
        "bus_v": flows.bus_v,
        "rectifier_a": flows.rectifier_dc_kw * amps,
        "dc_load_a": flows.dc_load_kw * amps,
        "rectifier_kw": flows.rectifier_dc_kw,
        "dc_load_kw": flows.dc_load_kw,
        "rectifier_modules": math.ceil(plant.site.rectifier.rated_kw / 3.0),
        "battery_v": flows.bus_v,
        "battery_a": flows.battery_kw * amps,
        "battery_kw": flows.battery_kw,
        "soc": plant.soc,
        "soh": battery.state_of_health,
        "battery_c": plant.room_c,
        "pv_kw": flows.pv_kw,
        "pv_v": 120.0 if flows.pv_available_kw > 0 else 0.0,
        "pv_energy_kwh": plant.meters.pv_kwh,
        "genset_kw": flows.genset_kw,
        "genset_running": float(flows.genset_kw > 0),
        "fuel_share": 0.8 if plant.site.genset else None,
        "room_c": plant.room_c,
        "outdoor_c": flows.outdoor_c,
        "rectifier_limit_a": plant.setpoints.rectifier_limit_a,
        "charge_limit_a": plant.setpoints.charge_limit_a,
        "float_v": plant.setpoints.float_v,
        "battery_setpoint_kw": plant.setpoints.battery_setpoint_kw,
        "charge_limit_kw": plant.setpoints.charge_limit_kw,
        "discharge_limit_kw": plant.setpoints.discharge_limit_kw,
        "forced_kw": plant.setpoints.forced_kw,
        "forced_mode": plant.setpoints.forced_mode,
        "grid_setpoint_kw": plant.setpoints.grid_setpoint_kw,
        "pv_limit_kw": min(
            plant.setpoints.pv_limit_kw, plant.site.pv.rated_kwp if plant.site.pv else 0.0
        ),
        "safe_rectifier_limit_a": plant.safe.rectifier_limit_a,
        "safe_charge_limit_a": plant.safe.charge_limit_a,
        "safe_battery_setpoint_kw": plant.safe.battery_setpoint_kw,
        "safe_grid_setpoint_kw": plant.safe.grid_setpoint_kw,
    }
