"""One Modbus device behind a link: reads the points of its map, and writes values for the gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from drivers.errors import DeviceRefused, DriverError, LinkError, LinkTimeout
from drivers.modbus.codec import Codec, encode
from drivers.modbus.decoding import changed, point_in
from drivers.modbus.device_map import Block, DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.point_map import PointMap
from drivers.modbus.protocol import BUSY_CODES, Space
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
            faults.append(f"{self._link.url} {where}: was not asked: it did not answer before")
        in_order = known({name: points[name] for name in device_map.points})
        return Reading(self.name, reading.time, in_order, tuple(faults))

    async def read_points(self, names: Iterable[str], *, urgent: bool = False) -> Reading:
        """Only these points, with requests that cover just their registers.

        Raises MapError for a point that the device does not have, and nothing else.
        """
        spans = [(self._span(run), run) for run in self.device_map.runs(names)]
        return await self._reading([*self._beside(spans), *spans], urgent=urgent)

    async def write_points(self, values: Mapping[str, float], *, urgent: bool = False) -> None:
        """Encode and write these values, adjacent registers in one frame, with the words that the
        map writes before, beside and after them.

        Only the write gate may call this: nothing is checked here. Raises LinkError or DeviceError
        when the device did not confirm, DriverError for a value that cannot be encoded. The first
        frame that fails is the last one sent.
        """
        points = {name: self.device_map.point(name) for name in values}
        try:
            encoded = {
                name: encode(await self._present_codec(point, urgent=urgent), values[name])
                for name, point in points.items()
            }
        except ValueError as exc:
            raise DriverError(f"{self.name}: {exc}") from None
        for run in self.device_map.runs(values):
            first = points[run[0]]
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

    async def read_nameplate(self) -> tuple[tuple[int, ...] | None, ...]:
        """The registers that name this unit, part by part; None for a part that was not read."""
        parts: list[tuple[int, ...] | None] = []
        for part in self.device_map.nameplate:
            try:
                parts.append(
                    await self._link.read(self._unit, part.space, part.address, part.count)
                )
            except DriverError:
                parts.append(None)
        if None in parts:  # silence at registers that it lacks is not that of the unit
            self._link.answers(self._unit)
        return tuple(parts)

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
        words: dict[Space, dict[int, int]] = {"input": {}, "holding": {}}
        read: list[str] = []
        for block, names in requests:
            try:
                found = await self._link.read(
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
            words[block.space].update(enumerate(found, block.start))
            if others := changed(block.fixed, words[block.space]):
                faults.append(self._not_as_stated(block.space, others[0]))
                points |= dict.fromkeys(names, _IMPLAUSIBLE)
                continue
            read += names
        for name in read:
            point = self.device_map.points[name]
            points[name] = physical(name, point_in(words[point.space], point))
            if others := changed(point.fixed, words[point.space]):
                faults.append(self._not_as_stated(point.space, others[0]))
        return Reading(self.name, time, points, tuple(faults))

    def _not_as_stated(self, space: Space, at: int) -> str:
        return (
            f"{self.name}: {space} {at} does not hold what the map states; "
            "the device may have been replaced"
        )

    def _is_busy(self, refused: DeviceRefused) -> bool:
        """Whether it refused because it is busy; if so, this is counted."""
        busy = refused.code in BUSY_CODES
        self.busy_answers += busy
        return busy

    def _span(self, run: tuple[str, ...]) -> Block:
        """The registers from the first to the last one of a run of points, with those beside them
        in the same block that decide how they are read.
        """
        points = [self.device_map.points[name] for name in run]
        ranges = [each for point in points for each in point.register_ranges]
        for point in points:
            block = next(each for each in self.device_map.blocks if each.contains(point))
            ranges += [(at, at + 1) for at in point.companions if block.has(point.space, at)]
        start, end = min(first for first, _ in ranges), max(after for _, after in ranges)
        return Block(space=points[0].space, start=start, count=end - start)

    def _beside(
        self, spans: Sequence[tuple[Block, tuple[str, ...]]]
    ) -> list[tuple[Block, tuple[str, ...]]]:
        """Requests for the registers outside of these spans that decide how points are read."""
        wanted = {
            (point.space, at)
            for _, names in spans
            for point in (self.device_map.points[name] for name in names)
            for at in point.companions
            if not any(span.has(point.space, at) for span, _ in spans)
        }
        return [(Block(space=space, start=at, count=1), ()) for space, at in sorted(wanted)]

    async def _present_codec(self, point: PointMap, *, urgent: bool) -> Codec:
        """How a value is written now: with the scale factor that the device has at this time."""
        if point.scale_factor is None:
            return point.codec
        at = point.scale_factor.address
        (word,) = await self._link.read(self._unit, point.space, at, 1, urgent=urgent)
        powers = point.scale_factor.shift(word)
        if powers is None:
            raise DriverError(f"{self.name}: {point.space} {at} holds no scale factor")
        return point.codec_shifted(powers)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
