"""`siteems inspect`: all that was found in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteems.recordings.column_map import ColumnMap
from siteems.recordings.counted_power import is_counter
from siteems.recordings.day_findings import find_in_days
from siteems.recordings.finding import Finding, finding
from siteems.recordings.proposed_map import (
    Guess,
    guess_columns,
    is_own_unit,
    rated_findings,
    solar_columns,
    unit_findings,
)
from siteems.recordings.series_table import Column, SeriesTable, read_series
from siteems.recordings.time_findings import (
    clock_change_days,
    find_in_clock_changes,
    find_in_times,
)
from siteems.recordings.timestamps import usual_step
from siteems.recordings.value_findings import (
    find_far_out,
    find_in_cells,
    find_in_counter,
    find_in_runs,
    is_dead,
)


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a file holds and what is wrong with it."""

    table: SeriesTable
    step: pd.Timedelta
    findings: tuple[Finding, ...]
    guesses: tuple[Guess, ...]
    clock_days: tuple[str, ...]
    """Local days of 23 or 25 hours within the span."""


def inspect_file(
    path: Path,
    zone: ZoneInfo | None = None,
    rated_kwp: float | None = None,
    column_map: ColumnMap | None = None,
) -> Inspection:
    """Inspect a file; `zone` is the site's, for its changes of clocks, and `rated_kwp` its PV's.
    A map states where the times are, and which rows to use.

    Raises `UserError` for a file that holds no table of series over time.
    """
    table = read_series(path, zone, column_map)
    guesses, solar = guess_columns(table), solar_columns(table)
    targets = {guess.column: guess.target for guess in guesses if is_own_unit(guess)}
    findings: list[Finding] = []
    seen: set[bytes] = set()
    for column in table.columns:
        content = column.times.asi8.tobytes()
        if content not in seen:
            seen.add(content)
            of = column.name.partition(" of ")[2]
            findings += find_in_times(
                f"{table.time_column}{f' of {of}' if of else ''}", column.times
            )
        target = targets.get(column.name.partition(" of ")[0], "")
        findings += find_in_column(column, column.name in solar, target)
    findings += _same_columns(table.columns)
    findings += unit_findings(table, guesses)
    if rated_kwp is not None:
        findings += rated_findings(table, guesses, rated_kwp)
    clock_days = () if zone is None else clock_change_days(table, zone)
    if zone is not None and not table.has_zone:
        findings += find_in_clock_changes(table, clock_days, zone)
    step = usual_step(table.columns[0].times)
    return Inspection(table, step, tuple(findings), guesses, clock_days)


def find_in_column(column: Column, solar: bool, target: str = "") -> Iterator[Finding]:
    """Everything that is wrong with the values of one series; `solar` series rest at night.

    `target` is the column of siteems that it probably fills, in the same unit.
    """
    yield from find_in_cells(column, target)
    if is_dead(column) or (~np.isnan(column.values)).sum() < 2:
        return
    order = np.argsort(column.times.asi8, kind="stable")
    if is_counter(column.values[order]):
        yield from find_in_counter(column.name, column.times[order], column.values[order])
        return
    strange = np.zeros(len(column.values), dtype=np.bool_)
    for found, mask in find_far_out(column, solar, target):
        strange |= mask
        yield found
    per_day = pd.Timedelta(days=1) / max(usual_step(column.times), pd.Timedelta(seconds=1))
    if per_day < 24:
        return  # daily and weekly values have no daily course to check
    times, series = column.times[order], np.where(strange, np.nan, column.values)[order]
    yield from find_in_runs(column.name, times, series, per_day, solar)
    yield from find_in_days(column.name, times, series, round(per_day), solar, target)


def _same_columns(columns: tuple[Column, ...]) -> Iterator[Finding]:
    """Columns that hold the same values: one of them has a wrong name."""
    seen: dict[bytes, str] = {}
    for column in columns:
        known = column.values[~np.isnan(column.values)]
        if known.size < 10 or known.min() == known.max():
            continue
        content = np.round(column.values, 4).tobytes()
        if content in seen:
            text = f"holds the same as {seen[content]}: one of them is mapped wrongly"
            yield finding("same", column.name, column.times, text)
        else:
            seen[content] = column.name
