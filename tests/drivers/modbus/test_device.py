"""A device's reading: every point with a value or with the reason why there is none."""

import asyncio
import struct

import pytest
from modbus_rig import LOOPBACK, Clock, HeldValues, RawServer, Request, Site, read_reply

from drivers.catalogue import load_map
from drivers.errors import DeviceRefused, DriverError, MapError
from drivers.modbus import silent_blocks
from drivers.modbus.device import Device
from drivers.modbus.link import ModbusLink
from drivers.modbus.map_reader import parse_map
from drivers.points import Quality, Reading
from drivers.simulated.faults import Fault
from drivers.simulated.modbus import RegisterServer, SimulatedUnit

pytestmark = pytest.mark.timeout(20)


async def test_a_good_reading(smu: Site) -> None:
    smu.source.values |= {"soc": 0.873, "battery_a": -41.5, "outdoor_c": -12.3, "mains_v": 0.0}
    reading = await smu.device.read()
    assert reading.device == "unit-1"
    assert reading.time == smu.clock()
    assert reading.value("soc") == 0.873
    assert reading.value("battery_a") == -41.5
    assert reading.value("outdoor_c") == -12.3
    assert reading.value("mains_v") == 0.0
    assert reading.value("float_v") == 53.5
    assert reading.value("pv_kw") is None, "a point that the device does not have"
    assert set(reading.points) == set(smu.device_map.points)


async def test_missing_is_not_zero(smu: Site) -> None:
    smu.source.values |= {"room_c": None, "soh": None}
    reading = await smu.device.read()
    assert reading.points["room_c"].quality is Quality.MISSING
    assert reading.points["soh"].quality is Quality.MISSING
    assert reading.value("room_c") is None
    assert reading.points["outdoor_c"].quality is Quality.GOOD


async def test_implausible_has_no_value(smu: Site) -> None:
    smu.source.values |= {"soc": 1.2, "battery_a": 3000.0, "bus_v": 75.01}
    reading = await smu.device.read()
    for name in ("soc", "battery_a", "bus_v"):
        assert reading.points[name].quality is Quality.IMPLAUSIBLE
        assert reading.value(name) is None


async def test_one_block_fails_and_the_others_are_read() -> None:
    async def no_setpoints(request: Request) -> bytes:
        tid, unit, function, address, count = request
        if (function, address) == (3, 0x1000):
            return struct.pack(">HHHBBB", tid, 0, 3, unit, function + 0x80, 6)
        return read_reply(request, [1] * count)

    async with RawServer(no_setpoints) as link:
        reading = await Device("smu", load_map("generic-smu-lead"), link, 3, Clock()).read()
    for name in ("rectifier_limit_a", "charge_limit_a", "float_v"):
        assert reading.points[name].quality is Quality.UNREACHABLE
    assert reading.value("soc") == 0.001
    assert reading.value("comm_timeout_s") == 1.0
    assert len(reading.faults) == 1
    assert "device busy (code 6)" in reading.faults[0]


async def test_a_dead_device_costs_one_time_out() -> None:
    async def silent(_: Request) -> bytes | None:
        return None

    server = RawServer(silent)
    async with server as link:
        reading = await Device("smu", load_map("generic-smu-lead"), link, 3, Clock()).read()
    assert {point.quality for point in reading.points.values()} == {Quality.UNREACHABLE}
    assert {point.value for point in reading.points.values()} == {None}
    assert len(server.requests) == 1
    assert len(reading.faults) == 3
    assert "within 0.5 s" in reading.faults[0], (
        "the map's worst reply, not the link's shorter time-out"
    )


async def test_float_meter_with_infinity() -> None:
    async def meter(request: Request) -> bytes:
        _, _, _, address, count = request
        if address == 0:
            return read_reply(request, [0x7F80, 0])
        words = [0] * count
        words[0:2] = struct.unpack(">HH", struct.pack(">f", -1234.5))
        words[18:20] = [0x7FC0, 0]
        return read_reply(request, words)

    async with RawServer(meter) as link:
        reading = await Device("meter", load_map("eastron-sdm630"), link, 1, Clock()).read()
    assert reading.points["mains_v"].quality is Quality.IMPLAUSIBLE
    assert reading.points["frequency_hz"].quality is Quality.MISSING
    assert reading.value("active_power_kw") == pytest.approx(-1.2345)


async def test_read_points_requests_just_these_registers() -> None:
    async def echo(request: Request) -> bytes:
        return read_reply(request, [500] * request[4])

    server = RawServer(echo)
    async with server as link:
        device = Device("smu", load_map("generic-smu-lead"), link, 1, Clock())
        reading: Reading = await device.read_points(["charge_limit_a", "rectifier_limit_a", "soc"])
        with pytest.raises(MapError, match="generic-smu-lead has no point pv_kw; it has mains_v, "):
            await device.read_points(["pv_kw"])
    assert [request[2:] for request in server.requests] == [(3, 0x1000, 2), (4, 7, 1)]
    assert set(reading.points) == {"charge_limit_a", "rectifier_limit_a", "soc"}
    assert reading.value("charge_limit_a") == 50.0


async def test_adjacent_setpoints_go_in_one_frame(smu: Site) -> None:
    before = smu.link.counters.requests
    await smu.device.write_points(
        {"charge_limit_a": 12.34, "rectifier_limit_a": 99.99, "safe_charge_limit_a": 5.0}
    )
    assert smu.link.counters.requests - before == 2
    assert smu.source.writes == [
        ("rectifier_limit_a", 100.0),
        ("charge_limit_a", 12.3),
        ("safe_charge_limit_a", 5.0),
    ]


async def test_values_that_a_device_refuses(smu: Site) -> None:
    with pytest.raises(DeviceRefused):
        await smu.device.write_points({"float_v": 60.0})
    with pytest.raises(DriverError, match="unit-1: -1 does not fit u16"):
        await smu.device.write_points({"float_v": -1.0})
    smu.source.refuses = {"float_v"}
    with pytest.raises(DeviceRefused, match="value not accepted"):
        await smu.device.write_points({"float_v": 54.0})
    assert smu.source.writes == []


async def test_identity(smu: Site) -> None:
    assert await smu.device.check_identity() is True
    lithium = Device("other", load_map("generic-smart-lithium"), smu.link, 1, smu.clock)
    assert await lithium.check_identity() is False
    absent = Device("absent", load_map("generic-smart-lithium"), smu.link, 9, smu.clock)
    assert await absent.check_identity() is None
    unknown = Device("meter", load_map("eastron-sdm630"), smu.link, 1, smu.clock)
    assert await unknown.check_identity() is None


async def test_a_source_that_cannot_be_encoded_is_a_device_failure(smu: Site) -> None:
    smu.source.values["rectifier_limit_a"] = 1e9
    reading = await smu.device.read()
    assert reading.points["rectifier_limit_a"].quality is Quality.UNREACHABLE
    assert reading.points["soc"].quality is Quality.GOOD
    assert "device failure (code 4)" in reading.faults[0]


LOCKED = """
schema_version = 1
name = "locked"
title = "One setpoint and one measurement side by side, both holding registers"
roles = ["solar"]
source = "this test"
evidence = "simulated"
link = { max_registers = 10, gap_ms = 0, worst_reply_ms = 500, writes_per_day = 10 }
blocks = [{ space = "holding", start = 7, count = 4 }]
[points]
pv_kw = { space = "holding", address = 8, type = "u16", min = 0, max = 9 }
[points.pv_limit_kw]
space = "holding"
address = 7
type = "u16"
min = 0
max = 9
writable = true
storage = "volatile"
"""


async def test_a_server_takes_writable_points_only() -> None:
    source = HeldValues({"pv_limit_kw": 9.0, "pv_kw": 3.0})
    server = RegisterServer(
        LOOPBACK, 0, {1: SimulatedUnit(parse_map(LOCKED, "locked.toml"), source)}
    )
    link = ModbusLink(f"tcp://{LOOPBACK}:{await server.start()}", timeout_s=0.5)
    try:
        for address, registers in ((8, [5]), (7, [5, 5]), (9, [5])):
            with pytest.raises(DeviceRefused, match="code 2"):
                await link.write(1, address, registers)
        assert await link.read(1, "holding", 7, 4) == (9, 3, 0, 0)
        await link.write(1, 7, [5])
        assert source.writes == [("pv_limit_kw", 5.0)]
    finally:
        await link.close()
        await server.stop()


async def test_phases_are_added_up_and_signs_inverted() -> None:
    """A gateway that reports power by phase, and a battery that counts discharging as positive."""
    registers = {12: 150, 13: 65536 - 40, 14: 10, 587: 5230, 588: 81, 591: 1250}

    async def answer(request: Request) -> bytes:
        _, _, _, address, count = request
        return read_reply(request, [registers.get(at, 0) for at in range(address, address + count)])

    async with RawServer(answer) as link:
        gateway = await Device("gx", load_map("victron-multi"), link, 227, Clock()).read()
        inverter = await Device("deye", load_map("deye-hybrid-3p"), link, 1, Clock()).read()
    assert gateway.value("active_power_kw") == pytest.approx(1.2)
    assert inverter.value("battery_a") == pytest.approx(-12.5)
    assert inverter.value("soc") == pytest.approx(0.81)


async def test_one_silent_block_does_not_hide_the_blocks_behind_it(
    smu: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silent_blocks, "SILENT_PAUSES_S", (0.6,))
    first = smu.device_map.points_in(smu.device_map.blocks[0])
    smu.server.faults.add(Fault("silent-block", 1, "soc"))
    readings = []
    for _ in range(4):
        readings.append(await smu.device.read())
        await asyncio.sleep(0.55)  # the unit rests after a time-out
    for reading in readings[1:]:
        for name, point in reading.points.items():
            expected = Quality.UNREACHABLE if name in first else Quality.GOOD
            assert point.quality is expected, name
    assert "unit 1, input 0: did not answer" in readings[0].faults[0]
    assert "unit 1, input 0: was not asked: it did not answer before" in readings[2].faults[0]
    assert list(readings[1].points) == list(smu.device_map.points)
    smu.server.faults.clear()
    await asyncio.sleep(0.6)
    assert (await smu.device.read()).faults == ()


@pytest.mark.parametrize("code", [1, 2, 3])
async def test_a_device_that_does_not_know_the_identity_registers_is_another_one(
    smu: Site, code: int
) -> None:
    smu.server.faults.add(Fault("exception", 1, value=code))
    assert await smu.device.check_identity() is False


@pytest.mark.parametrize("code", [4, 5, 6, 8])
async def test_a_device_that_is_busy_is_not_another_one(smu: Site, code: int) -> None:
    smu.server.faults.add(Fault("exception", 1, value=code))
    assert await smu.device.check_identity() is None
