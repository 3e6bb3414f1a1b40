"""SunSpec devices as they are found in the field: points that are not implemented, PV behind a
hybrid, silence at the usual address, models without length, and texts with a newline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sunspec_rig import BATTERY, COMMON, CONTROLS, INVERTER, LEGACY, METER, image, served

from drivers.errors import LinkTimeout
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.map_reader import parse_map
from drivers.modbus.map_writer import map_text
from drivers.modbus.protocol import Space
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


async def test_a_model_of_no_length_is_passed_over() -> None:
    words = image(COMMON, METER)
    found = await found_at([*words[:-2], 64001, 0, *image(INVERTER)[2:]])
    assert [model.id for model in found.models] == [1, 203, 103]


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


async def test_the_other_addresses_are_tried_after_silence_at_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(image(COMMON, METER), 50000) as (url, _):
        link = ModbusLink(url, timeout_s=1.0)
        read = link.read

        async def silent_at_40000(unit: int, space: Space, at: int, count: int, **how: bool) -> Any:
            if at == 40000:
                raise LinkTimeout("no answer", sent=True)
            return await read(unit, space, at, count, **how)

        monkeypatch.setattr(link, "read", silent_at_40000)
        with pytest.raises(LinkTimeout):
            await discover(link, 1)
        found = await discover(link, 1, answers=True)
        await link.close()
    assert found is not None
    assert found.base == 50000
