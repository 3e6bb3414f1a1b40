"""The replay window: the span that is replayed, in intervals of a quarter hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

INTERVAL = timedelta(minutes=15)
"""Plans, prices and results have this step."""
INTERVAL_H = INTERVAL / timedelta(hours=1)
ALL_MAINS = 1.0 - 1e-6
"""Share of an interval with mains from which they were there all the time, but for rounding."""
INTERVALS_PER_DAY = timedelta(days=1) // INTERVAL


@dataclass(frozen=True)
class ReplayWindow:
    """`count` intervals from `start`."""

    start: datetime
    count: int

    @property
    def end(self) -> datetime:
        """The end of the last interval."""
        return self.start_of(self.count)

    @property
    def days(self) -> float:
        """Its length."""
        return self.count * INTERVAL / timedelta(days=1)

    def start_of(self, index: int) -> datetime:
        """When an interval begins, counted from 0."""
        return self.start + index * INTERVAL

    def starts(self) -> list[datetime]:
        """When each interval begins."""
        return [self.start_of(index) for index in range(self.count)]
