"""What a tariff is: validated records of versions, calendars, special days, holidays, price vectors
and demand charges, as a site file or tariff file has them.

Prices are in the site's currency. Hours of a day are local, `"16:00-23:00"`, ending at 24:00 at the
latest.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED, Name, NonNegative, Positive, Share, Signed

Month = Annotated[int, Field(ge=1, le=12)]
DATES_FORM = 'first and last day of a part of the year, such as "05-16/10-15"'
Dates = Annotated[str, Field(pattern=r"^\d\d-\d\d/\d\d-\d\d$", description=DATES_FORM)]
YearMonth = Annotated[
    str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description='a month such as "2026-01"')
]
DayType = Literal["workday", "saturday", "sunday", "holiday"]
DAY_TYPES: tuple[DayType, ...] = ("workday", "saturday", "sunday", "holiday")
Periods = Annotated[dict[Name, tuple[str, ...]], Field(min_length=1)]
"""Period name to its hours."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Calendar:
    """The periods of a day, for a part of the year, for types of days, or for listed days."""

    months: tuple[Month, ...] = ()
    dates: tuple[Dates, ...] = ()
    """Parts of the year that are not whole months, both ends included; they may pass the new year.
    """
    day_types: tuple[DayType, ...] = ()
    """Empty = all of them."""
    days: tuple[date, ...] = ()
    """Single days; for them this calendar comes before any other."""
    periods: Periods
    """Together they must cover the day once."""
    ratios: dict[Name, Signed] = field(default_factory=dict)
    """For a part of the year that has its own; they come before the version's, as do `prices`."""
    prices: dict[Name, Signed] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class SpecialDays:
    """Hours that some days have instead of those of their calendar: sharp days, deep valleys of
    holidays.
    """

    days: tuple[date, ...] = ()
    holidays: tuple[Name, ...] = ()
    """Names from the version's holidays."""
    day_types: tuple[DayType, ...] = ()
    months: tuple[Month, ...] = ()
    """Only in these; empty = all year."""
    periods: Periods
    """Only the hours that differ."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class PriceVector:
    """Prices by time from a CSV file, such as day-ahead or real-time prices."""

    file: str
    """Beside the file that names it; CSV, gzip too."""
    column: str = "price_per_kwh"
    time: str = "time"
    """Column with the start of each price, ISO 8601; without offset it is local time."""
    per: Literal["kWh", "MWh"] = "kWh"
    factor: Signed = 1.0
    plus_per_kwh: Signed = 0.0
    """Price = factor x listed + plus_per_kwh, for grid fees and taxes."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemandTerm:
    """One monthly charge on power.

    `capacity`: price x transformer kVA. `measured`: price x highest mean import of a billing
    interval. `contract`: price x contracted kW, and for the measured demand above it a multiple of
    the price, given in `over`.
    """

    mode: Literal["capacity", "measured", "contract"]
    name: str = "demand"
    price_per_kw: NonNegative
    """Per kW and month; per kVA for `capacity`."""
    interval_min: Literal[5, 10, 15, 30, 60] = 15
    months: tuple[Month, ...] = ()
    dates: tuple[Dates, ...] = ()
    day_types: tuple[DayType, ...] = ()
    hours: tuple[str, ...] = ()
    """Only import in these months, dates, types of day and hours counts. All empty = always."""
    over: tuple[tuple[Positive, NonNegative], ...] = ()
    """(Share of the contract, multiple of the price for demand above that share), shares rising:
    [[1.05, 2.0]].
    """
    least_contract_share: Share = 0.0
    """Of the transformer's kVA: a smaller contract is billed as this share."""


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class TariffVersion:
    """One tariff for one span of time.

    A kWh costs floating x ratio + fixed or the listed price, rounded to `price_decimals`, or the
    price of a price vector.
    """

    name: str
    source: str
    valid_from: date
    valid_to: date | None = None
    """First day on which it no longer holds; None = open."""
    tariff_class: str | None = None
    """Voltage level and structure of the price."""
    prices_as_of: str | None = None
    """Month of the price level, where it is known for a shorter span than the version's."""
    floating_per_kwh: Signed | None = None
    """The part of the price that ratios multiply."""
    floating_by_month: dict[YearMonth, Signed] = field(default_factory=dict)
    """For months with a floating price of their own."""
    fixed_per_kwh: Signed = 0.0
    price_decimals: Annotated[int, Field(ge=2, le=8)] = 6
    ratios: dict[Name, Signed] = field(default_factory=dict)
    prices: dict[Name, Signed] = field(default_factory=dict)
    vector: PriceVector | None = None
    calendars: tuple[Calendar, ...] = ()
    special_days: tuple[SpecialDays, ...] = ()
    """Later ones come before earlier ones."""
    holidays: dict[Name, tuple[date, ...]] = field(default_factory=dict)
    """Days of each holiday, by its name; their day type is `holiday`."""
    workdays: tuple[date, ...] = ()
    """Saturdays and Sundays that are worked, as in China around long holidays."""
    demand: tuple[DemandTerm, ...] = ()
    month_of_change: Literal["by-days", "last"] = "by-days"
    """How a month is billed in which this version follows another one: what is charged by the month
    (demand, standing charge) by the days of each version, each on the demand of its own days; or
    the whole month by this version.
    """
    export_per_kwh: Signed | None = None
    """Paid for an exported kWh; None = nothing."""
    charge_per_month: NonNegative = 0.0
    charge_per_day: NonNegative = 0.0
    """Standing charges."""
