"""`siteems inspect`: everything that was found in a file, in words and as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteems.recordings.findings import Finding, find_between, find_in_time, find_in_values, step_of
from siteems.recordings.proposed_map import Guess, guess, mapping_text, solar_columns, unit_findings
from siteems.recordings.table import Table, read_table

MOST_LINES = 12
"""Of one kind, printed; all are in the JSON."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a file holds and what is wrong with it."""

    table: Table
    step: pd.Timedelta
    findings: tuple[Finding, ...]
    guesses: tuple[Guess, ...]
    clock_days: tuple[str, ...]
    """Local days of 23 or 25 hours within the span."""


def inspect_file(path: Path, zone: ZoneInfo | None = None) -> Inspection:
    """Look at a file; `zone` is the site's, for its days of 23 and 25 hours. Raises `UserError` for
    no table.
    """
    table = read_table(path, zone)
    guesses, solar = guess(table), solar_columns(table)
    findings: list[Finding] = []
    seen: set[bytes] = set()
    for column in table.columns:
        stamps = column.times.asi8.tobytes()
        if stamps not in seen:
            seen.add(stamps)
            of = column.name.partition(" of ")[2]
            findings += find_in_time(
                f"{table.time_column}{' of ' + of if of else ''}", column.times
            )
        findings += find_in_values(column, column.name in solar)
    findings += find_between(table.columns)
    findings += unit_findings(table, guesses)
    days = () if zone is None else _clock_days(table, zone)
    if days and not table.has_zone:
        findings += _through_the_change(table, days, zone)
    return Inspection(table, step_of(table.columns[0].times), tuple(findings), guesses, days)


def _clock_days(table: Table, zone: ZoneInfo) -> tuple[str, ...]:
    first, last = table.columns[0].times.min(), table.columns[0].times.max()
    end = last.tz_localize(None).normalize() + pd.Timedelta(days=1)
    days = pd.date_range(first.tz_localize(None).normalize(), end, freq="D")
    offsets = [datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset() for day in days]
    return tuple(
        f"{day:%Y-%m-%d}" for day, (a, b) in zip(days, pairwise(offsets), strict=False) if a != b
    )


def _through_the_change(
    table: Table, days: tuple[str, ...], zone: ZoneInfo | None
) -> list[Finding]:
    """Local stamps that have neither the missing nor the doubled hour."""
    times = table.columns[0].times
    per_day = round(pd.Timedelta(days=1) / step_of(times))
    even = [
        day
        for day in days
        if int((times.normalize() == pd.Timestamp(day)).sum()) == per_day and per_day >= 24
    ]
    if not even:
        return []
    text = (
        f"{', '.join(even[:4])}: the stamps have neither the missing nor the doubled hour of {zone}"
    )
    return [Finding("clock", table.time_column, len(even), even[0], even[-1], text)]


def as_data(found: Inspection) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "file": found.table.source,
        "rows": found.table.rows,
        "time_column": found.table.time_column,
        "first": f"{found.table.columns[0].times.min().isoformat()}",
        "last": f"{found.table.columns[0].times.max().isoformat()}",
        "step_s": found.step.total_seconds(),
        "has_zone": found.table.has_zone,
        "clock_days": list(found.clock_days),
        "columns": [_facts(column) for column in found.table.columns],
        "findings": [asdict(finding) for finding in found.findings],
        "mapping": mapping_text(found.table, found.guesses),
    }


def _facts(column: Any) -> Mapping[str, Any]:
    known = column.values[~np.isnan(column.values)]
    if not known.size:
        return {"name": column.name, "known": 0}
    low, middle, high = (float(each) for each in (known.min(), np.median(known), known.max()))
    return {
        "name": column.name,
        "known": int(known.size),
        "least": low,
        "median": middle,
        "most": high,
    }


def as_page(found: Inspection) -> str:
    """What is printed for people."""
    table, times = found.table, found.table.columns[0].times
    zone = "with offset from UTC" if table.has_zone else "without zone"
    lines = [
        f"{table.source}: {table.rows} rows, {times.min():%Y-%m-%d %H:%M} to {times.max():%Y-%m-%d %H:%M} ({zone}), "
        f"step {found.step / pd.Timedelta(minutes=1):g} min"
    ]
    if found.clock_days:
        lines.append(f"days of 23 or 25 hours: {', '.join(found.clock_days)}")
    lines.append("")
    for column in table.columns[:40]:
        facts = _facts(column)
        if facts["known"]:
            span = f"{facts['least']:.5g} .. {facts['most']:.5g}, median {facts['median']:.5g}"
            lines.append(f"  {column.name:34} {facts['known']:>8} values  {span}")
        else:
            lines.append(f"  {column.name:34} no value at all")
    if len(table.columns) > 40:
        lines.append(f"  and {len(table.columns) - 40} more")
    lines += ["", "Found:" if found.findings else "Nothing wrong was found."]
    kinds = list(dict.fromkeys(finding.kind for finding in found.findings))
    for kind in kinds:
        of_kind = [finding for finding in found.findings if finding.kind == kind]
        lines += [f"  {f.kind:10} {f.column}: {f.text}" for f in of_kind[:MOST_LINES]]
        if len(of_kind) > MOST_LINES:
            lines.append(
                f"  {kind:10} and {len(of_kind) - MOST_LINES} more columns; --json has all"
            )
    lines += ["", "A map file for `siteems replay --map`:", "", mapping_text(table, found.guesses)]
    return "\n".join(lines)
