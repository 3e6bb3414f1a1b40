"""One device behind a link: reads its map's points with their quality, writes raw values for the
gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from drivers.errors import DeviceRefused, DriverError
from drivers.modbus.codec import decode, encode
from drivers.modbus.device_map import Block, DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.point_map import PointMap
from drivers.points import Point, Quality, Reading

_UNREACHABLE = Point(None, Quality.UNREACHABLE)
_IMPLAUSIBLE = Point(None, Quality.IMPLAUSIBLE)


class Device:
    """A device of the site: `device_map` says what it is, `link` and `unit` where it is, `now` the
    time (UTC).
    """

    def __init__(
        self,
        name: str,
        device_map: DeviceMap,
        link: ModbusLink,
        unit: int,
        now: Callable[[], datetime],
    ) -> None:
        self.name = name
        self.device_map = device_map
        self.owner: str | None = None
        """Who holds the setpoints; the write gate keeps it."""
        self._link, self._unit, self._now = link, unit, now
        limits = device_map.link
        link.expect(unit, reply_s=limits.worst_reply_ms / 1000, gap_s=limits.gap_ms / 1000)

    async def read(self) -> Reading:
        """All points of the map, block by block. Trouble shows in the points' quality and is never
        raised.
        """
        return await self._reading(
            (block, self.device_map.within(block)) for block in self.device_map.blocks
        )

    async def read_points(self, names: Iterable[str], *, urgent: bool = False) -> Reading:
        """Only these points, with requests of their own that cover just their registers.

        Raises MapError for a point that the device does not have, and nothing else.
        """
        return await self._reading(
            [(self._span(run), run) for run in self.device_map.runs(names)],
            urgent=urgent,
        )

    async def write_points(self, values: Mapping[str, float], *, urgent: bool = False) -> None:
        """Encode and write, adjacent registers in one frame. Only the write gate calls this:
        nothing is checked here.

        What the map writes before, beside and after a point goes with it.

        Raises LinkError or DeviceError when the device did not confirm, DriverError for a value
        that cannot be encoded; of several frames the first that fails ends it.
        """
        try:
            encoded = {
                name: encode(self.device_map.point(name).codec, value)
                for name, value in values.items()
            }
        except ValueError as exc:
            raise DriverError(f"{self.name}: {exc}") from None
        for run in self.device_map.runs(values):
            first = self.device_map.points[run[0]]
            frames = first.frames([word for name in run for word in encoded[name]])
            for address, words in frames:
                await self._link.write(self._unit, address, words, urgent=urgent)

    async def check_identity(self) -> bool | None:
        """Whether the device is of the map's model; None when the map has no probe or the device
        does not answer.
        """
        probe = self.device_map.identity
        if probe is None:
            return None
        try:
            found = await self._link.read(
                self._unit, probe.space, probe.address, len(probe.registers)
            )
        except DeviceRefused:
            return False
        except DriverError:
            return None
        return found == probe.registers

    async def _reading(
        self, requests: Iterable[tuple[Block, tuple[str, ...]]], *, urgent: bool = False
    ) -> Reading:
        time = self._now()
        points: dict[str, Point] = {}
        faults: list[str] = []
        for block, names in requests:
            try:
                registers = await self._link.read(
                    self._unit, block.space, block.start, block.count, urgent=urgent
                )
            except DriverError as exc:
                faults.append(str(exc))
                points |= dict.fromkeys(names, _UNREACHABLE)
                continue
            if moved := [
                at for at, word in block.fixed.items() if registers[at - block.start] != word
            ]:
                faults.append(
                    f"{self.name}: {block.space} {moved[0]} is not as in the map; is it another device now?"
                )
                points |= dict.fromkeys(names, _IMPLAUSIBLE)
                continue
            for name in names:
                point = self.device_map.points[name]
                parts = [
                    registers[first - block.start : after - block.start]
                    for first, after in point.places
                ]
                points[name] = _judged(point, parts)
        return Reading(self.name, time, points, tuple(faults))

    def _span(self, run: tuple[str, ...]) -> Block:
        points = [self.device_map.points[name] for name in run]
        places = [place for point in points for place in point.places]
        start, end = min(first for first, _ in places), max(after for _, after in places)
        return Block(space=points[0].space, start=start, count=end - start)


def _judged(point: PointMap, parts: Sequence[tuple[int, ...]]) -> Point:
    """The value of a point, its parts added up; one part that is missing is a sum that is missing."""
    values = [decode(point.codec, registers) for registers in parts]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return Point(None, Quality.MISSING)
    value = known[0] if len(known) == 1 else sum(known)
    if not point.min <= value <= point.max:
        return _IMPLAUSIBLE
    return Point(value, Quality.GOOD)
