"""From energy to CO2: one factor, always told together with where it comes from."""

from __future__ import annotations

from siteems.site.model import EmissionFactor


def co2_kg(kwh: float, factor: EmissionFactor) -> float:
    """Emissions in kg of `kwh` drawn from the grid; negative energy (saved) gives negative
    emissions.

    Shifting energy in time saves none under an annual factor: only kWh that are not drawn do.
    """
    return kwh * factor.kg_per_kwh


def describe(factor: EmissionFactor) -> str:
    """The whole record on one line: value, scope, region, data year, source."""
    value = f"{factor.kg_per_kwh:g} kgCO2/kWh"
    return f"{value}, {factor.scope}, {factor.region}, data of {factor.data_year}, {factor.source}"
