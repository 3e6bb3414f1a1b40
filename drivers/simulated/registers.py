"""The registers of one simulated unit: its map, applied to reads and writes, with its faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from drivers.modbus.device_map import DeviceMap
from drivers.modbus.protocol import Space
from drivers.simulated.companion_words import companion_words, point_words
from drivers.simulated.faults import Faults

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4


class PointSource(Protocol):
    """Supplies and takes the values behind the registers of one unit."""

    def read_points(self) -> Mapping[str, float | None]:
        """The present values of all points of the map; None or absent = not available."""

    def write_point(self, name: str, value: float) -> None:
        """Take a written value. Raises ValueError to refuse it."""

    def restart(self) -> None:
        """Restart, as after a power cut: forget all setpoints and use the safe values."""


@dataclass(frozen=True)
class SimulatedUnit:
    """One unit of the server: the map of its registers, and the source of their values."""

    device_map: DeviceMap
    source: PointSource


class Refusal(Exception):
    """Raised to answer a request with a Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Registers:
    """The registers of one unit. They are computed for each request; the source holds the state."""

    def __init__(self, number: int, unit: SimulatedUnit, faults: Faults) -> None:
        self._number, self._faults = number, faults
        self._map, self._source = unit.device_map, unit.source
        self._addresses = {
            (block.space, at)
            for block in self._map.blocks
            for at in range(block.start, block.start + block.count)
        }
        self._addresses |= {
            ("holding", at) for point in self._map.points.values() for at in point.copy_registers
        }
        self._addresses |= {("holding", at) for at in self._map.fixed_writes}
        for part in self._map.nameplate:
            self._addresses |= {(part.space, part.address + i) for i in range(part.count)}
        identity = self._map.identity
        if identity is not None:
            end = identity.address + len(identity.registers)
            self._addresses |= {(identity.space, at) for at in range(identity.address, end)}

    def read(self, space: Space, address: int, count: int) -> list[int]:
        """The content of these registers now. Raises `Refusal`."""
        self._check(space, address, count)
        return self._content(space, address, count)

    def starts(self, space: Space, count: int) -> tuple[int, ...]:
        """The addresses from which so many registers can be read."""
        held = sorted(at for where, at in self._addresses if where == space)
        return tuple(
            at for at in held if self._addresses.issuperset((space, at + i) for i in range(count))
        )

    def write(self, address: int, words: list[int]) -> None:
        """Write all of these registers, or none when one of them cannot be. Raises `Refusal`."""
        self._check("holding", address, len(words))
        self._take(address, words)

    def _check(self, space: Space, address: int, count: int) -> None:
        if not self._addresses.issuperset((space, at) for at in range(address, address + count)):
            raise Refusal(ILLEGAL_ADDRESS)

    def _content(self, space: Space, address: int, count: int) -> list[int]:
        content = [0] * count

        def put(at: int, words: tuple[int, ...]) -> None:
            for offset, word in enumerate(words, at - address):
                if 0 <= offset < count:
                    content[offset] = word

        values = self._faults.distort(self._number, self._source.read_points())
        for name, point in self._map.points.items():
            if point.space == space:
                words = point_words(point, values.get(name))
                swapped = self._faults.find(self._number, "word-swap", name)
                put(point.address, words[::-1] if swapped else words)
                for at in point.also:  # the first part has the whole sum
                    put(at, point_words(point, 0.0))
                for at in point.copies:
                    put(at, words)
        for at, word in companion_words(self._map, space, values).items():
            put(at, (word,))
        if space == "holding":
            for at, word in self._map.fixed_writes.items():
                put(at, (word,))
        for part in self._map.nameplate:
            if part.space == space:
                put(part.address, self._nameplate(part.count))
        for block in self._map.blocks:
            if block.space == space:
                for at, word in block.fixed.items():
                    put(at, (word,))
        identity = self._map.identity
        if identity is not None and identity.space == space:
            put(identity.address, identity.registers)
        return content

    def _nameplate(self, count: int) -> tuple[int, ...]:
        """Text such as "1111", with another digit after a change of firmware."""
        changed = self._faults.find(self._number, "new-firmware")
        digit = 1 if changed is None else int(changed.value or 0) % 10
        return (0x3030 + 0x0101 * digit,) * count

    def _take(self, address: int, words: list[int]) -> None:
        try:
            values = self._map.decode_write(address, words)
        except LookupError:
            raise Refusal(ILLEGAL_ADDRESS) from None
        except ValueError:
            raise Refusal(ILLEGAL_VALUE) from None
        try:
            taken = {
                name: self._faults.taken(self._number, name, value)
                for name, value in values.items()
            }
            for name, value in taken.items():
                if value is not None:
                    self._source.write_point(name, value)
        except ValueError:
            raise Refusal(ILLEGAL_VALUE) from None
