"""A master of IEC 60870-5-104 that is not ours: c104, which wraps lib60870. Tests that import it
are skipped where it is not installed.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest

c104 = pytest.importorskip("c104", reason="needs c104")

GRID, SOC = 1001, 1002
WITHIN_S = 10.0


class Master:
    """One c104 client. Its methods block, so they run in threads."""

    def __init__(
        self, port: int, common_address: int = 1, measured: tuple[int, ...] = (GRID, SOC)
    ) -> None:
        self.client = c104.Client(tick_rate_ms=100, command_timeout_ms=3000)
        self.connection = self.client.add_connection(ip="127.0.0.1", port=port, init=c104.Init.NONE)
        self.remote = self.connection.add_station(common_address=common_address)
        self.points: dict[int, Any] = {}
        for address in measured:
            self.points[address] = self.remote.add_point(
                io_address=address, type=c104.Type.M_ME_NC_1
            )
        self.raw: list[bytes] = []
        received = self._raw

        def on_receive(connection: Any, data: bytes) -> None:
            received(bytes(data))

        # The library looks at these, and does not read them as text.
        on_receive.__annotations__ = {
            "connection": c104.Connection, "data": bytes, "return": None
        }  # fmt: skip
        self._on_receive = on_receive
        self.connection.on_receive_raw(callable=self._on_receive)

    def _raw(self, data: bytes) -> None:
        self.raw.append(data)

    async def start(self) -> None:
        await asyncio.to_thread(self.client.start)
        await until(lambda: self.connection.is_connected)
        await asyncio.to_thread(self.connection.unmute)
        await until(lambda: not self.connection.is_muted)

    def setpoint(self, address: int, select: bool = False) -> Any:
        mode = c104.CommandMode.SELECT_AND_EXECUTE if select else c104.CommandMode.DIRECT
        point = self.remote.add_point(
            io_address=address, type=c104.Type.C_SE_NC_1, command_mode=mode
        )
        return point or self.remote.get_point(io_address=address)

    async def send(self, point: Any, value: float) -> bool:
        point.value = value
        return bool(await asyncio.to_thread(point.transmit, cause=c104.Cot.ACTIVATION))

    async def stop(self) -> None:
        await asyncio.to_thread(self.client.stop)

    def values(self) -> dict[int, float]:
        """Of the frames that were received: type 13 and 36, short floating point."""
        return {address: value for address, value, _ in self.frames()}

    def frames(self) -> list[tuple[int, float, bytes]]:
        found = []
        for data in self.raw:
            if len(data) < 12 or data[6] not in (13, 36):
                continue
            size, rest = (8, b"") if data[6] == 13 else (15, b"")
            body, count = data[12:], data[7] & 0x7F
            for n in range(count):
                rest = body[n * size : (n + 1) * size]
                address = int.from_bytes(rest[:3], "little")
                found.append((address, struct.unpack("<f", rest[3:7])[0], rest[8:]))
        return found


async def until(reached: Callable[[], bool], seconds: float = WITHIN_S) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - threads of another program change it
            await asyncio.sleep(0.02)
