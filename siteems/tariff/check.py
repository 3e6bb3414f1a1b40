"""Whether tariffs answer every hour of every day exactly once; each place where they do not is one mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from siteems.mistakes import Loc, Mistake
from siteems.site import Calendar, TariffVersion
from siteems.tariff.calendar import DAY_MIN, Slot, clock, parse_hours, price_of

ONCE = "every hour of the day belongs to exactly one period"


def tariff_mistakes(tariffs: Sequence[TariffVersion], at: Loc = ("tariffs",)) -> Iterator[Mistake]:
    """All mistakes of a list of tariff versions; `at` is where the list stands in the file."""
    yield from _version_mistakes(tariffs, at)
    for index, version in enumerate(tariffs):
        yield from _month_mistakes(version, (*at, index))
        yield from _price_mistakes(version, (*at, index))
        for number, calendar in enumerate(version.calendars):
            yield from _hour_mistakes(calendar, (*at, index, "calendars", number, "periods"))


def _version_mistakes(tariffs: Sequence[TariffVersion], at: Loc) -> Iterator[Mistake]:
    for index, version in enumerate(tariffs):
        if version.valid_to is not None and version.valid_to <= version.valid_from:
            yield Mistake(
                (*at, index, "valid_to"),
                f"not after valid_from {version.valid_from}",
                "it is the first day on which the tariff no longer holds",
            )
        if version.name in (other.name for other in tariffs[:index]):
            yield Mistake((*at, index, "name"), "used twice", "every version has a name of its own")
    in_time = sorted(range(len(tariffs)), key=lambda index: tariffs[index].valid_from)
    for earlier, later in pairwise(in_time):
        end, start = tariffs[earlier].valid_to, tariffs[later].valid_from
        if end is None or end > start:
            yield Mistake(
                (*at, later, "valid_from"),
                f"{tariffs[earlier].name} still holds then",
                f"give {tariffs[earlier].name} valid_to = {start}",
            )
        elif end < start:
            yield Mistake(
                (*at, later, "valid_from"),
                f"no tariff holds from {end} to {start}",
                "each version begins on the day on which the one before ends",
            )


def _month_mistakes(version: TariffVersion, at: Loc) -> Iterator[Mistake]:
    months = [month for calendar in version.calendars for month in calendar.months]
    days = [day for calendar in version.calendars for day in calendar.days]
    once = "every month stands in exactly one calendar"
    missing = sorted(set(range(1, 13)) - set(months))
    if missing:
        yield Mistake((*at, "calendars"), f"no calendar for month {_listed(missing)}", once)
    twice = sorted({month for month in months if months.count(month) > 1})
    if twice:
        yield Mistake((*at, "calendars"), f"more than one calendar for month {_listed(twice)}", once)
    twice_listed = sorted({day for day in days if days.count(day) > 1})
    if twice_listed:
        yield Mistake((*at, "calendars"), f"{_listed(twice_listed)} is listed twice", "a day is listed once")
    for number, calendar in enumerate(version.calendars):
        if not calendar.months and not calendar.days:
            yield Mistake((*at, "calendars", number), "never holds", "give it months or days")


def _price_mistakes(version: TariffVersion, at: Loc) -> Iterator[Mistake]:
    if version.ratios and version.floating_per_kwh is None:
        yield Mistake((*at, "floating_per_kwh"), "is missing", "ratios need the price that they multiply")
        return
    for period in sorted(version.ratios.keys() & version.prices.keys()):
        yield Mistake((*at, "prices", period), "priced twice", "a period has a ratio or a price, not both")
    priced = version.ratios.keys() | version.prices.keys()
    used = {period for calendar in version.calendars for period in calendar.periods}
    for period in sorted(used):
        if price_of(version, period) is None:
            allowed = f"priced are {', '.join(sorted(priced)) or 'none'}; add it to prices or ratios"
            yield Mistake(at, f"no price for the period {period}", allowed)


def _hour_mistakes(calendar: Calendar, at: Loc) -> Iterator[Mistake]:
    found = []
    unread = False
    for period, listed in calendar.periods.items():
        for place, hours in enumerate(listed):
            try:
                found.append(Slot(*parse_hours(hours), period))
            except ValueError as error:
                wrong, allowed = str(error).split("; ", 1)
                unread = True
                yield Mistake((*at, period, place), wrong, allowed)
    if unread:
        return
    reached, last = 0, ""
    for slot in [*sorted(found), Slot(DAY_MIN, DAY_MIN, "")]:
        if slot.start_min > reached:
            yield Mistake(at, f"{clock(reached)}-{clock(slot.start_min)} belongs to no period", ONCE)
        elif slot.start_min < min(reached, slot.end_min):
            shared = f"{clock(slot.start_min)}-{clock(min(reached, slot.end_min))}"
            yield Mistake(at, f"{shared} is both {last} and {slot.period}", ONCE)
        if slot.end_min > reached:
            reached, last = slot.end_min, slot.period


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
