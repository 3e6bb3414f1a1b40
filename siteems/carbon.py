"""From energy to CO2: one factor, always told together with where it comes from."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from siteems.errors import SiteFileError
from siteems.mistakes import choices
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


def with_factor(data: dict[str, Any], site_file: Path) -> dict[str, Any]:
    """A site file's content, a named emission factor (`carbon = "name"`) looked up. Raises `SiteFileError`."""
    name = data.get("carbon")
    if not isinstance(name, str):
        return data
    known = known_factors()
    if name not in known:
        raise SiteFileError(f'{site_file}: carbon = "{name}": no such emission factor; {choices(name, known)}')
    return data | {"carbon": known[name]}
