"""The file of a running daemon's record: opened when it can be, set aside when it cannot be used,
opened anew when it was deleted or replaced.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from drivers.backoff import Backoff, growing_pauses
from siteems.history.records import RecordError, UnusableRecord
from siteems.history.set_aside import file_id, rescue, set_aside
from siteems.history.store import History

BUSY_MS: Final = 1000
"""How long a write waits for another process's lock before the thread looks at DR events again."""
ASIDE_PAUSES_S: Final = growing_pauses(60.0, 86400.0, factor=6.0)
"""Between two files that are set aside: a card that damages every file must not fill up with them.
"""


@dataclass(frozen=True)
class Replaced:
    """The record could not be used any more, and another file took its place."""

    detail: str
    kept: str
    """Name of the file that holds what was there before; "" = nothing could be kept."""


class RecordFile:
    """At most one open `History`. Used by one thread only."""

    def __init__(
        self, path: Path, now: Callable[[], datetime], replaced: Callable[[Replaced], None]
    ) -> None:
        self.path, self._now, self._replaced = path, now, replaced
        self._history: History | None = None
        self._id: tuple[int, int] | None = None
        self._aside = Backoff(ASIDE_PAUSES_S)
        self.number = 0
        """Counts the files that were opened."""

    @property
    def is_open(self) -> bool:
        """Whether a file is open."""
        return self._history is not None

    def open(self) -> History:
        """The open record. Raises `RecordError`; then nothing can be recorded for now."""
        if self._history is not None and file_id(self.path) != self._id:
            self._follow(self._history)
        if self._history is None:
            try:
                self._history = History(self.path, migrate=False, busy_ms=BUSY_MS)
            except UnusableRecord as error:
                self.set_aside(error)
                self._history = History(self.path, migrate=False, busy_ms=BUSY_MS)
            self._id = file_id(self.path)
            self.number += 1
        return self._history

    def set_aside(self, error: UnusableRecord) -> None:
        """Make room for a new file. Raises `RecordError` where that cannot be done now."""
        self.close()
        if self._aside.resting(time.monotonic()):
            raise RecordError(str(error))
        try:
            kept = set_aside(self.path, self._now())
        except OSError as refused:
            raise RecordError(f"{error}; it cannot be set aside ({refused})") from refused
        self._aside.failed(time.monotonic())
        self._replaced(Replaced(str(error), kept.name))

    def _follow(self, history: History) -> None:
        """The open file is no longer the one at its path."""
        kept = rescue(history, self._now())
        self._history = None
        detail = f"{self.path}: deleted or replaced while it was in use"
        self._replaced(Replaced(detail, "" if kept is None else kept.name))

    def close(self) -> None:
        """Close the file, if one is open."""
        if self._history is not None:
            self._history.close()
            self._history = None
