"""The price of a period, such as `peak`: listed, or computed from a ratio."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from siteems.tariff.model import Calendar, TariffVersion


def price_of(
    version: TariffVersion, period: str, calendar: Calendar | None = None, month: str | None = None
) -> float | None:
    """Price per kWh of a period; None where the version has none.

    The price is the listed one, or floating x ratio + fixed. Prices and ratios of the calendar
    come before those of the version, the floating price of a month such as `"2026-01"` before the
    usual one. Rounded half up to `price_decimals` in decimal arithmetic, as price lists are.
    """
    prices = {**version.prices, **(calendar.prices if calendar else {})}
    ratios = {**version.ratios, **(calendar.ratios if calendar else {})}
    floating = version.floating_by_month.get(month or "", version.floating_per_kwh)
    if period in prices:
        price = _exact(prices[period])
    elif period in ratios and floating is not None:
        price = _exact(floating) * _exact(ratios[period]) + _exact(version.fixed_per_kwh)
    else:
        return None
    return float(price.quantize(Decimal(1).scaleb(-version.price_decimals), ROUND_HALF_UP))


def _exact(value: float) -> Decimal:
    """The decimal that was written, not the binary fraction nearest to it."""
    return Decimal(str(value))
