"""What can be wrong with the days of a series: copied days, night power, zeros, clock changes.

All functions take local times in order and values without sentinels and outliers (NaN).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from siteems.recordings.copied_days import by_day, copied_days, successive
from siteems.recordings.finding import Finding, finding, percent, runs, share, stamp
from siteems.recordings.local_days import local_days
from siteems.recordings.physical_range import NEVER_ZERO, RANGES, Mask, dead_zeros, night_power
from siteems.recordings.series_table import Array
from siteems.recordings.solar_middle import LEAST_DAYS, middle_h
from siteems.recordings.timestamps import usual_step

COPIED_YEAR_DAYS, COPIED_MONTH_DAYS = 300, 27
IRRADIANCE = r"irradiance|global|ghi|poa|plane.of.array"
"""Names of irradiance; its range allows for the offset of a sensor."""
NEGATIVE_SHARE = 1e-3
"""Of the largest value; less is the noise of a sensor at night."""
MOST_ZEROS = 0.02
"""With more zeros than this share, 0 belongs to the series."""
LEAST_JUMP_K = 5.0
"""Air does not warm or cool by more within a step of up to an hour."""
NOON_JUMP_H = 0.75
"""A change of clocks moves the solar day by an hour; clouds move its middle by less than this."""
CHANGES = ((3, 5), (4, 12), (9, 20), (11, 12))
"""Clocks change between the first two of these days of a year, and between the last two."""
EARLIEST_NOON_H, LATEST_NOON_H = 9.0, 16.5
"""Of the middle of the solar day, by local clocks: 15:10 in the west of China is the latest solar
noon, 11:00 the earliest, and panels that look east or west add an hour or two.
"""
WINDOW_DAYS = 21
"""On each side of a day, the window over which the middle of the solar day is compared. Shorter
windows may have no clear day; over longer ones solar noon moves by itself.
"""


def find_in_days(
    name: str, times: pd.DatetimeIndex, series: Array, per_day: int, solar: bool, target: str
) -> Iterator[Finding]:
    """Everything that whole days show; `solar` series rest at night, `target` is the column of
    siteems that a series probably fills.
    """
    yield from _copied_days(name, times, series, per_day)
    if solar:
        yield from _negative_values(name, times, series)
        yield from _night_power(name, times, series)
        yield from _dark_noons(name, times, series)
        yield from _clock_jumps(name, times, series)
        yield from _displaced(name, times, series)
    else:
        yield from _zeros(name, times, series, target)


def _copied_days(
    name: str, times: pd.DatetimeIndex, series: Array, per_day: int
) -> Iterator[Finding]:
    """Days that equal an earlier one in every value; a year of them is a copied year."""
    copies = copied_days(times, series, per_day)
    if not copies:
        return
    n_days = max(1, local_days(times).nunique())
    text = (
        f"{len(copies)} days ({percent(len(copies) / n_days)}) equal an earlier one in every "
        f"value, such as {copies[0].day:%Y-%m-%d} and {copies[0].original:%Y-%m-%d}"
    )
    longest = max(len(span) for span in successive(copies))
    if longest > COPIED_YEAR_DAYS:
        text += ": a copied year"
    elif longest > COPIED_MONTH_DAYS:
        text += f": {longest} days in a row, a copied month"
    yield Finding("copied", name, len(copies), stamp(copies[0].day), stamp(copies[-1].day), text)


def _negative_values(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """Power below 0. A pyranometer has an offset at night, which is no power."""
    if re.search(IRRADIANCE, name.lower()) and np.nanmin(series) >= RANGES["ghi_w_m2"][0]:
        return
    with np.errstate(invalid="ignore"):
        negative = series < -NEGATIVE_SHARE * np.nanmax(series)
    if negative.any():
        text = (
            f"{int(negative.sum())} values are below 0, down to {np.nanmin(series):g}: "
            "standby consumption at night?"
        )
        yield finding("night", name, times[negative], text)


def _dark_noons(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """No power within an hour of the middle of the mean day."""
    known = ~np.isnan(series)
    if not known.any() or np.nanquantile(series, 0.99) <= 0:
        return
    hours = times.hour.to_numpy() + times.minute.to_numpy() / 60.0
    mean_day = pd.Series(np.maximum(series, 0.0)).groupby(np.floor(hours)).mean()
    noon_h = float((mean_day.index.to_numpy() * mean_day.to_numpy()).sum() / mean_day.sum()) + 0.5
    near_noon = known & (np.abs(hours - noon_h) <= 1.0)
    dark = near_noon & (series <= 0.0)
    if dark.any():
        part = dark.sum() / near_noon.sum()
        text = (
            f"{int(dark.sum())} values around noon ({noon_h:.1f} h), {percent(part)} of them, are "
            "0 or less: an outage?"
        )
        yield finding("zero", name, times[dark], text)


def _zeros(name: str, times: pd.DatetimeIndex, series: Array, target: str) -> Iterator[Finding]:
    """Zeros in a series that is otherwise never near 0. Temperatures pass 0; there, only a jump to
    it is strange.
    """
    zero = dead_zeros(series)
    if target == "outdoor_temp_c":
        zero = _jumped_to(zero, series)
    if not zero.any() or (target != NEVER_ZERO and zero.mean() >= MOST_ZEROS):
        return
    usual = np.nanmedian(series[series != 0.0])
    text = f"{share(zero)} are 0, while {usual:g} is usual: the meter or the mains failed"
    yield finding("zero", name, times[zero], text)


def _jumped_to(zero: Mask, series: Array) -> Mask:
    """The runs of zeros that begin and end with a jump."""
    jumped = np.zeros(zero.shape, dtype=np.bool_)
    for first, end in runs(zero):
        around = [series[i] for i in (first - 1, end) if 0 <= i < series.size]
        jumped[first:end] = min(np.abs(around), default=0.0) > LEAST_JUMP_K
    return jumped


def _night_power(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    mask = night_power(times, series)
    if mask.any():
        text = f"{share(mask)} at night, up to {series[mask].max():g}: not from PV"
        yield finding("night", name, times[mask], text)


def _displaced(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """A solar day whose middle no local clock shows: the times are in another zone. Times in UTC
    show no local clock.
    """
    if str(times.tz) == "UTC" or times[-1] - times[0] < LEAST_DAYS:
        return
    half_step_h = usual_step(times) / pd.Timedelta(hours=2)
    hours = times.hour.to_numpy() + times.minute.to_numpy() / 60.0 + half_step_h
    noon_h = middle_h(np.asarray(hours, dtype=np.float64), series)
    if noon_h is None or EARLIEST_NOON_H <= noon_h <= LATEST_NOON_H:
        return
    clock = f"{int(noon_h):02d}:{int(noon_h % 1 * 60):02d}"
    text = (
        f"the middle of the solar day lies at {clock}: the times are in another zone, such as UTC; "
        "state it as zone in [time] of a map"
    )
    yield finding("clock", name, times, text)


def _clock_jumps(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """Days on which the solar day jumps by an hour: the clock was changed, the times were not.

    Compared is the middle of the brightest day that can be put together from the three weeks before
    a day, and from the three weeks after.
    """
    dates, bright = _brightness(times, series)
    if len(dates) < 2 * WINDOW_DAYS:
        return
    hours = (np.arange(bright.shape[1]) + 0.5) * 24.0 / bright.shape[1]

    def middle(first: int, end: int) -> float:
        envelope = bright[first:end].max(axis=0)
        return float((envelope * hours).sum() / envelope.sum()) if envelope.sum() > 0 else np.nan

    jumps = [
        (abs(middle(i, i + WINDOW_DAYS) - middle(i - WINDOW_DAYS, i)), i)
        for i in range(WINDOW_DAYS, len(dates) - WINDOW_DAYS)
        if _in_change_season(dates[i])
    ]
    found: list[tuple[float, int]] = []
    for jump, i in sorted(jumps, reverse=True):
        apart = all(abs(i - other) > 2 * WINDOW_DAYS for _, other in found)
        if jump >= NOON_JUMP_H and apart:
            found.append((jump, i))
    # In a year with daylight saving there are two changes; a shorter recording may hold only one.
    if len(found) >= 2 or (found and len(dates) < 300):
        days = pd.DatetimeIndex([dates[i] for i in sorted(i for _, i in found)])
        listed = ", ".join(f"{day:%Y-%m-%d}" for day in days[:6])
        size = np.mean([jump for jump, _ in found])
        text = (
            f"solar noon jumps by about {size:.1f} h near {listed}: the clock follows daylight "
            "saving, the times do not"
        )
        yield finding("clock", name, days, text)


def _brightness(times: pd.DatetimeIndex, series: Array) -> tuple[list[pd.Timestamp], Array]:
    """The days, and the positive values by day and step of the day, shape (days, steps); 0 where
    there is none.
    """
    steps = (
        ((times.tz_localize(None) - local_days(times)) / usual_step(times))
        .to_numpy()
        .astype(np.int64)
    )
    days = dict(by_day(times, np.arange(len(series), dtype=np.float64)))
    bright = np.full((len(days), int(steps.max()) + 1), np.nan)
    for row, indices in enumerate(days.values()):
        of_day = indices.astype(np.int64)
        bright[row, steps[of_day]] = np.maximum(series[of_day], 0.0)
    return list(days), np.nan_to_num(bright)


def _in_change_season(day: pd.Timestamp) -> bool:
    spring, summer, autumn, winter = CHANGES
    return spring <= (day.month, day.day) <= summer or autumn <= (day.month, day.day) <= winter
