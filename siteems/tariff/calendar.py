"""A tariff's calendar: which version, which hours and which price hold on a local day."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from siteems.tariff.records import Calendar, DayType, SpecialDays, TariffVersion

DAY_MIN = 24 * 60
HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Slot(NamedTuple):
    """One stretch of a day, in minutes after local midnight, the end not included."""

    start_min: int
    end_min: int
    period: str


class DayRules(NamedTuple):
    """What decides the hours of one day: a calendar, and the special days that change some of its
    hours.
    """

    calendar: Calendar
    special: tuple[SpecialDays, ...]


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
        raise ValueError(
            'ends before it starts; split hours over midnight, as in "23:00-24:00" and "00:00-07:00"'
        )
    return start, end


def clock(minute: int) -> str:
    """`"16:00"` for 960."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def slots(periods: Mapping[str, Sequence[str]]) -> tuple[Slot, ...]:
    """The slots of some periods in order of time."""
    return tuple(
        sorted(
            Slot(*parse_hours(hours), period)
            for period, listed in periods.items()
            for hours in listed
        )
    )


def version_on(tariffs: Sequence[TariffVersion], day: date) -> TariffVersion | None:
    """The version that holds on a day, none if there is none."""
    for version in tariffs:
        if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
            return version
    return None


def day_type(version: TariffVersion, day: date) -> DayType:
    """What a day counts as: a listed holiday before its weekday, a worked weekend as a workday."""
    if any(day in listed for listed in version.holidays.values()):
        return "holiday"
    if day.weekday() < 5 or day in version.workdays:
        return "workday"
    return "saturday" if day.weekday() == 5 else "sunday"


def in_season(months: Sequence[int], dates: Sequence[str], month: int, day: int) -> bool:
    """Whether a day of the year is in some months or parts of the year."""
    if month in months:
        return True
    for span in dates:
        first, last = (tuple(map(int, end.split("-"))) for end in span.split("/"))
        here = (month, day)
        if first <= here <= last if first <= last else here >= first or here <= last:
            return True
    return False


def holds(calendar: Calendar, month: int, day: int, kind: DayType) -> bool:
    """Whether a calendar holds on such a day by season and type; the days that it lists are another
    matter.
    """
    if calendar.day_types and kind not in calendar.day_types:
        return False
    if calendar.months or calendar.dates:
        return in_season(calendar.months, calendar.dates, month, day)
    return bool(calendar.day_types)


def rules_on(version: TariffVersion, day: date) -> DayRules:
    """What decides the hours of a day. `check.py` has seen that every day has one calendar."""
    kind = day_type(version, day)
    listed = (calendar for calendar in version.calendars if day in calendar.days)
    usual = (
        calendar for calendar in version.calendars if holds(calendar, day.month, day.day, kind)
    )
    special = tuple(each for each in version.special_days if _is_special(each, version, day, kind))
    return DayRules(next(listed, None) or next(usual), special)


def slots_on(rules: DayRules) -> tuple[Slot, ...]:
    """The hours of a day: its calendar's, with those of special days painted over."""
    painted = slots(rules.calendar.periods)
    for special in rules.special:
        for top in slots(special.periods):
            painted = _painted(painted, top)
    return painted


def price_of(
    version: TariffVersion, period: str, calendar: Calendar | None = None, month: str | None = None
) -> float | None:
    """Price per kWh of a period: listed, or floating x ratio + fixed; none if the version has none.

    What the calendar says of a period comes before the version, the price of a month `"2026-01"`
    before the usual one. Rounded half up to `price_decimals`, in decimal arithmetic, as a price
    list is.
    """
    prices = {**version.prices, **(calendar.prices if calendar else {})}
    ratios = {**version.ratios, **(calendar.ratios if calendar else {})}
    floating = version.floating_by_month.get(month or "", version.floating_per_kwh)
    if period in prices:
        price = _exact(prices[period])
    elif period in ratios and floating is not None:
        price = _exact(floating) * _exact(ratios[period]) + _exact(version.fixed_per_kwh)
    else:
        return None
    return float(price.quantize(Decimal(1).scaleb(-version.price_decimals), ROUND_HALF_UP))


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _is_special(special: SpecialDays, version: TariffVersion, day: date, kind: DayType) -> bool:
    if special.months and day.month not in special.months:
        return False
    named = any(day in version.holidays.get(name, ()) for name in special.holidays)
    return named or day in special.days or kind in special.day_types


def _painted(below: Sequence[Slot], top: Slot) -> tuple[Slot, ...]:
    kept = [top]
    for slot in below:
        if slot.start_min < top.start_min:
            kept.append(slot._replace(end_min=min(slot.end_min, top.start_min)))
        if slot.end_min > top.end_min:
            kept.append(slot._replace(start_min=max(slot.start_min, top.end_min)))
    return tuple(sorted(kept))
