"""The tables of a record, their versions, and how an earlier version becomes the present one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from siteems.history.former_events import FORMER_EVENTS, VALID_FORMER_EVENT, from_former
from siteems.history.records import EXTREMES, SAMPLE_COLUMNS
from siteems.history.valid_rows import VALID

SCHEMA_VERSION: Final = 3
"""Kept in the file's `user_version`. 2 has CHECK constraints, and an index on the end of events; 3
keeps events of every kind, with intervals, as JSON, and has roll-ups.
"""

TABLES: Final[Mapping[str, str]] = {
    "samples": f"""
        ts INTEGER PRIMARY KEY, {", ".join(f"{c} REAL" for c in SAMPLE_COLUMNS)},
        source TEXT NOT NULL, reason TEXT NOT NULL""",
    "rollups": f"""
        ts INTEGER PRIMARY KEY, samples INTEGER NOT NULL,
        {", ".join(f"{c} REAL" for c in SAMPLE_COLUMNS)},
        {", ".join(f"{c}_n INTEGER NOT NULL" for c in SAMPLE_COLUMNS)},
        {", ".join(f"{c}_min REAL, {c}_max REAL" for c in EXTREMES)}""",
    "plans": """
        id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, status TEXT NOT NULL, trigger TEXT NOT NULL,
        body TEXT NOT NULL""",
    "commands": """
        id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL,
        value REAL NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL,
        detail TEXT NOT NULL""",
    "events": """
        id TEXT NOT NULL, revision INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        created INTEGER NOT NULL, cancelled INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (id, revision)""",
    "incidents": """
        id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, level TEXT NOT NULL, code TEXT NOT NULL,
        text TEXT NOT NULL""",
}
"""Columns by table. The table `incidents` holds the alarms; its name and its column `text`, now a
message in its record form, are those of the first version.
"""
ADDED: Final[Mapping[str, int]] = {"rollups": 3}
"""In which version a table was added, by table; the others are in each."""
META: Final = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
INDICES: Final[Mapping[str, str]] = {
    "plans_ts": "plans (ts)",
    "commands_ts": "commands (ts)",
    "incidents_ts": "incidents (ts)",
    "events_end": "events (end)",
}


def version_of(db: sqlite3.Connection) -> int:
    """The schema version; 0 = a new file. Raises `sqlite3.Error`."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def create(db: sqlite3.Connection) -> None:
    """Make the tables of a new file, inside a transaction of the caller's."""
    db.execute(META)
    for table in TABLES:
        _create(db, table)
    _finish(db)


def migrate(db: sqlite3.Connection) -> None:
    """Bring a record of an earlier version to the present one, inside a transaction of the
    caller's. Raises `sqlite3.Error`.

    Rows that break a constraint are left out; they stay in the copy that was made before.
    """
    version = version_of(db)
    changed = tables_of(1) if version == 1 else ("events",)
    for table in changed:
        db.execute(f"ALTER TABLE {table} RENAME TO former_{table}")
        _create(db, table)
        if table == "events":
            _take_former_events(db)
        else:
            valid = f"SELECT * FROM former_{table} WHERE {VALID[table]}"
            db.execute(f"INSERT INTO {table} {valid}")
        db.execute(f"DROP TABLE former_{table}")  # and its index with it
    if version < ADDED["rollups"]:
        add_rollup(db)
    _finish(db)


def add_rollup(db: sqlite3.Connection) -> None:
    """From version 2 to 3: an empty table for the roll-ups of samples that will be deleted."""
    _create(db, "rollups")


def tables_of(version: int) -> tuple[str, ...]:
    """The tables of a version, without `meta`."""
    return tuple(table for table in TABLES if ADDED.get(table, 1) <= version)


def _take_former_events(db: sqlite3.Connection) -> None:
    former = f"SELECT * FROM former_events WHERE {VALID_FORMER_EVENT}"
    rows = [from_former(row) for row in db.execute(former)]
    db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def missing_tables(db: sqlite3.Connection) -> tuple[str, ...]:
    """The tables that are not there as this version or, in an earlier record, its version makes
    them. Raises `sqlite3.Error`.
    """
    version = version_of(db)
    with sqlite3.connect(":memory:") as model:
        create(model)
        if version < SCHEMA_VERSION:
            model.execute("DROP TABLE events")
            model.execute(f"CREATE TABLE events ({FORMER_EVENTS})")
        names = ("meta", *tables_of(version))
        missing = tuple(name for name in names if _columns(db, name) != _columns(model, name))
    model.close()
    return missing


def _columns(db: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    return [row[1:3] for row in db.execute(f"PRAGMA table_info({table})")]


def _create(db: sqlite3.Connection, table: str) -> None:
    db.execute(f"CREATE TABLE {table} ({TABLES[table]}, CHECK ({VALID[table]}))")


def _finish(db: sqlite3.Connection) -> None:
    for name, columns in INDICES.items():
        db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
