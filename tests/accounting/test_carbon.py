"""Emission factors: the arithmetic, and the record that is shown with every result."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from siteems.accounting.carbon import co2_kg, describe
from siteems.config.seeds import seed_path
from siteems.errors import SiteFileError
from siteems.site.emission_factors import FACTORS, known_factors
from siteems.site.model import EmissionFactor
from siteems.site.read_file import load_site

FACTOR = EmissionFactor(
    kg_per_kwh=0.5703,
    scope="location",
    region="China",
    data_year=2022,
    source="national notice of February 2023",
)


def test_golden_tonnes() -> None:
    assert co2_kg(570e6, FACTOR) / 1000 == pytest.approx(325_071)
    assert co2_kg(1.77e6, FACTOR) / 1000 == pytest.approx(1_009.4, abs=0.05)


def test_savings_are_negative_and_unknown_stays_unknown() -> None:
    assert co2_kg(-10.0, FACTOR) == pytest.approx(-5.703)
    assert math.isnan(co2_kg(math.nan, FACTOR))


def test_description_is_the_whole_record_on_one_line() -> None:
    text = describe(FACTOR)
    assert (
        text == "0.5703 kgCO2/kWh, location, China, data of 2022, national notice of February 2023"
    )


@pytest.mark.parametrize("name", known_factors())
def test_every_record_that_comes_with_siteems_is_complete(name: str) -> None:
    factor = EmissionFactor(**known_factors()[name])
    assert 0.2 < factor.kg_per_kwh < 0.9
    assert name.endswith(str(factor.data_year))
    assert ("residual" in name, "footprint" in name) == (
        factor.scope == "residual",
        factor.scope == "footprint",
    )


def test_a_site_file_takes_a_record_by_its_name(tmp_path: Path) -> None:
    text = (seed_path("hangzhou-macro") / "site.toml").read_text(encoding="utf-8")
    named = re.sub(r"\[carbon\]\n(?:\S.*\n)+", "", text).replace(
        "schema_version = 1", 'schema_version = 1\ncarbon = "zhejiang-2022"'
    )
    (tmp_path / "site.toml").write_text(named, encoding="utf-8")
    (tmp_path / "day.csv").write_bytes((seed_path("hangzhou-macro") / "day.csv").read_bytes())
    assert describe(load_site(tmp_path).carbon).startswith(
        "0.5153 kgCO2/kWh, location, China, Zhejiang, data of 2022"
    )


def test_an_unknown_name_is_refused_with_what_is_near() -> None:
    with pytest.raises(SiteFileError, match=r"no such emission factor; did you mean china-202\d\?"):
        FACTORS.resolve({"carbon": "china-2032"}, Path("site.toml"))
