"""The device maps that come with the package, whatever protocol they are for: their names, and each by its name."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from drivers.devicemap import DeviceMap, parse_map
from drivers.dlt645.metermap import MeterMap, parse_meter_map
from drivers.errors import MapError


def known_maps() -> tuple[str, ...]:
    """Names of the maps that come with the package, sorted."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))
    )


@cache
def load_map(name: str) -> DeviceMap | MeterMap:
    """The map that comes with the package under `name`. Raises MapError when it is unknown or wrong."""
    if name not in known_maps():
        raise MapError(f"unknown device map {name!r}; known are {', '.join(known_maps())}")
    text = (_folder() / f"{name}.toml").read_text(encoding="utf-8")
    parse = parse_meter_map if tomllib.loads(text).get("protocol") == "dlt645" else parse_map
    device_map = parse(text, f"{name}.toml")
    if device_map.name != name:
        raise MapError(f"{name}.toml: name = {device_map.name!r}: must be {name!r}, as the file is called")
    return device_map


def load_register_map(name: str) -> DeviceMap:
    """The map under `name` where only a Modbus device will do. Raises MapError for any other."""
    device_map = load_map(name)
    if not isinstance(device_map, DeviceMap):
        raise MapError(f"{name} is not a Modbus device")
    return device_map


def _folder() -> Traversable:
    return resources.files("drivers") / "maps"
