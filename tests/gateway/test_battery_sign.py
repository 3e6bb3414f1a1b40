"""The sign of the battery's power is proved over real Modbus, whichever way it is commanded; the
result is kept, and a battery with a wrong one is not driven.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from command_sites import COMMANDS, site_with
from served_rig import ServedRig

from drivers.modbus.device import Device
from drivers.modbus.link import ModbusLink
from drivers.simulated.faults import Fault
from siteems.control.decision import Drive, Release
from siteems.operations.battery_sign import BATTERY_SIGN
from siteems.operations.recall import recall
from siteems.site.model import Site

pytestmark = pytest.mark.timeout(60)
MOST_CYCLES = 150
WRONG_MEASUREMENT = {
    "generic-smu-lead": "battery_a",
    "generic-smart-lithium": "battery_a",
    "huawei-esm48100": "battery_a",
    "huawei-sun2000": "battery_kw",
    "sungrow-sh": "battery_kw",
    "victron-gx": "battery_a",
    "sunspec-704": "battery_a",
    "sunspec-124": "battery_a",
}
WRONG_COMMAND = {
    "generic-smart-lithium": "battery_setpoint_kw",
    "huawei-sun2000": "forced_mode",
    "sungrow-sh": "forced_mode",
    "sunspec-704": "battery_setpoint_kw",
}
"""Others limit a current or a power, which has no sign."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses that lines need are real time, which these tests do not wait for."""
    expect = ModbusLink.expect
    quick = lambda link, unit, reply_s, gap_s: expect(link, unit, reply_s=reply_s, gap_s=0)  # noqa: E731  # one line
    monkeypatch.setattr(ModbusLink, "expect", quick)


@pytest.fixture
def roomy(rural: Site) -> Site:
    """With room between the reserve and a full battery."""
    return replace(rural, backup=replace(rural.backup, hours=1.0))


async def started(
    site: Site, folder: Path, faults: Sequence[tuple[str, str | None]] = (), soc: float = 0.7
) -> ServedRig:
    """A served site whose first device has these faults; its controller knows the record."""
    rig = ServedRig(site, folder, soc)
    await rig.start()
    for kind, point in faults:
        await inject(rig, kind, point)
    rig.controller.resume(recall(rig.history, rig.site, rig.clock.now()))
    return rig


async def inject(rig: ServedRig, kind: str, point: str | None, value: float | None = None) -> None:
    device = rig.site.devices[0]
    await rig.served.inject(device.link, Fault(kind, device.unit or 0, point, value))  # type: ignore[arg-type]  # a kind


async def until(rig: ServedRig, code: str, most: int = MOST_CYCLES) -> float:
    """Control until this alarm; the most power of the battery in the last cycles before it."""
    powers_kw = []
    for _ in range(most):
        await rig.control(1)
        powers_kw.append(abs(rig.plant.flows.battery_kw))
        if code in rig.codes():
            return max(powers_kw[-10:])
    raise AssertionError(f"{rig.codes()} after {most} cycles")


@pytest.mark.parametrize("name", list(WRONG_MEASUREMENT))
async def test_one_small_step_proves_the_sign_and_is_kept(
    name: str, roomy: Site, tmp_path: Path
) -> None:
    site = site_with(roomy, name, tmp_path)
    rig = await started(site, tmp_path)
    try:
        assert await until(rig, "battery-sign-proved") < 0.7
        assert rig.codes() == ["battery-sign-proved"]
        kept = rig.history.fact(BATTERY_SIGN)
    finally:
        assert await rig.stop() == ()
    again = await started(site, tmp_path)
    try:
        step = await again.control(2)
        assert step.decision.reason.code not in ("sign-step", "sign-not-proved")
        await again.control(20)
        assert again.history.fact(BATTERY_SIGN) == kept, "and not proved again"
    finally:
        await again.stop()


@pytest.mark.parametrize(("name", "point"), list(WRONG_MEASUREMENT.items()))
async def test_a_measurement_with_the_wrong_sign_is_found_by_the_step(
    name: str, point: str, roomy: Site, tmp_path: Path
) -> None:
    rig = await started(site_with(roomy, name, tmp_path), tmp_path, [("sign-flip", point)])
    try:
        await until(rig, "battery-sign")
        await is_not_driven(rig, "measurement-sign")
    finally:
        assert await rig.stop() == ()


@pytest.mark.parametrize("also_measured", [False, True])
@pytest.mark.parametrize(("name", "point"), list(WRONG_COMMAND.items()))
async def test_a_command_with_the_wrong_sign_is_found_by_the_step(
    name: str, point: str, also_measured: bool, roomy: Site, tmp_path: Path
) -> None:
    """Also where the measurement has changed with it, and only the balance of the bus shows it."""
    faults = [("reversed-write", point)]
    faults += [("sign-flip", WRONG_MEASUREMENT[name])] if also_measured else []
    rig = await started(site_with(roomy, name, tmp_path), tmp_path, faults)
    try:
        assert await until(rig, "battery-sign") < 0.7
        await is_not_driven(rig, "both-signs" if also_measured else "command-sign")
    finally:
        assert await rig.stop() == ()


async def is_not_driven(rig: ServedRig, which: str) -> None:
    alarm = next(a for a in rig.history.alarms(*rig.span()) if a.code == "battery-sign")
    assert alarm.message.values["which"].code == which
    assert isinstance((await rig.control(3)).decision, Release)
    device = rig.site.devices[0].name
    before = len(rig.commands(device))
    await rig.control(20)
    assert len(rig.commands(device)) == before, "it stays released"


async def test_a_contradiction_lasts_over_restarts_until_the_firmware_changes(
    roomy: Site, tmp_path: Path
) -> None:
    site = site_with(roomy, "sungrow-sh", tmp_path)
    rig = await started(site, tmp_path, [("sign-flip", "battery_kw")])
    await until(rig, "battery-sign")
    assert await rig.stop() == ()
    again = await started(site, tmp_path)
    try:
        assert isinstance((await again.control(60)).decision, Release)
        await inject(again, "new-firmware", None, 7.0)
        await inject(again, "restart", None)
        again.devices._battery_name.ask_again(["it"])  # as after a silence
        await until(again, "battery-sign-proved")
        assert isinstance((await again.control(2)).decision, Drive)
    finally:
        await again.stop()


async def test_a_change_of_firmware_proves_the_sign_anew(roomy: Site, tmp_path: Path) -> None:
    site = site_with(roomy, "generic-smart-lithium", tmp_path)
    rig = await started(site, tmp_path)
    await until(rig, "battery-sign-proved")
    await inject(rig, "new-firmware", None, 2.0)
    await inject(rig, "sign-flip", "battery_a")
    await inject(rig, "silent", None)
    await rig.control(3)
    rig.served.clear("cabinet", Fault("silent", rig.site.devices[0].unit or 0))
    for _ in range(50):
        step = await rig.control(1)
        if step.image.value("soc") is not None:
            break
        await asyncio.sleep(0.1)  # a silent unit is asked again after a pause of real time
    try:
        assert await until(rig, "battery-sign") < 0.7
    finally:
        assert await rig.stop() == ()


async def test_a_part_of_the_name_that_is_not_read_changes_nothing(
    roomy: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unread(device: Device) -> tuple[None, ...]:
        return (None,) * len(device.device_map.nameplate)

    site = site_with(roomy, "sungrow-sh", tmp_path)
    rig = await started(site, tmp_path)
    await until(rig, "battery-sign-proved")
    assert await rig.stop() == ()
    monkeypatch.setattr(Device, "read_nameplate", unread)
    again = await started(site, tmp_path)
    try:
        step = await again.control(5)
        assert "?" in (again.devices.battery_name() or "")
        assert step.decision.reason.code not in ("sign-step", "sign-not-proved")
    finally:
        await again.stop()


@pytest.mark.parametrize(
    ("name", "point"), [("sungrow-sh", "battery_kw"), ("generic-smart-lithium", "battery_a")]
)
async def test_a_sign_that_changes_in_service_releases_the_devices(
    name: str, point: str, roomy: Site, tmp_path: Path
) -> None:
    rig = await started(site_with(roomy, name, tmp_path), tmp_path)
    try:
        await until(rig, "battery-sign-proved")
        await rig.control(5)
        assert abs(rig.plant.flows.battery_kw) > 1.0, "the rules carry the load"
        await inject(rig, "sign-flip", point)
        await rig.control(118)
        assert "battery-sign-doubted" not in rig.codes()
        await rig.control(8)
        assert rig.codes().count("battery-sign-doubted") == 1
        before = len(rig.commands(rig.site.devices[0].name))
        await rig.control(20)
        assert len(rig.commands(rig.site.devices[0].name)) == before, "it stays released"
        assert '"doubted"' in (rig.history.fact(BATTERY_SIGN) or "")
    finally:
        assert await rig.stop() == ()


def test_every_battery_command_is_proved() -> None:
    assert {COMMANDS[name] for name in WRONG_MEASUREMENT} == set(COMMANDS.values())


async def test_a_solar_charger_that_is_silent_keeps_no_battery_from_being_proved(
    roomy: Site, tmp_path: Path
) -> None:
    rig = ServedRig(site_with(roomy, "generic-smart-lithium", tmp_path), tmp_path, 0.7)
    await rig.start()
    solar = next(each for each in rig.site.devices if each.name == "solar")
    await rig.served.inject(solar.link, Fault("silent", solar.unit or 0))
    rig.devices._battery_name.ask_again(["it", "rectifier", "solar"])
    try:
        assert await until(rig, "battery-sign-proved") < 0.7
    finally:
        await rig.stop()
