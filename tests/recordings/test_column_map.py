"""Column maps: other names, other units, times at the end of a step, one of several buildings."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.column_map import ColumnMap, read_column_map, selected_rows
from siteems.recordings.read import rows_of
from siteems.recordings.table import Table, read_table

UTC = ZoneInfo("UTC")
HERE = Path("it.csv")
MAP = """
[time]
column = "hour_ending"
stands_for = "end"
[only]
building = 3
[columns.dc_load_kw]
column = "wh"
unit = "Wh"
[columns.pv_kw]
column = "power_mw"
unit = "MW"
scale = 0.001
[columns.outdoor_temp_c]
column = "temp_f"
unit = "degF"
[columns.ac_load_kw]
value = 0.4
"""


def test_other_names_other_units_and_times_at_the_end_of_the_step(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    times = pd.date_range("2026-03-02T00:15", periods=4, freq="15min").astype(str)
    one = pd.DataFrame(
        {"hour_ending": times, "wh": 500.0, "power_mw": 3.0, "temp_f": 50.0, "building": 3}
    )
    frame = pd.concat([one, one.assign(building=4, wh=9.0)])
    rows = rows_of(Table(HERE, frame), UTC, read_column_map(tmp_path / "map.toml"))
    columns = rows.values
    assert rows.times[0] == pd.Timestamp("2026-03-02T00:00:00Z")
    assert columns.iloc[0].to_dict() == pytest.approx(
        {
            "dc_load_kw": 2.0,
            "pv_kw": 3.0,
            "outdoor_temp_c": 10.0,
            "ac_load_kw": 0.4,
        }
    )
    assert len(rows.times) == len(columns) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("columns.pv_kw", "columns.pv", "columns.pv: no such column; allowed are dc_load_kw"),
        ('"MW"', '"PS"', r"columns.pv_kw.unit = 'PS': allowed are W, kW"),
        ("value = 0.4", "", "needs either column or value"),
        ("stands_for", "stand_for", "stand_for"),
        ('"end"', '"middle"', "time.stands_for"),
    ],
)
def test_an_error_in_the_map_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "map.toml").write_text(MAP.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_column_map(tmp_path / "map.toml")
    assert message in str(caught.value)


def test_an_absent_column_and_an_absent_value_are_refused(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    column_map = read_column_map(tmp_path / "map.toml")
    frame = pd.DataFrame({"hour_ending": ["2026-03-02"], "building": [4]})
    with pytest.raises(UserError, match="no row has building = 3"):
        rows_of(Table(HERE, frame), UTC, column_map)
    with pytest.raises(UserError, match="no column wh"):
        rows_of(Table(HERE, frame.assign(building=3)), UTC, column_map)


@pytest.mark.parametrize("wanted", [3, 3.0, "3", "3.0"])
@pytest.mark.parametrize("cell", ["3", "3.0", "3.00"])
def test_only_compares_numbers_as_numbers(tmp_path: Path, wanted: float | str, cell: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"time,b,x\n2026-07-01,{cell},1\n2026-07-02,4.0,2\n", encoding="utf-8")
    table = selected_rows(read_table(path), ColumnMap(only={"b": wanted}))
    assert table.frame["x"].to_list() == [1]
