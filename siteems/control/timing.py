"""Periods of the control loop. On an accelerated clock no machine can run a cycle in each second of
the site's time, so cycle and lease are stretched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from siteems.site.model import Control

REAL_CYCLE_S = 0.025
"""Shortest real period of a cycle: reading and writing the devices takes most of it."""
REAL_LEASE_S = 1.5
"""Shortest real lease, 60 of the shortest cycles: devices do not fall back when a busy machine runs
late.
"""
REAL_MAX_AGE_S = 0.5
"""Shortest real age at which a measurement becomes unknown, 20 of the shortest cycles."""
LONGEST_LEASE_S = 3600.0
"""Device maps allow no longer time-out than this."""


@dataclass(frozen=True)
class Timing:
    """Times in seconds of the site's clock."""

    cycle_s: float
    lease_s: float
    max_age: timedelta
    """A measurement older than this is unknown; always more than three cycles."""
    lead_cycles: int = 2
    """A DR cap is applied so many cycles before its event, so that the import is down when it
    begins: one until the next decision, one more for the devices to follow.
    """

    @property
    def lead(self) -> timedelta:
        """How long before its event a DR cap is applied."""
        return self.lead_cycles * timedelta(seconds=self.cycle_s)

    @classmethod
    def at_speed(cls, control: Control, speed: float) -> Timing:
        """The site's own times at speed 1; at higher speeds at least what the machine can do."""
        cycle_s = max(control.cycle_s, speed * REAL_CYCLE_S)
        return cls(
            cycle_s=cycle_s,
            lease_s=min(LONGEST_LEASE_S, max(control.lease_s, speed * REAL_LEASE_S)),
            max_age=timedelta(seconds=max(5.0, 3.5 * cycle_s, speed * REAL_MAX_AGE_S)),
        )
