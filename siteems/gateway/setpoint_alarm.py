"""The alarm for a device that does not follow its setpoints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from siteems.clock import Clock
from siteems.gateway.acquire import Report
from siteems.messages.message import Message
from siteems.operations import alarm_catalogue as alarms
from siteems.operations.alarm_condition import Condition

LASTED: Final = timedelta(minutes=2)
"""On-delay: several tries of the write gate. One lost frame is no alarm."""


class SetpointAlarm:
    """Reports when a device has not taken some setpoint for a while, and when it takes all."""

    def __init__(self, device: str, clock: Clock, report: Report) -> None:
        self._device, self._clock, self._report = device, clock, report
        self._not_taken: dict[str, Message] = {}
        """By setpoint, what went wrong at its last try; only those that were not taken."""
        self._condition = Condition(LASTED)

    def update(self, troubles: Mapping[str, Message | None]) -> None:
        """Take the setpoints that were tried now: what went wrong with each, or None."""
        for point, trouble in troubles.items():
            if trouble is not None:
                self._not_taken[point] = trouble
            else:
                self._not_taken.pop(point, None)
        change = self._condition.update(bool(self._not_taken), self._clock.steady())
        now = self._clock.now()
        if change == "raised":
            detail = next(iter(self._not_taken.values()))
            self._report(alarms.DEVICE_NOT_FOLLOWING.at(now, device=self._device, detail=detail))
        elif change == "cleared":
            self._report(alarms.DEVICE_FOLLOWING.at(now, device=self._device))
