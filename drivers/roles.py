"""What a device can be for a site (its roles), which points a role needs, and how a battery can be
commanded.

All devices are one class, because a device model is data. A role is therefore a list of points that
a map must have, and a device is found by what its map can do, never by its maker's name. Values are
read by point. The one command, battery power, is translated into setpoints by the application.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Literal, Protocol

from drivers.errors import MapError

Role = Literal["meter", "rectifier", "battery", "solar", "genset"]
BatteryCommand = Literal[
    "power_setpoint",
    "forced_power",
    "grid_setpoint",
    "rectifier_current",
    "power_limits",
    "rectifier_voltage",
]
"""The ways to command a battery; docs/battery-commands.md describes each of them."""

ROLE_POINTS: Final[Mapping[Role, tuple[tuple[str, ...], ...]]] = {
    "meter": (("active_power_kw",),),
    "rectifier": (("bus_v", "rectifier_a", "dc_load_a"), ("rectifier_kw", "dc_load_kw")),
    "battery": (("battery_v", "battery_a", "soc"), ("battery_kw", "soc")),
    "solar": (("pv_kw",),),
    "genset": (("genset_kw", "genset_running"),),
}
"""The sets of points for each role. A map must have one of the sets whole to take the role."""

COMMAND_POINTS: Final[Mapping[BatteryCommand, tuple[str, ...]]] = {
    "power_setpoint": ("battery_setpoint_kw",),
    "forced_power": ("forced_kw", "forced_mode"),
    "grid_setpoint": ("grid_setpoint_kw",),
    "rectifier_current": ("rectifier_limit_a", "charge_limit_a"),
    "power_limits": ("charge_limit_kw", "discharge_limit_kw"),
    "rectifier_voltage": ("float_v",),
}
"""The setpoints that each battery command writes, the more direct command first."""


class RoleMap(Protocol):
    """What roles and commands need to know of a device map, of any protocol."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """What the device can be for a site."""

    @property
    def setpoints(self) -> tuple[str, ...]:
        """The points that may be written frequently."""


def missing_points(role: Role, points: Collection[str]) -> tuple[str, ...]:
    """The points that are missing for a role, by the set that lacks fewest; empty when one is
    whole.
    """
    missing = [tuple(name for name in needed if name not in points) for needed in ROLE_POINTS[role]]
    return min(missing, key=len)


def battery_command(maps: Sequence[RoleMap]) -> BatteryCommand:
    """How the battery of a site with these device maps is commanded.

    That is the first command of COMMAND_POINTS whose setpoints the maps offer together. The
    rectifier voltage moves only a battery that is connected to the DC bus itself, and not one
    behind an inverter that also meters the grid. Raises MapError when no command is offered.
    """
    offered = {name for device_map in maps for name in device_map.setpoints}
    on_the_bus = any("battery" in each.roles and "meter" not in each.roles for each in maps)
    for command, needed in COMMAND_POINTS.items():
        if command == "rectifier_voltage" and not on_the_bus:
            continue
        if offered.issuperset(needed):
            return command
    ways = " or ".join(" with ".join(needed) for needed in COMMAND_POINTS.values())
    names = ", ".join(device_map.name for device_map in maps) or "no map at all"
    raise MapError(f"no way to command the battery with {names}: a map must let {ways} be written")
