"""Forecast scores of a day that repeats itself and of noise, and the measures computed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siteems.config.seeds import seed_path
from siteems.forecast.score import _mape, _pinball, score_forecasts
from siteems.forecast.score_table import as_table
from siteems.recordings.profile import Profile
from siteems.recordings.read import read_profile_with_gaps
from siteems.site.read_file import load_site

SITE = load_site(seed_path("hangzhou-macro"))
SHARED = Path(__file__).parents[3] / "shared" / "data" / "profiles"


def profile(days: int = 12, noise: float = 0.0, seed: int = 1) -> Profile:
    hours = np.arange(days * 96) / 4.0
    load = (
        2.5
        + np.sin(hours / 24.0 * 2.0 * np.pi)
        + noise * np.random.default_rng(seed).normal(size=hours.size)
    )
    pv_kw = np.maximum(0.0, 3.0 * np.sin((hours - 6.0) / 24.0 * 2.0 * np.pi))
    mains = np.ones(hours.size, dtype=np.bool_)
    start = datetime(2026, 7, 4, 16, tzinfo=UTC)
    return Profile(
        start,
        timedelta(minutes=15),
        np.maximum(load, 0.1),
        pv_kw,
        np.full(hours.size, 25.0),
        None,
        mains,
        "it",
    )


def test_a_day_that_repeats_itself_is_learned_in_a_week() -> None:
    scores = score_forecasts(SITE, profile(), lambda *_: None)
    load = [s for s in scores if s.series == "dc_load_kw"]
    assert len(load) == 3
    assert all(s.nrmse < 0.05 for s in load)
    assert all(s.p95_coverage == pytest.approx(1.0, abs=0.03) for s in load)
    assert all(s.naive_nrmse == pytest.approx(0.0, abs=1e-9) for s in load)
    assert "not better than naive" in as_table(scores)  # nothing is better than a perfect copy


def test_noise_is_smoothed_better_than_it_is_repeated() -> None:
    scores = score_forecasts(SITE, profile(20, noise=0.3), lambda *_: None)
    assert all(s.beats_naive for s in scores if s.series == "dc_load_kw")


def test_measures_by_hand() -> None:
    truth, made = np.array([2.0, 4.0, 0.0]), np.array([1.0, 5.0, 1.0])
    assert _mape(made, truth) == pytest.approx((0.5 + 0.25) / 2)  # the zero is left out
    # 0.95 x 1 short once, 0.05 x 1 too much twice
    assert _pinball(made, truth, 0.95) == pytest.approx((0.95 + 0.05 + 0.05) / 3)


def test_too_short_a_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 9 days or more"):
        score_forecasts(SITE, profile(8), lambda *_: None)


@pytest.mark.parametrize("name", ["cn_site_2019", "cn_northwest_2019"])
def test_on_recorded_data_the_naive_forecasts_are_beaten_and_the_quantile_covers(name: str) -> None:
    path = SHARED / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"{name} is not beside this project")
    recorded = read_profile_with_gaps(path, SITE.site.zone)
    days = slice(96 * 100, 96 * 150)
    names = ("dc_load_kw", "pv_kw", "outdoor_c", "mains_ok", "ac_load_kw")
    part = {n: np.nan_to_num(getattr(recorded, n)[days]) for n in names}
    part["mains_ok"] = part["mains_ok"].astype(np.bool_)
    scores = score_forecasts(
        SITE, replace(recorded, start=recorded.start + timedelta(days=100), **part), lambda *_: None
    )
    assert all(s.beats_naive for s in scores), as_table(scores)
    assert all(0.91 <= s.p95_coverage <= 0.99 for s in scores if s.p95_coverage is not None), (
        as_table(scores)
    )
