"""Means of recorded samples, and of their roll-ups, over intervals of local time, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from siteems.errors import UserError
from siteems.history.records import COUNTERS, ROLLUP
from siteems.history.tables import COUNTS, HIGHEST, LOWEST, ROLLED_UP, SAMPLES, TEXT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

COVERAGE: Final = "coverage"
"""Share of an interval, 0 to 1, in which there are samples."""
WITHOUT_MEAN: Final = (
    dict.fromkeys(COUNTERS, "last")
    | dict.fromkeys(LOWEST, "min")
    | dict.fromkeys(HIGHEST, "max")
    | {SAMPLES: "sum", ROLLED_UP: "max"}
)
"""What an interval has of the columns that have no mean."""
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

    Where `ROLLED_UP` is among the columns, `parts` also have the columns of `COUNTS`, and `SAMPLES`
    (`tables.frames`). Roll-ups keep their length in intervals that are shorter.
    """
    import pandas as pd

    sums, weights, others = [], [], []
    columns: list[str] = []
    how: dict[str, str] = {}
    for part in parts:
        names = list(map(str, part))
        columns = [name for name in names if name not in COUNTS and name != ROLLED_UP]
        how = {name: WITHOUT_MEAN[name] for name in names if name in WITHOUT_MEAN}
        numbers = [name for name in columns if name not in how]
        starts = _starts(part, every, zone)
        weight = _weights(part, sample_s)
        known = _known_shares(part, numbers).mul(weight, axis=0)
        sums.append((part[numbers] * known).assign(**{COVERAGE: weight}).groupby(starts).sum())
        weights.append(known.groupby(starts).sum())
        if how:
            others.append(part[list(how)].groupby(starts).agg(how))
    if not sums:
        return
    total, known = (pd.concat(each).groupby(level=0).sum() for each in (sums, weights))
    covered_s = total.pop(COVERAGE)
    table = total / known.where(known > 0.0)
    if others:
        table = table.join(pd.concat(others).groupby(level=0).agg(how))
    local = pd.DatetimeIndex(table.index)
    rolled_up = table.get(ROLLED_UP, pd.Series(False, index=local))
    table[COVERAGE] = (covered_s / _lengths_s(local, every, rolled_up)).clip(upper=1.0)
    table.index = local.tz_convert("UTC").rename("time")
    yield table[[*columns, COVERAGE, *[ROLLED_UP] * (ROLLED_UP in table)]]


def _starts(part: pd.DataFrame, every: str, zone: ZoneInfo) -> pd.DatetimeIndex:
    """The local start of the interval of each row."""
    import pandas as pd

    local = pd.DatetimeIndex(part.index).tz_convert(zone)
    if every == "1d":
        return local.normalize()
    minutes = int(EVERY[every] / timedelta(minutes=1))
    # Taken off as elapsed time, so that both hours of a clock that is set back stay apart.
    seconds = (local.minute % minutes) * 60.0 + local.second + local.microsecond / 1e6
    starts = local - pd.to_timedelta(seconds, unit="s").round("us")
    if EVERY[every] < ROLLUP and ROLLED_UP in part:
        return starts.where(~part[ROLLED_UP].to_numpy(), local)
    return starts


def _weights(part: pd.DataFrame, sample_s: float) -> pd.Series:
    """For how many seconds each row counts."""
    import pandas as pd

    times = pd.Series(part.index, index=part.index)
    until_next_s: pd.Series = times.diff().shift(-1).dt.total_seconds()
    seconds = until_next_s.fillna(sample_s).clip(upper=LONGEST * sample_s)
    if ROLLED_UP not in part:
        return seconds
    rolled_up_s = (part[SAMPLES] * sample_s).clip(upper=ROLLUP.total_seconds())
    return seconds.where(~part[ROLLED_UP], rolled_up_s)


def _known_shares(part: pd.DataFrame, numbers: Sequence[str]) -> pd.DataFrame:
    """In which share of its samples each number of a row was known."""
    if ROLLED_UP not in part:
        return part[numbers].notna().astype("float64")
    names = {f"{name}_n": name for name in numbers}
    return part[list(names)].rename(columns=names).div(part[SAMPLES], axis=0)


def _lengths_s(starts: pd.DatetimeIndex, every: str, rolled_up: pd.Series) -> pd.Series:
    import pandas as pd

    if every != "1d":
        length = EVERY[every]
        lengths_s = pd.Series(length.total_seconds(), index=starts)
        return lengths_s.mask(rolled_up, max(length, ROLLUP).total_seconds())
    ends = starts + pd.DateOffset(days=1)
    return pd.Series((ends - starts).total_seconds(), index=starts)
