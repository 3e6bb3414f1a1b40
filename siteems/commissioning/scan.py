"""`siteems scan`: what is on a link, and the part of a site file that describes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.address import parse_address
from drivers.catalogue import known_maps, load_map
from drivers.dlt645.link import Dlt645Link
from drivers.errors import DriverError, LinkTimeout, MapError
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.map_writer import map_text
from drivers.scan import Found, scan_link
from drivers.sunspec.mapping import device_map, name_of
from siteems.errors import UserError

LINK = "found"


@dataclass(frozen=True)
class Device:
    """One device that was found. `map` is none where none of ours fits; `text` is a map file to be
    kept.
    """

    where: str
    title: str
    roles: tuple[str, ...]
    map: str | None
    key: str
    """How the site file addresses it."""
    notes: tuple[str, ...] = ()
    text: str | None = None


def parse_units(words: str) -> tuple[int, ...]:
    """Unit ids from `1-20,40`. Raises `UserError` for what is none."""
    units: list[int] = []
    for part in words.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 247:
            raise UserError(
                f"--units {words}: {part.strip() or 'nothing'!r} is no unit; allowed are 1 to 247, as 1-20,40"
            )
        units += range(first, last + 1)
    return tuple(dict.fromkeys(units))


def scan(
    url: str, units: Sequence[int], timeout_s: float, told: Callable[[int], None]
) -> tuple[Device, ...]:
    """Ask who is on a link. Raises `UserError` when it cannot be used at all."""
    try:
        address = parse_address(url)
    except ValueError as error:
        raise UserError(str(error)) from error
    if address.protocol == "tls":
        raise UserError(
            f"{url}: a tls link is not scanned, for it needs the credentials of a site file"
        )
    try:
        return asyncio.run(
            _meter(url, timeout_s) if address.is_dlt645 else _units(url, units, timeout_s, told)
        )
    except DriverError as error:
        raise UserError(str(error)) from error


async def _meter(url: str, timeout_s: float) -> tuple[Device, ...]:
    """The one DL/T 645 meter of a line; several answer at once and cannot be told apart."""
    link = Dlt645Link(url, timeout_s=max(timeout_s, 1.0))
    try:
        address = await link.find_address()
    except LinkTimeout:
        return ()
    finally:
        await link.close()
    name = "dlt645-three-phase"
    found = load_map(name)
    notes = ("a meter behind transformers needs their `ratio`",)
    return (
        Device(
            f"address {address}", found.title, found.roles, name, f'address = "{address}"', notes
        ),
    )


async def _units(
    url: str, units: Sequence[int], timeout_s: float, told: Callable[[int], None]
) -> tuple[Device, ...]:
    maps = [found for name in known_maps() if isinstance(found := load_map(name), DeviceMap)]
    link = ModbusLink(url, timeout_s=timeout_s)
    try:
        return tuple(map(_described, await scan_link(link, units, maps, told)))
    finally:
        await link.close()


def _described(found: Found) -> Device:
    where, key = f"unit {found.unit}", f"unit = {found.unit}"
    if found.sunspec is not None:
        who = found.sunspec
        models = ", ".join(str(model.id) for model in who.models)
        title = f"{who.manufacturer} {who.model}, serial {who.serial or 'unknown'}"
        name = name_of(who, found.unit)
        try:
            made = device_map(who, name)
        except MapError as error:
            return Device(where, title, (), None, key, (f"SunSpec models {models}", str(error)))
        comments = (
            f"{title}; SunSpec models {models} from register {who.base}.",
            "Made from what the device says of itself. Compare signs with its display before it is driven:",
            "`siteems devices try` reads it once. What it must do to be driven stands in docs/levers.md.",
        )
        return Device(
            where,
            title,
            made.roles,
            name,
            key,
            (f"SunSpec models {models}",),
            map_text(made, *comments),
        )
    if len(found.maps) == 1:
        known = load_map(found.maps[0])
        return Device(where, known.title, known.roles, known.name, key)
    if found.likely:
        notes = tuple(f"reads well as {name}: {load_map(name).title}" for name in found.likely)
        only = load_map(found.likely[0]) if len(found.likely) == 1 else None
        if only is not None:
            return Device(where, f"probably a {only.title}", only.roles, only.name, key, notes)
        return Device(where, "one of several models", (), None, key, notes)
    what = found.trouble or "answers, but no device model that siteems has knows it"
    return Device(where, what, (), None, key)


def site_part(url: str, devices: Sequence[Device]) -> str:
    """The links and devices of a site file: TOML, with a comment for what has no map."""
    lines = [f"[links.{LINK}]", f'url = "{url}"']
    roles: dict[str, int] = {}
    for device in devices:
        lines += ["", f"# {device.where}: {device.title}", *(f"# {note}" for note in device.notes)]
        if device.map is None:
            continue
        role = device.roles[0]
        roles[role] = roles.get(role, 0) + 1
        name = role if roles[role] == 1 else f"{role}-{roles[role]}"
        file = f"{device.map}.toml" if device.text is not None else device.map
        lines += [
            "[[devices]]",
            f'name = "{name}"',
            f'map = "{file}"',
            f'link = "{LINK}"',
            device.key,
        ]
    return "\n".join(lines)


def save_maps(devices: Sequence[Device], folder: Path) -> tuple[Path, ...]:
    """Write the maps that were made, one file each, beside the site file. Raises `UserError`;
    nothing is replaced.
    """
    written = []
    for device in devices:
        if device.text is None or device.map is None:
            continue
        path = folder / f"{device.map}.toml"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(device.text)
        except FileExistsError as error:
            raise UserError(
                f"{path}: is there already; move it away first, or name another folder with --save"
            ) from error
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return tuple(written)


def as_data(url: str, devices: Sequence[Device]) -> dict[str, Any]:
    """What `--json` prints."""
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
