"""Means of recorded samples over intervals of local time: weighted by time, unknown stays empty."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.control.reasons import FOLLOW_PLAN
from siteems.history.averages import averages
from siteems.history.records import Sample
from siteems.history.store import History

SITE = seed_path("hangzhou-macro")
START = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
"""Midnight in Hangzhou."""
MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def minutes(start: str, count: int, **columns: object) -> pd.DataFrame:
    index = pd.date_range(start, periods=count, freq="min", tz="UTC", name="time")
    return pd.DataFrame(columns, index=index, dtype="float64")


def means(frame: pd.DataFrame, every: str, zone: ZoneInfo = BERLIN) -> pd.DataFrame:
    half = len(frame) // 2
    (whole,) = averages([frame[:half], frame[half:]], every, zone, 60.0)
    return whole


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28T23:00", 23), ("2026-10-24T22:00", 25), ("2026-07-14T22:00", 24)]
)
def test_local_days_and_hours_when_clocks_are_set(day: str, hours: int) -> None:
    frame = minutes(day, 60 * hours, pv_kw=np.arange(60.0 * hours))
    by_day = means(frame, "1d")
    assert list(by_day.index) == [pd.Timestamp(day, tz="UTC")]
    assert by_day["pv_kw"].iloc[0] == pytest.approx((60 * hours - 1) / 2)
    assert by_day["coverage"].iloc[0] == pytest.approx(1.0)
    by_hour = means(frame, "1h")
    assert len(by_hour) == hours, "the doubled hour is two"
    assert list(by_hour["pv_kw"]) == pytest.approx([60.0 * h + 29.5 for h in range(hours)])


def test_intervals_lie_on_the_clock_of_a_half_hour_zone() -> None:
    frame = minutes("2026-07-15T00:00", 120, soc=0.5)
    starts = means(frame, "1h", ZoneInfo("Asia/Kolkata")).index
    assert [f"{start:%H:%M}" for start in starts] == ["23:30", "00:30", "01:30"]


def test_unknown_is_left_out_and_a_gap_is_not_covered() -> None:
    frame = minutes("2026-07-15T00:00", 60, pv_kw=2.0, soc=np.nan)
    frame.loc[frame.index[:30], "pv_kw"] = np.nan
    frame = frame.drop(frame.index[45:55])
    found = means(frame, "1h")
    assert found["pv_kw"].iloc[0] == pytest.approx(2.0)
    assert np.isnan(found["soc"].iloc[0])
    assert found["coverage"].iloc[0] == pytest.approx((50 + 0.5) / 60), "half a minute beyond"


def test_a_sample_counts_for_its_time_and_a_counter_has_its_last_value() -> None:
    times = pd.DatetimeIndex(["2026-07-15T00:00", "2026-07-15T00:01", "2026-07-15T00:01:30"])
    frame = pd.DataFrame(
        {"pv_kw": [1.0, 4.0, 1.0], "energy_import_kwh": [7.0, 8.0, np.nan]},
        index=times.tz_localize("UTC"),
    )
    (found,) = averages([frame], "5min", BERLIN, 60.0)
    assert found["pv_kw"].iloc[0] == pytest.approx((60 * 1.0 + 30 * 4.0 + 60 * 1.0) / 150)
    assert found["energy_import_kwh"].iloc[0] == 8.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    record = History(tmp_path / "state" / "history.sqlite3")
    record.add_samples(
        Sample(START + i * MINUTE, {"dc_load_kw": 2.0 + i // 60}, "plan", FOLLOW_PLAN())
        for i in range(180)
    )
    record.close()
    return tmp_path / "state"


def test_the_command(state: Path, tmp_path: Path) -> None:
    options = ("--state", state, "--every", "1h")
    code, text, _ = run_command("history", SITE, *options, "--columns", "dc_load_kw,pv_kw")
    frame = pd.read_csv(io.StringIO(text))
    assert code == 0
    assert list(frame.columns) == ["time", "dc_load_kw", "pv_kw", "coverage"]
    assert list(frame["time"]) == [f"2026-07-01T{hour}:00:00Z" for hour in (16, 17, 18)]
    assert list(frame["dc_load_kw"]) == [2.0, 3.0, 4.0]
    assert frame["pv_kw"].isna().all()
    code, text, _ = run_command("history", SITE, *options, "--json")
    (first, *_) = json.loads(text)
    assert (code, first["dc_load_kw"], first["pv_kw"]) == (0, 2.0, None)
    target = tmp_path / "out.csv"
    code, text, _ = run_command("history", SITE, *options, "--csv", target)
    assert text == f"{target}: 3 intervals of 1h\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--every", "7min"), "'7min' is no interval; allowed: 5min, 10min, 15min, 30min, 1h, 1d"),
        (("--every", "1h", "--columns", "soc,source"), "source has no mean"),
    ],
)
def test_what_cannot_be_averaged(state: Path, options: tuple[str, ...], message: str) -> None:
    code, _, messages = run_command("history", SITE, "--state", state, *options)
    assert code == 2
    assert message in messages
