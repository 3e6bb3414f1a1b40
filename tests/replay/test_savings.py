"""Confidence of a saving: it holds as often as it says, allows for days that correlate, and says
nothing where there are too few days.
"""

import numpy as np
import pytest

from siteems.replay.savings import Interval, confidence, of_months, t_quantile


def weather(rng: np.random.Generator, days: int, memory: float, season: float = 0.0) -> np.ndarray:
    """Savings of mean 2 and variance 1 that correlate from day to day, and a season of the year."""
    series = np.empty(days + 60)
    state = 0.0
    for day, news in enumerate(rng.standard_normal(days + 60)):
        state = memory * state + np.sqrt(1 - memory**2) * news
        series[day] = 2.0 + state
    return np.asarray(series[60:] + season * np.sin(2 * np.pi * np.arange(days) / 365))


@pytest.mark.parametrize("days", [14, 30, 90, 365])
@pytest.mark.parametrize("memory", [0.15, 0.3])
def test_the_interval_has_its_stated_coverage(days: int, memory: float) -> None:
    """500 series: 95 %, with a standard error of one percent point."""
    rng = np.random.default_rng(4)
    season = 0.4 * np.sin(2 * np.pi * np.arange(days) / 365)
    truth = 2.0 * days + float(season.sum())
    hits = 0
    for _ in range(500):
        found = confidence(weather(rng, days, memory, 0.4))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 500 <= 0.975


def test_correlated_days_make_it_wider() -> None:
    steady, weeks = (
        confidence(weather(np.random.default_rng(8), 364, memory)) for memory in (0.0, 0.8)
    )
    assert weeks.high - weeks.low > 1.5 * (steady.high - steady.low)
    assert weeks.low < weeks.total < weeks.high


def test_a_season_is_no_chance() -> None:
    level, seasonal = (
        confidence(weather(np.random.default_rng(9), 364, 0.2, season)) for season in (0.0, 3.0)
    )
    assert seasonal.high - seasonal.low < 1.6 * (level.high - level.low)


def test_too_few_days_have_no_interval() -> None:
    found = confidence(np.ones(13))
    assert found.total == 13
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_a_steady_saving_is_certain() -> None:
    found = confidence(np.full(60, 1.5))
    assert (found.low, found.high) == (pytest.approx(90.0), pytest.approx(90.0))


def test_months_of_a_demand_charge_widen_it() -> None:
    """Three months with a standard deviation of 10: 4.303 x 10 x root 3."""
    half = of_months(np.array([20.0, 30.0, 40.0]))
    assert half == pytest.approx(4.303 * 10.0 * 3**0.5)
    assert Interval(100.0, 60.0, 140.0).widened(30.0) == Interval(100.0, 50.0, 150.0)


def test_quantiles_of_student() -> None:
    for freedom, expected in ((0.5, 4.303), (3, 3.182), (7, 2.365), (25, 2.060), (1e6, 1.960)):
        assert t_quantile(freedom) == pytest.approx(expected, rel=0.005)
