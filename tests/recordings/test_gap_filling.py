"""Gap filling: a short gap is a straight line, a long one the same time of the nearest day."""

from datetime import timedelta

import numpy as np
import pytest

from siteems.recordings.gap_filling import fill_gaps

QUARTER = timedelta(minutes=15)
NAN = float("nan")


def test_a_short_gap_is_a_straight_line() -> None:
    series, notes = fill_gaps(np.array([1.0, NAN, NAN, 4.0, 5.0]), QUARTER)
    assert series == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0])
    assert notes == ("2 values in 1 gap of up to an hour, interpolated",)


def test_a_long_gap_is_the_day_before_or_the_nearest() -> None:
    days = np.arange(3 * 96, dtype=np.float64)
    gappy = days.copy()
    gappy[96 + 10 : 96 + 30] = NAN
    series, notes = fill_gaps(gappy, QUARTER)
    assert series is not None
    assert series[96 + 10 : 96 + 30] == pytest.approx(days[10:30])
    assert "20 values in 1 gap of over an hour" in notes[0]
    gappy = days.copy()
    gappy[:20] = NAN  # no day before it
    series, _ = fill_gaps(gappy, QUARTER)
    assert series is not None
    assert series[:20] == pytest.approx(days[96:116])


def test_a_series_without_a_value_is_not_filled() -> None:
    assert fill_gaps(np.full(9, NAN), QUARTER) == (None, ())
    whole = np.arange(5.0)
    assert fill_gaps(whole, QUARTER) == (whole, ())
