"""Which units answer on a Modbus link, and of which model they are: read only, one request at a
time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from drivers.errors import DeviceError, LinkDown, LinkTimeout
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.protocol import Space
from drivers.points import Quality
from drivers.sunspec.discovery import SunSpecDevice, discover

NEVER_ZERO: Final = ("mains_v", "bus_v", "battery_v", "frequency_hz")
"""Points that are never 0 on a device in operation. A map without identity must have one of them:
registers full of zeros would fit any map.
"""
PROBES: Final[Sequence[tuple[Space, int]]] = (("holding", 0), ("input", 0))
"""Registers that are read to see whether a unit answers at all."""

EVERY_UNIT: Final = 8
"""So many units, all that were asked, which answer alike are one device that ignores unit ids."""


@dataclass(frozen=True)
class FoundUnit:
    """A unit that answers."""

    unit: int
    sunspec: SunSpecDevice | None = None
    maps: tuple[str, ...] = ()
    """Names of the maps whose identity it has."""
    likely_maps: tuple[str, ...] = ()
    """Names of the maps without identity all of whose points read plausible values there."""
    every_unit: bool = False
    """Whether it answers each of the unit ids that were asked: one device, not so many."""
    problem: str = ""
    """Why its model could not be found out."""


async def scan_link(
    link: ModbusLink, units: Sequence[int], maps: Sequence[DeviceMap], asked: Callable[[int], None]
) -> tuple[FoundUnit, ...]:
    """Ask each unit for its model; `asked` is called after each of them.

    Raises LinkDown when there is no connection.
    """
    found: list[FoundUnit] = []
    for unit in units:
        try:
            one = await _ask(link, unit, maps)
        except LinkDown as error:
            if not error.sent:
                raise
            one = FoundUnit(unit, problem=str(error))  # the others may answer
        if one is not None:
            found.append(one)
        asked(unit)
    if len(found) == len(units) >= EVERY_UNIT and len({_model(each) for each in found}) == 1:
        return (replace(found[0], every_unit=True),)
    return tuple(found)


def _model(found: FoundUnit) -> tuple[object, ...]:
    """What a unit is, without its number."""
    return found.sunspec, found.maps, found.likely_maps, bool(found.problem)


async def _ask(link: ModbusLink, unit: int, maps: Sequence[DeviceMap]) -> FoundUnit | None:
    try:
        sunspec = await discover(link, unit)
    except DeviceError as error:
        return FoundUnit(unit, problem=str(error))
    except LinkTimeout:
        # Some devices do not answer requests for registers that they do not have.
        if not await _answers(link, unit):
            return None
        try:
            sunspec = await discover(link, unit, answers=True)
        except DeviceError as error:
            return FoundUnit(unit, problem=str(error))
        except LinkTimeout:
            sunspec = None
    if sunspec is not None:
        return FoundUnit(unit, sunspec)
    identified = tuple([each.name for each in maps if await _has_identity(link, unit, each)])
    if identified:
        return FoundUnit(unit, maps=identified)
    likely = tuple([each.name for each in maps if await _reads_plausible(link, unit, each)])
    return FoundUnit(unit, likely_maps=likely)


async def _answers(link: ModbusLink, unit: int) -> bool:
    for space, address in PROBES:
        try:
            await link.read(unit, space, address, 1, urgent=True)
        except DeviceError:
            return True
        except LinkTimeout:
            continue
        return True
    return False


async def _has_identity(link: ModbusLink, unit: int, device_map: DeviceMap) -> bool:
    identity = device_map.identity
    if identity is None:
        return False
    try:
        found = await link.read(
            unit, identity.space, identity.address, len(identity.registers), urgent=True
        )
    except (DeviceError, LinkTimeout):
        return False
    return found == identity.registers


async def _reads_plausible(link: ModbusLink, unit: int, device_map: DeviceMap) -> bool:
    """Whether all points of a map without identity read within their limits, and none of them 0
    that is never 0 in operation.
    """
    if device_map.identity is not None:
        return False
    device = Device("scanned", device_map, link, unit, lambda: datetime.now(UTC))
    for run in device_map.runs(device_map.points):
        reading = await device.read_points(run, urgent=True)
        for name, point in reading.points.items():
            if point.quality is not Quality.GOOD:
                return False
            if name in NEVER_ZERO and not point.value:
                return False
    return any(name in NEVER_ZERO for name in device_map.points)
