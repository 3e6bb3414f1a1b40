"""The controlled station against a master that is not ours: c104, which wraps lib60870."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from master104 import GRID, SOC, Master, c104, until

pytest.importorskip("hat.drivers", reason="needs hat-drivers")

from drivers.iec104.station import (
    MOST_BUFFERED,
    Command,
    CommandPoint,
    Point,
    Station,
    datetime_of,
    time_of,
)

CAP, POWER, EMERGENCY = 4001, 4002, 5001
WITHIN_S = 10.0
NOW = datetime(2026, 7, 15, 4, 0, 0, 250_000, tzinfo=UTC)


class Rig:
    """A station, and what it was asked for."""

    def __init__(self, **settings: Any) -> None:
        self.commands: list[Command] = []
        self.notes: list[tuple[str, str]] = []
        self.refusal: str | None = None
        self.now = NOW
        self.station = Station(
            [Point(GRID, 0.05), Point(SOC, 0.01)],
            [
                CommandPoint(CAP, select=False),
                CommandPoint(POWER, select=True),
                CommandPoint(EMERGENCY, select=False, single=True),
            ],
            self._decide,
            lambda what, detail: self.notes.append((what, detail)),
            now=lambda: self.now,
            **settings,
        )

    async def _decide(self, command: Command) -> str | None:
        if self.refusal is None:
            self.commands.append(command)
        return self.refusal

    def noted(self, what: str) -> list[str]:
        return [detail for noted, detail in self.notes if noted == what]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.station.start("127.0.0.1", 0)
    yield rig
    await rig.station.stop()


@pytest.fixture
async def master(rig: Rig) -> AsyncIterator[Master]:
    master = Master(rig.station.port)
    await master.start()
    yield master
    await master.stop()


async def test_a_general_interrogation_reads_all_points(rig: Rig, master: Master) -> None:
    rig.station.update({GRID: 2.5, SOC: 0.75}, NOW)
    done = await asyncio.to_thread(
        master.connection.interrogation, common_address=1, cause=c104.Cot.ACTIVATION
    )
    assert done
    assert master.points[GRID].value == pytest.approx(2.5)
    assert master.points[SOC].value == pytest.approx(0.75)


async def test_an_unknown_value_is_invalid_and_never_zero(rig: Rig, master: Master) -> None:
    rig.station.update({GRID: None, SOC: float("nan")}, NOW)
    await asyncio.to_thread(
        master.connection.interrogation, common_address=1, cause=c104.Cot.ACTIVATION
    )
    for address in (GRID, SOC):
        assert master.points[address].quality.is_any()


async def test_setpoints_are_executed_or_refused(rig: Rig, master: Master) -> None:
    cap = master.setpoint(CAP)
    assert await master.send(cap, 1.5)
    assert [(c.address, c.value) for c in rig.commands] == [(CAP, 1.5)]
    rig.refusal = "it is below demand_response.lowest_limit_kw"
    assert not await master.send(cap, 0.0)
    assert len(rig.commands) == 1
    assert "lowest_limit_kw" in rig.noted("refused")[0]
    assert not await master.send(master.setpoint(4999), 1.0), "an address without a command"
    assert len(rig.noted("refused")) == 2


async def test_select_before_operate(rig: Rig, master: Master) -> None:
    assert await master.send(master.setpoint(POWER, select=True), -2.0)
    assert [(c.address, c.value) for c in rig.commands] == [(POWER, -2.0)]


async def test_execution_without_selection_is_refused(rig: Rig, master: Master) -> None:
    assert not await master.send(master.setpoint(POWER), -2.0)
    assert rig.commands == []
    assert "not selected" in rig.noted("refused")[0]


async def test_on_and_off(rig: Rig, master: Master) -> None:
    point = master.remote.add_point(io_address=EMERGENCY, type=c104.Type.C_SC_NA_1)
    point.value = True
    assert await asyncio.to_thread(point.transmit, cause=c104.Cot.ACTIVATION)
    assert [(c.address, c.value) for c in rig.commands] == [(EMERGENCY, 1.0)]


async def test_spontaneous_values_by_their_deadband(rig: Rig, master: Master) -> None:
    for grid_kw in (2.0, 2.01, 2.04, 2.06, None):
        rig.station.update({GRID: grid_kw}, NOW)
    await until(lambda: len(master.frames()) >= 3)
    assert [round(value, 2) for _, value, _ in master.frames()] == [2.0, 2.06, 0.0]
    await until(lambda: rig.station.buffered == 0, 20.0)


async def test_values_are_kept_while_no_master_is_connected(rig: Rig) -> None:
    for n in range(150):
        rig.station.update({GRID: float(n)}, NOW + timedelta(seconds=n))
    assert rig.station.buffered == 150
    master = Master(rig.station.port)
    await master.start()
    await until(lambda: len(master.frames()) == 150, 30.0)
    assert [value for _, value, _ in master.frames()] == [float(n) for n in range(150)]
    first = master.frames()[0][2]
    assert int.from_bytes(first[:2], "little") == 250, "milliseconds of the time tag"
    assert (first[2] & 0x3F, first[3] & 0x1F, first[4] & 0x1F) == (0, 4, 15)
    await master.stop()
    await until(lambda: rig.noted("disconnected") != [])
    rig.station.update({GRID: 999.0}, NOW)
    again = Master(rig.station.port)
    await again.start()
    await until(lambda: again.values() == {GRID: 999.0})
    await again.stop()


async def test_what_is_kept_is_bounded(rig: Rig) -> None:
    for n in range(MOST_BUFFERED + 5):
        rig.station.update({GRID: float(n)}, NOW)
    assert rig.station.buffered == MOST_BUFFERED


async def test_a_clock_synchronisation_is_noted_and_sets_nothing(rig: Rig, master: Master) -> None:
    rig.now = datetime.now(UTC) - timedelta(seconds=90)
    assert await asyncio.to_thread(master.connection.clock_sync, common_address=1)
    await until(lambda: rig.noted("clock") != [])
    [note] = rig.noted("clock")
    assert "its clock is +9" in note
    assert note.endswith("s off this one")


async def test_another_common_address_is_refused(rig: Rig) -> None:
    master = Master(rig.station.port, common_address=7)
    await master.start()
    assert not await master.send(master.setpoint(CAP), 1.0)
    assert rig.commands == []
    await master.stop()


async def test_a_stranger_is_turned_away() -> None:
    rig = Rig(peers=("192.0.2.7",))
    await rig.station.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.station.port)
    assert await reader.read() == b""
    writer.close()
    assert rig.noted("refused") == ["127.0.0.1 is not one of the peers"]
    await rig.station.stop()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_time_tags(zone: str) -> None:
    there = ZoneInfo(zone)
    for month in range(1, 13):
        when = datetime(2026, month, 28, 23, 59, 59, 999_000, tzinfo=UTC)
        assert datetime_of(time_of(when, there), there) == when


# -- frames that no master sends -------------------------------------------------------------------

STARTDT = bytes.fromhex("680407000000")
SETPOINT = bytes.fromhex("681200000000320106000100a10f000000c03f00")
INTERROGATION = bytes.fromhex("680e0000000064010600010000000014")
CLOCK = bytes.fromhex("6814000000006701060001000000000000000f04070c1a")


async def test_mutated_frames_change_nothing_and_stop_nothing(rig: Rig) -> None:
    """Random bytes flipped, cut and put in; a value within them may be a real command, so that only
    its number is bounded.
    """
    draw = random.Random(5)
    for _ in range(examples(300)):
        frames = bytearray(STARTDT)
        for _ in range(draw.randint(1, 4)):
            frames += _mutated(draw.choice((SETPOINT, INTERROGATION, CLOCK)), draw)
        with socket.create_connection(("127.0.0.1", rig.station.port)) as line:
            line.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(line, bytes(frames))
            await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    for command in rig.commands:
        assert command.address in (CAP, POWER, EMERGENCY)
        assert abs(command.value) < float("inf")
    master = Master(rig.station.port)
    before = time.monotonic()
    await master.start()
    assert await master.send(master.setpoint(CAP), 1.25)
    assert rig.commands[-1].value == 1.25
    assert time.monotonic() - before < WITHIN_S
    await master.stop()


def _mutated(frame: bytes, draw: random.Random) -> bytes:
    data = bytearray(frame)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(data))
        match draw.randrange(4):
            case 0:
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 8)))
            case _:
                data[at] = draw.randrange(256)
        if not data:
            break
    return bytes(data)
