"""How much of a recording may be made up, by use: holes beyond it are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.equal_steps import Recording
from siteems.recordings.finding import percent

Span = tuple[datetime | None, datetime | None]
"""From and to, as recorded; None is open."""
WHOLE: Span = (None, None)


@dataclass(frozen=True)
class HoleLimit:
    """The largest share of a column that may be filled: beyond it, too much of the result would be
    made up.
    """

    use: str
    share: float
    each_month: bool = False
    """Whether it also holds for every local month."""


REPLAY = HoleLimit("a replay or a score of forecasts", 0.3)
BILL = HoleLimit("a bill", 0.1, each_month=True)


def _cause(recording: Recording, column: str) -> str:
    """The first note on a column, which may say why it has holes."""
    notes = [note for note in recording.notes if note.startswith(f"{column}:")]
    return f" ({notes[0].partition(': ')[2]})" if notes else ""


def check_holes(
    recording: Recording, column: str, limit: HoleLimit, used: Span, zone: ZoneInfo
) -> None:
    """Raise `UserError` where more of a column is missing than may be filled, in the span that is
    used or in one of its months.
    """
    missing = pd.Series(
        np.isnan(recording.series[column]),
        pd.date_range(recording.start, periods=len(recording.series[column]), freq=recording.step),
    )
    first, end = used
    if first is not None:
        missing = missing[missing.index >= first]
    if end is not None:
        missing = missing[missing.index < end]
    for when, part in _parts(missing, limit, zone):
        share = float(part.mean())
        if share > limit.share:
            raise UserError(
                f"{recording.path}: column {column} has no value in {percent(share)} of its steps"
                f"{when}; at most {percent(limit.share)} may be filled for {limit.use}"
                f"{' and for each of its months' if limit.each_month else ''}"
                f"{_cause(recording, column)}"
            )


def _parts(missing: pd.Series, limit: HoleLimit, zone: ZoneInfo) -> Iterator[tuple[str, pd.Series]]:
    """The whole span and, where the limit is one of months, these; without steps none."""
    if missing.empty:
        return
    if limit.each_month:
        local = pd.DatetimeIndex(missing.index).tz_convert(zone)
        for month, part in missing.groupby(local.strftime("%Y-%m")):
            yield f" of {month}", part
    yield "", missing
