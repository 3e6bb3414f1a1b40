"""The one reader of tabular files: CSV, gzipped CSV and Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from siteems.errors import UserError


def read_table(path: Path) -> pd.DataFrame:
    """The table in a file. In a CSV file, text after # is a comment. Raises `UserError`."""
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path).reset_index()
        return pd.read_csv(path, comment="#", low_memory=False)
    except ImportError as error:
        raise UserError(
            f"{path}: reading Parquet needs pyarrow; install siteems[parquet]"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as CSV or Parquet ({error})") from error


def require_columns(
    frame: pd.DataFrame, names: Sequence[str], path: Path, expected: str = ""
) -> None:
    """Raise `UserError` when a table lacks a column.

    `expected` ends the message with what such a file must have; without it, the message lists the
    columns that the file has.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        hint = expected or f"it has {', '.join(map(str, frame.columns))}"
        raise UserError(f"{path}: no column {', '.join(missing)}; {hint}")
