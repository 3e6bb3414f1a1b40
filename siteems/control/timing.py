"""How fast the loops turn. No machine can poll every second of an accelerated clock: cycle and
lease stretch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from siteems.site.model import Control

REAL_CYCLE_S = 0.025
REAL_LEASE_S = 1.5
REAL_MAX_AGE_S = 0.5
LONGEST_LEASE_S = 3600.0


@dataclass(frozen=True)
class Timing:
    """Times in seconds of the site's clock."""

    cycle_s: float
    lease_s: float
    max_age: timedelta
    """A measurement older than this is unknown; always more than three cycles."""

    @classmethod
    def at_speed(cls, control: Control, speed: float) -> Timing:
        """The site's own times at speed 1; at higher speeds at least what the machine can do."""
        cycle_s = max(control.cycle_s, speed * REAL_CYCLE_S)
        return cls(
            cycle_s=cycle_s,
            lease_s=min(LONGEST_LEASE_S, max(control.lease_s, speed * REAL_LEASE_S)),
            max_age=timedelta(seconds=max(5.0, 3.5 * cycle_s, speed * REAL_MAX_AGE_S)),
        )
