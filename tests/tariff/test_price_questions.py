"""Prices that are probably not meant are asked about; published tariffs are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from siteems.config.seeds import seed_path
from siteems.site.read_file import load_site
from siteems.tariff.model import Calendar, TariffVersion
from siteems.tariff.questions import price_questions

ALL_YEAR = tuple(range(1, 13))
FLAT = TariffVersion(
    name="flat",
    source="test",
    valid_from=date(2026, 1, 1),
    calendars=(Calendar(months=ALL_YEAR, periods={"day": ("00:00-24:00",)}),),
)


@pytest.mark.parametrize(
    ("version", "currency", "question"),
    [
        (replace(FLAT, prices={"day": 60.0}), "CNY", "price of day = 60 CNY/kWh: is it meant?"),
        (replace(FLAT, prices={"day": 450.0}), "EUR", "is it per MWh, or in cents?"),
        (replace(FLAT, prices={"day": -0.4}), "EUR", "listed prices are 0 or more"),
        (
            replace(FLAT, floating_per_kwh=0.5, fixed_per_kwh=1.0, ratios={"day": -1.6}),
            "CNY",
            "ratio of day = -1.6: is it meant?",
        ),
        (replace(FLAT, floating_per_kwh=0.01, ratios={"day": 160.0}), "CNY", "ratio of day = 160"),
        (replace(FLAT, prices={"day": 0.5}, export_per_kwh=30.0), "EUR", "export_per_kwh = 30"),
    ],
)
def test_it_is_asked_about(version: TariffVersion, currency: str, question: str) -> None:
    (line,) = price_questions([version], currency)
    assert question in line


@pytest.mark.parametrize(("price", "currency"), [(8.0, "INR"), (30.0, "JPY"), (90.0, "XAF")])
def test_prices_of_other_currencies_are_not(price: float, currency: str) -> None:
    assert not list(price_questions([replace(FLAT, prices={"day": price})], currency))


@pytest.mark.parametrize("name", ["hangzhou-macro"])
def test_shipped_sites_have_no_question(name: str) -> None:
    site = load_site(seed_path(name))
    assert not list(price_questions(site.tariffs, site.site.currency))
