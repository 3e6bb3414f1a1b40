"""Reports to the VTN: what it asks for with an event, from the site's recorded samples.

| payload type | value of an interval | units |
|---|---|---|
| USAGE | grid import | KWH |
| DEMAND | mean grid import | KW |
| SETPOINT | mean battery power that was asked for, + charging | KW |
| STORAGE_CHARGE_LEVEL | state of charge at the end | PERCENT |
| BASELINE | mean grid import without the event, where it is a reduction | KW |
| OPERATING_STATE | NORMAL, or ERROR for an interval without control | |
| UP_REGULATION_AVAILABLE | less import than planned that can be given for an hour from now | KW |
| DOWN_REGULATION_AVAILABLE | more import than planned, likewise | KW |

A report is due when its last interval has ended. It is computed from the record when it is sent,
so that a report that was due while the VTN was away is sent when the VTN is back. What can be given
is not recorded: an interval that ended longer ago than `PRESENT` has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from siteems.demand_response.event import DrEvent, Interval
from siteems.demand_response.openadr3.times import duration_text, time_text
from siteems.demand_response.openadr3.wire import (
    IntervalPeriod,
    ReportDescriptor,
    ReportPayloadDescriptor,
    ReportRequest,
    ReportResource,
    Value,
    ValuesMap,
    WireInterval,
)
from siteems.history.records import Sample

UNITS: Final[Mapping[str, str | None]] = {
    "USAGE": "KWH",
    "DEMAND": "KW",
    "SETPOINT": "KW",
    "STORAGE_CHARGE_LEVEL": "PERCENT",
    "BASELINE": "KW",
    "OPERATING_STATE": None,
    "UP_REGULATION_AVAILABLE": "KW",
    "DOWN_REGULATION_AVAILABLE": "KW",
}
AVAILABLE: Final[Mapping[str, str]] = {
    "UP_REGULATION_AVAILABLE": "reduction_kw",
    "DOWN_REGULATION_AVAILABLE": "increase_kw",
}
"""For the grid, less consumption is a regulation upwards."""
PRESENT: Final = timedelta(minutes=5)
LONGEST_GAP: Final = timedelta(minutes=16)
"""Between two samples, beyond which an interval's mean is not known. `recording.sample_s` may be a
quarter of an hour.
"""
HOUR: Final = timedelta(hours=1)

Samples = Callable[[datetime, datetime], Sequence[Sample]]
"""The recorded samples of a span, oldest first."""
Available = Callable[[], Mapping[str, float | None]]
"""What can be given from now: `reduction_kw` and `increase_kw`, where they are known."""


@dataclass(frozen=True)
class DueReport:
    """A report that the VTN has asked for and whose intervals have ended."""

    event: DrEvent
    descriptor: ReportDescriptor
    number: int
    """Of the reports of this descriptor, from 0."""
    intervals: tuple[Interval, ...]

    @property
    def key(self) -> str:
        """By which it is known that it was sent."""
        return f"{self.event.id}/{self.descriptor.payloadType}/{self.number}"


def due_reports(
    event: DrEvent, descriptors: Iterable[ReportDescriptor], now: datetime
) -> Iterator[DueReport]:
    """The reports of an event that are due, sent or not.

    One covers `frequency` intervals, or all of them; those that no longer fill one whole report at
    the end of the event make a shorter one.
    """
    for descriptor in descriptors:
        if descriptor.payloadType not in UNITS:
            continue
        count = descriptor.frequency if descriptor.frequency > 0 else descriptor.numIntervals
        count = count if count > 0 else len(event.intervals)
        for number, first in enumerate(range(0, len(event.intervals), count)):
            covered = event.intervals[first : first + count]
            if covered[-1].end <= now:
                yield DueReport(event, descriptor, number, covered)


def report_request(
    due: DueReport,
    wire_event: str,
    ven_name: str,
    samples: Samples,
    now: datetime,
    available: Available = lambda: {},
) -> ReportRequest:
    """The report; an interval whose value is not known has no values."""
    kind = due.descriptor.payloadType
    intervals = []
    for number, interval in enumerate(due.intervals):
        value: Value | None = None
        if kind not in AVAILABLE:
            value = _value(kind, interval, samples(interval.start, interval.end))
        elif now - interval.end <= PRESENT:
            value = _rounded(available().get(AVAILABLE[kind]))
        values = () if value is None else (value,)
        intervals.append(
            WireInterval(
                id=number,
                intervalPeriod=IntervalPeriod(
                    start=time_text(interval.start),
                    duration=duration_text(interval.end - interval.start),
                ),
                payloads=(ValuesMap(type=kind, values=values),),
            )
        )
    return ReportRequest(
        eventID=wire_event,
        clientName=ven_name,
        reportName=f"{ven_name}-{kind}-{due.number}"[:256],
        payloadDescriptors=(
            ReportPayloadDescriptor(payloadType=kind, readingType="DIRECT_READ", units=UNITS[kind]),
        ),
        resources=(ReportResource(resourceName=ven_name, intervals=tuple(intervals)),),
    )


def _value(kind: str, interval: Interval, samples: Sequence[Sample]) -> Value | None:
    length_h = (interval.end - interval.start) / HOUR
    match kind:
        case "USAGE":
            mean_kw = mean_of("grid_kw", interval, samples, least=0.0)
            return None if mean_kw is None else round(mean_kw * length_h, 4)
        case "DEMAND":
            return _rounded(mean_of("grid_kw", interval, samples, least=0.0))
        case "SETPOINT":
            return _rounded(mean_of("target_kw", interval, samples))
        case "STORAGE_CHARGE_LEVEL":
            soc = samples[-1].values.get("soc") if samples else None
            return None if soc is None else round(100.0 * min(1.0, soc), 2)
        case "BASELINE":
            return _rounded(interval.baseline_kw)
    if not samples:
        return None
    return "ERROR" if any(sample.source == "release" for sample in samples) else "NORMAL"


def mean_of(
    column: str, interval: Interval, samples: Sequence[Sample], least: float = -math.inf
) -> float | None:
    """The mean of a column over an interval, each value holding until the next; None where a gap
    is too long. Values below `least` count as `least`: export is no negative import.
    """
    known = [(s.time, s.values[column]) for s in samples if s.values.get(column) is not None]
    times = [interval.start, *(time for time, _ in known), interval.end]
    if not known or max(b - a for a, b in pairwise(times)) > LONGEST_GAP:
        return None
    ends = [*(time for time, _ in known[1:]), interval.end]
    starts = [interval.start, *(time for time, _ in known[1:])]
    total = sum(
        max(least, value or 0.0) * ((end - start) / HOUR)
        for start, end, (_, value) in zip(starts, ends, known, strict=True)
    )
    return total / ((interval.end - interval.start) / HOUR)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
