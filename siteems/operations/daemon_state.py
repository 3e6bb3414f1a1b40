"""What the daemon notes about itself in its record, and what other commands read from there:
whether it runs, on which clock, and how its links do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from siteems.clock import Clock, FileClock, WallClock
from siteems.history.location import is_locked
from siteems.history.store import History


@dataclass(frozen=True)
class DaemonState:
    """What is known of the daemon of a record."""

    state: Literal["never-started", "running", "stopped", "dead"]
    """`dead` = ended without a clean stop; its devices fall back when their leases run out."""
    pid: int | None = None
    """Process id of the daemon that runs or ran last."""
    stopped: datetime | None = None
    """When it stopped cleanly."""

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.state == "running"


def note_started(history: History, site_id: str, pid: int, clock: Clock) -> None:
    """Note that a daemon starts. Raises `RecordError`."""
    history.set_fact("site", site_id)
    history.set_fact("pid", str(pid))
    path = str(clock.path.resolve()) if isinstance(clock, FileClock) else ""
    history.set_fact("clock_file", path)
    history.set_fact("started", clock.now().isoformat())
    history.set_fact("stopped", "")


def note_stopped(history: History, now: datetime) -> None:
    """Note a clean stop. Raises `RecordError`."""
    history.set_fact("stopped", now.isoformat())


def note_traffic(history: History, traffic: Mapping[str, Any]) -> None:
    """Keep the counters of links and writes. Raises `RecordError`."""
    history.set_fact("traffic", json.dumps(traffic))


def recorded_traffic(history: History) -> dict[str, Any] | None:
    """The counters as noted last. Raises `RecordError`."""
    traffic = history.fact("traffic")
    return cast("dict[str, Any]", json.loads(traffic)) if traffic else None


def daemon_state(history: History) -> DaemonState:
    """The state of the daemon that works on this record.

    The process id alone proves nothing, since ids are used again; a running daemon holds the lock.
    """
    pid, stopped = history.fact("pid"), history.fact("stopped")
    if pid is None:
        return DaemonState("never-started")
    if stopped:
        return DaemonState("stopped", int(pid), datetime.fromisoformat(stopped))
    if not is_locked(history.path.parent):
        return DaemonState("dead", int(pid))
    return DaemonState("running", int(pid))


def daemon_clock(history: History) -> Clock:
    """The clock that the daemon of this record runs, or last ran, on."""
    path = history.fact("clock_file")
    return FileClock(Path(path)) if path and Path(path).exists() else WallClock()
