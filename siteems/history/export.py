"""Recorded samples as a table, for analysis and as a recording that `siteems inspect` reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from siteems.errors import UserError
from siteems.history.records import SAMPLE_COLUMNS
from siteems.history.store import History

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS: Final = ("source", "reason")
"""Which fallback level decided, and the code of the reason."""
EXPORTED: Final = (*SAMPLE_COLUMNS, *TEXT_COLUMNS)
AT_ONCE: Final = timedelta(days=1)
"""Read at once: a day of minutes. A whole year as objects would take a gigabyte."""


def checked_columns(names: str | None) -> tuple[str, ...]:
    """The columns named in a text, separated by commas; None = all.

    Raises `UserError` for a name that is none.
    """
    if names is None:
        return EXPORTED
    wanted = tuple(name.strip() for name in names.split(",") if name.strip())
    unknown = [name for name in wanted if name not in EXPORTED]
    if unknown or not wanted:
        shown = repr(unknown[0]) if unknown else "nothing"
        raise UserError(f"--columns: {shown} is no column; allowed: {', '.join(EXPORTED)}")
    return tuple(dict.fromkeys(wanted))


def frames(
    history: History, columns: Sequence[str], since: datetime, until: datetime
) -> Iterator[pd.DataFrame]:
    """The samples of a span, day by day, indexed by time (UTC); unknown numbers are NaN.

    Raises `RecordError`.
    """
    import pandas as pd  # slow to import, and no other command on a record needs it

    while since < until:
        end = min(until, since + AT_ONCE)
        samples = history.samples(since, end)
        since = end
        if not samples:
            continue
        data = {
            "source": [sample.source for sample in samples],
            "reason": [sample.reason.code for sample in samples],
        } | {
            name: pd.array([sample.values.get(name) for sample in samples], dtype="float64")
            for name in columns
            if name not in TEXT_COLUMNS
        }
        index = pd.DatetimeIndex([sample.time for sample in samples], name="time")
        yield pd.DataFrame(data, index=index)[list(columns)]


def write_csv(parts: Iterator[pd.DataFrame], file: IO[str]) -> int:
    """Write the parts as one CSV table; returns the number of rows."""
    rows = 0
    for part in parts:
        part.to_csv(file, header=not rows, date_format="%Y-%m-%dT%H:%M:%SZ")
        rows += len(part)
    return rows


def write_parquet(parts: Iterator[pd.DataFrame], path: Path) -> int:
    """Write the parts as one Parquet file; returns the number of rows.

    Raises `UserError` where pyarrow is missing.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError(
            f"{path}: writing Parquet needs pyarrow; install siteems[parquet]"
        ) from error
    rows, writer = 0, None
    try:
        for part in parts:
            table = pa.Table.from_pandas(part.reset_index(), preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += len(part)
    finally:
        if writer is not None:
            writer.close()
    return rows
