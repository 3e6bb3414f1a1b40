"""What the commands for a running daemon have in common: its folder, its time, the channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from siteems.clock import Clock, WallClock
from siteems.demand_response.event import DrEvent
from siteems.history.location import history_path, state_dir
from siteems.history.records import RecordError
from siteems.history.store import History
from siteems.operations.command_channel import DaemonUnavailable, send
from siteems.operations.daemon_state import DaemonState, daemon_clock, daemon_state
from siteems.operations.english import ENGLISH
from siteems.operations.event_alarms import cap_below_ac_load, recorded_ac_load_kw
from siteems.operations.status_text import daemon_text
from siteems.site.model import Site
from siteems.site.read_file import load_site

T = TypeVar("T")


@dataclass(frozen=True)
class RunningDaemon:
    """The daemon of a state folder, as far as it answers."""

    folder: Path

    def now(self) -> datetime:
        """The time on the daemon's clock, as far as its record names it."""
        wall_clock: Clock = WallClock()
        return self._from_record(daemon_clock, wall_clock).now()

    def warning_about(self, event: DrEvent) -> str:
        """Why an event cannot be held as the site is now; "" where that is not known."""
        now = self.now()
        ac_load_kw = self._from_record(lambda history: recorded_ac_load_kw(history, now), None)
        alarm = cap_below_ac_load(event, ac_load_kw, now)
        return "" if alarm is None else ENGLISH.text(alarm.message)

    def send(self, command: str, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Raises `DaemonUnavailable`, with what is known of the daemon, and `UserError`."""
        try:
            return send(self.folder, command, arguments)
        except DaemonUnavailable as error:
            state = self._from_record(daemon_state, DaemonState("never-started"))
            raise DaemonUnavailable(*error.lines, f"the daemon: {daemon_text(state)}") from error

    def _from_record(self, read: Callable[[History], T], otherwise: T) -> T:
        try:
            history = History(history_path(self.folder), read_only=True)
        except RecordError:
            return otherwise
        try:
            return read(history)
        finally:
            history.close()


def at_site(site_file: Path, state: Path | None) -> tuple[Site, RunningDaemon]:
    """The site and its daemon. Raises `UserError`."""
    site = load_site(site_file, read_only=True)
    return site, RunningDaemon(state_dir(site.site.id, state))
