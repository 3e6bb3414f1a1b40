"""Recordings as loggers leave them: other names and units, doubled and missing rows, sentinels,
changes of clocks.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.column_map import mapped, read_mapping
from siteems.recordings.regular import regular

SHANGHAI, LOS_ANGELES = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")
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


def rows(start: str = "2026-03-02T00:00:00+08:00", count: int = 8) -> pd.DataFrame:
    times = pd.date_range(start, periods=count, freq="15min")
    return pd.DataFrame(
        {"time": [t.isoformat() for t in times], "dc_load_kw": np.arange(1.0, count + 1.0)}
    )


def test_even_rows_are_left_alone() -> None:
    found, said = regular(rows(), HERE, SHANGHAI)
    assert said == ()
    assert found["dc_load_kw"].tolist() == list(range(1, 9))
    assert found["time"].iloc[0] == pd.Timestamp("2026-03-02T00:00:00+08:00")


def test_doubled_missing_and_misplaced_rows_are_mended_and_told() -> None:
    frame = rows()
    doubled = pd.DataFrame({"time": frame["time"].iloc[[1]], "dc_load_kw": [4.0]})
    found, said = regular(pd.concat([frame.iloc[[0, 1, 2, 6, 7, 3]], doubled]), HERE, SHANGHAI)
    assert found["dc_load_kw"].fillna(-1.0).tolist() == [1.0, 3.0, 3.0, 4.0, -1.0, -1.0, 7.0, 8.0]
    assert [each.split(":")[1].split()[0] for each in said] == ["rows", "1", "2"]


def test_rows_between_two_steps_become_their_mean() -> None:
    frame = rows()
    frame.loc[3, "time"] = "2026-03-02T00:40:00+08:00"
    found, said = regular(frame, HERE, SHANGHAI)
    assert found["dc_load_kw"].fillna(-1.0).tolist() == [1.0, 2.0, 3.5, -1.0, 5.0, 6.0, 7.0, 8.0]
    assert "between two steps" in said[0]


def test_a_sentinel_is_a_hole_and_unknown_mains_are_there() -> None:
    frame = rows(count=40).assign(mains_available=1.0)
    frame.loc[[3, 4, 9], "dc_load_kw"] = -999.0
    frame.loc[5, "mains_available"] = np.nan
    found, said = regular(frame, HERE, SHANGHAI)
    assert found["dc_load_kw"].isna().sum() == 3
    assert found["mains_available"].tolist() == [1.0] * 40
    assert "3 values of -999" in said[0]
    assert "1 unknown values" in said[1]


def test_local_time_with_both_changes_of_clocks_and_without() -> None:
    true = pd.date_range("2026-03-07T00:00", "2026-03-10T00:00", freq="h", tz=LOS_ANGELES)
    frame = pd.DataFrame(
        {"time": [t.tz_localize(None).isoformat() for t in true], "dc_load_kw": 1.0}
    )
    found, said = regular(frame, HERE, LOS_ANGELES)
    assert said == ()
    assert len(found) == 72
    even = pd.date_range("2026-03-07T00:00", "2026-03-10T00:00", freq="h")
    frame = pd.DataFrame({"time": [t.isoformat() for t in even], "dc_load_kw": 1.0})
    found, said = regular(frame, HERE, LOS_ANGELES)
    assert len(found) == 73
    assert "standard time all year" in said[0]
    assert found["time"].iloc[-1] == pd.Timestamp("2026-03-10T00:00:00-08:00")


def test_other_names_units_and_stamps_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    times = pd.date_range("2026-03-02T00:15", periods=4, freq="15min").astype(str)
    one = pd.DataFrame(
        {"hour_ending": times, "wh": 500.0, "power_mw": 3.0, "temp_f": 50.0, "building": 3}
    )
    frame = pd.concat([one, one.assign(building=4, wh=9.0)])
    ours = mapped(frame, read_mapping(tmp_path / "map.toml"), HERE)
    assert ours.iloc[0].to_dict() == pytest.approx(
        {
            "time": "2026-03-02T00:00:00",
            "dc_load_kw": 2.0,
            "pv_kw": 3.0,
            "outdoor_temp_c": 10.0,
            "ac_load_kw": 0.4,
        }
    )
    assert len(ours) == 4


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("columns.pv_kw", "columns.pv", "columns.pv: no such column; allowed are dc_load_kw"),
        ('"MW"', '"PS"', r"columns.pv_kw.unit = 'PS': allowed are W, kW"),
        ("value = 0.4", "", "needs either column or value"),
        ("stands_for", "stand_for", "stand_for"),
        ('"end"', '"middle"', "time.stands_for"),
    ],
)
def test_a_mistake_in_the_map_is_a_sentence(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    (tmp_path / "map.toml").write_text(MAP.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_mapping(tmp_path / "map.toml")
    assert sentence in str(caught.value)


def test_a_column_that_is_not_there_and_a_thing_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAP, encoding="utf-8")
    mapping = read_mapping(tmp_path / "map.toml")
    frame = pd.DataFrame({"hour_ending": ["2026-03-02"], "building": [4]})
    with pytest.raises(UserError, match="no row has building = 3"):
        mapped(frame, mapping, HERE)
    with pytest.raises(UserError, match="no column wh"):
        mapped(frame.assign(building=3), mapping, HERE)


def test_stamps_that_are_none() -> None:
    with pytest.raises(UserError, match="not ISO 8601"):
        regular(rows().assign(time="tomorrow"), HERE, SHANGHAI)
    with pytest.raises(UserError, match="no usual step"):
        regular(rows(count=1), HERE, SHANGHAI)


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    from siteems.recordings.table import read_frame

    frame = rows()
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.assign(time=pd.to_datetime(frame["time"])).set_index("time").to_parquet(
        tmp_path / "a.parquet"
    )
    ours = [
        regular(read_frame(tmp_path / name), HERE, SHANGHAI)[0] for name in ("a.csv", "a.parquet")
    ]
    pd.testing.assert_frame_equal(*ours, check_dtype=False)
