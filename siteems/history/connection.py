"""How the SQLite file of a record is opened, and what its errors mean."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from siteems.history.records import RecordError, RefusedEntry, UnusableRecord
from siteems.history.schema import (
    SCHEMA_VERSION,
    create,
    migrate,
    missing_tables,
    version_of,
)

BUSY_MS: Final = 5000
"""How long a connection waits for another one's transaction: far longer than any of ours takes, so
that only a stuck process makes it fail.
"""
EARLIER: Final = range(1, SCHEMA_VERSION)
"""Versions that are brought to the present one."""
UNUSABLE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""Errors of the file itself. SQLITE_ERROR means a missing table or column, as our SQL is fixed."""


def record_error(path: Path, doing: str, error: Exception) -> RecordError:
    """What an error of SQLite, or of the values that it was given, means for the record."""
    text = f"{path}: {doing} ({error})"
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in UNUSABLE:  # the low byte of an extended code
        return UnusableRecord(text)
    entry = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError)
    if isinstance(error, (*entry, sqlite3.ProgrammingError, OverflowError)):
        return RefusedEntry(text)
    return RecordError(text)


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises `UnusableRecord`, `sqlite3.Error`.

    In a folder that cannot be written a record that is not in use is read as it is, because
    SQLite could not make the files with which readers and writers agree.
    """
    try:
        db = _open(path, "mode=ro")
    except sqlite3.OperationalError:
        if path.with_name(f"{path.name}-wal").exists():
            raise
        db = _open(path, "immutable=1")
    try:
        check_version(db, path, read_only=True)
    except (sqlite3.Error, UnusableRecord):
        db.close()
        raise
    return db


def open_to_write(path: Path, *, existing: bool, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """A connection that may write; unless `existing`, file and folder are made where missing.

    Write-ahead log with full sync: what was committed survives a killed process and a power cut.
    Raises `UnusableRecord` before it changes a file that is none, `OSError`, `sqlite3.Error`.
    """
    if not existing:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = _open(path, "mode=rw" if existing else "mode=rwc", busy_ms)
    try:
        check_version(db, path, read_only=False)
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect only before the first table
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    except (sqlite3.Error, UnusableRecord):
        db.close()
        raise
    return db


def _open(path: Path, options: str, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")  # damaged text is still a row
        db.execute(f"PRAGMA busy_timeout = {busy_ms}")
        version_of(db)  # SQLite opens the file only now
    except sqlite3.Error:
        db.close()
        raise
    return db


def create_or_migrate(db: sqlite3.Connection, path: Path, now: datetime) -> Path | None:
    """Make the tables of a new file; bring an earlier version to the present one after copying it.

    Returns where the copy is. Raises `UnusableRecord` for another file, `sqlite3.Error`, `OSError`.
    """
    version, kept = version_of(db), None
    if version == SCHEMA_VERSION:
        return None
    if version in EARLIER:
        kept = beside(path, f"before-schema-{SCHEMA_VERSION}", now)
        copy(db, kept)
    db.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(db)  # another process may have been faster
        if version == 0:
            create(db)
        elif version in EARLIER:
            migrate(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return kept


def check_version(db: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Raises `UnusableRecord` for a schema that this version cannot use, `sqlite3.Error`."""
    version = version_of(db)
    known = (*EARLIER, SCHEMA_VERSION) if read_only else (0, *EARLIER, SCHEMA_VERSION)
    if version not in known:
        found = f"schema {version}, this one knows 1 to {SCHEMA_VERSION}"
        raise UnusableRecord(f"{path}: written by another version of siteems ({found})")
    if version == 0 and db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise UnusableRecord(f"{path}: a file of another program")
    if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'trigger'").fetchone():
        raise UnusableRecord(f"{path}: it has triggers, which siteems does not make")
    if version and (missing := missing_tables(db)):
        raise UnusableRecord(f"{path}: not a record, or damaged (tables: {', '.join(missing)})")


def beside(path: Path, what: str, now: datetime) -> Path:
    """A free name for another state of a record, such as `history.sqlite3.set-aside-2026…Z`."""
    stem = f"{path.name}.{what}-{now:%Y%m%dT%H%M%SZ}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(each for name in names if not (each := path.with_name(name)).exists())


def copy(db: sqlite3.Connection, target: Path) -> None:
    """A consistent copy under its name only when it is whole. Raises as `create_or_migrate`."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(part)) as whole:
            db.backup(whole)
        part.replace(target)
    except (OSError, sqlite3.Error):
        part.unlink(missing_ok=True)
        raise
