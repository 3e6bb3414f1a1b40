"""DR events of a replay, from a table: when they were, what they asked for, when they were known.

| column | meaning |
|---|---|
| `start`, `end` | local time of the site, or with an offset |
| `kind` | as of a DR event; default `reduction` |
| `value` | kW, by the kind (an emergency has none) |
| `announced` | when the site heard of it; default: the notice of the programme before `start` |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from siteems.demand_response.baseline.rules import rule_named
from siteems.demand_response.event import RANGES
from siteems.demand_response.programme import Programme
from siteems.demand_response.programme_files import find_programme
from siteems.errors import UserError
from siteems.recordings.number_cells import as_numbers
from siteems.recordings.table import Table, read_table, require_columns
from siteems.recordings.time_source import TimeSource
from siteems.recordings.timestamps import in_utc, read_timestamps
from siteems.site.demand_response import EventKind
from siteems.site.model import Site

KINDS = ("reduction", "import-cap", "emergency")
"""Those that a settlement can measure at the grid meter."""
MOST_EVENTS = 5000
LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class AnnouncedEvent:
    """One event of the table."""

    id: str
    kind: EventKind
    start: datetime
    end: datetime
    value: float
    announced: datetime

    def moved(self, by: timedelta) -> AnnouncedEvent:
        """The event at other dates, as those of a recording that is moved."""
        start, end, announced = (each + by for each in (self.start, self.end, self.announced))
        return replace(self, start=start, end=end, announced=announced)


@dataclass(frozen=True)
class EventsOfReplay:
    """The events of a table, and the programme that pays for them."""

    announced: tuple[AnnouncedEvent, ...]
    programme: Programme


def events_of_replay(site: Site, path: Path | None, programme: str | None) -> EventsOfReplay | None:
    """What the options of a replay name. Raises `UserError`, also where one of them is missing."""
    if path is None and programme is None:
        return None
    if path is None or programme is None:
        raise UserError("--events needs --programme, which pays for them, and the other way round")
    chosen = find_programme(programme)
    if chosen.currency != site.site.currency:
        raise UserError(
            f"--programme {programme}: pays in {chosen.currency}, the site's money is in "
            f"{site.site.currency}"
        )
    rule_named(chosen.baseline)
    return EventsOfReplay(read_events(path, site.site.zone, chosen), chosen)


def read_events(path: Path, zone: ZoneInfo, programme: Programme) -> tuple[AnnouncedEvent, ...]:
    """The events of a file by start. Raises `UserError`, naming file, line and column."""
    table = read_table(path)
    frame = table.frame
    require_columns(frame, ("start", "end"), path, "a table of events has start, end, value")
    if not 0 < len(frame) <= MOST_EVENTS:
        raise UserError(f"{path}: has {len(frame)} events; allowed: 1 to {MOST_EVENTS}")
    starts, ends = (_times(table, name, zone) for name in ("start", "end"))
    kinds = _kinds(table)
    values = _values(table, kinds)
    if "announced" in frame:
        announced = _times(table, "announced", zone)
    else:
        notice = timedelta(minutes=programme.notice_min or 0.0)
        announced = [start - notice for start in starts]
    events = []
    for row, line in enumerate(frame.index):
        start, end = starts[row], ends[row]
        if not start < end <= start + LONGEST:
            raise UserError(f"{path}: line {line}: ends at {end}; allowed: within a day from start")
        if announced[row] > start:
            raise UserError(f"{path}: line {line}, column announced: is after the start")
        id_ = f"{path.stem}-{line}"
        events.append(AnnouncedEvent(id_, kinds[row], start, end, values[row], announced[row]))
    return tuple(sorted(events, key=lambda event: event.start))


def _times(table: Table, name: str, zone: ZoneInfo) -> list[datetime]:
    """In UTC. The order of the rows decides nothing here, so each is read by itself."""
    times = []
    for line, row in zip(table.frame.index, range(len(table.frame)), strict=True):
        one = Table(table.path, table.frame.iloc[[row]])
        read = in_utc(read_timestamps(one, TimeSource(column=name)), zone, refuse_odd=True)
        if len(read.times) != 1:
            raise UserError(f"{table.path}: line {line}, column {name}: no time that exists")
        times.append(read.times[0].to_pydatetime())
    return times


def _kinds(table: Table) -> list[EventKind]:
    if "kind" not in table.frame:
        return ["reduction"] * len(table.frame)
    cells = table.frame["kind"].astype(str).str.strip()
    for line, cell in cells.items():
        if cell not in KINDS:
            allowed = ", ".join(KINDS)
            raise UserError(f"{table.path}: line {line}, column kind: {cell!r}; allowed: {allowed}")
    assert set(KINDS) <= set(get_args(EventKind))
    return cast("list[EventKind]", cells.to_list())


def _values(table: Table, kinds: Sequence[EventKind]) -> list[float]:
    if "value" in table.frame:
        values, _ = as_numbers(table.frame["value"])
    else:
        values = np.full(len(table.frame), np.nan)
    for line, kind, value in zip(table.frame.index, kinds, values, strict=True):
        low, high = RANGES[kind]
        if kind != "emergency" and not low <= value <= high:
            cell = table.frame["value"].get(line) if "value" in table.frame else None
            shown = "is empty" if pd.isna(cell) else repr(cell)
            raise UserError(
                f"{table.path}: line {line}, column value: {shown}; allowed: {low:g} to {high:g} kW"
            )
    return [0.0 if kind == "emergency" else float(v) for kind, v in zip(kinds, values, strict=True)]
