"""Read a CSV file that has a column of timestamps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from siteems.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def read_timed_csv(
    path: Path, zone: ZoneInfo, columns: Sequence[str], time: str = "time", expected: str = ""
) -> tuple[pd.DataFrame, pd.Series[pd.Timestamp]]:
    """The table of a CSV or CSV.gz file, and its timestamps, aware and in `zone`.

    Lines that begin with # are comments. Timestamps are ISO 8601. Those without an offset are local
    to `zone`; in the hour that occurs twice in autumn, the order of the rows decides. Raises
    `UserError` if the file cannot be read or lacks one of `columns`; `expected` then says what
    such a file has, in place of a list of its columns.
    """
    import pandas as pd  # slow to import, and many commands read no table

    try:
        frame = pd.read_csv(path, comment="#")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from error
    missing = [column for column in (time, *columns) if column not in frame.columns]
    if missing:
        hint = expected or f"it has {', '.join(map(str, frame.columns))}"
        raise UserError(f"{path}: no column {', '.join(missing)}; {hint}")
    try:
        times = pd.to_datetime(frame[time], format="ISO8601")
        if times.dt.tz is not None:
            return frame, times.dt.tz_convert(zone)
        return frame, times.dt.tz_localize(zone, ambiguous="infer")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path}: column {time} is not ISO 8601 ({error})") from error
