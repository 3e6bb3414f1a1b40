"""A whole simulated site on loopback Modbus TCP: the plant behind the same register maps that the drivers read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from drivers.address import parse_address
from drivers.catalogue import load_map
from drivers.devicemap import DeviceMap
from drivers.dlt645.simulated import MeterServer, SimulatedMeter
from drivers.faults import Fault
from drivers.roles import BatteryCommand, battery_command
from drivers.simulated import RegisterServer, SimulatedUnit
from siteems.errors import UserError
from siteems.simulation.devices import PlantDevice
from siteems.simulation.plant import Kind, Plant
from siteems.simulation.profile import Instant
from siteems.simulation.scenario import Misbehaviour
from siteems.site import Site

LOOPBACK = "127.0.0.1"
KINDS: Mapping[BatteryCommand, Kind] = {
    "power_setpoint": "setpoint",
    "forced_power": "forced",
    "grid_setpoint": "grid",
    "rectifier_levers": "levers",
    "power_limits": "limits",
    "rectifier_voltage": "levers",
}


def make_plant(site: Site, surroundings: Callable[[datetime], Instant], start: datetime, start_soc: float) -> Plant:
    """The plant of a site, with the kind of battery that its device maps can command."""
    command = battery_command([load_map(entry.map) for entry in site.devices])
    return Plant(site, surroundings, start, start_soc, KINDS[command])


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

    async def inflict(self, link: str, fault: Fault) -> None:
        """Make a device of a link misbehave. Raises ValueError for a link, unit or point that is not there."""
        await self._registers(link).inflict(fault)

    def clear(self, link: str, fault: Fault | None = None) -> None:
        """End one fault of a link, or all."""
        faults = self._registers(link).faults
        if fault is None:
            faults.clear()
        else:
            faults.clear(fault.unit, fault.kind, fault.point)

    def faults(self) -> Mapping[str, tuple[Fault, ...]]:
        """The faults in force, by link."""
        return {
            name: server.faults.active for name, server in self._servers.items() if isinstance(server, RegisterServer)
        }

    def _registers(self, link: str) -> RegisterServer:
        server = self._servers.get(link)
        if not isinstance(server, RegisterServer):
            known = ", ".join(name for name, each in self._servers.items() if isinstance(each, RegisterServer))
            raise ValueError(f"no Modbus link {link!r}; there are {known}")
        return server

    async def run(self, tick_s: float = 0.2, faults: Sequence[Misbehaviour] = ()) -> None:
        """Keep the physics going also while nobody reads, and let devices misbehave at their times, until cancelled."""
        ahead, under_way = deque(sorted(faults, key=lambda each: each.start)), list[Misbehaviour]()
        while True:
            now = self._now()
            self._plant.advance_to(now)
            for each in [each for each in under_way if each.end <= now]:
                self.clear(each.link, each.fault)
                under_way.remove(each)
            while ahead and ahead[0].start <= now:
                each = ahead.popleft()
                await self.inflict(each.link, each.fault)
                under_way.append(each)
            await asyncio.sleep(tick_s)

    async def stop(self) -> None:
        """Stop serving."""
        for server in self._servers.values():
            await server.stop()
