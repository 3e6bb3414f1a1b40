"""What a device can be for a site (its roles), which points a role needs, and which lever moves the
battery.

All devices are one class, because a device model is data; so a role is a record here that maps are
checked against, and a device is found by what its map can do, never by its maker's name. A class
per role would have nothing to say beyond the names of points: what is measured is read by point,
and the one command is translated by `drivers/levers.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeVar

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

ROLE_POINTS: Final[Mapping[Role, tuple[tuple[str, ...], ...]]] = {
    "meter": (("active_power_kw",),),
    "rectifier": (("bus_v", "rectifier_a", "dc_load_a"), ("rectifier_kw", "dc_load_kw")),
    "battery": (("battery_v", "battery_a", "soc"), ("battery_kw", "soc")),
    "solar": (("pv_kw",),),
    "genset": (("genset_kw", "genset_running"),),
}
"""The points without which a device cannot take the role, where there are several ways each of
them; a map that has none of them whole does not load.
"""

COMMAND_POINTS: Final[Mapping[BatteryCommand, tuple[str, ...]]] = {
    "power_setpoint": ("battery_setpoint_kw",),
    "forced_power": ("forced_kw", "forced_mode"),
    "grid_setpoint": ("grid_setpoint_kw",),
    "rectifier_current": ("rectifier_limit_a", "charge_limit_a"),
    "power_limits": ("charge_limit_kw", "discharge_limit_kw"),
    "rectifier_voltage": ("float_v",),
}
"""The setpoints that each way to command the battery writes; the more direct way stands first."""


def lacking(role: Role, points: Collection[str]) -> tuple[str, ...]:
    """The points that are missing for the role, by the way that is nearest; empty when the role can
    be taken.
    """
    return min(
        (tuple(each for each in way if each not in points) for way in ROLE_POINTS[role]), key=len
    )


class Described(Protocol):
    """What a map of any protocol tells: roles know no more, and so nothing of Modbus."""

    @property
    def name(self) -> str:
        """The model's name."""

    @property
    def roles(self) -> tuple[Role, ...]:
        """What the device can be for a site."""

    @property
    def setpoints(self) -> tuple[str, ...]:
        """The points that bear frequent writes."""


class Mapped(Protocol):
    """Anything that is described by a device map."""

    @property
    def device_map(self) -> Described:
        """The map."""


M = TypeVar("M", bound=Mapped)


def in_role(devices: Iterable[M], role: Role) -> tuple[M, ...]:
    """The devices that have the role, in the order given."""
    return tuple(device for device in devices if role in device.device_map.roles)


def taking(devices: Iterable[M], setpoint: str) -> tuple[M, ...]:
    """The devices that take the setpoint, in the order given."""
    return tuple(device for device in devices if setpoint in device.device_map.setpoints)


def battery_command(maps: Sequence[Described]) -> BatteryCommand:
    """How the battery of a site with these device maps is commanded.

    The first way of COMMAND_POINTS that they offer counts. The rectifiers' voltage moves only a
    battery that stands on the bus, and not one behind the inverter that meters the grid. Raises
    MapError when they offer none.
    """
    offered = {name for device_map in maps for name in device_map.setpoints}
    on_the_bus = any("battery" in each.roles and "meter" not in each.roles for each in maps)
    for command, needed in COMMAND_POINTS.items():
        if offered.issuperset(needed) and (command != "rectifier_voltage" or on_the_bus):
            return command
    ways = " or ".join(" with ".join(needed) for needed in COMMAND_POINTS.values())
    names = ", ".join(device_map.name for device_map in maps) or "no map at all"
    raise MapError(f"no way to command the battery with {names}: a map must let {ways} be written")
