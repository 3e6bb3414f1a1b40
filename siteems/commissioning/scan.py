"""Find the devices on a link and describe them as part of a site file, for `siteems scan`."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drivers.address import parse_address
from drivers.catalogue import known_maps, load_map
from drivers.dlt645.link import Dlt645Link
from drivers.errors import DriverError, LinkTimeout, MapError
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.map_writer import map_text
from drivers.modbus.protocol import UNITS_TEXT, can_be_unit
from drivers.model_evidence import Candidate
from drivers.scan import FoundUnit, scan_link
from drivers.sunspec.discovery import SunSpecDevice
from drivers.sunspec.mapping import device_map, name_of
from siteems.errors import UserError

LINK = "found"
"""Name of the link in the printed part of a site file."""
METER_MODEL = "dlt645-three-phase"


@dataclass(frozen=True)
class FoundDevice:
    """A device that answered, as a site file describes it."""

    where: str
    """Unit or address on the link, as text."""
    title: str
    roles: tuple[str, ...]
    map: str | None
    """Name of its device model; None if no model fits it."""
    key: str
    """The line of the site file that addresses it, such as `unit = 3`."""
    notes: tuple[str, ...] = ()
    map_text: str | None = None
    """Content of a map file made from its SunSpec description, to be saved as `<map>.toml`."""


def parse_units(text: str) -> tuple[int, ...]:
    """Modbus unit ids from text such as `1-20,40`, in that order. Raises `UserError`."""
    units: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        named = range(first, min(last, 256) + 1)
        if not named or not all(can_be_unit(unit, is_rtu=False) for unit in named):
            raise UserError(
                f"--units {text}: {part.strip()!r} is not a unit id or range; "
                f"allowed are {UNITS_TEXT}, such as 0-20,40"
            )
        units += named
    return tuple(dict.fromkeys(units))


def find_devices(
    url: str, units: Sequence[int], timeout_s: float, on_polled: Callable[[int], None]
) -> tuple[FoundDevice, ...]:
    """Poll a link and identify the devices that answer; nothing is written to them.

    `on_polled` is called with each Modbus unit once it was polled. Raises `UserError` if the link
    cannot be used.
    """
    try:
        address = parse_address(url)
    except ValueError as error:
        raise UserError(str(error)) from error
    if address.protocol == "tls":
        raise UserError(
            f"{url}: tls links cannot be scanned, because their credentials are in a site file"
        )
    for unit in () if address.is_dlt645 else units:
        if not can_be_unit(unit, is_rtu=address.is_rtu):
            raise UserError(f"{url} has no unit {unit}; allowed are {UNITS_TEXT}")
    try:
        if address.is_dlt645:
            return asyncio.run(_find_meter(url, timeout_s))
        return asyncio.run(_find_units(url, units, timeout_s, on_polled))
    except DriverError as error:
        raise UserError(str(error)) from error


async def _find_meter(url: str, timeout_s: float) -> tuple[FoundDevice, ...]:
    """The DL/T 645 meter of a line. If there are several, their replies collide: none is found."""
    link = Dlt645Link(url, timeout_s=max(timeout_s, 1.0))
    try:
        address = await link.find_address()
    except LinkTimeout:
        return ()
    finally:
        await link.close()
    model = load_map(METER_MODEL)
    return (
        FoundDevice(
            where=f"address {address}",
            title=model.title,
            roles=model.roles,
            map=METER_MODEL,
            key=f'address = "{address}"',
            notes=("a meter behind instrument transformers needs their `ratio`",),
        ),
    )


async def _find_units(
    url: str, units: Sequence[int], timeout_s: float, on_polled: Callable[[int], None]
) -> tuple[FoundDevice, ...]:
    models = map(load_map, known_maps())
    modbus_models = [model for model in models if isinstance(model, DeviceMap)]
    link = ModbusLink(url, timeout_s=timeout_s)
    try:
        found = await scan_link(link, units, modbus_models, on_polled)
    finally:
        await link.close()
    return tuple(map(_found_device, found))


def _found_device(found: FoundUnit) -> FoundDevice:
    if found.every_unit:
        one = _found_device(replace(found, every_unit=False))
        note = "it answers each unit id that was polled, so it is taken as one device"
        return replace(one, notes=(*one.notes, note))
    if found.sunspec is not None:
        return _sunspec_device(found.unit, found.sunspec)
    where, key = f"unit {found.unit}", f"unit = {found.unit}"
    if len(found.maps) == 1:
        model = load_map(found.maps[0])
        return FoundDevice(where, model.title, model.roles, model.name, key)
    if found.candidates:
        notes = tuple(map(_candidate_note, found.candidates))
        only = found.candidates[0]
        if len(found.candidates) > 1 or not only.is_probable:
            return FoundDevice(where, "not sure which model", (), None, key, notes)
        model = load_map(only.map_name)
        title = f"probably {model.title}"
        return FoundDevice(where, title, model.roles, model.name, key, notes)
    title = found.problem or "answers, but fits no device model of siteems"
    return FoundDevice(where, title, (), None, key)


def _candidate_note(candidate: Candidate) -> str:
    name = candidate.map_name
    values = ", ".join(f"{point} {value:.4g} {unit}" for point, value, unit in candidate.evidence)
    return f"candidate {name}, {load_map(name).title}: it would read {values}"


def _sunspec_device(unit: int, sunspec: SunSpecDevice) -> FoundDevice:
    where, key = f"unit {unit}", f"unit = {unit}"
    title = f"{sunspec.manufacturer} {sunspec.model}, serial {sunspec.serial or 'unknown'}"
    models = ", ".join(str(model.id) for model in sunspec.models)
    name = name_of(sunspec, unit)
    try:
        made = device_map(sunspec, name)
    except MapError as error:
        notes = (f"SunSpec models {models}", str(error))
        return FoundDevice(where, title, (), None, key, notes)
    comments = (
        f"{title}; SunSpec models {models} from register {sunspec.base}.",
        "Generated from the device's own description. Compare the signs with its display before",
        "it is driven: `siteems devices try` reads it once. docs/battery-commands.md says what",
        "a device needs so that it can be driven.",
    )
    return FoundDevice(
        where,
        title,
        made.roles,
        name,
        key,
        notes=(f"SunSpec models {models}",),
        map_text=map_text(made, *comments),
    )


def site_part(url: str, devices: Sequence[FoundDevice]) -> str:
    """The links and devices of a site file as TOML. A device without a map is a comment."""
    lines = [f"[links.{LINK}]", f'url = "{url}"']
    seen = Counter[str]()
    for device in devices:
        lines += ["", f"# {device.where}: {device.title}", *(f"# {note}" for note in device.notes)]
        if device.map is None:
            continue
        role = device.roles[0]
        seen[role] += 1
        name = role if seen[role] == 1 else f"{role}-{seen[role]}"
        file = f"{device.map}.toml" if device.map_text is not None else device.map
        lines += [
            "[[devices]]",
            f'name = "{name}"',
            f'map = "{file}"',
            f'link = "{LINK}"',
            device.key,
        ]
    return "\n".join(lines)


def save_maps(devices: Sequence[FoundDevice], folder: Path) -> tuple[Path, ...]:
    """Write one map file for each SunSpec device; returns their paths.

    Existing files are not replaced. Raises `UserError`.
    """
    written = []
    for device in devices:
        if device.map_text is None or device.map is None:
            continue
        path = folder / f"{device.map}.toml"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(device.map_text)
        except FileExistsError as error:
            raise UserError(
                f"{path}: exists already; move it away first, or give another folder to --save"
            ) from error
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return tuple(written)


def as_data(url: str, devices: Sequence[FoundDevice]) -> dict[str, Any]:
    """The output of `siteems scan --json`."""
    return {
        "url": url,
        "devices": [
            {
                "where": d.where,
                "title": d.title,
                "roles": list(d.roles),
                "map": d.map,
                "notes": list(d.notes),
            }
            for d in devices
        ],
    }
