"""A served site and its controller on a clock that the test moves, over any kind of line, for the
tests that inject faults.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.dlt645 import link as meter_link_module
from drivers.modbus import silent_blocks, silent_units
from drivers.points import Quality
from drivers.simulated import dlt645 as simulated_meters
from drivers.simulated.faults import Fault
from siteems.clock import ManualClock
from siteems.control.decision import Drive, Release
from siteems.control.reasons import RELEASE_STOPPED
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.gateway.devices import SiteDevices
from siteems.history.store import History
from siteems.operations.battery_sign import kept_text
from siteems.operations.recall import Recalled
from siteems.planning.solver_process import SolverProcess
from siteems.ports import Ports
from siteems.recordings.profile import Instant
from siteems.simulation.plant import make_plant
from siteems.simulation.server import SimulatedSite
from siteems.site.model import DeviceEntry, Link, Site

START = datetime(2026, 7, 15, 7, 59, 30, tzinfo=UTC)
"""Half a minute before the expensive hours begin at the site, when the price rules discharge."""
EXPENSIVE_HOURS = 40
"""Cycles until then, and some more."""
SETTLED = 12
"""Cycles until the devices are acquired and driven again."""
TO_THE_VALLEY = timedelta(hours=8)
"""From the start to as long before the cheap hours, when the price rules charge."""
TIMEOUT_S = 0.3
LATE_S = 0.9
"""Later than the time-out and than the worst reply that any of the maps states."""
LONGEST_CYCLE_S = 3 * TIMEOUT_S + 1.0
"""Each unit of the link may cost one time-out, and an RTU line as long a silence after it."""
NEEDED = ("soc", "grid_kw", "bus_v")
METER = DeviceEntry(
    name="grid-meter",
    map="dlt645-three-phase",
    link="meter-line",
    address="012345678901",
    ratio=20.0,
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wired(site: Site, wires: str, folder: Path) -> Site:
    """The site with its cabinet on Modbus `tcp`, `rtu+tcp` or `rtu`, or with a `dlt645+tcp` or
    `dlt645` grid meter.

    What is serial is a pseudo-terminal; beside a meter on a serial line the cabinet is on one too.
    """
    cabinet = {"dlt645+tcp": "tcp", "dlt645": "rtu"}.get(wires, wires)
    (name,) = site.links
    links = {name: Link(url=_url(cabinet, folder), timeout_s=TIMEOUT_S)}
    if cabinet == wires:
        return replace(site, links=links)
    links[METER.link] = Link(url=_url(wires, folder), timeout_s=TIMEOUT_S)
    return replace(site, links=links, devices=(METER, *site.devices[1:]))


def _url(protocol: str, folder: Path) -> str:
    return (
        f"{protocol}://{folder}/{protocol}.tty"
        if protocol in ("rtu", "dlt645")
        else f"{protocol}://127.0.0.1:{free_port()}"
    )


def steady(_: datetime) -> Instant:
    """A site where nothing changes."""
    return Instant(3.4, 1.0, 0.8, 30.0, True)


class Rig:
    """A served site and its controller, on a clock that the test moves by a second per cycle."""

    def __init__(
        self,
        site: Site,
        folder: Path,
        start: datetime = START,
        surroundings: Callable[[datetime], Instant] = steady,
    ) -> None:
        self.site = site
        self.clock = ManualClock(start)
        self.plant = make_plant(self.site, surroundings, start, 0.8)
        self.served = SimulatedSite(self.site, self.plant, self.clock.steady)
        self.history = History(folder / "history.sqlite3")
        timing = Timing(cycle_s=1.0, lease_s=60.0, max_age=timedelta(seconds=3))
        self.devices = SiteDevices(self.site, self.clock, self.history, 60.0)
        self.solver = SolverProcess()
        self.controller = Controller(
            self.site,
            Ports(self.clock, self.devices, self.solver, self.history, EventLog(self.history)),
            timing,
        )
        self.longest_s = 0.0

    async def inject(self, device: str, fault: Fault) -> None:
        """A fault of a device by its name."""
        entry = next(entry for entry in self.site.devices if entry.name == device)
        await self.served.inject(
            entry.link, replace(fault, unit=entry.unit or 0, address=entry.address)
        )

    def clear(self) -> None:
        for link in self.site.links:
            self.served.clear(link)

    async def cycles(self, count: int, cycle_s: float = 1.0) -> Step:
        for _ in range(count):
            self.clock.advance(timedelta(seconds=cycle_s))
            begin = time.monotonic()
            step = await self.controller.step()
            self.longest_s = max(self.longest_s, time.monotonic() - begin)
            self.check(step)
        return step

    def check(self, step: Step) -> None:
        """No implausible value is ever in the image."""
        image, rated = step.image, self.site
        for name, least, most in (
            ("soc", 0.0, 1.05),
            ("grid_kw", -0.1, 2 * rated.grid.import_limit_kw),
            ("battery_kw", -2 * rated.battery.max_discharge_kw, 2 * rated.battery.max_charge_kw),
            ("bus_v", 40.0, 60.0),
            ("mains_v", 0.0, 300.0),
        ):
            value = image.value(name)
            assert value is None or least <= value <= most, (name, value)

    def codes(self) -> list[str]:
        return [i.code for i in self.history.alarms(START, self.clock.now() + timedelta(seconds=1))]


@asynccontextmanager
async def driven(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """The site served, acquired and driven. Retry pauses are real time, so they are made short."""
    monkeypatch.setattr(silent_units, "DEAD_PAUSE_S", 0.2)
    monkeypatch.setattr(silent_blocks, "SILENT_PAUSES_S", (0.0, 0.2))
    monkeypatch.setattr(meter_link_module, "METER_PAUSE_MAX", 1.0)
    monkeypatch.setattr(simulated_meters, "STARTING_S", 4 * TIMEOUT_S)
    rig = Rig(site, folder)
    await rig.served.start()
    try:
        await rig.devices.acquire()
        kept = kept_text(rig.devices.battery_name() or "", "proved", rig.clock.now())
        rig.controller.resume(Recalled(battery_sign=kept))
        step = await rig.cycles(3)
        assert isinstance(step.decision, Drive)
        rig.longest_s = 0.0
        yield rig
    finally:
        await rig.devices.close(RELEASE_STOPPED())
        await rig.served.stop()
        rig.history.close()


def rig_on(*wires: str) -> Any:
    """A fixture: the example site driven over each of these wires."""

    @pytest.fixture(params=wires, name="rig")
    async def fixture(
        request: pytest.FixtureRequest,
        hangzhou: Site,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[Rig]:
        async with driven(wired(hangzhou, request.param, tmp_path), tmp_path, monkeypatch) as rig:
            yield rig

    return fixture


@dataclass(frozen=True)
class Case:
    """A fault of a device, which values are unknown while it lasts and with which quality, whether
    the devices are released, and the alarm that is raised.
    """

    device: str
    fault: Fault
    unknown: tuple[str, ...] = ()
    quality: Quality = Quality.UNREACHABLE
    released: bool = False
    alarm: str | None = None
    outcome: str | None = None
    """How the write of the setpoint ended."""
    cycles: int = 6
    wait: timedelta = timedelta(0)
    """Time from the start of the rig to the fault."""


async def survive(rig: Rig, case: Case) -> None:
    """The fault begins, has the effects of the case, ends, and the site is driven again."""
    if case.wait:
        rig.clock.advance(case.wait)
        await rig.cycles(SETTLED)  # the leases have run out meanwhile
    await rig.inject(case.device, case.fault)
    step = await rig.cycles(case.cycles)
    for name in case.unknown:
        assert step.image.value(name) is None, name
        assert step.image.measured[name].quality is case.quality, name
    assert isinstance(step.decision, Release) == case.released
    if case.alarm:
        assert case.alarm in rig.codes()
    if case.outcome:
        commands = rig.history.commands(START, rig.clock.now())
        assert case.outcome in {c.outcome for c in commands if c.point == case.fault.point}
    rig.clear()
    lacking: list[str] = []
    for _ in range(12):
        step = await rig.cycles(1)
        lacking = [name for name in NEEDED if step.image.measured[name].quality is not Quality.GOOD]
        if isinstance(step.decision, Drive) and not lacking:
            break
        await asyncio.sleep(0.1)  # the pauses of links are real time
    assert isinstance(step.decision, Drive)
    assert not lacking
    assert rig.longest_s < LONGEST_CYCLE_S
