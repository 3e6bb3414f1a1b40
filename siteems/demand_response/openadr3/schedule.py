"""When the intervals of an event are: inherited periods, repetitions, the random start."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from random import Random

from siteems.demand_response.event import MOST_INTERVALS
from siteems.demand_response.listing import EventRefused
from siteems.demand_response.openadr3.times import parse_duration, parse_time
from siteems.demand_response.openadr3.wire import IntervalPeriod, WireEvent
from siteems.history.valid_rows import EARLIEST, LATEST

LONGEST = timedelta(days=20 * 366)
"""Of any duration. The base data of a programme may span years; what an event may last at a site is
its own limit.
"""


def spans(event: WireEvent, ven_name: str) -> list[tuple[datetime, datetime, int]]:
    """Start, end and index of each interval, in time. Intervals follow each other unless they have
    a start of their own; where the event lasts longer than they do, they are repeated.
    """
    intervals = event.intervals or ()
    if not intervals:
        return []
    outer = event.intervalPeriod or IntervalPeriod()
    limit = None if event.duration is None else _duration(event, event.duration)
    begin = at = _start(event, outer)
    end_of_all = None if limit is None else begin + limit
    spans: list[tuple[datetime, datetime, int]] = []
    while True:
        before = at
        for index, interval in enumerate(intervals):
            own = interval.intervalPeriod or IntervalPeriod()
            start = at if own.start is None else _start(event, own)
            if not EARLIEST <= start < LATEST:
                raise EventRefused(f"event {event.id}: an interval in the year {start.year}")
            text = own.duration or outer.duration
            length = limit if text is None else _duration(event, text)
            if length is None:
                raise EventRefused(f"event {event.id}: an interval without an end")
            end = start + length
            if end <= start:
                raise EventRefused(f"event {event.id}: an interval of no length")
            at = end if end_of_all is None else min(end, end_of_all)
            if at > start:
                spans.append((start, at, index))
            if len(spans) > MOST_INTERVALS:
                count = f"more than {MOST_INTERVALS} intervals"
                raise EventRefused(f"event {event.id}: {count} when they are repeated")
        if end_of_all is None or at >= end_of_all or at <= before:
            break
    offset = _random_offset(event, outer, ven_name)
    return sorted((start + offset, end + offset, index) for start, end, index in spans)


def _start(event: WireEvent, period: IntervalPeriod) -> datetime:
    """The start that a period states. "Now" is when the event was modified, so that it stays the
    same from one poll to the next.
    """
    stated = None if period.start is None else _time(event, "start", period.start)
    return stated or modified(event)


def _random_offset(event: WireEvent, period: IntervalPeriod, ven_name: str) -> timedelta:
    """Between 0 and `randomizeStart`, always the same for this event and VEN, and spread evenly
    over the VENs: the grid operator does not want a thousand sites to start in the same second.
    """
    if period.randomizeStart is None:
        return timedelta(0)
    most = _duration(event, period.randomizeStart)
    if most is None:
        raise EventRefused(f"event {event.id}: randomizeStart without an end")
    share = Random(f"{ven_name}/{event.id}").random()
    return timedelta(seconds=math.floor(share * most.total_seconds()))


def modified(event: WireEvent) -> datetime:
    """When the event was modified last. Raises `EventRefused`."""
    time = _time(event, "modificationDateTime", event.modificationDateTime)
    if time is None:
        raise EventRefused(f"event {event.id}: modificationDateTime means now")
    if not EARLIEST <= time < LATEST:
        raise EventRefused(f"event {event.id}: modified in the year {time.year}")
    return time


def _time(event: WireEvent, name: str, text: str) -> datetime | None:
    try:
        return parse_time(text)
    except ValueError as error:
        raise EventRefused(f"event {event.id}: {name}: {error}") from error


def _duration(event: WireEvent, text: str) -> timedelta | None:
    try:
        duration = parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise EventRefused(f"event {event.id}: {error}") from error
    if duration is not None and duration > LONGEST:
        raise EventRefused(f"event {event.id}: a duration of {duration.days} days")
    return duration
