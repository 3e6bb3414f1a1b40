"""The demand charges of a demo day: its part of what the month is charged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.accounting.span import demand_cost
from siteems.demo.day_record import CounterReading
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule

STEP = timedelta(minutes=5)
"""Every billing interval is a whole number of these."""


def day_demand_cost(
    samples: Sequence[Sample],
    readings: Sequence[CounterReading],
    site: Site,
    schedule: TariffSchedule,
) -> float:
    """What the demand of a recorded day would be charged if the whole month were like it, for one
    day of the month.
    """
    start, import_kw = _import_kw(samples, readings)
    if not len(import_kw):
        return 0.0
    return demand_cost(site, schedule, start, STEP, import_kw)


def _import_kw(
    samples: Sequence[Sample], readings: Sequence[CounterReading]
) -> tuple[datetime, npt.NDArray[np.float64]]:
    """The start of the first whole step, and the mean import of each step.

    It is the mean of the measured power; counters behind transformers are too coarse for minutes.
    A step without samples has what the counter moved by.
    """
    step_s = STEP.total_seconds()
    times = np.array([time.timestamp() for time, _ in readings])
    first, end = math.ceil(times[0] / step_s), math.floor(times[-1] / step_s)
    edges_s = step_s * np.arange(first, end + 1)
    moved_kwh = np.diff(np.interp(edges_s, times, [kwh for _, kwh in readings]))
    import_kw = np.maximum(0.0, moved_kwh) * 3600.0 / step_s
    known = [
        (s.time.timestamp(), kw) for s in samples if (kw := s.values.get("grid_kw")) is not None
    ]
    step_of = np.array([int(time_s // step_s) - first for time_s, _ in known], dtype=np.intp)
    power_kw = np.array([max(0.0, kw) for _, kw in known])
    inside = (step_of >= 0) & (step_of < len(import_kw))
    counts = np.bincount(step_of[inside], minlength=len(import_kw))
    sums = np.bincount(step_of[inside], power_kw[inside], minlength=len(import_kw))
    measured = counts > 0
    import_kw[measured] = sums[measured] / counts[measured]
    return datetime.fromtimestamp(first * step_s, UTC), import_kw
