"""What follows from the site file for the assets: optimiser models, and the battery command."""

from __future__ import annotations

from functools import lru_cache

from drivers.catalogue import load_map
from drivers.dlt645.meter_map import MeterMap
from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap
from drivers.roles import BatteryCommand, battery_command
from optimisation.problem.site_problem import RectifierCurve
from optimisation.problem.wear import CycleLife, WearMode
from siteems.site.model import Battery, DeviceEntry, Site, Wear


def rectifier_curve(site: Site) -> RectifierCurve:
    """Losses of the site's rectifiers as a convex piecewise-linear curve."""
    return RectifierCurve.from_efficiency(site.rectifier.rated_kw, site.rectifier.efficiency)


def device_map_of(entry: DeviceEntry) -> DeviceMap | MeterMap:
    """The device map of a device, of a Modbus meter with the ratio of its transformers. A DL/T 645
    meter is given its ratio itself.
    """
    device_map = load_map(entry.map)
    if entry.ratio != 1.0 and isinstance(device_map, DeviceMap):
        return device_map.behind_transformers(entry.ratio)
    return device_map


def battery_command_of(site: Site) -> BatteryCommand:
    """How the site's battery is commanded with its devices. A `Site` has been checked for that."""
    return battery_command([load_map(entry.map) for entry in site.devices])


def is_drivable(site: Site) -> bool:
    """Whether the devices of a site can command its battery; one that is only read may lack it."""
    try:
        battery_command_of(site)
    except MapError:
        return False
    return True


def wear_costs(battery: Battery) -> tuple[float, ...]:
    """Cost of wear per kWh discharged, by depth segment, the shallowest first.

    Without a cycle table it is the mean cost, in one segment. Raises `ProblemError` for an invalid
    table.
    """
    if battery.wear is None:
        return (battery.wear_per_kwh,)
    return _wear_by_depth(battery.wear, battery.discharge_efficiency)


@lru_cache(maxsize=64)
def _wear_by_depth(wear: Wear, discharge_efficiency: float) -> tuple[float, ...]:
    return CycleLife(wear.cycles).wear_per_kwh(
        replacement_per_kwh=wear.replacement_per_kwh,
        discharge_efficiency=discharge_efficiency,
        segments=wear.segments,
        mode=WearMode(wear.mode),
        calendar_years=wear.calendar_years,
        cycles_per_day=wear.cycles_per_day,
    )
