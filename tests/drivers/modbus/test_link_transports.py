"""The link over every transport: real sockets, a real pseudo-terminal, TLS with its own certificate
authority.
"""

import asyncio
import os
import random
import shutil
import ssl
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from modbus_rig import LOOPBACK, HeldValues, free_values
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.catalogue import load_map
from drivers.errors import LinkDown, LinkError, LinkTimeout
from drivers.modbus.link import ModbusLink
from drivers.modbus.transport import Credentials
from drivers.simulated.endpoints import PtyEndpoint
from drivers.simulated.modbus import RegisterServer, SimulatedUnit
from drivers.simulated.server import FRAME_GAP_S

pytestmark = pytest.mark.timeout(280)

REPLY_S = 0.02


def crc(frame: bytes) -> bytes:
    """Modbus CRC-16, low byte first."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


class SlowDevice:
    """An RTU device whose registers hold their own address, and whose replies are delayed at
    random.

    A reply is late by up to nine tenths of the time-out, the most that a true `worst_reply_ms` of
    the device map allows.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._received = bytearray()
        self.late = 0

    def take(self, data: bytes, send: Callable[[bytes], object]) -> None:
        self._received += data
        while len(self._received) >= 8:
            request, self._received = bytes(self._received[:8]), self._received[8:]
            assert request[6:] == crc(request[:6])
            address, count = (
                int.from_bytes(request[2:4], "big"),
                int.from_bytes(request[4:6], "big"),
            )
            body = bytes((request[0], request[1], 2 * count)) + address.to_bytes(2, "big") * count
            delay_s = REPLY_S * (
                self._random.uniform(0.7, 1.9) if self._random.random() < 0.3 else 0.0
            )
            self.late += delay_s > REPLY_S
            asyncio.get_running_loop().call_later(delay_s, send, body + crc(body))


@asynccontextmanager
async def behind_a_serial_server(device: SlowDevice) -> AsyncIterator[str]:
    """A transparent serial server: the newest connection receives all that arrives on the line,
    also answers to requests of an earlier one.
    """
    newest: list[asyncio.StreamWriter] = []

    def send(data: bytes) -> None:
        if newest and not newest[-1].is_closing():
            newest[-1].write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        newest.append(writer)
        while data := await reader.read(256):
            device.take(data, send)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield f"rtu+tcp://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def on_a_serial_line(device: SlowDevice) -> AsyncIterator[str]:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    loop = asyncio.get_running_loop()
    loop.add_reader(
        ours, lambda: device.take(os.read(ours, 256), lambda data: os.write(ours, data))
    )
    try:
        yield f"rtu://{os.ttyname(theirs)}?baud=115200"
    finally:
        loop.remove_reader(ours)
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(
    not os.environ.get("SITEEMS_LONG"), reason="a comparison with bare pymodbus: SITEEMS_LONG=1"
)
async def test_bare_pymodbus_takes_late_replies_for_others() -> None:
    """Why the link handles late replies: the same reads without it return values of other
    registers, with valid checksums.
    """
    device, wrong = SlowDevice(3), 0
    async with behind_a_serial_server(device) as url:
        port = int(url.rsplit(":", 1)[1])
        client = AsyncModbusTcpClient(
            LOOPBACK, port=port, framer=FramerType.RTU, timeout=REPLY_S, retries=0
        )
        await client.connect()
        client.set_max_no_responses(1_000_000)
        for i in range(1000):
            address = 7 * i % 5000
            try:
                reply = await client.read_holding_registers(address, count=1, device_id=1)
                wrong += reply.registers != [address]
            except ModbusException:
                pass
        client.close()
    print(f"{wrong} of 1000 reads returned another register's value")
    assert wrong


async def test_rtu_over_tcp_reads_and_writes() -> None:
    source = HeldValues(free_values("generic-smart-lithium"))
    device_map = load_map("generic-smart-lithium")
    server = RegisterServer(LOOPBACK, 0, {1: SimulatedUnit(device_map, source)}, framing="rtu")
    link = ModbusLink(f"rtu+tcp://{LOOPBACK}:{await server.start()}")
    try:
        await link.write(1, 0x1000, [0xFFFF, 0xF63C])
        assert source.writes == [("battery_setpoint_kw", -2.5)]
        assert await link.read(1, "holding", 0x1000, 2) == (0xFFFF, 0xF63C)
    finally:
        await link.close()
        await server.stop()


class Authority:
    """A certificate authority with a server's and a client's certificate, as files."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.server, client = (
            self.authority.issue_cert(LOOPBACK),
            self.authority.issue_cert("gateway.site"),
        )
        self.ca, self.certificate, self.key = (
            folder / name for name in ("ca.pem", "own.pem", "own.key")
        )
        self.authority.cert_pem.write_to_path(str(self.ca))
        client.cert_chain_pems[0].write_to_path(str(self.certificate))
        client.private_key_pem.write_to_path(str(self.key))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """A server that asks for a certificate of the same authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        device = SimDevice(1, [SimData(0, count=20, values=42, datatype=DataType.REGISTERS)])
        server = ModbusTlsServer(device, address=(LOOPBACK, 0), sslctx=context)
        await server.serve_forever(background=True)
        try:
            yield f"tls://{LOOPBACK}:{server.transport.sockets[0].getsockname()[1]}"
        finally:
            await server.shutdown()


async def test_tls_with_certificates_of_one_authority(tmp_path: Path) -> None:
    ours = Authority(tmp_path)
    async with ours.serving() as url:
        link = ModbusLink(url, credentials=Credentials(ours.ca, ours.certificate, ours.key))
        try:
            assert await link.read(1, "holding", 3, 10) == (42,) * 10
            await link.write(1, 5, [7])
            assert await link.read(1, "holding", 5, 1) == (7,)
        finally:
            await link.close()


async def test_tls_without_a_trusted_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ours, strangers = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    async with ours.serving() as url:
        for credentials in (
            Credentials(strangers.ca, ours.certificate, ours.key),  # we do not know the server
            Credentials(
                ours.ca, strangers.certificate, strangers.key
            ),  # the server does not know us
            Credentials(ours.ca),  # we show no certificate
        ):
            link = ModbusLink(url, timeout_s=1.0, credentials=credentials)
            with pytest.raises(LinkError):
                await link.read(1, "holding", 3, 1)
            await link.close()


def test_credentials_and_links_must_fit(tmp_path: Path) -> None:
    ours = Authority(tmp_path)
    with pytest.raises(ValueError, match="a tls link needs credentials"):
        ModbusLink("tls://host:802")
    with pytest.raises(ValueError, match="no other link has any"):
        ModbusLink("tcp://host:502", credentials=Credentials(ours.ca))
    with pytest.raises(ValueError, match="is not a Modbus link"):
        ModbusLink("dlt645+tcp://host:1")
    with pytest.raises(OSError, match="certificate"):
        ModbusLink("tls://host:802", credentials=Credentials(ours.key))


async def test_a_serial_port_that_appears_later(tmp_path: Path) -> None:
    link = ModbusLink(f"rtu://{tmp_path}/ttyUSB0", timeout_s=0.2)
    with pytest.raises(LinkDown, match="cannot connect"):
        await link.read(1, "holding", 0, 1)
    device = SlowDevice(1)
    async with on_a_serial_line(device) as url:
        (tmp_path / "ttyUSB0").symlink_to(url.removeprefix("rtu://").partition("?")[0])
        async with asyncio.timeout(5):
            while True:
                try:
                    assert await link.read(1, "holding", 9, 1) == (9,)
                    break
                except LinkDown:
                    await asyncio.sleep(0.05)
        await link.close()


async def test_a_serial_port_that_is_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    path = tmp_path / "ttyUSB0"
    source = HeldValues(free_values("generic-mppt"))
    units = {3: SimulatedUnit(load_map("generic-mppt"), source)}
    server = RegisterServer(LOOPBACK, 0, units, framing="rtu", endpoint=PtyEndpoint(path))
    link = ModbusLink(f"rtu://{path}?parity=E", timeout_s=0.3)
    await server.start()
    try:
        first = await link.read(3, "input", 0, 4)
        await server.stop()
        with pytest.raises(LinkDown, match="connection lost"):  # noticed by this very request
            await link.read(3, "input", 0, 4)
        with pytest.raises(LinkDown, match="cannot connect"):
            await link.read(3, "input", 0, 4)
        await server.start()
        assert await link.read(3, "input", 0, 4, urgent=True) == first
        with pytest.raises(LinkTimeout):  # no gateway answers for a unit that is not on the line
            await link.read(9, "input", 0, 4)
        assert link.counters.reconnects == 1
    finally:
        await link.close()
        await server.stop()


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="needs mbpoll")
async def test_mbpoll_reads_and_writes_our_simulator_on_a_serial_line(tmp_path: Path) -> None:
    path = tmp_path / "ttyS1"
    source = HeldValues(free_values("generic-smart-lithium") | {"battery_setpoint_kw": 1.5})
    units = {1: SimulatedUnit(load_map("generic-smart-lithium"), source)}
    server = RegisterServer(LOOPBACK, 0, units, framing="rtu", endpoint=PtyEndpoint(path))
    await server.start()

    async def mbpoll(*options: str) -> str:
        command = [
            "mbpoll",
            "-0",
            "-m",
            "rtu",
            "-b",
            "9600",
            "-P",
            "none",
            "-a",
            "1",
            "-t",
            "4",
            *options,
        ]
        run = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        text = (await asyncio.wait_for(run.communicate(), 10))[0].decode()
        assert run.returncode == 0, text
        return text

    try:
        assert "1500" in await mbpoll("-1", "-q", "-r", "4097", "-c", "1", str(path))
        await mbpoll("-r", "4096", str(path), "--", "65535", "63036")
        assert source.writes == [("battery_setpoint_kw", -2.5)]
    finally:
        await server.stop()


async def test_an_incomplete_request_on_a_line_is_discarded(tmp_path: Path) -> None:
    """Otherwise it would be read as the beginning of the next client's request."""
    path = tmp_path / "ttyS1"
    units = {3: SimulatedUnit(load_map("generic-mppt"), HeldValues(free_values("generic-mppt")))}
    server = RegisterServer(LOOPBACK, 0, units, framing="rtu", endpoint=PtyEndpoint(path))
    await server.start()
    link = ModbusLink(f"rtu://{path}", timeout_s=0.3)
    try:
        torn = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(torn, bytes((3, 16, 0, 0, 0, 2, 200)))
        os.close(torn)
        await asyncio.sleep(FRAME_GAP_S + 0.05)
        assert len(await link.read(3, "input", 0, 4)) == 4
    finally:
        await link.close()
        await server.stop()
