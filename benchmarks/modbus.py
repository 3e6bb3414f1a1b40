"""`make bench-modbus`: our link beside bare pymodbus on the same server, and what dead units cost a
full poll.

The server is a process of its own with 50 units. Both ways take turns in short bursts, so that
noise of the machine falls on both alike. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import numpy as np
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.errors import LinkError
from drivers.modbus.link import ModbusLink
from drivers.modbus.silent_units import DEAD_AFTER

LOOPBACK = "127.0.0.1"
UNITS, DEAD, REGISTERS = 50, 5, 60
BURST = 200
REPLY_S = 0.01
"""What a gateway with a serial line behind it takes to answer for one unit."""
TIMEOUT_S = 0.3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--quick", action="store_true", help="a few bursts, to see that all runs"
    )
    quick = arguments.parse_args().quick
    port, server = _start(_serve_all)
    try:
        one, ten = (asyncio.run(throughput(port, count, 4 if quick else 40)) for count in (1, 10))
    finally:
        server.terminate()
    port, server = _start(_serve_with_dead)
    try:
        dead = asyncio.run(poll_with_dead(port, 4.0 if quick else 30.0))
    finally:
        server.terminate()
    print(
        json.dumps(
            {
                "ratio_1": round(one, 3),
                "ratio_10": round(ten, 3),
                "dead_unit_poll_ratio": round(dead, 3),
            }
        )
    )


async def throughput(port: int, connections: int, bursts: int) -> float:
    """Median over bursts of our reads per second over those of bare pymodbus."""
    bare = [
        AsyncModbusTcpClient(LOOPBACK, port=port, retries=0, timeout=1) for _ in range(connections)
    ]
    ours = [ModbusLink(f"tcp://{LOOPBACK}:{port}") for _ in range(connections)]
    await asyncio.gather(*(client.connect() for client in bare))

    async def read_bare(client: AsyncModbusTcpClient) -> None:
        for _ in range(BURST // connections):
            reply = await client.read_holding_registers(0, count=REGISTERS, device_id=1)
            assert len(reply.registers) == REGISTERS

    async def read_ours(link: ModbusLink) -> None:
        for _ in range(BURST // connections):
            await link.read(1, "holding", 0, REGISTERS)

    ratios, rates = [], {"ours": [], "bare": []}
    for burst in range(bursts + 1):
        begin = time.perf_counter()
        await asyncio.gather(*map(read_bare, bare))
        middle = time.perf_counter()
        await asyncio.gather(*map(read_ours, ours))
        end = time.perf_counter()
        if burst:  # the first connects
            ratios.append((middle - begin) / (end - middle))
            rates["bare"].append(BURST / (middle - begin))
            rates["ours"].append(BURST / (end - middle))
    for client in bare:
        client.close()
    for link in ours:
        await link.close()
    print(
        f"{connections:2d} connections, FC3 x {REGISTERS}: "
        f"ours {np.median(rates['ours']):.0f} reads/s, "
        f"bare pymodbus {np.median(rates['bare']):.0f}"
    )
    return float(np.median(ratios))


async def poll_with_dead(port: int, seconds: float) -> float:
    """Mean full poll of 50 units of which 5 are dead over the mean poll of the 45 live ones alone,
    polls in turns.
    """
    both, alone = (ModbusLink(f"tcp://{LOOPBACK}:{port}", timeout_s=TIMEOUT_S) for _ in range(2))
    spans: dict[str, list[float]] = {"all": [], "live": []}
    while both.counters.timeouts < DEAD_AFTER * DEAD:  # until the link knows its dead
        await _poll(both, UNITS)
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        spans["live"].append(await _timed(lambda: _poll(alone, UNITS - DEAD)))
        spans["all"].append(await _timed(lambda: _poll(both, UNITS)))
    await both.close()
    await alone.close()
    mean = {name: float(np.mean(taken)) for name, taken in spans.items()}
    print(
        f"{UNITS} units, {DEAD} dead: mean poll {1e3 * mean['all']:.0f} ms, "
        f"median {1e3 * np.median(spans['all']):.0f}, longest {1e3 * max(spans['all']):.0f}; "
        f"{UNITS - DEAD} live ones alone {1e3 * mean['live']:.0f} ms; "
        f"time-outs {both.counters.timeouts} in {both.counters.requests} requests"
    )
    return mean["all"] / mean["live"]


async def _poll(link: ModbusLink, units: int) -> None:
    for unit in range(1, units + 1):
        try:
            await link.read(unit, "holding", 0, REGISTERS)
        except LinkError:
            assert unit > UNITS - DEAD, f"unit {unit} is alive"


async def _timed(call: Callable[[], Awaitable[None]]) -> float:
    begin = time.perf_counter()
    await call()
    return time.perf_counter() - begin


def _start(serve: Callable[[Connection], Awaitable[None]]) -> tuple[int, multiprocessing.Process]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_run, args=(serve, theirs), daemon=True
    )
    process.start()
    port: int = ours.recv()
    return port, process


def _run(serve: Callable[[Connection], Awaitable[None]], pipe: Connection) -> None:
    asyncio.run(serve(pipe))


async def _serve_all(pipe: Connection) -> None:
    devices = [
        SimDevice(unit, [SimData(0, count=100, values=unit, datatype=DataType.REGISTERS)])
        for unit in range(1, UNITS + 1)
    ]
    server = ModbusTcpServer(devices, address=(LOOPBACK, 0))
    await server.serve_forever(background=True)
    pipe.send(server.transport.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _serve_with_dead(pipe: Connection) -> None:
    """A gateway: one unit after the other answers after its time, the dead ones never."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readexactly(12)
                if request[6] > UNITS - DEAD:
                    continue
                await asyncio.sleep(REPLY_S)
                body = bytes((request[6], 3, 2 * REGISTERS)) + bytes(2 * REGISTERS)
                writer.write(request[:4] + len(body).to_bytes(2, "big") + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
