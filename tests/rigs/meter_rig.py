"""DL/T 645 meters for tests: simulated ones with given values, and a line that answers anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from drivers.catalogue import load_map
from drivers.dlt645.frame import take_frames
from drivers.dlt645.link import Dlt645Link
from drivers.dlt645.meter import Dlt645Meter
from drivers.dlt645.meter_map import MeterMap
from drivers.simulated.dlt645 import MeterServer, SimulatedMeter

HERE = "127.0.0.1"
ADDRESS = "012345678901"
NOON = datetime(2026, 7, 15, 4, tzinfo=UTC)
SHOWN = {
    "active_power_kw": -1.2345,
    "mains_v": 229.7,
    "frequency_hz": 49.98,
    "energy_import_kwh": 123456.78,
    "energy_export_kwh": 12.34,
}


class Values:
    def __init__(self, values: Mapping[str, float | None]) -> None:
        self.values = dict(values)

    def read_points(self) -> Mapping[str, float | None]:
        return self.values


def three_phase() -> MeterMap:
    device_map = load_map("dlt645-three-phase")
    assert isinstance(device_map, MeterMap)
    return device_map


@contextlib.asynccontextmanager
async def our_meter(values: Mapping[str, float | None], **meter: float) -> AsyncIterator[str]:
    server = MeterServer(HERE, 0, {ADDRESS: SimulatedMeter(three_phase(), Values(values), **meter)})
    port = await server.start()
    try:
        yield f"dlt645+tcp://{HERE}:{port}"
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def meter_on(
    url: str, address: str = ADDRESS, timeout_s: float = 1.0, **options: float
) -> AsyncIterator[Dlt645Meter]:
    link = Dlt645Link(url, timeout_s=timeout_s)
    try:
        yield Dlt645Meter("grid-meter", three_phase(), link, address, lambda: NOON, **options)
    finally:
        await link.close()


@contextlib.asynccontextmanager
async def answering(*replies: bytes) -> AsyncIterator[str]:
    """A line on which each request is answered by the next of these bytes, whatever the request
    was.
    """
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = bytearray()
        while data := await reader.read(4096):
            received += data
            for _ in take_frames(received):
                if left:
                    writer.write(left.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, HERE, 0)
    try:
        yield f"dlt645+tcp://{HERE}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
