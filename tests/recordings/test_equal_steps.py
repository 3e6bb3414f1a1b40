"""Rows as loggers leave them: doubled, missing, out of order, with sentinels and clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.column_map import ColumnMap, ColumnSource
from siteems.recordings.equal_steps import Recording, at_equal_steps
from siteems.recordings.read import read_filled_profile, rows_of
from siteems.recordings.table import Table, read_table

SHANGHAI, LOS_ANGELES = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")
HERE = Path("it.csv")


def recorded(frame: pd.DataFrame, zone: ZoneInfo = SHANGHAI) -> Recording:
    return at_equal_steps(rows_of(Table(HERE, frame), zone))


def rows(start: str = "2026-03-02T00:00:00+08:00", count: int = 8) -> pd.DataFrame:
    times = pd.date_range(start, periods=count, freq="15min")
    return pd.DataFrame(
        {"time": [t.isoformat() for t in times], "dc_load_kw": np.arange(1.0, count + 1.0)}
    )


def test_even_rows_are_left_alone() -> None:
    found = recorded(rows())
    assert found.notes == ()
    assert found.series["dc_load_kw"].tolist() == list(range(1, 9))
    assert found.start == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert found.step == timedelta(minutes=15)


def test_timestamps_that_jitter_by_seconds_belong_to_their_step() -> None:
    frame, jitter = rows(count=96), np.random.default_rng(7).integers(-3, 4, 96)
    times = pd.to_datetime(frame["time"]) + pd.to_timedelta(jitter, unit="s")
    frame["time"] = [time.isoformat() for time in times]
    found = recorded(frame)
    assert found.series["dc_load_kw"].tolist() == list(range(1, 97))
    assert len(found.notes) == 1
    assert "off their step, rounded" in found.notes[0]


def test_doubled_missing_and_misplaced_rows_are_mended_and_noted() -> None:
    frame = rows()
    doubled = pd.DataFrame({"time": frame["time"].iloc[[1]], "dc_load_kw": [4.0]})
    found = recorded(pd.concat([frame.iloc[[0, 1, 2, 6, 7, 3]], doubled]))
    assert np.nan_to_num(found.series["dc_load_kw"], nan=-1.0).tolist() == [
        1.0,
        3.0,
        3.0,
        4.0,
        -1.0,
        -1.0,
        7.0,
        8.0,
    ]
    assert [each.split(":")[1].split()[0] for each in found.notes] == ["rows", "1", "2"]


def test_rows_between_two_steps_become_their_mean() -> None:
    frame = rows()
    frame.loc[3, "time"] = "2026-03-02T00:40:00+08:00"
    found = recorded(frame)
    assert np.nan_to_num(found.series["dc_load_kw"], nan=-1.0).tolist() == [
        1.0,
        2.0,
        3.5,
        -1.0,
        5.0,
        6.0,
        7.0,
        8.0,
    ]
    assert "between two steps" in found.notes[0]


def test_a_sentinel_is_a_missing_value() -> None:
    frame = rows(count=40)
    frame.loc[[3, 4, 9], "dc_load_kw"] = -999.0
    found = recorded(frame)
    assert np.flatnonzero(np.isnan(found.series["dc_load_kw"])).tolist() == [3, 4, 9]
    assert "3 values (7.5 %) of -999" in found.notes[0]


def test_unknown_mains_count_as_present(tmp_path: Path) -> None:
    frame = rows(count=40).assign(pv_kw=0.5, outdoor_temp_c=20.0, mains_available=1.0)
    frame.loc[5, "mains_available"] = np.nan
    frame.loc[6, "mains_available"] = 0.0
    frame.to_csv(tmp_path / "a.csv", index=False)
    found = read_filled_profile(tmp_path / "a.csv", SHANGHAI)
    assert np.flatnonzero(~found.profile.mains_ok).tolist() == [6]
    assert found.notes == ("mains_available: 1 unknown values: the mains are taken as present",)


def test_local_time_with_both_changes_of_clocks_and_without() -> None:
    true = pd.date_range("2026-03-07T00:00", "2026-03-10T00:00", freq="h", tz=LOS_ANGELES)
    frame = pd.DataFrame(
        {"time": [t.tz_localize(None).isoformat() for t in true], "dc_load_kw": 1.0}
    )
    found = recorded(frame, LOS_ANGELES)
    assert found.notes == ()
    assert len(found.series["dc_load_kw"]) == 72
    even = pd.date_range("2026-03-07T00:00", "2026-11-10T00:00", freq="h")
    frame = pd.DataFrame({"time": [t.isoformat() for t in even], "dc_load_kw": 1.0})
    found = recorded(frame, LOS_ANGELES)
    count = len(found.series["dc_load_kw"])
    assert count == len(even)
    assert "standard time all year" in found.notes[0]
    assert found.start + (count - 1) * found.step == datetime(2026, 11, 10, 8, tzinfo=UTC)


def test_times_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(UserError, match="is no time that can be read"):
        recorded(rows().assign(time="tomorrow"))
    with pytest.raises(UserError, match="no regular time step"):
        recorded(rows(count=1))


def test_parquet_holds_the_same_as_csv(tmp_path: Path) -> None:
    frame = rows()
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.assign(time=pd.to_datetime(frame["time"])).set_index("time").to_parquet(
        tmp_path / "a.parquet"
    )
    csv, parquet = (recorded(read_table(tmp_path / name).frame) for name in ("a.csv", "a.parquet"))
    assert (csv.start, csv.step, csv.notes) == (parquet.start, parquet.step, parquet.notes)
    assert csv.series["dc_load_kw"].tolist() == parquet.series["dc_load_kw"].tolist()


@pytest.mark.parametrize("far", ["1971-01-01T00:00:00+08:00", "2090-01-01T00:00:00+08:00"])
def test_one_time_that_is_far_off_is_refused_at_once(far: str) -> None:
    frame = rows(count=192)
    frame.loc[len(frame)] = [far, 1.0]
    with pytest.raises(UserError, match=f"193 rows.*{far[:4]}|193 rows.*{int(far[:4]) - 1}-12-31"):
        recorded(frame)


def test_years_of_which_a_part_was_recorded_are_read() -> None:
    frame = pd.concat([rows(count=96 * 30), rows("2029-06-01T00:00:00+08:00", 96 * 30)])
    assert len(recorded(frame).series["dc_load_kw"]) > 100_000


@pytest.mark.parametrize("most_s", [5, 20, 44])
def test_energy_between_stamps_that_jitter_is_neither_more_nor_less(
    tmp_path: Path, most_s: int
) -> None:
    """1.5 kWh each quarter hour: stamps that are 44 s off at most gave 0.8 % more."""
    jitter = np.random.default_rng(3).integers(0, most_s + 1, 960)
    times = pd.date_range("2026-07-01", periods=960, freq="15min") + pd.to_timedelta(
        jitter, unit="s"
    )
    path = tmp_path / "meter.csv"
    frame = pd.DataFrame({"time": times.astype(str), "energy": 1.5})
    frame.to_csv(path, index=False)
    columns = {"grid_import_kw": ColumnSource(column="energy", unit="kWh")}
    recording = at_equal_steps(rows_of(read_table(path), SHANGHAI, ColumnMap(columns=columns)))
    assert recording.series["grid_import_kw"].sum() / 4.0 == pytest.approx(1440.0, rel=1e-12)


def test_a_counter_whose_stamps_jitter_gives_its_difference(tmp_path: Path) -> None:
    jitter = np.random.default_rng(5).integers(0, 45, 961)
    times = pd.date_range("2026-07-01", periods=961, freq="15min") + pd.to_timedelta(
        jitter, unit="s"
    )
    readings = 5000.0 + np.cumsum(np.random.default_rng(6).uniform(0.5, 2.5, 961))
    path = tmp_path / "meter.csv"
    frame = pd.DataFrame({"time": times.astype(str), "meter": readings})
    frame.to_csv(path, index=False, float_format="%.6f")
    columns = {"grid_import_kw": ColumnSource(column="meter", unit="kWh counter")}
    recording = at_equal_steps(rows_of(read_table(path), SHANGHAI, ColumnMap(columns=columns)))
    counted = np.nansum(recording.series["grid_import_kw"]) / 4.0
    assert counted == pytest.approx(readings[-1] - readings[0], rel=1e-6)
