"""Whether another master speaks on a line, from how many foreign frames its link has counted."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from siteems.clock import Clock
from siteems.history.records import AlarmRecord
from siteems.operations.alarm_catalogue import ANOTHER_MASTER, NO_OTHER_MASTER
from siteems.operations.alarm_condition import Condition

FEW: Final = 3
"""Foreign frames within `WITHIN` that may still be chance: noise has a sound checksum now and then,
and an answer may come later than any that the link still remembers.
"""
WITHIN: Final = timedelta(minutes=1)
OVER: Final = timedelta(minutes=10)
"""Without any for so long the other master counts as gone: some ask only every five minutes."""


@dataclass
class _Line:
    counts: deque[tuple[datetime, int]] = field(default_factory=deque)
    """Foreign frames counted so far, at each look within the last minute."""
    condition: Condition = field(default_factory=lambda: Condition(timedelta(0), OVER))


class OtherMasters:
    """By name of the link."""

    def __init__(self, clock: Clock, report: Callable[[AlarmRecord], object]) -> None:
        self._clock, self._report = clock, report
        self._lines: dict[str, _Line] = defaultdict(_Line)

    def update(self, foreign: Mapping[str, int]) -> None:
        """Look at the counts of all links, and report what changed."""
        steady = self._clock.steady()
        for name, count in foreign.items():
            line = self._lines[name]
            while line.counts and steady - line.counts[0][0] > WITHIN:
                line.counts.popleft()
            before = line.counts[0][1] if line.counts else count
            few = FEW if not line.condition.active else 0
            line.counts.append((steady, count))
            change = line.condition.update(count - before > few, steady)
            if change is not None:
                alarm = ANOTHER_MASTER if change == "raised" else NO_OTHER_MASTER
                self._report(alarm.at(self._clock.now(), link=name))
