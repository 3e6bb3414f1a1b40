"""How long control cycles take, and when the last one succeeded."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

UPPER_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper edges of the classes of durations: from a site on fast links to one whose devices are all
silent.
"""

DELAY_UPPER_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
"""Upper edges of the classes of delays: from the timer of the system to a loop that stalls."""


@dataclass
class CycleTimes:
    """Counts since the start, in seconds of real time."""

    last_s: float
    """When the last cycle succeeded, on the time that `succeeded` is called with; at first, when
    counting began.
    """
    by_class: list[int] = field(default_factory=lambda: [0] * (len(UPPER_S) + 1))
    """Cycles by class of `UPPER_S`; the last class is open."""
    total_s: float = 0.0
    late: int = 0
    """Cycles that took longer than the period of the loop."""
    failed: int = 0
    delayed_by_class: list[int] = field(default_factory=lambda: [0] * (len(DELAY_UPPER_S) + 1))
    """Cycles by class of `DELAY_UPPER_S`: how long after its time each began."""
    delay_total_s: float = 0.0

    def began(self, delay_s: float) -> None:
        """Count how long after its time a cycle begins."""
        delay_s = max(0.0, delay_s)
        self.delayed_by_class[bisect_left(DELAY_UPPER_S, delay_s)] += 1
        self.delay_total_s += delay_s

    def succeeded(self, begin_s: float, end_s: float, period_s: float) -> None:
        """Count a cycle."""
        duration_s = end_s - begin_s
        self.by_class[bisect_left(UPPER_S, duration_s)] += 1
        self.total_s += duration_s
        self.late += duration_s > period_s
        self.last_s = end_s
