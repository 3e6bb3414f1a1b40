"""The PV forecaster: the clear sky where it fits, the plain mean where the site differs from its
file.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.config.seeds import seed_path
from siteems.forecast.clear_sky import ClearSky
from siteems.forecast.pv_forecaster import PvForecaster
from siteems.site.read_file import load_site

SITE = load_site(seed_path("hangzhou-macro"))
PV = SITE.pv
assert PV is not None
START = datetime(2026, 7, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DAY = np.arange(96) / 4.0


def learned(
    days: int, shift_h: float, cloud: float, shaded_from_h: float = 24.0
) -> tuple[PvForecaster, datetime]:
    """A forecaster after some days of a sky that is `shift_h` later than the site file says."""
    forecaster, sky = PvForecaster(SITE.site, PV), ClearSky(SITE.site, PV)
    for step in range(96 * days):
        now = START + step * QUARTER
        local_h = now.astimezone(SITE.site.zone).hour
        power_kw = (
            0.0
            if local_h >= shaded_from_h
            else cloud * sky.power_kw(now - timedelta(hours=shift_h))
        )
        forecaster.learn(now, power_kw, throttled=False)
    return forecaster, START + days * 96 * QUARTER


def test_where_the_site_file_is_right_the_clear_sky_is_used() -> None:
    forecaster, now = learned(8, 0.0, 0.7)
    expected = 0.7 * ClearSky(SITE.site, PV).powers_kw(now, DAY)
    assert forecaster.forecast(now, DAY)[0] == pytest.approx(expected, abs=0.02)


def test_a_site_at_the_wrong_location_learns_its_own_day() -> None:
    forecaster, now = learned(12, 1.5, 0.7)
    expected = 0.7 * ClearSky(SITE.site, PV).powers_kw(now - timedelta(hours=1.5), DAY)
    assert np.abs(forecaster.forecast(now, DAY)[0] - expected).max() < 0.15 * expected.max()


def test_a_mountain_in_the_west_is_learned() -> None:
    forecaster, now = learned(12, 0.0, 0.9, shaded_from_h=15)
    local_h = np.array(
        [(now + timedelta(hours=float(h))).astimezone(SITE.site.zone).hour for h in DAY]
    )
    shaded = forecaster.forecast(now, DAY)[0][(local_h >= 16) & (local_h < 18)]
    assert shaded.max() < 0.1 * PV.rated_kwp


def test_from_throttled_panels_only_a_clearer_sky_is_learned() -> None:
    forecaster, now = learned(8, 0.0, 0.7)
    before = forecaster.forecast(now, DAY)[0]
    noon = now.replace(hour=4)
    forecaster.learn(noon, 0.1, throttled=True)
    assert forecaster.forecast(now, DAY)[0] == pytest.approx(before)
    forecaster.learn(noon, ClearSky(SITE.site, PV).power_kw(noon), throttled=True)
    assert forecaster.forecast(noon, np.array([0.1]))[0][0] > 1.1 * 0.7 * ClearSky(
        SITE.site, PV
    ).power_kw(noon)


def test_never_above_the_rating_of_the_panels_and_never_negative() -> None:
    small = replace(PV, rated_kwp=0.5)
    forecaster = PvForecaster(SITE.site, small)
    for step in range(96 * 5):
        forecaster.learn(START + step * QUARTER, 3.0, throttled=False)
    powers = forecaster.forecast(START + timedelta(days=5), DAY)[0]
    assert powers.max() <= 0.5
    assert powers.min() >= 0.0


def test_the_high_forecast_covers_what_comes_and_starts_from_the_expectation() -> None:
    forecaster, sky = PvForecaster(SITE.site, PV), ClearSky(SITE.site, PV)
    rng, below, count = np.random.default_rng(3), 0, 0
    for day in range(60):
        cloud = float(rng.uniform(0.1, 1.0))
        for step in range(96):
            now = START + (96 * day + step) * QUARTER
            power_kw = cloud * sky.power_kw(now)
            if day >= 30 and sky.power_kw(now) > 0.2 * PV.rated_kwp:
                below += (
                    power_kw
                    <= forecaster.forecast(now - timedelta(hours=6), np.array([6.0]))[1][0] + 1e-6
                )
                count += 1
            forecaster.learn(now, power_kw, throttled=False)
    assert below / count > 0.85
    noon = START + timedelta(days=60, hours=4)
    assert forecaster.forecast(noon, DAY)[1][0] == pytest.approx(
        forecaster.forecast(noon, DAY)[0][0]
    )
    assert (forecaster.forecast(noon, DAY)[1] >= forecaster.forecast(noon, DAY)[0]).all()
    assert forecaster.forecast(noon, DAY)[1].max() <= PV.rated_kwp
