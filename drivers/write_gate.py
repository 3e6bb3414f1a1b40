"""The write gate: the one place through which registers are written, and where every write is
checked and recorded.

A setpoint is a lease. It is written when it changes by a register step, refreshed at half of the
device's time-out, read back each time, and released to its safe value at the end. What is kept in
flash is written by `commission` alone, and only when the device holds something else.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from drivers.errors import DeviceError, DriverError, LinkError, WriteRefused
from drivers.modbus.device import Device
from drivers.modbus.point_map import Storage
from drivers.points import POINTS, Quality, Reading

Outcome = Literal["written", "refreshed", "refused", "failed", "mismatch"]

RELEASE_PAUSES_S: Final = (0.0, 0.2, 0.5)
"""Waits before the tries of a release."""
RETRY_MAX_S: Final = 30.0
"""A value that fails again and again is tried at least this often."""
REFUSED_AGAIN_S: Final = 60.0
"""A value that stays refused (read-only, budget) is recorded this often."""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """What happened to one value of one point. `detail` says why it was not simply written."""

    time: datetime
    device: str
    point: str
    value: float
    owner: str
    reason: str
    outcome: Outcome
    detail: str = ""


@dataclass(slots=True)
class _Setpoint:
    """What the gate knows of one point in the device."""

    value: float | None = None
    """Last value asked for."""
    held: bool = False
    """Whether the device was seen to hold it."""
    failures: int = 0
    tried: datetime | None = None
    wait_s: float = 0.0


@dataclass(slots=True)
class _Ledger:
    """What the gate knows of one device."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    setpoints: dict[str, _Setpoint] = field(default_factory=dict)
    lease_s: float | None = None
    day: date | None = None
    writes: int = 0


class WriteGate:
    """Lets values of one `owner` through to devices, under the limits of their maps.

    `now` gives the time (UTC, aware); `record` takes every record as it is made. With `read_only`
    nothing is ever written, also by `release`; what would have been written is recorded as refused.
    Devices are told apart by name.
    """

    def __init__(
        self,
        *,
        owner: str,
        now: Callable[[], datetime],
        record: Callable[[WriteRecord], None],
        read_only: bool = False,
    ) -> None:
        self.owner = owner
        self.read_only = read_only
        self._now, self._record = now, record
        self._ledgers: dict[str, _Ledger] = {}

    def writes_today(self, device: Device) -> int:
        """Values sent to the device since midnight UTC, failed ones included."""
        return self._written_today(self._ledger(device))

    def holds(self, device: Device, name: str, value: float) -> bool:
        """Whether the device was last seen to hold this value of a point."""
        known = self._ledger(device).setpoints.get(name)
        return (
            known is not None
            and known.held
            and known.value is not None
            and _same(device, name, known.value, value)
        )

    def contradicts(self, device: Device, reading: Reading) -> tuple[str, ...]:
        """The setpoints of which the device says something else than what it was last seen to take.

        A device that started anew between two readings, or was changed by another hand.
        """
        setpoints = self._ledger(device).setpoints
        return tuple(
            name
            for name, known in setpoints.items()
            if known.held
            and known.value is not None
            and name in device.device_map.setpoints
            and (value := reading.value(name)) is not None
            and abs(value - known.value) > device.device_map.points[name].tolerance * 1.000001
        )

    async def commission(
        self, device: Device, safe: Mapping[str, float], lease_s: float | None
    ) -> tuple[WriteRecord, ...]:
        """Make the device keep its persistent safe values (`safe_*` points) and the lease time, in
        seconds.

        Only what the device holds differently is written; what cannot be read is not written and
        recorded as failed. Without `lease_s`, or where it cannot be set, the device keeps its own
        time. Raises WriteRefused, before anything is sent, for a value that is not allowed.
        """
        reason, lease = "commissioning", device.device_map.lease
        values = dict(safe)
        if lease_s is not None:
            if lease is None:
                raise WriteRefused(
                    f"{device.name}: {device.device_map.name} has no lease to set to {lease_s:g} s"
                )
            if lease.timeout_point is not None:
                if not lease.min_s <= lease_s <= lease.max_s:
                    raise WriteRefused(
                        f"{device.name}: a lease of {lease_s:g} s is outside {lease.min_s:g}..{lease.max_s:g} s"
                    )
                values[lease.timeout_point] = lease_s
        self._check(device, values, reason, "flash")
        ledger = self._ledger(device)
        async with ledger.lock:
            present = await device.read_points(values)
            records: list[WriteRecord] = []
            different: dict[str, float] = {}
            for name, value in values.items():
                found = present.points[name]
                if found.quality is Quality.UNREACHABLE:
                    detail = "could not be read, so it was not written"
                    records.append(self._note(device, name, value, reason, "failed", detail))
                elif found.value is None or not _same(device, name, found.value, value):
                    different[name] = value
            records += await self._send(device, ledger, different, reason)
            if lease is not None and lease.timeout_point is not None:
                ledger.lease_s = (await device.read_points([lease.timeout_point])).value(
                    lease.timeout_point
                )
        return tuple(records)

    async def set(
        self, device: Device, values: Mapping[str, float], *, reason: str
    ) -> tuple[WriteRecord, ...]:
        """Make the device hold these setpoints; returns a record for each one that was due, none
        for the others.

        Due is a value that differs by a register step from the last one, one whose last attempt
        failed (after a pause that grows with each failure), and one that was last written half of
        the lease ago. On a device that was not commissioned the shortest lease of its map counts.
        Raises WriteRefused, before anything is sent, for a value that is not allowed: not a
        volatile setpoint, outside the limits of the map (the caller clips), or of a device that
        another owner holds. Read-only and a used-up daily budget do not raise, they give `refused`
        records.
        """
        if device.owner not in (None, self.owner):
            raise self._objected(
                device, values, reason, f"is held by {device.owner}, not by {self.owner}"
            )
        self._check(device, values, reason, "volatile")
        ledger = self._ledger(device)
        async with ledger.lock:
            if not self.read_only:
                device.owner = self.owner
            return await self._send(device, ledger, self._due(device, ledger, values), reason)

    async def release(
        self, device: Device, safe: Mapping[str, float], *, reason: str
    ) -> tuple[WriteRecord, ...]:
        """Write the safe values of the setpoints now, whoever holds the device and whatever the
        budget says.

        Each is tried up to three times, also when the link is leaving the unit alone. Never raises:
        a value that the map does not allow is recorded as refused and the others are written.
        """
        ledger = self._ledger(device)
        async with ledger.lock:
            device.owner = None
            records: dict[str, WriteRecord] = {}
            left: dict[str, float] = {}
            for name, value in safe.items():
                barrier = (
                    "read-only" if self.read_only else _objection(device, name, value, "volatile")
                )
                if barrier is None:
                    left[name] = value
                else:
                    records[name] = self._note(device, name, value, reason, "refused", barrier)
            for pause_s in RELEASE_PAUSES_S:
                if not left:
                    break
                await asyncio.sleep(pause_s)
                done = await self._write(device, ledger, left, reason, urgent=True)
                records |= {record.point: record for record in done}
                left = {
                    record.point: record.value
                    for record in done
                    if record.outcome in ("failed", "mismatch")
                }
        return tuple(records.values())

    def _check(
        self, device: Device, values: Mapping[str, float], reason: str, storage: Storage
    ) -> None:
        for name, value in values.items():
            objection = _objection(device, name, value, storage)
            if objection is not None:
                raise self._objected(device, {name: value}, reason, objection)

    def _objected(
        self, device: Device, values: Mapping[str, float], reason: str, objection: str
    ) -> WriteRefused:
        for name, value in values.items():
            self._note(device, name, value, reason, "refused", objection)
        asked = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        return WriteRefused(f"{device.name}: {asked}: {objection}")

    def _due(
        self, device: Device, ledger: _Ledger, values: Mapping[str, float]
    ) -> dict[str, float]:
        now, lease = self._now(), device.device_map.lease
        half_s = math.inf if lease is None else (ledger.lease_s or lease.min_s) / 2
        due: dict[str, float] = {}
        for name, value in values.items():
            known = ledger.setpoints.setdefault(name, _Setpoint())
            changed = known.value is None or not _same(device, name, known.value, value)
            # Each by its own last write: which of them the device counts its time by, only it
            # knows.
            again = _over(now, known.tried, half_s if known.held else known.wait_s)
            if changed or again:
                due[name] = value
        return due

    async def _send(
        self, device: Device, ledger: _Ledger, values: Mapping[str, float], reason: str
    ) -> tuple[WriteRecord, ...]:
        """Write unless something stands against all writes now."""
        budget = device.device_map.link.writes_per_day
        barrier = None
        if self.read_only:
            barrier = "read-only"
        elif self._written_today(ledger) + len(values) > budget:
            barrier = f"the budget of {budget} writes a day is used up"
        if barrier is None:
            return await self._write(device, ledger, values, reason)
        for name, value in values.items():
            ledger.setpoints[name] = _Setpoint(value, tried=self._now(), wait_s=REFUSED_AGAIN_S)
        return tuple(
            self._note(device, name, value, reason, "refused", barrier)
            for name, value in values.items()
        )

    async def _write(
        self,
        device: Device,
        ledger: _Ledger,
        values: Mapping[str, float],
        reason: str,
        *,
        urgent: bool = False,
    ) -> tuple[WriteRecord, ...]:
        """Write and read back, frame by frame; a record for each value.

        What was not taken keeps the points of higher order from being written: no command with the
        power of another. An urgent write, a release, is not kept back by anything.
        """
        records: list[WriteRecord] = []
        stopped: tuple[int, str] | None = None
        for run in device.device_map.runs(values):
            begun, order = self._now(), device.device_map.points[run[0]].order
            before = {name: ledger.setpoints.get(name, _Setpoint()) for name in run}
            for name in run:  # not held until seen, so that a write cut short is tried again
                ledger.setpoints[name] = _Setpoint(
                    values[name], failures=before[name].failures, tried=begun
                )
            found: Reading | str
            if stopped is not None and order > stopped[0] and not urgent:
                found = f"not written, because {stopped[1]} before it was not taken"
            else:
                found = await self._frame(
                    device, ledger, {name: values[name] for name in run}, urgent
                )
            for name in run:
                value, known = values[name], before[name]
                outcome, detail = _judged(device, name, value, found)
                if outcome != "written":
                    stopped = stopped or (order, name)
                    failures = known.failures + 1
                    pause_s = (
                        min(2.0 ** min(failures - 1, 10), RETRY_MAX_S) if failures > 1 else 0.0
                    )
                    ledger.setpoints[name] = _Setpoint(
                        value, failures=failures, tried=begun, wait_s=pause_s
                    )
                else:
                    if (
                        known.held
                        and known.value is not None
                        and _same(device, name, known.value, value)
                    ):
                        outcome = "refreshed"
                    ledger.setpoints[name] = _Setpoint(value, held=True, tried=begun)
                records.append(self._note(device, name, value, reason, outcome, detail))
        return tuple(records)

    async def _frame(
        self, device: Device, ledger: _Ledger, values: Mapping[str, float], urgent: bool
    ) -> Reading | str:
        """What the device holds after one write; a sentence when the write failed."""
        sent = True
        try:
            await device.write_points(values, urgent=urgent)
        except DriverError as exc:
            sent = isinstance(exc, DeviceError) or (isinstance(exc, LinkError) and exc.sent)
            return str(exc)
        finally:
            if sent:
                ledger.writes = self._written_today(ledger) + len(values)
        return await device.read_points(values, urgent=urgent)

    def _written_today(self, ledger: _Ledger) -> int:
        today = self._now().date()
        if ledger.day != today:
            ledger.day, ledger.writes = today, 0
        return ledger.writes

    def _ledger(self, device: Device) -> _Ledger:
        return self._ledgers.setdefault(device.name, _Ledger())

    def _note(
        self,
        device: Device,
        point: str,
        value: float,
        reason: str,
        outcome: Outcome,
        detail: str = "",
    ) -> WriteRecord:
        record = WriteRecord(
            self._now(), device.name, point, value, self.owner, reason, outcome, detail
        )
        self._record(record)
        return record


def _objection(device: Device, name: str, value: float, storage: Storage) -> str | None:
    """What the map says against the value, in words; None when it is allowed."""
    point = device.device_map.points.get(name)
    if point is None:
        return "the device has no such point"
    if point.storage is None:
        return "this point cannot be written"
    if point.storage != storage:
        return f"this point is {point.storage}, only {storage} ones are written here"
    if not point.min <= value <= point.max:
        return f"must be within {point.min:g}..{point.max:g} {POINTS[name][0]}"
    return None


def _judged(device: Device, name: str, value: float, found: Reading | str) -> tuple[Outcome, str]:
    """Whether the device holds the value, within the tolerance of its point."""
    if isinstance(found, str):
        return "failed", found
    point = found.points[name]
    if point.quality is Quality.UNREACHABLE:
        return "failed", "written, but it could not be read back"
    if point.value is None:
        return "mismatch", f"reads back as {point.quality}"
    if abs(point.value - value) > device.device_map.points[name].tolerance * 1.000001:
        return "mismatch", f"reads back as {point.value:g}"
    return "written", ""


def _same(device: Device, name: str, one: float, other: float) -> bool:
    """Whether two values are the same register step."""
    point = device.device_map.points[name]
    return round((one - point.offset) / point.resolution) == round(
        (other - point.offset) / point.resolution
    )


def _over(now: datetime, since: datetime | None, span_s: float) -> bool:
    """Whether a span has passed; a clock that went backwards counts as passed."""
    return since is None or not 0 <= (now - since).total_seconds() < span_s
