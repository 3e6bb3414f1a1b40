"""What a kWh costs at a time: the only place where prices meet the local clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import isnan
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from siteems.errors import UserError
from siteems.tariff.calendar import DAY_MIN, price_of, rules_on, slots_on, version_on
from siteems.tariff.local_clock import DAY_S, Seconds, local_clock
from siteems.tariff.records import TariffVersion
from siteems.tariff.vector import Prices, read_prices

QUARTER = timedelta(minutes=15)
QUARTER_H = 0.25
KNOWN_MOST = 10_000
VECTOR_PERIOD = "spot"
"""What the hours of a price vector are called."""


class TariffGap(UserError):
    """No tariff version holds on that day, or it has no price for it."""


class Price(NamedTuple):
    """A price per kWh (site's currency), its period and the tariff version it comes from."""

    per_kwh: float
    period: str
    version: str


class PricedSlot(NamedTuple):
    """One stretch of a local day (minutes after midnight, end not included) and what a kWh costs in
    it.
    """

    start_min: int
    end_min: int
    period: str
    price: float


@dataclass(frozen=True, eq=False)
class PriceSeries:
    """Prices at many instants. Arrays have shape (n,)."""

    per_kwh: NDArray[np.float64]
    label: NDArray[np.int64]
    """Which of `labels` an instant belongs to."""
    labels: tuple[Price, ...]
    """Distinct periods and prices; the price is NaN where it changes by a price vector."""
    day: Seconds
    """Ordinal of the local day."""
    minute: Seconds
    """After local midnight."""


@dataclass(frozen=True, eq=False)
class _Day:
    """How a local day is priced; days with the same rules share one."""

    version: TariffVersion
    slots: tuple[PricedSlot, ...] = ()
    starts: tuple[int, ...] = ()
    prices: tuple[Price, ...] = ()
    vector: Prices | None = None


class TariffSchedule:
    """All tariff versions of a site, as checked by `load_site`. Days are worked out on first use
    and kept.

    Times must be aware. A period holds by the local wall clock: a day that skips an hour lacks that
    hour's price, and an hour that comes twice costs the same twice.
    """

    def __init__(self, tariffs: Sequence[TariffVersion], zone: ZoneInfo) -> None:
        self.tariffs = tuple(tariffs)
        self.zone = zone
        self._days: dict[date, _Day] = {}
        self._tables: dict[tuple[object, ...], _Day] = {}
        self._known: dict[tuple[datetime, float], Price] = {}

    def price_at(self, when: datetime) -> Price:
        """The price at an instant. TariffGap if there is none, ValueError for a naive time."""
        if when.tzinfo is None:
            raise ValueError(f"{when.isoformat()} has no time zone")
        local = when.astimezone(self.zone)
        day = self._table(local.date())
        if day.vector is not None:
            return self._spot(day, when, 0.0)
        return day.prices[bisect_right(day.starts, local.hour * 60 + local.minute) - 1]

    def mean_price(self, start: datetime, hours: float) -> Price:
        """The price of an interval, averaged over it; period and version are those of its start.

        Remembered, since planning asks for the same intervals again and again. Raises as
        `price_at`.
        """
        price = self._known.get((start, hours))
        if price is None:
            if len(self._known) > KNOWN_MOST:
                self._known.clear()
            day = self._table(start.astimezone(self.zone).date())
            if day.vector is not None:
                price = self._spot(day, start, hours)
            else:
                price = self.price_at(start)
                if hours > QUARTER_H:
                    quarters = [
                        self.price_at(start + i * QUARTER).per_kwh
                        for i in range(round(hours / QUARTER_H))
                    ]
                    price = price._replace(per_kwh=sum(quarters) / len(quarters))
            self._known[start, hours] = price
        return price

    def price_series(
        self, starts: Sequence[datetime]
    ) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Prices per kWh, shape (len(starts),), and period names of intervals named by their
        starts.
        """
        found = self.prices(np.array([int(start.timestamp()) for start in starts], dtype=np.int64))
        periods = [label.period for label in found.labels]
        return found.per_kwh, tuple(periods[label] for label in found.label)

    def prices(self, epoch_s: Seconds) -> PriceSeries:
        """Prices at instants given in epoch seconds, all at once. TariffGap if one of them has
        none.
        """
        days, minutes = local_clock(epoch_s, self.zone)
        unique, day_of = np.unique(days, return_inverse=True)
        tables: dict[int, _Day] = {}
        by_day = [self._table(date.fromordinal(int(day))) for day in unique]
        for table in by_day:
            tables.setdefault(id(table), table)
        number = {key: i for i, key in enumerate(tables)}
        table_of = np.array([number[id(table)] for table in by_day], dtype=np.int64)[day_of]
        per_kwh, label = np.empty(len(epoch_s)), np.empty(len(epoch_s), dtype=np.int64)
        labels: dict[Price, int] = {}
        for i, table in enumerate(tables.values()):
            here = np.flatnonzero(table_of == i)
            prices = table.prices or (Price(float("nan"), VECTOR_PERIOD, table.version.name),)
            codes = np.array(
                [labels.setdefault(price, len(labels)) for price in prices], dtype=np.int64
            )
            if table.vector is not None:
                per_kwh[here], label[here] = table.vector.at(epoch_s[here]), codes[0]
            else:
                slot = np.searchsorted(table.starts, minutes[here], side="right") - 1
                per_kwh[here] = np.array([price.per_kwh for price in prices])[slot]
                label[here] = codes[slot]
        unpriced = np.flatnonzero(np.isnan(per_kwh))
        if unpriced.size:
            raise _no_price(datetime.fromtimestamp(int(epoch_s[unpriced[0]]), self.zone))
        return PriceSeries(per_kwh, label, tuple(labels), days, minutes)

    def day(self, day: date) -> tuple[PricedSlot, ...]:
        """The slots of a local day in order of time. TariffGap if no version holds then, or a price
        is missing.
        """
        table = self._table(day)
        if table.vector is None:
            return table.slots
        return self._spot_slots(table.vector, day)

    def version(self, day: date) -> TariffVersion:
        """The version that holds on a local day. TariffGap if there is none."""
        return self._table(day).version

    def _table(self, day: date) -> _Day:
        if day not in self._days:
            self._days[day] = self._priced(day)
        return self._days[day]

    def _priced(self, day: date) -> _Day:
        version = version_on(self.tariffs, day)
        if version is None:
            known = ", ".join(
                f"{v.name} from {v.valid_from} to {v.valid_to or 'open end'}" for v in self.tariffs
            )
            raise TariffGap(f"no tariff holds on {day}; known are {known}")
        if version.vector is not None:
            key: tuple[object, ...] = (id(version),)
            return self._tables.setdefault(
                key, _Day(version, vector=read_prices(version.vector, self.zone))
            )
        rules, month = rules_on(version, day), f"{day:%Y-%m}"
        key = (
            id(version),
            id(rules.calendar),
            *map(id, rules.special),
            version.floating_by_month.get(month),
        )
        if key not in self._tables:
            priced = []
            for slot in slots_on(rules):
                price = price_of(version, slot.period, rules.calendar, month)
                if price is None:
                    raise TariffGap(
                        f"tariff {version.name} has no price for {slot.period} in {month}"
                    )
                priced.append(PricedSlot(*slot, price))
            self._tables[key] = _Day(
                version,
                slots=tuple(priced),
                starts=tuple(slot.start_min for slot in priced),
                prices=tuple(Price(slot.price, slot.period, version.name) for slot in priced),
            )
        return self._tables[key]

    def _spot(self, day: _Day, start: datetime, hours: float) -> Price:
        assert day.vector is not None
        mean = day.vector.mean(int(start.timestamp()), hours)
        if isnan(mean):
            raise _no_price(start)
        return Price(mean, VECTOR_PERIOD, day.version.name)

    def _spot_slots(self, vector: Prices, day: date) -> tuple[PricedSlot, ...]:
        """The prices of a day as slots of its wall clock; of an hour that comes twice the first
        counts here.
        """
        midnight_s = int(
            datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC).timestamp()
        )
        instants = np.arange(
            midnight_s, midnight_s + DAY_S + 7200, min(vector.step_s, 900), dtype=np.int64
        )
        days, minutes = local_clock(instants, self.zone)
        prices = vector.at(instants)
        first: dict[int, float] = {}
        for minute, price in zip(
            minutes[days == day.toordinal()], prices[days == day.toordinal()], strict=True
        ):
            first.setdefault(int(minute), float(price))
        if any(map(isnan, first.values())):
            raise TariffGap(f"the price vector has no price for a part of {day}")
        starts = sorted(first)
        ends = [*starts[1:], DAY_MIN]
        return tuple(
            PricedSlot(start, end, VECTOR_PERIOD, first[start])
            for start, end in zip(starts, ends, strict=True)
        )


def _no_price(when: datetime) -> TariffGap:
    return TariffGap(f"the price vector has no price at {when.isoformat()}")
