"""Rows at equal steps out of rows as they were logged: doubled, missing, out of order, with
sentinels among them.

Every rule that was applied is told in a sentence; what is missing afterwards is NaN and filled by
`data.fill`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.findings import sentinels_in, step_of

MOST_ROWS = 4_000_000
MINUTE = pd.Timedelta(minutes=1)


def regular(
    frame: pd.DataFrame, path: Path, zone: ZoneInfo
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The same series at equal steps, column `time` aware in `zone`, and what was done in words.

    Raises `UserError` for stamps that are no times, or that leave no step to be seen.
    """
    said: list[str] = []
    times = _aware(frame["time"], path, zone, said)
    numbers = (
        frame.drop(columns="time")
        .apply(pd.to_numeric, errors="coerce")
        .set_index(times)
        .sort_index()
    )
    if not times.is_monotonic_increasing:
        said.append("time: rows that were out of order are put in order")
    step = step_of(times)
    if step < MINUTE or (span := times.max() - times.min()) / step > MOST_ROWS:
        raise UserError(f"{path}: its rows have no usual step of a minute or more")
    places = (numbers.index - times.min()) / step
    at = np.floor(np.asarray(places) + 1e-6).astype(np.int64)
    off = int((np.abs(np.asarray(places) - np.round(places)) > 1e-3).sum())
    doubled = int(pd.Index(at).duplicated().sum())
    if off:
        said.append(f"time: {off} rows between two steps of {step}: the mean of their step")
    elif doubled:
        said.append(f"time: {doubled} rows with a stamp that others have too: the mean of them")
    if doubled:
        numbers = numbers.groupby(at).mean()
    else:
        numbers.index = pd.Index(at)
    rows = round(span / step) + 1
    if rows > len(numbers):
        said.append(f"time: {rows - len(numbers)} rows are missing")
        numbers = numbers.reindex(range(rows))
    for name in numbers.columns:
        values = numbers[name].to_numpy(dtype=np.float64, copy=True)
        for sentinel, where in sentinels_in(values):
            values[where] = np.nan
            said.append(
                f"{name}: {int(where.sum())} values of {sentinel:g} are a sentinel, taken as missing"
            )
        numbers[name] = values
    if "mains_available" in numbers and (unknown := int(numbers["mains_available"].isna().sum())):
        said.append(f"mains_available: {unknown} unknown values: the mains are taken as present")
        numbers["mains_available"] = numbers["mains_available"].fillna(1.0)
    stamps = pd.date_range(times.min(), periods=len(numbers), freq=step).tz_convert(zone)
    return numbers.assign(time=stamps).reset_index(drop=True), tuple(said)


def _aware(texts: pd.Series, path: Path, zone: ZoneInfo, said: list[str]) -> pd.DatetimeIndex:
    """Stamps with their zone; those without one are local time, or, where they run evenly through a
    change of clocks, standard time all year.
    """
    try:
        if str(texts.iloc[0])[-6:-5] in ("+", "-") or str(texts.iloc[0]).endswith("Z"):
            return pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601", utc=True))
        plain = pd.DatetimeIndex(pd.to_datetime(texts, format="ISO8601"))
        if plain.tz is not None:
            return plain.tz_convert("UTC")
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: column time is not ISO 8601 ({error})") from error
    try:
        return plain.tz_localize(zone, ambiguous="infer").tz_convert("UTC")
    except ValueError:
        year = plain.min().year
        offsets = [datetime(year, month, 1, 12, tzinfo=zone).utcoffset() for month in (1, 7)]
        standard = min(offset for offset in offsets if offset is not None)
        said.append(
            f"time: the stamps run evenly through the change of clocks in {zone}: standard time all year"
        )
        return (plain - standard).tz_localize("UTC")
