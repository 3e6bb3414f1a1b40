"""The devices of a simulated site: what their points read from the plant, and what a write does to
it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from drivers.dlt645.meter_map import MeterMap
from drivers.modbus.device_map import DeviceMap
from siteems.simulation.plant import MAINS_V, Plant
from siteems.simulation.plant_state import Lease


class PlantDevice:
    """One device of the simulated site; it serves the points that its map has."""

    def __init__(
        self,
        name: str,
        device_map: DeviceMap | MeterMap,
        plant: Plant,
        now: Callable[[], datetime],
    ) -> None:
        self.name, self.device_map = name, device_map
        self._plant, self._now = plant, now
        setpoints = tuple(
            name
            for name, point in device_map.points.items()
            if point.writable and hasattr(plant.setpoints, name)
        )
        self._refreshing = _refreshing(device_map, setpoints)
        lease = Lease(setpoints, _fixed_timeout_s(device_map))
        self._lease = plant.leases.setdefault(name, lease)

    def read_points(self) -> Mapping[str, float | None]:
        """Values of all points of the map at this moment; None = the device has no such sensor."""
        self._plant.advance_to(self._now())
        values = readings(self._plant) | {"comm_timeout_s": self._lease.timeout_s}
        return {name: values.get(name) for name in self.device_map.points}

    def write_point(self, name: str, value: float) -> None:
        """Take a setpoint, a safe value or a lease time. Raises `ValueError` for another point."""
        self._plant.advance_to(self._now())
        if name == "comm_timeout_s":
            self._lease.timeout_s = value
        elif name in SAFE_POINTS:
            setattr(self._plant.safe, name.removeprefix("safe_"), value)
        elif name in self._lease.points:
            setattr(self._plant.setpoints, name, value)
            if name in self._refreshing:
                self._lease.refreshed = self._plant.time
        else:
            raise ValueError(f"{self.name} takes no {name}")

    def restart(self) -> None:
        """As after a power cycle: safe values are in force, and no lease runs."""
        self._plant.advance_to(self._now())
        for name in self._lease.points:
            setattr(self._plant.setpoints, name, getattr(self._plant.safe, name))
        self._lease.refreshed = None


def _refreshing(device_map: DeviceMap | MeterMap, setpoints: Sequence[str]) -> frozenset[str]:
    """The setpoints whose writes refresh the lease: those that are written together with a timeout,
    or, where none is, all.
    """
    if isinstance(device_map, DeviceMap):
        with_timeout = frozenset(name for name in setpoints if device_map.points[name].before)
        if with_timeout:
            return with_timeout
    return frozenset(setpoints)


def _fixed_timeout_s(device_map: DeviceMap | MeterMap) -> float:
    """The lease of a device whose timeout cannot be set; 0 = it has none, or it can be set."""
    if not isinstance(device_map, DeviceMap) or device_map.lease is None:
        return 0.0
    return device_map.lease.min_s if device_map.lease.timeout_point is None else 0.0


SAFE_POINTS = (
    "safe_rectifier_limit_a",
    "safe_charge_limit_a",
    "safe_battery_setpoint_kw",
    "safe_grid_setpoint_kw",
)


def readings(plant: Plant) -> dict[str, float | None]:
    """The value of every point of the vocabulary that the plant has."""
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
