"""A simulated site on loopback and serial lines: the plant, served through the device maps that the
drivers read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from drivers.address import Address, parse_address
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
from siteems.simulation.scenario import ScheduledFault
from siteems.site.assets import device_map_of
from siteems.site.model import DeviceEntry, Link, Site

LOOPBACK = "127.0.0.1"


class SimulatedSite:
    """One server per link of the site: on loopback at the link's port, or at the path of its serial
    port.

    `credentials` are certificate and key that the devices behind tls links present; clients must be
    signed by the link's `ca`. Raises `UserError` when a tls link has none, or its files cannot be
    used.
    """

    def __init__(
        self,
        site: Site,
        plant: Plant,
        now: Callable[[], datetime],
        credentials: tuple[Path, Path] | None = None,
    ) -> None:
        self._plant, self._now = plant, now
        self._addresses = {name: parse_address(link.url) for name, link in site.links.items()}
        self._urls = {name: link.url for name, link in site.links.items()}
        self._servers: dict[str, DeviceServer] = {}
        for name, link in site.links.items():
            endpoint = _endpoint(name, link, self._addresses[name], credentials)
            entries = [entry for entry in site.devices if entry.link == name]
            self._servers[name] = self._server_of(self._addresses[name], entries, endpoint)

    def _server_of(
        self, address: Address, entries: Sequence[DeviceEntry], endpoint: Endpoint
    ) -> DeviceServer:
        units: dict[int, SimulatedUnit] = {}
        meters: dict[str, SimulatedMeter] = {}
        for entry in entries:
            device_map = device_map_of(entry)
            device = PlantDevice(entry.name, device_map, self._plant, self._now)
            if isinstance(device_map, DeviceMap):
                units[entry.unit or 0] = SimulatedUnit(device_map, device)
            else:
                meters[entry.address or ""] = SimulatedMeter(device_map, device, entry.ratio)
        if address.is_dlt645:
            return MeterServer(LOOPBACK, address.port, meters, endpoint=endpoint)
        framing: Framing = "rtu" if address.protocol in ("rtu", "rtu+tcp") else "tcp"
        return RegisterServer(LOOPBACK, address.port, units, framing=framing, endpoint=endpoint)

    async def start(self) -> Mapping[str, str]:
        """Serve; returns the URL of each link. Raises `UserError` when a port or path is taken."""
        urls = {}
        for name, server in self._servers.items():
            address = self._addresses[name]
            try:
                port = await server.start()
            except OSError as error:
                await self.stop()
                cause = error.strerror or error
                other = "a path" if address.is_serial else "a port"
                raise UserError(f"link {name}: {cause}; choose {other} with --link") from error
            urls[name] = (
                self._urls[name] if address.is_serial else f"{address.protocol}://{LOOPBACK}:{port}"
            )
        return urls

    async def inject(self, link: str, fault: Fault) -> None:
        """Apply a fault to a device of a link. Raises ValueError for an unknown link, unit or
        point.
        """
        await self._server(link).inject(fault)

    def clear(self, link: str, fault: Fault | None = None) -> None:
        """End one fault of a link, or all of them. Raises ValueError for an unknown link."""
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

    async def run(self, tick_s: float = 0.2, faults: Sequence[ScheduledFault] = ()) -> None:
        """Advance the plant also while no device is read, and apply scheduled faults, until
        cancelled.
        """
        waiting = deque(sorted(faults, key=lambda fault: fault.start))
        active: list[ScheduledFault] = []
        while True:
            now = self._now()
            self._plant.advance_to(now)
            for over in [fault for fault in active if fault.end <= now]:
                self.clear(over.link, over.fault)
                active.remove(over)
            while waiting and waiting[0].start <= now:
                due = waiting.popleft()
                await self.inject(due.link, due.fault)
                active.append(due)
            await asyncio.sleep(tick_s)

    async def stop(self) -> None:
        """Stop serving."""
        for server in self._servers.values():
            await server.stop()


def _endpoint(
    name: str, link: Link, address: Address, credentials: tuple[Path, Path] | None
) -> Endpoint:
    """Where the devices of a link are served. A serial line behind a TCP server is shared: all
    clients see all of its traffic.
    """
    if address.is_serial:
        return PtyEndpoint(Path(address.device))
    tls = None
    if address.protocol == "tls":
        if credentials is None or link.ca is None:
            raise UserError(
                f"link {name}: simulated devices behind tls need their own --certificate and --key"
            )
        try:
            tls = Credentials(Path(link.ca), *credentials).server_context()
        except OSError as error:
            raise UserError(f"link {name}: {error}") from error
    shared = address.protocol not in ("tcp", "tls")
    return TcpEndpoint(LOOPBACK, address.port, shared=shared, tls=tls)
