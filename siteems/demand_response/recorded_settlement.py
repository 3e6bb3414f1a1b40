"""What a recorded event pays: its baseline, what the meter shows, and the programme's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.demand_response.baseline.compute import Baseline, NoBaseline, baseline
from siteems.demand_response.baseline.days import STEP
from siteems.demand_response.baseline.recorded import (
    quarter_hours,
    recorded_days,
    recorded_facts,
)
from siteems.demand_response.baseline.rules import rule_named
from siteems.demand_response.event import DrEvent
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.programme import Programme
from siteems.demand_response.settlement import settle
from siteems.demand_response.settlement_page import Course
from siteems.demand_response.settlement_result import Settlement
from siteems.errors import UserError
from siteems.history.store import History

Array = npt.NDArray[np.float64]

QUARTER_H: Final = 0.25
SHOWN_AROUND: Final = timedelta(hours=2)
"""Before and after the event in the picture."""
EVER: Final = timedelta(days=36_500)


@dataclass(frozen=True, eq=False)
class SettledEvent:
    """A recorded event with its settlement."""

    event: DrEvent
    baseline: Baseline
    metered_kw: Array
    """Mean grid import of the quarter hours of the baseline; NaN where it is not known."""
    settlement: Settlement
    course: Course


def recorded_event(history: History, event_id: str, now: datetime) -> DrEvent:
    """The newest revision of an event. Raises `UserError` for an id that the record lacks."""
    rows = history.newest_event_rows(now - EVER)
    events = {event.id: event for event in EventLog(history).events_of(rows)}
    if event_id not in events:
        known = ", ".join(sorted(events)[-10:]) or "none"
        raise UserError(f"no event {event_id!r} is recorded; the last ones: {known}")
    return events[event_id]


def settled(
    history: History,
    event: DrEvent,
    programme: Programme,
    rule: str | None,
    bid_kw: float,
    zone: ZoneInfo,
    now: datetime,
    outage_code: str,
) -> SettledEvent:
    """Settle an event by a programme. `rule` names a baseline other than the programme's own; a
    reduction has the baseline that was fixed when it was accepted. `outage_code` is that of the
    alarm of a mains failure.

    Raises `UserError` for an event that is not over, or that has no baseline.
    """
    if event.cancelled:
        raise UserError(f"event {event.id} was cancelled")
    if event.end > now:
        raise UserError(f"event {event.id} is not over: it ends at {event.end:%Y-%m-%d %H:%M} UTC")
    base = _fixed(event) if event.kind == "reduction" and rule is None else None
    if base is None:
        name = programme.baseline if rule is None else rule
        notice = min(event.created, event.start)
        try:
            base = baseline(
                rule_named(name),
                recorded_days(history, event.start, zone),
                recorded_facts(history, event.start, zone, outage_code, but=event.id),
                event.start,
                event.end,
                notice,
            )
        except NoBaseline as error:
            raise UserError(f"event {event.id}: no baseline by {name}: {error}") from error
    end = base.start + len(base.kw) * STEP
    metered_kw = quarter_hours(history.samples(base.start - STEP, end + STEP), base.start, end)
    try:
        result = settle(programme, bid_kw, base.kw, metered_kw, QUARTER_H)
    except ValueError as error:
        raise UserError(f"event {event.id}: {error}") from error
    return SettledEvent(event, base, metered_kw, result, _course(history, event, base, end))


def _fixed(event: DrEvent) -> Baseline:
    """The baseline that an accepted reduction carries."""
    count = -(-(event.end - event.start) // STEP)
    kw = np.full(count, np.nan)
    for interval in event.intervals:
        first = (interval.start - event.start) // STEP
        last = -(-(interval.end - event.start) // STEP)
        kw[first:last] = np.nan if interval.baseline_kw is None else interval.baseline_kw
    return Baseline("fixed when the event was accepted", event.start, kw)


def _course(history: History, event: DrEvent, base: Baseline, end: datetime) -> Course:
    """Metered import around the event, for the picture."""
    start, until = base.start - SHOWN_AROUND, end + SHOWN_AROUND
    metered_kw = quarter_hours(history.samples(start, until), start, until)
    around = np.full(round(SHOWN_AROUND / STEP), np.nan)
    base_kw = np.concatenate((around, base.kw, around))
    return Course(event.start, event.end, start, STEP, base_kw, metered_kw)


def baseline_text(base: Baseline) -> str:
    """How a baseline came about, in a line."""
    text = f"baseline: {base.rule}, mean {np.nanmean(base.kw):.2f} kW"
    if base.days:
        text += f", from {', '.join(f'{day:%m-%d}' for day in base.days)}"
    if base.adjusted_kw:
        text += f", adjusted by {base.adjusted_kw:+.2f} kW{' (at its cap)' if base.capped else ''}"
    if base.excluded:
        text += "; left out: " + ", ".join(f"{day:%m-%d} ({why})" for day, why in base.excluded)
    return text
