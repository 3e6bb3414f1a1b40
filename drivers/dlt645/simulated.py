"""Simulated DL/T 645 meters behind one TCP port, as a transparent serial server would show them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from drivers.dlt645.frame import ANYONE, READ, READ_ADDRESS, REFUSED, REPLY, Frame, encode_frame, take_frames
from drivers.dlt645.metermap import SCALED_UNITS, MeterMap
from drivers.dlt645.numbers import encode_number
from drivers.points import POINTS

NO_SUCH_DATA = b"\x02"


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


class MeterServer:
    """Serves meters, by address; `port` 0 lets the operating system choose, and stays after a restart."""

    def __init__(self, host: str, port: int, meters: Mapping[str, SimulatedMeter]) -> None:
        self._host, self._port, self._meters = host, port, dict(meters)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when the address cannot be used."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self._port

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers:
                writer.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = bytearray()
        self._writers.add(writer)
        try:
            while data := await reader.read(4096):
                received += data
                for request in take_frames(received):
                    if (reply := self._answer(request)) is not None:
                        writer.write(encode_frame(reply))
        except ConnectionError:
            pass  # the client hung up
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, request: Frame) -> Frame | None:
        address = request.address
        if address == ANYONE and len(self._meters) == 1:
            address = next(iter(self._meters))
        meter = self._meters.get(address)
        if meter is None:
            return None
        if request.control == READ_ADDRESS:
            return Frame(address, REPLY | READ_ADDRESS, bytes.fromhex(address)[::-1])
        if request.control != READ or len(request.data) < 4:
            return Frame(address, REPLY | REFUSED | request.control, NO_SUCH_DATA)
        item = int.from_bytes(request.data[:4], "little")
        for name, point in meter.device_map.points.items():
            if point.item == item:
                value = meter.source.read_points().get(name)
                if value is not None and POINTS[name][0] in SCALED_UNITS:
                    value /= meter.ratio
                return Frame(address, REPLY | READ, request.data[:4] + encode_number(point.form, value))
        return Frame(address, REPLY | REFUSED | READ, NO_SUCH_DATA)
