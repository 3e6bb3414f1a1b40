"""Tariffs that do not price every hour once: each gap or overlap is one error with its hours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.tariff.check import tariff_errors
from siteems.tariff.hours import DAY_MIN, clock, parse_hours, slots_of
from siteems.tariff.model import Calendar, DemandTerm, TariffVersion

YEAR = tuple(range(1, 13))
Periods = dict[str, tuple[str, ...]]
WHOLE_DAY: Periods = {"flat": ("00:00-24:00",)}


def calendar(
    months: Iterable[int] = YEAR, days: Iterable[date] = (), periods: Periods = WHOLE_DAY
) -> Calendar:
    return Calendar(months=tuple(months), days=tuple(days), periods=periods)


def version(**changes: Any) -> TariffVersion:
    given: dict[str, Any] = {
        "name": "one",
        "source": "test",
        "valid_from": date(2026, 1, 1),
        "prices": {"flat": 1.0, "peak": 2.0},
        "calendars": (calendar(),),
    }
    return TariffVersion(**(given | changes))


def wrongs(*versions: TariffVersion) -> list[str]:
    return [error.wrong for error in tariff_errors(versions)]


def test_a_complete_tariff_has_no_error() -> None:
    assert wrongs(version()) == []
    assert wrongs(version(prices={}, floating_per_kwh=0.5, ratios={"flat": 1.0})) == []


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ({"flat": ("00:00-08:00", "09:00-24:00")}, ["08:00-09:00 belongs to no period"]),
        ({"flat": ("01:00-24:00",)}, ["00:00-01:00 belongs to no period"]),
        ({"flat": ("00:00-23:30",)}, ["23:30-24:00 belongs to no period"]),
        (
            {"flat": ("00:00-09:00",), "peak": ("08:00-24:00",)},
            ["08:00-09:00 is both flat and peak"],
        ),
        (
            {"flat": ("00:00-24:00",), "peak": ("08:00-09:00",)},
            ["08:00-09:00 is both flat and peak"],
        ),
        (
            {"flat": ("00:00-09:00", "12:00-24:00"), "peak": ("08:00-11:00",)},
            ["08:00-09:00 is both flat and peak", "11:00-12:00 belongs to no period"],
        ),
    ],
)
def test_gaps_and_overlaps_are_named_with_their_hours(
    periods: Periods, expected: list[str]
) -> None:
    assert wrongs(version(calendars=(calendar(periods=periods),))) == expected


def test_every_unreadable_hour_is_one_error() -> None:
    tariff = version(
        calendars=(calendar(periods={"flat": ("0-8", "08:00-25:00"), "peak": ("22:00-06:00",)}),)
    )
    errors = list(tariff_errors((tariff,)))
    assert [m.key_path[-2:] for m in errors] == [("flat", 0), ("flat", 1), ("peak", 0)]


def test_months_belong_to_one_calendar() -> None:
    assert wrongs(version(calendars=(calendar(range(1, 11)),))) == ["no calendar for month 11, 12"]
    assert wrongs(version(calendars=(calendar(), calendar([3])))) == [
        "more than one calendar for month 3"
    ]
    assert wrongs(version(calendars=(calendar(), calendar([])))) == ["never holds"]
    day = date(2026, 10, 1)
    assert wrongs(version(calendars=(calendar(), calendar([], [day]), calendar([], [day])))) == [
        "2026-10-01 is listed twice"
    ]


def test_every_period_has_one_price() -> None:
    assert wrongs(version(prices={"peak": 2.0})) == ["no price for the period flat"]
    assert wrongs(version(ratios={"flat": 1.0}, floating_per_kwh=0.5)) == ["priced twice"]
    assert wrongs(version(ratios={"valley": 1.0})) == ["is missing"]


def test_versions_follow_each_other_without_gap_or_overlap() -> None:
    first = version(valid_to=date(2026, 7, 1))
    assert wrongs(version(name="two", valid_from=date(2026, 7, 1)), first) == []
    assert wrongs(first, version(name="two", valid_from=date(2026, 8, 1))) == [
        "no tariff is valid from 2026-07-01 to 2026-08-01"
    ]
    assert wrongs(first, version(name="two", valid_from=date(2026, 6, 1))) == [
        "one still holds then"
    ]
    assert wrongs(version(), version(name="two", valid_from=date(2026, 6, 1))) == [
        "one still holds then"
    ]
    assert wrongs(first, version(valid_from=date(2026, 7, 1))) == ["used twice"]
    assert wrongs(version(valid_to=date(2026, 1, 1))) == ["not after valid_from 2026-01-01"]


@pytest.mark.parametrize(
    "text", ["", "16-23", "16:00", "16:00 - 23:00", "24:00-24:00", "12:00-24:30", "09:00-08:00"]
)
def test_text_that_is_not_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="; "):
        parse_hours(text)


@given(st.sets(st.integers(1, DAY_MIN - 1), max_size=8), st.data())
def test_any_partition_of_the_day_is_complete_and_any_missing_part_is_a_gap(
    cuts: set[int], data: st.DataObject
) -> None:
    borders = [0, *sorted(cuts), DAY_MIN]
    pieces = [f"{clock(start)}-{clock(end)}" for start, end in pairwise(borders)]
    names = [data.draw(st.sampled_from(["flat", "peak"])) for _ in pieces]
    periods = {
        name: tuple(p for p, n in zip(pieces, names, strict=True) if n == name)
        for name in set(names)
    }
    whole = calendar(periods=periods)
    assert wrongs(version(calendars=(whole,))) == []
    assert [slot.end_min for slot in slots_of(whole.periods)] == borders[1:]
    gone = data.draw(st.sampled_from(pieces))
    without = {
        name: tuple(piece for piece in listed if piece != gone) for name, listed in periods.items()
    }
    assert wrongs(version(calendars=(calendar(periods=without),))) == [
        f"{gone} belongs to no period"
    ]


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ([(1.05, 2.0)], None),
        ([(1.05, 2.0), (1.2, 3.0)], None),
        ([(105.0, 2.0)], "a share of 105 is 105 times the contract"),
        ([(1.05, 0.5)], "more demand would cost less per kW"),
        ([(1.05, 2.0), (1.1, 1.0)], "more demand would cost less per kW"),
        ([(1.2, 2.0), (1.05, 3.0)], "shares do not rise from the contract up"),
    ],
)
def test_the_price_of_demand_above_the_contract(
    over: list[tuple[float, float]], wrong: str | None
) -> None:
    term = DemandTerm(mode="contract", price_per_kw=30.0, over=tuple(over))
    assert wrongs(version(demand=(term,))) == ([] if wrong is None else [wrong])


@pytest.mark.parametrize("span", ["02-30/03-15", "06-01/13-45", "00-10/02-01", "02-01/06-31"])
def test_dates_that_do_not_exist(span: str) -> None:
    term = DemandTerm(mode="measured", price_per_kw=30.0, dates=(span,))
    [wrong] = wrongs(version(demand=(term,)))
    assert wrong.startswith("there is no ")
    good = DemandTerm(mode="measured", price_per_kw=30.0, dates=("02-29/06-30",))
    assert wrongs(version(demand=(good,))) == []
