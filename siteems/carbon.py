"""From energy to CO2: one factor, always told together with where it comes from."""

from __future__ import annotations

import tomllib
from typing import Any

from siteems.named import NamedRecords
from siteems.seeds import seeds_folder
from siteems.site import EmissionFactor

FILE = "emission-factors.toml"


def co2_kg(kwh: float, factor: EmissionFactor) -> float:
    """Emissions in kg of `kwh` drawn from the grid; negative energy (saved) gives negative emissions.

    Shifting energy in time saves none under an annual factor: only kWh that are not drawn do.
    """
    return kwh * factor.kg_per_kwh


def describe(factor: EmissionFactor) -> str:
    """The whole record on one line: value, scope, region, data year, source."""
    return (
        f"{factor.kg_per_kwh:g} kgCO2/kWh, {factor.scope}, {factor.region}, data of {factor.data_year}, {factor.source}"
    )


def known_factors() -> dict[str, dict[str, Any]]:
    """The records that come with siteems, by name."""
    return tomllib.loads((seeds_folder() / FILE).read_text(encoding="utf-8"))


FACTORS = NamedRecords("carbon", "emission factor", known_factors, lambda name, folder: known_factors().get(name))
