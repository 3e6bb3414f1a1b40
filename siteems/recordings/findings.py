"""What can be wrong with a series, each as a pure function from stamps and values to findings.

The rules are stated in docs/data.md. The thresholds are meant to be silent on sound data of sites,
and each is held against the known defects of public data in tests/inspection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.recordings.table import Array, Column

Kind = str
"""A word for each rule; docs/data.md has them."""

SENTINELS = (
    -99.0,
    -999.0,
    -9999.0,
    -99999.0,
    -1e6,
    9999.0,
    99999.0,
    999999.0,
    6553.5,
    65535.0,
    655.35,
    32767.0,
    3276.7,
)
"""What loggers write when they have nothing to say; counted only where it stands outside of
everything else.
"""
SENTINEL_REPEATS = 3
"""So often the same number is no accident: then it need not lie far outside, only outside."""
STUCK_H, STUCK_SUN_H = 6.0, 3.0
RAMP_STEPS = 8
OUTLIER_SPREADS, OUTLIER_SPANS = 25.0, 3.0
SPIKE = 0.9
MOST_ZEROS = 0.02
MOST_DARK = 0.05
NOON_JUMP_H = 0.75
CHANGES = ((3, 5), (4, 12), (9, 20), (11, 12))
"""Clocks are changed between the first two of these days of a year, and between the last two."""
WEEKS = 21
"""Days on each side over which the middle of the solar day is compared."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a series, or may be: how often, where first and last, and in
    words.
    """

    kind: Kind
    column: str
    count: int
    first: str
    last: str
    text: str


def step_of(times: pd.DatetimeIndex) -> pd.Timedelta:
    """The usual distance of two stamps; zero for a single one."""
    steps = pd.Series(times.sort_values().unique()).diff().dropna()
    return pd.Timedelta(0) if steps.empty else pd.Timedelta(steps.mode().iloc[0])


def find_in_time(name: str, times: pd.DatetimeIndex) -> Iterator[Finding]:
    """Duplicates, disorder and gaps of the stamps."""
    doubled = times[times.duplicated()]
    if len(doubled):
        yield _finding("duplicate", name, doubled, f"{len(doubled)} stamps stand more than once")
    if not times.is_monotonic_increasing:
        back = times[1:][np.diff(times.asi8) < 0]
        if len(back):
            yield _finding("disorder", name, back, f"{len(back)} rows stand before an earlier one")
    ordered, step = times.sort_values().unique(), step_of(times)
    if len(ordered) < 2:
        return
    steps_s = (ordered[1:] - ordered[:-1]).total_seconds().to_numpy()
    gaps = np.flatnonzero(steps_s > 1.5 * step.total_seconds())
    if gaps.size:
        longest = int(gaps[np.argmax(steps_s[gaps])])
        span = ordered[longest + 1] - ordered[longest]
        text = (
            f"{gaps.size} gaps; the longest of {_span(span)} from {ordered[longest]:%Y-%m-%d %H:%M}"
        )
        yield _finding("gap", name, ordered[gaps], text)


def find_in_values(column: Column, solar: bool) -> Iterator[Finding]:
    """Everything that the values of one series show; `solar` series rest at night."""
    name, values = column.name, column.values
    if column.texts:
        lost = column.times[np.isnan(values)]
        told = ", ".join(
            f"{text!r} {count} times" for text, count in sorted(column.texts.items())[:3]
        )
        yield _finding(
            "text", name, lost, f"{sum(column.texts.values())} cells hold no number: {told}"
        )
    empty = int(np.isnan(values).sum()) - sum(column.texts.values())
    if empty:
        yield _finding("missing", name, column.times[np.isnan(values)], f"{empty} cells are empty")
    known = values[~np.isnan(values)]
    if known.size < 2:
        return
    if known.min() == known.max():
        yield _finding("dead", name, column.times, f"is {known[0]:g} all the time: a dead channel?")
        return
    strange = np.zeros(len(values), dtype=bool)
    for finding, where in _far_out(column, solar):
        strange |= where
        yield finding
    order = np.argsort(column.times.asi8, kind="stable")
    times = column.times[order]
    series = np.where(strange, np.nan, values)[order]
    per_day = pd.Timedelta(days=1) / max(step_of(column.times), pd.Timedelta(seconds=1))
    yield from _stuck(name, times, series, per_day, solar)
    yield from _ramps(name, times, series, per_day)
    yield from _spikes(name, times, series, per_day)
    if per_day >= 24:
        yield from _copied(name, times, series, round(per_day))
        if solar:
            yield from _night(name, times, series)
            yield from _clock(name, times, series)
        else:
            yield from _zeros(name, times, series)


def find_between(columns: tuple[Column, ...]) -> Iterator[Finding]:
    """Columns that hold the same: one of them is not what it is called."""
    seen: dict[bytes, str] = {}
    for column in columns:
        known = column.values[~np.isnan(column.values)]
        if known.size < 10 or known.min() == known.max():
            continue
        content = np.round(column.values, 4).tobytes()
        if content in seen:
            text = f"holds the same as {seen[content]}: one of them is mapped wrongly"
            yield _finding("same", column.name, column.times, text)
        else:
            seen[content] = column.name


def sentinels_in(values: Array) -> Iterator[tuple[float, npt.NDArray[np.bool_]]]:
    """Each sentinel among the values (shape (n,)), and where it stands; only those far outside of
    all the others.
    """
    known = values[~np.isnan(values)]
    for sentinel in SENTINELS:
        if known.size == 0 or not known.min() <= sentinel <= known.max():
            continue
        where = np.isclose(values, sentinel, rtol=0, atol=1e-9)
        rest = known[~np.isclose(known, sentinel, rtol=0, atol=1e-9)]
        if not where.any() or rest.size == 0:
            continue
        share = 0.05 if where.sum() >= SENTINEL_REPEATS else 0.5
        reach = share * (rest.max() - rest.min())
        if not rest.min() - reach <= sentinel <= rest.max() + reach:
            yield sentinel, where
            known = rest


def _far_out(column: Column, solar: bool) -> Iterator[tuple[Finding, npt.NDArray[np.bool_]]]:
    """Sentinels, and what lies far beyond everything else."""
    values, name = column.values, column.name
    known = values[~np.isnan(values)]
    for sentinel, where in sentinels_in(values):
        known = values[~np.isnan(values) & ~where & np.isin(values, known)]
        span = f"{known.min():g} .. {known.max():g}"
        text = f"{int(where.sum())} values are {sentinel:g}, far outside of {span}: a sentinel"
        yield _finding("sentinel", name, column.times[where], text), where
    spread = float(np.quantile(known, 0.99) - np.quantile(known, 0.01))
    usual = known[known != 0.0] if solar else known
    if spread <= 0.0 or usual.size < 100:
        return
    middle = float(np.median(usual))
    deviation = float(np.median(np.abs(usual - middle)))
    reach = max(OUTLIER_SPANS * spread, OUTLIER_SPREADS * deviation)
    with np.errstate(invalid="ignore"):
        where = (np.abs(values - middle) > reach) & ~np.isin(values, SENTINELS)
    if where.any():
        worst = values[where][np.argmax(np.abs(values[where] - middle))]
        text = f"{int(where.sum())} values lie far beyond the others, such as {worst:g}; usual is about {middle:g}"
        yield _finding("outlier", name, column.times[where], text), where


def _runs(same: np.ndarray) -> np.ndarray:
    """First and one past the last index of each run of true."""
    padded = np.concatenate(([False], same, [False])).astype(np.int8)
    return np.flatnonzero(np.diff(padded)).reshape(-1, 2)


def _stuck(
    name: str, times: pd.DatetimeIndex, series: Array, per_day: float, solar: bool
) -> Iterator[Finding]:
    hours = STUCK_SUN_H if solar else STUCK_H
    least = max(4, round(hours * per_day / 24.0))
    if per_day < 24 or np.unique(series[~np.isnan(series)]).size < 20:
        return  # days, prices of a tariff, switches: what stands still there is no meter
    with np.errstate(invalid="ignore"):
        still = (np.diff(series) == 0.0) & (series[1:] != 0.0)
    runs = [(first, after + 1) for first, after in _runs(still) if after - first + 1 >= least]
    if runs:
        first, after = max(runs, key=lambda run: run[1] - run[0])
        total = sum(b - a for a, b in runs)
        begin = f"{times[first]:%Y-%m-%d %H:%M}"
        longest = (
            f"the longest {_hours((after - first) / per_day)} at {series[first]:g} from {begin}"
        )
        text = f"{total} values in {len(runs)} runs of the same number; {longest}: a stuck meter?"
        yield Finding(
            "stuck", name, total, _stamp(times[runs[0][0]]), _stamp(times[runs[-1][1] - 1]), text
        )


def _ramps(name: str, times: pd.DatetimeIndex, series: Array, per_day: float) -> Iterator[Finding]:
    """Straight lines between two values: gaps that somebody has filled."""
    if per_day < 24 or series.size < 3:
        return
    bends = np.abs(np.diff(series, 2))
    slopes = np.abs(np.diff(series)[:-1])
    with np.errstate(invalid="ignore"):
        straight = (bends <= 1e-6 * np.nanmax(np.abs(series))) & (
            slopes > 1e-4 * np.nanmax(np.abs(series))
        )
    runs = [(a, b) for a, b in _runs(straight) if b - a >= RAMP_STEPS]
    if runs:
        total = int(sum(b - a for a, b in runs))
        text = f"{total} values in {len(runs)} exactly straight lines: filled by interpolation?"
        yield Finding(
            "ramp", name, total, _stamp(times[runs[0][0]]), _stamp(times[runs[-1][1]]), text
        )


def _spikes(name: str, times: pd.DatetimeIndex, series: Array, per_day: float) -> Iterator[Finding]:
    """Single values that leave both neighbours by nearly all that the series ever spans."""
    if per_day < 24 or series.size < 100:
        return
    spread = float(np.nanquantile(series, 0.99) - np.nanquantile(series, 0.01))
    up, down = series[1:-1] - series[:-2], series[1:-1] - series[2:]
    with np.errstate(invalid="ignore"):
        where = (
            (np.minimum(np.abs(up), np.abs(down)) > SPIKE * spread) & (up * down > 0) & (spread > 0)
        )
    if 0 < where.sum() < 0.01 * series.size:
        at = times[1:-1][where]
        text = f"{int(where.sum())} single values leave both neighbours by nearly all that the series spans"
        yield _finding("spike", name, at, f"{text}, such as {series[1:-1][where][0]:g}")


def _copied(name: str, times: pd.DatetimeIndex, series: Array, per_day: int) -> Iterator[Finding]:
    """Days that are the same as an earlier one in every value; a year of them is a copied year."""
    seen: dict[bytes, pd.Timestamp] = {}
    copies: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for day, content in _by_day(times, series):
        if len(content) < per_day or np.isnan(content).any() or np.unique(content).size < 8:
            continue
        earlier = seen.setdefault(np.round(content, 6).tobytes(), day)
        if earlier is not day:
            copies.append((day, earlier))
    if copies:
        day, earlier = copies[0]
        text = f"{len(copies)} days equal an earlier one in every value, such as {day:%Y-%m-%d} and {earlier:%Y-%m-%d}"
        whole = sum(
            (after - before).days == 1 for before, after in pairwise(copy[0] for copy in copies)
        )
        if whole > 300:
            text += ": a copied year"
        yield Finding(
            "copied", name, len(copies), _stamp(copies[0][0]), _stamp(copies[-1][0]), text
        )


def _night(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    with np.errstate(invalid="ignore"):
        below = series < -1e-3 * np.nanmax(series)
    if below.any():
        text = f"{int(below.sum())} values are below 0, down to {np.nanmin(series):g}: the station's own consumption?"
        yield _finding("night", name, times[below], text)
    hours = times.hour.to_numpy() + times.minute.to_numpy() / 60.0
    known = ~np.isnan(series)
    top = np.nanquantile(series, 0.99)
    if not known.any() or top <= 0:
        return
    shape = pd.Series(np.maximum(series, 0.0)).groupby(np.floor(hours)).mean()
    noon = float((shape.index.to_numpy() * shape.to_numpy()).sum() / shape.sum()) + 0.5
    near = known & (np.abs(hours - noon) <= 1.0) & (series <= 0.0)
    if near.any() and near.sum() < MOST_DARK * (known & (np.abs(hours - noon) <= 1.0)).sum():
        text = f"{int(near.sum())} values around noon ({noon:.1f} h) are 0 or less: an outage?"
        yield _finding("zero", name, times[near], text)


def _zeros(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """Single zeros in a series that is otherwise never near 0."""
    zero = series == 0.0
    rest = series[~zero & ~np.isnan(series)]
    if (
        zero.any()
        and rest.size
        and zero.mean() < MOST_ZEROS
        and np.unique(rest).size > 2
        and np.quantile(rest, 0.01) > 0.02 * np.median(rest)
    ):
        text = f"{int(zero.sum())} values are 0, while {np.median(rest):g} is usual: the meter or the mains failed"
        yield _finding("zero", name, times[zero], text)


def _clock(name: str, times: pd.DatetimeIndex, series: Array) -> Iterator[Finding]:
    """Days on which the sun seems to jump by about an hour: a clock that was changed under stamps
    that were not.

    Compared is the middle of the brightest day that can be put together from three weeks before,
    and after.
    """
    slots = ((times - times.normalize()) / step_of(times)).to_numpy().astype(np.int64)
    per_day = int(slots.max()) + 1
    days = dict(_by_day(times, np.arange(len(series), dtype=np.float64)))
    dates = list(days)
    if len(dates) < 2 * WEEKS:
        return
    bright = np.full((len(dates), per_day), np.nan)
    for row, places in enumerate(days.values()):
        here = places.astype(np.int64)
        bright[row, slots[here]] = np.maximum(series[here], 0.0)
    bright = np.nan_to_num(bright)
    hours = (np.arange(per_day) + 0.5) * 24.0 / per_day

    def middle(first: int, after: int) -> float:
        envelope = bright[first:after].max(axis=0)
        return float((envelope * hours).sum() / envelope.sum()) if envelope.sum() > 0 else np.nan

    jumps = [
        (abs(middle(at, at + WEEKS) - middle(at - WEEKS, at)), at)
        for at in range(WEEKS, len(dates) - WEEKS)
        if _is_change(dates[at])
    ]
    found: list[tuple[float, int]] = []
    for jump, at in sorted(jumps, reverse=True):
        if not jump >= NOON_JUMP_H:
            continue
        if all(abs(at - other) > 2 * WEEKS for _, other in found):
            found.append((jump, at))
    if len(found) >= 2 or (found and len(dates) < 300):
        near = pd.DatetimeIndex([dates[at] for at in sorted(at for _, at in found)])
        told = ", ".join(f"{day:%Y-%m-%d}" for day in near[:6])
        size = np.mean([jump for jump, _ in found])
        text = f"the sun jumps by about {size:.1f} h near {told}: the clock follows daylight saving, the stamps do not"
        yield _finding("clock", name, near, text)


def _is_change(day: pd.Timestamp) -> bool:
    spring, summer, autumn, winter = CHANGES
    return spring <= (day.month, day.day) <= summer or autumn <= (day.month, day.day) <= winter


def _by_day(times: pd.DatetimeIndex, series: Array) -> Iterator[tuple[pd.Timestamp, Array]]:
    """The values of each local day; `times` in order."""
    days = times.normalize()
    edges = np.flatnonzero(np.diff(days.asi8)) + 1
    for first, after in pairwise([0, *edges.tolist(), len(series)]):
        yield days[first], series[first:after]


def _finding(kind: Kind, name: str, where: pd.DatetimeIndex, text: str) -> Finding:
    return Finding(kind, name, len(where), _stamp(where.min()), _stamp(where.max()), text)


def _stamp(when: pd.Timestamp) -> str:
    return f"{when:%Y-%m-%dT%H:%M}"


def _span(span: pd.Timedelta) -> str:
    return _hours(span / pd.Timedelta(days=1))


def _hours(days: float) -> str:
    return f"{days:.1f} days" if days >= 2 else f"{24 * days:.1f} h"
