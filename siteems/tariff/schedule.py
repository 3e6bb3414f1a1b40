"""The tariff schedule of a site: what a kWh costs at a time.

Local time is used only here and in the demand charges; all other code works in UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import gcd, isnan, nan
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from siteems.tariff.calendar import rules_on, slots_on, version_on
from siteems.tariff.gap import (
    NO_PERIOD_PRICE,
    NO_TARIFF,
    NO_VECTOR_DAY,
    NO_VECTOR_PRICE,
    NO_VECTOR_SPAN,
    TariffGap,
)
from siteems.tariff.hours import DAY_MIN
from siteems.tariff.local_clock import DAY_S, QUARTER_S, Seconds, local_clock
from siteems.tariff.model import TariffVersion
from siteems.tariff.period_price import price_of
from siteems.tariff.price_vector import VectorPrices, read_price_vector

QUARTER = timedelta(minutes=15)
QUARTER_H = 0.25
MOST_REMEMBERED = 10_000
"""Interval prices: a day of planning every quarter hour asks for about 300 different ones."""
VECTOR_PERIOD = "spot"
"""The period name of all hours that a price vector prices."""


class Price(NamedTuple):
    """A price per kWh in the site's currency, its period and the tariff version it comes from."""

    per_kwh: float
    period: str
    version: str


class PricedSlot(NamedTuple):
    """One period of a local day and what a kWh costs in it; minutes after local midnight, the end
    not included.
    """

    start_min: int
    end_min: int
    period: str
    price: float


@dataclass(frozen=True, eq=False)
class PriceSeries:
    """Prices at n instants. Arrays have shape (n,)."""

    per_kwh: NDArray[np.float64]
    label: NDArray[np.int64]
    """Index of the instant's entry in `labels`."""
    labels: tuple[Price, ...]
    """Distinct periods and prices; the price is NaN where a price vector makes it change."""
    day: Seconds
    """Ordinal of the local day, as of `date.fromordinal`."""
    minute: Seconds
    """Minute after local midnight."""


@dataclass(frozen=True, eq=False)
class _DayPrices:
    """How a local day is priced: by slots or by a price vector. Days with the same rules share
    one.
    """

    version: TariffVersion
    slots: tuple[PricedSlot, ...] = ()
    starts: tuple[int, ...] = ()
    prices: tuple[Price, ...] = ()
    """Of the slots, like `starts`."""
    vector: VectorPrices | None = None


class TariffSchedule:
    """All tariff versions of a site, as checked by `load_site`.

    Times must be aware. A period holds by the local wall clock: a day that skips an hour lacks that
    hour's price, and an hour that occurs twice costs the same twice. Days are priced on first use
    and kept.
    """

    def __init__(self, tariffs: Sequence[TariffVersion], zone: ZoneInfo) -> None:
        self.tariffs = tuple(tariffs)
        self.zone = zone
        self._days: dict[date, _DayPrices] = {}
        self._by_rules: dict[tuple[object, ...], _DayPrices] = {}
        self._means: dict[tuple[int, float], Price] = {}
        self._vector_days: dict[date, tuple[PricedSlot, ...]] = {}

    def price_at(self, when: datetime) -> Price:
        """The price at an instant. Raises `TariffGap` if there is none, ValueError for a naive
        time.
        """
        if when.tzinfo is None:
            raise ValueError(f"{when.isoformat()} has no time zone")
        local = when.astimezone(self.zone)
        day = self._day(local.date())
        if day.vector is not None:
            return _vector_price(day.vector, day.version, when, 0.0)
        return day.prices[bisect_right(day.starts, local.hour * 60 + local.minute) - 1]

    def mean_price(self, start_s: int, hours: float) -> Price:
        """The price of an interval from `start_s` (seconds since 1970), averaged over it; period
        and version are those of its start.

        Remembered by the second, since planning asks for the same intervals again and again, and a
        number is found faster than an aware time. Raises as `price_at`.
        """
        price = self._means.get((start_s, hours))
        if price is None:
            if len(self._means) > MOST_REMEMBERED:
                self._means.clear()
            price = self._means[start_s, hours] = self._mean_price(start_s, hours)
        return price

    def _mean_price(self, start_s: int, hours: float) -> Price:
        start = datetime.fromtimestamp(start_s, UTC)
        day = self._day(start.astimezone(self.zone).date())
        if day.vector is not None:
            return _vector_price(day.vector, day.version, start, hours)
        price = self.price_at(start)
        if hours <= QUARTER_H:
            return price
        quarters = [
            self.price_at(start + i * QUARTER).per_kwh for i in range(round(hours / QUARTER_H))
        ]
        return price._replace(per_kwh=sum(quarters) / len(quarters))

    def price_series(
        self, starts: Sequence[datetime], step: timedelta | None = None
    ) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Prices per kWh, shape (n,), and n period names, of intervals given by their n starts: at
        the start or, with the length of a step, the mean over it.
        """
        epoch_s = np.array([int(start.timestamp()) for start in starts], dtype=np.int64)
        found = self.prices(epoch_s)
        periods = [label.period for label in found.labels]
        per_kwh, step_s = found.per_kwh, 0 if step is None else round(step.total_seconds())
        if step_s and len(epoch_s) and (part_s := self.part_s(epoch_s, step_s)) < step_s:
            parts = (epoch_s[:, None] + np.arange(0, step_s, part_s)).ravel()
            per_kwh = self.prices(parts).per_kwh.reshape(len(epoch_s), -1).mean(axis=1)
        return per_kwh, tuple(periods[label] for label in found.label)

    def part_s(self, epoch_s: Seconds, step_s: int) -> int:
        """The longest part of equal steps, of `step_s` seconds from the instants `epoch_s`, within
        which no price changes and no billing interval begins. Raises `TariffGap` where no tariff
        is valid.
        """
        edges_s = QUARTER_S  # periods and billing intervals begin at quarter hours, or at parts
        for day in np.unique(local_clock(epoch_s, self.zone)[0]):
            priced = self._day(date.fromordinal(int(day)))
            if priced.vector is not None:
                edges_s = gcd(edges_s, priced.vector.grid_s)
            for term in priced.version.demand:
                if term.mode != "capacity":
                    edges_s = gcd(edges_s, 60 * term.interval_min)
        return gcd(step_s, edges_s, int(epoch_s[0]) % edges_s) if len(epoch_s) else step_s

    def prices(self, epoch_s: Seconds) -> PriceSeries:
        """Prices at instants given in epoch seconds, shape (n,). Raises `TariffGap` if one of them
        has none.
        """
        days, minutes = local_clock(epoch_s, self.zone)
        unique, day_of = np.unique(days, return_inverse=True)
        by_day = [self._day(date.fromordinal(int(day))) for day in unique]
        distinct = {id(priced): priced for priced in by_day}
        number = {key: i for i, key in enumerate(distinct)}
        priced_of = np.array([number[id(priced)] for priced in by_day], dtype=np.int64)[day_of]
        per_kwh, label = np.empty(len(epoch_s)), np.empty(len(epoch_s), dtype=np.int64)
        labels: dict[Price, int] = {}
        for i, priced in enumerate(distinct.values()):
            mine = np.flatnonzero(priced_of == i)
            prices = priced.prices or (Price(nan, VECTOR_PERIOD, priced.version.name),)
            label_of = np.array(
                [labels.setdefault(price, len(labels)) for price in prices], dtype=np.int64
            )
            if priced.vector is not None:
                per_kwh[mine], label[mine] = priced.vector.at(epoch_s[mine]), label_of[0]
            else:
                slot = np.searchsorted(priced.starts, minutes[mine], side="right") - 1
                per_kwh[mine] = np.array([price.per_kwh for price in prices])[slot]
                label[mine] = label_of[slot]
        unpriced = np.flatnonzero(np.isnan(per_kwh))
        if unpriced.size:
            breaks = np.flatnonzero(np.diff(unpriced) > 1)
            last = unpriced[breaks[0] if breaks.size else -1]
            hole_s = int(epoch_s[unpriced[0]]), int(epoch_s[last])
            raise _no_price(*(datetime.fromtimestamp(each, self.zone) for each in hole_s))
        return PriceSeries(per_kwh, label, tuple(labels), days, minutes)

    def cuts_intervals(self, epoch_s: Seconds, step_s: int) -> bool:
        """Whether a billing interval of a demand charge begins within one of equal steps that are
        not longer than it. Raises `TariffGap` where no tariff is valid.
        """
        lengths_s = {
            60 * term.interval_min
            for day in np.unique(local_clock(epoch_s, self.zone)[0])
            for term in self.version(date.fromordinal(int(day))).demand
            if term.mode != "capacity"
        }
        return any(
            length_s % step_s or int(epoch_s[0]) % gcd(step_s, length_s)
            for length_s in lengths_s
            if step_s <= length_s
        )

    def day(self, day: date) -> tuple[PricedSlot, ...]:
        """The slots of a local day in order of time. Raises `TariffGap` if it has no version, or a
        price is missing.
        """
        priced = self._day(day)
        if priced.vector is None:
            return priced.slots
        if day not in self._vector_days:
            self._vector_days[day] = self._vector_slots(priced.vector, day)
        return self._vector_days[day]

    def version(self, day: date) -> TariffVersion:
        """The version that holds on a local day. Raises `TariffGap` if there is none."""
        return self._day(day).version

    def _day(self, day: date) -> _DayPrices:
        if day not in self._days:
            self._days[day] = self._priced(day)
        return self._days[day]

    def _priced(self, day: date) -> _DayPrices:
        version = version_on(self.tariffs, day)
        if version is None:
            known = ", ".join(
                f"{v.name} from {v.valid_from} to {v.valid_to or 'open end'}" for v in self.tariffs
            )
            raise TariffGap(NO_TARIFF, day=day.isoformat(), known=known)
        if version.vector is not None:
            key: tuple[object, ...] = (id(version),)
            if key not in self._by_rules:
                vector = read_price_vector(version.vector, self.zone)
                self._by_rules[key] = _DayPrices(version, vector=vector)
            return self._by_rules[key]
        rules, month = rules_on(version, day), f"{day:%Y-%m}"
        key = (
            id(version),
            id(rules.calendar),
            *map(id, rules.special),
            version.floating_by_month.get(month),
        )
        if key not in self._by_rules:
            slots = []
            for slot in slots_on(rules):
                price = price_of(version, slot.period, rules.calendar, month)
                if price is None:
                    raise TariffGap(
                        NO_PERIOD_PRICE, tariff=version.name, period=slot.period, month=month
                    )
                slots.append(PricedSlot(*slot, price))
            self._by_rules[key] = _DayPrices(
                version,
                slots=tuple(slots),
                starts=tuple(slot.start_min for slot in slots),
                prices=tuple(Price(slot.price, slot.period, version.name) for slot in slots),
            )
        return self._by_rules[key]

    def _vector_slots(self, vector: VectorPrices, day: date) -> tuple[PricedSlot, ...]:
        """The prices of a day as slots of its wall clock; of an hour that occurs twice, the first
        is shown.
        """
        midnight = datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)
        first_s, step_s = int(midnight.timestamp()), min(vector.step_s, QUARTER_S)
        # Two hours more than a day: the longest one, in autumn, has 25 hours.
        instants = np.arange(first_s, first_s + DAY_S + 7200, step_s, dtype=np.int64)
        days, minutes = local_clock(instants, self.zone)
        of_day = days == day.toordinal()
        by_minute: dict[int, float] = {}
        for minute, price in zip(minutes[of_day], vector.at(instants)[of_day], strict=True):
            by_minute.setdefault(int(minute), float(price))
        if any(map(isnan, by_minute.values())):
            raise TariffGap(NO_VECTOR_DAY, day=day.isoformat())
        starts = sorted(by_minute)
        return tuple(
            PricedSlot(start, end, VECTOR_PERIOD, by_minute[start])
            for start, end in zip(starts, [*starts[1:], DAY_MIN], strict=True)
        )


def _vector_price(
    vector: VectorPrices, version: TariffVersion, start: datetime, hours: float
) -> Price:
    mean = vector.mean(int(start.timestamp()), hours)
    if isnan(mean):
        raise _no_price(start)
    return Price(mean, VECTOR_PERIOD, version.name)


def _no_price(when: datetime, last: datetime | None = None) -> TariffGap:
    if last is None or last == when:
        return TariffGap(NO_VECTOR_PRICE, start=when.isoformat())
    return TariffGap(NO_VECTOR_SPAN, start=when.isoformat(), end=last.isoformat())
