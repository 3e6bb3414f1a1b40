"""Prices that a tariff may have but hardly has: asked about, not refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from siteems.tariff.model import TariffVersion
from siteems.tariff.period_price import price_of
from siteems.tariff.price_vector import read_price_vector

HIGHEST_PER_KWH: Mapping[str, float] = {
    **dict.fromkeys(("EUR", "USD", "GBP", "CHF", "CAD", "AUD", "NZD", "SGD"), 3.0),
    **dict.fromkeys(("CNY", "HKD", "BRL", "PLN", "MYR", "DKK", "SEK", "NOK", "ILS"), 10.0),
    **dict.fromkeys(("TWD", "THB", "ZAR", "MXN", "CZK", "TRY", "UAH", "EGP"), 50.0),
    **dict.fromkeys(("INR", "PHP", "BDT", "KES", "RUB"), 60.0),
    **dict.fromkeys(("JPY", "PKR", "LKR", "HUF"), 300.0),
}
"""A kWh above this has never been a usual price; currencies that are not listed are not judged."""
HIGHEST_RATIO = 10.0
"""The sharpest published ratios are about 3, over the deepest valleys of 0.1."""


def price_questions(tariffs: Sequence[TariffVersion], currency: str) -> Iterator[str]:
    """A line for each price or ratio of the tariffs that is probably not meant."""
    for version in tariffs:
        ratios = dict(version.ratios)
        for calendar in version.calendars:
            ratios |= calendar.ratios
        for period, ratio in sorted(ratios.items()):
            if not 0.0 <= ratio <= HIGHEST_RATIO:
                yield (
                    f"{version.name}: ratio of {period} = {ratio:g}: is it meant? usual are 0 to "
                    f"{HIGHEST_RATIO:g}"
                )
        seen: dict[str, float] = {}
        for calendar in version.calendars:
            for period in calendar.periods:
                price = price_of(version, period, calendar, None)
                if price is not None:
                    seen[period] = max(price, seen.get(period, price), key=abs)
        for period, price in sorted(seen.items()):
            yield from price_question(f"{version.name}: price of {period}", price, currency)
        if version.export_per_kwh is not None:
            price = version.export_per_kwh
            yield from price_question(f"{version.name}: export_per_kwh", price, currency)

        for month, floating in version.floating_by_month.items():
            name = f"{version.name}: floating_by_month {month}"
            yield from price_question(name, floating, currency)
        used = {period for calendar in version.calendars for period in calendar.periods}
        used |= {period for days in version.special_days for period in days.periods}
        for name in sorted({*version.prices, *version.ratios} - used):
            yield f"{version.name}: {name} has a price or a ratio: is it meant? no hour has it"


def vector_questions(
    tariffs: Sequence[TariffVersion], currency: str, zone: ZoneInfo
) -> Iterator[str]:
    """A line for each price vector whose factor or prices are probably not meant."""
    highest = HIGHEST_PER_KWH.get(currency)
    for version in tariffs:
        if version.vector is None:
            continue
        factor = version.vector.factor
        if not 0.0 < factor <= HIGHEST_RATIO:
            yield (
                f"{version.name}: vector.factor = {factor:g}: is it meant? usual are above 0, up "
                f"to {HIGHEST_RATIO:g}"
            )
        prices = np.abs(read_price_vector(version.vector, zone).per_kwh)
        usual = float(np.nanmedian(prices)) if np.isfinite(prices).any() else 0.0
        if highest is not None and usual > highest:
            yield (
                f"{version.name}: the vector's prices are usually {usual:.4g} {currency}/kWh: is "
                f'it meant? usual are up to {highest:g}; prices per MWh have per = "MWh"'
            )


def price_question(name: str, per_kwh: float, currency: str) -> Iterator[str]:
    """A line about a listed price that is negative or higher than prices are in a currency."""
    highest = HIGHEST_PER_KWH.get(currency)
    if highest is not None and per_kwh > highest:
        yield (
            f"{name} = {per_kwh:g} {currency}/kWh: is it meant? usual are up to {highest:g}; is it "
            "per MWh, or in cents?"
        )
    elif per_kwh < 0.0:
        yield f"{name} = {per_kwh:g} {currency}/kWh: is it meant? listed prices are 0 or more"
