"""The DL/T 645 link: wrong, late and missing replies, and lines that close and come back."""

import asyncio
import os
import random
import socket
import termios
from pathlib import Path

import pytest
from meter_rig import ADDRESS, HERE, SHOWN, Values, answering, three_phase

from drivers.dlt645 import link as link_module
from drivers.dlt645.frame import READ, REFUSED, REPLY, Frame, encode_frame
from drivers.dlt645.link import Dlt645Link
from drivers.dlt645.numbers import decode_number
from drivers.errors import BadReply, DeviceRefused, LinkDown, LinkTimeout
from drivers.modbus.link import ModbusLink
from drivers.simulated.dlt645 import MeterServer, SimulatedMeter
from drivers.simulated.endpoints import PtyEndpoint
from drivers.simulated.faults import Fault


def reply(data: str, *, control: int = REPLY | READ, address: str = ADDRESS) -> bytes:
    return encode_frame(Frame(address, control, bytes.fromhex(data)))


VALID = reply("00000302452301")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(reply("00000302452301", address="012345678902"), id="another meter"),
        pytest.param(reply("00010102452301"), id="another identifier"),
        pytest.param(reply("00000302452301", control=READ), id="a request, echoed by the line"),
        pytest.param(VALID[:-2] + b"\x00\x16", id="checksum"),
        pytest.param(VALID[:-1] + b"\x17", id="end"),
        pytest.param(VALID[:9], id="torn"),
        pytest.param(b"\x68" * 3, id="noise"),
        pytest.param(b"", id="silence"),
    ],
)
async def test_an_invalid_answer_never_gives_a_value(wrong: bytes) -> None:
    async with answering(wrong) as url:
        link = Dlt645Link(url, timeout_s=0.1)
        with pytest.raises(LinkTimeout):
            await link.read(ADDRESS, 0x02030000)
        await link.close()


async def test_a_late_reply_is_not_taken_for_the_next_one() -> None:
    async with answering(reply("00000302111111") + reply("00010102" + "9722")) as url:
        link = Dlt645Link(url)
        assert await link.read(ADDRESS, 0x02010100) == bytes.fromhex("9722")
        await link.close()


async def test_a_refusal_has_its_reason() -> None:
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


async def test_the_number_of_follow_up_frames_is_limited() -> None:
    parts = [reply(f"00FF010011{n:02X}", control=0xB2) for n in range(1, 40)]
    async with answering(reply("00FF010011", control=0xB1), *parts) as url:
        link = Dlt645Link(url)
        with pytest.raises(BadReply, match="more than 16 parts"):
            await link.read(ADDRESS, 0x0001FF00)
        await link.close()


async def test_a_line_that_is_absent_and_comes_back() -> None:
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


async def test_after_a_time_out_a_tcp_line_is_opened_anew() -> None:
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
    """Every error of a terminal becomes one of our exceptions: another one would stop the control
    loop.
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
async def test_late_replies_never_pass_as_the_value_of_another_item(
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
