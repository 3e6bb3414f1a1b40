"""Simulated devices: the register maps served over real Modbus TCP, with a source of values behind each unit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.codec import encode
from drivers.devicemap import DeviceMap
from drivers.faults import Fault, Faults
from drivers.link import Space

_log = logging.getLogger(__name__)

_READS: Final[Mapping[int, Space]] = {3: "holding", 4: "input"}
_WRITES: Final = (6, 16)
SILENCE_S: Final = 60.0
"""A silent unit answers after this long, when nobody listens any more."""


class PointSource(Protocol):
    """What stands behind the registers of one unit."""

    def read_points(self) -> Mapping[str, float | None]:
        """The values of all points of the map at this moment; None or absent = not available."""

    def write_point(self, name: str, value: float) -> None:
        """Take a written value. Raises ValueError to refuse it."""

    def restart(self) -> None:
        """Start anew, as after a power cut."""


@dataclass(frozen=True)
class SimulatedUnit:
    """One unit of the server: which registers it has, and where their content comes from."""

    device_map: DeviceMap
    source: PointSource


class RegisterServer:
    """Modbus server for simulated units; `port` 0 lets the operating system choose, and stays after a restart.

    With `framing` "rtu" it is what a transparent serial server shows of the devices behind it.
    """

    def __init__(
        self, host: str, port: int, units: Mapping[int, SimulatedUnit], *, framing: Literal["tcp", "rtu"] = "tcp"
    ) -> None:
        self._host, self._port = host, port
        self._framer = FramerType.RTU if framing == "rtu" else FramerType.SOCKET
        self.faults = Faults()
        """What goes wrong; empty at first."""
        self._units = dict(units)
        self._server: ModbusTcpServer | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when the address cannot be used."""
        devices = [_Registers(number, unit, self.faults).served() for number, unit in self._units.items()]
        server = ModbusTcpServer(
            [*devices, _nobody()], framer=self._framer, address=(self._host, self._port), trace_pdu=self._trace
        )
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            raise OSError(f"cannot listen on {self._host}:{self._port}, perhaps the port is in use") from None
        self._server = server
        self._port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # a TCP server has sockets
        return self._port

    async def inflict(self, fault: Fault) -> None:
        """Put a fault in force, or do it where it happens once.

        Raises ValueError for a unit or point that is not there.
        """
        unit = self._units.get(fault.unit)
        if unit is None and fault.kind != "hang-up":
            raise ValueError(f"fault {fault.kind}: no unit {fault.unit}; there are {', '.join(map(str, self._units))}")
        if unit is not None and fault.point is not None and fault.point not in unit.device_map.points:
            raise ValueError(f"fault {fault.kind}: {unit.device_map.name} has no point {fault.point}")
        if fault.kind == "hang-up":
            await self.stop()
            await self.start()
        elif fault.kind == "restart":
            assert unit is not None
            unit.source.restart()
        else:
            self.faults.add(fault)

    def _trace(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        """Shorten what is sent, where that is asked for."""
        if sending and self.faults.find(pdu.dev_id, "short-reply") and len(pdu.registers) > 1:
            pdu.registers = pdu.registers[:-1]
        return pdu

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # untyped in pymodbus
            self._server = None


class _Registers:
    """The registers of one unit. They exist only in the moment of a request; the source holds the state."""

    def __init__(self, number: int, unit: SimulatedUnit, faults: Faults) -> None:
        self._number, self._faults = number, faults
        self._map, self._source = unit.device_map, unit.source
        self._there = {
            (block.space, at) for block in self._map.blocks for at in range(block.start, block.start + block.count)
        }
        self._there |= {("holding", at) for point in self._map.points.values() for at in point.copied}
        self._there |= {("holding", at) for at in self._map.beside}
        probe = self._map.identity
        if probe is not None:
            self._there |= {(probe.space, at) for at in range(probe.address, probe.address + len(probe.registers))}

    def served(self) -> SimDevice:
        """One register space for all functions; `_answer` tells the spaces apart and fills it per request."""
        size = max(at for _, at in self._there) + 1
        return SimDevice(self._number, [SimData(0, count=size, datatype=DataType.REGISTERS)], action=self._answer)

    async def _answer(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """What pymodbus calls for each request; it would swallow a fault of the source."""
        if self._faults.find(self._number, "silent"):
            await asyncio.sleep(SILENCE_S)
        if slow := self._faults.find(self._number, "slow"):
            await asyncio.sleep(slow.value or 0.0)
        if refusal := self._faults.find(self._number, "exception"):
            return ExcCodes(int(refusal.value or 4))
        try:
            return self._serve(function, start, address, count, registers, written)
        except Exception:
            _log.exception("simulated %s cannot answer for %d registers at %d", self._map.name, count, address)
            return ExcCodes.DEVICE_FAILURE

    def _serve(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        # pymodbus confirms function 6 by reading the register back under the same function code.
        space = "holding" if function in _WRITES else _READS.get(function)
        if space is None:
            return ExcCodes.ILLEGAL_FUNCTION
        if not self._there.issuperset((space, at) for at in range(address, address + count)):
            return ExcCodes.ILLEGAL_ADDRESS
        if written is not None:
            return self._take(address, [int(word) for word in written])
        registers[address - start : address - start + count] = self._content(space, address, count)
        return None

    def _content(self, space: Space, address: int, count: int) -> list[int]:
        content = [0] * count

        def put(at: int, words: tuple[int, ...]) -> None:
            for offset, word in enumerate(words, at - address):
                if 0 <= offset < count:
                    content[offset] = word

        values = self._faults.distort(self._number, self._source.read_points())
        for name, point in self._map.points.items():
            if point.space == space:
                words = encode(point.codec, values.get(name))
                swapped = self._faults.find(self._number, "word-swap", name)
                put(point.address, words[::-1] if swapped else words)
                for at in point.also:  # the first part carries all of it
                    put(at, encode(point.codec, 0.0))
                for at in point.copies:
                    put(at, words)
        if space == "holding":
            for at, word in self._map.beside.items():
                put(at, (word,))
        for block in self._map.blocks:
            if block.space == space:
                for at, word in block.fixed.items():
                    put(at, (word,))
        probe = self._map.identity
        if probe is not None and probe.space == space:
            put(probe.address, probe.registers)
        return content

    def _take(self, address: int, words: list[int]) -> ExcCodes | None:
        """Hand over what was written, or nothing when a part of it cannot be."""
        try:
            values = self._map.written(address, words)
        except LookupError:
            return ExcCodes.ILLEGAL_ADDRESS
        except ValueError:
            return ExcCodes.ILLEGAL_VALUE
        try:
            if any(self._faults.find(self._number, "refused-write", name) for name in values):
                return ExcCodes.ILLEGAL_VALUE
            for name, value in values.items():
                if self._faults.find(self._number, "ignored-write", name):
                    continue
                clamp = self._faults.find(self._number, "clamped-write", name)
                most = value if clamp is None or clamp.value is None else clamp.value
                self._source.write_point(name, min(value, most))
        except ValueError:
            return ExcCodes.ILLEGAL_VALUE
        return None


async def _absent(*_: object) -> ExcCodes:
    return ExcCodes.GATEWAY_NO_RESPONSE


def _nobody() -> SimDevice:
    """Answers for every unit that is not there, as a gateway does."""
    return SimDevice(0, [SimData(0, count=65536, datatype=DataType.REGISTERS)], action=_absent)
