"""For tests of the drivers: a clock set by the test, a simulated source of values, and a raw Modbus
TCP server.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from drivers.catalogue import load_map
from drivers.modbus.device import Device
from drivers.modbus.link import ModbusLink
from drivers.simulated.modbus import RegisterServer, SimulatedUnit

LOOPBACK = "127.0.0.1"


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class HeldValues:
    """A point source: holds values, records writes, can refuse or clamp them."""

    def __init__(self, values: Mapping[str, float | None]) -> None:
        self.values = dict(values)
        self.writes: list[tuple[str, float]] = []
        self.refuses: set[str] = set()
        self.clamps: dict[str, float] = {}

    def read_points(self) -> Mapping[str, float | None]:
        return self.values

    def restart(self) -> None:
        raise NotImplementedError

    def write_point(self, name: str, value: float) -> None:
        if name in self.refuses:
            raise ValueError(f"{name} is refused now")
        self.writes.append((name, value))
        self.values[name] = min(value, self.clamps.get(name, value))


class Site:
    """One simulated device on a server of its own, with a link and a device object for it."""

    def __init__(self, map_name: str, values: Mapping[str, float | None], clock: Clock) -> None:
        self.device_map = load_map(map_name)
        self.source = HeldValues(values)
        self.server = RegisterServer(LOOPBACK, 0, {1: SimulatedUnit(self.device_map, self.source)})
        self.clock = clock

    async def start(self) -> None:
        self.port = await self.server.start()
        self.link = ModbusLink(f"tcp://{LOOPBACK}:{self.port}", timeout_s=0.5)
        self.device = Device("unit-1", self.device_map, self.link, 1, self.clock)

    async def stop(self) -> None:
        await self.link.close()
        await self.server.stop()


Request = tuple[int, int, int, int, int]
"""Transaction, unit, function, address, count or value."""
Answer = Callable[[Request], Awaitable[bytes | None]]


class RawServer:
    """Answers each request, in a task of its own, with the bytes of `answer`; None = no answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ModbusLink:
        self.server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.link = ModbusLink(
            f"tcp://{LOOPBACK}:{self.server.sockets[0].getsockname()[1]}", timeout_s=0.2
        )
        return self.link

    async def __aexit__(self, *_: object) -> None:
        await self.link.close()
        self.server.close()
        for task in self.tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(6)
                body = await reader.readexactly(int.from_bytes(head[4:6], "big"))
                unit, function, address, count = struct.unpack(">BBHH", body[:6])
                request = (int.from_bytes(head[:2], "big"), unit, function, address, count)
                self.requests.append(request)
                task = asyncio.create_task(self._reply(request, writer))
                self.tasks.add(task)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    async def _reply(self, request: Request, writer: asyncio.StreamWriter) -> None:
        reply = await self.answer(request)
        if reply is not None:
            writer.write(reply)


def read_reply(request: Request, registers: list[int], *, transaction: int | None = None) -> bytes:
    """A well-formed answer to a read."""
    tid, unit, function, _, _ = request
    body = struct.pack(f">BBB{len(registers)}H", unit, function, 2 * len(registers), *registers)
    return struct.pack(">HHH", tid if transaction is None else transaction, 0, len(body)) + body


def free_values(map_name: str) -> dict[str, float | None]:
    """A value for each point of a map: the middle of its range, on a register step."""
    values: dict[str, float | None] = {}
    for name, point in load_map(map_name).points.items():
        if point.codes:
            values[name] = next(iter(point.codes.values()))
            continue
        middle = (max(point.min, -1000.0) + min(point.max, 1000.0)) / 2
        values[name] = round(middle / point.resolution) * point.resolution
    return values
