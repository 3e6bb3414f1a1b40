"""When a setpoint is written again: a setpoint is a lease, and lapses unless it is refreshed.

A device falls back to its own safe values when no setpoint was written for its lease time. Each
setpoint is therefore refreshed after half of that time, counted from its own last write: only the
device knows which of its registers restart its timer. Half leaves room for one lost write.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from drivers.backoff import Backoff, growing_pauses
from drivers.modbus.device_map import Lease

RETRY_PAUSES_S: Final = (0.0, *growing_pauses(2.0, 30.0))
"""Rests of a value that the device does not take. The first retry comes at once, because most
failures are a single lost frame. 30 s bounds both the wear of a device that never takes it and the
wait after its trouble is over.
"""
REFUSED_PAUSE_S: Final = 60.0
"""A value that the gate itself keeps back (read-only, budget) is recorded again this often: often
enough to see that it lasts, without a record in each control cycle.
"""


@dataclass(slots=True)
class SetpointState:
    """What the gate knows of one setpoint of a device. Times are seconds of the gate's clock."""

    value: float | None = None
    """Last value asked for, in the unit of the point."""
    held: bool = False
    """Whether the last read-back found this value in the device."""
    tried_s: float = -math.inf
    """When it was last sent, or last kept back."""
    retry: Backoff = field(default_factory=lambda: Backoff(RETRY_PAUSES_S))

    def sending(self, value: float, now_s: float) -> None:
        """Note that a value is about to be sent.

        It is not held until it was read back, so that a write that is cut short is tried again.
        """
        self.value, self.held, self.tried_s = value, False, now_s
        self.retry.rest(now_s, 0.0)

    def taken(self) -> None:
        """Note that the value sent last was read back."""
        self.held = True
        self.retry.succeeded()

    def not_taken(self) -> None:
        """Note that the value sent last failed or reads back as another one."""
        self.retry.failed(self.tried_s)

    def kept_back(self, value: float, now_s: float) -> None:
        """Note that the gate sends nothing at all now."""
        self.value, self.held, self.tried_s = value, False, now_s
        self.retry.rest(now_s, REFUSED_PAUSE_S)

    def is_due(self, now_s: float, refresh_s: float) -> bool:
        """Whether the unchanged value is to be sent again: a refresh, or a retry after a pause.

        A clock that was set back makes it due, because nothing is known then of the device's timer.
        """
        if self.held:
            return not 0.0 <= now_s - self.tried_s < refresh_s
        return not self.retry.resting(now_s)


def refresh_after_s(lease: Lease | None, commissioned_s: float | None) -> float:
    """Seconds after which a held setpoint is refreshed; infinite for a device without a lease.

    `commissioned_s` is the lease time that was read from the device. Without it, on a device that
    was not commissioned, the shortest lease of its map counts.
    """
    if lease is None:
        return math.inf
    return (commissioned_s or lease.min_s) / 2.0
