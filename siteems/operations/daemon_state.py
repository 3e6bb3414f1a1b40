"""What the daemon notes about itself in its record, and what other commands read from there:
whether it runs, on which clock, and how its links do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from siteems.clock import Clock, FileClock, WallClock
from siteems.errors import UserError
from siteems.history.location import is_locked
from siteems.history.ownership import SITE_FACT
from siteems.history.store import History
from siteems.messages.json_text import json_text

LINK_TROUBLES: Final = (
    "timeouts",
    "late",
    "bad",
    "refused",
    "repeated",
    "foreign",
    "noise_bytes",
    "reconnects",
)
"""Counters of a link that are shown when they are not 0."""


@dataclass(frozen=True)
class DaemonState:
    """What is known of the daemon of a record."""

    state: Literal["never-started", "running", "stopped", "dead"]
    """`dead` = ended without a clean stop; its devices fall back when their leases run out."""
    pid: int | None = None
    """Process id of the daemon that runs or ran last."""
    stopped: datetime | None = None
    """When it stopped cleanly."""
    started: datetime | None = None
    """When the run began that this is the state of, on the daemon's clock."""
    read_only: bool = False
    """It reads, plans and records, and writes to no device."""

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.state == "running"


class FactStore(Protocol):
    """What keeps facts: the recorder of a daemon, or the historian itself."""

    def set_fact(self, key: str, value: str) -> None:
        """Keep a text under a key. May raise `RecordError`."""
        ...


def note_started(
    history: FactStore, site_id: str, pid: int, clock: Clock, *, read_only: bool = False
) -> None:
    """Note that a daemon starts. Raises `RecordError`."""
    history.set_fact("read_only", "yes" if read_only else "")
    history.set_fact(SITE_FACT, site_id)
    history.set_fact("pid", str(pid))
    path = str(clock.path.resolve()) if isinstance(clock, FileClock) else ""
    history.set_fact("clock_file", path)
    history.set_fact("started", clock.now().isoformat())
    history.set_fact("stopped", "")


def note_stopped(history: FactStore, now: datetime) -> None:
    """Note a clean stop. Raises `RecordError`."""
    history.set_fact("stopped", now.isoformat())


def note_traffic(history: FactStore, traffic: Mapping[str, Any]) -> None:
    """Keep the counters of links and writes. Raises `RecordError`."""
    history.set_fact("traffic", json_text(traffic, indent=None))


def recorded_traffic(history: History) -> dict[str, Any] | None:
    """The counters as noted last; None where none can be read. Raises `RecordError`."""
    text = history.fact("traffic")
    try:
        traffic = json.loads(text) if text else None
        return traffic if traffic is not None and _is_traffic(traffic) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _is_traffic(traffic: Any) -> bool:
    """Whether all counters are there and are numbers; may raise what other data make it raise."""
    links, writes = traffic["links"].values(), traffic["writes_today"].values()
    counters = [link["requests"] for link in links]
    counters += [link.get(key, 0) for link in links for key in LINK_TROUBLES]
    counters += [unit["timeouts"] for link in links for unit in link["units"].values()]
    counters += [each[key] for each in writes for key in ("writes", "allowed")]
    return all(isinstance(counter, int) for counter in counters)


def daemon_state(history: History) -> DaemonState:
    """The state of the daemon that works on this record.

    The process id alone proves nothing, since ids are used again; a running daemon holds the lock.
    """
    fact, stopped = history.fact("pid"), _time_of(history.fact("stopped"))
    pid = int(fact) if fact is not None and fact.isdecimal() and len(fact) <= 10 else None
    if fact is None:
        return DaemonState("never-started")
    started = _time_of(history.fact("started"))
    if stopped is not None:
        return DaemonState("stopped", pid, stopped, started)
    if not is_locked(history.path.parent):
        return DaemonState("dead", pid, started=started)
    read_only = bool(history.fact("read_only"))
    return DaemonState("running", pid, started=started, read_only=read_only)


def _time_of(text: str | None) -> datetime | None:
    """An aware time; None for no text, or one that is no time."""
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None


def daemon_clock(history: History) -> Clock:
    """The clock that the daemon of this record runs, or last ran, on. Where its file is gone or
    cannot be read, the wall clock.
    """
    path = history.fact("clock_file")
    try:
        return FileClock(Path(path)) if path else WallClock()
    except (UserError, ValueError):  # the second for a path that no file can have
        return WallClock()
