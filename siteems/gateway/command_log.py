"""The write gate's records on their way to the historian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import structlog

from drivers.write_gate.records import Outcome, WriteRecord
from siteems.history.records import Command, RecordError
from siteems.history.store import History
from siteems.messages.message import Message

log = structlog.get_logger()

RECORDS_KEPT = 10_000
"""Most records that wait in memory while the historian cannot write: some hours of writes in a few
megabytes. Beyond that the oldest ones are lost.
"""


class CommandLog:
    """Collects write records, and hands them to the historian once per cycle."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._waiting: list[WriteRecord] = []

    def add(self, record: WriteRecord) -> None:
        """Take a record from the gate."""
        self._waiting.append(record)

    def flush(self) -> None:
        """Store all records; those that cannot be stored now are kept for the next time."""
        if not self._waiting:
            return
        try:
            self._history.add_commands([_command(each) for each in self._waiting])
            self._waiting.clear()
        except RecordError as error:
            log.error("record-failed", error=str(error), waiting=len(self._waiting))
            del self._waiting[:-RECORDS_KEPT]


def _command(record: WriteRecord) -> Command:
    """The gate's record with the reason as a message; the gate keeps it in its record form."""
    return Command(**asdict(record) | {"reason": Message.from_record(record.reason)})


NOT_HELD: tuple[Outcome, ...] = ("failed", "mismatch", "refused")


def trouble_in(records: Sequence[WriteRecord], outcomes: Sequence[Outcome] = NOT_HELD) -> str:
    """The first point whose last try ended with one of these outcomes, and its detail; or ""."""
    last_tries = {record.point: record for record in records}
    for record in last_tries.values():
        if record.outcome in outcomes:
            return f"{record.point}: {record.outcome}, {record.detail}"
    return ""
