"""Local times through changes of clocks: dropped, doubled, sorted and filled hours."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from siteems.recordings.read import rows_of
from siteems.recordings.table import Table
from siteems.recordings.time_source import TimeSource
from siteems.recordings.timestamps import in_utc, read_timestamps

BERLIN = ZoneInfo("Europe/Berlin")
TRUE = pd.date_range("2026-10-24T22:00Z", "2026-10-25T04:45Z", freq="15min")
"""From 00:00 to 05:45 on the day when 02:00 to 03:00 occurs twice."""
FOLD = pd.date_range("2026-10-25T00:00Z", periods=8, freq="15min")


def walls(times: pd.DatetimeIndex) -> list[str]:
    return [f"{t:%Y-%m-%d %H:%M}" for t in times.tz_convert(BERLIN)]


def read(cells: list[str], end: bool = False) -> tuple[list[pd.Timestamp], tuple[str, ...]]:
    table = Table(Path("it.csv"), pd.DataFrame({"time": cells}))
    source = TimeSource(stands_for="end" if end else "start")
    found = in_utc(read_timestamps(table, source), BERLIN)
    return list(found.times), found.notes


def test_the_order_of_rows_decides_in_the_doubled_hour() -> None:
    assert read(walls(TRUE)) == (list(TRUE), ())


def test_rows_sorted_together_and_rows_of_a_falling_file() -> None:
    cells = walls(TRUE)
    assert read(sorted(cells))[0] == [TRUE[walls(TRUE).index(c)] for c in cells[:8]] + [
        FOLD[i] for i in (0, 4, 1, 5, 2, 6, 3, 7)
    ] + list(TRUE[16:])
    assert read(cells[::-1])[0] == list(TRUE[::-1])


def test_a_dropped_hour_leaves_the_first_of_the_two() -> None:
    kept = TRUE[:12].append(TRUE[16:])
    times, notes = read(walls(kept))
    assert times == list(kept)
    assert "is there once on 2026-10-25; if the logger keeps standard time" in notes[0]


@pytest.mark.parametrize("first", [0, 1, 3, 4, 6])
def test_a_recording_that_begins_inside_the_doubled_hour(first: int) -> None:
    part = TRUE[8 + first :]
    assert read(walls(part)) == (list(part), ())


def test_a_year_with_a_dropped_hour_keeps_the_wall_clock() -> None:
    year = pd.date_range("2025-12-31T23:00Z", "2026-12-31T22:00Z", freq="h")
    kept = year.delete(year.get_loc(pd.Timestamp("2026-10-25T01:00Z")))
    assert read(walls(kept)) == (list(kept), ())


def test_a_filled_spring_hour_is_odd_and_noted_where_the_autumn_hour_is_doubled() -> None:
    year = pd.date_range("2025-12-31T23:00Z", "2026-12-31T22:00Z", freq="h")
    cells = walls(year)
    at = cells.index("2026-03-29 03:00")
    times, notes = read([*cells[:at], "2026-03-29 02:00", *cells[at:]])
    assert times == list(year)
    assert "1 rows lie in an hour that the clocks in Europe/Berlin skip" in notes[0]


def test_standard_time_all_year_needs_both_hours_to_say_so() -> None:
    even = pd.date_range("2026-01-01", "2026-12-31T23:00", freq="h")
    times, notes = read([str(t) for t in even])
    assert times == list((even - pd.Timedelta(hours=1)).tz_localize("UTC"))
    assert "standard time all year" in notes[0]
    spring = [str(t) for t in even[:5000]]
    times, notes = read(spring)
    assert len(times) == 4999
    assert "are left out" in notes[0]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_ends_of_steps_as_instants_and_as_start_plus_step(day: str) -> None:
    begin = pd.Timestamp(day, tz=BERLIN).tz_convert("UTC")
    starts = pd.date_range(begin, periods=20, freq="15min")
    step = pd.Timedelta(minutes=15)
    assert read(walls(starts + step), end=True) == (list(starts), ())
    counted_on = [f"{t.tz_localize(None) + step:%Y-%m-%d %H:%M}" for t in starts.tz_convert(BERLIN)]
    assert read(counted_on, end=True) == (list(starts), ())


def test_odd_rows_take_their_values_with_them() -> None:
    frame = pd.DataFrame(
        {
            "time": ["2026-03-29 01:00", "2026-03-29 02:00", "2026-03-29 03:00"],
            "grid_import_kw": [1.0, 2.0, 3.0],
        }
    )
    rows = rows_of(Table(Path("it.csv"), frame), BERLIN)
    assert rows.values["grid_import_kw"].tolist() == [1.0, 3.0]
