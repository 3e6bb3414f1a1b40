"""A whole simulated site on loopback Modbus TCP: the plant behind the same register maps that the drivers read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from drivers.address import parse_address
from drivers.catalogue import load_map
from drivers.devicemap import DeviceMap
from drivers.dlt645.simulated import MeterServer, SimulatedMeter
from drivers.roles import battery_command
from drivers.simulated import RegisterServer, SimulatedUnit
from siteems.errors import UserError
from siteems.simulation.devices import PlantDevice
from siteems.simulation.plant import Plant
from siteems.simulation.profile import Instant
from siteems.site import Site

LOOPBACK = "127.0.0.1"


def make_plant(site: Site, surroundings: Callable[[datetime], Instant], start: datetime, start_soc: float) -> Plant:
    """The plant of a site, with the kind of battery that its device maps can command."""
    command = battery_command([load_map(entry.map) for entry in site.devices])
    return Plant(site, surroundings, start, start_soc, "setpoint" if command == "power_setpoint" else "levers")


class SimulatedSite:
    """One server per link of the site, on loopback at the link's port."""

    def __init__(self, site: Site, plant: Plant, now: Callable[[], datetime]) -> None:
        self._servers: dict[str, RegisterServer | MeterServer] = {}
        self._protocols = {name: parse_address(link.url).protocol for name, link in site.links.items()}
        for name, link in site.links.items():
            units: dict[int, SimulatedUnit] = {}
            meters: dict[str, SimulatedMeter] = {}
            for entry in site.devices:
                if entry.link != name:
                    continue
                device_map = load_map(entry.map)
                source = PlantDevice(entry.name, device_map, plant, now)
                if isinstance(device_map, DeviceMap):
                    units[entry.unit or 0] = SimulatedUnit(device_map, source)
                else:
                    meters[entry.address or ""] = SimulatedMeter(device_map, source, entry.ratio)
            port, protocol = parse_address(link.url).port, self._protocols[name]
            self._servers[name] = (
                MeterServer(LOOPBACK, port, meters)
                if meters
                else RegisterServer(LOOPBACK, port, units, framing="rtu" if protocol == "rtu+tcp" else "tcp")
            )
        self._plant, self._now = plant, now

    async def start(self) -> Mapping[str, str]:
        """Serve; returns the URL of each link. Raises `UserError` when a port is taken."""
        urls = {}
        for name, server in self._servers.items():
            try:
                urls[name] = f"{self._protocols[name]}://{LOOPBACK}:{await server.start()}"
            except OSError as error:
                await self.stop()
                why = error.strerror or error
                raise UserError(
                    f"link {name}: cannot listen on {LOOPBACK}: {why}; choose a port with --link"
                ) from error
        return urls

    async def run(self, tick_s: float = 0.2) -> None:
        """Keep the physics going also while nobody reads, until cancelled."""
        while True:
            self._plant.advance_to(self._now())
            await asyncio.sleep(tick_s)

    async def stop(self) -> None:
        """Stop serving."""
        for server in self._servers.values():
            await server.stop()
