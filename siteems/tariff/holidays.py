"""Holidays: what a local day counts as in a tariff version."""

from __future__ import annotations

from datetime import date

from siteems.tariff.model import DayType, TariffVersion

MONDAY_TO_FRIDAY = range(5)
SATURDAY = 5


def day_type(version: TariffVersion, day: date) -> DayType:
    """The type of a day.

    A listed holiday comes before its weekday, and a weekend day that is listed as worked is a
    workday, as around long holidays in China.
    """
    if any(day in listed for listed in version.holidays.values()):
        return "holiday"
    if day.weekday() in MONDAY_TO_FRIDAY or day in version.workdays:
        return "workday"
    return "saturday" if day.weekday() == SATURDAY else "sunday"
