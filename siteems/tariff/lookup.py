"""What a kWh costs at a time: the only place where prices meet the local clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from siteems.errors import UserError
from siteems.site import TariffVersion
from siteems.tariff.calendar import calendar_on, price_of, slots, version_on

QUARTER = timedelta(minutes=15)
QUARTER_H = 0.25
KNOWN_MOST = 10_000


class TariffGap(UserError):
    """No tariff version holds on that day."""


class Price(NamedTuple):
    """A price per kWh (site's currency), its period and the tariff version it comes from."""

    per_kwh: float
    period: str
    version: str


class PricedSlot(NamedTuple):
    """One stretch of a local day (minutes after midnight, end not included) and what a kWh costs in it."""

    start_min: int
    end_min: int
    period: str
    price: float


@dataclass(frozen=True)
class _Day:
    starts: tuple[int, ...]
    prices: tuple[Price, ...]
    slots: tuple[PricedSlot, ...]


class TariffBook:
    """All tariff versions of a site, as checked by `load_site`. Days are worked out on first use and kept.

    Times must be aware. A period holds by the local wall clock: a day that skips an hour lacks that hour's price, and
    an hour that comes twice costs the same twice.
    """

    def __init__(self, tariffs: Sequence[TariffVersion], zone: ZoneInfo) -> None:
        self._tariffs = tuple(tariffs)
        self._zone = zone
        self._days: dict[date, _Day] = {}
        self._known: dict[tuple[datetime, float], Price] = {}

    def price_at(self, when: datetime) -> Price:
        """The price at an instant. TariffGap if no version holds then, ValueError for a naive time."""
        if when.tzinfo is None:
            raise ValueError(f"{when.isoformat()} has no time zone")
        local = when.astimezone(self._zone)
        day = self._table(local.date())
        return day.prices[bisect_right(day.starts, local.hour * 60 + local.minute) - 1]

    def mean_price(self, start: datetime, hours: float) -> Price:
        """The price of an interval, averaged over its quarter hours; period and version are those of its start.

        Remembered, since planning asks for the same intervals again and again. Raises as `price_at`.
        """
        price = self._known.get((start, hours))
        if price is None:
            if len(self._known) > KNOWN_MOST:
                self._known.clear()
            price = self.price_at(start)
            if hours > QUARTER_H:
                quarters = [self.price_at(start + i * QUARTER).per_kwh for i in range(round(hours / QUARTER_H))]
                price = price._replace(per_kwh=sum(quarters) / len(quarters))
            self._known[start, hours] = price
        return price

    def price_series(self, starts: Sequence[datetime]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Prices per kWh, shape (len(starts),), and period names of intervals named by their starts."""
        prices = [self.price_at(start) for start in starts]
        return np.array([price.per_kwh for price in prices], dtype=np.float64), tuple(p.period for p in prices)

    def day(self, day: date) -> tuple[PricedSlot, ...]:
        """The slots of a local day in order of time. TariffGap if no version holds then."""
        return self._table(day).slots

    def _table(self, day: date) -> _Day:
        if day not in self._days:
            self._days[day] = self._priced(day)
        return self._days[day]

    def _priced(self, day: date) -> _Day:
        version = version_on(self._tariffs, day)
        if version is None:
            known = ", ".join(f"{v.name} from {v.valid_from} to {v.valid_to or 'open end'}" for v in self._tariffs)
            raise TariffGap(f"no tariff holds on {day}; known are {known}")
        priced = []
        for slot in slots(calendar_on(version, day)):
            price = price_of(version, slot.period)
            if price is None:
                raise TariffGap(f"tariff {version.name} has no price for {slot.period}")
            priced.append(PricedSlot(*slot, price))
        return _Day(
            starts=tuple(slot.start_min for slot in priced),
            prices=tuple(Price(slot.price, slot.period, version.name) for slot in priced),
            slots=tuple(priced),
        )
