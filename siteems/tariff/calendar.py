"""A tariff's calendar: which version, which hours and which price hold on a local day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from siteems.site import Calendar, TariffVersion

DAY_MIN = 24 * 60
HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Slot(NamedTuple):
    """One stretch of a day, in minutes after local midnight, the end not included."""

    start_min: int
    end_min: int
    period: str


def parse_hours(text: str) -> tuple[int, int]:
    """Minutes after midnight of `"16:00-23:00"`; ValueError with a sentence if it is none."""
    match = HOURS.fullmatch(text)
    if match is None:
        raise ValueError('not hours of a day; write them as "16:00-23:00"')
    start_h, start_m, end_h, end_m = map(int, match.groups())
    start, end = start_h * 60 + start_m, end_h * 60 + end_m
    if end > DAY_MIN or start >= DAY_MIN:
        raise ValueError("beyond the end of the day; the last hour ends at 24:00")
    if end <= start:
        raise ValueError('ends before it starts; split hours over midnight, as in "23:00-24:00" and "00:00-07:00"')
    return start, end


def clock(minute: int) -> str:
    """`"16:00"` for 960."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def slots(calendar: Calendar) -> tuple[Slot, ...]:
    """The slots of a day in order of time."""
    return tuple(
        sorted(Slot(*parse_hours(hours), period) for period, listed in calendar.periods.items() for hours in listed)
    )


def version_on(tariffs: Sequence[TariffVersion], day: date) -> TariffVersion | None:
    """The version that holds on a day, none if there is none."""
    for version in tariffs:
        if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
            return version
    return None


def calendar_on(version: TariffVersion, day: date) -> Calendar:
    """The calendar of a day: a listed day comes before the months. `check.py` has seen that every month has one."""
    listed = (calendar for calendar in version.calendars if day in calendar.days)
    monthly = (calendar for calendar in version.calendars if day.month in calendar.months)
    return next(listed, None) or next(monthly)


def price_of(version: TariffVersion, period: str) -> float | None:
    """Price per kWh of a period: listed outright, or floating x ratio + fixed; none if the version has none."""
    if period in version.prices:
        return version.prices[period]
    if period in version.ratios and version.floating_per_kwh is not None:
        return version.floating_per_kwh * version.ratios[period] + version.fixed_per_kwh
    return None
