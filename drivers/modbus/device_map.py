"""A Modbus device model as data: what one map file holds. `map_reader.py` reads and checks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from drivers.errors import MapError
from drivers.map_schema import Evidence, MapName, MapPart, Text
from drivers.modbus.codec import decode
from drivers.modbus.companions import Register
from drivers.modbus.point_map import PointMap
from drivers.modbus.protocol import MAX_READ, Space
from drivers.points import POINTS, TRANSFORMED_UNITS
from drivers.roles import Role


class LinkLimits(MapPart):
    """What the device allows on the wire."""

    max_registers: Annotated[int, Field(ge=1, le=MAX_READ)]
    """Most registers in one frame."""
    gap_ms: Annotated[float, Field(ge=0, le=1000)]
    """Pause that the device needs between two requests."""
    worst_reply_ms: Annotated[float, Field(gt=0, le=30000)]
    """Slowest reply seen or documented. Late replies are recognised by it, so it must be true."""
    writes_per_day: Annotated[int, Field(ge=0)]
    """Points that may be written in a day, lease refreshes included; small where setpoints are kept
    in flash.
    """


class Identity(MapPart):
    """Registers whose content proves that the device is of this model."""

    space: Space
    address: Register
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=MAX_READ)]


class Nameplate(MapPart):
    """Registers that name this very unit: its serial number, or the version of its firmware."""

    space: Space
    address: Register
    count: Annotated[int, Field(ge=1, le=MAX_READ)]


class Block(MapPart):
    """Registers that are read with one request."""

    space: Space
    start: Register
    count: Annotated[int, Field(ge=1, le=MAX_READ)]
    fixed: Mapping[Register, Register] = {}
    """Words that some of its addresses must hold, such as scale factors, for the block to be
    plausible.
    """

    def contains(self, point: PointMap) -> bool:
        """Whether all registers of a point are in this block."""
        return all(
            self.has(point.space, first) and self.has(point.space, after - 1)
            for first, after in point.register_ranges
        )

    def has(self, space: Space, address: int) -> bool:
        """Whether a register is in this block."""
        return space == self.space and self.start <= address < self.start + self.count


class Lease(MapPart):
    """The device's own watchdog: without a setpoint write for this time it uses its safe values.

    The time is held in `timeout_point`. Where it cannot be set, `min_s` and `max_s` are both the
    device's own time.
    """

    timeout_point: str | None = None
    min_s: Annotated[float, Field(gt=0, le=86400)]
    max_s: Annotated[float, Field(gt=0, le=86400)]


class DeviceMap(MapPart):
    """One device model."""

    schema_version: Literal[1]
    protocol: Literal["modbus"] = "modbus"
    name: MapName
    title: Text
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    source: Text
    """Where the facts come from."""
    evidence: Evidence
    link: LinkLimits
    identity: Identity | None = None
    nameplate: tuple[Nameplate, ...] = ()
    """As far as they are known. With another serial number or firmware the sign of a battery's
    power is proved again.
    """
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]
    points: Annotated[Mapping[str, PointMap], Field(min_length=1)]
    lease: Lease | None = None

    @property
    def setpoints(self) -> tuple[str, ...]:
        """The points that may be written frequently."""
        return tuple(name for name, point in self.points.items() if point.storage == "volatile")

    def behind_transformers(self, ratio: float) -> DeviceMap:
        """The map of the same meter behind instrument transformers of this ratio: power and energy
        are what it shows times the ratio, and so are their steps and plausible limits.
        """
        scaled = {
            name: point.times(ratio) if POINTS[name][0] in TRANSFORMED_UNITS else point
            for name, point in self.points.items()
        }
        return self.model_copy(update={"points": scaled})

    def point(self, name: str) -> PointMap:
        """The point called `name`. Raises MapError when the device has none."""
        if name not in self.points:
            raise MapError(f"{self.name} has no point {name}; it has {', '.join(self.points)}")
        return self.points[name]

    def points_in(self, block: Block) -> tuple[str, ...]:
        """The points inside a block."""
        return tuple(name for name, point in self.points.items() if block.contains(point))

    def runs(self, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The points in runs of adjacent registers, each short enough for one frame; those of lower
        order first.
        """
        runs: list[list[str]] = []
        for name in sorted(names, key=self._write_order):
            if runs and self._continues(runs[-1], name):
                runs[-1].append(name)
            else:
                runs.append([name])
        return tuple(map(tuple, runs))

    def _continues(self, run: Sequence[str], name: str) -> bool:
        """Whether a point can share a frame with the run before it."""
        point = self.point(name)
        first, last = self.points[run[0]], self.points[run[-1]]
        if point.has_own_frames or last.has_own_frames or point.companions or last.companions:
            return False
        if point.space != last.space or point.address != last.end or point.order != last.order:
            return False
        return point.end - first.address <= self.link.max_registers

    def _write_order(self, name: str) -> tuple[int, str, int]:
        point = self.point(name)
        return point.order, point.space, point.address

    @property
    def fixed_writes(self) -> Mapping[int, int]:
        """The words that are written beside the values of points, by holding register. As far as is
        known, the registers read back like this too.
        """
        return {
            at: word for point in self.points.values() for at, word in point.fixed_writes.items()
        }

    def decode_write(self, address: int, words: Sequence[int]) -> dict[str, float]:
        """The values of the points that a write of these holding registers sets, as the device
        itself understands it. Words written beside a value set nothing.

        Raises LookupError for a part of a point and for a register that cannot be written,
        ValueError for a word or value that the map does not allow there.
        """
        sent = dict(enumerate(words, address))
        touched: dict[str, PointMap] = {}
        own: set[int] = set()
        for name, point in self.points.items():
            registers = range(point.address, point.end)
            if point.space == "holding" and not sent.keys().isdisjoint(registers):
                touched[name] = point
                own |= set(registers)
        if not all(point.writable for point in touched.values()) or not own <= sent.keys():
            raise LookupError("a part of a point, or one that is only read")
        copies = {at for point in self.points.values() for at in point.copy_registers}
        if unknown := sent.keys() - own - copies - self.fixed_writes.keys():
            raise LookupError(f"nothing to write at {min(unknown)}")
        for at, word in self.fixed_writes.items():
            if sent.get(at, word) != word:
                raise ValueError(f"register {at} accepts only {word}")
        values: dict[str, float] = {}
        for name, point in touched.items():
            value = decode(point.codec, [sent[at] for at in range(point.address, point.end)])
            if value is None or not point.min <= value <= point.max:
                raise ValueError(f"{name} must be within {point.min:g}..{point.max:g}")
            values[name] = value
        return values
