"""A whole simulated site on loopback and serial lines: the plant behind the same device maps that
the drivers read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from drivers.address import Address, parse_address
from drivers.catalogue import load_map
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.transport import Credentials
from drivers.simulated.dlt645 import MeterServer, SimulatedMeter
from drivers.simulated.endpoints import Endpoint, PtyEndpoint, TcpEndpoint
from drivers.simulated.faults import Fault
from drivers.simulated.modbus import RegisterServer, SimulatedUnit
from drivers.simulated.modbus_frames import Framing
from drivers.simulated.server import DeviceServer
from siteems.errors import UserError
from siteems.simulation.devices import PlantDevice
from siteems.simulation.plant import Plant
from siteems.simulation.scenario import Misbehaviour
from siteems.site.model import Link, Site

LOOPBACK = "127.0.0.1"


class SimulatedSite:
    """One server per link of the site: on loopback at the link's port, or at the path of its serial
    port.

    `own` is what the devices behind tls links show of themselves; who connects must be signed by
    the link's `ca`. Raises `UserError` when a tls link is without, or its files cannot be used.
    """

    def __init__(
        self,
        site: Site,
        plant: Plant,
        now: Callable[[], datetime],
        own: tuple[Path, Path] | None = None,
    ) -> None:
        self._servers: dict[str, DeviceServer] = {}
        self._addresses = {name: parse_address(link.url) for name, link in site.links.items()}
        self._urls = {name: link.url for name, link in site.links.items()}
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
            address = self._addresses[name]
            place = _place(name, link, address, own)
            if address.is_dlt645:
                self._servers[name] = MeterServer(LOOPBACK, address.port, meters, endpoint=place)
            else:
                framing: Framing = "rtu" if address.protocol in ("rtu", "rtu+tcp") else "tcp"
                self._servers[name] = RegisterServer(
                    LOOPBACK, address.port, units, framing=framing, endpoint=place
                )
        self._plant, self._now = plant, now

    async def start(self) -> Mapping[str, str]:
        """Serve; returns the URL of each link. Raises `UserError` when a port or path is taken."""
        urls = {}
        for name, server in self._servers.items():
            address = self._addresses[name]
            try:
                port = await server.start()
            except OSError as error:
                await self.stop()
                why = error.strerror or error
                other = "a path" if address.is_serial else "a port"
                raise UserError(f"link {name}: {why}; choose {other} with --link") from error
            urls[name] = (
                self._urls[name] if address.is_serial else f"{address.protocol}://{LOOPBACK}:{port}"
            )
        return urls

    async def inject(self, link: str, fault: Fault) -> None:
        """Make a device of a link misbehave. Raises ValueError for a link, unit or point that is
        not there.
        """
        await self._server(link).inject(fault)

    def clear(self, link: str, fault: Fault | None = None) -> None:
        """End one fault of a link, or all."""
        faults = self._server(link).faults
        if fault is None:
            faults.clear()
        else:
            faults.clear(fault.device, fault.kind, fault.point)

    def faults(self) -> Mapping[str, tuple[Fault, ...]]:
        """The faults in force, by link."""
        return {name: server.faults.active for name, server in self._servers.items()}

    def _server(self, link: str) -> DeviceServer:
        if link not in self._servers:
            raise ValueError(f"no link {link!r}; there are {', '.join(self._servers)}")
        return self._servers[link]

    async def run(self, tick_s: float = 0.2, faults: Sequence[Misbehaviour] = ()) -> None:
        """Keep the physics going also while nobody reads, and let devices misbehave at their times,
        until cancelled.
        """
        ahead, under_way = deque(sorted(faults, key=lambda each: each.start)), list[Misbehaviour]()
        while True:
            now = self._now()
            self._plant.advance_to(now)
            for each in [each for each in under_way if each.end <= now]:
                self.clear(each.link, each.fault)
                under_way.remove(each)
            while ahead and ahead[0].start <= now:
                each = ahead.popleft()
                await self.inject(each.link, each.fault)
                under_way.append(each)
            await asyncio.sleep(tick_s)

    async def stop(self) -> None:
        """Stop serving."""
        for server in self._servers.values():
            await server.stop()


def _place(name: str, link: Link, address: Address, own: tuple[Path, Path] | None) -> Endpoint:
    """Where the devices of a link are served. A line behind a serial server is heard by all who are
    connected to it.
    """
    if address.is_serial:
        return PtyEndpoint(Path(address.device))
    tls = None
    if address.protocol == "tls":
        if own is None or link.ca is None:
            raise UserError(
                f"link {name}: simulated devices behind tls need --certificate and --key of their own"
            )
        try:
            tls = Credentials(Path(link.ca), *own).server_context()
        except OSError as error:
            raise UserError(f"link {name}: {error}") from error
    return TcpEndpoint(
        LOOPBACK, address.port, shared=address.protocol not in ("tcp", "tls"), tls=tls
    )
