"""Read one device once, as `siteems devices try` does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drivers.address import parse_address
from drivers.dlt645.meter_map import MeterMap
from drivers.modbus.device import Device
from drivers.points import POINTS
from siteems.commissioning.device_models import _map
from siteems.errors import UserError
from siteems.gateway.wiring import make_device, make_link
from siteems.site.model import DeviceEntry, Link


def try_once(
    name: str, url: str, unit: int, address: str | None, timeout_s: float
) -> dict[str, Any]:
    """Read a device once: identity, every point with its quality, and what went wrong. Raises
    `UserError`.
    """
    device_map = _map(name)
    try:
        is_meter = parse_address(url).is_dlt645
    except ValueError as error:
        raise UserError(str(error)) from error
    if is_meter != isinstance(device_map, MeterMap):
        raise UserError(f"{name} speaks {device_map.protocol}, and {url} is no link for it")
    if is_meter and address is None:
        raise UserError(f"{name} needs --address with its 12 digits")
    entry = DeviceEntry(
        name="tried",
        map=name,
        link="tried",
        unit=None if is_meter else unit,
        address=address if is_meter else None,
    )
    return asyncio.run(_read(entry, Link(url=url, timeout_s=timeout_s)))


async def _read(entry: DeviceEntry, link: Link) -> dict[str, Any]:
    links = {"tried": make_link("tried", link)}
    device = make_device(entry, links, lambda: datetime.now(UTC))
    try:
        identity = await device.check_identity() if isinstance(device, Device) else None
        reading = await device.read()
    finally:
        await links["tried"].close()
    return {
        "model": entry.map,
        "url": link.url,
        "where": entry.where,
        "identity": identity,
        "points": {
            name: {"value": point.value, "unit": POINTS[name][0], "quality": str(point.quality)}
            for name, point in reading.points.items()
        },
        "faults": list(reading.faults),
    }


def tried_page(found: Mapping[str, Any]) -> str:
    """`devices try` for people."""
    known = {True: "it is one", False: "IT IS SOMETHING ELSE", None: "cannot be told"}[
        found["identity"]
    ]
    lines = [f"{found['model']} at {found['url']} {found['where']}; identity: {known}"]
    for name, point in found["points"].items():
        value = "" if point["value"] is None else f"{point['value']:.6g}"
        unit = "" if point["unit"] == "1" or not value else point["unit"]
        quality = "" if point["quality"] == "good" else point["quality"]
        lines.append(f"  {name:26} {value:>12} {unit:5} {quality}".rstrip())
    return "\n".join([*lines, *(f"  fault: {fault}" for fault in found["faults"])])
