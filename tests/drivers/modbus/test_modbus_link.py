"""The link against real sockets: dead, absent, late, short and refusing peers; each failure is
bounded in time and raised as one of our exceptions.
"""

import asyncio
import logging
import socket
import struct

import pytest
from modbus_rig import (
    LOOPBACK,
    Clock,
    HeldValues,
    RawServer,
    Request,
    Site,
    free_values,
    read_reply,
)

from drivers.catalogue import load_map
from drivers.errors import BadReply, DeviceRefused, DriverError, LinkDown, LinkError, LinkTimeout
from drivers.modbus import link as link_module
from drivers.modbus.link import ModbusLink
from drivers.simulated.modbus import RegisterServer, SimulatedUnit

pytestmark = pytest.mark.timeout(20)


async def echo_address(request: Request) -> bytes:
    _, _, _, address, count = request
    return read_reply(request, [address] * count)


async def read_until_answered(link: ModbusLink, address: int = 1) -> tuple[int, ...]:
    """Retries in short cycles, like a control loop, for five seconds at most."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await link.read(1, "input", address, 1)
            except LinkError:
                await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def test_url_must_be_host_and_port() -> None:
    for url in ("127.0.0.1:502", "tcp://127.0.0.1", "tcp://127.0.0.1:502/x"):
        with pytest.raises(ValueError, match="must look like"):
            ModbusLink(url)


async def test_absent_at_start_then_present() -> None:
    device_map = load_map("generic-genset")
    port = free_port()
    link = ModbusLink(f"tcp://{LOOPBACK}:{port}", timeout_s=0.3)
    with pytest.raises(LinkDown, match="cannot connect"):
        await link.read(1, "input", 0, 1)
    with pytest.raises(LinkDown, match="next attempt soon") as caught:
        await link.read(1, "input", 0, 1)
    assert not caught.value.sent
    server = RegisterServer(
        LOOPBACK,
        port,
        {1: SimulatedUnit(device_map, HeldValues({"genset_kw": 0.0, "genset_running": 1.0}))},
    )
    assert await server.start() == port
    try:
        assert await read_until_answered(link) == (1,)
        assert link.counters.reconnects == 0
    finally:
        await link.close()
        await server.stop()


async def test_urgent_does_not_wait_for_the_next_attempt() -> None:
    link = ModbusLink(f"tcp://{LOOPBACK}:{free_port()}", timeout_s=0.3)
    with pytest.raises(LinkDown):
        await link.read(1, "input", 0, 1)
    with pytest.raises(LinkDown, match="cannot connect"):
        await link.read(1, "input", 0, 1, urgent=True)


async def test_server_restart() -> None:
    site = Site("generic-mppt", free_values("generic-mppt"), Clock())
    await site.start()
    try:
        first = await site.link.read(1, "input", 0, 4)
        await site.server.stop()
        with pytest.raises(LinkError):
            await site.link.read(1, "input", 0, 4)
        assert await site.server.start() == site.port, "the port stays"
        await read_until_answered(site.link)
        assert await site.link.read(1, "input", 0, 4) == first
        assert site.link.counters.reconnects == 1
    finally:
        await site.stop()


async def test_port_in_use_is_one_sentence() -> None:
    site = Site("generic-genset", {}, Clock())
    await site.start()
    try:
        with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1:\d+, perhaps"):
            await RegisterServer(LOOPBACK, site.port, {}).start()
    finally:
        await site.stop()


async def test_a_late_reply_never_passes_as_the_value_of_another_register() -> None:
    async def late_first(request: Request) -> bytes:
        if request[3] == 100:
            await asyncio.sleep(0.3)
        return read_reply(request, [request[3]])

    async with RawServer(late_first) as link:
        with pytest.raises(LinkTimeout, match=r"did not answer within 0\.2 s") as caught:
            await link.read(1, "input", 100, 1)
        assert caught.value.sent
        for address in (200, 201, 202):
            await asyncio.sleep(0.08)
            assert await link.read(2, "input", address, 1) == (address,)
        assert link.counters.timeouts == 1
        assert link.counters.reconnects == 1


@pytest.mark.parametrize("transaction", [0, 77])
async def test_an_answer_without_the_number_of_its_request_is_not_taken(transaction: int) -> None:
    """pymodbus takes 0 for any request: of a gateway that answers each twice, 199 of 200 reads had
    the value of the register before.
    """

    async def twice(request: Request) -> bytes:
        return 2 * read_reply(request, [request[3]], transaction=transaction)

    async with RawServer(twice) as link:
        for address in (100, 101, 102):
            with pytest.raises((LinkError, BadReply)):
                await link.read(1, "input", address, 1, urgent=True)


async def test_an_answer_with_other_bytes_than_it_states_is_not_taken() -> None:
    async def odd(request: Request) -> bytes:
        transaction, unit, function, _, _ = request
        pdu = bytes([function, 5]) + b"\0\x42\0\x43\0"
        return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu

    async with RawServer(odd) as link:
        with pytest.raises(BadReply, match="answered 5 bytes and stated 5"):
            await link.read(1, "input", 100, 2)


async def test_a_write_that_is_confirmed_with_another_value_is_refused() -> None:
    async def clamps(request: Request) -> bytes:
        transaction, unit, function, address, _ = request
        return struct.pack(">HHHBBHH", transaction, 0, 6, unit, function, address, 10)

    async with RawServer(clamps) as link:
        with pytest.raises(DeviceRefused, match="confirmed 10, sent 60"):
            await link.write(1, 79, [60])
        await link.write(1, 79, [10])
        assert link.counters.reconnects == 0


async def test_cancelled_request_leaves_nothing_behind() -> None:
    asked = asyncio.Event()

    async def oldest_first(request: Request) -> bytes:
        asked.set()
        await asyncio.sleep(0.05 if request[3] == 100 else 0.1)
        return read_reply(request, [request[3]])

    async with RawServer(oldest_first) as link:
        task = asyncio.create_task(link.read(1, "input", 100, 1))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await link.read(1, "input", 200, 1) == (200,)


async def test_a_dead_unit_does_not_slow_the_others() -> None:
    async def only_unit_2(request: Request) -> bytes | None:
        return await echo_address(request) if request[1] == 2 else None

    server = RawServer(only_unit_2)
    async with server as link:
        with pytest.raises(LinkTimeout, match="did not answer"):
            await link.read(1, "input", 5, 1)
        for address in range(20):
            with pytest.raises(LinkTimeout, match="was not asked") as caught:
                await link.read(1, "input", 5, 1)
            assert not caught.value.sent
            assert await link.read(2, "input", address, 1) == (address,)
        assert [request[1] for request in server.requests].count(1) == 1
        with pytest.raises(LinkTimeout, match="did not answer"):
            await link.read(1, "input", 5, 1, urgent=True)
        assert link.counters.timeouts == 2


async def test_a_unit_that_comes_back_is_asked_again() -> None:
    dead = True

    async def sometimes(request: Request) -> bytes | None:
        return None if dead else await echo_address(request)

    async with RawServer(sometimes) as link:
        with pytest.raises(LinkTimeout):
            await link.read(1, "input", 5, 1)
        dead = False
        assert await read_until_answered(link, 5) == (5,)
        dead = True
        with pytest.raises(LinkTimeout, match="did not answer"):
            await link.read(1, "input", 6, 1)
        with pytest.raises(LinkTimeout, match="unanswered requests before: 1"):
            await link.read(1, "input", 6, 1)


async def test_dead_units_are_asked_seldom_and_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the clock of the test: each poll takes a second, three units of four are dead and one of
    them comes back.
    """
    now_s, alive = 0.0, {4}

    async def some(request: Request) -> bytes | None:
        return await echo_address(request) if request[1] in alive else None

    monkeypatch.setattr(link_module, "_now", lambda: now_s)
    server = RawServer(some)
    async with server as link:
        asked: list[list[int]] = []
        back_s = 0.0
        for second in range(120):
            now_s = float(second)
            if second == 60:
                alive.add(2)
            before = len(server.requests)
            for unit in (1, 2, 3, 4):
                try:
                    await link.read(unit, "input", 5, 1)
                    back_s = back_s or (now_s if unit == 2 else 0.0)
                except LinkTimeout:
                    assert unit not in alive or unit == 2
            asked.append([request[1] for request in server.requests[before:]])
    assert all(4 in units for units in asked)
    dead_probes = [len(units) - units.count(4) for units in asked[10:60]]
    assert max(dead_probes) == 1
    assert sum(dead_probes) <= 3 * 3
    assert 60.0 <= back_s <= 60.0 + 30.0


async def test_one_request_at_a_time() -> None:
    at_once: set[int] = set()
    most = 0

    async def slow(request: Request) -> bytes:
        nonlocal most
        at_once.add(request[3])
        most = max(most, len(at_once))
        await asyncio.sleep(0.005)
        at_once.discard(request[3])
        return await echo_address(request)

    async with RawServer(slow) as link:
        replies = await asyncio.gather(
            *(link.read(1, "holding", address, 2) for address in range(20))
        )
        assert replies == [(address, address) for address in range(20)]
        assert most == 1


async def test_the_larger_gap_is_kept_before_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async with RawServer(echo_address) as plain:
        link = ModbusLink(plain.url, gap_s=600.0)
        link.expect(2, reply_s=0.5, gap_s=9000.0)
        link.expect(3, reply_s=0.5, gap_s=1.0)
        await link.read(1, "input", 0, 1)
        monkeypatch.setattr("drivers.modbus.link.asyncio.sleep", note)
        for unit in (1, 2, 3):
            await link.read(unit, "input", 0, 1)
        await link.close()
    assert [300 < wait <= 600 for wait in waits] == [True, False, True]
    assert 8000 < waits[1] <= 9000


async def test_exception_codes_of_the_device() -> None:
    site = Site("generic-smu-lead", free_values("generic-smu-lead"), Clock())
    await site.start()
    try:
        with pytest.raises(DeviceRefused, match=r"no such address \(code 2\)") as no_address:
            await site.link.read(1, "input", 0x500, 1)
        assert no_address.value.code == 2
        with pytest.raises(DeviceRefused, match="code 2"):
            await site.link.write(1, 0x1003, [1])
        with pytest.raises(DeviceRefused, match=r"value not accepted \(code 3\)") as bad_value:
            await site.link.write(1, 0x1002, [9000])
        assert bad_value.value.code == 3
        assert site.source.writes == []
        assert site.link.counters.refused == 3
        assert site.link.counters.reconnects == 0
    finally:
        await site.stop()


async def test_unit_that_is_absent_behind_a_gateway() -> None:
    site = Site("generic-smu-lead", free_values("generic-smu-lead"), Clock())
    await site.start()
    try:
        with pytest.raises(
            LinkTimeout, match="unit 9, input 0: does not answer: the gateway got no answer from it"
        ):
            await site.link.read(9, "input", 0, 1)
        with pytest.raises(LinkTimeout, match="was not asked"):
            await site.link.read(9, "input", 0, 1)
        assert len(await site.link.read(1, "input", 0, 12)) == 12
    finally:
        await site.stop()


async def test_replies_that_do_not_fit_the_request() -> None:
    async def misfit(request: Request) -> bytes:
        tid, unit, function, address, count = request
        if address == 1:
            return read_reply(request, [7] * (count - 1))
        if address == 2:
            return read_reply((tid, unit, 3, address, count), [7] * count)
        if function == 6:
            return tid.to_bytes(2, "big") + bytes([0, 0, 0, 6, unit, 6, 0, 99, 0, 1])
        return await echo_address(request)

    async with RawServer(misfit) as link:
        with pytest.raises(BadReply, match="input 1: answered 2 registers, asked for 3"):
            await link.read(1, "input", 1, 3)
        with pytest.raises(BadReply, match="answered function 3, asked for 4"):
            await link.read(1, "input", 2, 3)
        with pytest.raises(BadReply, match="holding 3: confirmed a write at 99"):
            await link.write(1, 3, [1])
        assert await link.read(1, "input", 4, 2) == (4, 4)


async def test_garbage_is_a_link_error() -> None:
    async def garbage(request: Request) -> bytes:
        return b"\x00" * 5 + b"\x03\x01\x04\x55" if request[3] == 1 else b"GET / HTTP/1.1\r\n\r\n"

    async with RawServer(garbage) as link:
        for unit, address in ((1, 1), (2, 2)):
            with pytest.raises(LinkError):
                await link.read(unit, "input", address, 3)


async def test_a_request_that_modbus_cannot_carry_is_not_sent() -> None:
    server = RawServer(echo_address)
    async with server as link:
        for unit, address, count in (
            (1, 0, 126),
            (1, 0, 0),
            (1, 65535, 2),
            (1, -1, 1),
            (256, 0, 1),
        ):
            with pytest.raises(DriverError, match="Modbus cannot carry"):
                await link.read(unit, "input", address, count)
        with pytest.raises(DriverError, match="at most 123"):
            await link.write(1, 0, [0] * 124)
        for register in (-5, 70000):
            with pytest.raises(DriverError, match=r"must be 0\.\.65535"):
                await link.write(1, 0, [register])
        assert server.requests == []


async def test_failures_are_raised_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def silent(_: Request) -> bytes | None:
        return None

    with caplog.at_level(logging.WARNING):
        async with RawServer(silent) as link:
            with pytest.raises(LinkTimeout):
                await link.read(1, "input", 0, 1)
        with pytest.raises(LinkDown):
            await ModbusLink(f"tcp://{LOOPBACK}:{free_port()}", timeout_s=0.2).read(
                1, "input", 0, 1
            )
        await test_unit_that_is_absent_behind_a_gateway()
    assert [record for record in caplog.records if record.name.startswith("pymodbus")] == []
