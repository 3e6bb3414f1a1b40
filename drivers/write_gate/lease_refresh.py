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
NEARLY: Final = 1e-6
SHOWN_WITHIN_S: Final = 3.0
"""Some devices show a value only seconds after they took it; until then it is read again, and
neither judged nor written again.
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

    unshown_since_s: float | None = None
    """Since when the device confirms values that it does not show; None = nothing is awaited."""
    recent: tuple[tuple[float, float], ...] = ()
    """When the values of the last seconds were sent, and these: a late device shows one of them."""
    seen: float | None = None
    """Value that was read back last, before the one awaited."""
    own_step: float | None = None
    """The device's own step, coarser than its register, as learnt from what it reads back."""
    may_step: tuple[float, float] | None = None
    """A value that was read back and would be a multiple of a step of the device's own, and that
    step: the first evidence.
    """
    waited_for: float | None = None
    """The value of a release for which it was waited in vain."""

    def sending(self, value: float, now_s: float) -> None:
        """Note that a value is about to be sent.

        It is not held until it was read back, so that a write that is cut short is tried again.
        """
        self.value, self.held, self.tried_s = value, False, now_s
        self.retry.rest(now_s, 0.0)
        kept = [each for each in self.recent if 0.0 <= now_s - each[0] <= SHOWN_WITHIN_S]
        self.recent = (*kept, (now_s, value))

    def awaited(self, now_s: float) -> bool:
        """Whether the device may still come to show the value that it confirmed."""
        since_s = self.unshown_since_s
        return since_s is not None and 0.0 <= now_s - since_s < SHOWN_WITHIN_S

    def not_shown(self, now_s: float, *, late: bool) -> bool:
        """Note that the value sent last is not shown yet; whether it may still be.

        `late` says that one of the recent values is shown: the device follows, only later.
        """
        if self.unshown_since_s is None or late:
            self.unshown_since_s = now_s
        return self.awaited(now_s)

    def taken(self) -> None:
        """Note that the value sent last was read back."""
        self.held, self.unshown_since_s, self.waited_for = True, None, None
        self.seen = self.value
        self.retry.succeeded()

    def shown(self, value: float, step: float | None) -> None:
        """Note a value that was read back in place of the one sent, and the step that it suggests.

        Two different values on a step are taken as the device's own step. A value that is on none,
        or that is shown although a value on the step was sent, ends it.
        """
        self.seen = value
        if step is None or self.own_step is not None:
            self.own_step, self.may_step = None, None
        elif self.may_step is None or self.may_step[0] == value:
            self.may_step = (value, step)
        else:
            coarse, fine = max(step, self.may_step[1]), min(step, self.may_step[1])
            on_both = all(
                abs(each / coarse - round(each / coarse)) < NEARLY
                for each in (value, self.may_step[0])
            )
            self.own_step, self.may_step = coarse if on_both else fine, None

    def not_taken(self, now_s: float | None = None) -> None:
        """Note that the value sent last failed, or was judged now to be another one."""
        self.unshown_since_s = None
        self.retry.failed(self.tried_s if now_s is None else now_s)

    def kept_back(self, value: float, now_s: float) -> None:
        """Note that the gate sends nothing at all now."""
        self.value, self.held, self.tried_s = value, False, now_s
        self.retry.rest(now_s, REFUSED_PAUSE_S)

    def is_due(self, now_s: float, refresh_s: float) -> bool:
        """Whether the unchanged value is to be sent again: a refresh, or a retry after a pause.

        A clock that was set back makes it due, because nothing is known then of the device's timer.
        """
        if self.awaited(now_s):
            return False
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
