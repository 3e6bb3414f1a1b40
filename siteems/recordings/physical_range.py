"""Physics decides what is plausible: values that no weather and no site can have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.recordings.local_days import local_days

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

RANGES: Mapping[str, tuple[float, float]] = {
    "outdoor_temp_c": (-70.0, 60.0),
    "ghi_w_m2": (-50.0, 1500.0),
    "mains_available": (0.0, 1.0),
}
"""Lowest and highest value of a target column, in its unit.

The coldest village had -67.7 degC, the hottest day on Earth 56.7 degC (WMO). Irradiance is
1,361 W/m2 above the atmosphere; bright clouds add up to a tenth to it for minutes, and the
thermal offset of a pyranometer at night stays above -20 W/m2. Mains are there (1) or not (0):
loggers that do not know write -1.
"""

NEVER_ZERO = "dc_load_kw"
"""The target column that is never 0: telecom equipment does not rest."""
NEAR_ZERO_SHARE = 0.02
"""Of the median: a series whose lowest hundredth is above it is never near 0."""
NIGHT_WINDOW_DAYS, NIGHT_LEAST_DAYS = 31, 7
NIGHT_QUANTILE, DARK_SHARE, NIGHT_SHARE = 0.75, 0.01, 0.05
"""A time of day is night where three quarters of the days around it have less than 1 % of the best
power, an hour before and after too. More than 5 % is then power at night; less is noise.
"""
DAYLIGHT_SHARE = 0.1
"""Of the best power: a span of days without so much at any time shows no day, so no night either.
"""


def out_of_range(target: str, values: Array) -> Mask:
    """Where values, shape (n,), lie outside what physics allows for a target column.

    Targets without range have no such values; NaN is never one.
    """
    low, high = RANGES.get(target, (-np.inf, np.inf))
    return np.asarray((values < low) | (values > high))


def dead_zeros(values: Array) -> Mask:
    """Where a series, shape (n,), is 0 though it is never near 0 otherwise: the meter failed."""
    zero = values == 0.0
    rest = values[~zero & ~np.isnan(values)]
    if not zero.any() or np.unique(rest).size <= 2:
        return np.zeros(values.shape, dtype=np.bool_)
    never_near = float(np.quantile(rest, 0.01)) > NEAR_ZERO_SHARE * float(np.median(rest))
    return np.asarray(zero & never_near)


def night_power(times: pd.DatetimeIndex, power: Array) -> Mask:
    """Where a PV series, shape (n,), has power at times of day at which there is none on most days
    around. `times` are in order, at any offset from local time.
    """
    none = np.zeros(power.shape, dtype=np.bool_)
    best = float(np.nanquantile(power, 0.99)) if np.isfinite(power).any() else 0.0
    slots = times.hour * 60 + times.minute
    if best <= 0.0 or np.unique(slots).size < 24:
        return none
    days = pd.DataFrame({"kw": power, "day": local_days(times), "slot": slots}).pivot_table(
        index="day", columns="slot", values="kw", aggfunc="mean"
    )
    usual = days.rolling(NIGHT_WINDOW_DAYS, center=True, min_periods=NIGHT_LEAST_DAYS)
    bright = usual.quantile(NIGHT_QUANTILE)
    lit = (bright > DARK_SHARE * best).to_numpy()
    hour = max(1, round(lit.shape[1] / 24.0))
    near_day = np.logical_or.reduce([np.roll(lit, by, axis=1) for by in range(-hour, hour + 1)])
    shows_day = (bright.max(axis=1) > DAYLIGHT_SHARE * best).to_numpy()
    night = pd.DataFrame(~near_day & shows_day[:, None], days.index, days.columns)
    row, column = days.index.get_indexer(local_days(times)), days.columns.get_indexer(slots)
    found = (row >= 0) & (column >= 0)
    at_night = none.copy()
    at_night[found] = night.to_numpy()[row[found], column[found]]
    with np.errstate(invalid="ignore"):
        return np.asarray(at_night & (power > NIGHT_SHARE * best))
