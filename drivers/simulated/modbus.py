"""Simulated devices: register maps served over real Modbus, with a source of values behind each
unit.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Mapping
from typing import Final

from drivers.modbus.protocol import MAX_READ, MAX_WRITE, Space
from drivers.simulated.another_master import AnotherMaster
from drivers.simulated.endpoints import Endpoint, Send, TcpEndpoint
from drivers.simulated.fault_kinds import FaultKind, cannot_happen
from drivers.simulated.faults import DeviceId, Fault
from drivers.simulated.modbus_frames import Framing, Request, reply_frame, take_requests
from drivers.simulated.registers import (
    DEVICE_FAILURE,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    PointSource,
    Refusal,
    Registers,
    SimulatedUnit,
)
from drivers.simulated.server import DeviceServer

__all__ = ["PointSource", "RegisterServer", "SimulatedUnit"]

_log = logging.getLogger(__name__)

_READS: Final[Mapping[int, Space]] = {3: "holding", 4: "input"}
WRITE_ONE: Final = 6
WRITE: Final = 16
GATEWAY_NO_RESPONSE: Final = 11


class RegisterServer(DeviceServer):
    """Modbus server for simulated units, at a TCP port or at another `endpoint`, such as a serial
    line.

    Port 0 lets the operating system choose one, which is kept over a restart. With `framing` "rtu"
    a TCP port behaves like a transparent serial server with the units on the line behind it.
    """

    def __init__(
        self,
        host: str,
        port: int,
        units: Mapping[int, SimulatedUnit],
        *,
        framing: Framing = "tcp",
        endpoint: Endpoint | None = None,
    ) -> None:
        super().__init__(endpoint or TcpEndpoint(host, port, shared=framing == "rtu"))
        self.is_line = framing == "rtu"
        self._framing, self._units = framing, dict(units)
        self._registers = {
            number: Registers(number, unit, self.faults) for number, unit in units.items()
        }
        self._another = AnotherMaster(self, self._registers)

    @property
    def devices(self) -> Mapping[DeviceId, Mapping[str, object]]:
        """The points of each unit."""
        return {number: unit.device_map.points for number, unit in self._units.items()}

    def objection(self, fault: Fault) -> str | None:
        """A frame of Modbus TCP has no checksum."""
        return cannot_happen(fault.kind, on_a_line=self.is_line, to_a_meter=False)

    async def start(self) -> int:
        """As of any server; another master goes on asking."""
        port = await super().start()
        self._another.begin(anew=True)
        return port

    async def inject(self, fault: Fault) -> None:
        """As of any server; another master begins to ask."""
        await super().inject(fault)
        self._another.begin()

    def happen_once(self, device: DeviceId, kind: FaultKind) -> None:
        """Restart the unit. An expired reversion timer has the same effect: it uses its safe
        values.
        """
        self._units[int(device)].source.restart()

    def process(self, received: bytearray, send: Send) -> None:
        """Answer the requests to units that are served. On Modbus TCP the gateway answers for the
        others, that they do not respond.
        """
        for request in take_requests(self._framing, received):
            self._another.overhears(request, send)
            if self._at_a_block_with("silent-block", request):
                continue
            if request.unit in self._units:
                frame = reply_frame(self._framing, request, self.reply(request))
                if self.faults.find(request.unit, "wrong-checksum"):
                    frame = frame[:-1] + bytes((frame[-1] ^ 0xFF,))
                self.answer(request.unit, frame, send)
            elif self._framing == "tcp":
                send(reply_frame(self._framing, request, _refused(request, GATEWAY_NO_RESPONSE)))

    def _at_a_block_with(self, kind: FaultKind, request: Request) -> Fault | None:
        """The fault of this kind at a point whose registers are requested."""
        unit = self._units.get(request.unit)
        if unit is None or request.function not in (*_READS, WRITE_ONE, WRITE):
            return None
        address, count = struct.unpack_from(">HH", request.data.ljust(4, b"\0"))
        asked = range(address, address + (1 if request.function == WRITE_ONE else count))
        space = _READS.get(request.function, "holding")
        for name, point in unit.device_map.points.items():
            fault = self.faults.find(request.unit, kind, name)
            touched = any(first in asked for first, _ in point.register_ranges)
            if fault is not None and point.space == space and touched:
                return fault
        return None

    def reply(self, request: Request) -> bytes:
        """Function and data of the answer."""
        try:
            refusal = self.faults.find(request.unit, "exception")
            if refusal := refusal or self._at_a_block_with("refused-block", request):
                raise Refusal(int(refusal.value or DEVICE_FAILURE))
            return self._served(request)
        except Refusal as refusal:
            return _refused(request, refusal.code)
        except Exception:
            _log.exception("simulated unit %d cannot answer %s", request.unit, request.data.hex())
            return _refused(request, DEVICE_FAILURE)

    def _served(self, request: Request) -> bytes:
        registers, function, data = self._registers[request.unit], request.function, request.data
        if function not in (*_READS, WRITE_ONE, WRITE):
            raise Refusal(ILLEGAL_FUNCTION)
        if len(data) < 4:
            raise Refusal(ILLEGAL_VALUE)
        address, count = struct.unpack_from(">HH", data)
        if function in _READS:
            if not 1 <= count <= MAX_READ:
                raise Refusal(ILLEGAL_VALUE)
            words = registers.read(_READS[function], address, count)
            if self.faults.find(request.unit, "short-reply") and count > 1:
                words = words[:-1]
            return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
        if function == WRITE_ONE:
            registers.write(address, [count])
            return bytes((function,)) + data[:4]
        if (
            not 1 <= count <= MAX_WRITE
            or data[4:5] != bytes((2 * count,))
            or len(data) != 5 + 2 * count
        ):
            raise Refusal(ILLEGAL_VALUE)
        registers.write(address, list(struct.unpack_from(f">{count}H", data, 5)))
        return bytes((function,)) + data[:4]


def _refused(request: Request, code: int) -> bytes:
    return bytes((request.function | 0x80, code))
