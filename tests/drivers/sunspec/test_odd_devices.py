"""SunSpec devices as they are found in the field: points that are not implemented, PV behind a
hybrid, silence at the usual address, models without length, and texts with a newline.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sunspec2.device import Model
from sunspec_rig import BATTERY, COMMON, CONTROLS, INVERTER, LEGACY, METER, image, served

from drivers.errors import DriverError, LinkTimeout, MapError
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.map_reader import parse_map
from drivers.modbus.map_writer import map_text
from drivers.modbus.protocol import Space
from drivers.points import Quality
from drivers.scan import scan_link
from drivers.sunspec.discovery import FoundModel, SunSpecDevice, discover
from drivers.sunspec.mapping import device_map

pytestmark = pytest.mark.timeout(20)
TRACKERS = FoundModel(160, 50000, (160, 8, *[0] * 8))


async def found_at(words: list[int], base: int = 40000) -> SunSpecDevice:
    async with served(words, base) as (url, _):
        link = ModbusLink(url, timeout_s=1.0)
        found = await discover(link, 1)
        await link.close()
    assert found is not None
    return found


async def made_of(*models: Mapping[str, Any]) -> DeviceMap:
    return device_map(await found_at(image(COMMON, BATTERY, *models)), "it")


@pytest.mark.parametrize("lacking", ["WSet", "WSetEna", "WSetMod"])
async def test_controls_that_are_not_implemented_are_no_command(lacking: str) -> None:
    controls = {name: value for name, value in CONTROLS.items() if name != lacking}
    made = await made_of(LEGACY, controls)
    assert made.setpoints == ("charge_limit_kw", "discharge_limit_kw")
    (timeout,) = [p for n, p in made.points.items() if n == "comm_timeout_s"]
    limit = made.points["charge_limit_kw"]
    assert 0 < timeout.address - limit.address < 10, "the lease is that of the same model"


async def test_a_time_out_that_is_not_implemented_is_no_lease() -> None:
    lacking = {name: value for name, value in LEGACY.items() if name != "InOutWRte_RvrtTms"}
    assert (await made_of(lacking)).lease is None


async def test_the_power_of_a_hybrid_with_pv_is_not_that_of_its_battery() -> None:
    found = await found_at(image(COMMON, BATTERY, LEGACY, CONTROLS))
    assert device_map(found, "it").setpoints == ("battery_setpoint_kw",)
    hybrid = SunSpecDevice(found.base, (*found.models, TRACKERS))
    assert device_map(hybrid, "it").setpoints == ("charge_limit_kw", "discharge_limit_kw")


@pytest.mark.parametrize(
    "passed", [(64001, 0), (120, 0), (203, 0), (802, 0, 64001, 0, 1, 0)], ids=str
)
async def test_a_model_of_no_length_is_passed_over(passed: tuple[int, ...]) -> None:
    words, last = image(COMMON, METER), image(INVERTER)[2:]
    found = await found_at([*words[:-2], *passed, *last])
    assert [model.id for model in found.models] == [1, 203, 103]
    at_the_end = await found_at([*words[:-2], *last[:-2], *passed, *last[-2:]])
    assert [model.id for model in at_the_end.models] == [1, 203, 103]
    assert device_map(found, "it").roles == ("meter", "solar")


async def test_a_model_that_is_too_short_has_no_points() -> None:
    found = await found_at(image(COMMON, METER))
    short = FoundModel(103, 50000, (103, 3, 0, 0, 0))
    made = device_map(SunSpecDevice(found.base, (*found.models, short)), "it")
    assert made.roles == ("meter",)


@pytest.mark.parametrize("factor", [-11, 11, 32767])
async def test_a_scale_factor_out_of_range_loses_only_its_points(factor: int) -> None:
    made = device_map(await found_at(image(COMMON, METER | {"Hz_SF": factor})), "it")
    assert "frequency_hz" not in made.points
    assert made.roles == ("meter",)


async def test_a_text_with_a_newline_makes_a_map_that_loads() -> None:
    found = await found_at(image(COMMON | {"SN": "A-1\n[x]", "Md": "Hy\x7f\tbrid"}, METER))
    assert (found.serial, found.model) == ("A-1 [x]", "Hy  brid")
    text = map_text(device_map(found, "it"), f"serial {found.serial}", "two\nlines")
    assert parse_map(text, "it.toml").roles == ("meter",)


@pytest.mark.parametrize(
    ("base", "silent"), [(0, {40000}), (50000, {40000, 0}), (50000, {0}), (40000, {0, 50000})]
)
async def test_the_other_addresses_are_tried_after_silence_at_one(
    base: int, silent: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(image(COMMON, METER), base) as (url, _):
        link = ModbusLink(url, timeout_s=1.0)
        read = link.read

        async def partly(unit: int, space: Space, at: int, count: int, **how: bool) -> Any:
            if at in silent:
                raise LinkTimeout("no answer", sent=True)
            return await read(unit, space, at, count, **how)

        monkeypatch.setattr(link, "read", partly)
        found = await discover(link, 1)
        (scanned,) = await scan_link(link, [1], [], lambda _: None)
        await link.close()
    assert found is not None
    assert scanned.sunspec is not None
    assert found.base == scanned.sunspec.base == base


async def test_a_unit_that_is_silent_at_all_addresses_does_not_answer() -> None:
    async def silent(*_: Any, **how: bool) -> Any:
        raise LinkTimeout("no answer", sent=True)

    link = ModbusLink("tcp://127.0.0.1:1", timeout_s=1.0)
    link.read = silent  # type: ignore[method-assign]
    with pytest.raises(LinkTimeout):
        await discover(link, 1)
    assert await scan_link(link, [1], [], lambda _: None) == ()


PORT = {"DCA": 120, "DCV": 5200, "DCW": 600}


def with_ports(*kinds: int) -> FoundModel:
    """Model 714 with DC ports of these kinds, at address 50000."""
    empty = Model(714, data={"NPrt": len(kinds), "Prt": [{} for _ in kinds]})
    values = {"ID": 714, "NPrt": len(kinds), "DCA_SF": -1, "DCV_SF": -2, "DCW_SF": 0}
    packed = Model(
        714,
        data={**values, "Prt": [{"PrtTyp": kind, "ID": n, **PORT} for n, kind in enumerate(kinds)]},
    ).get_mb()
    words = [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]
    assert len(words) == len(empty.get_mb()) // 2
    words[1] = len(words) - 2
    return FoundModel(714, 50000, tuple(words))


@pytest.mark.parametrize(
    ("kinds", "setpoints"),
    [
        ((1,), ("battery_setpoint_kw",)),
        ((1, 0), ("charge_limit_kw", "discharge_limit_kw")),  # PV behind it
        ((0, 1), ("charge_limit_kw", "discharge_limit_kw")),
        ((1, 3), ("battery_setpoint_kw",)),  # a load
    ],
)
async def test_a_pv_port_makes_a_unit_a_hybrid(
    kinds: tuple[int, ...], setpoints: tuple[str, ...]
) -> None:
    found = await found_at(image(COMMON, BATTERY, LEGACY, CONTROLS))
    made = device_map(SunSpecDevice(found.base, (*found.models, with_ports(*kinds))), "it")
    assert made.setpoints == setpoints
    assert "pv_kw" not in made.points


async def test_the_battery_of_a_unit_with_ports_is_that_of_its_storage_port() -> None:
    storage = {"ID": 713, "SoC": 612, "Pct_SF": -1, "SoH": 980}
    found = await found_at(image(COMMON, storage))
    made = device_map(SunSpecDevice(found.base, (*found.models, with_ports(0, 1))), "it")
    first = made.points["battery_v"].address - 50000
    assert first > 18 + 25, "in the second port"
    alone = SunSpecDevice(found.base, (*found.models, with_ports(0)))
    with pytest.raises(MapError, match="no role"):
        device_map(alone, "it")


@pytest.fixture
async def metered() -> AsyncIterator[tuple[Device, list[int], DeviceMap]]:
    """A meter as scanned, and the registers that it holds."""
    async with served(image(COMMON, METER)) as (url, held):
        link = ModbusLink(url, timeout_s=1.0)
        found = await discover(link, 1)
        assert found is not None
        made = device_map(found, "it")
        yield Device("it", made, link, 1, lambda: datetime(2026, 7, 1, 12, tzinfo=UTC)), held, made
        await link.close()


def factor_at(made: DeviceMap, name: str) -> int:
    factor = made.points[name].scale_factor
    assert factor is not None
    return factor.address - 40000


async def test_scale_factors_that_move_while_running_are_followed(
    metered: tuple[Device, list[int], DeviceMap],
) -> None:
    device, held, made = metered
    before = await device.read()
    assert before.value("active_power_kw") == pytest.approx(-4.321)
    held[made.points["active_power_kw"].address - 40000] = 4500
    held[factor_at(made, "active_power_kw")] = 1
    held[made.points["mains_v"].address - 40000] = 23456
    held[factor_at(made, "mains_v")] = -2 & 0xFFFF
    reading = await device.read()
    assert reading.value("active_power_kw") == pytest.approx(45.0), "more than 16 bits of 1 W"
    assert reading.value("mains_v") == pytest.approx(234.56)
    assert reading.value("frequency_hz") == before.value("frequency_hz")
    assert reading.faults == ()
    some = await device.read_points(["mains_v"])
    assert some.value("mains_v") == pytest.approx(234.56)


@pytest.mark.parametrize("factor", [0x8000, 11, -11 & 0xFFFF])
async def test_a_scale_factor_that_is_missing_loses_only_its_points(
    metered: tuple[Device, list[int], DeviceMap], factor: int
) -> None:
    device, held, made = metered
    held[factor_at(made, "mains_v")] = factor
    reading = await device.read()
    assert reading.points["mains_v"].quality is Quality.MISSING
    assert reading.value("active_power_kw") == pytest.approx(-4.321)
    assert reading.value("energy_import_kwh") is not None


@pytest.mark.parametrize(("factor", "raw"), [(1, 250), (0, 2500), (2, 25)])
async def test_a_setpoint_is_written_with_the_scale_factor_that_holds_now(
    factor: int, raw: int
) -> None:
    async with served(image(COMMON, BATTERY, CONTROLS)) as (url, held):
        link = ModbusLink(url, timeout_s=1.0)
        found = await discover(link, 1)
        assert found is not None
        made = device_map(found, "it")
        device = Device("it", made, link, 1, lambda: datetime(2026, 7, 1, 12, tzinfo=UTC))
        held[factor_at(made, "battery_setpoint_kw")] = factor
        await device.write_points({"battery_setpoint_kw": -2.5})
        read = await device.read_points(["battery_setpoint_kw"])
        held[factor_at(made, "battery_setpoint_kw")] = 0x8000
        with pytest.raises(DriverError, match="holds no scale factor"):
            await device.write_points({"battery_setpoint_kw": -1.0})
        await link.close()
    at = made.points["battery_setpoint_kw"].address - 40000
    assert held[at : at + 2] == [0, raw]
    assert read.value("battery_setpoint_kw") == pytest.approx(-2.5)
