"""Device maps of any protocol: those that come with the package by their name, others by the path
of their file.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePath

from drivers.dlt645.meter_map import MeterMap, parse_meter_map
from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap, parse_map


def known_maps() -> tuple[str, ...]:
    """Names of the maps that come with the package, sorted."""
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in _folder().iterdir()
            if entry.name.endswith(".toml")
        )
    )


def is_map_file(name: str) -> bool:
    """Whether a map is named by its file and not by its name in the package."""
    return name.endswith(".toml")


@cache
def load_map(name: str) -> DeviceMap | MeterMap:
    """The map that comes with the package under `name`, or that stands in the file called so.

    Raises MapError when it is unknown, cannot be read or is wrong.
    """
    if is_map_file(name):
        file, text = name, _text(Path(name))
    elif name in known_maps():
        file = f"{name}.toml"
        text = (_folder() / file).read_text(encoding="utf-8")
    else:
        raise MapError(f"unknown device map {name!r}; known are {', '.join(known_maps())}")
    device_map = parse_meter_map(text, file) if _is_meter(text) else parse_map(text, file)
    if device_map.name != PurePath(file).stem:
        raise MapError(
            f"{file}: name = {device_map.name!r}: must be {PurePath(file).stem!r}, as the file is called"
        )
    return device_map


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MapError(f"{path}: cannot be read as a device map: {error}") from None


def _is_meter(text: str) -> bool:
    try:
        return tomllib.loads(text).get("protocol") == "dlt645"
    except tomllib.TOMLDecodeError:
        return False  # `parse_map` says what is wrong


def load_register_map(name: str) -> DeviceMap:
    """The map under `name` where only a Modbus device will do. Raises MapError for any other."""
    device_map = load_map(name)
    if not isinstance(device_map, DeviceMap):
        raise MapError(f"{name} is not a Modbus device")
    return device_map


def _folder() -> Traversable:
    return resources.files("drivers") / "maps"
