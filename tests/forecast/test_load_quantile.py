"""The learned 95 % quantile covers its share and stays above the margin of the site file."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from siteems.forecast.load_quantile import HIGHEST, BackupResiduals, UpperQuantile

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = np.arange(24.0)


@pytest.mark.parametrize("spread", [0.05, 0.1, 0.2])
def test_it_covers_its_share(spread: float) -> None:
    noise = np.random.default_rng(7).normal(1.0, spread, 96 * 60)
    quantile, below = UpperQuantile(0.95, 1.0, ZONE), 0
    for step, truth in enumerate(noise):
        now = START + timedelta(minutes=15 * step)
        below += step >= 96 * 20 and truth <= quantile.ratios(now, np.zeros(1))[0]
        quantile.learn(now, float(truth), 1.0)
    assert below / (96 * 40) == pytest.approx(0.95, abs=0.02)


def test_it_is_never_below_what_is_asked_for_and_stays_within_bounds() -> None:
    quantile = UpperQuantile(0.95, 1.1, ZONE)
    for step in range(5000):
        quantile.learn(START + timedelta(minutes=15 * step), 0.1, 1.0)
    assert (quantile.ratios(START, DAY) == 1.1).all()
    for step in range(5000):
        quantile.learn(START + timedelta(minutes=15 * step), 99.0, 1.0)
    assert (quantile.ratios(START, DAY) == HIGHEST).all()
    quantile.learn(START, 1.0, 0.0)


def test_each_part_of_the_day_has_its_own() -> None:
    quantile = UpperQuantile(0.95, 1.0, ZONE)
    for step in range(96 * 30):
        now = START + timedelta(minutes=15 * step)
        quantile.learn(now, 1.5 if now.astimezone(ZONE).hour >= 18 else 0.9, 1.0)
    midnight = START.replace(hour=16)  # in Shanghai
    ratios = quantile.ratios(midnight, DAY)
    assert ratios[12] == 1.0
    assert ratios[20] == pytest.approx(1.5, abs=0.03)


def test_residuals_are_of_means_over_the_hours_and_never_across_a_gap() -> None:
    learned: list[tuple[float, float]] = []

    class Spy(UpperQuantile):
        def learn(self, time: datetime, truth: float, expected: float) -> None:
            learned.append((truth, expected))

    residuals = BackupResiduals(
        Spy(0.95, 1.0, ZONE), 1.0, lambda now, ahead_h: np.full(len(ahead_h), 2.0)
    )
    for minute in range(0, 121, 5):
        residuals.learn(START + timedelta(minutes=minute), 1.0 if minute % 10 else 3.0)
    assert len(learned) == 5  # the forecasts of 0:00, 0:15 .. 1:00
    assert all(
        truth == pytest.approx(2.0, abs=0.2) and expected == 2.0 for truth, expected in learned
    )
    learned.clear()
    residuals.learn(START + timedelta(hours=9), 50.0)
    residuals.learn(START + timedelta(hours=9, minutes=5), 50.0)
    assert learned == []
