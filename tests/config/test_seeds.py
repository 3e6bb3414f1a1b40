"""The seeds are found and load, and the figures of the report fit together as its README says."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from siteems.commissioning.site_summary import summarise
from siteems.config import seeds
from siteems.config.seeds import seed_names, seed_path
from siteems.errors import UserError
from siteems.site.read_file import load_site
from siteems.site.reserve import free_kwh, reserve_soc, worst_load_kw
from siteems.tariff.schedule import TariffSchedule

NAMES = ("hangzhou-macro", "rural-lfp")
COLUMNS = [
    "time",
    "dc_load_kw",
    "ac_load_kw",
    "pv_kw",
    "outdoor_temp_c",
    "ghi_w_m2",
    "mains_available",
]


def test_names() -> None:
    assert seed_names() == NAMES


def test_an_unknown_name_lists_the_example_sites() -> None:
    with pytest.raises(UserError, match="hangzhou-macro, rural-lfp"):
        seed_path("../seeds/hangzhou-macro")


def test_packaged_seeds_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "packaged" / "elsewhere").mkdir(parents=True)
    (tmp_path / "packaged" / "elsewhere" / "site.toml").touch()
    checkout = seeds.SEED_FOLDERS[1]
    monkeypatch.setattr(seeds, "SEED_FOLDERS", (tmp_path / "packaged", checkout))
    assert seed_names() == ("elsewhere",)
    monkeypatch.setattr(seeds, "SEED_FOLDERS", (tmp_path / "absent", checkout))
    assert seed_names() == NAMES
    monkeypatch.setattr(seeds, "SEED_FOLDERS", (tmp_path / "absent",))
    with pytest.raises(UserError, match="there are none at all"):
        seed_path("rural-lfp")


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_loads_and_has_room_for_arbitrage_above_its_reserve(name: str) -> None:
    site = load_site(seed_path(name))
    load_kw = worst_load_kw(site.load, site.backup)
    assert site.site.id == name
    assert reserve_soc(site.battery, site.backup, load_kw) < 0.75
    assert free_kwh(site.battery, site.backup, load_kw) > 8
    assert site.demo is not None
    assert summarise(site, site.demo.date).count("pays on this day") == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_demo_day_is_complete_and_fits_the_site(name: str) -> None:
    site = load_site(seed_path(name))
    assert site.demo is not None
    assert site.pv is not None
    file = seed_path(name) / site.demo.profile
    assert file.read_text(encoding="utf-8").startswith("# Synthetic day")
    day = pd.read_csv(file, comment="#")
    assert list(day.columns) == COLUMNS
    assert not day.isna().any().any()
    times = [datetime.fromisoformat(text) for text in day["time"]]
    first = datetime.combine(site.demo.date, datetime.min.time(), site.site.zone)
    assert times == [first + timedelta(minutes=15 * step) for step in range(96)]
    assert day["pv_kw"].between(0, site.pv.rated_kwp).all()
    assert day["pv_kw"].iloc[:16].max() == 0
    assert day["dc_load_kw"].max() < site.rectifier.rated_kw
    hourly = day["dc_load_kw"].groupby(day.index // 4).mean()
    assert hourly.to_numpy() == pytest.approx(site.load.typical_dc_kw, rel=0.05)
    assert (day["mains_available"] == 1).all()


def test_at_hangzhou_cycling_pays_only_towards_the_evening() -> None:
    site = load_site(seed_path("hangzhou-macro"))
    slots = TariffSchedule(site.tariffs, site.site.zone).day(date(2026, 7, 15))
    spread = {slot.period: slot.price for slot in slots}
    round_trip = site.battery.charge_efficiency * site.battery.discharge_efficiency

    def net(period: str) -> float:
        return (spread[period] - spread["valley"] / round_trip) / 0.95 - site.battery.wear_per_kwh

    assert net("sharp") == pytest.approx(0.844 - 0.43, abs=1e-3)
    assert net("peak") > 0
    assert net("flat") < 0


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    file = seed_path("hangzhou-macro").parent / "report-2023.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def figure(report: dict[str, Any], key: str) -> float:
    value: float = report["figures"][key]["value"]
    return value


def test_every_figure_has_unit_scope_and_meaning(report: dict[str, Any]) -> None:
    for entry in report["figures"].values():
        assert entry.keys() == {"value", "unit", "scope", "what"}
        assert entry["scope"] in ("IN", "ADJ", "OUT")
        assert entry["unit"]
        assert entry["what"]


def test_pairs_imply_the_factors_as_documented(report: dict[str, Any]) -> None:
    for name, pair in report["pairs"].items():
        implied = figure(report, f"{name}-emissions") / (figure(report, f"{name}-energy") * 1000)
        assert implied == pytest.approx(pair["implied"], abs=5e-5), name


def test_the_case_under_each_factor(report: dict[str, Any]) -> None:
    energy_mwh = figure(report, "zhejiang-energy") * 1000
    for name, factor in report["factors"].items():
        assert energy_mwh * factor["value"] == pytest.approx(factor["case"], abs=60), name


@pytest.mark.parametrize(
    ("key", "tonnes"),
    [
        ("zhejiang", 325_071),
        ("jiangsu-pv", 325.1),
        ("guangxi-pv", 1_009.4),
        ("green-generated", 93_529),
    ],
)
def test_golden_tonnes_with_the_reported_factor(
    report: dict[str, Any], key: str, tonnes: float
) -> None:
    energy_mwh = figure(report, f"{key}-energy") * 1000
    assert energy_mwh * report["factors"]["reported"]["value"] == pytest.approx(
        tonnes, abs=0.5 if tonnes > 2e3 else 0.05
    )


def test_prices_and_shares(report: dict[str, Any]) -> None:
    def price(name: str) -> float:
        return figure(report, f"{name}-money") / figure(report, f"{name}-energy")

    assert price("zhejiang") == pytest.approx(0.614, abs=5e-4)
    assert price("rooms") == pytest.approx(0.676, abs=5e-4)
    group_twh = figure(report, "scope-2") / report["factors"]["reported"]["value"]
    assert group_twh == pytest.approx(61.7, abs=0.05)
    assert group_twh * figure(report, "base-station-share") / 100 == pytest.approx(35.8, abs=0.05)
    assert group_twh * figure(report, "data-centre-share") / 100 == pytest.approx(14.8, abs=0.05)
    assert figure(report, "zhejiang-energy") / 1000 / group_twh == pytest.approx(0.0092, abs=1e-4)
    assert figure(report, "saved-2021-2023") / figure(report, "saved-target-2025") == pytest.approx(
        0.49, abs=5e-3
    )


def test_misprints_are_as_documented(report: dict[str, Any]) -> None:
    def kg_per_sheet(name: str) -> float:
        return figure(report, f"{name}-emissions") / figure(report, f"{name}-sheets") / 1000

    assert kg_per_sheet("paper") == pytest.approx(19.4, abs=0.05)
    assert kg_per_sheet("procurement") == pytest.approx(0.002)
