"""How often each device held other setpoints than it took: a few times mean a second controller.

Two controllers on one device would write against each other in every cycle, and neither would hold
a cap. So this one stands back, for a while that grows each time.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from drivers.backoff import Backoff, growing_pauses

MOST: Final = 3
"""Contradictions within `WITHIN` that count as a second controller; a restart is one."""
WITHIN: Final = timedelta(minutes=10)
STAND_BACK_S: Final = growing_pauses(600.0, 3600.0)
"""Before a device that another controller seems to drive is tried again."""


class Contradictions:
    """By name of the device."""

    def __init__(self) -> None:
        self._times: dict[str, list[datetime]] = defaultdict(list)
        self._pauses: dict[str, Backoff] = defaultdict(lambda: Backoff(STAND_BACK_S))
        self._driven_by_another: dict[str, datetime] = {}
        """Devices that are, or were, left to another controller, and when it was last assumed."""

    def add(self, device: str, now: datetime) -> bool:
        """Count one; whether it is time to stand back. If so, the pause begins."""
        recent = [time for time in self._times[device] if timedelta(0) <= now - time < WITHIN]
        self._times[device] = [*recent, now]
        if device in self._driven_by_another:
            self._driven_by_another[device] = now
        if len(self._times[device]) < MOST:
            return False
        self._times[device].clear()
        self._pauses[device].failed(now.timestamp())
        self._driven_by_another[device] = now
        return True

    def ended(self, now: datetime) -> list[str]:
        """Devices that have kept their setpoints for `WITHIN` since they are driven again."""
        for device in self._driven_by_another:
            if self.stands_back(device, now):
                self._driven_by_another[device] = now
        over = [name for name, last in self._driven_by_another.items() if now - last >= WITHIN]
        for device in over:
            del self._driven_by_another[device]
        return over

    def stands_back(self, device: str, now: datetime) -> bool:
        """Whether the device is left to the other controller now."""
        return device in self._pauses and self._pauses[device].resting(now.timestamp())
