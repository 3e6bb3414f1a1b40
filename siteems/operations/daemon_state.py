"""Whether the daemon of a record runs, and on which clock."""

from __future__ import annotations

from pathlib import Path

from siteems.clock import Clock, FileClock, WallClock
from siteems.history.location import is_locked
from siteems.history.store import History


def daemon_clock(history: History) -> Clock:
    """The clock that the daemon of this record runs, or last ran, on."""
    path = history.fact("clock_file")
    return FileClock(Path(path)) if path and Path(path).exists() else WallClock()


def daemon_state(history: History) -> str:
    """Whether the daemon of this record runs, in words that begin with `running` if so."""
    pid, stopped = history.fact("pid"), history.fact("stopped")
    if pid is None:
        return "never started"
    if stopped:
        return f"stopped at {stopped}"
    if not is_locked(history.path.parent):
        return f"dead without a clean stop (was process {pid}); devices fall back when their leases run out"
    return f"running (process {pid})"
