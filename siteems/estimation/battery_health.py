"""The state of health that planning and control count on: the lowest of what the site file states,
what the battery reports, and what its discharges show.

A battery that is weaker than it is taken for would break the backup promise without a warning, so
of three sources the lowest counts. What is learned from discharges falls slowly and rises only
after a full test, so that a poor measurement cannot take the battery out of use, nor promise what
it does not have.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final, Literal

from siteems.estimation.discharge_spans import DischargeSpan, DischargeSpans
from siteems.site.model import Battery

Source = Literal["site-file", "battery", "discharges"]

LEAST_HEALTH: Final = 0.45
"""A site file allows nothing lower: such a battery is at its end. A report below is an error."""
REPORTS: Final = 9
"""Reports of the battery of which the median counts, so that single wrong ones do not: with a
sample a minute it is known after nine minutes.
"""
LEAST_DEPTH: Final = 0.15
"""Depth from which a discharge is used. A gauge that shows whole percents is off by one at most,
which is 7 % of this depth.
"""
DISCHARGES: Final = 5
"""Discharges of which the median counts. Their errors are independent, and five bring an error of
7 % at one to about 4 %.
"""
MARGIN: Final = 0.03
"""How far discharges must lie below what is counted on before that falls: the error of a shunt and
of the nominal voltage, 1 to 2 % each.
"""
FALL_PER_MONTH: Final = 0.10
"""Most that discharges lower it in thirty days. Batteries age by 1 to 3 % a year; a fall of a tenth
in a month is a failing cell, a faster one a wrong sensor.
"""
MONTH: Final = timedelta(days=30)
FULL_TEST_FROM, FULL_TEST_DEPTH = 0.985, 0.6
"""A discharge from full and of this depth is a capacity test. It is taken as it is."""


@dataclass(frozen=True)
class Health:
    """A state of health (share of rated capacity) and where it is from."""

    share: float
    source: Source


class BatteryHealth:
    """Learns the state of health from samples."""

    def __init__(self, battery: Battery) -> None:
        self._battery = battery
        self._reports: deque[float] = deque(maxlen=REPORTS)
        self._spans = DischargeSpans()
        self._estimates: deque[float] = deque(maxlen=DISCHARGES)
        self._learned: float | None = None
        self._month: tuple[datetime, float] | None = None
        """When the running thirty days began, and what was counted on then."""

    @property
    def learned(self) -> float | None:
        """What the discharges show; None while they do not contradict the site file."""
        return self._learned

    @property
    def counted(self) -> Health:
        """The lowest of all sources."""
        found = Health(self._battery.state_of_health, "site-file")
        if len(self._reports) == REPORTS and median(self._reports) < found.share:
            found = Health(median(self._reports), "battery")
        if self._learned is not None and self._learned < found.share:
            found = Health(self._learned, "discharges")
        return found

    def recall(self, learned: float | None) -> None:
        """Take over what had been learned from discharges before the first sample."""
        if learned is not None:
            self._learned = max(LEAST_HEALTH, learned)

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> None:
        """Take one sample: values by the names of the process image; None or absent = unknown."""
        reported = values.get("soh")
        if reported is not None and reported >= LEAST_HEALTH:
            self._reports.append(reported)
        span = self._spans.learn(time, values)
        if span is not None and span.depth >= LEAST_DEPTH:
            self._learn_span(time, span)

    def _learn_span(self, time: datetime, span: DischargeSpan) -> None:
        battery = self._battery
        stored_kwh = span.delivered_kwh / battery.discharge_efficiency
        share = max(LEAST_HEALTH, stored_kwh / span.depth / battery.rated_kwh)
        if span.start_soc >= FULL_TEST_FROM and span.depth >= FULL_TEST_DEPTH:
            self._estimates.clear()
            self._learned, self._month = share, None
            return
        self._estimates.append(share)
        before = battery.state_of_health if self._learned is None else self._learned
        if len(self._estimates) < DISCHARGES or median(self._estimates) > before - MARGIN:
            return
        if self._month is None or time - self._month[0] >= MONTH:
            self._month = time, before
        self._learned = max(median(self._estimates), self._month[1] - FALL_PER_MONTH)
