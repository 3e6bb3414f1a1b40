"""Whether the import cap of a DR event was held, from the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from siteems.demand_response.event import DrEvent
from siteems.demand_response.timeline import tightest_cap_kw
from siteems.demo.day_record import (
    HOUR,
    LONGEST_GAP,
    CounterReading,
    counter_readings,
    energy_kwh,
    repaired_readings,
)
from siteems.history.records import Sample
from siteems.site.model import Site

CAP_TOLERANCE = 0.01
"""Of the cap; a billing meter of class 1 may be off by as much."""
SETTLEMENT_INTERVAL = timedelta(minutes=15)
"""DR events are settled on quarter-hour means of the meter."""


@dataclass(frozen=True)
class ImportCapCheck:
    """Whether the cap was held in every settlement interval."""

    held: bool
    limit_kw: float
    mean_kw: float
    highest_quarter_kw: float
    uncontrolled_mean_kw: float
    """Of the same day without control."""


def check_import_cap(
    samples: Sequence[Sample], uncontrolled: Sequence[Sample], event: DrEvent, site: Site
) -> ImportCapCheck:
    """Check the quarter-hour means of grid import in the event, by the meter's counter,
    repaired where it fails.

    Only readings within the event count: what the site drew between its end and the next reading is
    not part of it. A counter behind current transformers moves in coarse steps; where an excess is
    less than one of them, the mean of the measured power decides. Raises `ValueError` where the
    record does not cover the event.
    """
    readings = _readings_within(repaired_readings(samples, site)[0], event)
    idle = _readings_within(repaired_readings(uncontrolled, site)[0], event)
    allowed_kw = tightest_cap_kw(event) * (1.0 + CAP_TOLERANCE)
    step_kwh = _counter_step_kwh(_readings_within(counter_readings(samples), event))
    highest_kw = 0.0
    for first, last in _settlement_spans(readings, event):
        mean_kw = _mean_kw(first, last)
        if allowed_kw < mean_kw <= allowed_kw + step_kwh / _hours(first, last):
            power_kw = _mean_power_kw(samples, first[0], last[0])
            mean_kw = mean_kw if power_kw is None else power_kw
        highest_kw = max(highest_kw, mean_kw)
    return ImportCapCheck(
        held=highest_kw <= allowed_kw,
        limit_kw=tightest_cap_kw(event),
        mean_kw=_mean_kw(readings[0], readings[-1]),
        highest_quarter_kw=highest_kw,
        uncontrolled_mean_kw=_mean_kw(idle[0], idle[-1]),
    )


def _readings_within(readings: Sequence[CounterReading], event: DrEvent) -> list[CounterReading]:
    """The counter readings in an event. Raises `ValueError` where they have a long gap."""
    within = [each for each in readings if event.start <= each[0] <= event.end]
    times = [event.start, *(time for time, _ in within), event.end]
    if len(within) < 2 or max(b - a for a, b in pairwise(times)) > LONGEST_GAP:
        raise ValueError(f"the record does not cover {event.start} to {event.end}")
    return within


def _settlement_spans(
    readings: Sequence[CounterReading], event: DrEvent
) -> list[tuple[CounterReading, CounterReading]]:
    """First and last reading of each settlement interval, from the first reading in it to the first
    in the next.
    """
    final = len(readings) - 1
    borders = []
    edge = event.start
    while edge < event.end:
        later = (i for i, (time, _) in enumerate(readings) if time >= edge)
        borders.append(next(later, final))
        edge += SETTLEMENT_INTERVAL
    borders.append(final)
    return [(readings[a], readings[b]) for a, b in pairwise(borders) if a < b]


def _counter_step_kwh(readings: Sequence[CounterReading]) -> float:
    """The step of a counter that sometimes stands still between readings; 0 of one that moves with
    every reading.
    """
    moves = [b - a for (_, a), (_, b) in pairwise(readings)]
    return min((move for move in moves if move > 0.0), default=0.0) if 0.0 in moves else 0.0


def _hours(first: CounterReading, last: CounterReading) -> float:
    return (last[0] - first[0]) / HOUR


def _mean_kw(first: CounterReading, last: CounterReading) -> float:
    return (last[1] - first[1]) / _hours(first, last)


def _mean_power_kw(samples: Sequence[Sample], begin: datetime, end: datetime) -> float | None:
    """Mean of the measured import power; None where one sample is unknown."""
    span = [sample for sample in samples if begin <= sample.time <= end]
    if any(sample.values.get("grid_kw") is None for sample in span):
        return None
    return energy_kwh(span, "grid_kw", lambda kw: max(0.0, kw)) / ((end - begin) / HOUR)
