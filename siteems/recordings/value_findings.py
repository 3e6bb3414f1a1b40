"""What can be wrong with the values of a series at any step: text, sentinels, outliers, stuck
meters, straight lines, spikes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from siteems.recordings.counted_power import repaired_energy
from siteems.recordings.finding import (
    Finding,
    duration,
    finding,
    percent,
    runs,
    share,
    stamp,
)
from siteems.recordings.physical_range import RANGES, out_of_range
from siteems.recordings.sentinels import Mask, sentinels_in
from siteems.recordings.series_table import Array, Column
from siteems.recordings.stuck_runs import stuck_runs

MAY_BE_CONSTANT = ("dc_load_kw", "ac_load_kw", "mains_available")
"""Target columns that may well be one number other than 0 all the time."""
RAMP_STEPS = 8
OUTLIER_DEVIATIONS, OUTLIER_SPANS = 25.0, 3.0
"""An outlier lies farther from the median than this many median deviations, and than this many
spans between the 1st and the 99th percentile. Loads are skewed; smaller factors find true peaks.
"""
OUTLIER_LEAST_VALUES = 100
SHARE_OF_CHARGE = r"(?i)(?<![a-z])soc(?![a-z])"
"""Names of a state of charge: a battery on standby is full for weeks, and is then discharged."""
SPIKE_SHARE = 0.9
"""Of the span between the 1st and the 99th percentile."""
SPIKE_MOST_SHARE = 0.01
"""Where more values leave both neighbours so far, the series is simply noisy."""


def find_in_cells(column: Column, target: str) -> Iterator[Finding]:
    """Cells that are empty or hold text, and a column that never changes, though it should."""
    yield from _not_numbers(column)
    value = np.nanmax(column.values) if is_dead(column) else 0.0
    if is_dead(column) and not (target in MAY_BE_CONSTANT and value > 0.0):
        text = f"is {value:g} all the time: a dead channel?"
        yield finding("dead", column.name, column.times, text)


def is_dead(column: Column) -> bool:
    """Whether a column has several values, all the same."""
    known = column.values[~np.isnan(column.values)]
    return known.size > 1 and bool(known.min() == known.max())


def find_far_out(column: Column, solar: bool, target: str) -> Iterator[tuple[Finding, Mask]]:
    """Sentinels, values beyond what physics allows for a `target` column of siteems, and outliers,
    each with the mask of its values, shape (n,).
    """
    values, name = column.values, column.name
    known = ~np.isnan(values)
    for sentinel, mask in sentinels_in(values):
        known &= ~mask
        span = f"{values[known].min():g} .. {values[known].max():g}"
        text = f"{share(mask)} are {sentinel:g}, far outside of {span}: a sentinel"
        yield finding("sentinel", name, column.times[mask], text), mask
    beyond = known & out_of_range(target, values)
    if beyond.any():
        low, high = RANGES[target]
        text = (
            f"{share(beyond)} are not within {low:g} .. {high:g}, such as {values[beyond][0]:g}: "
            "not possible"
        )
        yield finding("physics", name, column.times[beyond], text), beyond
        known &= ~beyond
    rest = values[known]
    spread = float(np.quantile(rest, 0.99) - np.quantile(rest, 0.01)) if rest.size else 0.0
    usual = rest[rest != 0.0] if solar else rest
    if spread <= 0.0 or usual.size < OUTLIER_LEAST_VALUES or re.search(SHARE_OF_CHARGE, name):
        return
    middle = float(np.median(usual))
    deviation = float(np.median(np.abs(usual - middle)))
    reach = max(OUTLIER_SPANS * spread, OUTLIER_DEVIATIONS * deviation)
    with np.errstate(invalid="ignore"):
        mask = known & (np.abs(values - middle) > reach)
    if mask.any():
        worst = values[mask][np.argmax(np.abs(values[mask] - middle))]
        text = f"{share(mask)} lie far beyond the others, such as {worst:g}; usual is {middle:g}"
        yield finding("outlier", name, column.times[mask], text), mask


def find_in_counter(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """What is wrong with a counter of energy, in order of time: it may never fall or jump."""
    read = ~np.isnan(series) & np.append(np.diff(times.asi8) > 0, True)
    energy, sentences = repaired_energy(times[read], series[read])
    if sentences:
        spans = [times[read][repair.first] for repair in energy.repairs]
        count = sum(max(1, repair.last - repair.first - 1) for repair in energy.repairs)
        first, last = stamp(min(spans)), stamp(max(spans))
        more = f", and {len(sentences) - 1} more" if len(sentences) > 1 else ""
        text = f"{count} values ({percent(count / series.size)}): {sentences[0]}{more}"
        yield Finding("counter", name, count, first, last, text)


def find_in_runs(
    name: str, times: pd.DatetimeIndex, series: Array, per_day: float, solar: bool
) -> Iterator[Finding]:
    """What successive values show, in order of time and without sentinels and outliers (NaN).

    `per_day` is the number of usual steps of a day; `solar` series rest at night.
    """
    yield from _stuck(name, times, series, per_day, solar)
    yield from _ramps(name, times, series)
    yield from _spikes(name, times, series)


def _not_numbers(column: Column) -> Iterator[Finding]:
    missing = column.times[np.isnan(column.values)]
    texts = sum(column.texts.values())
    if texts:
        listed = ", ".join(
            f"{text!r} {count} times" for text, count in sorted(column.texts.items())[:3]
        )
        yield finding("text", column.name, missing, f"{texts} cells hold no number: {listed}")
    empty = len(missing) - texts
    if empty:
        yield finding("missing", column.name, missing, f"{empty} cells are empty")


def _stuck(
    name: str, times: pd.DatetimeIndex, series: Array, per_day: float, solar: bool
) -> Iterator[Finding]:
    """Long runs of the same number other than 0."""
    stuck = stuck_runs(times, series, per_day, solar)
    if stuck and not re.search(SHARE_OF_CHARGE, name):
        first, end = max(stuck, key=lambda run: run[1] - run[0])
        total = sum(b - a for a, b in stuck)
        longest = (
            f"the longest {duration((end - first) / per_day)} at {series[first]:g} "
            f"from {times[first]:%Y-%m-%d %H:%M}"
        )
        text = (
            f"{total} values ({percent(total / series.size)}) in {len(stuck)} runs of the same "
            f"number; {longest}: a stuck meter?"
        )
        begin, last = stamp(times[stuck[0][0]]), stamp(times[stuck[-1][1] - 1])
        yield Finding("stuck", name, total, begin, last, text)


def _ramps(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """Straight lines between two values: gaps that were filled before."""
    if series.size < 3:
        return
    scale = np.nanmax(np.abs(series))
    bends, slopes = np.abs(np.diff(series, 2)), np.abs(np.diff(series)[:-1])
    with np.errstate(invalid="ignore"):
        straight = (bends <= 1e-6 * scale) & (slopes > 1e-4 * scale)
    lines = [(a, b) for a, b in runs(straight) if b - a >= RAMP_STEPS]
    if lines:
        total = sum(b - a for a, b in lines)
        text = f"{total} values in {len(lines)} exactly straight lines: filled by interpolation?"
        begin, last = stamp(times[lines[0][0]]), stamp(times[lines[-1][1]])
        yield Finding("ramp", name, total, begin, last, text)


def _spikes(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """Single values that leave both neighbours by nearly all that the series ever spans."""
    if series.size < 100:
        return
    spread = float(np.nanquantile(series, 0.99) - np.nanquantile(series, 0.01))
    before, after = series[1:-1] - series[:-2], series[1:-1] - series[2:]
    with np.errstate(invalid="ignore"):
        smaller = np.minimum(np.abs(before), np.abs(after))
        mask = (smaller > SPIKE_SHARE * spread) & (before * after > 0) & (spread > 0)
    if 0 < mask.sum() < SPIKE_MOST_SHARE * series.size:
        text = (
            f"{int(mask.sum())} single values leave both neighbours by nearly all that the "
            f"series spans, such as {series[1:-1][mask][0]:g}"
        )
        yield finding("spike", name, times[1:-1][mask], text)
