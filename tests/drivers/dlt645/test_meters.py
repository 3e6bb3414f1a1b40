"""Meters read over real sockets and a pseudo-terminal: our simulated ones, and those of another
library.
"""

import asyncio
import os
import socket
import tty
from pathlib import Path

import pytest
from dlt645 import MeterClientService, MeterServerService
from meter_rig import ADDRESS, HERE, NOON, SHOWN, Values, meter_on, our_meter, three_phase

from drivers.dlt645.frame import READ, REPLY, Frame, encode_frame, take_frames
from drivers.dlt645.link import Dlt645Link
from drivers.points import Quality
from drivers.simulated.dlt645 import MeterServer, SimulatedMeter
from drivers.simulated.endpoints import PtyEndpoint


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
    assert reading.value("mains_v") == pytest.approx(229.7)  # a voltage is not scaled
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
    assert len(reading.faults) == 1, "one time-out, not one for each point"


async def test_the_only_meter_on_a_line_reports_its_address() -> None:
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
        )  # in the byte order of the line
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
