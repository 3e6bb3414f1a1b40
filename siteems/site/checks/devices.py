"""Checks of device maps and of the roles that the devices of a site fill together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from drivers.catalogue import is_map_file, known_maps, load_map
from drivers.dlt645.meter_map import MeterMap
from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap
from drivers.roles import battery_command
from siteems.config.validation_error import ValidationError, choices
from siteems.site.model import DeviceEntry, Genset, Pv


def map_or_none(name: str) -> DeviceMap | MeterMap | None:
    """The device map of that name; None if it does not load, which `check_maps` reports."""
    try:
        return load_map(name)
    except MapError:
        return None


def check_maps(devices: tuple[DeviceEntry, ...]) -> Iterator[ValidationError]:
    """Each device map exists and loads."""
    for index, device in enumerate(devices):
        key_path = ("devices", index, "map")
        if device.map not in known_maps() and not is_map_file(device.map):
            hint = choices(device.map, known_maps())
            yield ValidationError(key_path, "no such device map", hint)
            continue
        try:
            load_map(device.map)
        except MapError as error:
            yield ValidationError(key_path, f"the map does not load: {error}", "correct the map")


def check_roles(
    devices: tuple[DeviceEntry, ...], pv: Pv | None, genset: Genset | None
) -> Iterator[ValidationError]:
    """No role is filled twice, and sections and devices come together.

    Two devices of one role are not supported: each would get the whole setpoint, and only one of
    them would be measured.
    """
    maps = _maps(devices)
    if maps is None:
        return
    roles = Counter[str](role for device_map in maps for role in device_map.roles)
    if roles["meter"] > 1:
        yield ValidationError(
            ("devices",),
            f"{roles['meter']} devices are a meter",
            "exactly one device measures the grid connection",
        )
    for role in ("rectifier", "battery", "solar", "genset"):
        if roles[role] > 1:
            yield ValidationError(
                ("devices",),
                f"{roles[role]} devices have the role {role}",
                "at most one device has it",
            )
    yield from _section_errors("solar", roles["solar"] > 0, "pv", pv is not None)
    yield from _section_errors("genset", roles["genset"] > 0, "genset", genset is not None)


def check_drivable(devices: tuple[DeviceEntry, ...]) -> Iterator[ValidationError]:
    """The devices have the roles and the battery command without which a site is not driven."""
    maps = _maps(devices)
    if maps is None:
        return
    roles = {role for device_map in maps for role in device_map.roles}
    if "meter" not in roles:
        yield ValidationError(
            ("devices",), "no device is a meter", "exactly one device measures the grid connection"
        )
    for role in ("rectifier", "battery"):
        if role not in roles:
            yield ValidationError(
                ("devices",),
                f"no device has the role {role}",
                f"exactly one device has the role {role}",
            )
    if "battery" in roles:
        try:
            battery_command(maps)
        except MapError as error:
            yield ValidationError(("devices",), str(error), "add a device that can")


def _maps(devices: tuple[DeviceEntry, ...]) -> list[DeviceMap | MeterMap] | None:
    """The maps of all devices; None where one does not load, which `check_maps` reports."""
    maps = [loaded for device in devices if (loaded := map_or_none(device.map)) is not None]
    return maps if len(maps) == len(devices) else None


def _section_errors(
    role: str, has_device: bool, section: str, has_section: bool
) -> Iterator[ValidationError]:
    """A section of the site file and the device with its role come together."""
    if has_section and not has_device:
        yield ValidationError(
            (section,),
            f"no device has the role {role}",
            f"add the device or remove [{section}]",
        )
    if has_device and not has_section:
        yield ValidationError(
            (section,),
            "is missing",
            f"a device has the role {role}: add [{section}] or remove the device",
        )
