"""A battery whose power reads with the wrong sign is not driven, whichever way it is commanded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from command_sites import site_with
from served_rig import START, TEST, ServedRig

from drivers.modbus.link import ModbusLink
from drivers.simulated.faults import Fault
from siteems.clock import ManualClock
from siteems.control.decision import Drive
from siteems.gateway.battery_sign import BatterySign
from siteems.site.model import Site


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "point"), [("sungrow-sh", "battery_kw"), ("generic-smart-lithium", "battery_a")]
)
@pytest.mark.parametrize("wanted_kw", [-2.0, 1.5])
async def test_a_flipped_sign_releases_the_devices(
    name: str,
    point: str,
    wanted_kw: float,
    rural: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expect = ModbusLink.expect
    quick = lambda link, unit, reply_s, gap_s: expect(link, unit, reply_s=reply_s, gap_s=0)  # noqa: E731  # one line
    monkeypatch.setattr(ModbusLink, "expect", quick)
    rig = ServedRig(site_with(rural, name, tmp_path), tmp_path)
    await rig.start()
    try:
        await rig.drive(wanted_kw, 3)
        assert rig.plant.flows.battery_kw == pytest.approx(wanted_kw, abs=0.15)
        device = rig.site.devices[0]
        await rig.served.inject(device.link, Fault("sign-flip", device.unit or 0, point))
        await rig.drive(wanted_kw, 118)
        assert "battery-sign" not in rig.codes()
        await rig.drive(wanted_kw, 8)
        assert rig.codes().count("battery-sign") == 1
        before = len(rig.commands(device.name))
        await rig.drive(wanted_kw, 20)
        assert len(rig.commands(device.name)) == before, "it stays released"
    finally:
        assert await rig.stop() == ()


@pytest.mark.parametrize(
    ("asked_kw", "measured_kw", "barred"),
    [
        (-2.0, 2.0, True),
        (3.0, -2.3, True),
        (-2.0, -2.0, False),
        (-2.0, 0.0, False),  # it does not follow: another alarm
        (-2.0, 5.0, False),  # its own management charges it
        (0.2, -0.2, False),  # noise
        (-2.0, None, False),
    ],
)
def test_only_the_mirror_of_the_command_counts(
    asked_kw: float, measured_kw: float | None, barred: bool
) -> None:
    clock, sign = ManualClock(START), BatterySign()
    decision = replace(Drive(asked_kw, 9.0, 52.0, 3.0, 0.0, TEST), measured_kw=measured_kw)
    found = []
    for _ in range(125):
        clock.advance(timedelta(seconds=1))
        found.append(sign.contradicts(decision, clock.now()))
    assert any(found) == sign.bars(clock.now()) == barred
    clock.advance(timedelta(hours=1))
    assert not sign.bars(clock.now())
