"""Simulated DL/T 645 meters on one line: a serial port, or a transparent serial server."""

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
from drivers.dlt645.meter_map import MeterMap, MeterPoint
from drivers.dlt645.numbers import encode_number
from drivers.points import POINTS, TRANSFORMED_UNITS
from drivers.simulated.endpoints import Endpoint, Send, TcpEndpoint
from drivers.simulated.fault_kinds import FaultKind, cannot_happen
from drivers.simulated.faults import DeviceId, Fault
from drivers.simulated.server import DeviceServer

OTHER_ERROR: Final = 0x01
NO_SUCH_DATA: Final = 0x02
STARTING_S: Final = 2.0
"""A meter that restarts is silent for so long."""


class ValueSource(Protocol):
    """Supplies the values of a meter."""

    def read_points(self) -> Mapping[str, float | None]:
        """The present values of all points of the map; None or absent = not measured."""
        ...


@dataclass(frozen=True)
class SimulatedMeter:
    """One meter: its map, the source of its values, and the ratio of its current transformers."""

    device_map: MeterMap
    source: ValueSource
    ratio: float = 1.0


class MeterServer(DeviceServer):
    """Serves meters, by address, at a TCP port or at another `endpoint`, such as a serial line.

    Port 0 lets the operating system choose one, which is kept over a restart.
    """

    is_line = True

    def __init__(
        self,
        host: str,
        port: int,
        meters: Mapping[str, SimulatedMeter],
        *,
        endpoint: Endpoint | None = None,
    ) -> None:
        super().__init__(endpoint or TcpEndpoint(host, port, shared=True))
        self._meters = dict(meters)
        self._started_s: dict[DeviceId, float] = {}

    @property
    def devices(self) -> Mapping[DeviceId, Mapping[str, object]]:
        """The points of each meter."""
        return {address: meter.device_map.points for address, meter in self._meters.items()}

    def objection(self, fault: Fault) -> str | None:
        """A meter is read only, and has no Modbus words."""
        return cannot_happen(fault.kind, on_a_line=True, to_a_meter=True)

    def happen_once(self, device: DeviceId, kind: FaultKind) -> None:
        """Restart the meter, which does not answer meanwhile."""
        self._started_s[device] = asyncio.get_running_loop().time() + STARTING_S

    def process(self, received: bytearray, send: Send) -> None:
        """Answer the requests to meters that are served; the others are silent."""
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
            self.answer(address, frame, send)

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
        if value is not None and POINTS[name][0] in TRANSFORMED_UNITS:
            value /= meter.ratio
        if value is not None:  # a meter shows no more than its digits hold
            largest = point.form.largest
            value = max(-largest if point.signed else 0.0, min(value, largest))
        return encode_number(point.form, value)


def _refused(address: str, request: Frame, code: int) -> Frame:
    return Frame(address, REPLY | REFUSED | request.control, bytes((code & 0xFF,)))
