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
from siteems.recordings.column_map import ColumnMap, selected_rows
from siteems.recordings.number_cells import as_numbers
from siteems.recordings.table import read_table
from siteems.recordings.time_source import TimeSource, time_source_of
from siteems.recordings.timestamps import DayOrder, read_timestamps, with_known_day

Array = npt.NDArray[np.float64]

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
    times_from: TimeSource
    day_order: DayOrder
    has_zone: bool
    rows: int
    key: tuple[str, str | int | float] | None
    """Column and first value of what distinguishes several things in the file."""
    columns: tuple[Column, ...]


def read_series(
    path: Path, zone: ZoneInfo | None = None, column_map: ColumnMap | None = None
) -> SeriesTable:
    """All series of a file. Times with an offset are shown in `zone`. Raises `UserError`.

    A map states where the times are, and which rows to use.
    """
    table = read_table(path)
    source = None
    if column_map is not None:
        table, source = selected_rows(table, column_map), column_map.time
    frame = table.frame
    source, day_order = with_known_day(table, source or time_source_of(frame, path))
    time_column = source.column
    stamps = read_timestamps(table, source)
    times = stamps.times
    if not stamps.has_offset and stamps.zone is not None and stamps.zone.key == "UTC":
        times = times.tz_localize("UTC")
    if zone is not None and times.tz is not None:
        times = times.tz_convert(zone)
    others = [
        column for column in frame.columns if column not in (time_column, source.clock_column)
    ]
    key = _key_column(frame, others, times)
    first = None if key is None else (key, _plain_value(frame[key].iloc[0]))
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
    return SeriesTable(
        source=str(path),
        time_column=time_column,
        times_from=source,
        day_order=day_order,
        has_zone=times.tz is not None,
        rows=len(frame),
        key=first,
        columns=tuple(columns),
    )


def _plain_value(value: object) -> str | int | float:
    return value.item() if isinstance(value, np.generic) else str(value)


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
    values, strange = as_numbers(cells)
    if len(strange) > 0.5 * len(cells):
        return None  # a column of text
    texts = {str(cell): int(count) for cell, count in strange.value_counts().items()}
    return Column(name, times[rows], values, texts)
