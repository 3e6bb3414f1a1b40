"""Whether tariffs answer every hour of every day exactly once; each place where they do not is one
error.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from siteems.config.validation_error import KeyPath, ValidationError, choices
from siteems.tariff.calendar import DAY_MIN, Slot, clock, holds, parse_hours, price_of
from siteems.tariff.records import DAY_TYPES, DemandTerm, TariffVersion

ONCE = "every hour of the day belongs to exactly one period"
LEAP_YEAR = 2024


def tariff_errors(
    tariffs: Sequence[TariffVersion], at: KeyPath = ("tariffs",)
) -> Iterator[ValidationError]:
    """All errors of a list of tariff versions; `at` is where the list stands in the file."""
    yield from _version_errors(tariffs, at)
    for index, version in enumerate(tariffs):
        place = (*at, index)
        yield from _season_errors(version, place)
        yield from _price_errors(version, place)
        for number, calendar in enumerate(version.calendars):
            yield from _hour_errors(calendar.periods, (*place, "calendars", number, "periods"))
        yield from _special_errors(version, place)
        for number, term in enumerate(version.demand):
            yield from _demand_errors(term, (*place, "demand", number))


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
                f"no tariff holds from {end} to {start}",
                "each version begins on the day on which the one before ends",
            )


def _season_errors(version: TariffVersion, at: KeyPath) -> Iterator[ValidationError]:
    """Every type of day of every month has exactly one calendar."""
    if not version.calendars:
        if version.vector is None:
            yield ValidationError((*at, "calendars"), "is missing", "calendars, or a price vector")
        return
    once = "every month stands in exactly one calendar"
    wrongs: tuple[tuple[str, Callable[[int], bool]], ...] = (
        ("no calendar for", lambda n: n == 0),
        ("more than one calendar for", lambda n: n > 1),
    )
    for said, wrong in wrongs:
        found = [
            (month, f"{month:02d}-{day:02d} ({kind})")
            for month in range(1, 13)
            for day in range(1, monthrange(LEAP_YEAR, month)[1] + 1)
            for kind in DAY_TYPES
            if wrong(sum(holds(calendar, month, day, kind) for calendar in version.calendars))
        ]
        per_month = {
            month: sum(other == month for other, _ in found)
            for month in {month for month, _ in found}
        }
        whole = [
            m
            for m in sorted(per_month)
            if per_month[m] == monthrange(LEAP_YEAR, m)[1] * len(DAY_TYPES)
        ]
        part = [text for month, text in found if month not in whole]
        if whole:
            yield ValidationError((*at, "calendars"), f"{said} month {_listed(whole)}", once)
        if part:
            rest = f" and {len(part) - 1} more days and types" if len(part) > 1 else ""
            yield ValidationError(
                (*at, "calendars"),
                f"{said} {part[0]}{rest}",
                "every day stands in exactly one calendar",
            )
    days = [day for calendar in version.calendars for day in calendar.days]
    twice_listed = sorted({day for day in days if days.count(day) > 1})
    if twice_listed:
        yield ValidationError(
            (*at, "calendars"), f"{_listed(twice_listed)} is listed twice", "a day is listed once"
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
    """Hours that cannot be read, overlap, or, where they must make a `whole` day, leave some out."""
    found = []
    unread = False
    for period, listed in periods.items():
        for place, hours in enumerate(listed):
            try:
                found.append(Slot(*parse_hours(hours), period))
            except ValueError as error:
                unread = True
                yield _unread(error, (*at, period, place))
    if unread:
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
        place = (*at, "special_days", number)
        yield from _hour_errors(special.periods, (*place, "periods"), whole=False)
        if not (special.days or special.holidays or special.day_types):
            yield ValidationError(place, "never holds", "give it days, holidays or day_types")
        for index, name in enumerate(special.holidays):
            if name not in version.holidays:
                yield ValidationError(
                    (*place, "holidays", index), "no such holiday", choices(name, version.holidays)
                )


def _demand_errors(term: DemandTerm, at: KeyPath) -> Iterator[ValidationError]:
    for place, hours in enumerate(term.hours):
        try:
            parse_hours(hours)
        except ValueError as error:
            yield _unread(error, (*at, "hours", place))
    if term.mode != "contract" and (term.over or term.least_contract_share):
        yield ValidationError(
            (*at, "over"), "is of no use here", 'only mode = "contract" has a contract to exceed'
        )
    shares = [share for share, _ in term.over]
    if shares != sorted(set(shares)) or any(share < 1 for share in shares):
        yield ValidationError(
            (*at, "over"), "shares do not rise from the contract up", "such as [[1.05, 2.0]]"
        )


def _unread(error: ValueError, at: KeyPath) -> ValidationError:
    wrong, allowed = str(error).split("; ", 1)
    return ValidationError(at, wrong, allowed)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
