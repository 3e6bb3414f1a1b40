"""The month's peak as the bill measures it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from demand_meter import EVENING, JUNE, MEASURED, MINUTE, DemandMeter, feed

from siteems.tariff.local_clock import billing_interval_s


def test_the_highest_mean_of_a_finished_interval_is_the_peak():
    peak = DemandMeter(MEASURED)
    now = feed(peak, JUNE, 2.0, 6.0, 3.0, 9.0)
    assert peak.peak_kw(now - MINUTE) == 6.0  # the last interval is not over
    feed(peak, now, 1.0)
    assert peak.peak_kw(now) == 9.0


def test_means_count_and_not_moments_and_what_is_unknown_or_exported_adds_nothing():
    peak = DemandMeter(MEASURED)
    for minute, kw in ((0, 99.0), (3, 12.0), (6, 0.0), (9, None), (12, -5.0), (15, 0.0)):
        peak.learn(JUNE + minute * MINUTE, kw)
    feed(peak, JUNE + 15 * MINUTE, 1.0, 1.0)
    assert peak.peak_kw(JUNE + timedelta(hours=1)) == pytest.approx(12.0 / 5)


def by_counter(*counted: float | None, kw: float = 4.0) -> float:
    """The peak of a quarter hour of 4 kW by samples, with these readings of the counter."""
    peak = DemandMeter(MEASURED)
    for step, kwh in enumerate(counted):
        peak.learn(JUNE + 3 * step * MINUTE, kw, kwh)
    peak.learn(JUNE + 18 * MINUTE, 0.0, None)
    return peak.peak_kw(JUNE + timedelta(hours=1))


def test_the_counter_has_what_changed_between_two_samples():
    assert by_counter(10.0, 10.2, 10.4, 10.6, 10.8, 11.05) == pytest.approx(4.2)


@pytest.mark.parametrize(
    "counted",
    [
        (10.0, 10.0, 10.0, 11.0, 11.0, 12.0),
        (10.0, 10.2, None, 10.6, 10.8, 11.05),
        (10.0, 10.2, 10.4, 0.0, 0.2, 0.45),  # a new meter
        (10.0, 10.2, 10.4, 10.6, 10.8, 13.0),
    ],
)
def test_a_counter_that_is_coarse_unknown_or_reset_gives_way_to_the_power(counted):
    assert by_counter(*counted[:6]) == pytest.approx(4.0)


def test_an_interval_of_which_little_is_known_is_no_peak():
    peak = DemandMeter(MEASURED)
    for minute, kw in ((9, 1.0), (12, 9.0), (15, 9.0), (18, 2.0), (40, 8.0), (42, 2.0)):
        peak.learn(JUNE + minute * MINUTE, kw)
    feed(peak, JUNE + 45 * MINUTE, 1.0, 1.0)
    assert peak.peak_kw(JUNE + timedelta(hours=2)) == 1.0


def test_a_month_begins_at_local_midnight_and_the_interval_before_belongs_to_the_old_one():
    peak = DemandMeter(MEASURED)
    last_quarter = JUNE + timedelta(days=30) - 15 * MINUTE
    july = feed(peak, last_quarter, 8.0)
    assert peak.peak_kw(july) == 0.0
    after = feed(peak, july, 3.0, 1.0)
    assert peak.peak_kw(after) == 3.0


def test_a_recalled_peak_counts_within_its_month():
    peak = DemandMeter(MEASURED)
    peak.recall(JUNE + timedelta(days=3), 7.5)
    assert peak.peak_kw(JUNE + timedelta(days=4)) == 7.5
    feed(peak, JUNE + timedelta(days=31), 2.0, 2.0)
    peak.recall(JUNE + timedelta(days=3), 7.5)
    assert peak.peak_kw(JUNE + timedelta(days=32)) == 2.0


def test_only_the_hours_of_the_charge_count():
    peak = DemandMeter(EVENING)
    now = JUNE + timedelta(days=2, hours=16)
    end = feed(peak, now, 9.0, 9.0, *(1.0,) * 6, 4.0, 1.0)  # 16:00 to 18:30
    assert peak.peak_kw(end) == 4.0


def test_billing_intervals_lie_on_the_local_clock() -> None:
    """Half an hour of 8 kW from 10:30 to 11:00 in India is half of the hour from 10:00."""
    kolkata, midnight_s = ZoneInfo("Asia/Kolkata"), int(JUNE.timestamp()) // 86_400 * 86_400
    starts = np.array([midnight_s + 3600 * n for n in (5, 6)], dtype=np.int64)  # 10:30 and 11:30
    begins = billing_interval_s(starts, 3600, kolkata)
    assert (starts - begins).tolist() == [1800, 1800]
    assert billing_interval_s(starts, 900, kolkata).tolist() == starts.tolist()
    nepal = billing_interval_s(starts, 1800, ZoneInfo("Asia/Kathmandu"))
    assert (starts - nepal).tolist() == [900, 900]
