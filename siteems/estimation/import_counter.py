"""The grid meter's counter of imported energy, followed live: its failures are found and repaired
by the rules that demo, bill and replay use (`siteems.recordings.counter`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from siteems.recordings.counter import (
    LONGEST_BLIP_H,
    STILL_LEAST_STEPS,
    Repair,
    counter_energy,
    is_possible,
)

HOUR = timedelta(hours=1)
COARSE_SHARE = 0.05
"""Of the connection limit: a mean power that a count of the counter may change by more is none."""
COARSEST_KWH = 10.0
"""One count of a coarse counter: one that has not moved yet stands still only beyond it."""
KEPT = timedelta(hours=LONGEST_BLIP_H) + 2 * HOUR
"""Readings that are kept: a blip may last a day, and is repaired from the reading before it."""


@dataclass(frozen=True)
class CounterEvent:
    """A counter that has begun to fail (`repaired` is false), or whose failure is repaired."""

    kind: str
    """blip, overflow, restart or still; a failure in progress may still become another one."""
    since: datetime
    reading_kwh: float
    """The reading now."""
    repaired: bool
    kwh: float = float("nan")
    """Energy that is counted for a failure that is repaired; NaN where it stays unknown."""


class ImportCounter:
    """Learns the readings of the counter, one by one."""

    def __init__(self, limit_kw: float) -> None:
        """`limit_kw` is that of the grid connection."""
        self._limit_kw = limit_kw
        self._readings: deque[tuple[datetime, float, float]] = deque()
        """Time, counter in kWh and measured import in kW (NaN = unknown), of the last day."""
        self._failing: datetime | None = None
        """Since when the counter fails."""
        self._repaired: datetime | None = None
        """The end of the last failure that was reported as repaired."""

    @property
    def fails(self) -> bool:
        """Whether its reading cannot be used now."""
        return self._failing is not None

    def learn(
        self, time: datetime, counter_kwh: float | None, grid_kw: float | None
    ) -> CounterEvent | None:
        """Take one sample, and say what has changed with it; unknown readings change nothing."""
        if counter_kwh is None or (self._readings and time <= self._readings[-1][0]):
            return None
        power_kw = float("nan") if grid_kw is None else grid_kw
        self._readings.append((time, counter_kwh, power_kw))
        while time - self._readings[0][0] > KEPT:
            self._readings.popleft()
        if self._failing is None and not self._looks_wrong():
            return None
        return self._judge()

    def mean_kw(self, since: datetime) -> float | None:
        """Mean import from a reading to the newest one; None where one of them is not sound, and
        where the counter moves in steps too coarse for the time between them.
        """
        if self._failing is not None or len(self._readings) < 2:
            return None
        first = next((each for each in self._readings if each[0] == since), None)
        hours = (self._readings[-1][0] - since) / HOUR
        if first is None or hours <= 0.0 or (self._repaired is not None and self._repaired > since):
            return None
        counter = np.array([kwh for _, kwh, _ in self._readings])
        moves = np.diff(counter)
        moved = moves[moves > 0.0]
        step_kwh = float(moved.min()) if moved.size and (moves == 0.0).any() else 0.0
        if step_kwh > COARSE_SHARE * self._limit_kw * hours:
            return None
        return (self._readings[-1][1] - first[1]) / hours

    def _looks_wrong(self) -> bool:
        """A quick look at the newest reading, so that a sound counter costs no computation."""
        if len(self._readings) < 2:
            return False
        (before, was, _), (now, reads, _) = self._readings[-2], self._readings[-1]
        if not is_possible(reads - was, (now - before) / HOUR, self._limit_kw):
            return True
        if reads != was or len(self._readings) <= STILL_LEAST_STEPS:
            return False
        return self._readings[-1 - STILL_LEAST_STEPS][1] == reads

    def _judge(self) -> CounterEvent | None:
        times, reading_kwh = [time for time, _, _ in self._readings], self._readings[-1][1]
        hours = np.array([(time - times[0]) / HOUR for time in times])
        counter = np.array([kwh for _, kwh, _ in self._readings])
        power_kw = np.array([kw for _, _, kw in self._readings])
        repairs = counter_energy(hours, counter, self._limit_kw, power_kw).repairs
        if counter[0] == counter[-1] and not (np.diff(counter) > 0.0).any():
            repairs = tuple(each for each in repairs if each.kwh > COARSEST_KWH)
        failing = next((each for each in repairs if self._is_open(each, hours)), None)
        if failing is not None:
            if self._failing is not None:
                return None
            self._failing = times[failing.first]
            return CounterEvent(failing.kind, self._failing, reading_kwh, repaired=False)
        since, self._failing = self._failing, None
        done = repairs[-1] if repairs else None
        if done is None or (self._repaired is not None and times[done.last] <= self._repaired):
            return None
        self._repaired = times[done.last]
        begin = since or times[done.first]
        return CounterEvent(done.kind, begin, reading_kwh, repaired=True, kwh=done.kwh)

    @staticmethod
    def _is_open(repair: Repair, hours: np.ndarray) -> bool:
        """Whether it is not over: a counter that stands still now, and one that reads another value
        and may yet come back.
        """
        if repair.kind == "still":
            return repair.last == hours.size - 1
        return repair.kind == "restart" and hours[-1] - hours[repair.first] <= LONGEST_BLIP_H
