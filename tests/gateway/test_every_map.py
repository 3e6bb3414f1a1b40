"""Every device map in a whole site: served by the simulator, read, and, where it takes setpoints,
driven through the real write gate.

The site is the rural one with the device under test instead of those that have the same role. A
battery command must move the measured power to the commanded one, and a release must leave the
device as docs/battery-commands.md states.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from command_sites import COMMANDS, SUNSPEC, site_with
from served_rig import ServedRig

from drivers.catalogue import known_maps, load_map
from drivers.modbus.link import ModbusLink
from drivers.points import Quality
from drivers.roles import COMMAND_POINTS, BatteryCommand, battery_command
from drivers.simulated.faults import Fault
from siteems.control.decision import Drive, Release
from siteems.site.model import Site

MAPS = (*known_maps(), *SUNSPEC)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses that lines need are real time, which these tests do not wait for."""
    expect = ModbusLink.expect
    quick = lambda link, unit, reply_s, gap_s: expect(link, unit, reply_s=reply_s, gap_s=0)  # noqa: E731  # one line
    monkeypatch.setattr(ModbusLink, "expect", quick)


@pytest.fixture(params=MAPS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.timeout(120)
async def test_every_map_is_served_read_and_driven(name: str, rural: Site, tmp_path: Path) -> None:
    site = site_with(rural, name, tmp_path)
    maps = [load_map(entry.map) for entry in site.devices]
    command = battery_command(maps)
    assert command == COMMANDS.get(name, "power_setpoint")
    rig = ServedRig(site, tmp_path)
    await rig.start()
    try:
        await served_and_read(rig)
        # The voltage of rectifiers is moved a little in each cycle.
        cycles = 200 if command == "rectifier_voltage" else 5
        for wanted_kw in (-2.0, 0.0, 1.5, -1.0):
            image = await rig.drive(wanted_kw, cycles)
            assert rig.plant.flows.battery_kw == pytest.approx(wanted_kw, abs=0.15), (
                "the battery follows its setpoint"
            )
            assert image.value("battery_kw") == pytest.approx(
                rig.plant.flows.battery_kw, abs=0.15
            ), "and the power is measured"
        await the_lease_is_kept(rig, command)
        await more_than_it_takes(rig, cycles)
        await released(rig, command)
        await through_an_outage(rig, command)
        assert rig.codes() == []
        await the_controller_has_all_it_needs(rig)
        if not load_map(site.devices[0].map).setpoints:
            assert rig.commands("it") == [], "a device without setpoints is never written"
    finally:
        assert await rig.stop() == ()


async def served_and_read(rig: ServedRig) -> None:
    """Each point of the device under test is good, or missing where the site has no such asset."""
    entry = rig.site.devices[0]
    reading = next(each for each in await rig.devices.read() if each.device == entry.name)
    assert reading.faults == ()
    assert reading.points.keys() == load_map(entry.map).points.keys()
    bad = {
        point: found.quality
        for point, found in reading.points.items()
        if found.quality is not Quality.GOOD
    }
    assert bad.keys() <= {"energy_import_kwh", "energy_export_kwh", "pv_energy_kwh"}, (
        "a SunSpec counter at 0 is not implemented"
    )


async def the_lease_is_kept(rig: ServedRig, command: BatteryCommand) -> None:
    """Time passes in steps that are shorter than half a lease: nothing falls back.

    The same with a power that changes in every cycle, because the register that renews the lease
    may be another one than the register that changes.
    """
    for wanted_kw in (-1.0, -1.4):
        for cycle in range(18):
            rig.clock.advance(timedelta(seconds=20))
            await rig.drive(wanted_kw - 0.3 * (cycle % 2 if wanted_kw < -1.0 else 0), 1)
    assert rig.plant.meters.fallbacks == 0


async def more_than_it_takes(rig: ServedRig, cycles: int) -> None:
    """The site's battery may be rated higher than the converter: the converter gives what it can,
    and no write is refused.
    """
    image = await rig.drive(rig.site.battery.max_charge_kw, cycles)
    assert image.value("battery_kw") is not None
    assert rig.plant.flows.battery_kw > 1.0


async def released(rig: ServedRig, command: BatteryCommand) -> None:
    """A release leaves the safe values in the devices: the battery recharges, or, under forced
    power, the converter returns to its own mode.
    """
    await rig.release()
    holds_the_safe_values(rig, command)
    if command == "forced_power":
        assert rig.plant.setpoints.forced_mode == 0.0
    else:
        assert rig.plant.flows.battery_kw > 1.0, "it recharges"


def holds_the_safe_values(rig: ServedRig, command: BatteryCommand) -> None:
    """Within the limits of the device maps."""
    taken = {
        p: spec
        for each in rig.devices.devices
        for p, spec in each.device_map.points.items()
        if spec.writable
    }
    for point in COMMAND_POINTS[command]:
        safe = min(getattr(rig.plant.safe, point), taken[point].max)
        assert getattr(rig.plant.setpoints, point) == pytest.approx(safe, abs=0.06), point


async def through_an_outage(rig: ServedRig, command: BatteryCommand) -> None:
    """The mains fail during a discharge and while the battery rests: no load is unserved."""
    for wanted_kw in (-1.0, 0.0):
        await rig.drive(wanted_kw, 5)
        rig.surroundings = replace(rig.surroundings, mains_ok=False)
        rig.plant.advance_to(rig.clock.now() + timedelta(seconds=1))
        await rig.release()
        holds_the_safe_values(rig, command)
        assert rig.plant.meters.unserved_kwh == 0.0
        rig.surroundings = replace(rig.surroundings, mains_ok=True)


async def the_controller_has_all_it_needs(rig: ServedRig) -> None:
    """The real controller drives with these measurements, and releases when the mains fail."""
    assert isinstance((await rig.control(3)).decision, Drive)
    rig.surroundings = replace(rig.surroundings, mains_ok=False)
    assert isinstance((await rig.control(2)).decision, Release)
    rig.surroundings = replace(rig.surroundings, mains_ok=True)


async def test_a_wider_step_in_the_device_map_saves_writes(rural: Site, tmp_path: Path) -> None:
    rig = ServedRig(site_with(rural, "huawei-sun2000", tmp_path), tmp_path)
    await rig.start()
    try:
        await rig.drive(-1.0, 2)
        written = len(rig.commands("it"))
        for wanted_kw in (-0.85, -0.95, -0.99):
            await rig.drive(wanted_kw, 1)
        assert len(rig.commands("it")) == written, "its map has a step of 0.2 kW"
        for wanted_kw in (-1.1, -0.85, 0.15, 0.15, 0.3, 0.1):
            await rig.drive(wanted_kw, 1)
        sent = [each.value for each in rig.commands("it")[written:] if each.point == "forced_kw"]
        assert sent == [1.1, 0.85, 0.0, 0.3, 0.1], (
            "a smaller change is sent where the last value would take more from the grid"
        )
    finally:
        await rig.stop()


@pytest.mark.parametrize("fault", ["refused-write", "ignored-write"])
@pytest.mark.parametrize("name", ["huawei-sun2000", "sungrow-sh"])
async def test_no_power_is_forced_before_its_direction_is_read_back(
    name: str, fault: str, rural: Site, tmp_path: Path
) -> None:
    """The reserve is to be rebuilt, and the device does not take the direction: it must not give
    the power in the old direction.
    """
    rig = ServedRig(site_with(rural, name, tmp_path), tmp_path)
    await rig.start()
    try:
        await rig.drive(-1.0, 3)
        await rig.served.inject("cabinet", Fault(fault, 1, "forced_mode"))
        for _ in range(20):  # its own time-out has not passed
            await rig.drive(3.0, 1)
            assert rig.plant.flows.battery_kw == pytest.approx(0.0, abs=0.15)
        rig.served.clear("cabinet")
        await rig.drive(3.0, 40)
        assert rig.plant.flows.battery_kw == pytest.approx(3.0, abs=0.15)
    finally:
        await rig.stop()


async def test_after_an_acquisition_the_voltage_moves_slowly_from_its_safe_value(
    rural: Site, tmp_path: Path
) -> None:
    """Acquisition writes the float voltage, so the setpoint goes on from where the bus then is, not
    from the value that was sent before.
    """
    rig = ServedRig(site_with(rural, "huawei-esm48100", tmp_path), tmp_path)
    (shelf,) = (each.name for each in rig.devices.devices if "float_v" in each.device_map.setpoints)
    await rig.start()
    try:
        await rig.drive(-2.0, 60)
        sent = [each.value for each in rig.commands(shelf) if each.point == "float_v"]
        float_v = rig.site.rectifier.float_v
        assert sent[-1] < float_v - 1.0
        rig.plant.setpoints.float_v = float_v - 0.5  # as after a restart
        await rig.observe()
        assert rig.codes() == ["device-restarted"]
        await rig.devices.acquire()
        await rig.observe()
        assert rig.plant.flows.bus_v > sent[-1] + 0.5
        await rig.drive(-2.0, 3)
        since = [each.value for each in rig.commands(shelf) if each.point == "float_v"][len(sent) :]
        assert since[0] == float_v
        assert len(since) > 1
        assert max(before - after for before, after in pairwise(since)) <= 1.0, (
            "no further than the bus is below it"
        )
    finally:
        await rig.stop()


def test_every_battery_command_is_tested() -> None:
    assert set(COMMANDS.values()) == set(COMMAND_POINTS)


@pytest.mark.timeout(60)
async def test_a_battery_that_carries_the_whole_load_never_gets_no_setpoint(
    rural: Site, tmp_path: Path
) -> None:
    """A grid setpoint of 0 means none to a Victron gateway: it would charge up to 2703."""
    rig = ServedRig(site_with(rural, "victron-gx", tmp_path), tmp_path)
    await rig.start()
    try:
        for _ in range(3):
            await rig.drive(-rig.site.battery.max_discharge_kw, 3)
            assert rig.plant.setpoints.grid_setpoint_kw == pytest.approx(0.02)
            assert rig.plant.flows.battery_kw < -1.0, "it discharges, and does not charge"
        assert rig.codes() == []
    finally:
        assert await rig.stop() == ()
