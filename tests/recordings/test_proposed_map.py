"""The map that `siteems inspect` proposes can be used as it is."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.errors import UserError
from siteems.recordings.column_map import read_column_map
from siteems.recordings.inspection import inspect_file
from siteems.recordings.inspection_text import as_data, as_text
from siteems.recordings.read import read_filled_profile

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = pd.date_range("2026-07-06", periods=96, freq="h")
LOAD = np.round(2.0 + np.sin(np.arange(96) / 4.0), 3)


def used(tmp_path: Path, frame: pd.DataFrame) -> tuple[str, pd.Series]:
    """The proposed map, and the load that is read with it, by UTC time."""
    data, map_file = tmp_path / "a.csv", tmp_path / "map.toml"
    frame.to_csv(data, index=False)
    text = as_data(inspect_file(data))["mapping"]
    map_file.write_text(text, encoding="utf-8")
    profile = read_filled_profile(data, SHANGHAI, read_column_map(map_file)).profile
    times = pd.date_range(profile.start, periods=len(profile.dc_load_kw), freq=profile.step)
    return text, pd.Series(profile.dc_load_kw, index=times)


RIGHT = pd.Series(LOAD, index=HOURS.tz_localize(SHANGHAI).tz_convert("UTC"))


@pytest.mark.parametrize(
    ("frame", "stated"),
    [
        (pd.DataFrame({"time": HOURS, "load_kw": LOAD}), 'column = "time"'),
        (pd.DataFrame({"dt": HOURS, 'load "a" \\ kw': LOAD}), r"load \"a\" \\ kw"),
        (
            pd.DataFrame({"time_utc": HOURS - pd.Timedelta(hours=8), "load_kw": LOAD}),
            'zone = "UTC"',
        ),
        (
            pd.DataFrame({"hour_ending": HOURS + pd.Timedelta(hours=1), "load_kw": LOAD}),
            'stands_for = "end"',
        ),
        (
            pd.DataFrame({"date": HOURS.strftime("%d/%m/%Y %H:%M"), "load_kw": LOAD}),
            "day_first = true",
        ),
        (
            pd.DataFrame(
                {"日期": HOURS.strftime("%Y/%m/%d"), "时间": HOURS.strftime("%H:%M"), "load": LOAD}
            ),
            'clock_column = "时间"',
        ),
        (
            pd.DataFrame(
                {"date": HOURS.strftime("%Y%m%d"), "hour": HOURS.hour + 1, "load_kw": LOAD}
            ),
            'clock_column = "hour"\nsteps_per_day = 24',
        ),
        (
            pd.DataFrame(
                {"Datum": HOURS.strftime("%d.%m.%Y"), "Stunde": HOURS.hour, "load_kw": LOAD}
            ),
            'clock_column = "Stunde"',
        ),
        (pd.DataFrame({"load_kw": LOAD, "Messung": HOURS}), 'column = "Messung"'),
        (
            pd.concat(
                [
                    pd.DataFrame({"time": HOURS, "site": 'b"1', "load_kw": LOAD}),
                    pd.DataFrame({"time": HOURS, "site": "b2", "load_kw": 9.0}),
                ]
            ),
            "[only]",
        ),
    ],
    ids=[
        "plain",
        "quotes",
        "utc",
        "end",
        "days",
        "two-columns",
        "hours-of-ends",
        "hours",
        "any-name",
        "several",
    ],
)
def test_it_is_used(tmp_path: Path, frame: pd.DataFrame, stated: str) -> None:
    text, load = used(tmp_path, frame)
    assert stated in text
    pd.testing.assert_series_equal(load, RIGHT, check_freq=False, check_index_type=False)


def test_a_stated_value_has_no_holes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": HOURS, "load_kw": LOAD, "outdoor_temp_c": 20.0 + LOAD})
    frame = frame.iloc[[0, 1, *range(48, 96)]]
    with pytest.raises(UserError, match=r"has no value in 47\.9 %"):
        used(tmp_path, frame)
    text, load = used(tmp_path, frame.iloc[2:])
    assert "value = 0.0   # not recognised" in text  # of pv_kw
    assert len(load) == 48


def test_an_unknown_load_is_not_proposed_as_zero(tmp_path: Path) -> None:
    frame = pd.DataFrame({"time": HOURS, "power_w": LOAD, "solar": LOAD, "outdoor_c": LOAD})
    with pytest.raises(UserError, match="no column dc_load_kw"):
        used(tmp_path, frame)
    text = (tmp_path / "map.toml").read_text(encoding="utf-8")
    assert "# dc_load_kw was not recognised. Not assigned: power_w, solar." in text


def test_an_order_of_days_that_nothing_shows_is_asked_for(tmp_path: Path) -> None:
    day = pd.date_range("2026-04-03", periods=24, freq="h").strftime("%d/%m/%Y %H:%M")
    frame = pd.DataFrame({"time": day, "load_kw": LOAD[:24]})
    with pytest.raises(UserError, match="may be day or month first; say day_first"):
        used(tmp_path, frame)
    map_file = tmp_path / "map.toml"
    text = map_file.read_text(encoding="utf-8")
    assert "\n# day_first = true   # or false" in text
    assert "which the file does not show" in as_text(inspect_file(tmp_path / "a.csv"))
    map_file.write_text(text.replace("# day_first", "day_first"), encoding="utf-8")
    profile = read_filled_profile(tmp_path / "a.csv", SHANGHAI, read_column_map(map_file)).profile
    assert profile.start.isoformat() == "2026-04-02T16:00:00+00:00"


def test_inspect_takes_the_times_and_the_rows_of_a_map(tmp_path: Path) -> None:
    seconds = HOURS.as_unit("s").astype("int64")
    frame = pd.DataFrame({"serial": np.arange(1, 97), "seconds": seconds})
    data, map_file = tmp_path / "a.csv", tmp_path / "map.toml"
    pd.concat([frame.assign(site=1, load_kw=LOAD), frame.assign(site=2, load_kw=0.0)]).to_csv(data)
    with pytest.raises(UserError, match="no time column"):
        inspect_file(data)
    map_file.write_text('[time]\ncolumn = "seconds"\nstands_for = "end"\n[only]\nsite = 1\n')
    found = inspect_file(data, column_map=read_column_map(map_file))
    assert found.table.rows == 96
    assert 'column = "seconds"\nstands_for = "end"' in as_text(found)
