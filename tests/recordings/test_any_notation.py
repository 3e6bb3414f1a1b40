"""Any valid table, written in any of twenty ways, is read to the same numbers or refused with its
line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from siteems.errors import UserError
from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.recordings.equal_steps import Rows
from siteems.recordings.read import rows_of
from siteems.recordings.table import read_table
from siteems.recordings.time_source import TimeSource

BERLIN = ZoneInfo("Europe/Berlin")
POWER = "grid_import_kw"
LONG = os.environ.get("SITEEMS_LONG") == "1"


@dataclass(frozen=True)
class Way:
    """A way of writing: the time of a row in one or two cells, separator, marks, encoding, unit."""

    time: Callable[[pd.Timestamp], tuple[str, ...]]
    """From the local time with offset."""
    head: tuple[str, ...] = ("time",)
    separator: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    ends: bool = False
    factor: float = 1.0
    unit: str = "kW"
    order: int = 1
    units_row: bool = False
    digits: int = 6


def form(text: str) -> Callable[[pd.Timestamp], tuple[str, ...]]:
    return lambda when: (when.strftime(text),)


def iso(when: pd.Timestamp) -> tuple[str, ...]:
    return (when.isoformat(),)


def utc(text: str) -> Callable[[pd.Timestamp], tuple[str, ...]]:
    return lambda when: (when.tz_convert("UTC").strftime(text),)


def bare(when: pd.Timestamp) -> tuple[str, ...]:
    """A spreadsheet that drops the clock at midnight."""
    return (when.strftime("%Y-%m-%d" if when.hour == when.minute == 0 else "%Y-%m-%d %H:%M"),)


WAYS = {
    "iso": Way(iso),
    "offset-short": Way(lambda when: (when.strftime("%Y-%m-%d %H:%M:%S%z")[:-2],)),
    "offset-packed": Way(form("%Y-%m-%dT%H:%M%z"), separator=";", decimal=","),
    "zulu": Way(utc("%Y-%m-%dT%H:%M:%SZ"), thousands=","),
    "utc-name": Way(utc("%Y-%m-%d %H:%M UTC"), separator="\t"),
    "time-utc": Way(utc("%Y-%m-%d %H:%M"), head=("time_utc",), encoding="utf-16"),
    "epoch": Way(lambda when: (str(int(when.timestamp())),), head=("timestamp",)),
    "epoch-ms": Way(lambda when: (str(int(when.timestamp() * 1000)),), head=("dt",)),
    "wall": Way(form("%Y-%m-%d %H:%M")),
    "bare-midnight": Way(bare, encoding="utf-8-sig"),
    "points": Way(form("%d.%m.%Y %H:%M"), separator=";", decimal=",", thousands="."),
    "slashes-year": Way(form("%Y/%m/%d %H:%M"), thousands=" "),
    "chinese": Way(form("%Y年%m月%d日 %H时%M分"), head=("时间",), encoding="gbk"),
    "basic": Way(form("%Y%m%dT%H%M%S"), separator="|"),
    "month-name": Way(form("%d-%b-%Y %H:%M"), decimal=","),
    "two-columns": Way(lambda w: (w.strftime("%d.%m.%Y"), w.strftime("%H:%M")), ("date", "time")),
    "noon": Way(form("%d.%m.%Y %I:%M %p"), units_row=True),
    "ends": Way(form("%Y-%m-%d %H:%M"), ends=True),
    "energy": Way(iso, factor=1000.0, unit="Wh"),
    "falling": Way(iso, order=-1, factor=1000.0, unit="W", thousands=","),
    "watts": Way(iso, factor=1000.0, unit="W", thousands=",", digits=0),
    "day-first": Way(form("%d/%m/%Y %H:%M")),
    "month-first": Way(form("%m/%d/%Y %I:%M %p")),
}

STARTS = [
    list(pd.date_range(first, last, freq="h", tz="UTC"))
    for first, last in (
        ("2025-12-01", "2027-01-31"),
        ("2026-10-24T20:00", "2026-10-25T03:00"),
        ("2026-03-28T20:00", "2026-03-29T03:00"),
    )
]
VALUES = st.one_of(
    st.integers(-90, 6_000),
    st.integers(6_554, 32_765),
    st.integers(32_771, 65_533),
    st.integers(1_000_000, 1_900_000),
)
"""Without the numbers that loggers write for no value, and two steps of a register beside them."""
MAY_BE_REFUSED = ("watts", "day-first", "month-first")
tables = st.tuples(
    st.one_of(*(st.sampled_from(hours) for hours in STARTS)),
    st.sampled_from([5, 15, 30, 60]),
    st.lists(VALUES, min_size=4, max_size=40),
)
"""Start in UTC, often near a change of clocks, minutes of a step, and thousandths of a kW."""


def text_of(way: Way, times: pd.DatetimeIndex, kw: np.ndarray, minutes: int) -> str:
    hours = minutes / 60.0 if way.unit == "Wh" else 1.0
    shift = timedelta(minutes=minutes if way.ends else 0)

    def number(value: float) -> str:
        text = f"{value * way.factor * hours:,.{way.digits}f}"
        return text.translate(str.maketrans({",": way.thousands, ".": way.decimal}))

    def quoted(cell: str) -> str:
        return f'"{cell}"' if way.separator in cell else cell

    rows = [
        [*way.time((time + shift).tz_convert(BERLIN)), number(value)]
        for time, value in zip(times, kw, strict=True)
    ][:: way.order]
    head = [[*way.head, POWER]]
    if way.units_row:
        head.append([*("" for _ in way.head), way.unit])
    return "\n".join(way.separator.join(map(quoted, row)) for row in (*head, *rows)) + "\n"


def source_of(way: Way) -> TimeSource | None:
    if not way.ends:
        return None
    return TimeSource(column=way.head[0], stands_for="end")


def read(path: Path, column_map: ColumnMap | None) -> tuple[Rows | None, str]:
    """The rows of a file, or why it is refused."""
    try:
        return rows_of(read_table(path), BERLIN, column_map), ""
    except UserError as error:
        return None, str(error)


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=examples(100 if LONG else 8), suppress_health_check=list(HealthCheck))
@given(table=tables)
def test_it_is_read_to_the_same_numbers_or_refused(
    name: str, table: tuple[pd.Timestamp, int, list[int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    way, (begin, minutes, milli) = WAYS[name], table
    doubled = pd.Timestamp("2026-10-25T00:00Z"), pd.Timestamp("2026-10-25T02:00Z")
    length = pd.Timedelta(minutes=minutes) * len(milli)
    # Rows of one pass of the doubled hour alone do not show which it is.
    assume(begin < doubled[0] or begin + length > doubled[1])
    times = pd.date_range(begin, periods=len(milli), freq=f"{minutes}min")
    kw = np.array(milli) / 1000.0
    path = tmp_path_factory.getbasetemp() / f"{name}.csv"
    path.write_bytes(text_of(way, times, kw, minutes).encode(way.encoding))
    column_map = None
    if way.ends or way.unit != "kW":
        column_map = ColumnMap(
            columns={POWER: ColumnSource(column=POWER, unit=way.unit)},
            time=source_of(way) or TimeSource(column=way.head[0]),
        )
    rows, refused = read(path, column_map)
    if rows is None:
        assert name in MAY_BE_REFUSED, refused
        assert re.search(r"line \d+", refused), refused
        return
    found = pd.Series(rows.values[POWER].to_numpy(), index=rows.times).sort_index()
    assert list(found.index) == list(times), name
    np.testing.assert_allclose(found.to_numpy(), kw, rtol=1e-9, atol=1e-6)


def test_there_are_twenty_ways() -> None:
    assert len(WAYS) >= 20
