"""The simulated devices: what a write does, and leases that undo it unless it is refreshed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drivers.catalogue import load_map
from siteems.clock import ManualClock
from siteems.recordings.profile import Instant
from siteems.simulation.devices import PlantDevice
from siteems.simulation.plant import Plant, make_plant
from siteems.site.model import Site

START = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)


class Rig:
    """A plant on a clock that the test moves, with its devices by name."""

    def __init__(self, site: Site, soc: float = 0.5, load_kw: float = 3.0) -> None:
        self.clock = ManualClock(START)
        self.plant: Plant = make_plant(
            site, lambda _: Instant(load_kw, 0.0, None, 26.0, True), START, soc
        )
        self.devices = {
            entry.name: PlantDevice(entry.name, load_map(entry.map), self.plant, self.clock.now)
            for entry in site.devices
        }

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))
        self.plant.advance_to(self.clock.now())


def test_each_device_serves_exactly_the_points_of_its_map(hangzhou: Site, rural: Site) -> None:
    for site in (hangzhou, rural):
        for device in Rig(site).devices.values():
            assert device.read_points().keys() == device.device_map.points.keys()


def test_readings_agree_with_the_physics(hangzhou: Site) -> None:
    rig = Rig(hangzhou)
    meter, smu = rig.devices["grid-meter"].read_points(), rig.devices["smu"].read_points()
    assert meter["active_power_kw"] == rig.plant.flows.grid_import_kw
    assert smu["bus_v"] is not None
    assert smu["battery_a"] is not None
    assert smu["bus_v"] * smu["battery_a"] / 1000 == pytest.approx(rig.plant.flows.battery_kw)
    assert smu["soc"] == rig.plant.soc


def test_reading_brings_the_plant_up_to_the_clock(hangzhou: Site) -> None:
    rig = Rig(hangzhou)
    rig.clock.advance(timedelta(minutes=10))
    energy_kwh = rig.devices["grid-meter"].read_points()["energy_import_kwh"]
    assert rig.plant.time == START + timedelta(minutes=10)
    assert energy_kwh == pytest.approx(rig.plant.flows.grid_import_kw / 6, rel=0.05)


def test_lease_expiry_falls_back_once(hangzhou: Site) -> None:
    rig = Rig(hangzhou)
    smu = rig.devices["smu"]
    smu.write_point("comm_timeout_s", 60.0)
    smu.write_point("rectifier_limit_a", 20.0)
    smu.write_point("charge_limit_a", 0.0)
    rig.wait(60)
    assert rig.plant.setpoints.rectifier_limit_a == 20.0
    assert rig.plant.flows.battery_kw < 0
    rig.wait(6)
    assert rig.plant.setpoints.rectifier_limit_a == rig.plant.safe.rectifier_limit_a
    assert rig.plant.flows.battery_kw > 0
    rig.wait(3600)
    assert rig.plant.meters.fallbacks == 1


def test_a_write_within_the_lease_refreshes_it(hangzhou: Site) -> None:
    rig = Rig(hangzhou)
    smu = rig.devices["smu"]
    smu.write_point("comm_timeout_s", 60.0)
    for _ in range(10):
        smu.write_point("rectifier_limit_a", 20.0)
        rig.wait(50)
    assert (rig.plant.setpoints.rectifier_limit_a, rig.plant.meters.fallbacks) == (20.0, 0)


def test_a_lease_taken_up_again_can_expire_again(hangzhou: Site) -> None:
    rig = Rig(hangzhou)
    smu = rig.devices["smu"]
    smu.write_point("comm_timeout_s", 60.0)
    for _ in range(2):
        smu.write_point("rectifier_limit_a", 20.0)
        rig.wait(120)
    assert rig.plant.meters.fallbacks == 2


def test_without_a_timeout_a_setpoint_stays(hangzhou: Site) -> None:
    rig = Rig(hangzhou)
    rig.devices["smu"].write_point("rectifier_limit_a", 20.0)
    rig.wait(7200)
    assert rig.plant.setpoints.rectifier_limit_a == 20.0


def test_expiry_touches_only_that_device(rural: Site) -> None:
    rig = Rig(rural)
    rectifiers, battery = rig.devices["rectifiers"], rig.devices["battery"]
    for device in (rectifiers, battery):
        device.write_point("comm_timeout_s", 60.0)
    rectifiers.write_point("rectifier_limit_a", 100.0)
    battery.write_point("battery_setpoint_kw", -1.0)
    rig.wait(40)
    rectifiers.write_point("rectifier_limit_a", 100.0)
    rig.wait(40)
    assert rig.plant.setpoints.battery_setpoint_kw == rig.plant.safe.battery_setpoint_kw
    assert rig.plant.setpoints.rectifier_limit_a == 100.0
    assert rig.plant.meters.fallbacks == 1


def test_a_written_safe_value_is_what_it_falls_back_to(rural: Site) -> None:
    rig = Rig(rural)
    battery = rig.devices["battery"]
    battery.write_point("safe_battery_setpoint_kw", 1.25)
    battery.write_point("comm_timeout_s", 60.0)
    battery.write_point("battery_setpoint_kw", -1.0)
    assert rig.plant.setpoints.battery_setpoint_kw == -1.0
    rig.wait(120)
    assert rig.plant.flows.battery_kw == pytest.approx(1.25)


@pytest.mark.parametrize("point", ["soc", "battery_setpoint_kw", "no_such_point"])
def test_what_a_device_does_not_take_is_refused(point: str, hangzhou: Site) -> None:
    with pytest.raises(ValueError, match=f"smu takes no {point}"):
        Rig(hangzhou).devices["smu"].write_point(point, 1.0)
