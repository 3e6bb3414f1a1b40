"""Every use of a recording reads the same file the same way: times, sentinels, file formats."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.complete_profile import read_complete_profile
from siteems.recordings.inspection import inspect_file
from siteems.recordings.read import (
    read_filled_profile,
    read_metered,
    read_profile_with_gaps,
)
from siteems.tariff.model import PriceVector
from siteems.tariff.price_vector import read_price_vector

SHANGHAI, LOS_ANGELES = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")
UTC_START = datetime(2026, 3, 1, 16, tzinfo=UTC)


def frame(times: pd.Index) -> pd.DataFrame:
    load = 2.0 + np.sin(np.arange(len(times)) / 7.0)
    return pd.DataFrame(
        {
            "time": times,
            "dc_load_kw": load,
            "pv_kw": 0.5,
            "outdoor_temp_c": 20.0 + load,
            "grid_import_kw": load + 1.0,
            "price_per_kwh": load / 10.0,
        }
    )


def starts(path: Path, zone: ZoneInfo) -> dict[str, datetime]:
    """The first instant of a file in UTC, by use."""
    prices = read_price_vector(PriceVector(file=str(path)), zone)
    return {
        "replay": read_filled_profile(path, zone).profile.start,
        "plan": read_profile_with_gaps(path, zone).start,
        "simulate": read_complete_profile(path, zone).start,
        "bill": read_metered(path, zone).start,
        "tariff": datetime.fromtimestamp(int(prices.starts_s[0]), UTC),
    }


@pytest.mark.parametrize(
    "form", ["{:%Y-%m-%dT%H:%M}", "{:%Y-%m-%d %H:%M:%S}+08:00", "{:%Y%m%dT%H}"]
)
def test_one_file_means_the_same_times_to_every_command(tmp_path: Path, form: str) -> None:
    local = pd.date_range("2026-03-02T00:00", periods=72, freq="h")
    path = tmp_path / "a.csv"
    frame(pd.Index([form.format(each) for each in local])).to_csv(path, index=False)
    assert set(starts(path, SHANGHAI).values()) == {UTC_START}
    table = inspect_file(path, SHANGHAI).table
    assert table.columns[0].times[0].tz_localize(None) == pd.Timestamp("2026-03-02T00:00")


def test_days_without_a_time_of_day_begin_at_local_midnight(tmp_path: Path) -> None:
    """`2026-03-02` ends like an offset of two hours and is none."""
    path = tmp_path / "a.csv"
    frame(pd.Index([f"2026-03-{day:02d}" for day in range(2, 12)])).to_csv(path, index=False)
    assert set(starts(path, SHANGHAI).values()) == {UTC_START}


def test_offsets_that_change_with_the_clock(tmp_path: Path) -> None:
    local = pd.date_range("2026-03-07T00:00", "2026-03-10T00:00", freq="h", tz=LOS_ANGELES)
    path = tmp_path / "a.csv"
    frame(pd.Index([each.isoformat() for each in local])).to_csv(path, index=False)
    assert set(starts(path, SHANGHAI).values()) == {datetime(2026, 3, 7, 8, tzinfo=UTC)}
    assert read_complete_profile(path, SHANGHAI).step == timedelta(hours=1)


def test_parquet_can_be_used_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame(pd.date_range("2026-03-02T00:00", periods=72, freq="h", tz=SHANGHAI)).to_parquet(path)
    assert set(starts(path, SHANGHAI).values()) == {UTC_START}


def test_a_sentinel_is_a_missing_value_to_every_command(tmp_path: Path) -> None:
    recorded = frame(pd.date_range("2026-03-02T00:00", periods=72, freq="h").astype(str))
    recorded.loc[[30, 31, 32], "dc_load_kw"] = -999.0
    path = tmp_path / "a.csv"
    recorded.to_csv(path, index=False)
    assert read_filled_profile(path, SHANGHAI).profile.dc_load_kw.min() > 0.0
    with_gaps = read_profile_with_gaps(path, SHANGHAI)
    assert np.flatnonzero(np.isnan(with_gaps.dc_load_kw)).tolist() == [30, 31, 32]
    assert "sentinel" in {finding.kind for finding in inspect_file(path).findings}
    assert len(read_complete_profile(path, SHANGHAI, date(2026, 3, 2)).dc_load_kw) == 24
    with pytest.raises(UserError, match="dc_load_kw has 3 empty"):
        read_complete_profile(path, SHANGHAI, date(2026, 3, 3))


def test_standard_time_all_year_is_refused_where_no_note_can_be_shown(tmp_path: Path) -> None:
    even = pd.date_range("2026-03-07T00:00", "2026-11-10T00:00", freq="h").astype(str)
    path = tmp_path / "a.csv"
    frame(even).to_csv(path, index=False)
    assert "standard time" in read_filled_profile(path, LOS_ANGELES).notes[0]
    with pytest.raises(UserError, match="do not fit the changes of clocks"):
        read_complete_profile(path, LOS_ANGELES)
    with pytest.raises(UserError, match="do not fit the changes of clocks"):
        read_price_vector(PriceVector(file=str(path)), LOS_ANGELES)
