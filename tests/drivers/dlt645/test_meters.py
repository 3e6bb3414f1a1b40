"""Meters read over real sockets and a pseudo-terminal: ours, and those of a library that is not
ours.
"""

import asyncio
import contextlib
import os
import random
import socket
import termios
import tty
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dlt645 import MeterClientService, MeterServerService

from drivers.catalogue import load_map
from drivers.dlt645 import link as link_module
from drivers.dlt645.frame import READ, REFUSED, REPLY, Frame, encode_frame, take_frames
from drivers.dlt645.link import Dlt645Link
from drivers.dlt645.meter import Dlt645Meter
from drivers.dlt645.meter_map import MeterMap
from drivers.dlt645.numbers import decode_number
from drivers.errors import BadReply, DeviceRefused, LinkDown, LinkTimeout
from drivers.modbus.link import ModbusLink
from drivers.points import Quality
from drivers.simulated.dlt645 import MeterServer, SimulatedMeter
from drivers.simulated.endpoints import PtyEndpoint
from drivers.simulated.faults import Fault

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
    """A line on which each request is answered by the next of these bytes, whatever was asked."""
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


async def test_our_driver_reads_our_meter() -> None:
    async with our_meter(SHOWN) as url, meter_on(url) as meter:
        reading = await meter.read()
    assert {name: point.value for name, point in reading.points.items()} == pytest.approx(SHOWN)
    assert reading.faults == ()
    assert reading.time == NOON


async def test_transformers_make_a_meter_show_less() -> None:
    async with (
        our_meter(SHOWN | {"active_power_kw": 100.0}, ratio=20.0) as url,
        meter_on(url, ratio=20.0) as meter,
    ):
        reading = await meter.read()
    assert reading.value("active_power_kw") == pytest.approx(100.0)
    assert reading.value("mains_v") == pytest.approx(229.7)  # a voltage is as it is shown
    assert reading.value("energy_import_kwh") == pytest.approx(
        123456.78, abs=0.2
    )  # a digit of the meter is 0.2 kWh


async def test_what_a_meter_does_not_measure_is_missing() -> None:
    async with our_meter(SHOWN | {"frequency_hz": None}) as url, meter_on(url) as meter:
        reading = await meter.read()
    assert reading.points["frequency_hz"].quality is Quality.MISSING
    assert reading.value("active_power_kw") == pytest.approx(-1.2345)


async def test_a_value_beyond_the_map_is_implausible() -> None:
    async with our_meter(SHOWN | {"mains_v": 799.9}) as url, meter_on(url) as meter:
        assert (await meter.read()).points["mains_v"].quality is Quality.IMPLAUSIBLE


async def test_another_address_is_not_answered() -> None:
    async with our_meter(SHOWN) as url, meter_on(url, "999999999999", timeout_s=0.1) as meter:
        reading = await meter.read()
    assert {point.quality for point in reading.points.values()} == {Quality.UNREACHABLE}
    assert len(reading.faults) == 1  # one silence is enough


async def test_the_one_meter_on_a_line_tells_its_address() -> None:
    async with our_meter(SHOWN) as url:
        link = Dlt645Link(url)
        assert await link.find_address() == ADDRESS
        await link.close()


async def test_our_driver_reads_the_library_s_meter() -> None:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = probe.getsockname()[1]
    server = MeterServerService.new_tcp_server(HERE, port, 5.0)
    server.set_address(bytes.fromhex(ADDRESS)[::-1])
    for item, name in (
        (0x02030000, "active_power_kw"),
        (0x02010100, "mains_v"),
        (0x02800002, "frequency_hz"),
    ):
        assert server.set_02(item, SHOWN[name])
    assert server.set_00(0x00010000, SHOWN["energy_import_kwh"])
    assert server.set_00(0x00020000, SHOWN["energy_export_kwh"])
    assert server.start()
    try:
        async with meter_on(f"dlt645+tcp://{HERE}:{port}") as meter:
            reading = await meter.read()
        assert {name: point.value for name, point in reading.points.items()} == pytest.approx(SHOWN)
    finally:
        server.stop()


@pytest.mark.parametrize("serial", [False, True], ids=["tcp", "serial"])
async def test_the_library_s_client_reads_our_meter(serial: bool, tmp_path: Path) -> None:
    path = tmp_path / "meter.tty"

    def read(port: int) -> dict[str, float]:
        if serial:
            client = MeterClientService.new_rtu_client(str(path), 2400, 8, 1, "N", 2.0)
        else:
            client = MeterClientService.new_tcp_client(HERE, port, 2.0)
        assert client.set_address(
            bytes.fromhex(ADDRESS)[::-1].hex()
        )  # it wants the order of the wire
        assert client.connect()
        try:
            return {
                "active_power_kw": client.read_02(0x02030000).value,
                "mains_v": client.read_02(0x02010100).value,
                "frequency_hz": client.read_02(0x02800002).value,
                "energy_import_kwh": client.read_00(0x00010000).value,
                "energy_export_kwh": client.read_00(0x00020000).value,
            }
        finally:
            client.disconnect()

    meters = {ADDRESS: SimulatedMeter(three_phase(), Values(SHOWN))}
    server = MeterServer(HERE, 0, meters, endpoint=PtyEndpoint(path) if serial else None)
    port = await server.start()
    try:
        found = await asyncio.to_thread(read, port)
    finally:
        await server.stop()
    assert found == pytest.approx(SHOWN)


async def test_a_meter_on_a_serial_line() -> None:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    loop, received, served = asyncio.get_running_loop(), bytearray(), 0

    def serve() -> None:
        nonlocal served
        received.extend(os.read(ours, 4096))
        for request in take_frames(received):
            served += 1
            reply = encode_frame(
                Frame(ADDRESS, REPLY | READ, request.data + bytes.fromhex("452301"))
            )
            os.write(ours, reply[:7])
            os.write(ours, reply[7:])

    loop.add_reader(ours, serve)
    link = Dlt645Link(f"dlt645://{os.ttyname(theirs)}?baud=2400", timeout_s=2.0)
    try:
        assert await link.read(ADDRESS, 0x02030000) == bytes.fromhex("452301")
        assert served == 1
    finally:
        await link.close()
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


def reply(data: str, *, control: int = REPLY | READ, address: str = ADDRESS) -> bytes:
    return encode_frame(Frame(address, control, bytes.fromhex(data)))


SOUND = reply("00000302452301")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(reply("00000302452301", address="012345678902"), id="another meter"),
        pytest.param(reply("00010102452301"), id="another identifier"),
        pytest.param(reply("00000302452301", control=READ), id="a request, echoed by the line"),
        pytest.param(SOUND[:-2] + b"\x00\x16", id="checksum"),
        pytest.param(SOUND[:-1] + b"\x17", id="end"),
        pytest.param(SOUND[:9], id="torn"),
        pytest.param(b"\x68" * 3, id="noise"),
        pytest.param(b"", id="silence"),
    ],
)
async def test_what_is_no_answer_never_gives_a_value(wrong: bytes) -> None:
    async with answering(wrong) as url:
        link = Dlt645Link(url, timeout_s=0.1)
        with pytest.raises(LinkTimeout):
            await link.read(ADDRESS, 0x02030000)
        await link.close()


async def test_a_late_reply_is_not_the_next_one_s() -> None:
    async with answering(reply("00000302111111") + reply("00010102" + "9722")) as url:
        link = Dlt645Link(url)
        assert await link.read(ADDRESS, 0x02010100) == bytes.fromhex("9722")
        await link.close()


async def test_a_refusal_says_why() -> None:
    async with answering(reply("02", control=REPLY | REFUSED | READ)) as url:
        link = Dlt645Link(url)
        with pytest.raises(DeviceRefused, match="no such data"):
            await link.read(ADDRESS, 0x02030000)
        await link.close()


async def test_follow_up_frames_are_joined() -> None:
    first, last = (
        reply("00FF0100" + "1122", control=0xB1),
        reply("00FF0100" + "3344" + "01", control=0x92),
    )
    async with answering(first, last) as url:
        link = Dlt645Link(url)
        assert (await link.read(ADDRESS, 0x0001FF00)).hex() == "11223344"
        await link.close()


async def test_a_reply_that_goes_on_for_ever_ends() -> None:
    parts = [reply(f"00FF010011{n:02X}", control=0xB2) for n in range(1, 40)]
    async with answering(reply("00FF010011", control=0xB1), *parts) as url:
        link = Dlt645Link(url)
        with pytest.raises(BadReply, match="more than 16 parts"):
            await link.read(ADDRESS, 0x0001FF00)
        await link.close()


async def test_a_line_that_is_not_there_and_comes_back() -> None:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = probe.getsockname()[1]
    link = Dlt645Link(f"dlt645+tcp://{HERE}:{port}", timeout_s=0.5)
    with pytest.raises(LinkDown, match="cannot connect"):
        await link.read(ADDRESS, 0x02030000)
    with pytest.raises(LinkDown, match="next attempt soon"):
        await link.read(ADDRESS, 0x02030000)
    server = MeterServer(HERE, port, {ADDRESS: SimulatedMeter(three_phase(), Values(SHOWN))})
    await server.start()
    await asyncio.sleep(0.3)
    assert await link.read(ADDRESS, 0x02030000)
    await server.stop()
    with pytest.raises((LinkDown, LinkTimeout)):
        await link.read(ADDRESS, 0x02030000)
    await link.close()


async def test_after_a_silence_a_tcp_line_is_opened_anew() -> None:
    async with answering() as url:
        link = Dlt645Link(url, timeout_s=0.05)
        with pytest.raises(LinkTimeout):
            await link.read(ADDRESS, 0x02030000)
        await asyncio.sleep(0.06)
        with pytest.raises(LinkTimeout, match="did not answer"):
            await link.read(ADDRESS, 0x02030000)
        assert link.counters.reconnects == 1
        await link.close()


async def test_a_serial_line_is_opened_a_second_time(tmp_path: Path) -> None:
    """A pseudo-terminal refuses a parity from the second opening on."""
    path = tmp_path / "meter.tty"
    meters = {ADDRESS: SimulatedMeter(three_phase(), Values(SHOWN))}
    server = MeterServer(HERE, 0, meters, endpoint=PtyEndpoint(path))
    assert await server.start() == 0
    try:
        for _ in range(3):
            link = Dlt645Link(f"dlt645://{path}")
            assert await link.find_address() == ADDRESS
            await link.close()
    finally:
        await server.stop()
    with pytest.raises(LinkDown, match="cannot connect"):
        await Dlt645Link(f"dlt645://{path}").find_address()


async def test_a_port_that_refuses_its_settings_is_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the terminal says ends in our exceptions: a control loop that meets another one
    would stop.
    """
    path = tmp_path / "meter.tty"
    server = MeterServer(
        HERE, 0, {ADDRESS: SimulatedMeter(three_phase(), Values(SHOWN))}, endpoint=PtyEndpoint(path)
    )
    await server.start()

    def refuse(*_: object) -> None:
        raise termios.error(22, "Invalid argument")

    monkeypatch.setattr(termios, "tcsetattr", refuse)
    try:
        with pytest.raises(LinkDown, match="cannot connect"):
            await Dlt645Link(f"dlt645://{path}").find_address()
        with pytest.raises(LinkDown, match="cannot connect"):
            await ModbusLink(f"rtu://{path}").read(1, "holding", 0, 1)
    finally:
        monkeypatch.undo()
        await server.stop()


@pytest.mark.parametrize("serial", [False, True], ids=["tcp", "serial"])
async def test_late_replies_never_pass_as_another_item_s_value(
    serial: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies at random around the time-out, on a line where all of them arrive; ten thousand with
    SITEEMS_LONG=1.
    """
    monkeypatch.setattr(link_module, "METER_PAUSE_MAX", 0.0)
    reads, timeout_s, chance = (
        (10_000 if os.environ.get("SITEEMS_LONG") else 400),
        0.02,
        random.Random(5),
    )
    path, points = tmp_path / "meter.tty", three_phase().points
    server = MeterServer(
        HERE,
        0,
        {ADDRESS: SimulatedMeter(three_phase(), Values(SHOWN))},
        endpoint=PtyEndpoint(path) if serial else None,
    )
    port = await server.start()
    link = Dlt645Link(
        f"dlt645://{path}" if serial else f"dlt645+tcp://{HERE}:{port}", timeout_s=timeout_s
    )
    answered = unanswered = 0
    try:
        for _ in range(reads):
            name = chance.choice(list(points))
            delay_s = timeout_s * (chance.uniform(0.7, 1.9) if chance.random() < 0.3 else 0.0)
            server.faults.add(Fault("slow", value=delay_s, address=ADDRESS))
            try:
                data = await link.read(ADDRESS, points[name].item)
                assert decode_number(points[name].form, data) == pytest.approx(SHOWN[name])
                answered += 1
            except LinkTimeout:
                unanswered += 1
    finally:
        await link.close()
        await server.stop()
    assert answered > reads / 2
    assert unanswered > reads / 20
