"""The site's real devices behind their links: reads them all, writes decisions to them, and leaves
them in their safe state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog

from drivers.errors import DriverError
from drivers.modbus.device import Device
from drivers.modbus.link import ModbusLink
from drivers.points import Quality, Reading
from drivers.roles import COMMAND_POINTS
from drivers.write_gate.gate import WriteGate
from siteems.clock import Clock
from siteems.control.charging_permit import ChargingPermit, first_permit
from siteems.control.decision import Decision, Drive, Release
from siteems.control.device_setpoints import (
    SentSetpoints,
    SettableDevice,
    device_setpoints,
    safe_setpoints,
)
from siteems.control.safe_state import safe_values
from siteems.gateway.acquire import Acquisition
from siteems.gateway.battery_name import BatteryName
from siteems.gateway.command_log import CommandLog, CommandStore, trouble_in
from siteems.gateway.contradictions import Contradictions
from siteems.gateway.other_masters import OtherMasters
from siteems.gateway.setpoint_alarm import SetpointAlarm
from siteems.gateway.wiring import make_device, make_links
from siteems.messages.driver_texts import message_of
from siteems.messages.message import Message
from siteems.operations import alarm_catalogue as alarms
from siteems.operations.alarm_condition import Condition
from siteems.operations.alarm_log import AlarmLog, AlarmStore
from siteems.site.assets import battery_command_of, is_drivable, rectifier_curve
from siteems.site.model import Site

log = structlog.get_logger()

OWNER = "siteems"
STORED_AGAIN_AFTER: Final = timedelta(hours=1)
"""The stored safe values are in flash, and a temperature near its limit comes and goes."""


class DeviceRecord(CommandStore, AlarmStore, Protocol):
    """What keeps commands and alarms of the devices."""


class SiteDevices:
    """All devices of one site. Every write goes through the one gate, which this class owns."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        record: DeviceRecord,
        lease_s: float,
        *,
        read_only: bool = False,
    ) -> None:
        self._site, self._clock = site, clock
        self._links = make_links(site)
        self._all = [make_device(entry, self._links, clock.steady) for entry in site.devices]
        self.devices = [device for device in self._all if isinstance(device, Device)]
        """Those that may be written; utility meters are read only."""
        self._by_name = {device.name: device for device in self.devices}
        self._command = battery_command_of(site) if is_drivable(site) or not read_only else None
        self._safe_values = safe_values(site, rectifier_curve(site))
        self._settable = [
            SettableDevice(d.name, {n: d.device_map.points[n] for n in d.device_map.setpoints})
            for d in self.devices
            if not self._safe_values.keys().isdisjoint(d.device_map.setpoints)
        ]
        self._commands = CommandLog(record)
        self._report = AlarmLog(record).report
        self._gate = WriteGate(
            owner=OWNER,
            now=clock.now,
            steady=clock.steady,
            record=self._commands.add,
            read_only=read_only,
        )
        self._acquisition = Acquisition(
            [self._by_name[each.name] for each in self._settable],
            self._gate,
            self._safe_values,
            lease_s,
            clock,
            self._report,
            stored_charging=first_permit(site).stored,
        )
        self._alarms = {
            each.name: SetpointAlarm(each.name, clock, self._report) for each in self._settable
        }
        self._unreleased: set[str] = set()
        """Names of the devices that may hold something else than their safe values."""
        self._silent: set[str] = set()
        self._charging = first_permit(site)
        """As of the last decision."""
        self._stored_again = Condition(STORED_AGAIN_AFTER)
        self._sent = SentSetpoints(clock.steady())
        self._contradictions = Contradictions()
        setpoints = () if self._command is None else COMMAND_POINTS[self._command]
        self._battery_name = BatteryName(self.devices, setpoints)
        self._other_masters = OtherMasters(clock, self._report)

    async def read(self) -> Sequence[Reading]:
        """Read all devices; those on one link take turns.

        A device that did not answer, or holds other setpoints than it took, may have restarted. It
        must be acquired again before it is driven.
        """
        readings = await asyncio.gather(*(device.read() for device in self._all))
        self._silent = {
            r.device
            for r in readings
            if all(p.quality is Quality.UNREACHABLE for p in r.points.values())
        }
        self._other_masters.update(
            {name: link.counters.foreign for name, link in self._links.items()}
        )
        self._acquisition.lost(self._silent)
        self._battery_name.ask_again(self._silent | self._acquisition.pending)
        self._look_for_restarts({reading.device: reading for reading in readings})
        return readings

    def _look_for_restarts(self, readings: Mapping[str, Reading]) -> None:
        for name in self._contradictions.ended(self._clock.steady()):
            self._report(alarms.NO_OTHER_CONTROLLER.at(self._clock.now(), device=name))
        for device in self.devices:
            name = device.name
            if name not in self._unreleased or name in self._acquisition.pending:
                continue
            if changed := self._gate.changed_setpoints(device, readings[name]):
                self._acquisition.lost([name])
                points, now = ", ".join(changed), self._clock.now()
                if self._contradictions.add(name, self._clock.steady()):
                    # Released or not, it is the other controller's now.
                    self._unreleased.discard(name)
                    self._report(alarms.ANOTHER_CONTROLLER.at(now, device=name, points=points))
                else:
                    self._report(alarms.DEVICE_RESTARTED.at(now, device=name, points=points))

    async def begin(self, charging: ChargingPermit) -> None:
        """Acquire the devices at the start, with safe values for the battery's temperature."""
        self._permit(charging)
        await self._acquisition.store(charging=charging.stored)
        await self.acquire()

    async def acquire(self) -> None:
        """Acquire the devices that are not acquired yet and answer, and learn which they are."""
        if self._acquisition.pending:
            await self._acquire_pending()
        await self._battery_name.read(self._silent | self._acquisition.pending)

    def battery_name(self) -> str | None:
        """Which battery the site has; None while that is not known."""
        return self._battery_name.text

    async def _acquire_pending(self) -> None:
        for name in self._acquisition.pending:
            self._sent = self._sent.without(name)
        steady = self._clock.steady()
        left_alone = {
            name
            for name in self._acquisition.pending
            if name in self._silent or self._contradictions.stands_back(name, steady)
        }
        await self._acquisition.acquire(self._safe_setpoints(), left_alone)
        self._unreleased -= self._acquisition.wrong
        self._commands.flush()

    async def drive(self, decision: Decision) -> None:
        """Bring a decision to the devices. A failed write is recorded and tried again later."""
        self._permit(decision.charging)
        await self._store(decision.charging.stored)
        await self.acquire()
        if isinstance(decision, Drive):
            await self._drive(decision)
        else:
            await self._release(decision, self._silent)
        self._commands.flush()

    def _permit(self, charging: ChargingPermit) -> None:
        """The safe values depend on it, so a device that was released may hold other ones."""
        before = self._safe_setpoints()
        self._charging = charging
        changed = {name for name, safe in self._safe_setpoints().items() if safe != before[name]}
        self._unreleased |= changed - self._acquisition.pending

    async def _store(self, charging: bool) -> None:
        """Keep the stored safe values right for the battery's temperature: those that must not
        charge are stored at once, those that may after an hour.
        """
        again = charging and not self._acquisition.stored_charging
        if self._stored_again.update(again, self._clock.steady()) == "raised" or not charging:
            await self._acquisition.store(charging=charging)

    async def _drive(self, decision: Drive) -> None:
        if self._command is None:
            return  # read-only, and no device could take a setpoint
        unavailable = self._acquisition.pending | self._silent
        available = [each for each in self._settable if each.name not in unavailable]
        self._sent = device_setpoints(
            decision,
            self._site,
            self._command,
            available,
            self._sent,
            self._clock.steady(),
            self._confirmed,
        )
        for device in available:
            values = self._sent.values[device.name]
            if values:
                await self._write(self._by_name[device.name], values, decision.reason)

    def _confirmed(self, name: str, point: str, value: float) -> bool:
        return self._gate.holds(self._by_name[name], point, value)

    async def _write(self, device: Device, values: Mapping[str, float], reason: Message) -> None:
        held_before = device.name in self._unreleased
        self._unreleased.add(device.name)  # first, because a run may end in the middle of a write
        try:
            records = await self._gate.set(device, values, reason=reason.to_record())
            judged = [record for record in records if record.outcome != "unconfirmed"]
            troubles = {record.point: trouble_in([record]) for record in judged}
            sent = any(record.outcome != "refused" for record in records)
        except DriverError as error:
            troubles, sent = dict.fromkeys(values, message_of(error.trouble)), False
        if not sent and not held_before:
            self._unreleased.discard(device.name)
        self._alarms[device.name].update(troubles)

    async def _release(self, decision: Release, skip: Collection[str]) -> None:
        """Write the safe values to every device that still holds something else.

        When the lease runs out, a device takes the fallback values that are stored in it, which may
        charge the battery. So safe values that must not charge are kept up by refreshing them.
        """
        safe, reason = self._safe_setpoints(), decision.reason.to_record()
        charging = safe if self._charging.now else self._safe_setpoints(charging_allowed=True)
        for device in self.devices:
            name = device.name
            if name in skip:
                continue
            if name in self._unreleased:
                records = await self._gate.release(device, safe[name], reason=reason)
                if not trouble_in(records):
                    self._unreleased.discard(name)
            elif name not in self._acquisition.pending and safe.get(name) != charging.get(name):
                await self._refresh(device, safe[name], reason)
        self._sent = SentSetpoints(self._clock.steady())

    async def _refresh(self, device: Device, safe: Mapping[str, float], reason: str) -> None:
        try:
            troubled = bool(trouble_in(await self._gate.set(device, safe, reason=reason)))
        except DriverError as error:
            log.warning("refresh-failed", device=device.name, error=str(error))
            troubled = True
        if troubled:
            self._unreleased.add(device.name)

    def _safe_setpoints(
        self, *, charging_allowed: bool | None = None
    ) -> dict[str, Mapping[str, float]]:
        """What releases each device, at the present temperature of the battery unless stated."""
        allowed = self._charging.now if charging_allowed is None else charging_allowed
        return {
            each.name: safe_setpoints(each, self._safe_values, charging_allowed=allowed)
            for each in self._settable
        }

    def traffic(self) -> dict[str, Any]:
        """Counters of the links since the start, by link and unit, and today's writes by device."""
        return {
            "links": {
                name: asdict(link.counters)
                | {"echoes": link.echoes if isinstance(link, ModbusLink) else None}
                | {"units": {unit: asdict(c) for unit, c in link.unit_counters.items()}}
                for name, link in self._links.items()
            },
            "writes_today": {
                device.name: {
                    "writes": self._gate.writes_today(device),
                    "allowed": device.device_map.link.writes_per_day,
                }
                for device in self.devices
                if device.device_map.setpoints
            },
        }

    async def close(self, reason: Message) -> tuple[str, ...]:
        """Leave the devices in their safe state and close the links.

        Returns the names of those that did not take it.
        """
        await self._release(Release(reason, self._charging), skip=())
        self._commands.flush()
        for link in self._links.values():
            await link.close()
        return tuple(sorted(self._unreleased))
