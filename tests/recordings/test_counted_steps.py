"""Files that count the steps of a day instead of stating a clock, also on the days when clocks
change; and cells with start and end of a step. Each row has the number of its step since the start.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.recordings.counted_steps import CountedSteps
from siteems.recordings.metered import Metered
from siteems.recordings.read import read_metered
from siteems.recordings.time_source import TimeSource

BERLIN, LONDON, SHANGHAI = map(ZoneInfo, ("Europe/Berlin", "Europe/London", "Asia/Shanghai"))
SPRING, AUTUMN, SUMMER = date(2026, 3, 28), date(2026, 10, 24), date(2026, 7, 1)
"""The day before a change of clocks in Europe."""


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def steps(start: date, zone: ZoneInfo, minutes: int, days: int = 3) -> list[datetime]:
    """The starts of all steps of some local days, in local time."""
    first = midnight(start, zone).astimezone(UTC)
    last = midnight(start + timedelta(days=days), zone).astimezone(UTC)
    count = (last - first) // timedelta(minutes=minutes)
    return [(first + n * timedelta(minutes=minutes)).astimezone(zone) for n in range(count)]


def written(folder: Path, head: str, keys: list[str]) -> Path:
    path = folder / "meter.csv"
    rows = [f"{key},{number}" for number, key in enumerate(keys)]
    path.write_text("\n".join([f"{head},grid_import_kw", *rows]) + "\n", encoding="utf-8")
    return path


def assert_in_order(metered: Metered, start: date, zone: ZoneInfo, minutes: int) -> None:
    assert metered.start == midnight(start, zone)
    assert metered.step == timedelta(minutes=minutes)
    assert metered.import_kw.tolist() == [float(n) for n in range(len(metered.import_kw))]


def counted(times: list[datetime]) -> list[str]:
    """Date and number of the step within its day, as many as there are."""
    numbers: dict[str, int] = {}
    keys = []
    for time in times:
        day = f"{time:%Y-%m-%d}"
        numbers[day] = numbers.get(day, 0) + 1
        keys.append(f"{day},{numbers[day]}")
    return keys


@pytest.mark.parametrize("start", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize(
    ("head", "minutes", "zone"),
    [
        ("date,hour", 60, BERLIN),
        ("Settlement Date,Settlement Period", 30, LONDON),
        ("date,period", 15, BERLIN),
        ("date,interval", 5, BERLIN),
    ],
)
def test_days_of_23_and_25_hours(
    tmp_path: Path, head: str, minutes: int, zone: ZoneInfo, start: date
) -> None:
    times = steps(start, zone, minutes)
    metered = read_metered(written(tmp_path, head, counted(times)), zone)
    assert len(metered.import_kw) == len(times)
    assert_in_order(metered, start, zone, minutes)


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_96_points_where_no_clock_changes(tmp_path: Path, minutes: int) -> None:
    times = steps(SUMMER, SHANGHAI, minutes)
    head = "日期,时段" if minutes == 15 else "date,period"
    metered = read_metered(written(tmp_path, head, counted(times)), SHANGHAI)
    assert_in_order(metered, SUMMER, SHANGHAI, minutes)


@pytest.mark.parametrize("start", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_hours_numbered_by_the_clock(tmp_path: Path, start: date) -> None:
    """The spring day has 1, 2, 4 to 24, the autumn day has 3 twice."""
    times = steps(start, BERLIN, 60)
    keys = [f"{time:%Y-%m-%d},{time.hour + 1}" for time in times]
    assert_in_order(read_metered(written(tmp_path, "date,hour", keys), BERLIN), start, BERLIN, 60)


def test_the_doubled_hour_as_3a_and_3b(tmp_path: Path) -> None:
    times = steps(AUTUMN, BERLIN, 60)
    keys = []
    for time in times:
        doubled = f"{time:%m-%d %H}" == "10-25 02"
        letter = ("B" if time.fold else "A") if doubled else ""
        keys.append(f"{time:%d.%m.%Y},{time.hour + 1}{letter}")
    assert_in_order(
        read_metered(written(tmp_path, "Datum,Stunde", keys), BERLIN), AUTUMN, BERLIN, 60
    )


@pytest.mark.parametrize("start", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize(
    ("head", "cell"),
    [
        ("MTU (CET/CEST)", "{0:%d.%m.%Y %H:%M} - {1:%d.%m.%Y %H:%M}"),
        ("interval ending", "{0:%Y-%m-%d %H:%M} – {1:%H:%M}"),
        ("date,hour", "{0:%Y-%m-%d},{0:%H:%M}-{1:%H:%M}"),
        ("日期,时间", "{0:%Y-%m-%d},{0:%H:%M}~{1:%H:%M}"),
    ],
)
def test_start_and_end_in_one_cell(tmp_path: Path, head: str, cell: str, start: date) -> None:
    times = steps(start, BERLIN, 60)
    hour = timedelta(hours=1)
    keys = [cell.format(t, (t.astimezone(UTC) + hour).astimezone(BERLIN)) for t in times]
    assert_in_order(read_metered(written(tmp_path, head, keys), BERLIN), start, BERLIN, 60)


def test_a_map_states_what_is_counted(tmp_path: Path) -> None:
    times = steps(AUTUMN, BERLIN, 30)
    path = written(tmp_path, "tag,nr", counted(times))
    source = TimeSource(column="tag", clock_column="nr", steps_per_day=48)
    columns = {"grid_import_kw": ColumnSource(column="grid_import_kw", unit="kW")}
    metered = read_metered(path, BERLIN, ColumnMap(columns=columns, time=source))
    assert_in_order(metered, AUTUMN, BERLIN, 30)


@pytest.mark.parametrize("number", ["0", "51", "1.5", "x"])
def test_a_number_that_no_day_has(tmp_path: Path, number: str) -> None:
    path = written(tmp_path, "tag,nr", [f"2026-07-01,{n}" for n in (1, number, 3)])
    source = TimeSource(column="tag", clock_column="nr", steps_per_day=48)
    columns = {"grid_import_kw": ColumnSource(column="grid_import_kw", unit="kW")}
    with pytest.raises(
        UserError, match=r"line 3, column nr: .* is no step of a day; allowed are 1 to 50"
    ):
        read_metered(path, BERLIN, ColumnMap(columns=columns, time=source))


def test_clocks_that_change_at_midnight() -> None:
    """In Havana the autumn day begins twice, and the spring day at 01:00."""
    havana = ZoneInfo("America/Havana")
    days = pd.DatetimeIndex(["2026-11-01"] * 25 + ["2026-03-08"] * 23)
    numbers = [*range(1, 26), *range(1, 24)]
    found = CountedSteps(days, pd.Series(numbers).to_numpy(), 24)
    utc, of_days = found.elapsed(havana)
    assert of_days.all()
    assert utc[0] == pd.Timestamp("2026-11-01T04:00Z")
    assert utc[24] == pd.Timestamp("2026-11-02T04:00Z")
    assert utc[25] == pd.Timestamp("2026-03-08T05:00Z")
    assert utc[-1] == pd.Timestamp("2026-03-09T03:00Z")
