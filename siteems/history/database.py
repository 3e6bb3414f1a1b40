"""One connection to the SQLite file of a record: transactions, and errors as `RecordError`."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from siteems.history.connection import (
    BUSY_MS,
    copy,
    create_or_migrate,
    open_to_read,
    open_to_write,
    record_error,
)
from siteems.history.records import RecordError, UnusableRecord
from siteems.history.schema import tables_of


class Database:
    """The connection. Safe to use from several threads."""

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        existing: bool = False,
        migrate: bool = True,
        busy_ms: int = BUSY_MS,
    ) -> None:
        """Opens the file. A missing one is created unless `read_only` or `existing`; one of an
        earlier version is brought to the present one, unless `migrate` is to be called later.

        Raises `RecordError` when it cannot be opened, `UnusableRecord` for a file that is none.
        """
        self.path = path
        self.damage: UnusableRecord | None = None
        """The first sign that the file cannot be used any more."""
        self._lock = threading.RLock()
        if (read_only or existing) and not path.exists():
            known = "start it with `siteems run`, or name its folder with --state"
            raise RecordError(f"{path}: no record of this site yet; {known}")
        try:
            if read_only:
                self._db = open_to_read(path)
            else:
                self._db = open_to_write(path, existing=existing, busy_ms=busy_ms)
        except (OSError, sqlite3.Error) as error:
            raise record_error(path, "cannot be opened", error) from error
        if migrate and not read_only:
            try:
                self.migrate(datetime.now(UTC))
            except RecordError:
                self._db.close()
                raise

    def migrate(self, now: datetime) -> Path | None:
        """Make the tables of a new file, or bring one of an earlier version to the present one.

        Returns the copy of the earlier version, if one was made. Raises `RecordError`; then the
        file is as it was.
        """
        with self._lock:
            try:
                return create_or_migrate(self._db, self.path, now)
            except (OSError, sqlite3.Error) as error:
                raise record_error(self.path, "cannot be opened", error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written within it is committed together, or nothing is. They nest: only the
        outermost one commits. Raises `RecordError`.
        """
        with self._lock:
            try:
                if self._db.in_transaction:
                    yield self._db
                    return
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                finally:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
            except (sqlite3.Error, OverflowError) as error:
                raise self._error("cannot be written", error) from error

    def _error(self, doing: str, error: Exception) -> RecordError:
        found = record_error(self.path, doing, error)
        if isinstance(found, UnusableRecord):
            self.damage = self.damage or found
        return found

    @property
    def has_former_events(self) -> bool:
        """Whether the file is of an earlier version that keeps DR events in another form. Raises
        `RecordError`.
        """
        return 0 < self._version < 3

    @property
    def is_new(self) -> bool:
        """Whether the file has no tables yet. Raises `RecordError`."""
        return self._version == 0

    @property
    def _version(self) -> int:
        """Of the schema."""
        version: int = self._rows("PRAGMA user_version")[0][0]
        return version

    def _has(self, table: str) -> bool:
        """Whether the version of the file has a table. Raises `RecordError`."""
        return table in tables_of(self._version)

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return cast("list[tuple[Any, ...]]", self._db.execute(query, values).fetchall())
            except (sqlite3.Error, OverflowError) as error:
                raise self._error("cannot be read", error) from error

    def changes_of_others(self) -> int:
        """A number that changes whenever another connection has committed. Raises `RecordError`."""
        version: int = self._rows("PRAGMA data_version")[0][0]
        return version

    def free_pages(self) -> None:
        """Give freed pages back to the file system. Raises `RecordError`."""
        with self._lock:
            try:
                # `execute` would free one page and stop.
                self._db.executescript("PRAGMA incremental_vacuum(1000);")
            except sqlite3.Error as error:
                raise record_error(self.path, "cannot be written", error) from error

    def copy_to(self, target: Path) -> None:
        """Write all that this connection sees to another file. Raises `RecordError`."""
        with self._lock:
            try:
                copy(self._db, target)
            except (OSError, sqlite3.Error) as error:
                raise record_error(target, "cannot be written", error) from error

    def integrity_problem(self) -> str:
        """What SQLite finds wrong with the file; empty for a sound one. Raises `RecordError`."""
        found = self._rows("PRAGMA integrity_check(1)")[0][0]
        return "" if found == "ok" else str(found)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
