"""Who is on a Modbus link: every unit is asked a few things, gently, one request at a time, and
nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from drivers.errors import DeviceError, LinkTimeout
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.protocol import Space
from drivers.points import Quality
from drivers.sunspec.discovery import SunSpecDevice, discover

ALIVE = ("mains_v", "bus_v", "battery_v", "frequency_hz")
"""What is never 0 on a device at work; zeros prove nothing."""
KNOCKS: Sequence[tuple[Space, int]] = (("holding", 0), ("input", 0))


@dataclass(frozen=True)
class Found:
    """A unit that answers. `maps` know it by its identity; `likely` maps found all their points
    there, in range.
    """

    unit: int
    sunspec: SunSpecDevice | None = None
    maps: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()
    trouble: str = ""
    """Why it cannot be told more of it."""


async def scan_link(
    link: ModbusLink, units: Sequence[int], maps: Sequence[DeviceMap], told: Callable[[int], None]
) -> tuple[Found, ...]:
    """Ask every unit; `told` is called after each. Raises LinkDown when there is no connection."""
    found = []
    for unit in units:
        if (one := await _ask(link, unit, maps)) is not None:
            found.append(one)
        told(unit)
    return tuple(found)


async def _ask(link: ModbusLink, unit: int, maps: Sequence[DeviceMap]) -> Found | None:
    try:
        sunspec = await discover(link, unit)
    except DeviceError as error:
        return Found(unit, trouble=str(error))
    except LinkTimeout:
        # Some devices keep quiet about registers that they do not have.
        if not await _answers(link, unit):
            return None
        sunspec = None
    if sunspec is not None:
        return Found(unit, sunspec)
    known = tuple([each.name for each in maps if await _is(link, unit, each)])
    likely = () if known else tuple([each.name for each in maps if await _may_be(link, unit, each)])
    return Found(unit, maps=known, likely=likely)


async def _answers(link: ModbusLink, unit: int) -> bool:
    for space, address in KNOCKS:
        try:
            await link.read(unit, space, address, 1, urgent=True)
        except DeviceError:
            return True
        except LinkTimeout:
            continue
        return True
    return False


async def _is(link: ModbusLink, unit: int, device_map: DeviceMap) -> bool:
    probe = device_map.identity
    if probe is None:
        return False
    try:
        return (
            await link.read(unit, probe.space, probe.address, len(probe.registers), urgent=True)
            == probe.registers
        )
    except (DeviceError, LinkTimeout):
        return False


async def _may_be(link: ModbusLink, unit: int, device_map: DeviceMap) -> bool:
    """Whether a map that has no identity reads well there: every point in range, and not all of it
    zeros.
    """
    if device_map.identity is not None:
        return False
    device = Device("asked", device_map, link, unit, lambda: datetime.now(UTC))
    for run in device_map.runs(device_map.points):
        reading = await device.read_points(run, urgent=True)
        if any(point.quality is not Quality.GOOD for point in reading.points.values()):
            return False
        if any(not point.value for name, point in reading.points.items() if name in ALIVE):
            return False
    return any(name in ALIVE for name in device_map.points)
