"""Baselines from the site's own record: grid import as it was sampled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.demand_response.baseline.days import STEP, DayFacts, MeteredDays, metered_days
from siteems.demand_response.event_log import EventLog
from siteems.history.records import Sample
from siteems.history.store import History

Array = npt.NDArray[np.float64]

BACK: Final = timedelta(days=40)
"""Of samples that are read: twice the days that the longest rule needs, with weekends."""
LONGEST_GAP_S: Final = 960.0
"""Between two samples. `recording.sample_s` may be a quarter of an hour."""
LEAST_COVERED: Final = 0.99
"""Of a quarter hour, for its mean to be known."""


def quarter_hours(samples: Sequence[Sample], start: datetime, end: datetime) -> Array:
    """Mean grid import in kW of the quarter hours from `start` until `end`; NaN where samples are
    missing. A sample holds until the next one, the last one as long as the one before; export
    counts as 0.
    """
    known = [
        (sample.time.timestamp(), max(0.0, grid_kw))
        for sample in samples
        if (grid_kw := sample.values.get("grid_kw")) is not None
    ]
    count = round((end - start) / STEP)
    if len(known) < 2:
        return np.full(count, np.nan)
    times_s, kw = (np.array(column) for column in zip(*known, strict=True))
    holds_s = np.diff(times_s)
    holds_s = np.append(holds_s, holds_s[-1])
    holds_s = np.where(holds_s > LONGEST_GAP_S, 0.0, holds_s)
    ends_s = times_s + holds_s
    # Energy and covered time until each moment, as lines between the ends of what samples hold.
    moments_s = np.column_stack((times_s, ends_s)).ravel()
    energy = np.concatenate(([0.0], np.cumsum(kw * holds_s)))
    covered = np.concatenate(([0.0], np.cumsum(holds_s)))
    lines = [np.column_stack((each[:-1], each[1:])).ravel() for each in (energy, covered)]
    edges_s = start.timestamp() + STEP.total_seconds() * np.arange(count + 1)
    energy_kws, covered_s = (np.diff(np.interp(edges_s, moments_s, line)) for line in lines)
    enough = covered_s >= LEAST_COVERED * STEP.total_seconds()
    return np.where(enough, energy_kws / np.maximum(covered_s, 1.0), np.nan)


def recorded_days(history: History, until: datetime, zone: ZoneInfo) -> MeteredDays:
    """The metered days before a time, and of its own day what is over. Raises `RecordError`."""
    day = (until - BACK).astimezone(zone).date()
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    end = start + (until - start) // STEP * STEP
    samples = history.samples(start, end)
    return metered_days(start, STEP, quarter_hours(samples, start, end), zone)


def recorded_facts(
    history: History, until: datetime, zone: ZoneInfo, outage_code: str, *, but: str | None = None
) -> DayFacts:
    """Days with other events than `but`, and days with a mains failure, by the code of its alarm.
    Raises `RecordError`.
    """
    events: set[date] = set()
    for event in EventLog(history).events_of(history.newest_event_rows(until - BACK)):
        if event.cancelled or event.test or event.id == but or event.start >= until:
            continue
        local = event.start.astimezone(zone).date()
        while local <= event.end.astimezone(zone).date():
            events.add(local)
            local += timedelta(days=1)
    alarms = history.alarms(until - BACK, until)
    outages = {a.time.astimezone(zone).date() for a in alarms if a.code == outage_code}
    return DayFacts(events=frozenset(events), outages=frozenset(outages))
