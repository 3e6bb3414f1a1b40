"""From energy to CO2: one emission factor, always shown together with its source."""

from __future__ import annotations

from siteems.site.model import EmissionFactor


def co2_kg(kwh: float, factor: EmissionFactor) -> float:
    """Emissions in kg of `kwh` drawn from the grid; saved energy is negative and so are its
    emissions.

    Shifting energy in time avoids no emissions under an annual factor; only energy that is not
    drawn does.
    """
    return kwh * factor.kg_per_kwh


def describe(factor: EmissionFactor) -> str:
    """The whole record on one line: value, scope, region, data year, source."""
    value = f"{factor.kg_per_kwh:g} kgCO2/kWh"
    return f"{value}, {factor.scope}, {factor.region}, data of {factor.data_year}, {factor.source}"
