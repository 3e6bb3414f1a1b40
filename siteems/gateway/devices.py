"""The site's real devices behind their links: read them all, bring decisions to them, leave them
safe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog

from drivers.errors import DriverError
from drivers.modbus.device import Device
from drivers.points import DISCHARGE, Quality, Reading
from drivers.roles import battery_command
from drivers.write_gate.gate import WriteGate
from drivers.write_gate.records import WriteRecord
from siteems.control.decision import Decision, Release
from siteems.control.safe_state import safe_values, without_charging
from siteems.control.setpoints import setpoints
from siteems.gateway.wiring import make_device, make_links
from siteems.history.records import AlarmRecord, Command, RecordError
from siteems.history.store import History
from siteems.operations import alarms
from siteems.operations.message_text import ENGLISH
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

log = structlog.get_logger()

OWNER = "siteems"
RECORDS_KEPT = 10_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 3600.0
"""Before a device that could not be claimed is tried again: from half a minute to an hour, longer
each time.
"""
DISOBEYS_LASTED = timedelta(minutes=2)
DEADBAND = {"a": 0.5, "kw": 0.025}
"""By unit of the point; smaller than the margin that an import cap is kept with (0.05 kW)."""


class SiteDevices:
    """All devices of one site. Every write goes through the one gate, which this class owns."""

    def __init__(
        self,
        site: Site,
        now: Callable[[], datetime],
        history: History,
        lease_s: float,
        *,
        read_only: bool = False,
    ) -> None:
        self._site, self._history, self._lease_s = site, history, lease_s
        self._links = make_links(site)
        self._all = [make_device(entry, self._links, now) for entry in site.devices]
        self.devices = [device for device in self._all if isinstance(device, Device)]
        """Those that may be written; utility meters are read only."""
        self._command = battery_command([d.device_map for d in self._all])
        self._safe = safe_values(site, rectifier_curve(site))
        self._records: list[WriteRecord] = []
        self._gate = WriteGate(
            owner=OWNER, now=now, record=self._records.append, read_only=read_only
        )
        self._unclaimed = {d.name for d in self.devices if self._setpoints(d)}
        self._unreleased: set[str] = set()
        """Those that were sent something else than their safe values since the last release."""
        self._silent: set[str] = set()
        self._now = now
        self._charging_allowed = True
        """As of the last decision."""
        self._retry_at: dict[str, tuple[datetime, float]] = {}
        self._disobeys: dict[str, dict[str, datetime]] = {}
        """By device and setpoint, since when it is not taken."""
        self._disobedient: set[str] = set()
        """Devices of which that was reported."""
        self._sent: dict[tuple[str, str], float] = {}
        self._driven = now()
        """When a decision was brought to the devices last."""

    def _setpoints(self, device: Device) -> dict[str, float]:
        """The safe values of the volatile setpoints that this device has."""
        setpoints = device.device_map.setpoints
        points = device.device_map.points
        return {
            name: points[name].nearest(self._safe[name]) for name in setpoints if name in self._safe
        }

    async def read(self) -> Sequence[Reading]:
        """Read all devices; those that share a link wait for each other there.

        A device that comes back after a silence may have restarted: it is claimed anew before it is
        driven.
        """
        readings = await asyncio.gather(*(device.read() for device in self._all))
        silent = {
            r.device
            for r in readings
            if all(p.quality is Quality.UNREACHABLE for p in r.points.values())
        }
        self._unclaimed |= {d.name for d in self.devices if d.name in silent and self._setpoints(d)}
        self._silent = silent
        self._look_for_restarts({reading.device: reading for reading in readings})
        return readings

    def _look_for_restarts(self, readings: Mapping[str, Reading]) -> None:
        """A device that holds something else than it took is claimed anew: released first, then
        driven.
        """
        for device in self.devices:
            if device.name in self._unclaimed or device.name not in self._unreleased:
                continue
            if changed := self._gate.contradicts(device, readings[device.name]):
                self._unclaimed.add(device.name)
                points = ", ".join(changed)
                self._report(
                    alarms.DEVICE_RESTARTED.at(self._now(), device=device.name, points=points)
                )

    def _safe_now(self, device: Device) -> dict[str, float]:
        """The device's safe setpoints at the battery's present temperature."""
        safe = self._setpoints(device)
        return safe if self._charging_allowed else without_charging(safe)

    async def claim(self) -> None:
        """Make sure of every device before it is driven: is it what the site file says, release
        what an earlier run left, set safe values and lease.

        A device that does not answer is claimed as soon as it does; one that is something else is
        never written.
        """
        for device in self.devices:
            if (
                device.name not in self._unclaimed
                or device.name in self._silent
                or not self._may_retry(device.name)
            ):
                continue
            if not await self._is_what_it_should_be(device):
                continue
            self._sent = {
                sent: value for sent, value in self._sent.items() if sent[0] != device.name
            }
            device_map = device.device_map
            persistent = {
                n: device_map.points[n].nearest(v)
                for n, v in self._safe.items()
                if n in device_map.points and n not in device_map.setpoints
            }
            try:
                released = await self._gate.release(
                    device, self._safe_now(device), reason="claimed: release first"
                )
                lease_s = self._lease_s if device_map.lease else None
                commissioned = await self._gate.commission(device, persistent, lease_s)
            except DriverError as error:
                log.warning("device-not-claimed", device=device.name, error=str(error))
                self._trouble(alarms.DEVICE_NOT_ACQUIRED, device.name, detail=str(error))
                continue
            trouble = _trouble_in(released) or _trouble_in(commissioned, "failed")
            if trouble and self._gate.read_only:
                self._trouble(alarms.DEVICE_READ_ONLY, device.name)
                continue
            if trouble:
                self._trouble(alarms.DEVICE_NOT_ACQUIRED, device.name, detail=trouble)
                continue
            if clamped := _trouble_in(commissioned):
                # Its own limits are the stricter ones; to insist would only wear its flash.
                self._report(
                    alarms.SAFE_VALUE_CLAMPED.at(self._now(), device=device.name, detail=clamped)
                )
            self._unclaimed.discard(device.name)
            self._retry_at.pop(device.name, None)
        self._flush()

    def _may_retry(self, name: str) -> bool:
        due, _ = self._retry_at.get(name, (None, 0.0))
        return (
            due is None
            or abs(due - self._now()).total_seconds() > LONGEST_PAUSE_S
            or self._now() >= due
        )

    async def _is_what_it_should_be(self, device: Device) -> bool:
        """Ask for the identity that the map states. No answer = not yet."""
        if device.device_map.identity is None:
            return True
        identity = await device.check_identity()
        if identity is False:
            self._unreleased.discard(device.name)
            self._trouble(alarms.WRONG_DEVICE, device.name, title=device.device_map.title)
        return identity is True

    def _trouble(self, alarm: alarms.AlarmType, name: str, **values: str) -> None:
        """Report trouble with a device once, and wait longer each time before the next attempt."""
        _, pause_s = self._retry_at.get(name, (None, 0.0))
        if not pause_s:
            self._report(alarm.at(self._now(), device=name, **values))
        pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, 4.0 * pause_s))
        self._retry_at[name] = (self._now() + timedelta(seconds=pause_s), pause_s)

    def _report(self, alarm: AlarmRecord) -> None:
        log.warning(alarm.code, text=ENGLISH.text(alarm.message))
        try:
            self._history.add_alarm(alarm)
        except RecordError as error:
            log.error("record-failed", error=str(error))

    async def drive(self, decision: Decision) -> None:
        """Bring a decision to the devices; trouble is recorded and tried again in the next cycle."""
        self._charging_allowed = decision.charging_allowed
        if self._unclaimed:
            await self.claim()
        if isinstance(decision, Release):
            await self._release(decision.reason, self._silent)
        else:
            held = {point: value for (_, point), value in self._sent.items()}
            elapsed_s = max(0.0, (self._now() - self._driven).total_seconds())
            await self._set(
                setpoints(decision, self._site, self._command, held, elapsed_s), decision.reason
            )
        self._driven = self._now()
        self._flush()

    async def _set(self, wanted: Mapping[str, float], reason: str) -> None:
        for device in self.devices:
            asked = {n: v for n, v in wanted.items() if n in device.device_map.points}
            if not asked or device.name in self._unclaimed | self._silent:
                continue
            if "forced_mode" in asked and not self._gate.holds(
                device, "forced_mode", asked["forced_mode"]
            ):
                asked["forced_kw"] = (
                    0.0  # no power before its direction is seen: the other one would give it
                )
            values = {
                n: self._steady(device, n, v, _from_the_grid(n, asked)) for n, v in asked.items()
            }
            held_before = device.name in self._unreleased
            self._unreleased.add(
                device.name
            )  # first, for a run may be ended in the middle of a write
            try:
                records = await self._gate.set(device, values, reason=reason)
                troubles = {r.point: _trouble_in([r]) for r in records}
                sent = any(r.outcome != "refused" for r in records)
            except DriverError as error:
                troubles, sent = dict.fromkeys(values, str(error)), False
            if not sent and not held_before:
                self._unreleased.discard(device.name)
            self._watch_obedience(device.name, troubles)

    def _steady(self, device: Device, point: str, value: float, way: int) -> float:
        """The value sent last where the new one hardly differs: the noise of a load is no reason to
        write.

        What is worth a write to this device, its map may say too; but no cap is broken for it, so
        only where the last value takes less from the grid. `way` is 1 where more of the value is
        more from the grid, -1 where it is less.
        """
        value = device.device_map.points[point].nearest(value)
        last = self._sent.get((device.name, point))
        fine = DEADBAND.get(point.rsplit("_", 1)[-1], 0.0)
        coarse = max(fine, device.device_map.points[point].step or 0.0)
        if (
            last is not None
            and value != 0.0
            and (abs(value - last) < fine or 0.0 <= way * (value - last) < coarse)
        ):
            return last
        self._sent[device.name, point] = value
        return value

    def _watch_obedience(self, name: str, troubles: Mapping[str, str]) -> None:
        """Report a device that does not take a setpoint when it has lasted, once, and when it takes
        all again.

        `troubles` has the setpoints that were tried now, with an empty text where all is well.
        """
        now, lasting = self._now(), self._disobeys.setdefault(name, {})
        for point, trouble in troubles.items():
            if not trouble:
                lasting.pop(point, None)
            elif (
                now - lasting.setdefault(point, now) >= DISOBEYS_LASTED
                and name not in self._disobedient
            ):
                self._disobedient.add(name)
                self._report(alarms.DEVICE_NOT_FOLLOWING.at(now, device=name, detail=trouble))
        if not lasting and name in self._disobedient:
            self._disobedient.discard(name)
            self._report(alarms.DEVICE_FOLLOWING.at(now, device=name))

    async def _release(self, reason: str, skip: set[str]) -> None:
        """Write the safe values to every device that still holds something else."""
        for device in self.devices:
            if device.name not in self._unreleased or device.name in skip:
                continue
            try:
                records = await self._gate.release(device, self._safe_now(device), reason=reason)
            except DriverError as error:
                log.warning("release-failed", device=device.name, error=str(error))
                continue
            if not _trouble_in(records):
                self._unreleased.discard(device.name)
        self._sent.clear()

    def traffic(self) -> dict[str, Any]:
        """What has happened on the wire since the start, by link and unit, and the writes of today
        by device.
        """
        return {
            "links": {
                name: asdict(link.counters)
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

    async def close(self, reason: str) -> tuple[str, ...]:
        """Leave the devices in their safe state and hang up. Returns the names of those that did
        not take it.
        """
        await self._release(reason, skip=set())
        self._flush()
        for link in self._links.values():
            await link.close()
        return tuple(sorted(self._unreleased))

    def _flush(self) -> None:
        """Hand the gate's records to the historian; what cannot be written now is kept for the next
        time.
        """
        if not self._records:
            return
        try:
            self._history.add_commands([Command(**asdict(r)) for r in self._records])
            self._records.clear()
        except RecordError as error:
            log.error("record-failed", error=str(error), waiting=len(self._records))
            del self._records[:-RECORDS_KEPT]


def _from_the_grid(point: str, asked: Mapping[str, float]) -> int:
    """1 where more of a setpoint is more from the grid, -1 where it is less from there."""
    discharges = point == "discharge_limit_kw" or (
        point == "forced_kw" and asked.get("forced_mode") == DISCHARGE
    )
    return -1 if discharges else 1


def _trouble_in(records: Sequence[WriteRecord], *outcomes: str) -> str:
    """What went wrong in the end with some point, in words: of several tries, the last one counts.
    Empty = nothing.
    """
    last = {record.point: record for record in records}
    bad = outcomes or ("failed", "mismatch", "refused")
    return next(
        (f"{r.point}: {r.outcome}, {r.detail}" for r in last.values() if r.outcome in bad), ""
    )
