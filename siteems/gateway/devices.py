"""The site's real devices behind their links: read them all, bring decisions to them, leave them safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import structlog

from drivers.device import Device
from drivers.devicemap import load_map
from drivers.errors import DriverError
from drivers.gate import WriteGate, WriteRecord
from drivers.link import ModbusLink
from drivers.points import Quality, Reading
from drivers.roles import battery_command
from siteems.control.cycle import Decision
from siteems.control.safe import safe_values
from siteems.control.translate import setpoints
from siteems.history.store import Command, History, RecordError
from siteems.planning.problem import rectifier_curve
from siteems.site import Site

log = structlog.get_logger()

OWNER = "siteems"
RECORDS_KEPT = 10_000


class ModbusDevices:
    """All devices of one site. Every write goes through the one gate, which this class owns."""

    def __init__(
        self, site: Site, now: Callable[[], datetime], history: History, lease_s: float, *, read_only: bool = False
    ) -> None:
        self._site, self._history, self._lease_s = site, history, lease_s
        self._links = {
            name: ModbusLink(link.url, timeout_s=link.timeout_s, gap_s=link.gap_ms / 1000.0)
            for name, link in site.links.items()
        }
        self.devices = [Device(e.name, load_map(e.map), self._links[e.link], e.unit, now) for e in site.devices]
        self._command = battery_command([d.device_map for d in self.devices])
        self._safe = safe_values(site, rectifier_curve(site))
        self._records: list[WriteRecord] = []
        self._gate = WriteGate(owner=OWNER, now=now, record=self._records.append, read_only=read_only)
        self._unclaimed = {d.name for d in self.devices if self._setpoints(d)}
        self._unreleased: set[str] = set()
        self._silent: set[str] = set()

    def _setpoints(self, device: Device) -> dict[str, float]:
        """The safe values of the volatile setpoints that this device has."""
        return {name: self._safe[name] for name in device.device_map.setpoints if name in self._safe}

    async def read(self) -> Sequence[Reading]:
        """Read all devices; those that share a link wait for each other there.

        A device that comes back after a silence may have restarted: it is claimed anew before it is driven.
        """
        readings = await asyncio.gather(*(device.read() for device in self.devices))
        silent = {r.device for r in readings if all(p.quality is Quality.UNREACHABLE for p in r.points.values())}
        self._unclaimed |= {d.name for d in self.devices if d.name in silent and self._setpoints(d)}
        self._silent = silent
        return readings

    async def claim(self) -> None:
        """Make sure of every device before it is driven: release what an earlier run left, set safe values and lease.

        A device that does not answer is claimed as soon as it does.
        """
        for device in self.devices:
            if device.name not in self._unclaimed or device.name in self._silent:
                continue
            device_map = device.device_map
            persistent = {
                n: v for n, v in self._safe.items() if n in device_map.points and n not in device_map.setpoints
            }
            try:
                released = await self._gate.release(device, self._setpoints(device), reason="claimed: release first")
                lease_s = self._lease_s if device_map.lease else None
                commissioned = await self._gate.commission(device, persistent, lease_s)
            except DriverError as error:
                log.warning("device-not-claimed", device=device.name, error=str(error))
                continue
            if not _failed((*released, *commissioned)):
                self._unclaimed.discard(device.name)
        self._flush()

    async def drive(self, decision: Decision) -> None:
        """Bring a decision to the devices; trouble is recorded and tried again in the next cycle."""
        if self._unclaimed:
            await self.claim()
        if decision.mode == "release":
            await self._release(decision.reason, self._silent)
        else:
            await self._set(setpoints(decision, self._site, self._command), decision.reason)
        self._flush()

    async def _set(self, wanted: Mapping[str, float], reason: str) -> None:
        self._unreleased = {d.name for d in self.devices if self._setpoints(d)}
        for device in self.devices:
            values = {n: v for n, v in wanted.items() if n in device.device_map.points}
            if not values or device.name in self._unclaimed | self._silent:
                continue
            try:
                await self._gate.set(device, values, reason=reason)
            except DriverError as error:
                log.warning("setpoint-failed", device=device.name, error=str(error))

    async def _release(self, reason: str, skip: set[str]) -> None:
        """Write the safe values to every device that still holds something else."""
        for device in self.devices:
            if device.name not in self._unreleased or device.name in skip:
                continue
            try:
                records = await self._gate.release(device, self._setpoints(device), reason=reason)
            except DriverError as error:
                log.warning("release-failed", device=device.name, error=str(error))
                continue
            if not _failed(records):
                self._unreleased.discard(device.name)

    async def close(self, reason: str) -> None:
        """Leave the devices in their safe state and hang up."""
        await self._release(reason, skip=set())
        self._flush()
        for link in self._links.values():
            await link.close()

    def _flush(self) -> None:
        """Hand the gate's records to the historian; what cannot be written now is kept for the next time."""
        if not self._records:
            return
        try:
            self._history.add_commands([Command(**asdict(r)) for r in self._records])
            self._records.clear()
        except RecordError as error:
            log.error("record-failed", error=str(error), waiting=len(self._records))
            del self._records[:-RECORDS_KEPT]


def _failed(records: Sequence[WriteRecord]) -> bool:
    """Whether some point did not get its value in the end: of several tries, the last one counts."""
    last = {record.point: record.outcome for record in records}
    return any(outcome in ("failed", "mismatch") for outcome in last.values())
