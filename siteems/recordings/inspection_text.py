"""An inspection as text and as data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from siteems.recordings.finding import Finding
from siteems.recordings.inspection import Inspection
from siteems.recordings.proposed_map import map_text
from siteems.recordings.series_table import Column

MOST_COLUMNS = 40
MOST_FINDINGS = 12
"""Of one kind, in the text; the data has all."""


def as_data(found: Inspection) -> dict[str, Any]:
    """What `--json` prints."""
    times = found.table.columns[0].times
    return {
        "file": found.table.source,
        "rows": found.table.rows,
        "time_column": found.table.time_column,
        "first": times.min().isoformat(),
        "last": times.max().isoformat(),
        "step_s": found.step.total_seconds(),
        "has_zone": found.table.has_zone,
        "day_order": found.table.day_order,
        "clock_days": list(found.clock_days),
        "columns": [_facts(column) for column in found.table.columns],
        "findings": [asdict(each) for each in found.findings],
        "mapping": map_text(found.table, found.guesses),
    }


def as_text(found: Inspection) -> str:
    """What is printed for people."""
    table, times = found.table, found.table.columns[0].times
    zone = "with offset from UTC" if table.has_zone else "without zone"
    lines = [
        f"{table.source}: {table.rows} rows, {times.min():%Y-%m-%d %H:%M} to "
        f"{times.max():%Y-%m-%d %H:%M} ({zone}), step {found.step / pd.Timedelta(minutes=1):g} min"
    ]
    if table.day_order == "guessed":
        order = "day" if table.times_from.day_first else "month"
        lines.append(f"read here with the {order} first, which the file does not show")
    if found.clock_days:
        lines.append(f"days of 23 or 25 hours: {', '.join(found.clock_days)}")
    lines += ["", *(_column_line(column) for column in table.columns[:MOST_COLUMNS])]
    if len(table.columns) > MOST_COLUMNS:
        lines.append(f"  and {len(table.columns) - MOST_COLUMNS} more")
    lines += ["", "Found:" if found.findings else "Nothing wrong was found."]
    for kind in dict.fromkeys(each.kind for each in found.findings):
        lines += _kind_lines(kind, [each for each in found.findings if each.kind == kind])
    lines += ["", "A map file for `siteems replay --map`:", "", map_text(table, found.guesses)]
    return "\n".join(lines)


def _column_line(column: Column) -> str:
    facts = _facts(column)
    if not facts["known"]:
        return f"  {column.name:34} no value at all"
    span = f"{facts['least']:.5g} .. {facts['most']:.5g}, median {facts['median']:.5g}"
    return f"  {column.name:34} {facts['known']:>8} values  {span}"


def _kind_lines(kind: str, findings: list[Finding]) -> list[str]:
    lines = [f"  {kind:10} {each.column}: {each.text}" for each in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        more = len(findings) - MOST_FINDINGS
        lines.append(f"  {kind:10} and {more} more columns; --json has all")
    return lines


def _facts(column: Column) -> dict[str, Any]:
    known = column.values[~np.isnan(column.values)]
    if not known.size:
        return {"name": column.name, "known": 0}
    return {
        "name": column.name,
        "known": int(known.size),
        "least": float(known.min()),
        "median": float(np.median(known)),
        "most": float(known.max()),
    }
