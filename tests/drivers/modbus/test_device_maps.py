"""Every map of the package: it loads, round-trips, and reads the same with another library."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_rig import Clock, Site, free_values
from pyModbusTCP.client import ModbusClient

from drivers.catalogue import known_maps, load_map
from drivers.dlt645.meter_map import MeterMap
from drivers.dlt645.numbers import decode_number, encode_number
from drivers.errors import MapError
from drivers.modbus.codec import decode, encode
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.point_map import PointMap
from drivers.points import POINTS, Quality
from drivers.roles import battery_command

ALL = tuple(name for name in known_maps() if isinstance(load_map(name), DeviceMap))
METERS = tuple(name for name in known_maps() if name not in ALL)


def test_known_maps() -> None:
    assert list(known_maps()) == sorted(known_maps())
    assert {"eastron-sdm630", "generic-smu-lead", "dlt645-three-phase"} < set(known_maps())
    with pytest.raises(MapError, match=r"unknown device map 'nope'; known are .*eastron-sdm630, "):
        load_map("nope")


@pytest.mark.parametrize("name", ALL)
def test_maps_hold_together(name: str) -> None:
    device_map = load_map(name)
    assert device_map is load_map(name)
    assert set(device_map.points) <= set(POINTS)
    assert [point for block in device_map.blocks for point in device_map.points_in(block)]
    for point in device_map.points.values():
        for limit in (point.min, point.max):
            assert decode(point.codec, encode(point.codec, limit)) == pytest.approx(limit)


@given(st.data())
def test_every_point_round_trips_within_a_step(data: st.DataObject) -> None:
    device_map = load_map(data.draw(st.sampled_from(ALL)))
    point = device_map.points[data.draw(st.sampled_from(sorted(device_map.points)))]
    limits = st.sampled_from([point.min, point.max])
    free = (
        st.sampled_from(list(point.codes.values()))
        if point.codes
        else st.floats(point.min, point.max)
    )
    value = data.draw(st.one_of(limits, free))
    back = decode(point.codec, encode(point.codec, value))
    assert back is not None
    tolerance = point.resolution * 0.501 if point.type != "f32" else 1e-6 * max(1.0, abs(value))
    assert abs(back - value) <= tolerance


@given(st.data())
def test_every_point_of_a_dlt645_map_round_trips_within_a_digit(data: st.DataObject) -> None:
    meter_map = load_map(data.draw(st.sampled_from(METERS)))
    assert isinstance(meter_map, MeterMap)
    point = meter_map.points[data.draw(st.sampled_from(sorted(meter_map.points)))]
    value = data.draw(
        st.one_of(st.sampled_from([point.min, point.max]), st.floats(point.min, point.max))
    )
    back = decode_number(point.form, encode_number(point.form, value))
    assert back is not None
    assert point.min <= back <= point.max
    assert abs(back - value) <= 0.501 / point.form.one


def _foreign(client: ModbusClient, point: PointMap) -> float:
    """The value as another library and plain struct see it at the address that the map states."""
    read = client.read_input_registers if point.space == "input" else client.read_holding_registers
    words = read(point.address, {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2}[point.type])
    assert words
    words = words if point.word_order == "big" else words[::-1]
    packed = struct.pack(f">{len(words)}H", *words)
    form = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f"}[point.type]
    raw = struct.unpack(form, packed)[0]
    return point.codes[raw] if point.codes else float(raw) * point.scale * point.sign


@pytest.mark.parametrize("name", ALL)
async def test_served_read_and_read_by_another_library(name: str) -> None:
    values = free_values(name)
    site = Site(name, values, Clock())
    await site.start()
    try:
        reading = await site.device.read()
        assert reading.faults == ()
        assert await site.device.check_identity() in (
            True,
            None if site.device_map.identity is None else True,
        )

        def by_hand() -> dict[str, float]:
            client = ModbusClient("127.0.0.1", site.port, unit_id=1, timeout=2, auto_open=True)
            try:
                return {
                    point: _foreign(client, spec) for point, spec in site.device_map.points.items()
                }
            finally:
                client.close()

        foreign = await asyncio.to_thread(by_hand)
        for point, value in values.items():
            assert reading.points[point].quality is Quality.GOOD
            assert reading.value(point) == pytest.approx(value, rel=1e-6, abs=1e-6)
            assert foreign[point] == pytest.approx(value, rel=1e-6, abs=1e-6)
    finally:
        await site.stop()


async def test_another_library_writes_a_setpoint() -> None:
    site = Site("generic-smart-lithium", free_values("generic-smart-lithium"), Clock())
    await site.start()
    try:

        def by_hand() -> tuple[bool, int]:
            client = ModbusClient("127.0.0.1", site.port, unit_id=1, timeout=2, auto_open=True)
            try:
                whole = client.write_multiple_registers(
                    0x1000, list(struct.unpack(">HH", struct.pack(">i", -2500)))
                )
                client.write_single_register(0x1000, 7)
                return bool(whole), client.last_except
            finally:
                client.close()

        whole, code = await asyncio.to_thread(by_hand)
        assert whole
        assert code == 2, "half of a 32-bit value must not be taken"
        assert site.source.writes == [("battery_setpoint_kw", -2.5)]
    finally:
        await site.stop()


def test_the_most_direct_battery_command_of_the_maps_is_taken() -> None:
    lead, shelf, lithium = map(
        load_map, ("generic-smu-lead", "generic-rectifier-shelf", "generic-smart-lithium")
    )
    assert battery_command([load_map("eastron-sdm630"), lead]) == "rectifier_current"
    assert battery_command([shelf, lithium]) == "power_setpoint"
    assert battery_command([shelf, load_map("huawei-esm48100")]) == "rectifier_voltage"
    assert battery_command([shelf, load_map("sungrow-sh")]) == "forced_power"
    assert battery_command([load_map("victron-multi"), load_map("victron-gx")]) == "grid_setpoint"
    with pytest.raises(MapError, match="generic-rectifier-shelf, deye-hybrid-3p"):
        battery_command([shelf, load_map("deye-hybrid-3p")])


def test_runs_are_adjacent_registers() -> None:
    lead = load_map("generic-smu-lead")
    assert lead.runs(["float_v", "rectifier_limit_a", "safe_charge_limit_a", "charge_limit_a"]) == (
        ("rectifier_limit_a", "charge_limit_a", "float_v"),
        ("safe_charge_limit_a",),
    )


def test_sungrow_reads_the_battery_power_with_a_documented_sign() -> None:
    """32 bit, low word first, discharging positive; not the 13021 of changing meaning."""
    point = load_map("sungrow-sh").points["battery_kw"]
    assert (point.space, point.address) == ("input", 5213)
    assert decode(point.codec, (2500, 0)) == -2.5, "2500 W of discharge"
    assert decode(point.codec, (0x10000 - 2500, 0xFFFF)) == 2.5, "2500 W of charge"
    assert decode(point.codec, (0xFFFF, 0x7FFF)) is None
