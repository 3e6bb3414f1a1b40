"""The fault `another-master`: requests on an RTU line that are not ours, and the answers to them.

It asks for as many registers as we did last, from each address in turn, so that its answers look
like those to us.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from drivers.modbus.protocol import READ_HOLDING, READ_INPUT, Space
from drivers.modbus.rtu_frames import framed
from drivers.simulated.endpoints import Send
from drivers.simulated.faults import Faults
from drivers.simulated.modbus_frames import Request
from drivers.simulated.registers import Registers

ANSWER_S: Final = 0.01
"""From its request to the answer; about what a device takes."""
SPACES: Final[Mapping[int, Space]] = {READ_HOLDING: "holding", READ_INPUT: "input"}


class Line(Protocol):
    """What it needs of the server of the line."""

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        ...

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something later, unless serving stops before."""
        ...

    def reply(self, request: Request) -> bytes:
        """Function and data of the answer to a request."""
        ...


class AnotherMaster:
    """Asks the units that have the fault, for as long as they have it."""

    def __init__(self, line: Line, registers: Mapping[int, Registers]) -> None:
        self._line, self._registers = line, registers
        self._asking: set[int] = set()
        self._asked: dict[int, tuple[int, int]] = {}
        """Function and count of the last read of each unit."""
        self._turn = 0
        self._hearers: Send | None = None

    def overhears(self, request: Request, send: Send) -> None:
        """Note what was asked, and how those on the line are reached."""
        self._hearers = send
        if request.function in SPACES and len(request.data) == 4:
            self._asked[request.unit] = request.function, struct.unpack(">HH", request.data)[1]

    def begin(self, *, anew: bool = False) -> None:
        """Ask the units that have the fault and are not asked yet; `anew` after a stop."""
        if anew:
            self._asking.clear()
        for unit in self._registers:
            fault = self._line.faults.find(unit, "another-master")
            if fault is not None and unit not in self._asking:
                self._asking.add(unit)
                self._wait(unit)

    def _wait(self, unit: int) -> None:
        fault = self._line.faults.find(unit, "another-master")
        if fault is None or fault.value is None:
            self._asking.discard(unit)
            return
        self._line.later(fault.value, lambda: self._ask(unit))

    def _ask(self, unit: int) -> None:
        function, count = self._asked.get(unit, (READ_HOLDING, 1))
        addresses = self._registers[unit].starts(SPACES[function], count)
        if addresses and self._hearers is not None:
            self._turn += 1
            address = addresses[self._turn % len(addresses)]
            data = struct.pack(">HH", address, count)
            self._hearers(framed(unit, bytes((function,)) + data))
            answer = framed(unit, self._line.reply(Request(unit, function, data)))
            self._line.later(ANSWER_S, lambda: self._say(answer))
        self._wait(unit)

    def _say(self, frame: bytes) -> None:
        if self._hearers is not None:
            self._hearers(frame)
