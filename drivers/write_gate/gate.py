"""The gate itself: every write to a device is checked, sent, read back and recorded here.

A setpoint is a lease (`lease_refresh.py`): it is written when it changes by a register step,
refreshed at half of the device's time-out, and released to its safe value at the end. What a device
keeps in flash is written by `commission` alone, and only where the device holds something else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from drivers.errors import DeviceError, DriverError, LinkError, WriteRefused
from drivers.modbus.device import Device
from drivers.modbus.point_map import Storage
from drivers.points import Quality, Reading
from drivers.trouble import Trouble, trouble
from drivers.write_gate.daily_budget import DailyBudget
from drivers.write_gate.judging import judged, unshown
from drivers.write_gate.lease_refresh import SetpointState, refresh_after_s
from drivers.write_gate.map_limits import objection
from drivers.write_gate.read_back import is_held, on_step, same_step
from drivers.write_gate.records import Outcome, WriteRecord

RELEASE_PAUSES_S: Final = (0.0, 0.2, 0.5)
"""Waits before the attempts of a release, seconds. Three attempts outlast one lost frame and a
device that is busy; more would hold up the stop of the daemon.
"""
READ_AGAIN_S: Final = (0.5, 1.0, 1.5)
"""Waits, seconds, before a value that is not shown is read again where there is time to wait for
it: at commissioning, and at the last attempt of a release.
"""


@dataclass(slots=True)
class _DeviceState:
    """What the gate knows of one device."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    setpoints: dict[str, SetpointState] = field(default_factory=dict)
    lease_s: float | None = None
    """The device's lease as read back when it was commissioned."""
    budget: DailyBudget = field(default_factory=DailyBudget)

    def setpoint(self, name: str) -> SetpointState:
        return self.setpoints.setdefault(name, SetpointState())


class WriteGate:
    """Lets values of one `owner` through to devices, under the limits of their maps.

    `now` gives the time of day (UTC, aware), `steady` one that is never set, for leases and pauses;
    `record` takes every record. With `read_only` nothing is ever written, not even by `release`;
    what would have been written is recorded as refused. Devices are identified by name.
    """

    def __init__(
        self,
        *,
        owner: str,
        now: Callable[[], datetime],
        record: Callable[[WriteRecord], None],
        steady: Callable[[], datetime] | None = None,
        read_only: bool = False,
    ) -> None:
        self.owner, self.read_only = owner, read_only
        self._now, self._steady, self._record = now, steady or now, record
        self._states: dict[str, _DeviceState] = {}

    def writes_today(self, device: Device) -> int:
        """Values sent to the device since midnight UTC, failed ones included."""
        return self._state(device).budget.used(self._now().date())

    def holds(self, device: Device, name: str, value: float) -> bool:
        """Whether the device was last seen to hold this value of a point."""
        setpoint = self._state(device).setpoints.get(name)
        if setpoint is None or name not in device.device_map.points:
            return False
        wanted = on_step(device.device_map.points[name], setpoint.own_step, value)
        return _is_at(device, name, setpoint, wanted)

    def changed_setpoints(self, device: Device, reading: Reading) -> tuple[str, ...]:
        """The setpoints that read differently from what the device was last seen to hold.

        Such a device restarted between two readings, or something else has written to it.
        """
        device_map = device.device_map
        changed: list[str] = []
        for name, setpoint in self._state(device).setpoints.items():
            read = reading.value(name)
            if not setpoint.held or setpoint.value is None or read is None:
                continue
            if name not in device_map.setpoints:
                continue
            if not is_held(device_map.points[name], setpoint.value, read):
                changed.append(name)
        return tuple(changed)

    async def commission(
        self, device: Device, safe: Mapping[str, float], lease_s: float | None, *, reason: str
    ) -> tuple[WriteRecord, ...]:
        """Make the device keep its persistent safe values (`safe_*` points) and its lease, seconds.

        Only what the device holds differently is written, because flash wears out. What cannot be
        read is not written and recorded as failed. Without `lease_s`, or where it cannot be set,
        the device keeps its own time. Raises WriteRefused, before anything is sent, for a value
        that is not allowed.
        """
        values = self._with_lease(device, safe, lease_s)
        self._check(device, values, reason, "flash")
        state, lease = self._state(device), device.device_map.lease
        async with state.lock:
            present = await device.read_points(values)
            records: list[WriteRecord] = []
            different: dict[str, float] = {}
            for name, value in values.items():
                found = present.points[name]
                if found.quality is Quality.UNREACHABLE:
                    detail = trouble("not-compared")
                    records.append(self._note(device, name, value, reason, "failed", detail))
                elif found.value is None or not _same(device, name, found.value, value):
                    different[name] = value
            records += await self._send(device, state, different, reason, wait=True)
            if lease is not None and lease.timeout_point is not None:
                reading = await device.read_points([lease.timeout_point])
                state.lease_s = reading.value(lease.timeout_point)
        return tuple(records)

    async def set(
        self, device: Device, values: Mapping[str, float], *, reason: str
    ) -> tuple[WriteRecord, ...]:
        """Make the device hold these setpoints. Returns one record for each setpoint that was due.

        Due is a value that differs by a register step from the last one, one whose last attempt
        failed (after a pause that grows with each failure), and one that was last written half of
        the lease ago. Raises WriteRefused, before anything is sent, for a value that is not
        allowed: not a volatile setpoint, outside the limits of the map (the caller clips), or of a
        device that another owner holds. Read-only and a used-up daily budget do not raise; they
        give `refused` records.
        """
        if device.owner not in (None, self.owner):
            held_by = trouble("held-by", holder=str(device.owner), owner=self.owner)
            raise self._refusal(device, values, reason, held_by)
        self._check(device, values, reason, "volatile")
        state = self._state(device)
        async with state.lock:
            if not self.read_only:
                device.owner = self.owner
            points = device.device_map.points
            values = {
                name: on_step(points[name], state.setpoint(name).own_step, value)
                for name, value in values.items()
            }
            shown = await self._look_again(device, state, values, reason)
            due = self._due(device, state, values)
            return (*shown, *await self._send(device, state, due, reason))

    async def _look_again(
        self, device: Device, state: _DeviceState, values: Mapping[str, float], reason: str
    ) -> tuple[WriteRecord, ...]:
        """Read again what the device confirmed and did not show, and judge what is now decided."""
        now_s, points = self._steady().timestamp(), device.device_map.points
        awaited = [
            name
            for name, value in values.items()
            if (setpoint := state.setpoint(name)).unshown_since_s is not None
            and setpoint.value is not None
            and _same(device, name, setpoint.value, value)
        ]
        if not awaited or self.read_only:
            return ()
        found = await device.read_points(awaited)
        records: list[WriteRecord] = []
        for name in awaited:
            outcome, detail = judged(points[name], state.setpoint(name), found.points[name], now_s)
            if outcome != "unconfirmed":
                records.append(self._note(device, name, values[name], reason, outcome, detail))
        return tuple(records)

    async def release(
        self, device: Device, safe: Mapping[str, float], *, reason: str
    ) -> tuple[WriteRecord, ...]:
        """Write the safe values of the setpoints now, independent of the owner of the device
        and of its budget.

        Each is tried up to three times, also while the link rests the unit. Never raises: a value
        that the map does not allow is recorded as refused and the others are written.
        """
        state = self._state(device)
        async with state.lock:
            device.owner = None
            records: dict[str, WriteRecord] = {}
            remaining: dict[str, float] = {}
            for name, value in safe.items():
                barrier = objection(device.device_map, name, value, "volatile")
                if self.read_only:
                    barrier = trouble("gate-read-only")
                if barrier is None:
                    remaining[name] = value
                else:
                    records[name] = self._note(device, name, value, reason, "refused", barrier)
            for attempt, pause_s in enumerate(RELEASE_PAUSES_S, 1):
                if not remaining:
                    break
                await asyncio.sleep(pause_s)
                last = attempt == len(RELEASE_PAUSES_S)
                tried = await self._write(device, state, remaining, reason, urgent=True, wait=last)
                records |= {record.point: record for record in tried}
                remaining = {
                    record.point: record.value
                    for record in tried
                    if record.outcome in ("failed", "unconfirmed", "mismatch")
                }
        return tuple(records.values())

    def _with_lease(
        self, device: Device, safe: Mapping[str, float], lease_s: float | None
    ) -> dict[str, float]:
        """The safe values with the lease's own point, where the device lets it be set."""
        values, lease = dict(safe), device.device_map.lease
        if lease_s is None:
            return values
        if lease is None:
            why = trouble("no-lease", model=device.device_map.name, lease_s=lease_s)
            raise WriteRefused(device.name, why)
        if lease.timeout_point is not None:
            if not lease.min_s <= lease_s <= lease.max_s:
                why = trouble("lease-outside", lease_s=lease_s, low=lease.min_s, high=lease.max_s)
                raise WriteRefused(device.name, why)
            values[lease.timeout_point] = lease_s
        return values

    def _check(
        self, device: Device, values: Mapping[str, float], reason: str, storage: Storage
    ) -> None:
        for name, value in values.items():
            barrier = objection(device.device_map, name, value, storage)
            if barrier is not None:
                raise self._refusal(device, {name: value}, reason, barrier)

    def _refusal(
        self, device: Device, values: Mapping[str, float], reason: str, barrier: Trouble
    ) -> WriteRefused:
        for name, value in values.items():
            self._note(device, name, value, reason, "refused", barrier)
        asked = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        return WriteRefused(f"{device.name}: {asked}", barrier)

    def _due(
        self, device: Device, state: _DeviceState, values: Mapping[str, float]
    ) -> dict[str, float]:
        now_s = self._steady().timestamp()
        refresh_s = refresh_after_s(device.device_map.lease, state.lease_s)
        due: dict[str, float] = {}
        for name, value in values.items():
            setpoint = state.setpoint(name)
            changed = setpoint.value is None or not _same(device, name, setpoint.value, value)
            if changed or setpoint.is_due(now_s, refresh_s):
                due[name] = value
        return due

    async def _send(
        self,
        device: Device,
        state: _DeviceState,
        values: Mapping[str, float],
        reason: str,
        *,
        wait: bool = False,
    ) -> tuple[WriteRecord, ...]:
        """Write, unless this gate is read-only or the device's budget of the day is used up."""
        budget = device.device_map.link.writes_per_day
        if self.read_only:
            barrier = trouble("gate-read-only")
        elif self.writes_today(device) + len(values) > budget:
            barrier = trouble("budget-used", budget=budget)
        else:
            return await self._write(device, state, values, reason, wait=wait)
        now_s = self._steady().timestamp()
        for name, value in values.items():
            state.setpoint(name).kept_back(value, now_s)
        return tuple(
            self._note(device, name, value, reason, "refused", barrier)
            for name, value in values.items()
        )

    async def _write(
        self,
        device: Device,
        state: _DeviceState,
        values: Mapping[str, float],
        reason: str,
        *,
        urgent: bool = False,
        wait: bool = False,
    ) -> tuple[WriteRecord, ...]:
        """Write and read back, frame by frame. Returns a record for each value.

        With `wait` a value that is not shown at once is read again for some seconds and then
        judged.

        A point that was not taken keeps the points of higher order from being written: a direction
        must never meet the power of another command. An urgent write, a release, is never kept
        back.
        """
        points = device.device_map.points
        records: list[WriteRecord] = []
        stopped: tuple[int, str] | None = None  # order and name of the first point not taken
        for run in device.device_map.runs(values):
            wanted = {name: values[name] for name in run}
            held_before = {
                name for name in run if _is_at(device, name, state.setpoint(name), values[name])
            }
            now_s = self._steady().timestamp()
            for name, value in wanted.items():
                state.setpoint(name).sending(value, now_s)
            order = points[run[0]].order
            found: Reading | Trouble
            if stopped is not None and order > stopped[0] and not urgent:
                found = trouble("first-not-taken", first=stopped[1])
            else:
                found = await self._frame(device, state, wanted, urgent, wait)
            for name, value in wanted.items():
                outcome: Outcome
                detail: Trouble | None
                if isinstance(found, Trouble):
                    outcome, detail = "failed", found
                    state.setpoint(name).not_taken()
                else:
                    read = found.points[name]
                    setpoint = state.setpoint(name)
                    outcome, detail = judged(points[name], setpoint, read, now_s, last=wait)
                if outcome == "written" and name in held_before:
                    outcome = "refreshed"
                elif outcome != "written" and stopped is None:
                    stopped = (order, name)
                records.append(self._note(device, name, value, reason, outcome, detail))
        return tuple(records)

    async def _frame(
        self,
        device: Device,
        state: _DeviceState,
        values: Mapping[str, float],
        urgent: bool,
        wait: bool,
    ) -> Reading | Trouble:
        """What the device holds after one write, or why it failed."""
        sent = True
        try:
            await device.write_points(values, urgent=urgent)
        except DriverError as exc:
            sent = isinstance(exc, DeviceError) or (isinstance(exc, LinkError) and exc.sent)
            return exc.trouble
        finally:
            if sent:
                state.budget.add(self._now().date(), len(values))
        points = device.device_map.points
        found = await device.read_points(values, urgent=urgent)
        in_vain = all(state.setpoint(name).waited_for == value for name, value in values.items())
        for pause_s in READ_AGAIN_S if wait and not in_vain else ():
            if not unshown(points, values, found):
                break
            await asyncio.sleep(pause_s)
            found = await device.read_points(values, urgent=urgent)
        for name in unshown(points, values, found) if wait else ():
            state.setpoint(name).waited_for = values[name]
        return found

    def _state(self, device: Device) -> _DeviceState:
        return self._states.setdefault(device.name, _DeviceState())

    def _note(
        self,
        device: Device,
        point: str,
        value: float,
        reason: str,
        outcome: Outcome,
        detail: Trouble | None = None,
    ) -> WriteRecord:
        record = WriteRecord(
            self._now(), device.name, point, value, self.owner, reason, outcome, detail
        )
        self._record(record)
        return record


def _same(device: Device, name: str, one: float, other: float) -> bool:
    return same_step(device.device_map.points[name], one, other)


def _is_at(device: Device, name: str, setpoint: SetpointState, value: float) -> bool:
    """Whether a setpoint was last seen to hold this value."""
    return (
        setpoint.held and setpoint.value is not None and _same(device, name, setpoint.value, value)
    )
