"""The tables of a record and how its SQLite file is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from siteems.errors import UserError
from siteems.history.records import SAMPLE_COLUMNS

SCHEMA_VERSION: Final = 1
"""Kept in the file's `user_version`."""
BUSY_MS: Final = 5000
"""How long a connection waits for another one's transaction: far longer than any of ours takes, so
that only a stuck process makes it fail.
"""

SCHEMA: Final = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE samples (
    ts INTEGER PRIMARY KEY, {", ".join(f"{c} REAL" for c in SAMPLE_COLUMNS)},
    source TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE plans (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, status TEXT NOT NULL, trigger TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TABLE commands (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, device TEXT NOT NULL, point TEXT NOT NULL,
    value REAL NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE events (
    id TEXT NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL, limit_kw REAL NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, source TEXT NOT NULL, created INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    PRIMARY KEY (id, revision)
);
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, level TEXT NOT NULL, code TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX plans_ts ON plans (ts);
CREATE INDEX commands_ts ON commands (ts);
CREATE INDEX incidents_ts ON incidents (ts);
"""
"""The table `incidents` holds the alarms; its name and its column `text`, now a message in its
record form, are those of the first version.
"""


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises `sqlite3.Error`."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return db


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection that may write; the file and its folder are made where they do not exist.

    Write-ahead log with full sync: what was committed survives a killed process and a power cut.
    Raises `OSError` and `sqlite3.Error`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect only before the first table
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


def create_or_check(db: sqlite3.Connection, path: Path) -> None:
    """Makes the tables of a new file. Raises `UserError` for a file with another schema version.

    To be called inside a transaction.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        for statement in SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    elif version != SCHEMA_VERSION:
        found = f"schema {version}, this one knows {SCHEMA_VERSION}"
        raise UserError(f"{path}: written by another version of siteems ({found})")
