"""What the commands for a running daemon have in common: its folder, its time, the channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from siteems.clock import Clock, WallClock
from siteems.history.location import history_path, state_dir
from siteems.history.records import RecordError
from siteems.history.store import History
from siteems.operations.command_channel import DaemonUnavailable, send
from siteems.operations.daemon_state import DaemonState, daemon_clock, daemon_state
from siteems.operations.status_text import daemon_text
from siteems.site.model import Site
from siteems.site.read_file import load_site

T = TypeVar("T", Clock, DaemonState)


@dataclass(frozen=True)
class RunningDaemon:
    """The daemon of a state folder, as far as it answers."""

    folder: Path

    def now(self) -> datetime:
        """The time on the daemon's clock, as far as its record names it."""
        return self._from_record(daemon_clock, WallClock()).now()

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
