"""What every alarm has: code and text, level, meaning and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from siteems.history.records import AlarmLevel, AlarmRecord
from siteems.messages.message import MessageType

NOTHING_TO_DO: Final = "Nothing."
"""A remedy."""


@dataclass(frozen=True, slots=True)
class AlarmType(MessageType):
    """One kind of alarm."""

    level: AlarmLevel
    meaning: str
    """When it is raised."""
    remedy: str
    """What the operator should do."""
    clears: tuple[str, ...] = ()
    """Codes of the alarms that end with this one."""
    of_one_run: bool = False
    """Whether it says something about one run of the daemon, which the next start makes obsolete.
    """

    def at(self, time: datetime, **values: Any) -> AlarmRecord:
        """The record of this alarm at a time, with the values that its text needs."""
        return AlarmRecord(time, self.level, self(**values))
