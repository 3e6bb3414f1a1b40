"""One Modbus device behind a link: reads the points of its map, and writes values for the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from drivers.errors import DeviceRefused, DriverError, LinkError, LinkTimeout
from drivers.modbus.codec import decode, encode
from drivers.modbus.device_map import Block, DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.point_map import PointMap
from drivers.modbus.protocol import BUSY_CODES
from drivers.modbus.silent_blocks import BlockOrder
from drivers.points import Point, Quality, Reading, known, physical

_UNREACHABLE = Point(None, Quality.UNREACHABLE)
_IMPLAUSIBLE = Point(None, Quality.IMPLAUSIBLE)


class Device:
    """A device of the site: its model (`device_map`), its `link` and `unit`, and a clock, UTC."""

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
        """Who may write its setpoints; kept by the write gate."""
        self.busy_answers = 0
        """How often it has answered that it is busy."""
        self._link, self._unit, self._now = link, unit, now
        self._order = BlockOrder(device_map.blocks)
        limits = device_map.link
        link.expect(unit, reply_s=limits.worst_reply_ms / 1000, gap_s=limits.gap_ms / 1000)

    async def read(self) -> Reading:
        """All points of the map, block by block. Failures are never raised; they show in the
        quality of the points.

        A block that stays silent while others answer is asked last, and seldom
        (`silent_blocks.py`), so that it hides none of the others.
        """
        order, device_map = self._order, self.device_map
        blocks, resting = order.begin(_loop_s())
        requests = [(block, device_map.points_in(block)) for block in blocks]
        reading = await self._reading(requests, order)
        if order.judge(_loop_s()):
            self._link.answers(self._unit)
        points, faults = dict(reading.points), list(reading.faults)
        for block in resting:
            points |= dict.fromkeys(device_map.points_in(block), _UNREACHABLE)
            where = f"unit {self._unit}, {block.space} {block.start}"
            faults.append(f"{self._link.url} {where}: did not answer, and is not asked again yet")
        in_order = known({name: points[name] for name in device_map.points})
        return Reading(self.name, reading.time, in_order, tuple(faults))

    async def read_points(self, names: Iterable[str], *, urgent: bool = False) -> Reading:
        """Only these points, with requests that cover just their registers.

        Raises MapError for a point that the device does not have, and nothing else.
        """
        return await self._reading(
            [(self._span(run), run) for run in self.device_map.runs(names)], urgent=urgent
        )

    async def write_points(self, values: Mapping[str, float], *, urgent: bool = False) -> None:
        """Encode and write these values, adjacent registers in one frame, with the words that the
        map writes before, beside and after them.

        Only the write gate may call this: nothing is checked here. Raises LinkError or DeviceError
        when the device did not confirm, DriverError for a value that cannot be encoded. The first
        frame that fails is the last one sent.
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
                try:
                    await self._link.write(self._unit, address, words, urgent=urgent)
                except DeviceRefused as refused:
                    self._is_busy(refused)
                    raise

    async def check_identity(self) -> bool | None:
        """Whether the device is of the map's model; None when the map has no identity or the device
        does not answer, or is busy.
        """
        identity = self.device_map.identity
        if identity is None:
            return None
        try:
            found = await self._link.read(
                self._unit, identity.space, identity.address, len(identity.registers)
            )
        except DeviceRefused as refused:
            return None if self._is_busy(refused) else False
        except DriverError:
            return None
        return found == identity.registers

    async def _reading(
        self,
        requests: Iterable[tuple[Block, tuple[str, ...]]],
        order: BlockOrder | None = None,
        *,
        urgent: bool = False,
    ) -> Reading:
        time = self._now()
        points: dict[str, Point] = {}
        faults: list[str] = []
        for block, names in requests:
            try:
                words = await self._link.read(
                    self._unit, block.space, block.start, block.count, urgent=urgent
                )
            except DriverError as exc:
                if isinstance(exc, DeviceRefused):
                    self._is_busy(exc)
                if order is not None and isinstance(exc, LinkTimeout) and exc.sent:
                    order.unanswered(block)
                elif order is not None and not isinstance(exc, LinkError):
                    order.answered(block)
                faults.append(str(exc))
                points |= dict.fromkeys(names, _UNREACHABLE)
                continue
            if order is not None:
                order.answered(block)
            changed = [at for at, word in block.fixed.items() if words[at - block.start] != word]
            if changed:
                faults.append(
                    f"{self.name}: {block.space} {changed[0]} does not hold what the map states; "
                    "the device may have been replaced"
                )
                points |= dict.fromkeys(names, _IMPLAUSIBLE)
                continue
            for name in names:
                point = self.device_map.points[name]
                parts = [
                    words[first - block.start : after - block.start]
                    for first, after in point.register_ranges
                ]
                points[name] = physical(name, _point(point, parts))
        return Reading(self.name, time, points, tuple(faults))

    def _is_busy(self, refused: DeviceRefused) -> bool:
        """Whether it refused because it is busy; if so, this is counted."""
        busy = refused.code in BUSY_CODES
        self.busy_answers += busy
        return busy

    def _span(self, run: tuple[str, ...]) -> Block:
        """The registers from the first to the last one of a run of points."""
        points = [self.device_map.points[name] for name in run]
        ranges = [each for point in points for each in point.register_ranges]
        start, end = min(first for first, _ in ranges), max(after for _, after in ranges)
        return Block(space=points[0].space, start=start, count=end - start)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()


def _point(point: PointMap, parts: Sequence[tuple[int, ...]]) -> Point:
    """The value of a point, the sum of its parts. When one part is missing, so is the sum."""
    values = [decode(point.codec, words) for words in parts]
    available = [value for value in values if value is not None]
    if len(available) < len(values):
        return Point(None, Quality.MISSING)
    value = available[0] if len(available) == 1 else sum(available)
    if not point.min <= value <= point.max:
        return _IMPLAUSIBLE
    return Point(value, Quality.GOOD)
