"""Acquires devices: before a device is driven, its identity is checked, it is released, and its
safe values and lease time are stored in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from drivers.backoff import Backoff, growing_pauses
from drivers.errors import DriverError
from drivers.modbus.device import Device
from drivers.write_gate.gate import WriteGate
from siteems.clock import Clock
from siteems.control.reasons import COMMISSIONED, RELEASE_ACQUIRED
from siteems.control.safe_state import without_charging
from siteems.gateway.command_log import trouble_in
from siteems.history.records import AlarmRecord
from siteems.messages.driver_texts import IDENTITY_NOT_READ, message_of
from siteems.messages.message import Message
from siteems.operations import alarm_catalogue as alarms
from siteems.operations.alarm_condition import Condition
from siteems.operations.alarm_type import AlarmType

log = structlog.get_logger()

RETRY_PAUSES_S: Final = growing_pauses(30.0, 3600.0, factor=4.0)
"""Before a device that could not be acquired is tried again. It is not driven meanwhile, so the
first retry comes soon; one that refuses for hours needs a person, and each attempt may wear its
flash.
"""

BUSY_PAUSES_S: Final = growing_pauses(2.0, 30.0)
"""Before a device that was busy, or did not report its identity, is tried again. One that starts
is busy for a minute, and then it is to be driven at once.
"""
BUSY_FOR: Final = timedelta(minutes=2)
"""On-delay of the alarm: a device that starts may be busy for a minute."""

Report = Callable[[AlarmRecord], None]
"""Records an alarm."""


class Acquisition:
    """Which devices are not acquired yet, and the attempts to acquire them.

    A device is acquired at the start of the daemon, and again after a silence or a restart, because
    it may hold something else than it was sent.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        gate: WriteGate,
        safe_values: Mapping[str, float],
        lease_s: float,
        clock: Clock,
        report: Report,
        *,
        stored_charging: bool = True,
    ) -> None:
        """`devices` are those that take setpoints."""
        self._devices, self._gate, self._lease_s = tuple(devices), gate, lease_s
        self._safe_values = safe_values
        self._clock, self._report = clock, report
        self._retries: dict[str, Backoff] = defaultdict(lambda: Backoff(RETRY_PAUSES_S))
        self._busy_retries: dict[str, Backoff] = defaultdict(lambda: Backoff(BUSY_PAUSES_S))
        self._busy: dict[str, Condition] = {}
        """By device that answers, but is busy, or not when it is asked for its identity."""
        self.pending = {device.name for device in self._devices}
        """Names of the devices that must be acquired before they may be driven."""
        self.wrong: set[str] = set()
        """Names of the devices that are not what the site file states; they are never written."""
        self._alarmed: set[str] = set()
        """Names of the devices with an alarm that they are not acquired."""
        self.stored_charging = stored_charging
        """Whether the safe values that are stored in the devices may charge the battery."""

    def lost(self, names: Iterable[str]) -> None:
        """These devices were silent or restarted: they must be acquired again."""
        known = {device.name for device in self._devices}
        self.pending |= known.intersection(names)

    async def acquire(
        self, safe_setpoints: Mapping[str, Mapping[str, float]], left_alone: Collection[str] = ()
    ) -> None:
        """Acquire each pending device whose retry is due, except those that are `left_alone`: the
        silent ones, and those of another controller.

        `safe_setpoints` are the values that release each device, by its name.
        """
        for device in self._devices:
            if device.name not in self.pending:
                continue
            if device.name in left_alone:
                if device.name in self._busy:  # silence does not say that it is busy
                    self._busy[device.name].update(None, self._clock.steady())
                continue
            now_s = self._clock.steady().timestamp()
            retries = (self._retries[device.name], self._busy_retries[device.name])
            if any(retry.resting(now_s) for retry in retries):
                continue
            if await self._is_expected_model(device):
                await self._release_and_commission(device, safe_setpoints[device.name])

    async def _is_expected_model(self, device: Device) -> bool:
        """Whether the device has the identity that its map states. No answer, or that it is busy,
        counts as no, but not as another device: it is asked again soon.
        """
        if device.device_map.identity is None:
            return True
        identity = await device.check_identity()
        if identity is None:
            self._was_busy(device.name, IDENTITY_NOT_READ())
            return False
        if not identity:
            self.wrong.add(device.name)
            self._busy.pop(device.name, None)
            self._failed(alarms.WRONG_DEVICE, device.name, title=device.device_map.title)
        return identity

    async def store(self, *, charging: bool) -> None:
        """Store the safe values that may, or must not, charge the battery in the devices that are
        acquired. One that does not take them must be acquired again.
        """
        if charging == self.stored_charging:
            return
        before = {device.name: self._persistent(device) for device in self._devices}
        self.stored_charging = charging
        for device in self._devices:
            values = self._persistent(device)
            if device.name in self.pending or values == before[device.name]:
                continue
            try:
                records = await self._gate.commission(
                    device, values, self._lease_of(device), reason=COMMISSIONED().to_record()
                )
            except DriverError as error:
                log.warning("not-stored", device=device.name, error=str(error))
                self.pending.add(device.name)
                continue
            if trouble_in(records, ("failed",)):
                self.pending.add(device.name)

    def _persistent(self, device: Device) -> dict[str, float]:
        """The safe values that are stored in a device."""
        safe = self._safe_values if self.stored_charging else without_charging(self._safe_values)
        device_map, points = device.device_map, device.device_map.points
        return {
            name: points[name].nearest(value)
            for name, value in safe.items()
            if name in points and name not in device_map.setpoints
        }

    def _lease_of(self, device: Device) -> float | None:
        return self._lease_s if device.device_map.lease else None

    async def _release_and_commission(self, device: Device, safe: Mapping[str, float]) -> None:
        busy_answers = device.busy_answers
        try:
            released = await self._gate.release(device, safe, reason=RELEASE_ACQUIRED().to_record())
            commissioned = await self._gate.commission(
                device,
                self._persistent(device),
                self._lease_of(device),
                reason=COMMISSIONED().to_record(),
            )
        except DriverError as error:
            log.warning(alarms.DEVICE_NOT_ACQUIRED.code, device=device.name, error=str(error))
            self._failed(alarms.DEVICE_NOT_ACQUIRED, device.name, detail=message_of(error.trouble))
            return
        trouble = trouble_in(released) or trouble_in(commissioned, ("failed",))
        if trouble and self._gate.read_only:
            self._failed(alarms.DEVICE_READ_ONLY, device.name)
            return
        if trouble and device.busy_answers > busy_answers:
            self._was_busy(device.name, trouble)
            return
        if trouble:
            self._busy.pop(device.name, None)
            self._failed(alarms.DEVICE_NOT_ACQUIRED, device.name, detail=trouble)
            return
        if clamped := trouble_in(commissioned):
            # The device's own limits are stricter. To write again would only wear its flash.
            now = self._clock.now()
            self._report(alarms.SAFE_VALUE_CLAMPED.at(now, device=device.name, detail=clamped))
        self.pending.discard(device.name)
        self.wrong.discard(device.name)
        self._retries.pop(device.name, None)
        self._busy_retries.pop(device.name, None)
        self._busy.pop(device.name, None)
        if device.name in self._alarmed:
            self._alarmed.remove(device.name)
            self._report(alarms.DEVICE_ACQUIRED.at(self._clock.now(), device=device.name))

    def _was_busy(self, name: str, detail: Message) -> None:
        """Try again soon, and report a device that stays like this."""
        steady = self._clock.steady()
        if self._busy.setdefault(name, Condition(BUSY_FOR)).update(True, steady) == "raised":
            self._alarm(alarms.DEVICE_NOT_ACQUIRED, name, detail=detail)
        self._busy_retries[name].failed(steady.timestamp())

    def _failed(self, alarm: AlarmType, name: str, **values: Message | str) -> None:
        """Report the first failure in a row, and make the device rest."""
        retry = self._retries[name]
        if retry.failures == 0:
            self._alarm(alarm, name, **values)
        retry.failed(self._clock.steady().timestamp())

    def _alarm(self, alarm: AlarmType, name: str, **values: Message | str) -> None:
        self._report(alarm.at(self._clock.now(), device=name, **values))
        if alarm.code in alarms.DEVICE_ACQUIRED.clears:
            self._alarmed.add(name)
