"""Device maps of any protocol: those of the package by name, others by the path of their file."""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePath

from drivers.dlt645.meter_map import MeterMap, parse_meter_map
from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.map_reader import parse_map
from drivers.toml_text import TomlError, read_toml


def known_maps() -> tuple[str, ...]:
    """Names of the maps that come with the package, sorted."""
    files = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def is_map_file(name: str) -> bool:
    """Whether a map is named by the path of its file and not by its name in the package."""
    return name.endswith(".toml")


@cache
def load_map(name: str) -> DeviceMap | MeterMap:
    """The map that comes with the package under `name`, or the one in the file with this path.

    Raises MapError when it is unknown, cannot be read or is wrong.
    """
    if is_map_file(name):
        file, text = name, _text(Path(name))
    elif name in known_maps():
        file = f"{name}.toml"
        text = (_folder() / file).read_text(encoding="utf-8")
    else:
        raise MapError(f"unknown device map {name!r}; known are {', '.join(known_maps())}")
    device_map = parse_meter_map(text, file) if _is_dlt645(text) else parse_map(text, file)
    stem = PurePath(file).stem
    if device_map.name != stem:
        raise MapError(f"{file}: name = {device_map.name!r}: must be {stem!r}, like its file")
    return device_map


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MapError(f"{path}: cannot be read as a device map: {error}") from None


def _is_dlt645(text: str) -> bool:
    try:
        return read_toml(text).get("protocol") == "dlt645"
    except TomlError:
        return False  # `parse_map` reports what is wrong


def _folder() -> Traversable:
    return resources.files("drivers") / "maps"
