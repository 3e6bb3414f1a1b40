"""Confidence of a saving: deterministic, centred, wider where days correlate, and with the coverage
that it states.
"""

import numpy as np
import pytest

from siteems.replay.savings import confidence


def weather(rng: np.random.Generator, days: int, memory: float) -> np.ndarray:
    """Savings of mean 2 that correlate from day to day."""
    series = np.empty(days)
    state = 0.0
    for day in range(days):
        state = memory * state + np.sqrt(1 - memory**2) * rng.standard_normal()
        series[day] = 2.0 + state
    return series


def test_the_interval_has_about_its_stated_coverage() -> None:
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(200):
        found = confidence(weather(rng, 120, 0.5), draws=400)
        hits += found.low <= 240.0 <= found.high
    assert 0.85 <= hits / 200 <= 0.99


def test_correlated_days_make_it_wider() -> None:
    series = weather(np.random.default_rng(8), 364, 0.9)
    alone, weeks = confidence(series, block_days=1), confidence(series)
    assert weeks.high - weeks.low > 1.5 * (alone.high - alone.low)
    assert weeks.low < weeks.total < weeks.high
    assert confidence(series) == weeks


def test_too_few_days_have_no_interval() -> None:
    found = confidence(np.ones(13))
    assert found.total == 13
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_a_steady_saving_is_certain() -> None:
    found = confidence(np.full(60, 1.5))
    assert (found.low, found.high) == (pytest.approx(90.0), pytest.approx(90.0))
