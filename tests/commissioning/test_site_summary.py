"""The page that `siteems check` prints, also for sites at which nothing can be gained."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from command_sites import site_with

from drivers.roles import COMMAND_POINTS
from siteems.commissioning.site_summary import COMMANDS, summarise
from siteems.config.seeds import seed_path
from siteems.site.model import Site
from siteems.site.questions import lease_warnings
from siteems.site.read_file import load_site

SEED = seed_path("hangzhou-macro")
DAY = date(2026, 7, 15)


def summary(folder: Path, *edits: tuple[str, str]) -> str:
    """The page of the seed after some edits, with single blanks."""
    text = (SEED / "site.toml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    shutil.copy(SEED / "day.csv", folder)
    (folder / "site.toml").write_text(text, encoding="utf-8")
    page = summarise(load_site(folder), DAY)
    assert all(line == line.rstrip() for line in page.splitlines())
    return "\n".join(" ".join(line.split()) for line in page.splitlines())


def test_page_of_the_seed(tmp_path: Path) -> None:
    page = summary(tmp_path)
    for line in (
        "hangzhou-macro: Hangzhou 5G macro site (example)",
        "smu rectifier, battery generic-smu-lead cabinet (tcp://127.0.0.1:15020) unit 2",
        "commanded by the rectifiers' current limit and its charge-current limit",
        "18:00-22:00 sharp 1.2318",
        "▁▁▁▁▁▁▁▄▄▄▄▁▁▁▄▄▇▇████▇▄ one bar per hour, a high bar is expensive",
        "21.7 kWh = 46% of the battery for 3 h at 4.46 kW (P95 of the typical load)",
        "free for arbitrage: 25.3 kWh = 54% of the battery",
        "pays on this day: a kWh shifted from valley 0.3652 to sharp 1.2318 earns 0.846 CNY/kWh",
        "(round trip 85%, rectifier 94.8%); minus wear of 0.43 that leaves 0.416",
        "0.5306 kgCO2/kWh, location, China, national average, data of 2023, "
        "MEE and NBS, published January 2026",
    ):
        assert line in page.splitlines(), line


@pytest.mark.parametrize(
    ("rated_ah", "reason"),
    [
        (440, "the reserve takes the whole battery"),
        (420, "the reserve with its margin is larger than the battery"),
    ],
)
def test_no_room_for_arbitrage_is_stated_with_its_reason(
    tmp_path: Path, rated_ah: int, reason: str
) -> None:
    page = summary(tmp_path, ("rated_ah = 1000", f"rated_ah = {rated_ah}"))
    assert f"no room for arbitrage: {reason}" in page
    assert "but there is no room for it above the backup reserve" in page
    assert "free for arbitrage" not in page


def test_flat_tariff_never_pays(tmp_path: Path) -> None:
    one = "{ sharp = 1, peak = 1, flat = 1, valley = 1, deep = 1 }"
    page = summary(
        tmp_path, ("{ sharp = 2.05, peak = 1.85, flat = 1.0, valley = 0.4, deep = 0.2 }", one)
    )
    assert "does not pay on this day: the price is flat" in page
    assert "▄" * 24 in page


def test_wear_above_the_spread_does_not_pay(tmp_path: Path) -> None:
    page = summary(tmp_path, ("wear_per_kwh = 0.43", "wear_per_kwh = 0.9"))
    assert "does not pay on this day: a kWh shifted from valley" in page
    assert "minus wear of 0.9 that leaves -0.054" in page


def test_day_without_tariff() -> None:
    page = summarise(load_site(SEED), date(2026, 6, 30))
    assert "no tariff is valid on 2026-06-30" in page
    assert "unknown without a tariff" in page
    assert "free for arbitrage" in page


def test_every_battery_command_has_a_text() -> None:
    assert COMMANDS.keys() == COMMAND_POINTS.keys()


RATIO = ('map = "eastron-sdm630"', 'map = "eastron-sdm630"\nratio = {}')


@pytest.mark.parametrize(
    ("ratio", "question"),
    [
        (20, None),
        (50, None),
        (0.05, "shows at most 0.207 kW, and the grid connection carries 12 kW"),
        (2, "shows at most 8.28 kW, and the grid connection carries 12 kW"),
        (200, "shows up to 828 kW, and the grid connection carries 12 kW"),
    ],
)
def test_a_ratio_that_does_not_fit_the_connection_is_asked_about(
    tmp_path: Path, ratio: float, question: str | None
) -> None:
    page = summary(tmp_path, (RATIO[0], RATIO[1].format(ratio)))
    assert (question is None) == ("Questions" not in page)
    assert question is None or question in page


def test_a_driven_device_without_a_lease_is_warned_of(rural: Site, tmp_path: Path) -> None:
    """A pv limit is not driven, so the solar charger of the seeds needs no lease."""
    assert list(lease_warnings(rural)) == []
    (warning,) = lease_warnings(site_with(rural, "victron-gx", tmp_path))
    assert "victron-gx) has no time-out" in warning
    assert "may hold the last grid_setpoint_kw for good" in warning
    assert list(lease_warnings(site_with(rural, "sungrow-sh", tmp_path))) == []
