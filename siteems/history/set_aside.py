"""A record that cannot be used is set aside under another name, never deleted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from siteems.history.connection import beside
from siteems.history.records import RecordError
from siteems.history.store import History

SIDE_FILES = ("-wal", "-shm")
"""Files that SQLite keeps beside its own. A log that is left where another file takes its place
would be replayed into that one.
"""


def set_aside(path: Path, now: datetime) -> Path:
    """Rename the record and what belongs to it; returns its new name. Raises `OSError`."""
    target = beside(path, "set-aside", now)
    for suffix in (*SIDE_FILES, ""):  # the file itself last: without its log it is not whole
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(target.with_name(target.name + suffix))
    return target


def file_id(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one that took its name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def rescue(history: History, now: datetime) -> Path | None:
    """Copy and close a record whose file was deleted or replaced while it was in use: the open
    connection still has it. The copy takes the place of a deleted file.

    Returns where the copy is; None where none could be made.
    """
    path = history.path
    target = beside(path, "set-aside", now)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        history.copy_to(target)
    except (OSError, RecordError):
        history.close()
        return None
    history.close()
    for suffix in SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)  # its content is in the copy
    if path.exists():
        return target
    target.rename(path)
    return path
