"""Notations of time: each is read to the same instants, or refused with its line."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.read import rows_of
from siteems.recordings.table import Table
from siteems.recordings.time_source import TimeSource
from siteems.recordings.timestamps import in_utc, read_timestamps, with_known_day

HERE, SHANGHAI = Path("it.csv"), ZoneInfo("Asia/Shanghai")
MIDNIGHT = ["2026-07-05T16:00:00+00:00", "2026-07-05T16:15:00+00:00"]
"""2026-07-06 00:00 and 00:15 in Shanghai."""


def utc(cells: list[object], source: TimeSource | None = None, name: str = "time") -> list[str]:
    table = Table(HERE, pd.DataFrame({name: cells}, index=range(2, len(cells) + 2)))
    return [t.isoformat() for t in in_utc(read_timestamps(table, source), SHANGHAI).times]


@pytest.mark.parametrize(
    "cells",
    [
        ["2026-07-06", "2026-07-06 00:15"],
        ["2026-07-05 24:00", "2026-07-06 00:15"],
        ["2026-07-06T00:00", "2026-07-06T00:15"],
        ["2026-07-05T16:00Z", "2026-07-05T16:15Z"],
        ["2026-07-05 16:00 UTC", "2026-07-05 16:15 UTC"],
        ["2026-07-05 18:00:00+02", "2026-07-05 16:15:00+00"],
        ["2026-07-06T00:00+0800", "2026-07-06T00:15+0800"],
        ["2026-07-05T21:45:00.000+05:45", "2026-07-06T00:15:00.000+08:00"],
        ["2026-07-06 00:00 UTC+8", "2026-07-06 00:15 UTC+8"],
        ["20260706", "20260706T0015"],
        ["20260706 000000", "20260706 001500"],
        [202607060000, 202607060015],
        [20260706000000, 20260706001500],
        [1783267200, 1783268100],
        [1783267200.0, 1783268100.0],
        [1783267200000, 1783268100000],
        ["2026/7/6 0:00", "2026/7/6 0:15"],
        ["2026年7月6日", "2026年7月6日 0时15分"],
        ["2026年07月06日 上午12:00:00", "2026年07月06日 上午12:15:00"],
        ["6.7.2026", "6.7.2026 00:15"],
        ["06.07.2026 00:00", "06.07.2026 00:15"],
        ["6-Jul-2026 00:00", "06-July-2026 00:15"],
    ],
    ids=str,
)
def test_it_is_read(cells: list[object]) -> None:
    assert utc(cells) == MIDNIGHT


def test_a_day_above_12_shows_the_order_and_nothing_else_does() -> None:
    assert utc(["12/03/2027 00:00", "13/03/2027"])[0] == "2027-03-11T16:00:00+00:00"
    assert utc(["03/12/2027 12:30 PM", "3/13/2027"])[0] == "2027-03-12T04:30:00+00:00"
    unknown = ["06/07/2026 00:00", "06/07/2026 00:15"]
    with pytest.raises(UserError, match=r"line 2, column time: '06/07/2026 00:00' may be day or"):
        utc(unknown)
    assert utc(unknown, TimeSource(day_first=True)) == MIDNIGHT
    assert utc(["07/06/2026", "07/06/2026 00:15"], TimeSource(day_first=False)) == MIDNIGHT


def test_inspect_takes_the_order_that_gives_even_steps() -> None:
    days = [f"{day}/6/2026" for day in range(1, 6)]
    table = Table(HERE, pd.DataFrame({"time": days}))
    source, order = with_known_day(table, TimeSource())
    assert (source.day_first, order) == (True, "even-steps")
    one_day = Table(HERE, pd.DataFrame({"time": ["3/4/2026 0:00", "3/4/2026 1:00"]}))
    assert with_known_day(one_day, TimeSource())[1] == "guessed"
    assert with_known_day(one_day, TimeSource(day_first=False))[1] == "shown"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["2026-07-06", "today"], "line 3, column time: 'today' is no time that can be read"),
        (["2026-07-06", ""], "line 3, column time: '' is no time that can be read"),
        (["2026-07-06", None], "line 3, column time: '' is no time that can be read"),
        (["2026-02-28", "2026-02-30"], "line 3, column time: '2026-02-30' is no time that exists"),
        (["2026-07-06 24:15", "2026-07-06"], "line 2, .* is no time that exists"),
        (["2026-07-06 00:00Z", "2026-07-06 00:15"], "line 3, .* has no offset from UTC, but"),
        (["2026-07-06", "0001-01-01"], "line 3, .*'0001-01-01' is not in the years 1971 to 2200"),
        (["9999-12-31", "2026-07-06"], "line 2, .* is not in the years"),
        (["2026-07-06T00:00+25:00"] * 2, "line 2, .* has an offset from UTC that is not in use"),
        (["2026-07-06T00:00+02", "2026-07-06T00:00-99"], "line 3, .* has an offset from UTC that"),
        (["01.03.27", "02.03.27"], "is no time that can be read"),
        ([1.5, 2.5], "no time column"),
        (["1/1/2026", "13/13/2026"], "may be day or month first"),
    ],
)
def test_it_is_refused_with_its_line(cells: list[object], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        utc(cells)


@pytest.mark.parametrize(
    "name", ["时间", "dt", "timestamp", "Timestamp", "datetime", "日期", "Date"]
)
def test_the_column_is_recognised(name: str) -> None:
    assert utc(["2026-07-06", "2026-07-06 00:15"], name=name) == MIDNIGHT


def test_time_utc_and_a_zone_in_the_map() -> None:
    cells: list[object] = ["2026-07-05 16:00", "2026-07-05 16:15"]
    assert utc(cells, name="time_utc") == MIDNIGHT
    assert utc(cells, TimeSource(zone="UTC")) == MIDNIGHT


@pytest.mark.parametrize("names", [("date", "time"), ("Date", "Clock"), ("日期", "时间")])
def test_date_and_clock_in_two_columns(names: tuple[str, str]) -> None:
    frame = pd.DataFrame(
        {
            names[0]: ["2026-07-06"] * 2,
            names[1]: ["00:00", "00:15"],
            "grid_import_kw": [1.0, 2.0],
        }
    )
    assert [t.isoformat() for t in rows_of(Table(HERE, frame), SHANGHAI).times] == MIDNIGHT


def test_ends_of_steps() -> None:
    cells: list[object] = ["2026-07-06 00:15", "2026-07-06 00:30"]
    assert utc(cells, TimeSource(stands_for="end")) == MIDNIGHT
    assert utc(cells, name="interval_end") == MIDNIGHT


HOURS = ["2026-07-05T16:00:00+00:00", "2026-07-05T17:00:00+00:00"]
"""2026-07-06 00:00 and 01:00 in Shanghai."""


@pytest.mark.parametrize(
    ("hours", "first"),
    [
        (range(24), HOURS),
        (range(1, 25), HOURS),  # the first hour of a day, and its last
        ([float(hour) for hour in range(24)], HOURS),
        ([f"{hour:02d}:00" for hour in range(24)], HOURS),
    ],
    ids=["0-23", "1-24", "decimals", "clock"],
)
@pytest.mark.parametrize(
    "names", [("date", "hour"), ("Datum", "Stunde"), ("DATE", "HR"), ("日期", "小时")]
)
def test_date_and_hour_in_two_columns(
    names: tuple[str, str], hours: list[object], first: list[str]
) -> None:
    days = np.repeat(["2026-07-06", "2026-07-07"], 24)
    frame = pd.DataFrame({names[0]: days, names[1]: [*hours] * 2, "load_kw": 1.0})
    times = rows_of(Table(HERE, frame), SHANGHAI).times
    assert [t.isoformat() for t in times[:2]] == first
    assert len(times) == 48
    assert (np.diff(times.asi8) == np.diff(times.asi8)[0]).all()


def test_a_time_with_an_hour_beside_it_is_whole() -> None:
    cells = ["2026-07-06 00:00", "2026-07-06 01:00"]
    frame = pd.DataFrame({"date": cells, "hour": [0, 1], "load_kw": 1.0})
    assert [t.isoformat() for t in rows_of(Table(HERE, frame), SHANGHAI).times] == HOURS


@pytest.mark.parametrize(
    "name", ["Zeit", "Datum/Uhrzeit", "Zeitstempel", "ts", "when", "Ablesung", "记录", "x"]
)
@pytest.mark.parametrize(
    "others", [{}, {"id": "b1", "note": "2.5 kW", "step": 15}], ids=["", "more"]
)
def test_a_column_of_times_of_any_name(name: str, others: dict[str, object]) -> None:
    cells = ["06.07.2026 00:00", "06.07.2026 00:15"]
    frame = pd.DataFrame({**others, "load_kw": [1.0, 2.0], name: cells})
    assert [t.isoformat() for t in rows_of(Table(HERE, frame), SHANGHAI).times] == MIDNIGHT


def test_numbers_of_another_name_are_no_times() -> None:
    frame = pd.DataFrame({"load_kw": [1.0, 2.0], "counter": [1783267200, 1783268100]})
    with pytest.raises(UserError, match="no time column among load_kw, counter"):
        rows_of(Table(HERE, frame), SHANGHAI)
