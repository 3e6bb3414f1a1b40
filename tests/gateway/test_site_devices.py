"""The site's devices over real Modbus on loopback: acquired, driven, released, and the alarms when
they misbehave.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.catalogue import load_map
from drivers.modbus.device import Device
from drivers.simulated.faults import Fault
from drivers.simulated.modbus import RegisterServer, SimulatedUnit
from siteems.clock import ManualClock
from siteems.control.charging_permit import ChargingPermit
from siteems.control.decision import Decision, Drive, Release
from siteems.control.reasons import COMMISSIONED, RELEASE_ACQUIRED, RELEASE_STOPPED
from siteems.gateway.devices import SiteDevices
from siteems.history.records import Command
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.recordings.profile import Instant
from siteems.simulation.devices import PlantDevice
from siteems.simulation.plant import make_plant
from siteems.site.model import Site

TEST = Message("test")

START = datetime(2026, 7, 14, 18, 0, tzinfo=UTC)
CYCLE = timedelta(seconds=1)


class Unit:
    """A device of the simulated site that may refuse or clamp what is written."""

    def __init__(self, inner: PlantDevice) -> None:
        self.inner = inner
        self.refuses: set[str] = set()
        self.clamps: dict[str, float] = {}
        self.writes = 0

    def read_points(self) -> Mapping[str, float | None]:
        return self.inner.read_points()

    def restart(self) -> None:
        self.inner.restart()

    def write_point(self, name: str, value: float) -> None:
        if name in self.refuses:
            raise ValueError("local mode")
        self.writes += 1
        self.inner.write_point(name, min(value, self.clamps.get(name, value)))


class Served:
    """The hangzhou site served on loopback, and the gateway's devices, on a clock that is moved."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.clock = ManualClock(START)
        instant = Instant(3.4, 0.0, None, 30.0, True)
        self.plant = make_plant(site, lambda when: instant, START, 0.6)
        self.units = {
            e.name: Unit(PlantDevice(e.name, load_map(e.map), self.plant, self.clock.now))
            for e in site.devices
        }
        self.maps = {e.name: e.map for e in site.devices}
        self.site, self.folder = site, folder

    async def start(self) -> None:
        served = {
            e.unit: SimulatedUnit(load_map(self.maps[e.name]), self.units[e.name])
            for e in self.site.devices
        }
        self.server = RegisterServer("127.0.0.1", 0, served)
        url = f"tcp://127.0.0.1:{await self.server.start()}"
        links = {name: replace(link, url=url) for name, link in self.site.links.items()}
        self.history = History(self.folder / "history.sqlite3")
        self.devices = SiteDevices(replace(self.site, links=links), self.clock, self.history, 60.0)

    async def cycles(self, count: int, decision: Decision) -> None:
        for _ in range(count):
            await self.devices.read()
            await self.devices.drive(decision)
            self.clock.advance(CYCLE)

    def commands(self, *points: str) -> list[Command]:
        return [
            c
            for c in self.history.commands(START, self.clock.now() + CYCLE)
            if not points or c.point in points
        ]

    def codes(self) -> list[str]:
        return [i.code for i in self.history.alarms(START, self.clock.now() + CYCLE)]


@pytest.fixture
async def served(hangzhou: Site, tmp_path: Path) -> AsyncIterator[Served]:
    site = Served(hangzhou, tmp_path)
    await site.start()
    yield site
    await site.devices.close(RELEASE_STOPPED())
    await site.server.stop()
    site.history.close()


def drive(battery_kw: float, load_kw: float = 3.4) -> Drive:
    return Drive(battery_kw, 9.0, 53.5, load_kw, 0.0, TEST)


RELEASE = Release(TEST)
COLD = Release(TEST, ChargingPermit(now=False))


async def test_a_decision_reaches_the_plant_and_a_release_takes_it_back(served: Served) -> None:
    await served.cycles(20, drive(-2.0))
    assert served.plant.flows.battery_kw == pytest.approx(-2.0, abs=0.15)
    await served.cycles(3, RELEASE)
    assert served.plant.flows.battery_kw > 3.0, "it recharges at the safe value"
    assert served.codes() == []


async def test_every_recorded_command_has_the_code_of_its_reason(served: Served) -> None:
    await served.cycles(5, drive(-2.0))
    await served.cycles(2, RELEASE)
    codes = {command.reason.code for command in served.commands()}
    assert codes == {RELEASE_ACQUIRED.code, COMMISSIONED.code, TEST.code}


async def test_a_device_that_is_something_else_is_never_written(
    served: Served, hangzhou: Site
) -> None:
    await served.server.stop()
    served.maps["smu"] = "generic-smart-lithium"  # the device that really answers as unit 2
    served.units["smu"] = Unit(
        PlantDevice("smu", load_map("generic-smart-lithium"), served.plant, served.clock.now)
    )
    await served.start()
    await served.cycles(5, drive(-2.0))
    await served.cycles(2, RELEASE)
    await served.devices.close(RELEASE_STOPPED())
    assert "wrong-device" in served.codes()
    assert (
        served.commands(
            "rectifier_limit_a", "charge_limit_a", "safe_charge_limit_a", "comm_timeout_s"
        )
        == []
    )


async def test_a_clamped_safe_value_wears_no_flash(served: Served) -> None:
    served.units["smu"].clamps["safe_charge_limit_a"] = 150.0
    served.plant.safe.charge_limit_a = 100.0
    await served.cycles(15, drive(-2.0))
    assert len(served.commands("safe_charge_limit_a")) == 1
    assert served.codes().count("safe-value-clamped") == 1
    assert served.plant.flows.battery_kw == pytest.approx(-2.0, abs=0.15), (
        "it is driven all the same"
    )


async def test_a_device_that_refuses_raises_one_alarm_which_is_cleared(served: Served) -> None:
    await served.cycles(3, drive(0.0))
    served.units["smu"].refuses |= {"rectifier_limit_a", "charge_limit_a"}
    await served.cycles(200, drive(-2.0))
    assert served.codes().count("device-not-following") == 1
    served.units["smu"].refuses.clear()
    await served.cycles(60, drive(-2.0))
    assert served.codes()[-1] == "device-following"


async def test_mains_that_flicker_cost_no_more_writes_than_the_device_allows(
    served: Served,
) -> None:
    """Once the writes are used up nothing is set, and what was not set is not released again."""
    smu = next(device for device in served.devices.devices if device.name == "smu")
    few = smu.device_map.link.model_copy(update={"writes_per_day": 30})
    smu.device_map = smu.device_map.model_copy(update={"link": few})
    for _ in range(60):
        await served.cycles(1, drive(-2.0))
        await served.cycles(1, RELEASE)
    sent = [c for c in served.commands() if c.device == "smu" and c.outcome != "refused"]
    assert 20 < len(sent) <= 30 + 3, "a release is never held back, but there is only one"
    assert served.plant.flows.battery_kw > 3.0, "it holds its safe values"


async def test_the_noise_of_a_load_writes_nothing(served: Served) -> None:
    await served.cycles(5, drive(-2.0))
    before = len(served.commands("rectifier_limit_a"))
    for i in range(25):
        await served.cycles(1, drive(-2.0, load_kw=3.4 + 0.01 * (-1) ** i))
    assert len(served.commands("rectifier_limit_a")) == before, "20 W are inside the deadband"
    await served.cycles(1, drive(-2.0, load_kw=3.5))
    assert len(served.commands("rectifier_limit_a")) == before + 1


async def test_the_lease_is_refreshed_at_half_its_time(served: Served) -> None:
    await served.cycles(130, drive(-2.0))
    times = [
        c.time
        for c in served.commands("rectifier_limit_a")
        if c.outcome in ("written", "refreshed")
    ]
    assert max(b - a for a, b in pairwise(times)) <= timedelta(seconds=31)
    assert served.plant.meters.fallbacks == 0


async def test_a_battery_too_cold_to_charge_is_released_without_charging(served: Served) -> None:
    await served.cycles(3, drive(-2.0))
    await served.cycles(2, COLD)
    assert served.plant.setpoints.charge_limit_a == 0.0
    assert served.plant.setpoints.rectifier_limit_a > 100.0


async def test_the_stored_values_follow_the_temperature_of_the_battery(served: Served) -> None:
    """At once to no charging, back only after an hour: they are in flash."""
    cold = replace(drive(-2.0), charging=ChargingPermit(now=False, stored=False))
    await served.cycles(3, drive(-2.0))
    warm_a = served.plant.safe.charge_limit_a
    assert warm_a > 100.0, "a warm battery is recharged after an outage without a controller"
    await served.cycles(1, cold)
    assert served.plant.safe.charge_limit_a == 0.0

    async def half_minutes(count: int) -> None:
        for _ in range(count):
            served.clock.advance(timedelta(seconds=24))
            await served.cycles(1, drive(-2.0))

    for _ in range(3):  # a temperature near its limit
        await half_minutes(50)
        await served.cycles(2, cold)
    assert served.plant.safe.charge_limit_a == 0.0
    assert len(served.commands("safe_charge_limit_a")) == 1
    await half_minutes(150)
    assert served.plant.safe.charge_limit_a == warm_a
    assert served.plant.meters.fallbacks == 0
    assert served.codes() == []


async def test_stored_values_that_a_device_does_not_take_are_tried_again(served: Served) -> None:
    cold = replace(drive(-2.0), charging=ChargingPermit(now=False, stored=False))
    await served.cycles(3, drive(-2.0))
    served.units["smu"].refuses |= {"safe_charge_limit_a"}
    await served.cycles(5, cold)
    assert served.codes() == ["device-not-acquired"]
    served.units["smu"].refuses.clear()
    await served.cycles(40, cold)
    assert served.plant.safe.charge_limit_a == 0.0
    assert served.plant.flows.battery_kw == pytest.approx(-2.0, abs=0.15)
    assert served.codes() == ["device-not-acquired", "device-acquired"]


async def test_a_daemon_that_starts_in_frost_stores_no_charging(served: Served) -> None:
    served.plant.safe.charge_limit_a = 150.0
    await served.devices.begin(ChargingPermit(now=False, stored=False))
    assert served.plant.safe.charge_limit_a == served.plant.setpoints.charge_limit_a == 0.0


@pytest.mark.parametrize("code", [4, 5, 6, 8])
async def test_a_device_that_is_busy_at_first_is_soon_driven(served: Served, code: int) -> None:
    served.server.faults.add(Fault("exception", 2, value=code))
    await served.devices.acquire()
    await served.cycles(3, drive(-2.0))
    served.server.faults.clear()
    await served.cycles(5, drive(-2.0))
    assert served.codes() == []
    assert served.plant.flows.battery_kw == pytest.approx(-2.0, abs=0.15)


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("comm_timeout_s", 6),
        ("safe_charge_limit_a", 5),
        ("rectifier_limit_a", 4),
        ("charge_limit_a", 8),
    ],
)
async def test_a_device_that_is_busy_after_its_identity_is_soon_driven(
    served: Served, point: str, code: int
) -> None:
    served.server.faults.add(Fault("refused-block", 2, point, code))
    await served.devices.acquire()
    await served.cycles(100, drive(-2.0))
    served.server.faults.clear()
    await served.cycles(40, drive(-2.0))
    assert served.codes() == []
    assert served.plant.flows.battery_kw == pytest.approx(-2.0, abs=0.15)


async def test_a_device_that_stays_busy_raises_an_alarm(served: Served) -> None:
    served.server.faults.add(Fault("refused-block", 2, "comm_timeout_s", 6))
    await served.devices.acquire()
    await served.cycles(180, drive(-2.0))
    assert served.codes() == ["device-not-acquired"]
    served.server.faults.clear()
    await served.cycles(60, drive(-2.0))
    assert served.codes() == ["device-not-acquired", "device-acquired"]


async def test_a_device_that_refuses_for_good_is_tried_seldom(served: Served) -> None:
    served.server.faults.add(Fault("refused-block", 2, "comm_timeout_s", 2))
    await served.devices.acquire()
    assert served.codes() == ["device-not-acquired"]
    await served.cycles(20, drive(-2.0))
    before = len(served.commands())
    await served.cycles(100, drive(-2.0))
    assert len(served.commands()) - before <= 8


async def test_a_device_that_never_says_what_it_is_raises_an_alarm(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_: Device) -> bool | None:
        return None

    monkeypatch.setattr(Device, "check_identity", busy)
    await served.cycles(118, drive(-2.0))
    assert served.codes() == []
    await served.cycles(10, drive(-2.0))
    assert set(served.codes()) == {"device-not-acquired"}
    assert served.commands() == [], "and it is not driven"


async def test_two_daemons_on_one_device_do_not_write_against_each_other(
    served: Served, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    history = History(tmp_path / "second" / "history.sqlite3")
    second = SiteDevices(served.devices._site, served.clock, history, 60.0)
    smu = served.units["smu"]

    async def both(cycles: int) -> None:
        for _ in range(cycles):
            await served.cycles(1, drive(-2.0))
            await second.read()
            await second.drive(drive(1.0))

    await both(20)
    codes = [alarm.code for alarm in history.alarms(START, served.clock.now() + CYCLE)]
    assert "another-controller" in {*served.codes(), *codes}
    assert served.codes().count("device-restarted") <= 2
    before = smu.writes
    await both(120)
    assert smu.writes - before < 30, "they wrote twice in each cycle"
    await served.cycles(4000, drive(-2.0))
    codes = served.codes()
    assert codes.count("no-other-controller") == ("another-controller" in codes), "it has gone"
    await second.close(RELEASE_STOPPED())
    history.close()
    served.clock.advance(timedelta(minutes=21))
    await served.cycles(10, drive(-2.0))
    assert served.plant.flows.battery_kw == pytest.approx(-2.0, abs=0.15), "it is driven again"
