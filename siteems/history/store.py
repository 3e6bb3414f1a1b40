"""The site's record in one SQLite file: samples, plans, commands, demand-response events,
incidents, facts.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from siteems.errors import UserError
from siteems.history.former_codes import FORMER_ALARM_CODES
from siteems.history.records import (
    SAMPLE_COLUMNS,
    AlarmRecord,
    Command,
    EventRow,
    RecordError,
    Sample,
)
from siteems.messages.message import RECORDED_TEXT, Message, recorded_text

SCHEMA_VERSION = 1

_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE samples (
    ts INTEGER PRIMARY KEY, {", ".join(f"{c} REAL" for c in SAMPLE_COLUMNS)},
    source TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE plans (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, status TEXT NOT NULL, trigger TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE commands (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL, value REAL NOT NULL,
    owner TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE events (
    id TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, limit_kw REAL NOT NULL, start INTEGER NOT NULL,
    end INTEGER NOT NULL, source TEXT NOT NULL, created INTEGER NOT NULL, cancelled INTEGER NOT NULL,
    PRIMARY KEY (id, revision)
);
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, level TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX plans_ts ON plans (ts);
CREATE INDEX commands_ts ON commands (ts);
CREATE INDEX incidents_ts ON incidents (ts);
"""
_COMMAND = "ts, device, point, value, owner, reason, outcome, detail"


class History:
    """The record of one site. Safe to use from several threads; every call is one short
    transaction.

    WAL with full sync: what a call has returned from survives a killed process and a cut supply.
    Calls raise `RecordError`.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        if read_only and not path.exists():
            known = "start it with `siteems run`, or name its folder with --state"
            raise RecordError(f"{path}: no record of this site yet; {known}")
        try:
            self._db = _open_to_read(path) if read_only else _open_to_write(path)
        except (OSError, sqlite3.Error) as error:
            raise RecordError(f"{path}: cannot be opened ({error})") from error
        if not read_only:
            self._migrate()

    def _migrate(self) -> None:
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                found = f"schema {version}, this one knows {SCHEMA_VERSION}"
                raise UserError(f"{self.path}: written by another version of siteems ({found})")

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
        """Remember a short text under a key."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
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
        rows = [
            (_ts(s.time), *(s.values.get(c) for c in SAMPLE_COLUMNS), s.source, s.reason)
            for s in samples
        ]
        with self._transaction() as db:
            db.executemany(f"INSERT OR REPLACE INTO samples VALUES ({marks})", rows)

    def samples(self, since: datetime, until: datetime) -> list[Sample]:
        """The samples with since <= time < until, in order."""
        rows = self._rows(
            "SELECT * FROM samples WHERE ts >= ? AND ts < ? ORDER BY ts", (_ts(since), _ts(until))
        )
        return [_sample(row) for row in rows]

    def last_sample(self) -> Sample | None:
        """The newest sample."""
        rows = self._rows("SELECT * FROM samples ORDER BY ts DESC LIMIT 1")
        return _sample(rows[0]) if rows else None

    def last_time_at(self, column: str, least: float) -> datetime | None:
        """When a sample column was last at or above a value."""
        if column not in SAMPLE_COLUMNS:
            raise ValueError(f"{column} is not a sample column")
        rows = self._rows(f"SELECT max(ts) FROM samples WHERE {column} >= ?", (least,))
        return None if rows[0][0] is None else _time(rows[0][0])

    # -- plans -------------------------------------------------------------------------------------

    def add_plan(
        self, time: datetime, status: str, trigger: str, body: Callable[[], Mapping[str, object]]
    ) -> None:
        """Record a planning run, whatever its status. `body` gives what is kept of it: other
        records may not ask.
        """
        kept = json.dumps(body(), separators=(",", ":"), allow_nan=False)
        with self._transaction() as db:
            db.execute(
                "INSERT INTO plans (ts, status, trigger, body) VALUES (?, ?, ?, ?)",
                (_ts(time), status, trigger, kept),
            )

    def last_plan(self, statuses: Sequence[str]) -> dict[str, Any] | None:
        """The newest plan body with one of these statuses."""
        marks = ", ".join("?" * len(statuses))
        rows = self._rows(
            f"SELECT body FROM plans WHERE status IN ({marks}) ORDER BY id DESC LIMIT 1",
            tuple(statuses),
        )
        return cast("dict[str, Any]", json.loads(rows[0][0])) if rows else None

    def plan_log(self, since: datetime, until: datetime) -> list[tuple[datetime, str, str]]:
        """(time, status, trigger) of the planning runs in a span."""
        rows = self._rows(
            "SELECT ts, status, trigger FROM plans WHERE ts >= ? AND ts < ? ORDER BY id",
            (_ts(since), _ts(until)),
        )
        return [(_time(ts), status, trigger) for ts, status, trigger in rows]

    # -- commands, alarms --------------------------------------------------------------------------

    def add_commands(self, commands: Sequence[Command]) -> None:
        """Record what the write gate did."""
        rows = [(_ts(c.time), *list(asdict(c).values())[1:]) for c in commands]
        with self._transaction() as db:
            db.executemany(
                f"INSERT INTO commands ({_COMMAND}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def commands(self, since: datetime, until: datetime) -> list[Command]:
        """The commands of a span, in order."""
        rows = self._rows(
            f"SELECT {_COMMAND} FROM commands WHERE ts >= ? AND ts < ? ORDER BY id",
            (_ts(since), _ts(until)),
        )
        return [Command(_time(row[0]), *row[1:]) for row in rows]

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Record an alarm."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO incidents (ts, level, code, text) VALUES (?, ?, ?, ?)",
                (_ts(alarm.time), alarm.level, alarm.code, alarm.message.to_record()),
            )

    def alarms(self, since: datetime, until: datetime) -> list[AlarmRecord]:
        """The alarms with since <= time < until, in order; former codes under their new names."""
        rows = self._rows(
            "SELECT ts, level, code, text FROM incidents WHERE ts >= ? AND ts < ? ORDER BY id",
            (_ts(since), _ts(until)),
        )
        return [_alarm(row) for row in rows]

    # -- demand-response events --------------------------------------------------------------------

    def add_event_row(self, event: EventRow) -> None:
        """Record a revision of an event; the same revision twice is the same row."""
        times = (_ts(event.start), _ts(event.end))
        row = (*event[:4], *times, event.source, _ts(event.created), int(event.cancelled))
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def event_rows(self, ending_after: datetime) -> list[EventRow]:
        """All revisions, cancelled ones too, of the events of which one revision ends later."""
        rows = self._rows(
            "SELECT * FROM events WHERE id IN (SELECT id FROM events WHERE end > ?)",
            (_ts(ending_after),),
        )
        return [
            EventRow(
                id_, revision, kind, kw, _time(start), _time(end), source, _time(created), bool(off)
            )
            for id_, revision, kind, kw, start, end, source, created, off in rows
        ]

    # -- housekeeping ------------------------------------------------------------------------------

    def prune(self, before: datetime, chunk: int = 2000) -> int:
        """Delete samples, plans, commands and incidents older than `before`, in small transactions.
        Gives rows.
        """
        total = 0
        for table in ("samples", "plans", "commands", "incidents"):
            while True:
                with self._transaction() as db:
                    cursor = db.execute(
                        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE ts < ? LIMIT ?)",
                        (_ts(before), chunk),
                    )
                if cursor.rowcount == 0:
                    break
                total += cursor.rowcount
        with self._lock:
            self._db.executescript(
                "PRAGMA incremental_vacuum(1000);"
            )  # `execute` would free one page and stop
        return total


def _open_to_read(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    db.execute("PRAGMA busy_timeout = 5000")
    return db


def _open_to_write(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA busy_timeout = 5000")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect only before the first table
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _ts(time: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    if time.tzinfo is None:
        raise ValueError("a time without time zone cannot be recorded")
    return round((time - _EPOCH) / timedelta(milliseconds=1))


def _time(ts: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ts)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _sample(row: Sequence[Any]) -> Sample:
    values = {c: v for c, v in zip(SAMPLE_COLUMNS, row[1:-2], strict=True) if v is not None}
    return Sample(_time(row[0]), values, row[-2], row[-1])


def _alarm(row: Sequence[Any]) -> AlarmRecord:
    ts, level, code, text = row
    message = Message.from_record(text)
    if message.code == RECORDED_TEXT.code:
        message = recorded_text(text, FORMER_ALARM_CODES.get(code, code))
    return AlarmRecord(_time(ts), level, message)
