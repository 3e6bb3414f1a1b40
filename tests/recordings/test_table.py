"""Tables as spreadsheets and loggers write them: separators, encodings, notations of numbers."""

from __future__ import annotations

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.read import read_filled_profile, read_metered, rows_of
from siteems.recordings.table import read_table

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROWS = (("2026-07-06 00:00", 1225.5, 0.25), ("2026-07-06 00:15", 98.0, 12.5))
HEAD = ("time", "grid_import_kw", "grid_export_kw")


def written(separator: str, form: str, head: tuple[str, ...] = HEAD) -> str:
    def number(value: float) -> str:
        text = f"{value:,.2f}"
        if form == "plain":
            return text.replace(",", "")
        if form == "comma":
            return text.replace(",", "").replace(".", ",")
        if form == "german":
            return text.replace(",", "@").replace(".", ",").replace("@", ".")
        return text.replace(",", form)

    def quoted(cell: str) -> str:
        return f'"{cell}"' if separator in cell else cell

    rows = [[time, *map(number, values)] for time, *values in ROWS]
    return "\n".join(separator.join(map(quoted, row)) for row in (head, *rows)) + "\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("form", ["plain", "comma", "german", ",", " ", "'", "\u202f"])
def test_numbers_are_the_same_in_every_notation(tmp_path: Path, separator: str, form: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(written(separator, form), encoding="utf-8")
    values = rows_of(read_table(path), SHANGHAI).values
    assert values["grid_import_kw"].tolist() == [1225.5, 98.0]
    assert values["grid_export_kw"].tolist() == [0.25, 12.5]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "gbk", "gb18030"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = written(",", "plain", ("时间", "grid_import_kw", "温度"))
    for name, data in (
        ("a.csv", text.encode(encoding)),
        ("a.csv.gz", gzip.compress(text.encode(encoding))),
    ):
        (tmp_path / name).write_bytes(data)
        frame = read_table(tmp_path / name).frame
        assert list(frame.columns) == ["时间", "grid_import_kw", "温度"]
        assert frame["grid_import_kw"].tolist() == [1225.5, 98.0]


def test_degrees_in_the_western_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("time,Temp °C\n2026-07-06,1\n".encode("latin-1"))
    assert list(read_table(tmp_path / "a.csv").frame.columns) == ["time", "Temp °C"]


def test_full_width_digits_and_a_row_of_units(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,grid_import_kw\n,kW\n2026-07-06,１２．５\n2026-07-07,－３\n", "utf-8")
    table = read_table(path)
    assert table.frame["grid_import_kw"].tolist() == [12.5, -3.0]
    assert table.notes == ("line 2: a row of units (kW), left out",)
    assert table.frame.index.tolist() == [3, 4]


def test_a_line_that_names_the_separator(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\ntime;a, b\n2026-07-06;1,5\n", encoding="utf-8")
    assert read_table(tmp_path / "a.csv").frame["a, b"].tolist() == [1.5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("# nothing\n\n", "is empty"),
        ("time,a\n2026-07-06,1,225\n", r"line 2 has 3 cells, but there are 2 columns"),
        ("time,a\n2026-07-06,1\n2026-07-07,1,225\n", "line 3 has 3 cells"),
        ('time,a\n2026-07-06,"1,225"\n', r"line 2, column a: '1,225' may have a decimal comma"),
        ('time,a\n2026-07-06,"1,22"\n2026-07-07,1.5\n', "line 2, column a: .* may have"),
    ],
)
def test_it_is_refused_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=reason):
        read_table(path)


def test_thousands_are_known_by_another_column_or_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('time,a,b\n2026-07-06,"1,225",20.5\n2026-07-07,98,21.5\n', encoding="utf-8")
    table = read_table(path)
    assert table.frame["a"].tolist() == [1225, 98]
    assert table.notes == ("a: commas part thousands",)
    many = "".join(f'2026-07-06,"1,{n}"\n' for n in range(100, 200)) + "2026-07-06,98\n"
    path.write_text(f"time,a\n{many}", encoding="utf-8")
    assert read_table(path).frame["a"].iloc[[0, -1]].tolist() == [1100, 98]


def metered(tmp_path: Path, bad: dict[int, str], count: int = 96) -> Path:
    times = pd.date_range("2026-07-06", periods=count, freq="15min").astype(str)
    cells = [bad.get(n, "1.0") for n in range(count)]
    path = tmp_path / "meter.csv"
    pd.DataFrame({"time": times, "grid_import_kw": cells}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "cell", ["inf", "-inf", "Infinity", "1e999", "1" + "0" * 400, "n.v.", "--", "#REF!"]
)
def test_what_is_not_a_number_is_a_hole_and_noted(tmp_path: Path, cell: str) -> None:
    found = read_metered(metered(tmp_path, {9: cell}), SHANGHAI)
    assert found.import_kw.tolist() == [1.0] * 96
    assert any("of up to an hour" in note for note in found.notes)


def test_holes_have_a_limit(tmp_path: Path) -> None:
    read_metered(metered(tmp_path, dict.fromkeys(range(9), "x")), SHANGHAI)
    with pytest.raises(UserError, match=r"no value in 10\.4 % of its steps of 2026-07; at most 10"):
        read_metered(metered(tmp_path, dict.fromkeys(range(10), "x")), SHANGHAI)


def test_a_replay_may_fill_more_but_not_most(tmp_path: Path) -> None:
    times = pd.date_range("2026-07-06", periods=96, freq="15min").astype(str)
    frame = pd.DataFrame({"time": times, "dc_load_kw": 1.0, "pv_kw": 0.0, "outdoor_temp_c": 20.0})
    path = tmp_path / "a.csv"
    frame.assign(dc_load_kw=[None] * 28 + [1.0] * 68).to_csv(path, index=False)
    assert read_filled_profile(path, SHANGHAI).profile.dc_load_kw.tolist() == [1.0] * 96
    frame.assign(dc_load_kw=[None] * 30 + [1.0] * 66).to_csv(path, index=False)
    with pytest.raises(UserError, match=r"at most 30\.0 % may be filled for a replay"):
        read_filled_profile(path, SHANGHAI)


@pytest.mark.parametrize(
    ("separator", "rows", "right"),
    [
        (";", ["980"] * 60 + ["1.225"] * 60, 1225.0),
        (";", ["980", "1.225"] * 60 + ["0.5"], 1.225),  # another cell shows decimals
        (",", ["980", "1.225"] * 60, 1.225),  # a file of commas has decimal points
        (";", ["2.125", "1.225"] * 60, 1.225),  # no whole numbers: always three decimals
    ],
)
def test_points_that_may_part_thousands(
    tmp_path: Path, separator: str, rows: list[str], right: float
) -> None:
    path = tmp_path / "a.csv"
    lines = [
        f"2026-07-06 {n // 60:02d}:{n % 60:02d}{separator}{cell}" for n, cell in enumerate(rows)
    ]
    path.write_text("\n".join([f"time{separator}grid_import_kw", *lines]), encoding="utf-8")
    table = read_table(path)
    assert right in table.frame["grid_import_kw"].to_list()
    assert table.notes == (("grid_import_kw: points part thousands",) if right > 1000 else ())


def test_a_few_points_that_may_part_thousands_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time;grid_import_kw\n2026-07-06;980\n2026-07-07;1.225\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 3, .*'1.225' may have a decimal point or thousands"):
        read_table(path)
