"""A site whose grid meter speaks DL/T 645 and whose other devices speak Modbus: the controller sees
no difference.
"""

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from siteems.clock import ManualClock
from siteems.control.decision import Drive
from siteems.control.reasons import RELEASE_STOPPED
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.gateway.devices import SiteDevices
from siteems.history.store import History
from siteems.planning.solver_process import SolverProcess
from siteems.ports import Ports
from siteems.recordings.profile import Instant
from siteems.simulation.plant import make_plant
from siteems.simulation.server import SimulatedSite
from siteems.site.model import DeviceEntry, Link, Site

START = datetime(2026, 7, 14, 18, 0, tzinfo=UTC)
METER = DeviceEntry(
    name="grid-meter",
    map="dlt645-three-phase",
    link="meter-line",
    address="012345678901",
    ratio=20.0,
)
TIMING = Timing(cycle_s=1.0, lease_s=60.0, max_age=timedelta(seconds=5))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def with_utility_meter(site: Site) -> Site:
    links = {
        name: replace(link, url=f"tcp://127.0.0.1:{free_port()}")
        for name, link in site.links.items()
    }
    return replace(
        site,
        links=links | {"meter-line": Link(url=f"dlt645+tcp://127.0.0.1:{free_port()}")},
        devices=(METER, *site.devices[1:]),
    )


async def test_the_controller_reads_the_grid_through_a_utility_meter(
    hangzhou: Site, tmp_path: Path
) -> None:
    site, clock = with_utility_meter(hangzhou), ManualClock(START)
    plant = make_plant(site, lambda when: Instant(3.4, 0.0, 0.8, 30.0, True), START, 0.6)
    served = SimulatedSite(site, plant, clock.now)
    assert await served.start() == {name: link.url for name, link in site.links.items()}
    history = History(tmp_path / "history.sqlite3")
    devices = SiteDevices(site, clock, history, TIMING.lease_s)
    controller = Controller(
        site, Ports(clock, devices, SolverProcess(), history, EventLog(history)), TIMING
    )
    try:
        await devices.acquire()
        steps = []
        for _ in range(3):
            clock.advance(timedelta(seconds=1))
            steps.append(await controller.step())
        grid_kw = steps[-1].image.value("grid_kw")
        assert grid_kw == pytest.approx(plant.flows.grid_import_kw, abs=0.01)
        assert grid_kw is not None
        assert grid_kw > 3.0
        assert steps[-1].image.value("mains_v") == pytest.approx(230.0, abs=20.0)
        traffic = devices.traffic()
        assert traffic["links"]["meter-line"]["units"]["012345678901"]["requests"] >= 15
        assert "grid-meter" not in traffic["writes_today"]
        assert isinstance(steps[-1].decision, Drive)
    finally:
        assert await devices.close(RELEASE_STOPPED()) == ()
        await served.stop()
        history.close()
