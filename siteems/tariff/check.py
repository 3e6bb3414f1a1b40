"""The checks of a list of tariff versions: every hour of every day has exactly one price."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from siteems.config.validation_error import KeyPath, ValidationError, choices
from siteems.tariff.calendar import holds
from siteems.tariff.hours import DAY_MIN, Slot, clock, parse_hours
from siteems.tariff.model import DAY_TYPES, DemandTerm, TariffVersion
from siteems.tariff.period_price import price_of

ONCE = "every hour of the day belongs to exactly one period"
MOST_OVER = 10.0
"""Times the contract: a higher share is a percentage."""
LEAP_YEAR = 2024
"""Stands for every year, so that 29 February is checked too."""


def tariff_errors(
    tariffs: Sequence[TariffVersion], at: KeyPath = ("tariffs",)
) -> Iterator[ValidationError]:
    """All errors of a list of tariff versions; `at` is its key path in the file."""
    yield from _version_errors(tariffs, at)
    for index, version in enumerate(tariffs):
        key = (*at, index)
        yield from _season_errors(version, key)
        yield from _listed_day_errors(version, key)
        yield from _price_errors(version, key)
        for number, calendar in enumerate(version.calendars):
            yield from _date_errors(calendar.dates, (*key, "calendars", number))
            yield from _hour_errors(calendar.periods, (*key, "calendars", number, "periods"))
        yield from _special_errors(version, key)
        for number, term in enumerate(version.demand):
            yield from _demand_errors(term, (*key, "demand", number))


def _version_errors(tariffs: Sequence[TariffVersion], at: KeyPath) -> Iterator[ValidationError]:
    for index, version in enumerate(tariffs):
        if version.valid_to is not None and version.valid_to <= version.valid_from:
            yield ValidationError(
                (*at, index, "valid_to"),
                f"not after valid_from {version.valid_from}",
                "it is the first day on which the tariff no longer holds",
            )
        if version.name in (other.name for other in tariffs[:index]):
            yield ValidationError(
                (*at, index, "name"), "used twice", "every version has a name of its own"
            )
    in_time = sorted(range(len(tariffs)), key=lambda index: tariffs[index].valid_from)
    for earlier, later in pairwise(in_time):
        end, start = tariffs[earlier].valid_to, tariffs[later].valid_from
        if end is None or end > start:
            yield ValidationError(
                (*at, later, "valid_from"),
                f"{tariffs[earlier].name} still holds then",
                f"give {tariffs[earlier].name} valid_to = {start}",
            )
        elif end < start:
            yield ValidationError(
                (*at, later, "valid_from"),
                f"no tariff is valid from {end} to {start}",
                "each version begins on the day on which the one before ends",
            )


def _season_errors(version: TariffVersion, at: KeyPath) -> Iterator[ValidationError]:
    """Types of day of a part of the year that have no calendar, or several."""
    if not version.calendars:
        if version.vector is None:
            yield ValidationError((*at, "calendars"), "is missing", "calendars, or a price vector")
        return
    none: list[tuple[int, str]] = []
    several: list[tuple[int, str]] = []
    for month in range(1, 13):
        for day in range(1, monthrange(LEAP_YEAR, month)[1] + 1):
            for kind in DAY_TYPES:
                count = sum(holds(each, month, day, kind) for each in version.calendars)
                if count != 1:
                    wrong = several if count else none
                    wrong.append((month, f"{month:02d}-{day:02d} ({kind})"))
    yield from _calendar_count_errors(none, "no calendar for", at)
    yield from _calendar_count_errors(several, "more than one calendar for", at)


def _calendar_count_errors(
    found: Sequence[tuple[int, str]], problem: str, at: KeyPath
) -> Iterator[ValidationError]:
    """Errors for days and types, given by month and name; whole months are named as such."""
    count = Counter(month for month, _ in found)
    whole = [
        month
        for month in sorted(count)
        if count[month] == monthrange(LEAP_YEAR, month)[1] * len(DAY_TYPES)
    ]
    if whole:
        yield ValidationError(
            (*at, "calendars"),
            f"{problem} month {_listed(whole)}",
            "every month belongs to exactly one calendar",
        )
    part = [name for month, name in found if month not in whole]
    if part:
        rest = f" and {len(part) - 1} more days and types" if len(part) > 1 else ""
        yield ValidationError(
            (*at, "calendars"),
            f"{problem} {part[0]}{rest}",
            "every day belongs to exactly one calendar",
        )


def _listed_day_errors(version: TariffVersion, at: KeyPath) -> Iterator[ValidationError]:
    """Days that calendars list twice, and calendars that never hold."""
    days = Counter(day for calendar in version.calendars for day in calendar.days)
    twice = sorted(day for day, count in days.items() if count > 1)
    if twice:
        yield ValidationError(
            (*at, "calendars"), f"{_listed(twice)} is listed twice", "a day is listed once"
        )
    both = sorted({day for days in version.holidays.values() for day in days} & {*version.workdays})
    if both:
        yield ValidationError(
            (*at, "workdays"), f"{_listed(both)} is a holiday as well", "a day is one of the two"
        )
    for number, calendar in enumerate(version.calendars):
        if not (calendar.months or calendar.dates or calendar.day_types or calendar.days):
            yield ValidationError(
                (*at, "calendars", number), "never holds", "give it months or days"
            )


def _price_errors(version: TariffVersion, at: KeyPath) -> Iterator[ValidationError]:
    ratios = version.ratios.keys() | {
        period for each in version.calendars for period in each.ratios
    }
    if ratios and version.floating_per_kwh is None and not version.floating_by_month:
        yield ValidationError(
            (*at, "floating_per_kwh"), "is missing", "ratios need the price that they multiply"
        )
        return
    for period in sorted(version.ratios.keys() & version.prices.keys()):
        yield ValidationError(
            (*at, "prices", period), "priced twice", "a period has a ratio or a price, not both"
        )
    priced = version.ratios.keys() | version.prices.keys()
    month = next(iter(version.floating_by_month), None)
    special = {period for each in version.special_days for period in each.periods}
    unpriced = {
        period
        for calendar in version.calendars
        for period in calendar.periods.keys() | special
        if price_of(version, period, calendar, month) is None
    }
    for period in sorted(unpriced):
        allowed = f"priced are {', '.join(sorted(priced)) or 'none'}; add it to prices or ratios"
        yield ValidationError(at, f"no price for the period {period}", allowed)


def _hour_errors(
    periods: Mapping[str, Sequence[str]], at: KeyPath, whole: bool = True
) -> Iterator[ValidationError]:
    """Hours that cannot be parsed or overlap, and, where they must make a `whole` day, gaps."""
    found = []
    unparsed = False
    for period, listed in periods.items():
        for number, hours in enumerate(listed):
            try:
                found.append(Slot(*parse_hours(hours), period))
            except ValueError as error:
                unparsed = True
                yield _hours_error(error, (*at, period, number))
    if unparsed:
        return
    reached, last = 0, ""
    for slot in [*sorted(found), Slot(DAY_MIN, DAY_MIN, "")]:
        if slot.start_min > reached and whole:
            yield ValidationError(
                at, f"{clock(reached)}-{clock(slot.start_min)} belongs to no period", ONCE
            )
        elif slot.start_min < min(reached, slot.end_min):
            shared = f"{clock(slot.start_min)}-{clock(min(reached, slot.end_min))}"
            yield ValidationError(at, f"{shared} is both {last} and {slot.period}", ONCE)
        if slot.end_min > reached:
            reached, last = slot.end_min, slot.period


def _special_errors(version: TariffVersion, at: KeyPath) -> Iterator[ValidationError]:
    for number, special in enumerate(version.special_days):
        key = (*at, "special_days", number)
        yield from _hour_errors(special.periods, (*key, "periods"), whole=False)
        if not (special.days or special.holidays or special.day_types):
            yield ValidationError(key, "never holds", "give it days, holidays or day_types")
        for index, name in enumerate(special.holidays):
            if name not in version.holidays:
                yield ValidationError(
                    (*key, "holidays", index), "no such holiday", choices(name, version.holidays)
                )


def _demand_errors(term: DemandTerm, at: KeyPath) -> Iterator[ValidationError]:
    for number, hours in enumerate(term.hours):
        try:
            parse_hours(hours)
        except ValueError as error:
            yield _hours_error(error, (*at, "hours", number))
    if term.mode != "contract" and (term.over or term.least_contract_share):
        yield ValidationError(
            (*at, "over"), "is of no use here", 'only mode = "contract" has a contract to exceed'
        )
    shares = [share for share, _ in term.over]
    if shares != sorted(set(shares)) or any(share < 1 for share in shares):
        yield ValidationError(
            (*at, "over"), "shares do not rise from the contract up", "such as [[1.05, 2.0]]"
        )
    elif any(share > MOST_OVER for share in shares):
        yield ValidationError(
            (*at, "over"),
            f"a share of {max(shares):g} is {max(shares):g} times the contract",
            f"a share and no percentage, up to {MOST_OVER:g}, such as [[1.05, 2.0]]",
        )
    multiples = [multiple for _, multiple in term.over]
    if multiples != sorted(multiples) or any(multiple < 1.0 for multiple in multiples):
        yield ValidationError(
            (*at, "over"),
            "more demand would cost less per kW",
            "multiples of the price from 1 up that do not fall, such as [[1.05, 2.0]]",
        )
    yield from _date_errors(term.dates, at)


def _date_errors(spans: Sequence[str], at: KeyPath) -> Iterator[ValidationError]:
    """Spans of dates, MM-DD/MM-DD, with a day that does not exist."""
    for number, span in enumerate(spans):
        for text in span.split("/"):
            month, day = (int(part) for part in text.split("-"))
            if not (1 <= month <= 12 and 1 <= day <= monthrange(LEAP_YEAR, month)[1]):
                yield ValidationError(
                    (*at, "dates", number),
                    f"there is no {text}",
                    "MM-DD/MM-DD, such as 07-01/08-31",
                )


def _hours_error(error: ValueError, at: KeyPath) -> ValidationError:
    wrong, allowed = str(error).split("; ", 1)  # the form of errors of `parse_hours`
    return ValidationError(at, wrong, allowed)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
