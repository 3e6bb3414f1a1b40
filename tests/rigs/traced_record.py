"""A record whose every SQL statement can be observed, or fail as at a crash between two of them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from siteems.history.store import History


class _Traced:
    """A connection that reports each statement before it is run."""

    def __init__(self, db: sqlite3.Connection, before: Callable[[str], None]) -> None:
        self._db, self._before = db, before

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        self._before(statement)
        return self._db.execute(statement, *values)

    def executescript(self, script: str) -> sqlite3.Cursor:
        self._before(script)
        return self._db.executescript(script)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def trace(history: History, before: Callable[[str], None]) -> None:
    """Call `before` with each statement of this record from now on."""
    history._db = _Traced(history._db, before)  # type: ignore[assignment]  # stands in for it


def after_crash(path: Path, folder: Path) -> Path:
    """The record in a new folder, as the next process would find it, were this one killed now."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        if (source := path.with_name(path.name + suffix)).exists():
            shutil.copy(source, folder / source.name)
    return folder / path.name
