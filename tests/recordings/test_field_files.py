"""Files as loggers and market operators write them: names of time columns, ends of steps, hours in
a column of their own, several meters, units in names. Each is read right or refused with its cause.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.errors import UserError
from siteems.recordings.column_map import (
    ColumnMap,
    ColumnSource,
    read_column_map,
    unit_in_name,
)
from siteems.recordings.metered import Metered
from siteems.recordings.read import read_metered

SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 7, 1, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)
Cells = Callable[[datetime, int], str]


def written(folder: Path, head: str, cells: Cells, hours: int = 48) -> Path:
    """Import of as many kW as the hour of the day."""
    lines = [f"{head},grid_import_kw"]
    for number in range(hours):
        lines.append(f"{cells(MIDNIGHT + number * HOUR, number)},{number % 24}")
    path = folder / "meter.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(path: Path, column_map: ColumnMap | None = None) -> Metered:
    return read_metered(path, SHANGHAI, column_map)


def assert_right(metered: Metered) -> None:
    assert metered.start == MIDNIGHT
    assert metered.step == HOUR
    assert metered.import_kw.tolist() == [float(n % 24) for n in range(48)]


def iso(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    "head",
    [
        "Hour Ending", "hour ending", "HourEnding", "hour_ending", "End Time", "EndTime", "end",
        "interval end", "Interval Ending", "period_end", "Ende", "bis", "结束时间", "Time (end)",
    ],
)  # fmt: skip
def test_names_of_the_ends_of_steps(tmp_path: Path, head: str) -> None:
    assert_right(read(written(tmp_path, head, lambda time, _: iso(time + HOUR))))


@pytest.mark.parametrize("head", ["time", "Start", "Hour Beginning", "calendar", "weekend time"])
def test_names_that_name_no_ends(tmp_path: Path, head: str) -> None:
    assert_right(read(written(tmp_path, head, lambda time, _: iso(time))))


@pytest.mark.parametrize(
    "head", ["time_utc", "time_gmt", "Time (GMT)", "GMT", "UTC", "time_zulu", "TimestampUTC"]
)
def test_names_of_times_in_utc(tmp_path: Path, head: str) -> None:
    assert_right(read(written(tmp_path, head, lambda time, _: iso(time - 8 * HOUR))))


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        ("time", lambda time, n: f"{time:%Y-%m-%d} {n % 24 + 1:02d}:00"),
        ("date,time", lambda time, n: f"{time:%Y-%m-%d},{n % 24 + 1:02d}:00"),
        ("date,hour", lambda time, n: f"{time:%Y-%m-%d},{n % 24 + 1}"),
        ("Date,Hour Ending", lambda time, n: f"{time:%Y-%m-%d},{n % 24 + 1}"),
        ("date,HE", lambda time, n: f"{time:%Y-%m-%d},{n % 24 + 1}"),
        ("Delivery Date,Hour Ending", lambda time, n: f"{time:%Y/%m/%d},{n % 24 + 1:02d}:00"),
        ("Trading Day,Period", lambda time, n: f"{time:%Y-%m-%d},{n % 24 + 1}"),
    ],
)
def test_hours_from_1_to_24(tmp_path: Path, head: str, cells: Cells) -> None:
    path = written(tmp_path, head, cells)
    assert_right(read(path))


def test_an_hour_without_minutes(tmp_path: Path) -> None:
    assert_right(read(written(tmp_path, "time", lambda time, _: f"{time:%Y%m%d%H}")))
    assert_right(read(written(tmp_path, "time", lambda time, _: f"{time:%Y-%m-%d-%H}")))
    path = written(tmp_path, "time", lambda time, n: f"{MIDNIGHT + n * 24 * HOUR:%Y-%m-%d}-08")
    with pytest.raises(UserError, match="may end with an hour or with an offset"):
        read(path)


def test_seconds_that_a_spreadsheet_has_rounded(tmp_path: Path) -> None:
    rounded = written(tmp_path, "timestamp", lambda time, _: f"{round(time.timestamp(), -3):.0f}")
    with pytest.raises(UserError, match="is rounded to thousands of seconds"):
        read(rounded)
    whole = written(tmp_path, "timestamp", lambda time, _: f"{time.timestamp():.0f}")
    assert_right(read(whole))


def test_a_sign_for_comments_within_quotes(tmp_path: Path) -> None:
    """The open quote swallowed the rows until the next one."""
    notes = {30: '"meter #1 swapped"', 33: '"see #2, ok"'}
    path = tmp_path / "meter.csv"
    lines = [f"{iso(MIDNIGHT + n * HOUR)},{n % 24},{notes.get(n, '')}" for n in range(48)]
    lines[5] += "  # 5 o'clock"
    path.write_text("\n".join(["time,grid_import_kw,note", *lines]) + "\n", encoding="utf-8")
    assert_right(read(path))


class TestSeveralMeters:
    def test_rows_of_two_meters_are_not_averaged(self, tmp_path: Path) -> None:
        path = tmp_path / "meters.csv"
        lines = [
            f"{iso(MIDNIGHT + n * HOUR)},{meter},{kw}"
            for n in range(48)
            for meter, kw in (("a", n % 24), ("b", 3))
        ]
        path.write_text("\n".join(["time,meter,grid_import_kw", *lines]) + "\n", encoding="utf-8")
        with pytest.raises(UserError, match="rows have the time of another row and other values"):
            read(path)
        column = ColumnSource(column="grid_import_kw")
        chosen = ColumnMap(columns={"grid_import_kw": column}, only={"meter": "a"})
        assert_right(read(path, chosen))

    def test_a_few_rows_that_were_written_twice_are(self, tmp_path: Path) -> None:
        path = written(tmp_path, "time", lambda time, _: iso(time))
        lines = path.read_text(encoding="utf-8").splitlines()
        lines.insert(10, lines[10])
        lines.insert(20, lines[20].rpartition(",")[0] + ",18.5")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        metered = read(path)
        assert "2 rows with duplicate timestamps, averaged" in " ".join(metered.notes)

    def test_two_columns_of_one_name(self, tmp_path: Path) -> None:
        path = written(tmp_path, "time,grid_import_kw", lambda time, _: f"{iso(time)},9")
        with pytest.raises(UserError, match="two columns are named grid_import_kw"):
            read(path)


class TestUnits:
    @pytest.mark.parametrize("unit", ["kWh", "W", "MW", "A"])
    def test_a_row_of_units_that_contradicts_the_name(self, tmp_path: Path, unit: str) -> None:
        path = written(tmp_path, "time", lambda time, _: iso(time))
        head, *rest = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([head, f",{unit}", *rest]) + "\n", encoding="utf-8")
        with pytest.raises(UserError, match=f"line 2, column grid_import_kw: the unit is {unit}"):
            read(path)
        path.write_text("\n".join([head, ",kW", *rest]) + "\n", encoding="utf-8")
        assert_right(read(path))

    @pytest.mark.parametrize(
        ("name", "unit"),
        [
            ("energy_kwh", "kWh"), ("power_w", "W"), ("Power (W)", "W"), ("powerW", "W"),
            ("energykWh", "kWh"), ("grid power kW", "kW"), ("netto_mw", "MW"),
            ("temp_degF", "degF"), ("T [°F]", "degF"), ("flow", None), ("P", None), ("W", None),
            ("show", None), ("", None),
        ],
    )  # fmt: skip
    def test_units_in_names(self, name: str, unit: str | None) -> None:
        assert unit_in_name(name) == unit

    @pytest.mark.parametrize(
        ("text", "wrong"),
        [
            ('column = "energy_kwh"', "names kWh; say unit = 'kWh', or unit = 'kW'"),
            ('column = "power_w"', "names W; say unit = 'W'"),
            ('value = 5\nunit = "kWh"', "of a value, allowed are W, kW, MW"),
            ('value = 5\nunit = "kWh counter"', "of a value, allowed are W, kW, MW"),
        ],
    )
    def test_a_map_that_leaves_the_unit_open(self, tmp_path: Path, text: str, wrong: str) -> None:
        path = tmp_path / "map.toml"
        path.write_text(f"[columns.grid_import_kw]\n{text}\n", encoding="utf-8")
        with pytest.raises(UserError, match=wrong):
            read_column_map(path)
        path.write_text(
            '[columns.grid_import_kw]\ncolumn = "power_w"\nunit = "kW"\n', encoding="utf-8"
        )
        assert read_column_map(path).columns["grid_import_kw"].unit == "kW"

    @pytest.mark.parametrize(
        ("source", "kw"),
        [
            (ColumnSource(value=2500.0, unit="W"), 2.5),
            (ColumnSource(value=2.5, scale=2.0), 5.0),
            (ColumnSource(value=2.5), 2.5),
        ],
    )
    def test_a_stated_value_has_its_unit_and_scale(
        self, tmp_path: Path, source: ColumnSource, kw: float
    ) -> None:
        path = written(tmp_path, "time", lambda time, _: iso(time))
        metered = read(path, ColumnMap(columns={"grid_import_kw": source}))
        assert metered.import_kw.tolist() == [kw] * 48


class TestExport:
    def meter(self, folder: Path, *rows: tuple[float, float]) -> Path:
        lines = ["time,grid_import_kw,grid_export_kw"]
        for number in range(24):
            imported, exported = rows[number % len(rows)]
            lines.append(f"{iso(MIDNIGHT + number * HOUR)},{imported},{exported}")
        path = folder / "export.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def test_export_below_0(self, tmp_path: Path) -> None:
        metered = read(self.meter(tmp_path, (1.0, -2.0), (1.0, 0.0)))
        assert metered.export_kw is not None
        assert metered.export_kw.sum() == 24.0
        assert "sign changed" in " ".join(metered.notes)

    def test_net_import_beside_export_is_counted_once(self, tmp_path: Path) -> None:
        metered = read(self.meter(tmp_path, (-2.0, 2.0), (1.0, 0.0)))
        assert metered.export_kw is not None
        assert metered.export_kw.sum() == 24.0
        assert metered.import_kw.sum() == 12.0
        assert "counted once" in " ".join(metered.notes)

    def test_net_import_with_an_empty_export_column(self, tmp_path: Path) -> None:
        metered = read(self.meter(tmp_path, (-2.0, 0.0), (1.0, 0.0)))
        assert metered.export_kw is not None
        assert metered.export_kw.sum() == 24.0

    def test_both_signs_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="has values above and below 0"):
            read(self.meter(tmp_path, (1.0, -2.0), (1.0, 2.0)))


class TestRefusals:
    def lines(self) -> list[str]:
        return [f"{iso(MIDNIGHT + n * HOUR)},{n % 24}" for n in range(48)]

    def refused(self, folder: Path, lines: list[str]) -> str:
        path = folder / "meter.csv"
        path.write_text("\n".join(["# a logger", "time,grid_import_kw", *lines]) + "\n")
        with pytest.raises(UserError) as error:
            read(path)
        return str(error.value)

    def test_an_extra_cell_names_the_line_of_the_file(self, tmp_path: Path) -> None:
        lines = self.lines()
        lines[10] += ",7"
        lines.insert(5, "")
        assert "line 14 has 3 cells, but there are 2 columns" in self.refused(tmp_path, lines)

    def test_a_quote_that_is_not_closed(self, tmp_path: Path) -> None:
        lines = self.lines()
        lines[20] = lines[20].replace(",", ',"')
        assert "line 23: a quote is opened and not closed" in self.refused(tmp_path, lines)

    def test_holes_name_their_cause(self, tmp_path: Path) -> None:
        lines = [line + (" kW" if n % 2 else "") for n, line in enumerate(self.lines())]
        text = self.refused(tmp_path, lines)
        assert "has no value in 50.0 % of its steps" in text
        assert "'1 kW'" in text
        assert "line 4" in text
