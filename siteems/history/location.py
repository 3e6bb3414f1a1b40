"""Where the record of a site lies, and the lock that its daemon holds."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO


def lock(folder: Path) -> TextIO | None:
    """Take the lock that the one daemon of a record holds while it lives; none = another one has
    it.
    """
    handle = (folder / "lock").open("a", encoding="utf-8")
    for pause_s in (0.05, 0.1, 0.2, 0.0):  # someone may just be looking, with `is_locked`
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(pause_s)
        else:
            return handle
    handle.close()
    return None


def is_locked(folder: Path) -> bool:
    """Whether a daemon lives on this record: process ids are used again, a lock ends with its
    holder.
    """
    path = folder / "lock"
    if not path.exists():
        return False
    with path.open(encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def state_dir(site_id: str, override: Path | None) -> Path:
    """The folder that holds a site's record: --state, or $SITEEMS_STATE/<id>, or the user's state
    folder.
    """
    if override is not None:
        return override
    root = os.environ.get("SITEEMS_STATE")
    if root:
        return Path(root) / site_id
    return (
        Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        / "siteems"
        / site_id
    )


def history_path(folder: Path) -> Path:
    """The historian's file in a state folder."""
    return folder / "history.sqlite3"
