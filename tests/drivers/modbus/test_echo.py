"""A 2-wire adapter that repeats each request to its sender: no wrong value, and no write that is
confirmed by its own echo.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.errors import DriverError, LinkTimeout
from drivers.modbus.link import ModbusLink
from drivers.simulated.modbus_frames import crc16

pytestmark = pytest.mark.timeout(60)


@asynccontextmanager
async def line(*, echoes: bool, piece: int = 256) -> AsyncIterator[ModbusLink]:
    """Unit 1 behind a serial server: register N holds N. Bytes arrive in pieces of this size."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(256):
            answer = request if echoes else b""
            unit, function, address, count = struct.unpack(">BBHH", request[:6])
            if unit == 1:
                if function in (3, 4):
                    words = struct.pack(f">{count}H", *range(address, address + count))
                    body = struct.pack(">BBB", unit, function, len(words)) + words
                else:
                    body = request[:6]
                answer += body + crc16(body)
            for start in range(0, len(answer), piece):
                writer.write(answer[start : start + piece])
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = ModbusLink(f"rtu+tcp://127.0.0.1:{port}", timeout_s=0.15)
    yield link
    await link.close()
    server.close()


@pytest.mark.parametrize("piece", [1, 3, 8, 256])
@pytest.mark.parametrize("echoes", [False, True])
async def test_reads_are_right_and_single_writes_are_confirmed_by_the_device(
    echoes: bool, piece: int
) -> None:
    async with line(echoes=echoes, piece=piece) as link:
        failed = 0
        for address in range(60):
            try:
                assert await link.read(1, "holding", address, 2) == (address, address + 1)
            except DriverError:
                failed += 1
            await asyncio.sleep(0.2 if failed and address < 2 else 0)
        assert failed <= (2 if echoes else 0), "only until the echo is known"
        await link.write(1, 7, [5])
        await link.write(1, 7, [5, 6])


@pytest.mark.parametrize("echoes", [False, True])
async def test_an_absent_device_confirms_nothing(echoes: bool) -> None:
    async with line(echoes=echoes) as link:
        for _ in range(3):
            with pytest.raises(LinkTimeout):
                await link.write(9, 7, [5], urgent=True)
