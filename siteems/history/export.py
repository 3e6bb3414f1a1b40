"""Tables of recorded samples as files, for analysis and as a recording for `siteems inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from siteems.errors import UserError
from siteems.history.tables import TEXT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd


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
            # A part without any text would give a column of another type.
            texts = {name: "string" for name in TEXT_COLUMNS if name in part}
            part = part.astype(texts)
            table = pa.Table.from_pandas(part.reset_index(), preserve_index=False)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            rows += len(part)
    finally:
        if writer is not None:
            writer.close()
    return rows
