"""Read one device once, for `siteems devices try`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drivers.address import parse_address
from drivers.dlt645.meter_map import MeterMap
from drivers.modbus.device import Device
from drivers.modbus.protocol import UNITS_TEXT, can_be_unit
from drivers.points import POINTS
from siteems.commissioning.device_models import find_model
from siteems.errors import UserError
from siteems.gateway.wiring import make_device, make_link
from siteems.site.model import DeviceEntry, Link

NAME = "probed"
"""Name of the device and of the link for as long as it is read."""

IDENTITY_TEXT = {
    True: "confirmed",
    False: "NOT CONFIRMED: this is another device",
    None: "cannot be checked",
}


def probe(model: str, url: str, unit: int, address: str | None, timeout_s: float) -> dict[str, Any]:
    """Read a device once: its identity, every point with its quality, and the faults on the way.

    `unit` applies to Modbus devices, `address` (12 digits) to DL/T 645 meters. Raises `UserError`
    if the model, the link and the address do not fit each other.
    """
    device_map = find_model(model)
    try:
        where = parse_address(url)
    except ValueError as error:
        raise UserError(str(error)) from error
    is_dlt645 = where.is_dlt645
    if is_dlt645 != isinstance(device_map, MeterMap):
        raise UserError(f"{model} uses {device_map.protocol}, for which {url} is not a link")
    if not is_dlt645 and not can_be_unit(unit, is_rtu=where.is_rtu):
        raise UserError(f"{url} has no unit {unit}; allowed are {UNITS_TEXT}")
    if is_dlt645 and address is None:
        raise UserError(f"{model} needs its 12-digit address: --address DIGITS")
    if address is not None and not (
        address.isascii() and address.isdecimal() and len(address) == 12
    ):
        raise UserError(f"--address {address}: allowed are the 12 digits printed on the meter")
    entry = DeviceEntry(
        name=NAME,
        map=model,
        link=NAME,
        unit=None if is_dlt645 else unit,
        address=address if is_dlt645 else None,
    )
    return asyncio.run(_read(entry, Link(url=url, timeout_s=timeout_s)))


async def _read(entry: DeviceEntry, link: Link) -> dict[str, Any]:
    links = {NAME: make_link(NAME, link)}
    device = make_device(entry, links, lambda: datetime.now(UTC))
    try:
        # Read first: its troubles say why a device does not answer.
        reading = await device.read()
        identity = await device.check_identity() if isinstance(device, Device) else None
    finally:
        await links[NAME].close()
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


def probe_text(result: Mapping[str, Any]) -> str:
    """The text of `devices try`, from the result of `probe`."""
    identity = IDENTITY_TEXT[result["identity"]]
    lines = [f"{result['model']} at {result['url']} {result['where']}; identity: {identity}"]
    for name, point in result["points"].items():
        value = "" if point["value"] is None else f"{point['value']:.6g}"
        unit = "" if point["unit"] == "1" or not value else point["unit"]
        quality = "" if point["quality"] == "good" else point["quality"]
        lines.append(f"  {name:26} {value:>12} {unit:5} {quality}".rstrip())
    return "\n".join([*lines, *(f"  fault: {fault}" for fault in dict.fromkeys(result["faults"]))])
