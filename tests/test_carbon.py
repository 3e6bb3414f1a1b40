"""Emission factors: the arithmetic, and that a result never travels without its record."""

from __future__ import annotations

import math

import pytest

from siteems.carbon import co2_kg, describe
from siteems.site import EmissionFactor

FACTOR = EmissionFactor(
    kg_per_kwh=0.5703, scope="location", region="China", data_year=2022, source="national notice of February 2023"
)


def test_golden_tonnes() -> None:
    assert co2_kg(570e6, FACTOR) / 1000 == pytest.approx(325_071)
    assert co2_kg(1.77e6, FACTOR) / 1000 == pytest.approx(1_009.4, abs=0.05)


def test_savings_are_negative_and_unknown_stays_unknown() -> None:
    assert co2_kg(-10.0, FACTOR) == pytest.approx(-5.703)
    assert math.isnan(co2_kg(math.nan, FACTOR))


def test_description_is_the_whole_record_on_one_line() -> None:
    text = describe(FACTOR)
    assert text == "0.5703 kgCO2/kWh, location, China, data of 2022, national notice of February 2023"
