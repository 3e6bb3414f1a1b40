"""Any site, served on loopback with its physics, and the gateway's real devices and controller,
cycle by cycle.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from siteems.clock import ManualClock
from siteems.control.decision import Drive, Release
from siteems.control.reasons import RELEASE_STOPPED
from siteems.control.step import Step
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.estimation.image_builder import ImageBuilder
from siteems.estimation.process_image import Image
from siteems.gateway.devices import SiteDevices
from siteems.history.records import Command
from siteems.history.store import History
from siteems.messages.message import Message
from siteems.ports import Ports
from siteems.recordings.profile import Instant
from siteems.replay.simulated_devices import DirectSolver
from siteems.simulation.plant import make_plant
from siteems.simulation.server import SimulatedSite
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site
from siteems.site.ratings import plausible_ranges

TEST = Message("test")

START = datetime(2026, 7, 15, 8, 0, 30, tzinfo=UTC)
CYCLE = timedelta(seconds=1)


class ServedRig:
    """A served site; `surroundings` may be changed at any time."""

    def __init__(self, site: Site, folder: Path, soc: float = 0.6) -> None:
        links = {
            name: replace(link, url=_on_a_free_port(link.url)) for name, link in site.links.items()
        }
        self.site = replace(site, links=links)
        self.clock = ManualClock(START)
        self.surroundings = Instant(
            dc_load_kw=3.0, pv_available_kw=0.5, ac_load_kw=0.3, outdoor_c=26.0, mains_ok=True
        )
        self.plant = make_plant(self.site, lambda _: self.surroundings, START, soc)
        self.served = SimulatedSite(self.site, self.plant, self.clock.steady)
        self.history = History(folder / "history.sqlite3")
        self.devices = SiteDevices(self.site, self.clock, self.history, 60.0)
        timing = Timing(cycle_s=1.0, lease_s=60.0, max_age=timedelta(seconds=3))
        self.controller = Controller(
            self.site,
            Ports(self.clock, self.devices, DirectSolver(), self.history, EventLog(self.history)),
            timing,
        )
        self.image_builder = ImageBuilder(
            rectifier_curve(self.site), timing.max_age, plausible_ranges(self.site)
        )
        self.image = self.image_builder.first(START)

    async def start(self) -> None:
        await self.served.start()
        await self.devices.acquire()

    async def stop(self) -> tuple[str, ...]:
        unreleased = await self.devices.close(RELEASE_STOPPED())
        await self.served.stop()
        self.history.close()
        return unreleased

    async def observe(self) -> Image:
        """Read all devices a second later."""
        self.clock.advance(CYCLE)
        self.image = self.image_builder.next(
            self.image, await self.devices.read(), self.clock.now(), self.clock.steady()
        )
        return self.image

    async def drive(self, battery_kw: float, cycles: int = 5) -> Image:
        """Drive at this battery power for so many cycles; the image that follows."""
        for _ in range(cycles):
            image = await self.observe()
            measured = {
                name: image.value(name) for name in ("dc_load_kw", "pv_kw", "battery_kw", "grid_kw")
            }
            await self.devices.drive(
                Drive(
                    battery_kw, 99.0, self.plant.flows.bus_v, measured["dc_load_kw"] or 3.0,
                    measured["pv_kw"] or 0.0, TEST, measured["battery_kw"], measured["grid_kw"],
                )
            )  # fmt: skip
        return await self.observe()

    async def release(self) -> Image:
        """Release the site; the image that follows."""
        await self.observe()
        await self.devices.drive(Release(TEST))
        return await self.observe()

    async def control(self, cycles: int) -> Step:
        """The real controller decides."""
        for _ in range(cycles):
            self.clock.advance(CYCLE)
            step = await self.controller.step()
        return step

    def span(self) -> tuple[datetime, datetime]:
        """From the start to now."""
        return START, self.clock.now() + CYCLE

    def commands(self, device: str) -> list[Command]:
        return [
            each
            for each in self.history.commands(START, self.clock.now() + CYCLE)
            if each.device == device
        ]

    def codes(self) -> list[str]:
        return [each.code for each in self.history.alarms(START, self.clock.now() + CYCLE)]


def _on_a_free_port(url: str) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"{url.split('://')[0]}://127.0.0.1:{probe.getsockname()[1]}"
