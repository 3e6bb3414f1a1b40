"""Recorded data made whole by stated rules, and moved to where a tariff holds."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from recorded_file import written

from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.recordings.gaps import fill
from siteems.recordings.read import between, read_data
from siteems.site.read_file import load_site

HANGZHOU = load_site(seed_path("hangzhou-macro"))
ZONE = HANGZHOU.site.zone
QUARTER = timedelta(minutes=15)
NAN = float("nan")


def test_a_short_gap_is_a_straight_line() -> None:
    series, said = fill(np.array([1.0, NAN, NAN, 4.0, 5.0]), QUARTER)
    assert series == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0])
    assert said == ("2 values in 1 gaps up to an hour: straight line between its neighbours",)


def test_a_long_gap_is_the_day_before_or_the_nearest() -> None:
    days = np.arange(3 * 96, dtype=np.float64)
    holed = days.copy()
    holed[96 + 10 : 96 + 30] = NAN
    series, said = fill(holed, QUARTER)
    assert series is not None
    assert series[96 + 10 : 96 + 30] == pytest.approx(days[10:30])
    assert "20 values in 1 gaps longer" in said[0]
    holed = days.copy()
    holed[:20] = NAN  # no day before it
    series, _ = fill(holed, QUARTER)
    assert series is not None
    assert series[:20] == pytest.approx(days[96:116])


def test_nothing_is_made_of_nothing() -> None:
    assert fill(np.full(9, NAN), QUARTER) == (None, ())
    whole = np.arange(5.0)
    assert fill(whole, QUARTER) == (whole, ())


def test_old_data_is_moved_by_whole_years_of_weeks(tmp_path: Path) -> None:
    found = read_data(written(tmp_path / "a.csv", "2019-03-04T00:00", 24), ZONE, HANGZHOU.tariffs)
    start = found.profile.start.astimezone(ZONE)
    assert start.weekday() == date(2019, 3, 4).weekday()
    assert start.date() >= date(2026, 7, 1)
    assert (start.date() - date(2019, 3, 4)).days % 364 == 0
    assert any("moved" in said for said in found.fills)
    assert any("96 values below 0 taken as 0" in said for said in found.fills)
    assert (found.profile.pv_kw == 0.0).all()


def test_data_within_the_tariff_stays_where_it_is(tmp_path: Path) -> None:
    found = read_data(written(tmp_path / "a.csv", "2026-08-03T00:00", 24), ZONE, HANGZHOU.tariffs)
    assert found.profile.start.astimezone(ZONE).date() == date(2026, 8, 3)
    assert not any("moved" in said for said in found.fills)


def test_a_span_outside_the_data_is_a_sentence(tmp_path: Path) -> None:
    profile = read_data(
        written(tmp_path / "a.csv", "2026-08-03T00:00", 24), ZONE, HANGZHOU.tariffs
    ).profile
    assert between(profile, None, None) == (profile.start, profile.end)
    with pytest.raises(UserError, match="has no data from"):
        between(profile, profile.end, None)


def test_a_column_without_a_value_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dc_load_kw has no value at all"):
        read_data(
            written(tmp_path / "a.csv", "2026-08-03T00:00", 24, load=""), ZONE, HANGZHOU.tariffs
        )
