"""The record of one site in one SQLite file: samples, roll-ups of former ones, plans, commands, DR
events, alarms, facts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from siteems.history.database import Database
from siteems.history.former_codes import FORMER_PLAN_TRIGGERS
from siteems.history.former_events import VALID_FORMER_EVENT, from_former
from siteems.history.records import (
    ROLLUP,
    SAMPLE_COLUMNS,
    AlarmRecord,
    Command,
    EventRow,
    RecordError,
    Rollup,
    Sample,
)
from siteems.history.rollup import ROLLUP_COLUMNS, roll_up_and_delete
from siteems.history.rows import (
    alarm_of,
    alarm_row,
    command_of,
    command_row,
    event_of,
    event_row,
    plan_body_of,
    rollup_of,
    sample_of,
    sample_row,
    time_of,
    timestamp,
)
from siteems.history.valid_rows import ROLLUP_MS, VALID

PRUNED: Final = ("plans", "commands", "incidents")
DAY_MS: Final = 86_400_000
PLANS_TRIED: Final = 10
"""The newest plans that are tried for a readable one; older ones would be followed no longer."""
REVISIONS: Final = 3
"""Of an event that are read: where the newest one has an unreadable body, the one before it holds.
"""
_COMMAND = "ts, device, point, value, owner, reason, outcome, detail"
_ALARM = "ts, level, code, text"
_SAMPLES_GONE: Final = (
    f"ts >= ? AND ts < ? AND {VALID['rollups']} AND NOT EXISTS (SELECT 1 FROM samples AS s "
    f"WHERE s.ts >= r.ts AND s.ts < r.ts + {ROLLUP_MS} AND {VALID['samples']})"
)
"""Of the roll-ups `r` of a span: those without a sample in their quarter hour."""


class History(Database):
    """The record of one site. Safe to use from several threads; every method is one short
    transaction, and what it has returned from is on disk.

    Methods raise `RecordError` when the file cannot be read or written, and ValueError for a time
    without a time zone. A span is since <= time < until. Rows that are not valid are skipped;
    `invalid_rows` counts them.
    """

    # -- facts -------------------------------------------------------------------------------------

    def set_fact(self, key: str, value: str) -> None:
        """Keep a short text under a key, in place of an earlier one."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def fact(self, key: str) -> str | None:
        """The text under a key."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows and isinstance(rows[0][0], str) else None

    # -- samples -----------------------------------------------------------------------------------

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Record samples; a second one for the same time replaces the first."""
        marks = ", ".join("?" * (len(SAMPLE_COLUMNS) + 3))
        rows = [sample_row(sample) for sample in samples]
        with self.transaction() as db:
            db.executemany(f"INSERT OR REPLACE INTO samples VALUES ({marks})", rows)

    def samples(self, since: datetime, until: datetime) -> list[Sample]:
        """The samples of a span, oldest first."""
        rows = self._rows(
            f"SELECT * FROM samples WHERE ts >= ? AND ts < ? AND {VALID['samples']} ORDER BY ts",
            (timestamp(since), timestamp(until)),
        )
        return [sample_of(row) for row in rows]

    def last_sample(self, until: datetime | None = None) -> Sample | None:
        """The newest sample, or the newest until then."""
        rows = self._rows(
            f"SELECT * FROM samples WHERE ts <= ? AND {VALID['samples']} ORDER BY ts DESC LIMIT 1",
            (_last_timestamp(until),),
        )
        return sample_of(rows[0]) if rows else None

    def recorded_span(self) -> tuple[datetime, datetime]:
        """From the oldest sample or roll-up to just after the newest. Raises `RecordError` without
        any.
        """
        times = [
            time
            for table in ("samples", "rollups")
            if self._has(table)
            for which in ("min", "max")  # one at a time: then SQLite reads no other rows
            if (time := self._time(f"SELECT {which}(ts) FROM {table} WHERE {VALID[table]}"))
        ]
        if not times:
            raise RecordError(f"{self.path}: no samples yet")
        return min(times), max(times) + timedelta(milliseconds=1)

    def oldest_sample_time(self) -> datetime | None:
        """The time of the oldest sample; before it there are roll-ups only."""
        return self._time(f"SELECT min(ts) FROM samples WHERE {VALID['samples']}")

    def newest_sample_time(self) -> datetime | None:
        """The time of the newest sample, which may be one to come."""
        return self._time(f"SELECT max(ts) FROM samples WHERE {VALID['samples']}")

    def last_time_at(
        self, column: str, least: float, most: float = math.inf, until: datetime | None = None
    ) -> datetime | None:
        """When a sample column last had a value from `least` to `most`, until then where it is
        stated. Raises ValueError for no column.
        """
        if column not in SAMPLE_COLUMNS:
            raise ValueError(f"{column} is not a sample column")
        within = f"{column} BETWEEN ? AND ? AND ts <= ? AND {VALID['samples']}"
        values = (least, most, _last_timestamp(until))
        return self._time(f"SELECT max(ts) FROM samples WHERE {within}", values)

    def recorded_day(
        self, number: int, until: datetime, table: Literal["samples", "rollups"] = "samples"
    ) -> datetime | None:
        """The start, in UTC, of the newest day with samples (or roll-ups) until then (`number` 1),
        of the one before it (2) and so on; None where the record has fewer such days.
        """
        valid = VALID[table]
        newest = f"SELECT max(ts) / {DAY_MS} * {DAY_MS} FROM {table} WHERE {valid} AND ts"
        return self._time(
            f"WITH RECURSIVE days(day) AS ({newest} <= ? UNION ALL "
            f"SELECT ({newest} < day) FROM days WHERE day IS NOT NULL) "
            "SELECT day FROM days WHERE day IS NOT NULL LIMIT 1 OFFSET ?",
            (timestamp(until), number - 1),
        )

    def _time(self, query: str, values: Sequence[object] = ()) -> datetime | None:
        """The time that a query of one value finds; None where it finds none."""
        rows = self._rows(query, values)
        return time_of(rows[0][0]) if rows and rows[0][0] is not None else None

    # -- roll-ups ----------------------------------------------------------------------------------

    def rollups(self, since: datetime, until: datetime) -> list[Rollup]:
        """What is left of the samples of a span that were deleted, oldest first."""
        if not self._has("rollups"):
            return []
        rows = self._rows(
            f"SELECT {', '.join(ROLLUP_COLUMNS)} FROM rollups AS r WHERE {_SAMPLES_GONE} "
            "ORDER BY ts",
            (timestamp(since), timestamp(until)),
        )
        return [rollup_of(row) for row in rows]

    def rollup_span(self, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
        """From the start of the first such roll-up of a span to the end of the last one; None
        without any.
        """
        if not self._has("rollups"):
            return None
        span = (timestamp(since), timestamp(until))
        first, last = (
            self._time(f"SELECT {which}(ts) FROM rollups AS r WHERE {_SAMPLES_GONE}", span)
            for which in ("min", "max")
        )
        return None if first is None or last is None else (first, last + ROLLUP)

    # -- plans -------------------------------------------------------------------------------------

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Record a planning run, whatever its status; `trigger` is a code.

        `body` makes what is kept of the run: a record that keeps no plans need not call it.
        Raises ValueError for a body that is not JSON.
        """
        kept = json.dumps(body(), separators=(",", ":"), allow_nan=False)
        with self.transaction() as db:
            db.execute(
                "INSERT INTO plans (ts, status, trigger, body) VALUES (?, ?, ?, ?)",
                (timestamp(time), status, trigger, kept),
            )

    def last_plans(
        self, statuses: Sequence[str], until: datetime | None = None
    ) -> list[dict[str, Any]]:
        """The bodies of the newest plans with one of these statuses, until then where it is stated,
        newest first; those that are not JSON objects are left out.
        """
        marks = ", ".join("?" * len(statuses))
        rows = self._rows(
            f"SELECT body FROM plans WHERE status IN ({marks}) AND ts <= ? AND {VALID['plans']} "
            "ORDER BY ts DESC, id DESC LIMIT ?",
            (*statuses, _last_timestamp(until), PLANS_TRIED),
        )
        return [body for (text,) in rows if (body := plan_body_of(text)) is not None]

    def plan_log(self, since: datetime, until: datetime) -> list[tuple[datetime, str, str]]:
        """(time, status, trigger) of the planning runs of a span, in order."""
        rows = self._rows(
            "SELECT ts, status, trigger FROM plans "
            f"WHERE ts >= ? AND ts < ? AND {VALID['plans']} ORDER BY id",
            (timestamp(since), timestamp(until)),
        )
        return [
            (time_of(ts), status, FORMER_PLAN_TRIGGERS.get(trigger, trigger))
            for ts, status, trigger in rows
        ]

    # -- commands, alarms --------------------------------------------------------------------------

    def add_commands(self, commands: Sequence[Command]) -> None:
        """Record what the write gate did."""
        rows = [command_row(command) for command in commands]
        with self.transaction() as db:
            db.executemany(
                f"INSERT INTO commands ({_COMMAND}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def commands(self, since: datetime, until: datetime) -> list[Command]:
        """The commands of a span, in order."""
        rows = self._rows(
            f"SELECT {_COMMAND} FROM commands "
            f"WHERE ts >= ? AND ts < ? AND {VALID['commands']} ORDER BY id",
            (timestamp(since), timestamp(until)),
        )
        return [command_of(row) for row in rows]

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Record an alarm."""
        with self.transaction() as db:
            db.execute(f"INSERT INTO incidents ({_ALARM}) VALUES (?, ?, ?, ?)", alarm_row(alarm))

    def alarms(self, since: datetime, until: datetime) -> list[AlarmRecord]:
        """The alarms of a span, in order; former codes under their new names."""
        rows = self._rows(
            f"SELECT {_ALARM} FROM incidents "
            f"WHERE ts >= ? AND ts < ? AND {VALID['incidents']} ORDER BY id",
            (timestamp(since), timestamp(until)),
        )
        return [alarm_of(row) for row in rows]

    # -- demand-response events --------------------------------------------------------------------

    def add_event_row(self, event: EventRow) -> None:
        """Record a revision of an event; the same revision twice is the same row."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (id, revision) DO NOTHING",
                event_row(event),
            )

    def open_event_rows(self, now: datetime, limit: int) -> list[EventRow]:
        """The newest revisions, at most `REVISIONS` each, of the events whose newest is neither
        cancelled nor over, by start; events that start after the first `limit` are left out.
        """
        former = self.has_former_events
        valid = VALID_FORMER_EVENT if former else VALID["events"]
        newer = f"n.id = e.id AND n.revision > e.revision AND {valid}"
        is_open = (
            f"SELECT id FROM events AS e WHERE end > ? AND cancelled = 0 AND {valid} "
            f"AND NOT EXISTS (SELECT 1 FROM events AS n WHERE {newer}) ORDER BY start, id LIMIT ?"
        )
        rank = "row_number() OVER (PARTITION BY id ORDER BY revision DESC)"
        rows = self._rows(
            f"SELECT * FROM (SELECT *, {rank} AS rank FROM events "
            f"WHERE id IN ({is_open}) AND {valid}) WHERE rank <= ? ORDER BY start, id",
            (timestamp(now), limit, REVISIONS),
        )
        found = (row[:-1] for row in rows)  # without the rank
        return [event_of(from_former(row) if former else row) for row in found]

    def newest_event_rows(self, since: datetime) -> list[EventRow]:
        """The newest revision of each event that ends after a time, cancelled ones too, in no
        order; none of a record of a former version.
        """
        if self.has_former_events:
            return []
        valid = VALID["events"]
        newer = f"n.id = e.id AND n.revision > e.revision AND {valid}"
        rows = self._rows(
            f"SELECT * FROM events AS e WHERE end > ? AND {valid} "
            f"AND NOT EXISTS (SELECT 1 FROM events AS n WHERE {newer})",
            (timestamp(since),),
        )
        return [event_of(row) for row in rows]

    # -- rows that are not valid -------------------------------------------------------------------

    def invalid_rows(self, since: datetime) -> dict[str, int]:
        """How many rows from `since` on are not valid, by table; of the DR events all are counted.

        Tables without such rows are left out.
        """
        counts = {}
        for table, valid in VALID.items():
            if not self._has(table):
                continue
            if table == "events" and self.has_former_events:
                valid = VALID_FORMER_EVENT
            query = f"SELECT count(*) FROM {table} WHERE ({valid}) IS NOT TRUE"
            if table == "events":
                counts[table] = self._rows(query)[0][0]
            else:
                counts[table] = self._rows(f"{query} AND ts >= ?", (timestamp(since),))[0][0]
        return {table: count for table, count in counts.items() if count}

    # -- housekeeping ------------------------------------------------------------------------------

    def prune(self, before: datetime, chunk: int = 2000) -> int:
        """Delete samples, plans, commands and alarms older than `before`, about `chunk` of each,
        so that no other process waits long for the lock. DR events are kept. Samples are deleted in
        whole quarter hours, and rolled up in the same transaction.

        Returns how many rows were deleted; 0 = there is nothing left to delete.
        """
        with self.transaction() as db:
            total = roll_up_and_delete(db, timestamp(before), chunk)
        total += sum(self._delete(table, before, chunk) for table in PRUNED)
        self.free_pages()
        return total

    def prune_rollups(self, before: datetime, chunk: int = 2000) -> int:
        """Delete roll-ups older than `before`, at most `chunk`; returns how many."""
        deleted = self._delete("rollups", before, chunk)
        self.free_pages()
        return deleted

    def _delete(self, table: str, before: datetime, most: int) -> int:
        oldest = f"SELECT rowid FROM {table} WHERE ts < ? LIMIT ?"
        with self.transaction() as db:
            return db.execute(
                f"DELETE FROM {table} WHERE rowid IN ({oldest})", (timestamp(before), most)
            ).rowcount


def _last_timestamp(until: datetime | None) -> int:
    """The last timestamp of a query; without a time the largest that the file can hold."""
    return 2**63 - 1 if until is None else timestamp(until)
