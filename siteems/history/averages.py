"""Means of recorded samples over intervals of local time, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from siteems.errors import UserError
from siteems.history.export import TEXT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

COVERAGE: Final = "coverage"
"""Share of an interval, 0 to 1, in which there are samples."""
COUNTERS: Final = ("energy_import_kwh",)
"""Their last value counts, and not their mean."""
EVERY: Final = {
    "5min": timedelta(minutes=5),
    "10min": timedelta(minutes=10),
    "15min": timedelta(minutes=15),
    "30min": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
"""Intervals that lie on the local clock on every day: they divide an hour, or are a local day, also
one of 23 or 25 hours.
"""
LONGEST: Final = 1.5
"""A sample counts until the next one, but for no more than this many sample intervals: what lies
beyond is a gap.
"""


def checked_interval(text: str) -> str:
    """The interval that a text names. Raises `UserError` for one that is none."""
    if text not in EVERY:
        raise UserError(f"--every: {text!r} is no interval; allowed: {', '.join(EVERY)}")
    return text


def without_texts(columns: Sequence[str], *, asked: bool) -> tuple[str, ...]:
    """The columns that have a mean. Raises `UserError` where another one was asked for."""
    texts = [name for name in columns if name in TEXT_COLUMNS]
    if asked and texts:
        raise UserError(f"--columns: {texts[0]} has no mean; leave it out, or leave out --every")
    return tuple(name for name in columns if name not in TEXT_COLUMNS)


def averages(
    parts: Iterable[pd.DataFrame], every: str, zone: ZoneInfo, sample_s: float
) -> Iterator[pd.DataFrame]:
    """Means of the samples in `parts` (numbers indexed by UTC time, in order, recorded each
    `sample_s` seconds), weighted by time, indexed by the UTC start of their interval; one frame, or
    none without samples. A column that is unknown in all of an interval stays NaN.
    """
    import pandas as pd

    sums, weights, lasts = [], [], []
    for part in parts:
        starts = _starts(pd.DatetimeIndex(part.index).tz_convert(zone), every)
        weight = _weights(part, sample_s)
        weighted = part.mul(weight, axis=0).assign(**{COVERAGE: weight})
        known = part.notna().mul(weight, axis=0)
        sums.append(weighted.groupby(starts).sum(min_count=1))
        weights.append(known.groupby(starts).sum())
        lasts.append(part[[name for name in COUNTERS if name in part]].groupby(starts).last())
    if not sums:
        return
    total, known = (pd.concat(each).groupby(level=0).sum(min_count=1) for each in (sums, weights))
    covered_s = total.pop(COVERAGE)
    means = total / known.where(known > 0.0)
    for name, values in pd.concat(lasts).groupby(level=0).last().items():
        means[name] = values
    local = pd.DatetimeIndex(means.index)
    means[COVERAGE] = (covered_s / _lengths_s(local, every)).clip(upper=1.0)
    means.index = local.tz_convert("UTC").rename("time")
    yield means


def _starts(local: pd.DatetimeIndex, every: str) -> pd.DatetimeIndex:
    """The start of the interval of each local time."""
    import pandas as pd

    if every == "1d":
        return local.normalize()
    minutes = int(EVERY[every] / timedelta(minutes=1))
    # Taken off as elapsed time, so that both hours of a clock that is set back stay apart.
    seconds = (local.minute % minutes) * 60.0 + local.second + local.microsecond / 1e6
    return local - pd.to_timedelta(seconds, unit="s").round("us")


def _weights(part: pd.DataFrame, sample_s: float) -> pd.Series:
    """For how many seconds each sample counts."""
    import pandas as pd

    times = pd.Series(part.index, index=part.index)
    until_next_s: pd.Series = times.diff().shift(-1).dt.total_seconds()
    return until_next_s.fillna(sample_s).clip(upper=LONGEST * sample_s)


def _lengths_s(starts: pd.DatetimeIndex, every: str) -> pd.Series:
    import pandas as pd

    if every != "1d":
        return pd.Series(EVERY[every].total_seconds(), index=starts)
    ends = starts + pd.DateOffset(days=1)
    return pd.Series((ends - starts).total_seconds(), index=starts)
