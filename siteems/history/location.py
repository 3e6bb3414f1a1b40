"""Where the record of a site is stored, and the lock that its daemon holds."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

LOCK: Final = "lock"


def lock(folder: Path) -> ExitStack | None:
    """Take the lock that the daemon of a record holds while it runs; `None` = another one has it.

    In a folder that cannot be written the folder itself is locked. The lock ends when what is
    returned is closed, at the latest with the process. Raises `OSError` where neither exists.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        handle = os.open(folder, os.O_RDONLY)
    held = ExitStack()
    held.callback(os.close, handle)
    for pause_s in (0.05, 0.1, 0.2, 0.0):  # `is_locked` elsewhere may hold it for a moment
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(pause_s)
        else:
            return held
    held.close()
    return None


def is_locked(folder: Path) -> bool:
    """Whether a daemon runs on this record. A lock ends with its process, however that ended."""
    return any(_is_locked(path) for path in (folder / LOCK, folder))


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def state_dir(site_id: str, override: Path | None) -> Path:
    """The folder of a site's record: `override` (the option --state), else $SITEEMS_STATE/<id>,
    else the user's state folder.
    """
    if override is not None:
        return override
    root = os.environ.get("SITEEMS_STATE")
    if root:
        return Path(root) / site_id
    user_state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(user_state) / "siteems" / site_id


def history_path(folder: Path) -> Path:
    """The file of the historian in a state folder."""
    return folder / "history.sqlite3"
