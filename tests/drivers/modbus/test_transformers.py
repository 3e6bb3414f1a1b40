"""A Modbus meter behind instrument transformers: power and energy are its readings times the
ratio, voltage and frequency are not.
"""

from __future__ import annotations

import pytest
from modbus_rig import Clock, Site

from drivers.catalogue import load_map
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap

SHOWN = {
    "active_power_kw": -3.21,
    "mains_v": 229.7,
    "frequency_hz": 50.0,
    "energy_import_kwh": 1234.56,
    "energy_export_kwh": 7.5,
}


@pytest.mark.parametrize(
    ("model", "power_step_kw"), [("acrel-adw300", 0.001), ("carlo-gavazzi-em24", 0.0001)]
)
async def test_power_and_energy_are_multiplied(model: str, power_step_kw: float) -> None:
    site = Site(model, SHOWN, Clock())
    await site.start()
    try:
        device_map = site.device_map.behind_transformers(20.0)
        meter = Device("grid-meter", device_map, site.link, 1, site.clock)
        reading = await meter.read()
    finally:
        await site.stop()
    assert reading.value("active_power_kw") == pytest.approx(-64.2, abs=20.0 * power_step_kw)
    assert reading.value("energy_import_kwh") == pytest.approx(24691.2, abs=2.0)
    assert reading.value("energy_export_kwh") == pytest.approx(150.0, abs=1.0)
    assert reading.value("mains_v") == pytest.approx(229.7, abs=0.05)
    assert device_map.points["active_power_kw"].resolution == pytest.approx(20.0 * power_step_kw)
    assert load_map(model).points["active_power_kw"].scale == pytest.approx(power_step_kw)


@pytest.mark.parametrize(("shown_kw", "good"), [(150.0, True), (250.0, False)])
def test_the_plausible_limits_are_those_of_the_meter(shown_kw: float, good: bool) -> None:
    """This meter can show 200 kW, so behind transformers of 20 it measures 4,000 kW."""
    device_map = load_map("carlo-gavazzi-em24")
    assert isinstance(device_map, DeviceMap)
    point = device_map.behind_transformers(20.0).points["active_power_kw"]
    assert (point.min <= 20.0 * shown_kw <= point.max) is good
