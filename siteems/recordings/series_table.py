"""All series of a file over time, as recorded: what `siteems inspect` looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.table import read_table
from siteems.recordings.timestamps import parse_timestamps

Array = npt.NDArray[np.float64]

TIME_NAMES = (
    "time",
    "hour_start",
    "hour_ending",
    "interval_start",
    "timestamp",
    "measured_on",
    "date",
    "start",
)
"""Beginnings of the names that time columns have, the most certain first."""
MOST_KEYS = 500
"""A column of names with more values than this cannot be a key of series."""
KEYED_SHARE = 0.5
"""From this share of repeated times on, the rows are those of several things mixed, not errors."""


@dataclass(frozen=True, eq=False)
class Column:
    """One series: times and values, each of shape (n,)."""

    name: str
    times: pd.DatetimeIndex
    """As in the file, not sorted, duplicates kept; naive where the file gives no offsets."""
    values: Array
    """NaN where the cell was empty or held no number."""
    texts: dict[str, int]
    """Cells that held text instead of a number, with their count."""


@dataclass(frozen=True, eq=False)
class SeriesTable:
    """All series of a file. Where rows of several things are mixed, each has its own series, named
    such as `load_kwh of building 3`.
    """

    source: str
    time_column: str
    has_zone: bool
    rows: int
    columns: tuple[Column, ...]


def read_series(path: Path, zone: ZoneInfo | None = None) -> SeriesTable:
    """All series of a file. Times with an offset are shown in `zone`. Raises `UserError`."""
    frame = read_table(path)
    time_column = _time_column(frame, path)
    stamps = parse_timestamps(frame[time_column], path, time_column, iso_only=False)
    times = stamps.times
    if zone is not None and stamps.has_offset:
        times = times.tz_convert(zone)
    others = [column for column in frame.columns if column != time_column]
    key = _key_column(frame, others, times)
    columns = []
    for label, rows in _groups(frame, key):
        for name in others:
            if name == key:
                continue
            column = _column(f"{name}{label}", times, frame[name], rows)
            if column is not None:
                columns.append(column)
    if not columns:
        raise UserError(f"{path}: has no column of numbers beside {time_column}")
    return SeriesTable(str(path), time_column, stamps.has_offset, len(frame), tuple(columns))


def _time_column(frame: pd.DataFrame, path: Path) -> str:
    for start in TIME_NAMES:
        for column in frame.columns:
            numeric = pd.api.types.is_numeric_dtype(frame[column])
            if str(column).lower().startswith(start) and not numeric:
                return str(column)
    raise UserError(
        f"{path}: no column of time; one is expected whose name begins with "
        f"{', '.join(TIME_NAMES[:6])}"
    )


def _key_column(frame: pd.DataFrame, others: list[str], times: pd.DatetimeIndex) -> str | None:
    """The column that distinguishes the rows of one time, where times repeat."""
    if times.duplicated().mean() < KEYED_SHARE:
        return None
    for column in others:
        if 1 < frame[column].nunique() <= MOST_KEYS:
            pairs = pd.DataFrame({"key": frame[column].to_numpy(), "time": times})
            if not pairs.duplicated().any():
                return column
    return None


def _groups(frame: pd.DataFrame, key: str | None) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Label and row indices of each thing in the file; without key, all rows and no label."""
    if key is None:
        yield "", np.arange(len(frame))
        return
    for value, rows in frame.groupby(key, sort=False).indices.items():
        yield f" of {key} {value}", np.asarray(rows)


def _column(
    name: str, times: pd.DatetimeIndex, cells: pd.Series, rows: npt.NDArray[np.int64]
) -> Column | None:
    cells = cells.iloc[rows]
    if pd.api.types.is_bool_dtype(cells):
        return None
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64)
    text = cells.notna().to_numpy() & np.isnan(values)
    if text.mean() > 0.5:
        return None  # a column of text
    texts = {str(cell): int(count) for cell, count in cells[text].value_counts().items()}
    return Column(name, times[rows], values, texts)
