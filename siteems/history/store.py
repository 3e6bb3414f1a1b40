"""The record of one site in one SQLite file: samples, plans, commands, DR events, alarms, facts."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from siteems.history.former_codes import FORMER_PLAN_TRIGGERS
from siteems.history.records import (
    SAMPLE_COLUMNS,
    AlarmRecord,
    Command,
    EventRow,
    RecordError,
    Sample,
)
from siteems.history.rows import (
    alarm_of,
    alarm_row,
    command_of,
    command_row,
    event_of,
    event_row,
    sample_of,
    sample_row,
    time_of,
    timestamp,
)
from siteems.history.schema import create_or_check, open_to_read, open_to_write

PRUNED = ("samples", "plans", "commands", "incidents")
_COMMAND = "ts, device, point, value, owner, reason, outcome, detail"
_ALARM = "ts, level, code, text"


class History:
    """The record of one site. Safe to use from several threads; every method is one short
    transaction, and what it has returned from is on disk.

    Methods raise `RecordError` when the file cannot be read or written, and ValueError for a time
    without a time zone. A span is since <= time < until.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Opens the file; a missing one is created unless `read_only`.

        Raises `RecordError` when it cannot be opened, `UserError` for another schema version.
        """
        self.path = path
        self._lock = threading.Lock()
        if read_only and not path.exists():
            known = "start it with `siteems run`, or name its folder with --state"
            raise RecordError(f"{path}: no record of this site yet; {known}")
        try:
            self._db = open_to_read(path) if read_only else open_to_write(path)
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"{path}: cannot be opened ({error})") from error
        if not read_only:
            with self._transaction() as db:
                create_or_check(db, path)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise RecordError(f"{self.path}: cannot be written ({error})") from error

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return cast("list[tuple[Any, ...]]", self._db.execute(query, values).fetchall())
            except sqlite3.Error as error:
                raise RecordError(f"{self.path}: cannot be read ({error})") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # -- facts -------------------------------------------------------------------------------------

    def set_fact(self, key: str, value: str) -> None:
        """Keep a short text under a key, in place of an earlier one."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def fact(self, key: str) -> str | None:
        """The text under a key."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    # -- samples -----------------------------------------------------------------------------------

    def add_samples(self, samples: Iterable[Sample]) -> None:
        """Record samples; a second one for the same time replaces the first."""
        marks = ", ".join("?" * (len(SAMPLE_COLUMNS) + 3))
        rows = [sample_row(sample) for sample in samples]
        with self._transaction() as db:
            db.executemany(f"INSERT OR REPLACE INTO samples VALUES ({marks})", rows)

    def samples(self, since: datetime, until: datetime) -> list[Sample]:
        """The samples of a span, oldest first."""
        rows = self._rows(
            "SELECT * FROM samples WHERE ts >= ? AND ts < ? ORDER BY ts",
            (timestamp(since), timestamp(until)),
        )
        return [sample_of(row) for row in rows]

    def last_sample(self) -> Sample | None:
        """The newest sample."""
        rows = self._rows("SELECT * FROM samples ORDER BY ts DESC LIMIT 1")
        return sample_of(rows[0]) if rows else None

    def last_time_at(self, column: str, least: float) -> datetime | None:
        """When a sample column was last at or above a value. Raises ValueError for no column."""
        if column not in SAMPLE_COLUMNS:
            raise ValueError(f"{column} is not a sample column")
        rows = self._rows(f"SELECT max(ts) FROM samples WHERE {column} >= ?", (least,))
        return None if rows[0][0] is None else time_of(rows[0][0])

    # -- plans -------------------------------------------------------------------------------------

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Record a planning run, whatever its status; `trigger` is a code.

        `body` makes what is kept of the run: a record that keeps no plans need not call it.
        Raises ValueError for a body that is not JSON.
        """
        kept = json.dumps(body(), separators=(",", ":"), allow_nan=False)
        with self._transaction() as db:
            db.execute(
                "INSERT INTO plans (ts, status, trigger, body) VALUES (?, ?, ?, ?)",
                (timestamp(time), status, trigger, kept),
            )

    def last_plan(self, statuses: Sequence[str]) -> dict[str, Any] | None:
        """The body of the newest plan with one of these statuses."""
        marks = ", ".join("?" * len(statuses))
        rows = self._rows(
            f"SELECT body FROM plans WHERE status IN ({marks}) ORDER BY id DESC LIMIT 1",
            tuple(statuses),
        )
        if not rows:
            return None
        body = cast("dict[str, Any]", json.loads(rows[0][0]))
        if "trigger" in body:
            body["trigger"] = FORMER_PLAN_TRIGGERS.get(body["trigger"], body["trigger"])
        return body

    def plan_log(self, since: datetime, until: datetime) -> list[tuple[datetime, str, str]]:
        """(time, status, trigger) of the planning runs of a span, in order."""
        rows = self._rows(
            "SELECT ts, status, trigger FROM plans WHERE ts >= ? AND ts < ? ORDER BY id",
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
        with self._transaction() as db:
            db.executemany(
                f"INSERT INTO commands ({_COMMAND}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def commands(self, since: datetime, until: datetime) -> list[Command]:
        """The commands of a span, in order."""
        rows = self._rows(
            f"SELECT {_COMMAND} FROM commands WHERE ts >= ? AND ts < ? ORDER BY id",
            (timestamp(since), timestamp(until)),
        )
        return [command_of(row) for row in rows]

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Record an alarm."""
        with self._transaction() as db:
            db.execute(f"INSERT INTO incidents ({_ALARM}) VALUES (?, ?, ?, ?)", alarm_row(alarm))

    def alarms(self, since: datetime, until: datetime) -> list[AlarmRecord]:
        """The alarms of a span, in order; former codes under their new names."""
        rows = self._rows(
            f"SELECT {_ALARM} FROM incidents WHERE ts >= ? AND ts < ? ORDER BY id",
            (timestamp(since), timestamp(until)),
        )
        return [alarm_of(row) for row in rows]

    # -- demand-response events --------------------------------------------------------------------

    def add_event_row(self, event: EventRow) -> None:
        """Record a revision of an event; the same revision twice is the same row."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", event_row(event)
            )

    def event_rows(self, ending_after: datetime) -> list[EventRow]:
        """All revisions, cancelled ones too, of the events of which one revision ends later."""
        rows = self._rows(
            "SELECT * FROM events WHERE id IN (SELECT id FROM events WHERE end > ?)",
            (timestamp(ending_after),),
        )
        return [event_of(row) for row in rows]

    # -- housekeeping ------------------------------------------------------------------------------

    def prune(self, before: datetime, chunk: int = 2000) -> int:
        """Delete samples, plans, commands and alarms older than `before`; DR events are kept.

        Works in transactions of `chunk` rows, so that no other process waits long for the lock.
        Returns how many rows were deleted.
        """
        total = 0
        for table in PRUNED:
            oldest = f"SELECT rowid FROM {table} WHERE ts < ? LIMIT ?"
            while True:
                with self._transaction() as db:
                    cursor = db.execute(
                        f"DELETE FROM {table} WHERE rowid IN ({oldest})",
                        (timestamp(before), chunk),
                    )
                if cursor.rowcount == 0:
                    break
                total += cursor.rowcount
        with self._lock:
            # `execute` would free one page and stop.
            self._db.executescript("PRAGMA incremental_vacuum(1000);")
        return total
