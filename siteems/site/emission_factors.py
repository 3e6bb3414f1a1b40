"""The emission factors that come with siteems."""

from __future__ import annotations

from typing import Any

from drivers.toml_text import read_toml
from siteems.config.named_records import NamedRecords
from siteems.config.seeds import seeds_folder

FILE = "emission-factors.toml"


def known_factors() -> dict[str, dict[str, Any]]:
    """The emission factors that come with siteems, by name, with the fields of `EmissionFactor`."""
    return read_toml((seeds_folder() / FILE).read_text(encoding="utf-8"))


FACTORS = NamedRecords(
    "carbon", "emission factor", known_factors, lambda name, folder: known_factors().get(name)
)
