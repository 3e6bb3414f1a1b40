"""The data of a replay: gaps filled, old data moved to where a tariff is valid, both noted."""

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from recorded_file import written

from siteems.config.local_time import utc_span
from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.replay.data import between, read_replay_data
from siteems.site.read_file import load_site

HANGZHOU = load_site(seed_path("hangzhou-macro"))
ZONE = HANGZHOU.site.zone


def test_old_data_is_moved_by_whole_years_of_weeks(tmp_path: Path) -> None:
    found = read_replay_data(
        written(tmp_path / "a.csv", "2019-03-04T00:00", 24), ZONE, HANGZHOU.tariffs
    )
    start = found.profile.start.astimezone(ZONE)
    assert start.weekday() == date(2019, 3, 4).weekday()
    assert start.date() >= date(2026, 7, 1)
    assert (start.date() - date(2019, 3, 4)).days % 364 == 0
    assert any("moved" in note for note in found.notes)
    assert any("96 values below 0 taken as 0" in note for note in found.notes)
    assert (found.profile.pv_kw == 0.0).all()


def test_data_within_the_tariff_stays_where_it_is(tmp_path: Path) -> None:
    found = read_replay_data(
        written(tmp_path / "a.csv", "2026-08-03T00:00", 24), ZONE, HANGZHOU.tariffs
    )
    assert found.profile.start.astimezone(ZONE).date() == date(2026, 8, 3)
    assert not any("moved" in note for note in found.notes)


def test_a_span_is_one_of_the_recording_also_where_it_is_moved(tmp_path: Path) -> None:
    found = read_replay_data(
        written(tmp_path / "a.csv", "2019-03-04T00:00", 96), ZONE, HANGZHOU.tariffs
    )
    assert found.moved.days % 364 == 0
    day = utc_span(date(2019, 3, 5), date(2019, 3, 6), ZONE)
    first, end = found.between(*day)
    assert (first, end) == (found.profile.start + timedelta(days=1), first + timedelta(days=1))
    with pytest.raises(UserError, match="has no data from 2026-08-0"):
        found.between(*utc_span(date(2026, 8, 5), date(2026, 8, 6), ZONE))


def test_a_span_outside_the_data_is_refused(tmp_path: Path) -> None:
    profile = read_replay_data(
        written(tmp_path / "a.csv", "2026-08-03T00:00", 24), ZONE, HANGZHOU.tariffs
    ).profile
    assert between(profile, None, None) == (profile.start, profile.end)
    with pytest.raises(UserError, match="has no data from"):
        between(profile, profile.end, None)


def test_a_column_without_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dc_load_kw has no value at all"):
        read_replay_data(
            written(tmp_path / "a.csv", "2026-08-03T00:00", 24, load=""), ZONE, HANGZHOU.tariffs
        )


@pytest.mark.parametrize("name", ["dc_load_kw", "pv_kw"])
def test_a_series_of_the_wrong_sign_is_refused(tmp_path: Path, name: str) -> None:
    times = pd.date_range("2026-07-06", periods=192, freq="15min", name="time")
    frame = pd.DataFrame({"dc_load_kw": 1.0, "pv_kw": 0.5, "outdoor_temp_c": 20.0}, index=times)
    frame[name] *= -1.0
    path = tmp_path / "turned.csv"
    frame.to_csv(path)
    with pytest.raises(UserError, match=f"column {name}: 192 of 192 values are negative"):
        read_replay_data(path, ZONE, HANGZHOU.tariffs)
