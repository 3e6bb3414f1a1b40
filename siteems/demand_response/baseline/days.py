"""Metered days: interval data of one meter by local day, and which of them a baseline may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEP: Final = timedelta(minutes=15)
STEPS: Final = 96
"""Of a day, by the wall clock. On a day with 23 hours the hour that is skipped is unknown; of an
hour that occurs twice, the mean of both counts.
"""

Exclusion = Literal["event", "holiday", "other-kind", "outage", "missing-data", "other-tariff"]
"""Why a day is not eligible."""


@dataclass(frozen=True)
class DayFacts:
    """What is known of days, beside the meter. A day counts by its local date."""

    holidays: frozenset[date] = frozenset()
    events: frozenset[date] = frozenset()
    """Days with another event of any programme."""
    outages: frozenset[date] = frozenset()
    """Days on which the mains failed, or the site was not controlled as usual."""
    tariff_of: Mapping[date, str] = field(default_factory=dict)
    """Name of the tariff calendar by day; days with another one than the event's are left out."""


@dataclass(frozen=True, eq=False)
class MeteredDays:
    """Mean import in kW by local day and quarter hour of the wall clock, shape (96,) each; NaN
    where it is not known.
    """

    kw: Mapping[date, Array]
    zone: ZoneInfo

    def at(self, when: datetime) -> float:
        """The mean import of the quarter hour that begins at a time."""
        local = when.astimezone(self.zone)
        day = self.kw.get(local.date())
        return float("nan") if day is None else float(day[step_of(local.time())])

    def between(self, start: datetime, end: datetime) -> Array:
        """The quarter hours from `start` until `end`, which both are at quarter hours."""
        count = round((end - start) / STEP)
        return np.array([self.at(start + n * STEP) for n in range(count)])


def step_of(local: time) -> int:
    """The quarter hour of the day."""
    return (local.hour * 60 + local.minute) // 15


def metered_days(start: datetime, step: timedelta, import_kw: Array, zone: ZoneInfo) -> MeteredDays:
    """By local day, from mean powers over equal steps from an aware `start`, shape (n,).

    Steps are 1 to 60 minutes and fit a quarter hour, or are multiples of it; a longer step counts
    evenly to its quarter hours. Raises ValueError for other steps.
    """
    per_step, rest = divmod(STEP, step)
    if rest and step % STEP:
        raise ValueError(f"steps of {step} fit no quarter hour")
    values = import_kw
    if step > STEP:
        values = np.repeat(import_kw, step // STEP)
    sums: dict[date, Array] = {}
    counts: dict[date, Array] = {}
    length = min(step, STEP)
    for number, value in enumerate(values.tolist()):
        local = (start + number * length).astimezone(zone)
        day = local.date()
        if day not in sums:
            sums[day], counts[day] = np.zeros(STEPS), np.zeros(STEPS)
        index = step_of(local.time())
        sums[day][index] += value
        counts[day][index] += 1
    least = max(1, per_step)
    return MeteredDays(
        {
            day: np.where(counts[day] >= least, total / np.maximum(1.0, counts[day]), np.nan)
            for day, total in sums.items()
        },
        zone,
    )


def exclusion_of(
    day: date, event_day: date, days: MeteredDays, facts: DayFacts, steps: Iterable[int]
) -> Exclusion | None:
    """Why a day is not eligible for the baseline of an event; None for one that is. `steps` are the
    quarter hours that must be known.
    """
    if day in facts.events:
        return "event"
    if day in facts.outages:
        return "outage"
    if (day in facts.holidays) != (event_day in facts.holidays):
        return "holiday"
    if (day.weekday() >= 5) != (event_day.weekday() >= 5):
        return "other-kind"
    if facts.tariff_of.get(day) != facts.tariff_of.get(event_day):
        return "other-tariff"
    values = days.kw.get(day)
    if values is None or np.isnan(values[list(steps)]).any():
        return "missing-data"
    return None
