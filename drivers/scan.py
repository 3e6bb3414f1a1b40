"""Which units answer on a Modbus link, and of which model they are: read only, one request at a
time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from drivers.errors import DeviceError, DriverError, LinkDown, LinkTimeout
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.model_evidence import Candidate, candidate, fits
from drivers.points import Point
from drivers.sunspec.discovery import SunSpecDevice, discover

EVERY_UNIT: Final = 8
"""So many units, all that were asked, which answer alike are one device that ignores unit ids."""

AFTER_LOSS_S: Final = 1.0
"""Before the next unit is asked where a connection was lost: a gateway needs time to take another.
"""
LOST_FOR_GOOD: Final = 3
"""So many units in a row without a connection end a scan: it is the link and not the units."""


@dataclass(frozen=True)
class FoundUnit:
    """A unit that answers."""

    unit: int
    sunspec: SunSpecDevice | None = None
    maps: tuple[str, ...] = ()
    """Names of the maps whose identity it has."""
    candidates: tuple[Candidate, ...] = ()
    """Models without identity that it may be."""
    every_unit: bool = False
    """Whether it answers each of the unit ids that were asked: one device, not so many."""
    problem: str = ""
    """Why its model could not be found out."""


async def scan_link(
    link: ModbusLink, units: Sequence[int], maps: Sequence[DeviceMap], asked: Callable[[int], None]
) -> tuple[FoundUnit, ...]:
    """Ask each unit for its model; `asked` is called after each of them.

    A unit with trouble does not end the scan: its problem is in the result, and the next one is
    asked. Raises LinkDown when there is no connection from the start.
    """
    found: list[FoundUnit] = []
    connected, lost = False, 0
    for unit in units:
        try:
            one = await _ask(link, unit, maps)
            connected, lost = True, 0
        except LinkDown as error:
            if not error.sent and not connected:
                raise
            connected, lost = True, lost + 1
            one = FoundUnit(unit, problem=str(error))
        except DriverError as error:
            connected, lost = True, 0
            one = FoundUnit(unit, problem=str(error))
        if one is not None:
            found.append(one)
        asked(unit)
        if lost == LOST_FOR_GOOD:
            problem = f"{one.problem if one else ''}; the units after it were not asked"
            found[-1] = FoundUnit(unit, problem=problem)
            break
        if lost:
            await asyncio.sleep(AFTER_LOSS_S)
    if len(found) == len(units) >= EVERY_UNIT and len({_model(each) for each in found}) == 1:
        return (replace(found[0], every_unit=True),)
    return tuple(found)


def _model(found: FoundUnit) -> tuple[object, ...]:
    """What a unit is, without its number."""
    candidates = tuple(each.map_name for each in found.candidates)
    return found.sunspec, found.maps, candidates, bool(found.problem)


async def _ask(link: ModbusLink, unit: int, maps: Sequence[DeviceMap]) -> FoundUnit | None:
    try:
        sunspec = await discover(link, unit)
    except DeviceError as error:
        return FoundUnit(unit, problem=str(error))
    except LinkTimeout as silent:
        if silent.answered_as is not None:
            other = silent.answered_as
            return FoundUnit(unit, problem=f"answered as unit {other}: ask it as unit {other}")
        # Some devices do not answer requests for registers that they do not have.
        if not await _answers(link, unit):
            return None
        sunspec = None
    if sunspec is not None:
        return FoundUnit(unit, sunspec)
    identified = tuple([each.name for each in maps if await _has_identity(link, unit, each)])
    if identified:
        return FoundUnit(unit, maps=identified)
    candidates = [await _candidate(link, unit, each) for each in maps if each.identity is None]
    return FoundUnit(unit, candidates=tuple(each for each in candidates if each is not None))


async def _answers(link: ModbusLink, unit: int) -> bool:
    """Whether a unit answers for its first input register; silence at the first holding registers
    has been seen before.
    """
    try:
        await link.read(unit, "input", 0, 1, urgent=True)
    except DeviceError:
        return True
    except LinkTimeout:
        return False
    return True


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


async def _candidate(link: ModbusLink, unit: int, device_map: DeviceMap) -> Candidate | None:
    """A model without identity as a candidate: all of its points read plausible values, and one of
    them is evidence.
    """
    device = Device("scanned", device_map, link, unit, lambda: datetime.now(UTC))
    points: dict[str, Point] = {}
    for run in device_map.runs(device_map.points):
        reading = await device.read_points(run, urgent=True)
        if not fits(reading.points):
            return None
        points |= reading.points
    return candidate(device_map, points)
