"""Programmes: all that come with siteems load and state their sources, and errors are one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from siteems.config.seeds import seeds_folder
from siteems.demand_response.programme import FIGURES, at_cleared_price
from siteems.demand_response.programme_files import (
    find_programme,
    known_programmes,
    load_programme,
)
from siteems.errors import UserError

DAY_AHEAD = "zhejiang-2021-day-ahead"


def seed_text(name: str = DAY_AHEAD) -> str:
    return (seeds_folder() / "programmes" / f"{name}.toml").read_text(encoding="utf-8")


def errors_of(tmp_path: Path, text: str) -> tuple[str, ...]:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        find_programme("mine.toml", tmp_path)
    return raised.value.lines


@pytest.mark.parametrize("name", known_programmes())
def test_a_programme_that_comes_with_siteems_loads_under_its_name(name: str) -> None:
    programme = find_programme(name)
    assert programme.name == name
    assert all(programme.source_of(figure) for figure in FIGURES)


def test_there_are_programmes_of_several_countries_and_of_both_directions() -> None:
    programmes = [find_programme(name) for name in known_programmes()]
    assert {each.currency for each in programmes} == {"CNY", "USD", "GBP"}
    assert {each.direction for each in programmes} == {"shed", "fill"}


@pytest.mark.parametrize(
    ("name", "price", "capacity"),
    [
        (DAY_AHEAD, 4.0, None),
        ("zhejiang-2021-hour-ahead", 4.0, 0.25),
        ("zhejiang-2021-minutes", 4.0, 1.0),
        ("zhejiang-2021-fill", 1.2, None),
        ("hainan-2025-contracted", 1.0, 0.3),
        ("hainan-2025-fill-emergency", 0.4, None),
        ("shenzhen-2023-precise", 5.0, None),
        ("pge-bip", 0.0, 8.0),
    ],
)
def test_the_figures_are_those_of_the_rules(
    name: str, price: float, capacity: float | None
) -> None:
    programme = find_programme(name)
    assert (programme.price_per_kwh, programme.capacity_per_kw_month) == (price, capacity)


def test_a_figure_is_sourced_by_its_own_source_else_by_the_document_or_assumed() -> None:
    programme = find_programme("gb-dfs-2022")
    assert programme.source_of("price_per_kwh").startswith("utilityweek.co.uk")
    assert programme.source_of("least_kw") == programme.source
    assert programme.source_of("valid_high") == "assumed"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("valid_low = 0.8", "valid_low = 80", "valid_low = 80: too large; this is a share from 0"),
        ("valid_high = 1.2", "valid_high = 0.9", "valid_high = 0.9: too small; allowed: a number"),
        ("price_per_kwh = 4.0", "", "price_per_kwh: is missing; allowed: a number of at least 0"),
        ("price_per_kwh = 4.0", 'price_per_kwh = "4 CNY"', "write 4 without quotes"),
        ("price_per_kwh = 4.0", "price_per_kwh = inf", "not a finite number"),
        ('direction = "shed"', 'direction = "up"', "not known; allowed: shed or fill"),
        ('currency = "CNY"', 'currency = "yuan"', "allowed: three capital letters"),
        ("valid_low", "valid_lo", "valid_lo = 0.8: unknown key; did you mean valid_low?"),
        ("settlement_min = 60", "settlement_min = 45", "allowed: 5 or 15 or 30 or 60"),
        ("penalty_factor = 0.5", "", "penalty_below = 0.5: has no price; give penalty_factor"),
        ("penalty_below = 0.5", "", "penalty_below: is missing; a penalty needs the share"),
        (
            "penalty_factor = 0.5",
            "penalty_factor = 0.5\npenalty_per_kwh = 2",
            "penalty_below = 0.5: has two prices; give penalty_factor or penalty_per_kwh",
        ),
        (
            "notice_min = 1440",
            "capacity_per_kw_month = 1.0",
            "capacity_basis: does not go with capacity_per_kw_month; give both or neither",
        ),
        (
            "notice_min = 1440",
            "shortest_h = 4\nlongest_h = 2",
            "shortest_h = 4: above longest_h 2; allowed: at most 2",
        ),
        ("notice_min = 1440", 'hours = ["9-12"]', 'write them as "16:00-23:00"'),
        ("notice_min = 1440", "months = [13]", "months[0] = 13: too large"),
        (
            'assumed = ["valid_low"',
            'assumed = ["valid_lo"',
            "valid_lo is not a figure; did you mean valid_low?",
        ),
        (
            "notice_min = 1440",
            '\n[sources]\nvalid_low = "a law"',
            'sources.valid_low = "a law": listed in assumed too; a figure has a source or is',
        ),
    ],
)
def test_an_error_is_one_line_with_file_key_and_what_is_allowed(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    text = seed_text()
    assert before in text
    if after.startswith("\n[sources]"):  # a table comes last
        text += after
    else:
        text = text.replace(before, after, 1)
    lines = errors_of(tmp_path, text)
    assert any(message in line for line in lines), lines
    assert all(line.startswith(f"{tmp_path / 'mine.toml'}: ") for line in lines)
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"= 3", "is not TOML"), (b"\xff", "is not UTF-8 text"), (None, "cannot be read")],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_programme(file)


def test_an_unknown_name_is_refused_with_one_that_is_similar() -> None:
    with pytest.raises(UserError, match=f"did you mean {DAY_AHEAD}"):
        find_programme("zhejiang-day-ahead")


def test_a_cleared_price_replaces_the_cap_and_is_its_own_source() -> None:
    cleared = at_cleared_price(find_programme(DAY_AHEAD), 2.96)
    assert (cleared.price_per_kwh, cleared.price_kind) == (2.96, "fixed")
    assert cleared.source_of("price_per_kwh") == "cleared for the event"
    with pytest.raises(UserError, match=r"allowed: 0 to 4"):
        at_cleared_price(find_programme(DAY_AHEAD), 4.01)
    with pytest.raises(UserError, match="fixed price"):
        at_cleared_price(replace(cleared), 1.0)
