"""Simulated DL/T 645 meters on one line: behind a TCP port as a transparent serial server, or on a
serial port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from drivers.dlt645.frame import (
    ANYONE,
    END,
    READ,
    READ_ADDRESS,
    REFUSED,
    REPLY,
    Frame,
    encode_frame,
    take_frames,
)
from drivers.dlt645.meter_map import SCALED_UNITS, MeterMap, MeterPoint
from drivers.dlt645.numbers import encode_number
from drivers.points import POINTS
from drivers.simulated.endpoints import Endpoint, Say, TcpEndpoint
from drivers.simulated.faults import Fault, FaultKind, Where, cannot_happen
from drivers.simulated.server import DeviceServer

OTHER_ERROR: Final = 0x01
NO_SUCH_DATA: Final = 0x02
STARTING_S: Final = 2.0
"""A meter that starts anew is silent for so long."""


class ValueSource(Protocol):
    """What stands behind a meter."""

    def read_points(self) -> Mapping[str, float | None]:
        """The values of all points of the map at this moment; None or absent = not measured."""
        ...


@dataclass(frozen=True)
class SimulatedMeter:
    """One meter: what it shows, where that comes from, and the ratio of the transformers before it."""

    device_map: MeterMap
    source: ValueSource
    ratio: float = 1.0


class MeterServer(DeviceServer):
    """Serves meters, by address; `port` 0 lets the operating system choose, and stays after a
    restart.

    `place` is where they are served instead, such as a serial line.
    """

    is_line = True

    def __init__(
        self,
        host: str,
        port: int,
        meters: Mapping[str, SimulatedMeter],
        *,
        place: Endpoint | None = None,
    ) -> None:
        super().__init__(place or TcpEndpoint(host, port, shared=True))
        self._meters = dict(meters)
        self._started_s: dict[Where, float] = {}

    @property
    def devices(self) -> Mapping[Where, Mapping[str, object]]:
        """The points of each meter."""
        return {address: meter.device_map.points for address, meter in self._meters.items()}

    def objection(self, fault: Fault) -> str | None:
        """A meter is read only."""
        return cannot_happen(fault.kind, on_a_line=True, to_a_meter=True)

    def once(self, where: Where, kind: FaultKind) -> None:
        """It starts anew, and does not answer meanwhile."""
        self._started_s[where] = asyncio.get_running_loop().time() + STARTING_S

    def heard(self, received: bytearray, say: Say) -> None:
        """Answer what is asked of the meters that are there; the others are silent."""
        for request in take_frames(received):
            address = request.address
            if address == ANYONE and len(self._meters) == 1:
                address = next(iter(self._meters))
            meter = self._meters.get(address)
            if (
                meter is None
                or self._started_s.get(address, 0.0) > asyncio.get_running_loop().time()
            ):
                continue
            frame = encode_frame(self._reply(address, meter, request))
            if self.faults.find(address, "wrong-checksum"):
                frame = frame[:-2] + bytes((frame[-2] ^ 0xFF, END))
            self.answer(address, frame, say)

    def _reply(self, address: str, meter: SimulatedMeter, request: Frame) -> Frame:
        if error := self.faults.find(address, "exception"):
            return _refused(address, request, int(error.value or OTHER_ERROR))
        if request.control == READ_ADDRESS:
            return Frame(address, REPLY | READ_ADDRESS, bytes.fromhex(address)[::-1])
        if request.control == READ and len(request.data) >= 4:
            item = int.from_bytes(request.data[:4], "little")
            for name, point in meter.device_map.points.items():
                if point.item == item:
                    number = self._number(address, meter, name, point)
                    if self.faults.find(address, "short-reply"):
                        number = number[:-1]
                    return Frame(address, REPLY | READ, request.data[:4] + number)
        return _refused(address, request, NO_SUCH_DATA)

    def _number(self, address: str, meter: SimulatedMeter, name: str, point: MeterPoint) -> bytes:
        value = self.faults.distort(address, meter.source.read_points()).get(name)
        if value is not None and POINTS[name][0] in SCALED_UNITS:
            value /= meter.ratio
        if value is not None:  # all its digits are all that it can show
            largest = point.form.largest
            value = max(-largest if point.signed else 0.0, min(value, largest))
        return encode_number(point.form, value)


def _refused(address: str, request: Frame, code: int) -> Frame:
    return Frame(address, REPLY | REFUSED | request.control, bytes((code & 0xFF,)))
