"""What is learned does not depend on the step of the recorded data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from siteems.forecast.day_profile import DayProfile
from siteems.forecast.learning_forecaster import LearningForecaster, learning_times
from siteems.planning.offline_plan import plan_offline
from siteems.site.model import Site
from siteems.site.read_file import load_site

ZONE = ZoneInfo("Asia/Shanghai")
SITE = Path(__file__).parents[2] / "seeds" / "hangzhou-macro"
MIDNIGHT = pd.Timestamp("2026-07-27 00:00", tz="Asia/Shanghai")
FIRST = pd.Timestamp("2026-07-06 00:00")
DAYS = 21
QUARTERS_H = np.full(96, 0.25)


@pytest.fixture(scope="module")
def hangzhou() -> Site:
    return load_site(SITE)


def recorded(folder: Path, minutes: list[int]) -> Path:
    """Three weeks of a flat load and the same PV each day; each part has the next of the steps."""
    times: list[pd.Timestamp] = []
    for part, step in enumerate(minutes):
        days = DAYS // len(minutes)
        first = FIRST + pd.Timedelta(days=part * days)
        times.extend(pd.date_range(first, periods=days * 24 * 60 // step, freq=f"{step}min"))
    index = pd.DatetimeIndex(times)
    hours = (index.hour + index.minute / 60.0).to_numpy()
    pv_kw = 3.5 * np.maximum(0.0, np.sin((hours - 6.0) / 12.0 * np.pi))
    frame = pd.DataFrame(
        {"dc_load_kw": 1.0, "ac_load_kw": 0.5, "pv_kw": pv_kw.round(3), "outdoor_temp_c": 20.5},
        index=index.rename("time"),
    )
    path = folder / "flat.csv"
    frame.to_csv(path)
    return path


@pytest.mark.parametrize("minutes", [[15], [30], [60], [60, 30, 15]])
def test_a_flat_load_is_forecast_as_it_is(
    hangzhou: Site, tmp_path: Path, minutes: list[int]
) -> None:
    """Of the typical day in the site file, three times as much, nothing is left."""
    at = MIDNIGHT.to_pydatetime().astimezone(UTC)
    plan = plan_offline(hangzhou, at, 0.6, recorded(tmp_path, minutes))
    forecast = plan.inputs.horizon.forecast
    assert forecast.dc_load_kw == pytest.approx(1.0, abs=1e-4)
    assert forecast.ac_load_kw == pytest.approx(0.5, abs=1e-4)


def test_each_measured_day_leaves_a_fifth_of_the_first_guess() -> None:
    profile, midnight = DayProfile([3.0] * 24, ZONE), datetime(2026, 7, 5, 16, tzinfo=UTC)
    left = []
    for day in range(4):
        for quarter in range(96):
            profile.learn(midnight + timedelta(days=day, minutes=15 * quarter), 1.0)
        left.append((profile.mean_at(midnight + timedelta(hours=3)) - 1.0) / 2.0)
    assert left == pytest.approx([0.2, 0.04, 0.008, 0.0016])


@pytest.mark.parametrize("step", [timedelta(minutes=15), timedelta(minutes=45), timedelta(hours=1)])
def test_p95_is_learned_at_steps_longer_than_the_backup_hours(
    hangzhou: Site, step: timedelta
) -> None:
    """A load that is half as much again in one step of ten is above the margin of the site file."""
    site = replace(hangzhou, backup=replace(hangzhou.backup, hours=0.5, load_margin=0.1))
    forecaster, start = LearningForecaster(site), datetime(2026, 3, 1, tzinfo=UTC)
    high = np.random.default_rng(1).random(round(timedelta(days=60) / step)) < 0.1
    measured = np.where(high, 3.0, 2.0)
    for index, value in enumerate(measured.tolist()):
        for part in learning_times(start + index * step, step):
            forecaster.learn(part, {"dc_load_kw": value})
    now = start + len(measured) * step
    starts = [now + timedelta(hours=i / 4) for i in range(96)]
    forecast = forecaster.forecast(now, starts, QUARTERS_H)
    expected, p95 = float(forecast.dc_load_kw.mean()), float(forecast.dc_load_p95_kw.mean())
    assert expected == pytest.approx(2.1, abs=0.1)
    assert 1.19 < p95 / expected < 1.5, "95 % of the half hours have up to 2.5 or 3 kW"
