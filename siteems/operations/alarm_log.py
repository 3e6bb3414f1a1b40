"""Where raised alarms go: into the record and into the log."""

from __future__ import annotations

from typing import Final, Protocol

import structlog

from siteems.history.records import AlarmLevel, AlarmRecord, RecordError
from siteems.operations.english import ENGLISH

log = structlog.get_logger()

LOG_LEVELS: Final[dict[AlarmLevel, int]] = {"info": 20, "warning": 30, "alarm": 40}
"""The numbers of the standard library's `logging`."""


class AlarmStore(Protocol):
    """What keeps alarms: the historian, or the memory of a replay."""

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Keep an alarm. Raises `RecordError`."""
        ...


class AlarmLog:
    """Records alarms and logs them. A record that cannot be written is itself logged."""

    def __init__(self, store: AlarmStore) -> None:
        self._store = store

    def report(self, alarm: AlarmRecord) -> None:
        """Take an alarm. Never raises: control must go on."""
        try:
            self._store.add_alarm(alarm)
        except RecordError as error:
            log.error("record-failed", error=str(error))
        message = alarm.message
        log.log(
            LOG_LEVELS[alarm.level],
            alarm.code,
            values={name: value for name, value in message.as_dict().items() if name != "code"},
            text=ENGLISH.text(message),
        )
