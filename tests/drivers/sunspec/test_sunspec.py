"""SunSpec devices, made by pysunspec2 and served by pymodbus: found, mapped, read and driven; and
our simulated device read by pysunspec2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP
from sunspec_rig import (
    BATTERY,
    COMMON,
    CONTROLS,
    INVERTER,
    LEGACY,
    LOOPBACK,
    METER,
    NAMEPLATE,
    image,
    served,
)

from drivers.catalogue import load_map
from drivers.errors import DeviceError, DriverError, MapError, WriteRefused
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.map_writer import map_text
from drivers.points import Quality
from drivers.roles import battery_command
from drivers.simulated.modbus import RegisterServer, SimulatedUnit
from drivers.sunspec.discovery import BASES, SunSpecDevice, discover
from drivers.sunspec.mapping import device_map, name_of
from drivers.write_gate.gate import WriteGate
from drivers.write_gate.records import WriteRecord

NOON = datetime(2026, 7, 15, 4, tzinfo=UTC)


async def found_at(url: str) -> SunSpecDevice | None:
    link = ModbusLink(url, timeout_s=1.0)
    try:
        return await discover(link, 1)
    finally:
        await link.close()


async def read_with(made: DeviceMap, url: str) -> Mapping[str, float | None]:
    link = ModbusLink(url, timeout_s=1.0)
    try:
        reading = await Device("it", made, link, 1, lambda: NOON).read()
    finally:
        await link.close()
    return {name: reading.value(name) for name in made.points}


@pytest.mark.parametrize("base", BASES)
async def test_a_device_is_found_at_each_of_the_three_addresses(base: int) -> None:
    async with served(image(COMMON, INVERTER), base) as (url, _):
        found = await found_at(url)
    assert found is not None
    assert [model.id for model in found.models] == [1, 103]
    assert (found.base, found.manufacturer, found.model, found.serial) == (
        base,
        "Acme",
        "Hybrid 5",
        "A-1234",
    )


async def test_an_inverter_is_a_solar_device_limited_by_its_nameplate() -> None:
    async with served(image(COMMON, INVERTER, NAMEPLATE)) as (url, _):
        found = await found_at(url)
        assert found is not None
        made = device_map(found, "acme")
        values = await read_with(made, url)
    assert made.roles == ("solar",)
    assert values == {
        "mains_v": pytest.approx(230.1),
        "frequency_hz": pytest.approx(50.01),
        "pv_kw": pytest.approx(3.45),
        "pv_v": pytest.approx(610.0),
        "pv_energy_kwh": pytest.approx(1234.567),
    }
    assert made.points["pv_kw"].max == pytest.approx(1.3 * 5.0)


async def test_a_meter_has_its_role_and_a_counter_at_zero_is_unknown() -> None:
    async with served(image(COMMON, METER)) as (url, _):
        found = await found_at(url)
        assert found is not None
        made = device_map(found, "meter")
        values = await read_with(made, url)
    assert made.roles == ("meter",)
    assert values["active_power_kw"] == pytest.approx(-4.321)
    assert values["energy_import_kwh"] == pytest.approx(98765.432)
    assert values.get("energy_export_kwh") is None


async def hybrid(url: str) -> DeviceMap:
    found = await found_at(url)
    assert found is not None
    return device_map(found, "hybrid")


HYBRID = image(COMMON, INVERTER, BATTERY, CONTROLS)


async def test_the_power_of_a_battery_is_never_taken_for_pv() -> None:
    async with served(HYBRID) as (url, _):
        made = await hybrid(url)
        values = await read_with(made, url)
    assert made.roles == ("battery",)
    assert "pv_kw" not in values
    assert values["soc"] == pytest.approx(0.734)
    assert values["soh"] == pytest.approx(0.98)
    assert values["battery_v"] == pytest.approx(52.8)
    assert values["battery_a"] == pytest.approx(
        41.2
    )  # charging; SunSpec counts discharging as positive
    assert (made.points["battery_setpoint_kw"].min, made.points["battery_setpoint_kw"].max) == (
        -5.0,
        5.0,
    )


async def test_a_point_not_implemented_is_unknown_and_a_changed_scale_factor_is_followed() -> None:
    async with served(HYBRID) as (url, held):
        made = await hybrid(url)
        soc = made.points["soc"].address - 40000
        held[soc] = 0xFFFF
        link = ModbusLink(url, timeout_s=1.0)
        device = Device("it", made, link, 1, lambda: NOON)
        assert (await device.read()).points["soc"].quality is Quality.MISSING
        held[soc] = 734
        assert (await device.read()).value("soc") == pytest.approx(0.734)
        factor = soc + 56 - 11  # SoC_SF is at offset 56 of the model, SoC at 11
        held[soc], held[factor] = 7345, 0xFFFE
        reading = await device.read()
        await link.close()
    assert reading.value("soc") == pytest.approx(0.7345)
    assert reading.faults == ()


async def test_a_setpoint_is_enabled_in_the_same_frame_and_the_device_keeps_the_lease() -> None:
    records: list[WriteRecord] = []
    async with served(HYBRID) as (url, held):
        made = await hybrid(url)
        link = ModbusLink(url, timeout_s=1.0)
        device = Device("it", made, link, 1, lambda: NOON)
        gate = WriteGate(owner="test", now=lambda: NOON, record=records.append)
        await gate.commission(
            device, {"safe_battery_setpoint_kw": 1.0}, 60.0, reason="commissioning"
        )
        await gate.set(device, {"battery_setpoint_kw": -2.5}, reason="test")
        values = await read_with(made, url)
        counters = link.counters
        await link.close()
        at = made.points["battery_setpoint_kw"].address - 40000
        assert held[at - 2 : at] == [1, 1]  # WSetEna, WSetMod = watts
        assert held[at : at + 2] == [0, 250]  # discharging 2.5 kW, scale factor 1
        assert held[at + 6] == 1  # WSetEnaRvrt
        assert held[at + 7 : at + 9] == [0, 60]  # WSetRvrtTms
    assert {record.outcome for record in records} == {"written"}
    assert values["battery_setpoint_kw"] == pytest.approx(-2.5)
    assert values["safe_battery_setpoint_kw"] == pytest.approx(1.0)
    assert counters.refused == 0
    assert made.lease is not None


async def test_basic_storage_is_a_pair_of_limits_between_0_and_100_percent() -> None:
    records: list[WriteRecord] = []
    async with served(image(COMMON, BATTERY, LEGACY)) as (url, held):
        made = await hybrid(url)
        link = ModbusLink(url, timeout_s=1.0)
        device = Device("it", made, link, 1, lambda: NOON)
        gate = WriteGate(owner="test", now=lambda: NOON, record=records.append)
        await gate.commission(device, {}, 60.0, reason="commissioning")
        await gate.set(device, {"charge_limit_kw": 0.0, "discharge_limit_kw": 1.5}, reason="test")
        values = await read_with(made, url)
        with pytest.raises(WriteRefused, match=r"outside-limits: low 0.0, high 4.0, unit kW"):
            await gate.set(device, {"charge_limit_kw": -1.0}, reason="test")
        await link.close()
        model = made.points["discharge_limit_kw"].address - 12 - 40000
        assert held[model] == 124
        assert held[model + 5] == 3  # StorCtl_Mod: both limits count
        assert held[model + 12 : model + 14] == [3750, 0]  # OutWRte = 37.5 % of 4 kW, InWRte
        assert held[model + 15] == 60  # InOutWRte_RvrtTms
    assert {record.outcome for record in records} == {"written", "refused"}
    assert (values["charge_limit_kw"], values["discharge_limit_kw"]) == (0.0, pytest.approx(1.5))
    assert battery_command([made]) == "power_limits"
    assert made.lease is not None


async def test_a_changed_base_of_percentages_loses_only_the_percentages() -> None:
    async with served(image(COMMON, BATTERY, LEGACY)) as (url, held):
        made = await hybrid(url)
        held[made.points["charge_limit_kw"].address - 13 + 2 - 40000] = 800
        values = await read_with(made, url)
    assert values["charge_limit_kw"] is None
    assert values["discharge_limit_kw"] is None
    assert values["comm_timeout_s"] == 3600.0


async def test_basic_storage_is_not_used_where_watts_are_taken() -> None:
    async with served(image(COMMON, BATTERY, LEGACY, CONTROLS)) as (url, _):
        made = await hybrid(url)
    assert made.setpoints == ("battery_setpoint_kw",)
    assert battery_command([made]) == "power_setpoint"


async def test_the_map_file_loads_as_the_same_map(tmp_path: Path) -> None:
    async with served(image(COMMON, BATTERY, LEGACY)) as (url, _):
        made = await hybrid(url)
        (tmp_path / "hybrid.toml").write_text(map_text(made), encoding="utf-8")
        assert load_map(str(tmp_path / "hybrid.toml")) == made
    load_map.cache_clear()
    async with served(HYBRID) as (url, _):
        made = await hybrid(url)
    path = tmp_path / "hybrid.toml"
    path.write_text(map_text(made, "a comment"), encoding="utf-8")
    assert load_map(str(path)) == made


async def test_a_device_without_sunspec_is_not_found() -> None:
    async with served([1, 2, 3, 4]) as (url, _):
        assert await found_at(url) is None


@pytest.mark.parametrize("end", [(), (103, 0xFFF0)], ids=["none", "a model too long"])
async def test_a_broken_chain_of_models_is_an_error(end: tuple[int, ...]) -> None:
    async with served(image(COMMON, INVERTER, end=end)) as (url, _):
        with pytest.raises(DeviceError):
            await found_at(url)


async def test_the_length_of_a_chain_is_limited() -> None:
    async with served([0x5375, 0x6E53, *([7, 1, 0] * 2000)]) as (url, _):
        with pytest.raises(DriverError, match="chain of SunSpec models is broken"):
            await found_at(url)


async def test_a_device_without_a_role_gives_no_map() -> None:
    async with served(image(COMMON, NAMEPLATE)) as (url, _):
        found = await found_at(url)
    assert found is not None
    with pytest.raises(MapError, match="give no role"):
        device_map(found, "nothing")
    assert name_of(replace(found, models=found.models[1:]), 7) == "sunspec-7"


class Values:
    def __init__(self, values: Mapping[str, float | None]) -> None:
        self.values = dict(values)

    def read_points(self) -> Mapping[str, float | None]:
        return self.values

    def write_point(self, name: str, value: float) -> None:
        self.values[name] = value

    def restart(self) -> None:
        raise NotImplementedError


async def test_the_client_of_pysunspec2_reads_our_simulated_device() -> None:
    async with served(HYBRID) as (url, _):
        found = await found_at(url)
    assert found is not None
    whole = device_map(found, "hybrid", whole=True)
    source = Values(
        {
            "soc": 0.5,
            "battery_v": 51.2,
            "battery_a": -20.0,
            "soh": 1.0,
            "mains_v": 231.0,
            "frequency_hz": 50.0,
            "battery_setpoint_kw": 0.0,
            "safe_battery_setpoint_kw": 0.0,
            "comm_timeout_s": 60.0,
        }
    )
    server = RegisterServer(LOOPBACK, 0, {1: SimulatedUnit(whole, source)})
    port = await server.start()

    def theirs() -> tuple[list[int], float, float]:
        client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=LOOPBACK, ipport=port, timeout=5)
        try:
            client.scan()
            battery = client.models[802][0]
            battery.read()
            models = [number for number in client.models if isinstance(number, int)]
            return models, battery.SoC.cvalue, battery.A.cvalue
        finally:
            client.close()

    try:
        models, soc, amps = await asyncio.to_thread(theirs)
    finally:
        await server.stop()
    assert models == [1, 103, 802, 704]
    assert soc == pytest.approx(50.0)
    assert amps == pytest.approx(20.0)
