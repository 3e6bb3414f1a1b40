"""The one reader of tabular files: CSV, gzipped CSV and Parquet."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from siteems.errors import UserError
from siteems.recordings.file_text import FileText, read_text
from siteems.recordings.number_cells import (
    Mark,
    decimal_mark,
    may_be_thousands,
    number_cells,
    plain_width,
    probably_thousands,
    with_points,
)

SEMICOLON = ";"
"""Separates columns where the comma begins decimals, so that a point may part thousands."""
MARKS = {",": "comma", ".": "point"}
OTHER_THAN_KW = ("w", "mw", "wh", "kwh", "mwh", "kvarh", "kvar", "kva", "a", "v")
"""Units that a column of kW may turn out to have."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table in a file. The index of the frame is the line in the file, from 1 on."""

    path: Path
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    """What was known of its notation and is to be noted."""


def read_table(path: Path) -> Table:
    """The table in a file. In a CSV file, text after # is a comment. Raises `UserError`.

    Separator and encoding are recognised. Columns of numbers are converted, with decimal commas and
    thousands where the file shows which of them a comma is; other columns stay text.
    """
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path).reset_index()
            frame.index += 1
            return Table(path, frame)
        return _from_text(path, read_text(path))
    except ImportError as error:
        raise UserError(
            f"{path}: reading Parquet needs pyarrow; install siteems[parquet]"
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        reason = str(error).strip().replace("\n", " ")
        raise UserError(f"{path}: cannot be read as CSV or Parquet ({reason})") from error


def require_columns(
    frame: pd.DataFrame, names: Sequence[str], path: Path, expected: str = ""
) -> None:
    """Raise `UserError` when a table lacks a column.

    `expected` ends the message with what such a file must have; without it, the message lists the
    columns that the file has.
    """
    twice = [name for name in names if f"{name}.1" in frame.columns]
    if twice:
        raise UserError(f"{path}: two columns are named {twice[0]}; rename one of them")
    missing = [name for name in names if name not in frame.columns]
    if missing:
        hint = expected or f"it has {', '.join(map(str, frame.columns))}"
        raise UserError(f"{path}: no column {', '.join(missing)}; {hint}")


def _from_text(path: Path, text: FileText) -> Table:
    names = _fields(text, 0)
    if len(text.lines) > 1:
        extra = _fields(text, 1)[len(names) :]
        if any(cell.strip() for cell in extra):
            raise UserError(
                f"{path}: line {text.numbers[1]} has {len(names) + len(extra)} cells, but there "
                f"are {len(names)} columns; is {text.separator!r} in a number?"
            )
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(text.lines)), sep=text.separator, dtype=str, index_col=False
        )
    except pd.errors.ParserError as error:
        raise _misread(path, text, str(error)) from error
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    if len(frame) == len(text.lines) - 1:
        frame.index = pd.Index(text.numbers[1:])
    else:  # a quoted cell holds a line break
        frame.index = pd.RangeIndex(2, len(frame) + 2)
    frame, notes = _without_units_row(path, frame)
    frame, comma_notes = _with_numbers(path, text.separator, frame)
    return Table(path, frame, (*notes, *comma_notes))


def _misread(path: Path, text: FileText, error: str) -> UserError:
    """What the reader of CSV complains about, with the line of the file."""
    if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error):
        expected, line, saw = map(int, found.groups())
        cells = f"has {saw} cells, but there are {expected} columns"
        return UserError(
            f"{path}: line {text.numbers[line - 1]} {cells}; is {text.separator!r} in a number?"
        )
    if found := re.search(r"EOF inside string starting at row (\d+)", error):
        line = min(int(found[1]), len(text.numbers) - 1)
        return UserError(f"{path}: line {text.numbers[line]}: a quote is opened and not closed")
    return UserError(f"{path}: cannot be read as CSV ({' '.join(error.split())})")


def _fields(text: FileText, line: int) -> list[str]:
    read = pd.read_csv(io.StringIO(text.lines[line]), sep=text.separator, dtype=str, header=None)
    return read.iloc[0].fillna("").tolist()


def _without_units_row(path: Path, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table without a row of units below the names: no number in it, but in the next one.

    Raises `UserError` where a column whose name ends with kw has another unit there.
    """
    if len(frame) < 2:
        return frame, ()
    first, second = frame.iloc[0].dropna(), frame.iloc[1].dropna()
    starts = r"\s*[+-]?[\d０-９]"
    if first.empty or first.str.match(starts).any() or second.str.match(starts).mean() < 0.5:
        return frame, ()
    if len(first) < 2 and len(frame.columns) > 2:
        return frame, ()
    for name, unit in first.items():
        if str(name).lower().endswith("_kw") and unit.strip().lower() in OTHER_THAN_KW:
            raise UserError(
                f"{path}: line {frame.index[0]}, column {name}: the unit is {unit.strip()}, not "
                "kW; state the column and its unit in a map (docs/data.md)"
            )
    shown = ", ".join(first)
    return frame.iloc[1:], (f"line {frame.index[0]}: a row of units ({shown}), left out",)


def _with_numbers(
    path: Path, separator: str, frame: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with its columns of numbers converted, and a note where a comma was in one."""
    plain = {name: plain_width(frame[name]) for name in frame.columns}
    with_comma = {
        name: bool(cells.str.contains(",", regex=False, na=False).any())
        for name, cells in plain.items()
    }
    if not any(with_comma.values()) and separator != SEMICOLON:
        return _frame({name: _number_or_text(cells) for name, cells in plain.items()}, frame), ()
    numbers = {name: number_cells(cells) for name, cells in plain.items()}
    marks = {name: decimal_mark(cells) for name, cells in numbers.items()}
    of_file = {mark for mark in marks.values() if mark in (",", ".")}
    columns, notes = {}, []
    for name, cells in plain.items():
        own, of_column = marks[name], numbers[name]
        with_points_only = separator == SEMICOLON and may_be_thousands(of_column)
        unclear: Mark | None = "," if with_comma[name] else "." if with_points_only else None
        if own is None and len(of_file) == 1:
            own = next(iter(of_file))
        if own is None and unclear is not None and len(of_column):
            own = _likely_mark(separator, of_column, unclear)
        if (own is None and unclear is not None and len(of_column)) or own == "both":
            raise _either_meaning(path, name, of_column, unclear or ",")
        mark: Mark = "," if own == "," else "."
        columns[name] = _number_or_text(with_points(cells, mark))
        if unclear is not None and pd.api.types.is_numeric_dtype(columns[name]):
            meaning = "begin decimals" if mark == unclear else "part thousands"
            notes.append(f"{name}: {MARKS[unclear]}s {meaning}")
    return _frame(columns, frame), tuple(notes)


def _either_meaning(path: Path, name: str, numbers: pd.Series, mark: Mark) -> UserError:
    marked = numbers[numbers.str.contains(mark, regex=False)]
    return UserError(
        f"{path}: line {marked.index[0]}, column {name}: {marked.iloc[0]!r} may have a decimal "
        f"{MARKS[mark]} or thousands; write the numbers without {MARKS[mark]}s"
    )


def _frame(columns: dict[str, pd.Series], like: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(columns, index=like.index, columns=like.columns)


def _likely_mark(separator: str, numbers: pd.Series, unclear: Mark) -> Mark | None:
    """The decimal mark of a column that does not prove it, in a file that does not either.
    `unclear` is the mark that it has.
    """
    grouped = probably_thousands(numbers, unclear)
    if unclear == ".":
        return "," if grouped else None
    if separator == ",":
        return "." if grouped else None
    return None if grouped else ","


def _number_or_text(cells: pd.Series) -> pd.Series:
    """Numbers or truth values where all cells hold such, else the text."""
    try:
        return pd.to_numeric(cells)
    except (ValueError, TypeError, OverflowError):
        pass
    truth = cells.str.lower()
    if bool(truth.isin(["true", "false"]).all()):
        return truth == "true"
    return cells
