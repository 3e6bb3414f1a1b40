"""Copies of a record: making one while the daemon runs, and restoring the record from one."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from siteems.errors import UserError
from siteems.history.connection import beside
from siteems.history.location import history_path, is_locked, lock
from siteems.history.ownership import check_site
from siteems.history.records import RecordError
from siteems.history.store import History


def back_up(folder: Path, target: Path, site_id: str) -> None:
    """Write a consistent copy of the record in a state folder to a new file, and check it.

    Raises `UserError` for a target that exists, for the record of another site, and where the copy
    is damaged; `RecordError` for a record that cannot be read.
    """
    if target.exists():
        raise UserError(f"{target}: exists already; name a new file")
    if not target.parent.is_dir():
        raise UserError(f"{target}: there is no folder {target.parent}")
    with closing(History(history_path(folder), read_only=True)) as record:
        check_site(record, site_id)
        record.copy_to(target)
    if problem := _problem(target):
        target.unlink()
        raise UserError(f"{history_path(folder)}: damaged ({problem}); no copy was made")


def restore(folder: Path, source: Path, site_id: str, now: datetime) -> Path | None:
    """Put a copy in the place of the record in a state folder. The record that was there is kept
    beside it, under the name that is returned.

    Raises `UserError` while the daemon runs on that record, for a file that is no sound record, and
    for the record of another site.
    """
    if not source.is_file():
        raise UserError(f"{source}: no such file")
    if problem := _problem(source):
        raise UserError(f"{source}: not a sound record ({problem})")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from error
    held = None if is_locked(folder) else lock(folder)
    if held is None:
        raise UserError(f"{folder}: the daemon of this site is running; stop it first")
    with held, closing(History(source, read_only=True)) as copy:
        check_site(copy, site_id)
        return _put_in_place(copy, history_path(folder), now)


def _put_in_place(copy: History, path: Path, now: datetime) -> Path | None:
    kept = None
    if path.exists():
        kept = beside(path, "before-restore", now)
        # What is only in the write-ahead log yet belongs to the record that is kept.
        # A damaged record is kept as it is.
        with closing(sqlite3.connect(path)) as record, suppress(sqlite3.Error):
            record.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.replace(kept)
        for suffix in ("-wal", "-shm"):
            rest = path.with_name(f"{path.name}{suffix}")
            if rest.exists():
                rest.replace(kept.with_name(f"{kept.name}{suffix}"))
    copy.copy_to(path)
    return kept


def _problem(path: Path) -> str:
    """What is wrong with a record; nothing where it is sound."""
    try:
        with closing(History(path, read_only=True)) as record:
            return record.integrity_problem()
    except RecordError as error:
        return str(error).removeprefix(f"{path}: ")
