"""A recording as it lies in a file: its series over time, before anything is judged or mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError

Array = npt.NDArray[np.float64]
TIME_WORDS = (
    "time",
    "hour_start",
    "hour_ending",
    "interval_start",
    "timestamp",
    "measured_on",
    "date",
    "start",
)
MOST_KINDS = 500
"""A column of names with more values than this does not tell series apart."""


@dataclass(frozen=True, eq=False)
class Column:
    """One series. `values` has NaN where the cell was empty or no number; `texts` counts what stood
    there instead.
    """

    name: str
    times: pd.DatetimeIndex
    """Stamps as in the file, not sorted, duplicates kept; without zone where the file has none."""
    values: Array
    texts: dict[str, int]


@dataclass(frozen=True, eq=False)
class Table:
    """All series of a file. Where rows of several things are mixed, each has its own (`load_kwh of
    building 3`).
    """

    source: str
    time_column: str
    has_zone: bool
    mixed_clocks: bool
    """Whether the offset from UTC changes within the file, as it does where local time is written
    with its offset.
    """
    rows: int
    columns: tuple[Column, ...]


def read_frame(path: Path) -> pd.DataFrame:
    """A CSV (gzip too) or Parquet file. Raises `UserError`."""
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


def read_table(path: Path, zone: tzinfo | None = None) -> Table:
    """All series of a file; `zone` is where stamps without offset were taken. Raises `UserError`."""
    frame = read_frame(path)
    name = _time_column(frame, path)
    times, has_zone, mixed = _parsed(frame[name], path, name)
    if zone is not None and has_zone:
        times = times.tz_convert(zone)
    others = [column for column in frame.columns if column != name]
    key = _key(frame, others, times)
    columns = tuple(
        column
        for label, rows in _things(frame, key)
        for each in others
        if each != key
        and (column := _column(f"{each}{label}", times, frame[each], rows)) is not None
    )
    if not columns:
        raise UserError(f"{path}: has no column of numbers beside {name}")
    return Table(str(path), name, has_zone, mixed, len(frame), columns)


def _time_column(frame: pd.DataFrame, path: Path) -> str:
    for word in TIME_WORDS:
        for column in frame.columns:
            if str(column).lower().startswith(word) and not pd.api.types.is_numeric_dtype(
                frame[column]
            ):
                return str(column)
    raise UserError(
        f"{path}: no column of time; one is expected whose name begins with {', '.join(TIME_WORDS[:6])}"
    )


def _parsed(texts: pd.Series, path: Path, name: str) -> tuple[pd.DatetimeIndex, bool, bool]:
    form = "ISO8601" if str(texts.iloc[0])[4:5] == "-" else None
    try:
        if str(texts.iloc[0])[-6:-5] not in ("+", "-") and not str(texts.iloc[0]).endswith("Z"):
            return pd.DatetimeIndex(pd.to_datetime(texts, format=form)), False, False
        mixed = bool(texts.astype(str).str[-6:].nunique() > 1)
        return pd.DatetimeIndex(pd.to_datetime(texts, format=form, utc=mixed)), True, mixed
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: column {name} is no time that can be read ({error})") from error


def _key(frame: pd.DataFrame, others: list[str], times: pd.DatetimeIndex) -> str | None:
    """The column whose names tell apart the rows of one stamp, where stamps repeat."""
    if times.duplicated().mean() < 0.5:
        return None
    for column in others:
        kinds = frame[column].nunique()
        if (
            1 < kinds <= MOST_KINDS
            and not frame.assign(_at=times).duplicated([column, "_at"]).any()
        ):
            return column
    return None


def _things(frame: pd.DataFrame, key: str | None) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    if key is None:
        yield "", np.arange(len(frame))
        return
    for thing, rows in frame.groupby(key, sort=False).indices.items():
        yield f" of {key} {thing}", np.asarray(rows)


def _column(
    name: str, times: pd.DatetimeIndex, cells: pd.Series, rows: npt.NDArray[np.int64]
) -> Column | None:
    cells = cells.iloc[rows]
    if pd.api.types.is_bool_dtype(cells):
        return None
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    lost = cells.notna().to_numpy() & np.isnan(values)
    if lost.mean() > 0.5:
        return None  # a column of words
    texts = {str(text): int(count) for text, count in cells[lost].value_counts().items()}
    return Column(name, times[rows], values, texts)
