"""A tariff's calendar: which version, and which hours, hold on a local day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from siteems.tariff.holidays import day_type
from siteems.tariff.hours import Slot, slots_of
from siteems.tariff.model import Calendar, DayType, SpecialDays, TariffVersion


class DayRules(NamedTuple):
    """What decides the hours of one day: a calendar, and special days that change some of them."""

    calendar: Calendar
    special: tuple[SpecialDays, ...]


def version_on(tariffs: Sequence[TariffVersion], day: date) -> TariffVersion | None:
    """The version that holds on a day; None if there is none."""
    for version in tariffs:
        if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
            return version
    return None


def in_season(months: Sequence[int], dates: Sequence[str], month: int, day: int) -> bool:
    """Whether a day of the year is in some months, or in parts of the year such as
    `"05-16/10-15"`.
    """
    return month in months or any(_in_dates(span, (month, day)) for span in dates)


def holds(calendar: Calendar, month: int, day: int, kind: DayType) -> bool:
    """Whether a calendar holds by season and type of day; its listed days are not looked at."""
    if calendar.day_types and kind not in calendar.day_types:
        return False
    if calendar.months or calendar.dates:
        return in_season(calendar.months, calendar.dates, month, day)
    return bool(calendar.day_types)


def rules_on(version: TariffVersion, day: date) -> DayRules:
    """What decides the hours of a day. `check.py` ensures that every day has exactly one calendar,
    beside the days that a calendar lists.
    """
    kind = day_type(version, day)
    special = tuple(each for each in version.special_days if _is_special(each, version, day, kind))
    for calendar in version.calendars:
        if day in calendar.days:
            return DayRules(calendar, special)
    usual = next(
        calendar for calendar in version.calendars if holds(calendar, day.month, day.day, kind)
    )
    return DayRules(usual, special)


def slots_on(rules: DayRules) -> tuple[Slot, ...]:
    """The hours of a day: those of its calendar, replaced where special days have their own."""
    slots = slots_of(rules.calendar.periods)
    for special in rules.special:
        for slot in slots_of(special.periods):
            slots = _with_slot(slots, slot)
    return slots


def _in_dates(span: str, day: tuple[int, int]) -> bool:
    """Whether a (month, day) is in a span such as `"05-16/10-15"`, which may pass the new year."""
    first, last = (tuple(map(int, end.split("-"))) for end in span.split("/"))
    if first <= last:
        return first <= day <= last
    return day >= first or day <= last


def _is_special(special: SpecialDays, version: TariffVersion, day: date, kind: DayType) -> bool:
    if special.months and day.month not in special.months:
        return False
    holiday = any(day in version.holidays.get(name, ()) for name in special.holidays)
    return holiday or day in special.days or kind in special.day_types


def _with_slot(slots: Sequence[Slot], new: Slot) -> tuple[Slot, ...]:
    """The slots of a day with one more, which replaces what they have at its hours."""
    kept = [new]
    for slot in slots:
        if slot.start_min < new.start_min:
            kept.append(slot._replace(end_min=min(slot.end_min, new.start_min)))
        if slot.end_min > new.end_min:
            kept.append(slot._replace(start_min=max(slot.start_min, new.end_min)))
    return tuple(sorted(kept))
