"""The same decision makes the same writes in the daemon, over real Modbus, and in the replay.

One test for each rule that decides on a write: deadband, direction before power, elapsed time, safe
values in cold and heat.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from both_shells import BothShells, Cycle
from command_sites import COMMANDS, site_with
from replay_rig import Rig
from served_rig import START, ServedRig

from drivers.modbus.link import ModbusLink
from drivers.points import FORCED_CHARGE, FORCED_DISCHARGE
from siteems.control.charging_permit import ChargingPermit
from siteems.control.decision import Drive, Release
from siteems.control.setpoints import VOLTS_PER_S
from siteems.messages.message import Message
from siteems.recordings.profile import Instant
from siteems.site.model import Site

TEST = Message("test")

MAPS = ("generic-smu-lead", "generic-smart-lithium", "sungrow-sh", "victron-gx", "sunspec-124",
        "huawei-esm48100")  # fmt: skip
"""One for each way to command a battery."""
CHARGING: Mapping[str, str] = {
    "generic-smu-lead": "charge_limit_a",
    "generic-smart-lithium": "battery_setpoint_kw",
    "sunspec-124": "charge_limit_kw",
}
"""The setpoint that lets the battery charge while it is released."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses that lines need are real time, which these tests do not wait for."""
    expect = ModbusLink.expect
    quick = lambda link, unit, reply_s, gap_s: expect(link, unit, reply_s=reply_s, gap_s=0)  # noqa: E731  # one line
    monkeypatch.setattr(ModbusLink, "expect", quick)


@pytest.fixture(params=MAPS)
def map_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def both(map_name: str, rural: Site, tmp_path: Path) -> AsyncIterator[BothShells]:
    rig = BothShells(site_with(rural, map_name, tmp_path), tmp_path)
    await rig.daemon.start()
    await rig.drive(Release(TEST))
    yield rig
    await rig.daemon.stop()


def drive(battery_kw: float, load_kw: float = 3.0) -> Drive:
    """A decision with the battery measured at rest, on a bus at 52 V."""
    return Drive(
        battery_kw,
        rectifier_cap_kw=9.0,
        bus_v=52.0,
        dc_load_kw=load_kw,
        pv_kw=0.5,
        reason=TEST,
        measured_kw=0.0,
        grid_kw=3.0,
    )


def same(cycles: list[tuple[Cycle, Cycle]]) -> list[Cycle]:
    """The cycles, when those of the daemon and of the replay are the same.

    The daemon's values have passed through registers, which round them.
    """
    for daemon, replay in cycles:
        assert replay.setpoints == pytest.approx(daemon.setpoints, abs=0.051)
        assert replay.changed == daemon.changed
    return [replay for _, replay in cycles]


async def test_the_noise_of_a_load_inside_the_deadband_writes_nothing(both: BothShells) -> None:
    same(await both.drive(drive(-2.0), 3))
    cycles = []
    for i in range(12):
        noise_kw = 0.008 * (-1) ** i
        cycles += await both.drive(drive(-2.0 + noise_kw, load_kw=3.0 + noise_kw))
    seen = same(cycles)
    if both.command != "rectifier_voltage":  # which is moved on until the measured power follows
        assert sum(each.changed for each in seen) == 0
    assert sum(each.changed for each in same(await both.drive(drive(-1.5)))) >= 1


async def test_a_change_of_direction(both: BothShells) -> None:
    cycles = []
    for battery_kw in (-2.0, 1.5, -1.0, 0.0, 2.0):
        cycles += await both.drive(drive(battery_kw), 4)
    seen = same(cycles)
    if both.command == "forced_power":
        forced = [(each.setpoints["forced_mode"], each.setpoints["forced_kw"]) for each in seen]
        assert forced[:8] == [
            (FORCED_DISCHARGE, 0.0),
            *[(FORCED_DISCHARGE, 2.0)] * 3,
            (FORCED_CHARGE, 0.0),
            *[(FORCED_CHARGE, 1.5)] * 3,
        ]  # fmt: skip


@pytest.mark.parametrize("map_name", ["huawei-esm48100"], indirect=True)
async def test_a_voltage_moves_by_the_time_since_the_last_drive(both: BothShells) -> None:
    float_v = both.daemon.site.rectifier.float_v
    first = same(await both.drive(drive(-2.0)))[-1].setpoints["float_v"]
    assert first == pytest.approx(min(52.0, float_v) - VOLTS_PER_S, abs=0.011)
    later = same(await both.drive(drive(-2.0), period=timedelta(seconds=2)))[-1]
    assert later.setpoints["float_v"] == pytest.approx(first - 2 * VOLTS_PER_S, abs=0.011)
    same(await both.drive(drive(-2.0), cycles=5, period=timedelta(seconds=3)))


@pytest.mark.parametrize("map_name", list(CHARGING), indirect=True)
async def test_a_release_in_cold_or_heat_does_not_charge(both: BothShells, map_name: str) -> None:
    charging = CHARGING[map_name]
    same(await both.drive(drive(2.0), 3))
    cold = same(await both.drive(Release(TEST, ChargingPermit(now=False)), 2))[-1]
    assert cold.setpoints[charging] == 0.0
    warm = same(await both.drive(Release(TEST), 2))[-1]
    assert warm.setpoints[charging] > 1.0, "and charges again as soon as it is warm"
    cold = same(await both.drive(Release(TEST, ChargingPermit(now=False)), 2))[-1]
    assert cold.setpoints[charging] == 0.0, "also when it was released before it became cold"
    same(await both.drive(drive(-2.0), 3))


@pytest.mark.parametrize("map_name", list(CHARGING), indirect=True)
async def test_a_release_without_charging_lasts_longer_than_the_lease(
    both: BothShells, map_name: str
) -> None:
    """The fallback values that a device takes when its lease runs out may charge the battery."""
    same(await both.drive(drive(2.0), 3))
    cold = Release(TEST, ChargingPermit(now=False))
    passed = await both.drive(cold, cycles=45, period=timedelta(seconds=3))
    for daemon, replay in passed:
        assert daemon.setpoints[CHARGING[map_name]] == 0.0
        assert replay.setpoints[CHARGING[map_name]] == 0.0


@pytest.mark.parametrize("room_c", [-8.0, 70.0])
async def test_both_controllers_release_a_battery_in_cold_and_heat_without_charging(
    rural: Site, tmp_path: Path, room_c: float
) -> None:
    """From the measured temperature to the setpoint, through either shell."""
    cabinet = replace(site_with(rural, "generic-smu-lead", tmp_path), air_conditioner=None)
    failed = Instant(
        dc_load_kw=3.0, pv_available_kw=0.0, ac_load_kw=0.3, outdoor_c=room_c, mains_ok=False
    )
    served = ServedRig(cabinet, tmp_path)
    served.surroundings, served.plant.room_c = failed, room_c
    replayed = Rig.make(cabinet, lambda _: failed, START, 0.6, tmp_path / "replay")
    replayed.plant.room_c = room_c
    await served.start()
    try:
        daemon_step = await served.control(2)
        await replayed.controller.observe()
        replay_step = await replayed.controller.act()
        for step, plant in ((daemon_step, served.plant), (replay_step, replayed.plant)):
            assert step.decision == Release(
                daemon_step.decision.reason, ChargingPermit(now=False, stored=False)
            )
            assert plant.setpoints.charge_limit_a == 0.0
            assert plant.setpoints.rectifier_limit_a > 100.0
    finally:
        await served.stop()
        replayed.history.close()


def test_every_way_to_command_a_battery_is_compared() -> None:
    assert {COMMANDS[each] for each in MAPS} == set(COMMANDS.values())
