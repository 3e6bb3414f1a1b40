"""Tables with a column of times: CSV files, gzip too, read once and told apart from what they are
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from siteems.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def read_timed_csv(
    path: Path, zone: ZoneInfo, columns: Sequence[str], time: str = "time", known: str = ""
) -> tuple[pd.DataFrame, pd.Series[pd.Timestamp]]:
    """The table and its times, aware, in `zone`; lines that begin with # are comments.

    Times are ISO 8601; without offset they are local to `zone`, and the hour that comes twice in
    autumn is told apart by the order of the rows. Raises `UserError` for what cannot be read and
    for missing columns; `known` says what such a table has.
    """
    import pandas as pd  # only those who read a table pay for pandas

    try:
        frame = pd.read_csv(path, comment="#")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from error
    missing = [column for column in (time, *columns) if column not in frame.columns]
    if missing:
        there = known or f"it has {', '.join(map(str, frame.columns))}"
        raise UserError(f"{path}: no column {', '.join(missing)}; {there}")
    try:
        times = pd.to_datetime(frame[time], format="ISO8601")
        if times.dt.tz is not None:
            return frame, times.dt.tz_convert(zone)
        return frame, times.dt.tz_localize(zone, ambiguous="infer")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path}: column {time} is not ISO 8601 ({error})") from error
